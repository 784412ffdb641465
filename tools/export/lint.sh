#!/usr/bin/env bash
# Rules, format and types of the exporter, in its own environment, which is made the first time: PYTHON and PARITY_VENV as in
# scripts/parity.sh. The service need not be there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh
python="$(exporter_python)"
cd tools/export
"$python" -m pip install --quiet --requirement requirements-lint.txt

"$python" -m ruff check .
"$python" -m ruff format --check .
"$python" -m mypy
