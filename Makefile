# Everything a developer or a newcomer does here. `make` lists it.
# The environment is made once and again only when pyproject.toml has changed.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
SEEDS ?= 10
JOBS ?= 4
MINUTES ?= 30

.PHONY: help env demo warm test check format bench chaos soak

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env: $(READY)  ## make .venv with everything in it; the command is then .venv/bin/lapse

demo: $(READY)  ## replay a year of real shopping and watch the alerts (Ctrl-C ends it)
	@$(BIN)/lapse demo

warm: $(READY)
	@$(BIN)/python -m tests.chaos.warm  # compiled once, and not by every process of the tests

test: warm  ## the whole test suite
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder

check: $(READY)  ## style, types, architecture, contracts, advisories
	@$(BIN)/ruff check --quiet . && $(BIN)/ruff format --quiet --check . && echo "style ok"
	@$(BIN)/mypy --no-error-summary && echo "types ok"
	@$(BIN)/lint-imports --no-logo > .venv/imports.log || { cat .venv/imports.log; exit 1; }; echo "architecture ok"
	@$(BIN)/lapse schemas --check
	@$(BIN)/python -m grafana.boards --check
	@$(BIN)/python docs/catalogue.py --check
	@$(BIN)/python docs/life.py --check
	@$(BIN)/python -m grafana.rules --check
	@$(BIN)/python -m tests.support.audit

format: $(READY)  ## put the code in shape
	@$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format --quiet .

bench: $(READY)  ## the benchmarks, with peers, on one broker (half an hour; writes benchmarks/RESULTS.md)
	@$(BIN)/python -m benchmarks

chaos: $(READY)  ## crashes on a real Kafka: make chaos SEEDS=200 JOBS=4 (goes on where it stopped)
	@$(BIN)/python -m tests.chaos --seeds $(SEEDS) --jobs $(JOBS) --log .chaos.jsonl

soak: $(READY)  ## half an hour at 20,000 events/s with a kill every five minutes: make soak MINUTES=3
	@$(BIN)/python -m tests.soak --minutes $(MINUTES)

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "lapse needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "making .venv (a minute or two, once)"
	@$(PYTHON) -m venv .venv || { echo "python's venv module is missing; on Debian: apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@
