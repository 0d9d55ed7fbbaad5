"""Tests the `course` command for users without an account, without a home folder, or with a read-only one."""

import os
import subprocess
import sys

import nbformat
import plain_user
import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows gives every account a home")
NAMES = ("HOME", "LOGNAME", "USER", "LNAME", "USERNAME")


def course(*arguments, folder, **variables):
    """Runs the command as a user whose id has no account. Returns (status, output, standard error)."""
    if os.getuid() or plain_user.lack():
        pytest.skip(f"only root can be a user without an account. {plain_user.lack()}")
    environment = {name: value for name, value in plain_user.environment().items() if name not in NAMES}
    command = plain_user.command([sys.executable, "-m", "course_utils", *map(str, arguments)])
    environment |= {"TMPDIR": str(folder), **variables}
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def folder():
    """Yields a folder in which every user can write."""
    made = subprocess.check_output(["mktemp", "-d", "/tmp/open-the-box-test-XXXXXX"], text=True).strip()
    os.chmod(made, 0o777)
    yield made
    subprocess.run(["rm", "-rf", made], check=True)


@pytest.mark.parametrize("home", [None, "/", "/nonexistent"])
def test_a_folder_takes_the_place_of_a_home_and_is_named(home, folder):
    status, out, error = course("models", "llama", folder=folder, **({"HOME": home} if home else {}))
    assert (status, out) == (0, "TinyWorld Llama (tiny) is on this machine.\n")
    reason = f"can't write in its home folder {home}" if home else "has no home folder"
    assert error.startswith(f"[NOTE] This account {reason}, so {folder}/open-the-box-{plain_user.USER} takes")
    assert error.count("\n") == 1


def test_a_notebook_runs_without_a_home_and_keeps_its_answers(folder):
    notebook = nbformat.v4.new_notebook()
    code = """
import getpass, os
import course_utils
from course_utils.learning import answers
getpass.getuser()
assert answers.record("quiz", "here", "yes") == ""
assert answers.path().is_relative_to(os.environ["HOME"])
"""
    notebook.cells = [nbformat.v4.new_code_cell(code)]
    nbformat.write(notebook, f"{folder}/asks.ipynb")
    status, out, error = course("run", f"{folder}/asks.ipynb", folder=folder)
    assert status == 0 and " ok" in out and "Traceback" not in error


def test_doctor_and_what_was_fetched_work_with_a_home_that_is_closed(folder):
    closed = f"{folder}/closed"
    os.makedirs(f"{closed}/.cache/open-the-box/smollm2-135m-instruct")
    os.chmod(closed, 0o555)
    status, out, error = course("doctor", "--all", folder=folder, HOME=closed, HF_HUB_OFFLINE="1")
    assert status == 1 and f"{closed}/.cache/open-the-box can't be written: set COURSE_CACHE" in out
    assert f"can't write in its home folder {closed}" in error and "Traceback" not in error


def test_a_terminal_without_utf8_is_no_reason_to_stop(folder):
    posix = {"LC_ALL": "C", "PYTHONUTF8": "0", "HOME": folder}
    status, out, error = course("start", f"{folder}/mine", folder=folder, **posix)
    assert status == 0 and error == ""
    status, out, error = course("blueprint", "Qwen/Qwen2-0.5B-Ünicode", folder=folder, **posix)
    assert status == 1 and error.isascii() and "Traceback" not in error
