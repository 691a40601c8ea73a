# `make` alone lists the targets. Everything they install or write stays inside this checkout.
.DEFAULT_GOAL := help
.PHONY: help setup demo up test lint types format lock docs clean

BIN := .venv/bin
INSTALLED := .venv/installed
PYPROJECTS := pyproject.toml $(wildcard libs/*/pyproject.toml services/*/pyproject.toml local/*/pyproject.toml)
SOURCES := libs services local tests examples $(sort $(dir $(wildcard benchmarks/*.py benchmarks/*/*.py)))
TEST_ARGUMENTS ?=

help: ## List the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10

setup: $(INSTALLED) ## Install the locked dependencies into .venv (other targets do it by themselves)

demo: $(INSTALLED) ## Run everything on this machine, show the results of the example jobs, stop
	@$(BIN)/python -m local_stack demo --end-with-parent

up: $(INSTALLED) ## Run everything on this machine until Ctrl-C
	@$(BIN)/python -m local_stack up --end-with-parent

test: $(INSTALLED) ## Run all tests; a part of them: make test TEST_ARGUMENTS="-k wallet"
	$(BIN)/python -m pytest $(TEST_ARGUMENTS)

lint: $(INSTALLED) ## Check style, import rules and that the lock files are up to date
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/lint-imports
	requirements/check.sh

types: $(INSTALLED) ## Check types
	$(BIN)/mypy $(SOURCES)

format: $(INSTALLED) ## Format the code and fix what can be fixed by itself
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

lock: $(INSTALLED) ## Compile the lock files; newer versions: make lock UPGRADE=--upgrade
	requirements/compile.sh $(UPGRADE)

docs: $(INSTALLED) ## Write the reference documents in docs/reference
	$(BIN)/python -m gateway.openapi >docs/reference/openapi.json
	$(BIN)/python -m common.asyncapi >docs/reference/asyncapi.json

clean: ## Remove .venv, .local and caches
	rm -rf .venv .local .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A virtual environment holds absolute paths: one that came along with a copied checkout is made anew.
ifeq ($(filter $(CURDIR),$(or $(shell cat $(INSTALLED) 2>/dev/null),$(CURDIR))),)
$(INSTALLED): moved
moved:
	@rm -rf .venv
.PHONY: moved
endif

$(INSTALLED): requirements/dev.lock requirements/bootstrap.lock requirements/install.sh $(PYPROJECTS)
	@PYTHON="$(PYTHON)" requirements/install.sh
	@echo "$(CURDIR)" >$@
