"""Tests that share a costly start, a browser or a lesson, go to the same process of `make test`.

Those that are marked `everything` are left to `make everything`, which runs once a week.
"""

import re

import pytest

from course_utils.grading import forked_kernels

RUN_IN_THE_BROWSER = "00_open_the_box"


@pytest.hookimpl(wrapper=True, tryfirst=True)  # xdist reads the groups in a hook of the same name
def pytest_collection_modifyitems(items):
    """Give each test a group, its file or its lesson; notebooks run wherever there is room.

    Then put the browser tests of each lesson side by side: pytest takes the `lesson` of a test that names
    fewer lessons for another thing, and would run those twice.
    """
    for item in items:
        group = item.path.stem
        if group == "test_exercises" and hasattr(item, "callspec"):
            group = f"{group} {item.callspec.id}"
        if group == "test_browser":  # of two browsers each has half of the lessons; 06 and 12 take longest
            number = re.search(r"[0-9]+(?=_)", item.callspec.id)
            group = f"{group} {int(number[0]) // 2 % 2 if number else 0}"
            # `make test` runs every lesson under nbval, and one of them here, too.
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
    """Without its groups pytest-xdist runs every lesson in a browser once in each process, without a word."""
    if getattr(session.config.option, "loadgroup", False):
        for item in session.items:
            assert "@" in item.nodeid or not item.get_closest_marker("xdist_group"), item.nodeid


@pytest.fixture(scope="session")
def quick_kernels():
    """Kernels start without importing everything anew, here and in commands that a test runs."""
    with forked_kernels.serving():
        yield
