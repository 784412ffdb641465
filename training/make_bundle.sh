#!/usr/bin/env bash
# Makes bundles/diorama and samples/ again from seeds: world, training, export, int8, samples, evaluation, card.
# Stopped, it goes on where it was. Everything on the way lies in training/.cache; delete that to start afresh.
# Needs python 3.11, a C compiler, ffmpeg and libespeak-ng1; for the evaluation the built service (make run builds it).
set -euo pipefail
cd "$(dirname "$0")"

STEPS="${STEPS:-2400}"
SEEN="${SEEN:-15}" HEARD="${HEARD:-10}"  # shards
RANKS="${RANKS:-2}"
PYTHON="${PYTHON:-python3}"
SERVICE="${SERVICE:-../target/release/onespace}"

for tool in cc ffmpeg "$PYTHON"; do
    command -v "$tool" >/dev/null || { echo "needed and not found: $tool" >&2; exit 1; }
done
if [ ! -x .venv/bin/python ]; then
    "$PYTHON" -m venv .venv
    .venv/bin/python -m pip install --quiet --requirement requirements.txt
fi

scratch="$(mktemp -d)"
service=""
stop() {
    if [ -n "$service" ]; then
        kill "$service" 2>/dev/null || true
        wait "$service" 2>/dev/null || true
        service=""
    fi
}
trap 'stop; rm -rf "$scratch"' EXIT

# measure BUNDLE ARGUMENTS...: the evaluation through a service of this bundle alone
measure() {
    local bundle="$1" log="$scratch/service.log" endpoint=""
    shift
    "$SERVICE" up --bundle "$bundle" --data "$scratch/data-$(basename "$bundle")" --listen 127.0.0.1:0 --http 127.0.0.1:0 >"$log" 2>&1 &
    service=$!
    for _ in $(seq 300); do
        grep -q '^ready' "$log" && break
        kill -0 "$service" 2>/dev/null || { cat "$log" >&2; exit 1; }
        sleep 0.2
    done
    endpoint="$(sed -n 's/^listening grpc=\([^ ]*\).*/\1/p' "$log")"
    .venv/bin/python -m eval.served --endpoint "$endpoint" --bundle "$bundle" "$@"
    stop
}

export OMP_NUM_THREADS=1
.venv/bin/python -m pytest --quiet tests
.venv/bin/python generate.py --part seen --shards "$SEEN" --workers "$RANKS"
.venv/bin/python generate.py --part heard --shards "$HEARD" --workers "$RANKS"
.venv/bin/python train.py --steps "$STEPS" --ranks "$RANKS"
.venv/bin/python export.py
.venv/bin/python -m eval.calibration
.venv/bin/python quantise.py
.venv/bin/python samples.py
if [ ! -x "$SERVICE" ]; then
    .venv/bin/python -m eval.without_service
    echo "No service at $SERVICE: this was the reference. Build it (make run) and run this again for the card."
    exit 0
fi
export ONESPACE_ONNXRUNTIME="${ONESPACE_ONNXRUNTIME:-$PWD/../target/onnxruntime/libonnxruntime.so}"
measure ../bundles/diorama-int8 --as int8
measure ../bundles/diorama --card
