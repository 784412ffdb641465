#!/usr/bin/env bash
# Published models at full size with random weights, and their smaller variants, through the built service; writes
# docs/FULLSIZE.md. Takes half an hour and more on two cores, 20 GB of disk and 13 GiB of memory; goes on where it was stopped.
#
#   scripts/bench_models.sh                  every family
#   scripts/bench_models.sh --only clip clap some
#
# Needs target/release/onespace, and Python 3.11 the first time (PYTHON names another one; PARITY_VENV an environment
# that has tools/export/requirements.txt already).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh
exporter fullsize "$@"
