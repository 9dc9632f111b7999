# `make quickstart` sets up and runs the main job; `make test` sets up and runs the checks. Everything lives in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: quickstart test lint typecheck clean

quickstart: $(VENV)/.installed
	$(BIN)/workbench quickstart

test: $(VENV)/.installed-test lint typecheck
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# The rooms at the top level are packages under `workbench` once installed; a tree of links shows the checker that layout.
typecheck: $(VENV)/.installed-test
	rm -rf build/typecheck && mkdir -p build/typecheck/workbench
	for part in workbench/*; do ln -s ../../../$$part build/typecheck/$$part; done
	for room in analyses app sweeps; do ln -s ../../../$$room build/typecheck/workbench/$$room; done
	ln -s ../../tests build/typecheck/tests
	cd build/typecheck && $(CURDIR)/$(BIN)/mypy --config-file $(CURDIR)/pyproject.toml workbench tests

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --editable .
	touch $@

$(VENV)/.installed-test: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --editable '.[test]'
	touch $@ $(VENV)/.installed

clean:
	rm -rf build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache
