#!/usr/bin/env bash
# Makes bundles/diorama and samples/ again from seeds: world, training, export, offline look.
# Stopped, it goes on where it was. Everything on the way lies in training/.cache; delete that to start afresh.
# Needs python 3.11, a C compiler, ffmpeg and libespeak-ng1. About an hour and a half on two cores.
set -euo pipefail
cd "$(dirname "$0")"

STEPS="${STEPS:-960}"
SHARDS="${SHARDS:-4}"
RANKS="${RANKS:-2}"
PYTHON="${PYTHON:-python3}"

for tool in cc ffmpeg "$PYTHON"; do
    command -v "$tool" >/dev/null || { echo "needed and not found: $tool" >&2; exit 1; }
done
if [ ! -x .venv/bin/python ]; then
    "$PYTHON" -m venv .venv
    .venv/bin/python -m pip install --quiet --requirement requirements.txt
fi

export OMP_NUM_THREADS=1
.venv/bin/python -m pytest --quiet tests
.venv/bin/python generate.py --shards "$SHARDS" --workers "$RANKS"
.venv/bin/python train.py --steps "$STEPS" --ranks "$RANKS"
.venv/bin/python export.py
.venv/bin/python samples.py
.venv/bin/python -m eval.offline
echo "Now start the service (make run) and measure it: training/.venv/bin/python -m eval.served, in training/."
