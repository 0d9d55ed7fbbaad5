"""Sorts the tests, and sends tests that share a slow set-up to the same process of `make test`.

Tests marked `everything` run only in `make everything`, once a week.
"""

import contextlib
import importlib
import itertools
import os
import re
import signal
import sys
from pathlib import Path

import by_commit
import pytest

# A process that a shell starts in the background ignores Ctrl-C, and so does every program that it starts.
# Tests that interrupt a program need Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The file in tests/without hides a slow library from this process and its child processes, and says why.
WITHOUT = str(Path(__file__).parent / "without")
sys.path.insert(0, WITHOUT)
if WITHOUT not in os.environ.get("PYTHONPATH", ""):
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [WITHOUT, os.environ.get("PYTHONPATH")]))

MODELS = Path(__file__).parent / "models"
PAGES = Path(__file__).parent / "browser" / "test_explorable_pages.py"

# nbval runs every lesson. This lesson, which needs no model, is run in a browser, too, to test the page.
RUN_IN_THE_BROWSER = "01_what_open_means"

# Each group of tests is run by one process: see `group_of`. The groups in COMPUTE mostly compute. The longest
# come first. Groups in neither COMPUTE nor WAIT are short and come last, so that all processes end together.
COMPUTE = ["lesson-08", "lesson-12", "lesson-09", "lesson-05", "test_blueprints", "exercise-11", "lesson-13"]
COMPUTE += ["exercise-12", "lesson-00", "lesson-10", "test_models", "lesson-06", "less-14", "lesson-02"]
COMPUTE += ["lesson-11", "exercise-14", "test_whisper", "lesson-07", "lesson-15", "test_tinyworld"]
COMPUTE += ["lesson-17", "lesson-04", "lesson-16", "test_weights", "lesson-18", "test_review", "exercise-00"]
COMPUTE += ["exercise-07", "solution-18", "solution-15", "solution-17", "lesson-19", "test_picture_training"]
COMPUTE += ["test_training", "lesson-03", "test_picture_weights", "test_stored_states", "solution-01"]
COMPUTE += ["solution-03", "test_command_faults", "exercise-05", "exercise-09", "test_kv_cache"]
# The groups in WAIT mostly wait for pages or for other processes.
WAIT = ["test_explorable_pages", "browser-0", "test_walls", "test_website", "test_grading", "test_sources"]
WAIT += ["browser-1", "test_live", "test_wheel", "test_command", "test_speech", "test_guide"]
WAIT += ["test_interrupts", "test_live_views", "test_forked_kernels", "test_kills", "test_gradebook"]
WAIT += ["test_points", "test_home"]
# After each group that waits come two groups that compute, so that two cores always have something to do.
TURNS = itertools.zip_longest(WAIT, COMPUTE[::2], COMPUTE[1::2])
LONGEST = ["lesson-14", *(group for turn in TURNS for group in turn if group)]


def parameters(item):
    """Returns the parameters of a test, and how pytest writes them in the test's name."""
    call = getattr(item, "callspec", None)
    return (call.params, call.id) if call else ({}, "")


def group_of(item):
    """Returns the name of a test's group. The tests of a group share a file, a browser or a lesson."""
    file, (_, name) = item.path.stem, parameters(item)
    if file == "test_outputs":
        return name
    if file == "test_command_faults" and "blueprint" in name:
        return "test_blueprints"  # so one process runs both files, and counts their models only once
    if file == "test_exercises":
        return f"exercise-{name[:2]}"
    if file == "test_browser":  # a test that runs no lesson is in browser-0
        number = re.search(r"[0-9]+(?=_)", name)
        runs = number and "window" not in item.fixturenames
        return f"browser-{int(number[0]) // 2 % 2 if runs else 0}"
    return file


def lesson_of(item):
    """Returns the lesson that a test runs in a browser, or "" for any other test."""
    return parameters(item)[0].get("lesson", "") if item.path.stem == "test_browser" else ""


def rank(item):
    """Returns a key to sort the tests by: the rank of the group in LONGEST, and the lesson in the browser.

    Without the lesson in the key, a browser would run a lesson twice: pytest does not recognize that two
    tests use the same lesson if one of the tests is parametrized with fewer lessons.
    """
    group = group_of(item)
    return LONGEST.index(group) if group in LONGEST else len(LONGEST), lesson_of(item)


def is_asked_for(config, folder):
    """Returns whether the command names a folder, or something in it, as what to test."""
    return any(Path(argument.partition("::")[0]).resolve().is_relative_to(folder) for argument in config.args)


def left_files(config, items):
    """Returns the files of tests/models to leave to `make everything`: two thirds of those that aren't due.

    If the command names tests/models or a file in it, no file is left out.
    """
    if is_asked_for(config, MODELS):
        return set()
    files = sorted({item.path for item in items if item.path.parent == MODELS})
    others = [file for file in files if not by_commit.due(file)]
    return set(others) - set(by_commit.some("files of models", others, -(-len(others) // 3)))


@pytest.hookimpl(wrapper=True, tryfirst=True)  # runs before xdist's hook, which reads the groups
def pytest_collection_modifyitems(config, items):
    """Gives each test its group, and sorts the tests by `rank`."""
    left, all_pages = left_files(config, items), is_asked_for(config, PAGES.parent)
    for item in items:
        if item.path in left:
            item.add_marker(
                pytest.mark.everything(reason="the last commit changed nothing that this file uses")
            )
        if item.path == PAGES and not all_pages and by_commit.visits_none(item.function, item.module.DRAWN):
            item.add_marker(pytest.mark.everything(reason="the last commit changed no page of explorables"))
        item.add_marker(pytest.mark.xdist_group(group_of(item)))
        if lesson_of(item) not in ("", RUN_IN_THE_BROWSER):
            item.add_marker(pytest.mark.everything(reason="in `make test`, nbval alone runs this lesson"))
    result = yield
    items.sort(key=rank)
    return result


def pytest_collection(session):
    """Lets the processes of `make test` share the work of compiling the test files.

    pytest compiles a test file with its own `assert`, and stores the result. All processes read the files in
    the same order, so in a new clone each would compile all files. Here each first imports its share of them.
    """
    worker = getattr(session.config, "workerinput", None)
    if worker and not sys.dont_write_bytecode:
        folders = [Path(each.partition("::")[0]) for each in session.config.args]
        files = sorted({file for folder in folders for file in folder.rglob("test_*.py")})
        for file in files[int(worker["workerid"].removeprefix("gw")) :: worker["workercount"]]:
            if str(file.parent.resolve()) not in sys.path:  # as pytest does
                sys.path.insert(0, str(file.parent.resolve()))
            with contextlib.suppress(Exception):  # pytest reports the error later
                importlib.import_module(file.stem)


def pytest_collection_finish(session):
    """Checks that xdist wrote a group into each test's id. Without groups, processes would repeat lessons."""
    if getattr(session.config.option, "loadgroup", False):
        for item in session.items:
            assert "@" in item.nodeid, item.nodeid


def pytest_configure(config):
    """Starts a server of kernels for all processes of `make test`, which inherit the server's address."""
    if getattr(config.option, "numprocesses", None):
        import forked_kernels

        serving = forked_kernels.serving()
        serving.__enter__()
        config.add_cleanup(lambda: serving.__exit__(None, None, None))
    elif hasattr(config, "workerinput"):  # a worker's sys.path was copied before `serving` set PYTHONPATH
        sys.path += os.environ["PYTHONPATH"].split(os.pathsep)


@pytest.fixture(scope="session")
def quick_kernels():
    """Makes kernels start as copies of a process that has already imported the libraries.

    This holds for kernels that this process starts, and for those of commands that a test runs.
    """
    import forked_kernels

    with contextlib.nullcontext() if forked_kernels.ADDRESS in os.environ else forked_kernels.serving():
        yield
