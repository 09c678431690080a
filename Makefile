# Installs, runs and checks the system. `make` lists all targets.

PYTHON ?= python3
VENV := .venv
BIN = $(VENV)/bin
DIR ?= .devstack
PORT ?= 8000
ROUNDS ?= 20
RUNS ?= 10000
SEED ?= 1
SET ?= practice
SCHEMA_SECONDS ?= 300

# Values reach the recipes through the environment, as they were typed. In the text of a recipe, make would expand their
# dollar signs, and the shell would split them at spaces and interpret their quotes.
ON_COMMAND_LINE := $(foreach name,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $(name)))),$(name)))
$(foreach name,$(filter-out MAKE%,$(ON_COMMAND_LINE)),$(eval override export $(name) := $$(value $(name))))
export DIR PORT ROUNDS RUNS SEED SET SCHEMA_SECONDS PYTHON VENV BIN

ifneq ($(words $(VENV)),1)
$(error VENV="$(VENV)": make cannot have targets with spaces in their names; choose a path without spaces)
endif

# Variables for other programs change how Python and pip work: PYTHONSAFEPATH=1 hides this folder from `python -m`, and
# PIP_USER=1 installs outside .venv. Those about the terminal stay, and those about where packages come from.
unexport $(filter-out PYTHON PYTHONIOENCODING PYTHONUTF8,$(filter PYTHON%,$(.VARIABLES)))
PIP_SOURCES := PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_NO_INDEX PIP_FIND_LINKS PIP_TRUSTED_HOST PIP_CERT PIP_CLIENT_CERT \
	PIP_PROXY PIP_CACHE_DIR PIP_NO_CACHE_DIR PIP_TIMEOUT PIP_DEFAULT_TIMEOUT PIP_RETRIES PIP_CONFIG_FILE
unexport $(filter-out $(PIP_SOURCES),$(filter PIP_%,$(.VARIABLES)))

# Not empty when .venv has to be created again. It outlives the Python that made it: an interpreter that was deleted does
# not start, and one of another version has none of the packages. `make PYTHON=python3.13 install` changes the version.
quoted = '$(subst ','\'',$(1))'
STALE := $(shell \
	venv=$(call quoted,$(value VENV)); version='import sys; print(sys.version_info[:2])'; \
	if [ -e "$$venv" ] || [ -L "$$venv" ]; then \
		for python in python python3; do \
			[ $$python = python3 ] && [ ! -e "$$venv/bin/python3" ] && [ ! -L "$$venv/bin/python3" ] && continue; \
			present=$$("$$venv/bin/$$python" -c "import pip; $$version" 2>/dev/null) || { echo stale-venv; exit; }; \
		done; \
		if [ $(origin PYTHON) = override ]; then \
			chosen=$$($(call quoted,$(value PYTHON)) -c "$$version" 2>/dev/null); \
			[ "$${chosen:-$$present}" = "$$present" ] || echo stale-venv; \
		fi; \
	fi)

.DEFAULT_GOAL := help
.PHONY: help install install-dev install-models stale-venv up down status validate test schema simulate faults lint types bench tune train eval lock wheels

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

install: $(VENV)/.installed ## create .venv with everything that `make up` needs
	@:

install-dev: $(VENV)/.installed-dev ## create .venv with everything that the tests and checks need
	@:

install-models: $(VENV)/.installed-models ## add what AI_PROVIDER=openai, anthropic, google, ollama or openai-compatible needs
	@:

up: install ## start everything; Ctrl-C stops it
	@"$$BIN"/python -m devstack up "--dir=$$DIR" "--port-base=$$PORT"

down: install ## stop everything and keep the data
	@"$$BIN"/python -m devstack down "--dir=$$DIR"

status: install ## show the running processes and their addresses
	@"$$BIN"/python -m devstack status "--dir=$$DIR"

validate: install ## check the running installation in ten steps (docs/validation.md)
	@./validate.sh

test: install-dev ## run all tests on real PostgreSQL, Redis and Kafka
	@"$$BIN"/python -m pytest --numprocesses 5 --dist loadscope --no-loadscope-reorder

schema: install-dev ## test the API with Schemathesis for SCHEMA_SECONDS=300: each answer must match the OpenAPI document
	@THOUGHTS_TEST_SCHEMA_SECONDS="$$SCHEMA_SECONDS" "$$BIN"/python -m pytest -q tests/webapp/api/test_schema.py

simulate: install-dev ## simulate random histories with faults (RUNS=10000 SEED=1), then switch off each guard in turn
	@"$$BIN"/python -m tests.simulation histories "--runs=$$RUNS" "--seed=$$SEED"
	@"$$BIN"/python -m tests.simulation guards --runs 3000

faults: install-dev ## inject random faults under load (ROUNDS=20 SEED=1) and report the results
	@"$$BIN"/python -m tests.faults "--rounds=$$ROUNDS" "--seed=$$SEED"

lint: install-dev ## check style, formatting and the allowed imports
	@"$$BIN"/python -m ruff check .
	@"$$BIN"/python -m ruff format --check .
	@"$$BIN"/lint-imports

types: install-dev ## check the types
	@"$$BIN"/python -m mypy --strict .

bench: install ## measure dispatch and throughput against plain Celery, and the delay and cost of live progress
	@"$$BIN"/python -m bench dispatch
	@"$$BIN"/python -m bench ratio --rounds 2
	@"$$BIN"/python -m bench live --rounds 2
	@"$$BIN"/python -m bench partials --rounds 2

tune: install-dev ## tune the encoder of the offline classifier on the labelled notes (half an hour)
	@"$$BIN"/python -m training tune

train: install-dev ## fit the heads of the offline classifier on the tuned encoder (two minutes)
	@"$$BIN"/python -m training heads

eval: install ## score the agents on labelled notes (SET=evaluation FINAL=1 for a final figure only)
	@"$$BIN"/python -m evaluation "--set=$$SET" $(if $(FINAL),--final)

lock: install-dev ## update the exact versions in requirements/*.txt
	@for name in base models train devstack dev; do \
		"$$BIN"/python -m uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
			--no-emit-index-url --custom-compile-command "make lock" \
			requirements/$$name.in --output-file requirements/$$name.txt || exit 1; \
	done

wheels: install-dev ## check that each exact version has a wheel for each Python on Linux, on x86_64 and aarch64
	@for python in 3.11 3.12 3.13 3.14; do for machine in x86_64 aarch64; do \
		echo "Python $$python on $$machine"; \
		"$$BIN"/python -m uv pip install --quiet --dry-run --no-deps --require-hashes --only-binary :all: \
			--python-version $$python --python-platform $$machine-manylinux_2_28 --target "$$VENV/none" \
			-r requirements/dev.txt || exit 1; \
	done; done

$(BIN)/python: $(STALE)
	@"$$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "$$PYTHON is not Python 3.11 or newer. Choose another interpreter: make PYTHON=python3.12 install"; exit 1; }
	@echo "Creating $$VENV"
	@umask 022 && "$$PYTHON" -m venv "$$VENV"

# Removes only what is a virtual environment, or nothing at all: VENV may have been given a wrong path.
stale-venv:
	@[ -L "$$VENV" ] || [ -f "$$VENV/pyvenv.cfg" ] || [ -z "$$(ls -A "$$VENV")" ] || { \
		echo "$$VENV is not a virtual environment, so it is not replaced. Move it away, or choose another: make VENV=..."; \
		exit 1; }
	@echo "$$VENV has no working Python with its packages, or one of another version, and is created again."
	@rm -rf "$$VENV"

# Lets .venv's Python find the project in spite of PYTHONSAFEPATH=1. The path is relative, so that both may be moved.
WRITE_PTH := 'import os, sysconfig as c; packages = c.get_path("purelib"); \
	open(os.path.join(packages, "thoughts.pth"), "w").write(os.path.relpath(os.getcwd(), packages) + "\n")'

# Shows pip's lines as one counter, so that a long download visibly makes progress. The stamp file is written only after
# pip has succeeded, because a pipe has only the status of its last command. It is as new as what it depends on, whose
# times may be in the future: the clock was wrong, or the files come from a machine whose clock is ahead.
define install_from
	@echo "Installing the packages of $(1)"
	@umask 022; { "$$BIN"/python -m pip install --disable-pip-version-check --no-input --no-user --require-hashes -r $(1) && \
		"$$BIN"/python -c $(WRITE_PTH) && touch "$@" || rm -f "$@"; } | \
		awk -v all="$$(grep -c '==' $(1))" -v terminal="$$(test -t 2 && echo 1)" ' \
			function show(text) { if (terminal) printf "\r\033[K  %s", text; fflush() } \
			/^Collecting / { show(sprintf("%d of %d: %s", ++n, all, $$2)) } /^Installing / { show("unpacking") } \
			END { if (terminal) printf "\r\033[K" }'
	@for file in $(filter-out stale-venv,$^); do [ ! "$$file" -nt "$@" ] || touch -c -r "$$file" "$@"; done
	@test -e "$@"
endef

$(VENV)/.installed: requirements/devstack.txt $(STALE) | $(BIN)/python
	$(call install_from,$<)

$(VENV)/.installed-dev: requirements/dev.txt $(STALE) $(VENV)/.installed
	$(call install_from,$<)

$(VENV)/.installed-models: requirements/models.txt $(STALE) | $(VENV)/.installed
	$(call install_from,$<)
