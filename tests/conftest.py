"""Tests that share a costly start, a browser or a lesson, go to the same process of `make test`."""

import pytest

from course_utils.grading import forked_kernels


def pytest_collection_modifyitems(items):
    """Give each test a group, its file or its lesson; notebooks run wherever there is room."""
    for item in items:
        group = item.path.stem
        if group == "test_exercises" and hasattr(item, "callspec"):
            group = f"{group} {item.callspec.id}"
        if item.originalname != "test_outputs_are_reproduced":
            item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session")
def quick_kernels():
    """Kernels start without importing everything anew, here and in commands that a test runs."""
    with forked_kernels.serving():
        yield
