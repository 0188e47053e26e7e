# Everything sets itself up: `make demo` and `make test` work in a fresh clone and are quick the second time.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# On a machine without an NVIDIA driver, pip also looks at PyTorch's index, which has a CPU build. The build on PyPI
# brings gigabytes of CUDA libraries on Linux. Without access to that index pip would retry for every package, for
# minutes, so it is asked first.
TORCH_CPU := https://download.pytorch.org/whl/cpu
TORCH = $(if $(shell command -v nvidia-smi),,$(shell $(PYTHON) -c "import urllib.request as web; \
	web.urlopen('$(TORCH_CPU)/torch/', timeout=5); print('--extra-index-url $(TORCH_CPU)')" 2>/dev/null))
# litmine imports about 2,000 of the 18,000 modules that pip installs: Python compiles these on first use.
PIP = $(BIN)/pip install -q --disable-pip-version-check --progress-bar off --no-compile -c constraints.txt $(TORCH)
# Options of the soak, such as SOAK="--kills 100 --inputs 1000".
SOAK ?=
INPUTS := pyproject.toml constraints.txt litmine/versions.py

export PATH := $(CURDIR)/$(BIN):$(PATH)
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test pytest soak lint docs bench models clean

demo: $(VENV)/installed       ## real PubMed records become a table of entities
	@sh sample_data/demo.sh

test: $(VENV)/installed-dev   ## the gate: style, types, layers, tests
	@$(MAKE) --no-print-directory -j 2 lint pytest

# Five processes on two cores, since much of it waits. Whole files, so that tests that share fixtures share them.
pytest: $(VENV)/installed-dev
	pytest -q -n 5 --dist loadfile --no-loadscope-reorder

soak: $(VENV)/installed-dev   ## every test with more examples and kills, then kills, faults and damaged inputs: docs/soak.md
	LITMINE_HYPOTHESIS_PROFILE=soak pytest -m "soak or not soak"
	python -m benchmarks.soak $(SOAK) --report docs/soak.md

lint: $(VENV)/installed-dev
	ruff check -q
	ruff format -q --check
	mypy
	lint-imports --no-logo

docs: $(VENV)/installed-dev   ## write docs/cli.md and docs/tables.md, and build the site into build/site
	python docs/generate.py
	@$(PIP) -e '.[dev,docs]'
	NO_MKDOCS_2_WARNING=1 mkdocs build -q
	@echo "The site is in build/site. To search it: python -m http.server -d build/site"

bench: $(VENV)/installed-dev  ## annotating, reading and training, each beside what others use
	@$(PIP) -e '.[dev,bench]'
	python -m benchmarks.throughput
	python benchmarks/read.py
	python benchmarks/train.py

include models.mk

clean:
	rm -rf $(VENV) demo-lake build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(INPUTS) | $(BIN)/python
	@echo "Installing litmine into $(VENV); the first time takes minutes (torch alone is large)." >&2
	@$(PIP) -e .
	@touch $@

$(VENV)/installed-dev: $(INPUTS) | $(BIN)/python
	@echo "Installing litmine and its tools into $(VENV); the first time takes minutes (torch alone is large)." >&2
	@$(PIP) -e '.[dev]'
	@# Compile the modules of the tests: the processes of the tests start together, and each would compile all of them.
	@$(BIN)/python -c "import duckdb, moto.server, ray, s3fs, seqeval.metrics, transformers.models.bert.modeling_bert"
	-@pytest -q --collect-only > /dev/null
	@touch $(VENV)/installed $@
