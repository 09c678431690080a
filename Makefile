# Everything a person at a terminal needs; `make` alone lists it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DIR ?= .devstack
PORT ?= 8000
ROUNDS ?= 20
RUNS ?= 10000
SEED ?= 1

# Dozens of Python processes start here: each would compile all the modules for itself.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install install-dev up down status test simulate faults lint types bench lock

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

install: $(VENV)/.installed ## make .venv with all that `make up` needs
	@:

install-dev: $(VENV)/.installed-dev ## make .venv with what the tests and checks need as well
	@:

up: install ## start everything; Ctrl-C stops it
	@$(BIN)/python -m devstack up --dir $(DIR) --port-base $(PORT)

down: install ## stop everything; what was written is kept
	@$(BIN)/python -m devstack down --dir $(DIR)

status: install ## show what runs, and where
	@$(BIN)/python -m devstack status --dir $(DIR)

test: install-dev ## run the whole suite on real PostgreSQL, Redis and Kafka
	@$(BIN)/python -m pytest --numprocesses 5 --dist loadscope --no-loadscope-reorder

simulate: install-dev ## play histories full of faults (RUNS=10000 SEED=1), then each guard switched off in turn
	@$(BIN)/python -m tests.simulation histories --runs $(RUNS) --seed $(SEED)
	@$(BIN)/python -m tests.simulation guards --runs 3000

faults: install-dev ## break things at random under load, ROUNDS times, and say what came of it
	@$(BIN)/python -m tests.faults --rounds $(ROUNDS) --seed $(SEED)

lint: install-dev ## check style, formatting and the allowed imports
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .
	@$(BIN)/lint-imports

types: install-dev ## check the types
	@$(BIN)/python -m mypy --strict .

bench: install ## measure: dispatch and whole path beside Celery alone, and how live the progress is
	@$(BIN)/python -m bench dispatch
	@$(BIN)/python -m bench ratio --rounds 2
	@$(BIN)/python -m bench live --rounds 2

lock: install-dev ## choose the exact versions in requirements/*.txt anew
	@for name in base devstack dev; do \
		$(BIN)/python -m uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
			--no-emit-index-url --custom-compile-command "make lock" \
			requirements/$$name.in --output-file requirements/$$name.txt || exit 1; \
	done

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Python 3.11 or newer is needed, and $(PYTHON) is not. Name another one: make PYTHON=python3.12 install"; exit 1; }
	@echo "Making $(VENV)"
	@$(PYTHON) -m venv $(VENV)

# pip says a line for each package; shown as one counter, so that a long download is seen to move. The stamp is written
# only after pip succeeded, since a pipe has only the status of its last command.
define install_from
	@echo "Installing $(1), once"
	@{ $(BIN)/python -m pip install --disable-pip-version-check --no-input --require-hashes -r $(1) && touch $@; } | \
		awk -v all="$$(grep -c '==' $(1))" -v terminal="$$(test -t 2 && echo 1)" ' \
			function show(text) { if (terminal) printf "\r\033[K  %s", text; fflush() } \
			/^Collecting / { show(sprintf("%d of %d: %s", ++n, all, $$2)) } /^Installing / { show("unpacking") } \
			END { if (terminal) printf "\r\033[K" }'
	@test $@ -nt $(1)
endef

$(VENV)/.installed: requirements/devstack.txt | $(BIN)/python
	$(call install_from,$<)

$(VENV)/.installed-dev: requirements/dev.txt $(VENV)/.installed
	$(call install_from,$<)
