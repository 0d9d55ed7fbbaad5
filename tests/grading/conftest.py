"""Makes the tests' sandboxes import only torch, and lets the tests of a file share one sandbox."""

import contextlib
import json

import pytest


@pytest.fixture(scope="session", autouse=True)
def all_imports():
    """Makes sandboxes start five seconds sooner, because they import torch without any model classes.

    Yields the names of the modules that a sandbox imports outside the tests.
    """
    from course_utils.grading import student_process

    with pytest.MonkeyPatch.context() as patch:
        imports = student_process.IMPORTS
        patch.setattr(student_process, "IMPORTS", ("torch",))
        yield imports


@pytest.fixture(scope="module")
def shared_sandbox():
    """Opens only one sandbox for each set of settings, and closes it after the last test of the file."""
    from course_utils.grading.sandbox import Sandbox

    begin, end, opened = Sandbox.__enter__, Sandbox.__exit__, {}

    def enter(sandbox):
        how = json.dumps([sandbox.prelude, sandbox.isolated, sandbox.cold, sandbox.memory])
        if how not in opened:
            opened[how] = begin(sandbox)
        return opened[how]

    with pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as at_the_end:
        patch.setattr(Sandbox, "__enter__", enter)
        patch.setattr(Sandbox, "__exit__", lambda *_: None)
        at_the_end.callback(lambda: [end(sandbox) for sandbox in opened.values()])
        yield
