# What a user, a developer and CI call. Needs Python 3.11 or newer, make and bash; the first call installs into .venv.
# PYTHON chooses the interpreter, TIETOALLAS_HOME where data live (default: var), ARGS goes on to the command.
SHELL := bash
BIN := .venv/bin
ARGS ?=
PARALLEL := --numprocesses auto --dist loadfile --no-loadscope-reorder
export DAGSTER_DISABLE_TELEMETRY := yes

.PHONY: help install run ui test test-deep lint types contracts format bench lock
.NOTPARALLEL:

help: ## show this
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

install: ## make .venv from requirements.lock, once per lock
	@scripts/install

run: install ## make the synthetic deliveries if landing/ is empty, then run the whole pipeline
	@$(BIN)/tietoallas run $(ARGS)

ui: install ## Dagster on 127.0.0.1
	@$(BIN)/tietoallas ui $(ARGS)

test: lint types contracts ## everything CI checks: format, lint, types, contracts, tests
	$(BIN)/python -m pytest $(PARALLEL) $(ARGS)

test-deep: lint types contracts ## the same with ten times the examples and every slow test
	HYPOTHESIS_PROFILE=deep $(BIN)/python -m pytest -m "" $(PARALLEL) $(ARGS)

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/sqlfluff lint --disable-progress-bar sql

types: install
	$(BIN)/mypy

contracts: install
	$(BIN)/python -m dagster_project.contracts.lint

format: install ## format Python and SQL in place
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/sqlfluff fix --disable-progress-bar sql

bench: install ## measure; figures go to benchmarks/README.md
	$(BIN)/python -m benchmarks $(ARGS)

lock: ## remake requirements.lock from pyproject.toml; `make lock ARGS=--upgrade` takes newer versions
	@scripts/lock $(ARGS)
