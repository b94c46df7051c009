# `make` lists what there is. Everything happens in .venv, which the first call makes.

PYTHON ?= python3
REPORT ?= build/report
VENV := .venv
BIN := $(VENV)/bin
SOURCES := $(wildcard */__init__.py)
PACKAGES := $(SOURCES:/__init__.py=)
CHECKED := tests $(wildcard benchmarks) examples
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest

.DEFAULT_GOAL := help
BASE := build/base
OLDEST := build/oldest
WITHOUT_TORCH := tests/test_golden.py tests/test_golden_archives.py tests/test_golden_damaged.py tests/test_container.py tests/test_alpha.py tests/test_metadata.py

.PHONY: help demo test base oldest slow lint format bench report clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/run.stamp ## Compress and decompress the bundled photograph, beside JPEG of the same size
	@$(BIN)/python examples/demo.py

test: lint ## Check style and types, then run the tests
	$(PYTEST) -n 2 --dist worksteal -m "not slow"

base: ## Run the tests of coding in an environment without torch
	$(PYTHON) -m venv $(BASE)
	$(BASE)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e . beartype hypothesis jaxtyping pytest
	$(BASE)/bin/python -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("torch") is not None)'
	OMP_NUM_THREADS=1 $(BASE)/bin/python -m pytest -m "not slow" $(WITHOUT_TORCH)

oldest: ## Run the same tests with the oldest versions that are allowed, under Python 3.11 or 3.12
	$(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check -c tests/oldest.txt -e . beartype hypothesis jaxtyping pytest
	OMP_NUM_THREADS=1 $(OLDEST)/bin/python -m pytest -m "not slow" $(WITHOUT_TORCH)

slow: $(VENV)/dev.stamp ## Run the tests that take minutes, and those with the oldest versions
	$(PYTEST) -m slow
	$(MAKE) oldest

lint: $(VENV)/dev.stamp types ## Check formatting, style and types only
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy -p dvcodec
	$(BIN)/mypy $(CHECKED)

format: $(VENV)/dev.stamp ## Format the code and mend what ruff can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/dev.stamp ## CPU time and memory beside JPEG, WebP, AVIF and JPEG XL, of commands and in-process
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/cpu_time.py examples/kodim23.png --effort 2,1

report: $(VENV)/dev.stamp ## Compare with other codecs on the images of a folder: make report KODAK=DIR
	@test -n "$(KODAK)" || { echo "make report KODAK=DIR: name a folder of images" >&2; exit 2; }
	$(BIN)/dvcodec compare $(KODAK) -o $(REPORT) --force --published --lossless --ratio 43

clean: ## Remove the environment, caches and build outputs
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/python.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "dvcodec needs Python 3.11 or newer: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/run.stamp: $(VENV)/python.stamp pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/python.stamp pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev,eval]"
	@touch $@ $(VENV)/run.stamp

# mypy follows folders, not the mapping of an editable install: here the root appears under its package's name.
.PHONY: types
types:
	@rm -rf build/types && mkdir -p build/types/dvcodec
	@ln -s $(addprefix ../../../,$(PACKAGES) $(wildcard *.py) py.typed) build/types/dvcodec/
