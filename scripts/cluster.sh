#!/usr/bin/env bash
# The cluster of deploy/kubernetes as processes on loopback: a gateway and an encoder for every
# modality, two of them for images, and for speech where `make speech` brought a transcriber, speaking real gRPC. Ends
# all that it started, and nothing else.
#
#   scripts/cluster.sh              runs until Ctrl-C
#   scripts/cluster.sh COMMAND…     runs COMMAND against it and ends with COMMAND's exit status;
#                                   ONESPACE_ENDPOINT is where the gateway is
#
# ONESPACE_CLUSTER_PORT (50051) is the gateway's gRPC port; HTTP is the next, the encoders follow
# from ten above. ONESPACE_CLUSTER_DATA (.onespace/cluster) holds the vectors and the logs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh

readonly BINARY=target/release/onespace
readonly BUNDLE=${BUNDLE:-bundles/diorama}
readonly TRANSCRIBER=${TRANSCRIBER:-target/speech}
readonly PORT=${ONESPACE_CLUSTER_PORT:-50051}
readonly DATA=${ONESPACE_CLUSTER_DATA:-.onespace/cluster}
readonly LOGS=$DATA/logs
readonly ENDPOINT=http://127.0.0.1:$PORT
readonly ENCODERS=(text image image audio video point_cloud)
readonly READY_SECONDS=120
readonly DRAIN_SECONDS=40
export ONESPACE_ONNXRUNTIME=${ONESPACE_ONNXRUNTIME:-$PWD/target/onnxruntime/libonnxruntime.so}

names=() pids=() endpoints=()

# launch NAME PORT ARGUMENTS…: its own session, so that a Ctrl-C meant for this script reaches
# the service as one SIGTERM, and it drains.
launch() {
  local name=$1 port=$2
  shift 2
  setsid "$BINARY" "$@" --listen "127.0.0.1:$port" >"$LOGS/$name.log" 2>&1 </dev/null &
  names+=("$name") pids+=("$!") endpoints+=("http://127.0.0.1:$port")
}

# fail INDEX WHY: with the end of that service's log.
fail() {
  say "${names[$1]}" "$2; the end of $LOGS/${names[$1]}.log:"
  tail -n 20 "$LOGS/${names[$1]}.log" >&2
  exit 1
}

wait_until_ready() {
  local deadline=$((SECONDS + READY_SECONDS)) i
  for i in "${!pids[@]}"; do
    until "$BINARY" health --endpoint "${endpoints[i]}" >/dev/null 2>&1; do
      kill -0 "${pids[i]}" 2>/dev/null || fail "$i" "stopped while starting"
      ((SECONDS < deadline)) || fail "$i" "not ready after $READY_SECONDS s"
      sleep 0.2
    done
  done
}

# The gateway first, so that it finishes what it has with the encoders still there.
stop() {
  local status=$? i deadline
  trap - EXIT INT TERM
  for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
    kill -TERM "${pids[i]}" 2>/dev/null || continue
    if [[ ${names[i]} == gateway ]]; then finish "$i" $((SECONDS + DRAIN_SECONDS)); fi
  done
  deadline=$((SECONDS + DRAIN_SECONDS))
  for i in "${!pids[@]}"; do finish "$i" "$deadline"; done
  exit "$status"
}

finish() {
  while kill -0 "${pids[$1]}" 2>/dev/null; do
    if ((SECONDS >= $2)); then
      say "${names[$1]}" "did not drain in time and is killed"
      kill -KILL "${pids[$1]}" 2>/dev/null || true
    fi
    sleep 0.1
  done
}

main() {
  [[ -x $BINARY ]] || die "$BINARY is not built: make cluster builds it"
  mkdir -p "$LOGS"
  trap stop EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM

  local modality port=$((PORT + 10)) routes=()
  for modality in "${ENCODERS[@]}"; do
    launch "$modality-$port" "$port" encoder --modality "$modality" --bundle "$BUNDLE"
    routes+=(--encoder "$modality=http://127.0.0.1:$port")
    port=$((port + 1))
  done
  if [[ -f $TRANSCRIBER/transcriber.toml ]]; then
    launch "speech-$port" "$port" transcriber --transcriber "$TRANSCRIBER"
    routes+=(--transcriber "http://127.0.0.1:$port")
  fi
  say start "${#pids[@]} encoders, then the gateway"
  wait_until_ready
  launch gateway "$PORT" gateway "${routes[@]}" --data "$DATA/store" --http "127.0.0.1:$((PORT + 1))"
  wait_until_ready

  local i
  for i in "${!pids[@]}"; do
    printf '  %-18s pid %-8s %s\n' "${names[i]}" "${pids[i]}" "${endpoints[i]}" >&2
  done
  say ready "gRPC $ENDPOINT, HTTP http://127.0.0.1:$((PORT + 1)), logs in $LOGS"

  if (($#)); then
    ONESPACE_ENDPOINT=$ENDPOINT "$@"
    return
  fi
  say "next" "$BINARY ingest samples --collection samples --endpoint $ENDPOINT"
  say "stop" "with Ctrl-C"
  local status=0
  wait -n "${pids[@]}" || status=$?
  for i in "${!pids[@]}"; do
    kill -0 "${pids[i]}" 2>/dev/null || fail "$i" "ended by itself ($status)"
  done
}

main "$@"
