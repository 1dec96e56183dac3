PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo up test static check chaos bench openapi lock clean

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*##/\1 \t/p' $(MAKEFILE_LIST)

$(BIN)/.runs: requirements.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(BIN)/.tests: requirements-dev.txt $(BIN)/.runs
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

demo: $(BIN)/.runs  ## 20 articles on five Spores; ARGS=--chaos kills one of them
	@$(BIN)/python manage.py hive demo $(ARGS)

up: $(BIN)/.runs  ## the whole Hive on this machine, until Ctrl-C
	@$(BIN)/python manage.py hive up $(ARGS)

test: $(BIN)/.tests  ## the whole test suite
	@$(BIN)/python -m pytest $(ARGS)

static: $(BIN)/.tests  ## format, lint, types, arrows of import, settings, migrations
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_architecture.py
	$(BIN)/python manage.py check
	$(BIN)/python manage.py makemigrations --check --dry-run

check: static test  ## everything that must hold before a commit

chaos: $(BIN)/.tests  ## kill things for real, for a long time
	@$(BIN)/python -m pytest tests/chaos -m chaos $(ARGS)

bench: $(BIN)/.tests  ## figures as ratios to RQ's own worker, in the same run
	@$(BIN)/python -m bench $(ARGS)

openapi: $(BIN)/.runs  ## write docs/openapi.json anew
	@$(BIN)/python manage.py hive openapi --out docs/openapi.json

lock: $(BIN)/.runs  ## write requirements.lock anew, after a change of requirements.txt
	@$(BIN)/python -m ota.locking

clean:  ## forget the virtual environment and everything that was run
	rm -rf $(VENV) var
