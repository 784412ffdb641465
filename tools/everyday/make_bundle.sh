#!/usr/bin/env bash
# Builds bundles/everyday again from pinned packages and evaluates it through the built service. The packages (300 MB, 900 more
# for the evaluation) are kept in target/everyday, or where ONESPACE_EVERYDAY_CACHE says. Needs python 3.11, dpkg, ffmpeg.
#   tools/everyday/make_bundle.sh [--floats] [--held] [--out DIR]
#     --floats  the picture network in floats instead of bytes
#     --held    the evaluation on the held-out half as well, for a release
#     --out     where to, instead of target/everyday/bundle: compare with bundles/everyday before anything is replaced
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
ROOT="$(cd ../.. && pwd)"
OUT="$ROOT/target/everyday/bundle"
SERVICE="${SERVICE:-$ROOT/target/release/onespace}"
build=() measure=()
while [ $# -gt 0 ]; do
    case "$1" in
        --floats) build+=(--floats) ;;
        --held) measure+=(--held) ;;
        --out) shift; OUT="${1:?--out needs a folder}" ;;
        *) echo "unknown: $1" >&2; exit 2 ;;
    esac
    shift
done
[ -x "$SERVICE" ] || { echo "no service at $SERVICE: make run builds it" >&2; exit 1; }
if [ ! -x .venv/bin/python ]; then
    "${PYTHON:-python3.11}" -m venv .venv
    .venv/bin/python -m pip install --quiet --requirement requirements.txt
fi
export ONESPACE_ONNXRUNTIME="${ONESPACE_ONNXRUNTIME:-$ROOT/target/onnxruntime/libonnxruntime.so}" ORT_DISABLE_TELEMETRY=1

.venv/bin/python -m everyday.build --out "$OUT" "${build[@]}"
"$SERVICE" bundle golden --bundle "$OUT"
.venv/bin/python -m everyday.evaluation.calibration --binary "$SERVICE" --bundle "$OUT"
"$SERVICE" bundle verify --bundle "$OUT"
.venv/bin/python -m everyday.evaluation --binary "$SERVICE" --bundle "$OUT" --baseline "$ROOT/bundles/diorama" \
    "${measure[@]}" --card "$OUT/MODEL_CARD.md"
