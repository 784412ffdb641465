#!/usr/bin/env bash
# Has a fuzzer (libFuzzer, by cargo-fuzz and a nightly compiler) look for bytes that something here cannot bear:
#
#   scripts/fuzz.sh SECONDS [TARGET…]   every target, or those, for so long each
#
# What it finds lies in target/fuzz/findings/TARGET; `tests/fuzz/corpora/TARGET` is where a finding goes for good, once
# it is mended, and is replayed by `cargo test`. Exit 1: something was found.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh

readonly FUZZ=tests/fuzz/libfuzzer OUT=target/fuzz
# Of memory, in MiB: what a media may hold while it is decoded (DECODING_BYTES), and the program.
readonly MEMORY=2048
readonly SLOWEST=30

seconds=${1:?how many seconds for each target}
shift

# The targets, as the table in tests/fuzz/src/lib.rs has them.
all() {
  sed -n 's/^    Target { name: "\([a-z_]*\)".*/\1/p' tests/fuzz/src/lib.rs
}

# As the server is built of, and what the fuzzer brings.
cp Cargo.lock "$FUZZ/"
export CARGO_TARGET_DIR=$PWD/target/fuzz/build RUSTUP_TOOLCHAIN=nightly
target/cargo-fuzz/bin/cargo-fuzz build --fuzz-dir "$FUZZ" --release any
readonly BINARY=$CARGO_TARGET_DIR/$(rustc -vV | sed -n 's/^host: //p')/release/any

if (($#)); then targets=("$@"); else mapfile -t targets < <(all); fi
found=0
for name in "${targets[@]}"; do
  corpus=$OUT/corpora/$name
  mkdir -p "$corpus" "$OUT/findings/$name"
  say fuzz "$name for $seconds s"
  ONESPACE_FUZZ=$name ONESPACE_FUZZ_CORPUS=$corpus "$BINARY" "$corpus" -max_total_time="$seconds" -timeout="$SLOWEST" \
    -rss_limit_mb="$MEMORY" -max_len=65536 -artifact_prefix="$OUT/findings/$name/" -print_final_stats=1 \
    >"$OUT/$name.log" 2>&1 || { found=1; say found "$name: see $OUT/$name.log"; }
  grep -hE 'cov:|stat::number_of_executed_units' "$OUT/$name.log" | tail -n2
done
exit "$found"
