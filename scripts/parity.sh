#!/usr/bin/env bash
# The built service against the reference pipelines of the published models; writes docs/PARITY.md.
#
#   scripts/parity.sh                            every family
#   scripts/parity.sh --only clip --modality image   some; docs/PARITY.md is left as it is
#
# Needs target/release/onespace, and Python 3.11 the first time (PYTHON names another one; PARITY_VENV an environment
# that has tools/export/requirements.txt already). Exit 1: something is below its mark.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh

exporter parity "$@"
