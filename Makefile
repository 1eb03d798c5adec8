# A fresh machine needs Python 3.11 or newer, git and make; everything else is set up here, in .venv.
# Stamps in .venv record what has been installed, so that a second run installs nothing.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BIN := .venv/bin
INSTALL := $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes

.PHONY: help up stack training dashboards test fuzz check bench-detection compose-trial lock clean jars monitoring

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: .venv/.runtime  ## run everything on this machine; ARGS="--until-alert" and other flags of bearwatch up
	@$(BIN)/bearwatch up $(ARGS)

stack: .venv/.runtime monitoring  ## Kafka, worker, sample feed, Prometheus, Alertmanager and receiver; ARGS="--workers 2"
	@$(BIN)/bearwatch stack $(ARGS)

training: .venv/.development  ## install what training a model of your own needs (docs/OWN_LABELS.md)
	@echo "ready: $(BIN)/bearwatch train --help, docs/OWN_LABELS.md"

test: .venv/.development jars  ## run the tests, two files at a time; ARGS="-k ingest" and other flags of pytest
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

fuzz: .venv/.development  ## a million generated inputs through every parser; ARGS="--seed 7", "--replay FILE"
	@$(BIN)/python tests/fuzz $(ARGS)

check: .venv/.development  ## formatting, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy -p tools
	$(BIN)/lint-imports

bench-detection: .venv/.development  ## write the tables of docs/DETECTION.md; ARGS="--seeds 2 --rates 24" is a short run
	@$(BIN)/python -m benchmarks.detection $(ARGS)

compose-trial: .venv/.runtime  ## build the image, run docker-compose.yml and disturb it; needs root (docs/compose.md)
	@$(BIN)/python -m tools.compose_trial $(ARGS)

dashboards: .venv/.development  ## write Grafana's dashboards again
	@$(BIN)/python -m alerting.dashboards

lock: .venv/.development  ## write the locks of packages and Kafka's jars again; ARGS="--upgrade" takes newer packages
	$(call compile,requirements-build.in) -o requirements-build.txt
	$(call compile,pyproject.toml --extra train --extra track --extra dev) -o requirements-dev.txt
	$(call compile,pyproject.toml) -c requirements-dev.txt -o requirements.txt
	$(call compile,pyproject.toml --extra cuda) -c requirements-dev.txt -o requirements-cuda.txt
	$(BIN)/python -m bearwatch.local.kafka_jars lock

clean:  ## remove what was set up and built here
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .fuzz build dist *.egg-info

# --no-emit-index-url: the locks name packages and hashes, no place to get them from.
compile = UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url $(ARGS) $(1)

jars: .venv/.runtime
	@$(BIN)/python -m bearwatch.local.kafka_jars fetch

monitoring: .venv/.runtime  ## Prometheus and Alertmanager from the PATH, else out of Debian's packages, without root
	@$(BIN)/python tools/debian_monitoring.py

# A python3.x on the PATH may be a shim that runs nothing, so each is asked for its version.
.venv/.installer: requirements-build.txt
	@for python in python3.11 python3.12 python3.13 python3; do \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then echo "error: Python 3.11 or newer is needed, and none is on the PATH" >&2; exit 1; fi; \
	echo "setting up .venv with $$($$found --version)"; \
	$$found -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-build.txt
	@touch $@

.venv/.runtime: .venv/.installer requirements.txt pyproject.toml
	@echo "installing the locked packages"
	@$(INSTALL) -r requirements.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.development: .venv/.runtime requirements-dev.txt
	@echo "installing the packages for training and development"
	@$(INSTALL) -r requirements-dev.txt
	@touch $@
