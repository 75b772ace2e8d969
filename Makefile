# Every command sets up what it needs: a virtual environment in .venv, pinned packages, a3b-tune.
PYTHON ?= python3
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready

.PHONY: help setup synth test check format bench schema clean
.DEFAULT_GOAL := help

help:  ## Show this list.
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "a3b-tune needs Python 3.11 or later: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check -c constraints.txt -e '.[all,dev]'
	touch $@

setup: $(READY)  ## Virtual environment, pinned packages, a3b-tune.

synth: $(READY)  ## Run `a3b-tune synth` (ARGS="--trials 20" passes options).
	$(BIN)/a3b-tune synth $(ARGS)

# In the order of their names: files that mostly wait lie between those that compute.
test: $(READY)  ## All tests.
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(READY)  ## Style, types, and which room may import which.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)  ## Bring the code into its style.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)  ## Trial-epochs per second against a user's script and a tuned loop.
	$(BIN)/python -m benchmarks.stack --sides script tuned stack stack+compile $(ARGS)

clean:  ## Remove what the commands above made.
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
