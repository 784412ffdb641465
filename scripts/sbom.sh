#!/usr/bin/env bash
# A software bill of materials (CycloneDX 1.5) of each binary that is shipped, in target/sbom:
#
#   onespace.cdx.json          what `make run` builds: films, and the tools that make bundles
#   server.cdx.json            of the images that decode no films
#   server-video.cdx.json      of those that do
#
# Crates come from Cargo.lock, with their licences and digests; ONNX Runtime, which is loaded and not linked, is added
# with the digest it is pinned by. Debian's packages in an image are told by the image itself: dpkg-query.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh

readonly OUT=target/sbom

# bill NAME FEATURES…: it is written beside the manifests, and taken from there.
bill() {
  local name=$1
  shift
  target/cyclonedx/bin/cargo-cyclonedx cyclonedx --manifest-path services/onespace/Cargo.toml --quiet \
    --format json --spec-version 1.5 --describe binaries "$@"
  mv services/onespace/onespace_bin.cdx.json "$OUT/$name.cdx.json"
  # One is written for every binary of the workspace.
  rm -f benches/*.cdx.json
  target/venv/bin/python - "$OUT/$name.cdx.json" target/onnxruntime/libonnxruntime.so "$ONNXRUNTIME" <<'PYTHON'
import hashlib, json, pathlib, sys

bill, library, version = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
document = json.loads(bill.read_text())
document["components"].append({
    "type": "library",
    "bom-ref": f"pkg:pypi/onnxruntime@{version}",
    "name": "onnxruntime",
    "version": version,
    "purl": f"pkg:pypi/onnxruntime@{version}",
    "licenses": [{"license": {"id": "MIT"}}],
    "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(library.read_bytes()).hexdigest()}],
})
bill.write_text(json.dumps(document, indent=1) + "\n")
print(f"{bill}: {len(document['components'])} components")
PYTHON
}

ONNXRUNTIME=$(sed -n 's/^readonly ORT_VERSION=//p' scripts/setup.sh)
mkdir -p "$OUT"
bill onespace
bill server --no-default-features
bill server-video --no-default-features --features video
