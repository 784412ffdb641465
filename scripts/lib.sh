# Shared by the scripts beside it; sourced, never run.
# shellcheck shell=bash

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
