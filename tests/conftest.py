"""Sends tests that share something slow to set up, a browser or a lesson, to one process of `make test`.

Tests marked `everything` run only in `make everything`, once a week.
"""

import re
import signal

import pytest

from course_utils.grading import forked_kernels

# A shell that starts the tests in the background makes them ignore Ctrl-C, and with them every program that
# they start. Tests that interrupt a program need it.
signal.signal(signal.SIGINT, signal.default_int_handler)

RUN_IN_THE_BROWSER = "00_open_the_box"


@pytest.hookimpl(wrapper=True, tryfirst=True)  # xdist reads the groups in a hook of the same name
def pytest_collection_modifyitems(items):
    """Gives each test a group: its file or its lesson. Notebooks have no group and run in any free process.

    Then sorts the browser tests by lesson. Otherwise pytest would run a lesson twice: if a test is
    parametrized with fewer lessons than the others, pytest takes its `lesson` for a different parameter.
    """
    for item in items:
        group = item.path.stem
        if group == "test_exercises" and hasattr(item, "callspec"):
            group = f"{group} {item.callspec.id}"
        if group == "test_browser":  # two browsers share the lessons; 06 and 12 take longest
            number = re.search(r"[0-9]+(?=_)", item.callspec.id)
            group = f"{group} {int(number[0]) // 2 % 2 if number else 0}"
            # In `make test` nbval runs every lesson, and a browser runs only one of them.
            if item.callspec.params.get("lesson", RUN_IN_THE_BROWSER) != RUN_IN_THE_BROWSER:
                item.add_marker(pytest.mark.everything)
        if item.originalname != "test_outputs_are_reproduced":
            item.add_marker(pytest.mark.xdist_group(group))
    result = yield
    places = [
        place
        for place, item in enumerate(items)
        if item.path.stem == "test_browser" and "lesson" in item.fixturenames
    ]
    ordered = sorted((items[place] for place in places), key=lambda item: item.callspec.params["lesson"])
    for place, item in zip(places, ordered, strict=True):
        items[place] = item
    return result


def pytest_collection_finish(session):
    """Checks that the groups took effect: otherwise each process would silently run every lesson again."""
    if getattr(session.config.option, "loadgroup", False):
        for item in session.items:
            assert "@" in item.nodeid or not item.get_closest_marker("xdist_group"), item.nodeid


@pytest.fixture(scope="session")
def quick_kernels():
    """Makes kernels start without new imports, in this process and in commands that a test runs."""
    with forked_kernels.serving():
        yield
