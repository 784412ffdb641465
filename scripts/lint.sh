#!/usr/bin/env bash
# Every lint, one after the other; all of them run, and what failed is named at the end.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
# shellcheck source=scripts/lib.sh
source scripts/lib.sh

failed=()

check() {
  local name=$1 start=$SECONDS
  shift
  say "$name"
  if "$@"; then
    say "  ok" "$((SECONDS - start)) s"
  else
    say "  FAILED" "$name"
    failed+=("$name")
  fi
}

buf() { target/buf/node_modules/.bin/buf "$@"; }

documentation() {
  RUSTDOCFLAGS="-D warnings" cargo doc --release --locked --workspace --no-deps --quiet
}

# Backwards: whatever the .proto files have and the descriptor lacks would be free to break.
descriptor_is_current() {
  buf breaking proto/onespace.binpb --against proto ||
    { say "" "run: target/buf/node_modules/.bin/buf build proto -o proto/onespace.binpb"; return 1; }
}

scripts_are_sound() {
  local scripts
  mapfile -t scripts < <(git ls-files --cached --others --exclude-standard '*.sh' .ci/run)
  shellcheck --external-sources "${scripts[@]}"
}

# As the environment of the tests has it built: with the code that protoc made.
python_client_types() {
  (cd clients/python && ../../target/venv/bin/ruff format --quiet --check src tests hatch_build.py && ../../target/venv/bin/mypy)
}

dependencies() {
  target/venv/bin/python scripts/fences.py || return
  target/venv/bin/python scripts/unsafe_code.py || return
  # The same rules and the advisory database, where cargo-deny is installed and may fetch it.
  if have cargo-deny; then cargo deny --locked check; fi
}

check "format" cargo fmt --all --check
check "clippy" cargo clippy --release --locked --workspace --all-targets --quiet -- -D warnings
check "clippy, without FFmpeg" cargo clippy --release --locked -p onespace --no-default-features --quiet -- -D warnings
check "documentation" documentation
check "wire contract: style" buf lint proto
check "wire contract: nothing breaks" buf breaking proto --against proto/onespace.binpb
check "wire contract: the descriptor is current" descriptor_is_current
check "dependencies" dependencies
check "Python" target/venv/bin/ruff check .
check "the client for Python: types" python_client_types
check "the plan of the house" target/venv/bin/python scripts/house.py
check "deployment files" target/venv/bin/python -m pytest -q tests/deploy
check "scripts" scripts_are_sound

if ((${#failed[@]})); then
  printf 'lint failed: %s\n' "$(IFS=,; echo "${failed[*]}")" >&2
  exit 1
fi
