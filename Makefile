PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check chaos bench clean

$(BIN)/.runs: requirements.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(BIN)/.tests: requirements-dev.txt $(BIN)/.runs
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

demo: $(BIN)/.runs  ## 20 articles on five Spores
	@$(BIN)/python manage.py hive demo $(ARGS)

test: $(BIN)/.tests  ## the whole test suite
	@$(BIN)/python -m pytest $(ARGS)

check: $(BIN)/.tests  ## everything that must hold before a commit
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python manage.py check
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python -m pytest

bench: $(BIN)/.tests  ## figures as ratios to RQ's own worker, in the same run
	@$(BIN)/python -m bench $(ARGS)

clean:
	rm -rf $(VENV) var
