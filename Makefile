# Two commands on a fresh machine with Python 3.11 or later: `make demo` and `make test`.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check

.PHONY: help demo test lint docs site bench soak mutants wheel front clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    make .venv, install, make a workbook and train it; says what to open"
	@echo "make test    the same installation, then the tests"
	@echo "make lint    ruff and mypy"
	@echo "make docs    remake the pages and pictures that are made by scripts, and templates/"
	@echo "make site    the documentation as a site, in build/site"
	@echo "make bench   the benchmarks beside rivals, into docs/benchmarks.md; ten minutes"
	@echo "make soak    the long checks, and which of 40 small changes of the code no test notices; an hour"
	@echo "make mutants the same of 200 changes; half a day; of a part: make mutants PART='solvers/search --count 20'"
	@echo "make front   the script of embedsheet show's page, from tools/front/; needs npm"
	@echo "make wheel   build dist/*.whl"
	@echo "make clean   remove what was made, .venv too"

$(BIN)/python:
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || \
	  { echo "embedsheet needs Python 3.11 or later; name it: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "Python's venv is missing; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }

# What was installed is remembered in a file, so that nothing is installed twice.
$(VENV)/.demo: pyproject.toml | $(BIN)/python
	@echo "Installing embedsheet into $(VENV); this takes a minute or two …"
	@$(PIP) install --quiet --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	@echo "Installing embedsheet and its tests into $(VENV); this takes a few minutes …"
	@$(PIP) install --quiet --editable ".[dev]"
	@touch $(VENV)/.demo $@

demo: $(VENV)/.demo
	@$(BIN)/python examples/demo.py

# The tests start embedsheet some hundred times; where Python writes no byte code by itself, each start compiles it all.
# What XLA compiles for them runs once or a few times: to optimise it takes a third of their time. All else, the long
# checks too, runs as users run it.
test: $(VENV)/.dev
	@$(BIN)/python -m compileall -q embedsheet
	XLA_FLAGS="$$($(BIN)/python tests/kit/quick_xla.py)" \
	  $(BIN)/python -m pytest -q -n auto --dist loadfile --durations 30

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

docs: $(VENV)/.dev
	$(BIN)/python tools/function_docs.py
	$(BIN)/python tools/lesson_docs.py
	$(BIN)/python tools/make_templates.py
	$(BIN)/python tools/make_pictures.py
	$(BIN)/python tools/make_buttons_picture.py
	$(BIN)/python tools/command_docs.py

front:
	npm ci --prefix tools/front --ignore-scripts --no-audit --no-fund --silent
	npm run --prefix tools/front check
	npm run --prefix tools/front build

# Without the variable the theme prints an advertisement at every build.
site: $(VENV)/.dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# scikit-surprise, one of the rivals, has few wheels: where it cannot be installed, the table says that it is not here.
bench: $(VENV)/.dev
	-@$(PIP) install --quiet scikit-surprise
	$(BIN)/python -m benchmarks

soak: $(VENV)/.dev
	$(BIN)/python -m pytest -q -m soak --timeout 0 -n 2
	$(BIN)/python tools/mutate.py --count 40

mutants: $(VENV)/.dev
	$(BIN)/python tools/mutate.py $(PART)

wheel: $(VENV)/.dev
	rm -rf dist
	$(BIN)/python -m build --wheel

clean:
	rm -rf $(VENV) build dist demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
