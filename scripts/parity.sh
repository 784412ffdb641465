#!/usr/bin/env bash
# The built service against the reference pipelines of the published models; writes docs/PARITY.md.
#
#   scripts/parity.sh                            every family
#   scripts/parity.sh --only clip --modality image   some; docs/PARITY.md is left as it is
#
# Needs target/release/onespace, and Python 3.11 the first time (PYTHON names another one; PARITY_VENV an environment
# that has training/export/requirements.txt already). Exit 1: something is below its mark.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh

readonly HERE=training/export
venv="${PARITY_VENV:-$HERE/.venv}"

[[ -x target/release/onespace ]] || die "target/release/onespace is not there: cargo build --release --locked -p onespace"
if [[ ! -x $venv/bin/python ]]; then
  say python "$venv"
  "${PYTHON:-python3.11}" -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --requirement "$HERE/requirements.txt"
fi
venv="$(realpath "$venv")"
cd "$HERE"
exec "$venv/bin/python" -m onespace_export.parity "$@"
