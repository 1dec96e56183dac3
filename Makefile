PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# What starts real processes waits more than it works: two of them go side by side, and nothing
# beside those that measure.
CHAOS := tests/chaos
PAIRED := tests/end_to_end tests/browser
# These begin, so that nobody waits for them alone at the end.
LONG := tests/simulation tests/test_docs.py tests/examples
REST := $(filter-out tests/__pycache__ $(CHAOS) $(PAIRED) $(LONG),\
    $(patsubst %/,%,$(wildcard tests/*/)) $(wildcard tests/test_*.py))
SIDE_BY_SIDE := -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: help demo up test test-postgres static check audit chaos bench simulate screenshots openapi lock clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## */\1 /p' $(MAKEFILE_LIST) | while read -r name about; do printf '%-14s %s\n' $$name "$$about"; done

$(BIN)/.runs: requirements.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(BIN)/.tests: requirements-dev.txt requirements-extras.txt examples/thumbnails/requirements.txt $(BIN)/.runs
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

demo: $(BIN)/.runs  ## 20 articles on five Spores; ARGS=--chaos kills one of them
	@$(BIN)/python manage.py hive demo $(ARGS)

up: $(BIN)/.runs  ## the whole Hive on this machine, until Ctrl-C
	@$(BIN)/python manage.py hive up $(ARGS)

test: $(BIN)/.tests  ## the whole test suite, or ARGS="PATH…" of it
ifdef ARGS
	@$(BIN)/python -m pytest $(ARGS)
else
	@$(BIN)/python -m pytest $(SIDE_BY_SIDE) $(CHAOS) && failed=0 || failed=1; \
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) $(PAIRED) || failed=1; \
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) $(LONG) $(REST) && exit $$failed
endif

test-postgres: $(BIN)/.tests  ## the same on a PostgreSQL of its own, from the binaries installed here
	@$(BIN)/python -m tests.postgresql $(MAKE) --no-print-directory test ARGS="$(ARGS)"

static: $(BIN)/.tests  ## format, lint, types, arrows of import, settings, migrations
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_architecture.py
	$(BIN)/python manage.py check
	$(BIN)/python manage.py makemigrations --check --dry-run

check: static test  ## everything that must hold before a commit

audit: $(BIN)/.tests  ## what is known to be unsafe: in our code, in packages, in settings
	@.ci/audit

chaos: $(BIN)/.tests  ## kill things for real, for a long time
	@$(BIN)/python -m pytest tests/chaos -m chaos $(ARGS)

bench: $(BIN)/.tests  ## the Hive beside RQ, Celery, Dramatiq, Huey and Dask; ARGS="map --peers rq,huey --quick"
	@$(BIN)/python -m bench $(ARGS)

simulate: $(BIN)/.tests  ## a Foreman before 1,000 played nodes and 100,000 subtasks; ARGS="--quick --json …"
	@$(BIN)/python -m bench.simulate $(ARGS)

screenshots: $(BIN)/.tests  ## every page of a busy Hive, light and dark, into docs/img/
	@$(BIN)/python -m docs.pictures $(ARGS)

openapi: $(BIN)/.runs  ## write docs/openapi.json anew
	@$(BIN)/python manage.py hive openapi --out docs/openapi.json

lock: $(BIN)/.runs  ## write requirements.lock anew, after a change of requirements.txt
	@$(BIN)/python -m ota.locking

clean:  ## forget the virtual environment and everything that was run
	rm -rf $(VENV) .bench var

.PHONY: reference
reference: $(BIN)/.runs  ## write the reference of commands and endpoints anew, after a change of either
	@$(BIN)/python -m docs.reference
