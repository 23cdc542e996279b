# Two commands do everything on a machine with Python, make and a C compiler: `make demo`, `make test`.

VENV     ?= .venv
RUN      := $(VENV)/bin/python
STAMP    := $(VENV)/.installed
PICTURES := $(VENV)/.pictures
# The first Python here that is new enough; `make PYTHON=...` chooses another.
PYTHON   ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

venv: $(STAMP) ## the environment, in .venv

test: $(STAMP) ## the environment, then format, lint, types and tests
	@$(RUN) tools/check --static || failed=1; \
	$(RUN) -m pytest -q && [ -z "$$failed" ]

test-all: $(STAMP) ## the same with the long tests, and the lit tests under lit
	@$(RUN) tools/check --long

demo: $(STAMP) ## compile two models, train them on real data, print the result
	@$(RUN) examples/demo.py

examples: $(PICTURES) ## compile, test and run the examples; pictures go to build/examples
	@$(RUN) tools/examples

bench: $(STAMP) ## measure compile time, calls and speed
	@$(RUN) tools/bench

docs: $(STAMP) ## write the generated parts of docs/ again
	@$(RUN) tools/docs

clean: ## remove the environment and everything that can be made again
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): pyproject.toml
	@test -n "$(PYTHON)" || { echo "irc needs Python 3.11 or later (python3); none was found." \
	  "Install it, or say where it is: make PYTHON=/path/to/python3"; exit 1; }
	@command -v cc >/dev/null || command -v gcc >/dev/null || command -v clang >/dev/null || { \
	  echo "irc needs a C compiler (gcc or clang); none was found. Debian, Ubuntu: apt install gcc libc6-dev"; \
	  exit 1; }
	@echo "== environment: $(VENV), with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "No virtual environment could be made. Debian, Ubuntu: apt install python3-venv"; exit 1; }
	@$(RUN) -m pip install --disable-pip-version-check --editable '.[test]'
	@touch $@

# Without matplotlib the examples run as well, and draw nothing.
$(PICTURES): $(STAMP)
	@$(RUN) -m pip install --disable-pip-version-check --quiet 'matplotlib>=3.8' || \
	  echo "matplotlib could not be installed: the examples will draw no pictures"
	@touch $@

.PHONY: help venv test test-all demo examples bench docs clean
