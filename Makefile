# make lab        the course in JupyterLab; needs Python 3.11 to 3.13 and nothing else
# make test       all tests, in the same environment
# make lessons    every lesson from top to bottom without a browser, and a table of how it went
# make exercises  the student versions of the exercises, and docs/exercises.md, from solutions/
# make models     the models that the lessons need, fetched and checked

VENV := .venv
COURSE := $(VENV)/bin/python -m course_utils

# Jupyter refuses to run as root unless it is told that this is meant, as in a container.
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

# The lessons use one thread; so does everything around them.
export OMP_NUM_THREADS := 1
export TOKENIZERS_PARALLELISM := false

.PHONY: help lab lessons test exercises models
# Two pips in one environment get in each other's way.
.NOTPARALLEL:
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# \(make\)/\1/p' Makefile

# An environment whose Python has gone, after an upgrade say, is made anew.
$(shell $(VENV)/bin/python -c '' 2> /dev/null || rm -f $(VENV)/.core $(VENV)/.dev)

$(VENV)/.core: pyproject.toml .ci/install
	@.ci/install $(VENV) "."
	@touch $@

$(VENV)/.dev: pyproject.toml .ci/install
	@.ci/install $(VENV) ".[dev]"
	@touch $(VENV)/.core $@

models: $(VENV)/.core
	@$(COURSE) fetch

lab: models
	@$(COURSE) doctor
	@$(VENV)/bin/jupyter trust notebooks/*.ipynb > /dev/null
	$(VENV)/bin/jupyter lab $(AS_ROOT) --ServerApp.root_dir=. notebooks/index.ipynb

lessons: models
	@$(COURSE) run

test: $(VENV)/.dev models
	@command -v chromium || command -v chromium-browser || command -v google-chrome || $(VENV)/bin/playwright install chromium
	$(VENV)/bin/python -m pytest -n 2 --dist loadgroup

exercises: $(VENV)/.dev
	@$(VENV)/bin/python -m nbgrader generate_assignment --assignment="*" --no-db --force
	@$(VENV)/bin/python tests/exercises_table.py > docs/exercises.md
