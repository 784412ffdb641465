# Shared by the scripts beside it; sourced, never run.
# shellcheck shell=bash

# What runs ONNX Runtime from here tells its makers nothing.
export ORT_DISABLE_TELEMETRY=1

# Progress goes to stderr, so that a script's stdout stays what it answers.
say() { printf '\033[1m%s\033[0m %s\n' "$1" "${*:2}" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

if [[ ! -t 2 || -n ${NO_COLOR:-} ]]; then
  say() { printf '%s %s\n' "$1" "${*:2}" >&2; }
fi

have() { command -v "$1" >/dev/null 2>&1; }

# as_root COMMAND…: directly when root, through sudo otherwise.
as_root() {
  if ((EUID == 0)); then "$@"
  elif have sudo; then sudo "$@"
  else die "not root and no sudo: run as root: $*"
  fi
}

# sha256_is FILE HEX
sha256_is() { [[ -f $1 ]] && printf '%s  %s\n' "$2" "$1" | sha256sum --check --status; }

# exporter_python: prints the Python of the exporter's environment, made the first time (PYTHON names the interpreter,
# PARITY_VENV an environment that is there already).
exporter_python() {
  local venv="${PARITY_VENV:-tools/export/.venv}"
  if [[ ! -x $venv/bin/python ]]; then
    say python "$venv"
    "${PYTHON:-python3.11}" -m venv "$venv" >&2
    "$venv/bin/python" -m pip install --quiet --requirement tools/export/requirements.txt >&2
  fi
  printf '%s/bin/python\n' "$(realpath "$venv")"
}

# exporter MODULE ARGUMENTS…: becomes this module of onespace_export, in its environment. The built service has to be there.
exporter() {
  local python
  [[ -x target/release/onespace ]] || die "target/release/onespace is not there: cargo build --release --locked -p onespace"
  python="$(exporter_python)" || die "no environment for the exporter"
  cd tools/export || die "tools/export is not there"
  exec "$python" -m "onespace_export.$1" "${@:2}"
}
