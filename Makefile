# make lab        your own copy of the course in JupyterLab; needs Python 3.11 to 3.14 and nothing else; without
#                 make: python3 start.py, on Windows start.ps1
# make check      the linter, and the tests in tests/unit, which need no model: under a minute
# make test       the linter, all lessons, all exercises and most tests; a part: make test TESTS=tests/models
# make everything what takes long, too: every lesson in a browser, full sizes, every answer through the grader
# make bench      how long things take on this machine, each lesson too; nothing fails by the clock
# make lessons    every lesson from top to bottom without a browser, and a table of how it went
# make places     every lesson alone, in environments like Colab's and VS Code's, of the oldest and newest versions
# make exercises  the student versions of the exercises, and docs/exercises.md, from solutions/
# make mutants    docs/mutants.md: which small changes to a solution the checks catch; takes an hour
# make faults     docs/faults.md and docs/command.md: what one sees when something fails, from a run
# make website    the lessons and docs as a website, in build/website, from the outputs that are stored
# make film       the moving picture in README.md, from the explorables on the website
# make miniatures the explorables' pictures in website/pictures, for cards and for links in chats
# make address    the repository's address and the release, as pyproject.toml has them, written wherever else they stand
# make constraints  the versions that this release is tested with, in constraints/
# make models     the models that the lessons need, fetched and checked

VENV := .venv
COURSE := $(VENV)/bin/python -m course_utils
PYTEST := $(VENV)/bin/python -m pytest
# What `make test` and `make everything` run. For a part: make test TESTS=tests/lessons
TESTS := tests
# How many tests run at the same time. Some tests mostly wait, so there may be more tests than cores: 4 suits
# two cores. On four cores: make test PROCESSES=7
PROCESSES := 4

# The lessons use one thread. All programs that this file starts use one thread, too.
export OMP_NUM_THREADS := 1
export TOKENIZERS_PARALLELISM := false
# Tests start hundreds of processes. Without this, each would compile the modules that it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help lab lessons lint check test everything bench places exercises mutants faults website film miniatures address constraints models
# Make one target at a time: two pips that install into one environment at the same time disturb each other.
.NOTPARALLEL:
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# \(make\)/\1/p' Makefile

# If the environment's Python no longer starts, for example after an upgrade of the system, forget what is
# installed. start.py then makes the environment again.
$(shell $(VENV)/bin/python -c '' 2> /dev/null || rm -f $(VENV)/.core $(VENV)/.dev $(VENV)/.website)

$(VENV)/.dev: pyproject.toml start.py
	@.ci/start install $(VENV) ".[dev]"
	@touch $(VENV)/.core $(VENV)/.website $@

$(VENV)/.website: pyproject.toml start.py
	@.ci/start install $(VENV) ".[website]"
	@touch $(VENV)/.core $@

models:
	@.ci/start models

lab:
	@.ci/start

lessons: models
	@$(COURSE) run

lint: $(VENV)/.dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

check: lint
	$(PYTEST) -m "not everything" tests/unit

test: lint models
	@$(VENV)/bin/python tests/programs.py
	$(PYTEST) -n $(PROCESSES) --dist loadgroup --no-loadscope-reorder -m "not everything" $(TESTS)

everything: lint models
	@$(VENV)/bin/python tests/programs.py
	EVERYTHING=1 $(PYTEST) -n $(PROCESSES) --dist loadgroup --no-loadscope-reorder $(TESTS)
	$(VENV)/bin/python tests/grade_answers.py

bench: $(VENV)/.dev models
	@$(VENV)/bin/python tests/bench.py

places: $(VENV)/.dev models
	@$(VENV)/bin/python tests/places.py colab oldest newest

exercises: $(VENV)/.dev
	@$(VENV)/bin/python -m nbgrader generate_assignment --assignment="*" --no-db --force
	@$(VENV)/bin/python tests/exercises_table.py > docs/exercises.md

mutants: $(VENV)/.dev models
	@PYTHONPATH=. $(VENV)/bin/python tests/mutants.py

faults: $(VENV)/.dev models
	@PYTHONPATH=. $(VENV)/bin/python tests/faults_table.py > docs/faults.md
	@PYTHONPATH=. $(VENV)/bin/python tests/command_table.py > docs/command.md

website: $(VENV)/.website
	@rm -rf build/website build/website-cache
	@$(VENV)/bin/python -m sphinx -q --fail-on-warning --keep-going -c website -d build/website-cache . build/website
	@$(VENV)/bin/python website/check.py build/website

film: $(VENV)/.dev
	@$(VENV)/bin/python website/moving_picture.py

miniatures: $(VENV)/.dev
	@$(VENV)/bin/python website/miniatures.py

address:
	@.ci/address

constraints: $(VENV)/.dev
	@.ci/constraints $(VENV)
