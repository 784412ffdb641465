# The only commands anybody has to know. `make` alone lists them.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# One profile builds what runs and what is tested; Cargo.lock decides every version.
CARGO_FLAGS ?= --release --locked
BUNDLE ?= bundles/everyday
# Each space has samples of its own, and collections never meet.
SAMPLES ?= $(if $(filter everyday,$(notdir $(BUNDLE))),samples/everyday,samples)
# Where `make speech` puts what writes down speech; without it everything else works.
TRANSCRIBER ?= $(if $(wildcard target/speech/transcriber.toml),target/speech)
PYTEST := target/venv/bin/python -m pytest

# Named one by one within the workspace: building them as a package of their own would choose
# other features and compile everything again.
SYSTEM_TESTS = $(patsubst tests/tests/%.rs,--test %,$(wildcard tests/tests/*.rs))

# ONNX Runtime in Python keeps to itself, too; the binaries see to it themselves.
export ORT_DISABLE_TELEMETRY := 1
export ONESPACE_ONNXRUNTIME ?= $(CURDIR)/target/onnxruntime/libonnxruntime.so

.PHONY: help run speech test lint attack bench bench-models parity cluster cluster-test sbom fuzz overload files bundle bundle-everyday clean-data

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: ## everything in one process, with samples stored and a first question of every kind asked
	@scripts/setup.sh
	cargo build $(CARGO_FLAGS) -p onespace
	target/release/onespace up --bundle $(BUNDLE) --data .onespace/$(notdir $(BUNDLE)) --demo $(SAMPLES) \
		$(addprefix --transcriber ,$(TRANSCRIBER))

speech: ## bring what writes down speech (Whisper base, 90 MB), for `make run` to use from then on
	@scripts/setup.sh speech

test: ## every test: Rust, the Python clients, the deployment files
	@scripts/setup.sh test
	cargo build $(CARGO_FLAGS) --workspace
	cargo test $(CARGO_FLAGS) --workspace
	$(PYTEST) tests/python tests/deploy
	$(PYTEST) clients/python/tests

lint: ## formatting, clippy, docs, the wire contract, the dependency fences, manifests, scripts
	@scripts/setup.sh lint
	@scripts/lint.sh

attack: ## what one client does to take the server away from everybody else, as a table; two hours of load by SOAK=7200
	@scripts/setup.sh
	cargo build $(CARGO_FLAGS) --workspace
	ONESPACE_SOAK_SECONDS=$(or $(SOAK),120) cargo test $(CARGO_FLAGS) --workspace --test attacks -- --nocapture \
		--test-threads 1 | grep -E '^\||^test |slope|panicked'

bench: ## measure this machine; writes bench.json
	@scripts/setup.sh
	cargo build $(CARGO_FLAGS) -p onespace -p onespace-benches
	target/release/onespace-benches

overload: ## ten times what the server can do, a minute of it in each modality, as a table
	@scripts/setup.sh
	cargo build $(CARGO_FLAGS) -p onespace -p onespace-benches
	target/release/onespace-benches --overload 60

files: ## your own files beside what Pillow, FFmpeg and trimesh make of them: make files FOLDER=~/Pictures
	@test -n "$(FOLDER)" || { echo 'name a folder: make files FOLDER=~/Pictures' >&2; exit 2; }
	@scripts/setup.sh
	cargo build $(CARGO_FLAGS) -p onespace
	@test -x target/files-venv/bin/python || python3 -m venv target/files-venv
	@target/files-venv/bin/pip install --quiet --disable-pip-version-check -r tests/files/requirements.txt
	target/files-venv/bin/python tests/files/compare.py "$(FOLDER)"

sbom: ## bills of materials of the binaries (CycloneDX), in target/sbom
	@scripts/setup.sh sbom
	@scripts/sbom.sh

fuzz: ## a fuzzer looks for bytes that nothing here can bear: make fuzz SECONDS=1800 TARGETS="image wire"
	@scripts/setup.sh fuzz
	@scripts/fuzz.sh $(or $(SECONDS),60) $(TARGETS)

parity: ## vectors of the service against the published models' own pipelines; writes docs/PARITY.md
	@scripts/setup.sh
	cargo build $(CARGO_FLAGS) -p onespace
	@scripts/parity.sh

bench-models: ## published models at full size, random weights, and their fp16 and int8 variants; writes docs/FULLSIZE.md
	@scripts/setup.sh
	cargo build $(CARGO_FLAGS) -p onespace
	@scripts/bench_models.sh

cluster: ## the whole cluster as processes on loopback, until Ctrl-C
	@scripts/setup.sh
	cargo build $(CARGO_FLAGS) -p onespace
	@scripts/cluster.sh

cluster-test: ## the tests from outside, each against a cluster of its own
	@scripts/setup.sh
	cargo build $(CARGO_FLAGS) --workspace
	ONESPACE_TEST_TOPOLOGY=cluster cargo test $(CARGO_FLAGS) --workspace $(SYSTEM_TESTS)

bundle: ## train the teaching bundle, diorama, again from nothing
	@training/make_bundle.sh

bundle-everyday: ## build the everyday bundle again from its pinned packages, and evaluate it
	@tools/everyday/make_bundle.sh

clean-data: ## forget everything that was ingested here
	rm -rf .onespace
