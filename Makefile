# The few commands of this project. A machine needs Python 3.11 or newer and make, nothing else.

PYTHON ?= python3
PG ?= 18

BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
PROJECT := pyproject.toml hatch_build.py requirements/runtime.in requirements/build.txt \
	web/package.json web/package-lock.json $(wildcard app/locale/*/LC_MESSAGES/*.po)
LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes --no-header \
	--no-annotate --no-emit-index-url --no-emit-find-links

.DELETE_ON_ERROR:
.PHONY: help setup run test lint bench messages lock

help:
	@echo 'make setup       install everything into .venv from the hash-locked requirements'
	@echo 'make run         the service with its worker and its own PostgreSQL, until Ctrl-C'
	@echo 'make test        the whole suite on PostgreSQL 18; make test PG=16 on 16'
	@echo 'make lint        format, lint, types, import contracts, migrations there and back'
	@echo 'make bench       the benchmarks; results in benchmarks/results'
	@echo 'make messages    bring the catalogues up to date with the source'
	@echo 'make lock        compile requirements/*.txt anew (needs uv)'

setup: .venv/.runtime

run: .venv/.runtime
	@exec $(BIN)/zhirong serve

test: .venv/.dev
	ZHIRONG_TEST_PG=$(PG) $(BIN)/python -m pytest -n 2 --cov --cov-report=term

lint: .venv/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy app tests migrations benchmarks hatch_build.py
	$(BIN)/lint-imports
	$(BIN)/python -m tests.check_migrations

bench: .venv/.dev
	$(BIN)/python -m benchmarks

messages: .venv/.dev
	$(BIN)/python -m tests.messages

# The later locks agree with the first, so that .venv can grow from running to developing.
lock:
	$(LOCK) requirements/runtime.in -o requirements/runtime.txt
	$(LOCK) requirements/dev.in -c requirements/runtime.txt -o requirements/dev.txt
	$(LOCK) requirements/build.in -c requirements/runtime.txt -o requirements/build.txt

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Python 3.11 or newer is needed; name one: make PYTHON=/path/to/python3' >&2; exit 1; }
	$(PYTHON) -m venv .venv

.venv/.runtime: requirements/runtime.txt $(PROJECT) | .venv/bin/python
	$(PIP) --require-hashes -r requirements/build.txt
	$(PIP) --require-hashes -r requirements/runtime.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: requirements/dev.txt .venv/.runtime
	$(PIP) --require-hashes -r requirements/dev.txt
	@touch $@
