#!/usr/bin/env bash
# Rules, format and types of this package, in its own environment, which is made the first time: PYTHON names the
# interpreter, EVERYDAY_VENV an environment that is there already. The service need not be there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
venv="${EVERYDAY_VENV:-.venv}"
if [[ ! -x $venv/bin/python ]]; then
  "${PYTHON:-python3.11}" -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --requirement requirements.txt
fi
"$venv/bin/python" -m pip install --quiet --requirement requirements-lint.txt

"$venv/bin/python" -m ruff check .
"$venv/bin/python" -m ruff format --check .
"$venv/bin/python" -m mypy
