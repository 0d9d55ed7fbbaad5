"""Tests each `course` command with each fault of tests/command_table.py.

Each run must end with the right status and without a traceback.
"""

import json
import os
import re
import shlex
import struct
import subprocess
import sys
from pathlib import Path

import by_commit
import command_table
import pytest
from command_table import CLOSED, FAULTS, FULL

from course_utils import __main__

if sys.platform != "win32":
    import fcntl
    import pty
    import termios

ROOT = Path(__file__).parents[2]
QUICK = ("models", "gain", "verify", "freshness", "completion", "help")
_, COMMANDS = __main__.make_parser()
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="These faults are those of a POSIX shell.")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return command_table.folder_in(tmp_path_factory.mktemp("faults"))


def test_every_command_has_a_call():
    assert command_table.CALLS.keys() == COMMANDS.choices.keys()


SLOW = pytest.mark.everything(reason="it imports large libraries for each of eleven faults")


def tried(command):
    """Returns the faults to try: all after a change of the commands, otherwise some (see by_commit.py)."""
    places = ("course_utils/__main__.py", "course_utils/terminal.py", command_table.__file__)
    return by_commit.drawn(f"faults of {command}", FAULTS[1:], 4, *places)


@pytest.mark.parametrize(
    "command",
    [pytest.param(each, marks=[] if each in QUICK else SLOW) for each in COMMANDS.choices],
)
def test_a_command_with_every_fault(command, folder):
    plain, out, error = command_table.meet(command, FAULTS[0], folder)
    assert plain in (0, 1) and bool(error or out) >= plain and "Traceback" not in error
    for fault in tried(command):
        status, shown, said = command_table.meet(command, fault, folder)
        assert "Traceback" not in said and "Exception ignored" not in said, (fault.name, said)
        if command == "run" and out:  # `run` also writes its progress to the error output
            said = "".join(line for line in said.splitlines(True) if line.startswith("course"))
        if fault.name.strip("`") == ">/dev/full":
            assert (status, said.count("\n")) == (1, 1) if out else (plain, error.count("\n")), said
            assert not out or said == f"course {command}: {FULL}\n"
        elif fault.name.strip("`") == ">&-":
            assert (status, shown, said) == (1, "", f"course: {CLOSED}\n")
        elif fault.name.split()[0] == "an" and fault.read:
            assert status == 2 and not shown, (fault.name, said)
            assert fault.read in said
        elif fault.no_reader:
            assert (status, said) == (141, "") if out else (plain, error), said
        else:
            assert (status, bool(shown)) == (plain, bool(out)), (fault.name, said)


def with_an_empty_value(command):
    """Yields the command's call with one argument empty, or with one option's value empty or a space."""
    call = shlex.split(command_table.CALLS[command])
    for place, word in enumerate(call[1:], 1):
        if not word.startswith("-"):
            yield [*call[:place], "", *call[place + 1 :]]
    for option, action in COMMANDS.choices[command]._option_string_actions.items():
        if action.nargs != 0:
            yield from ([*call, option, " "], [*call, f"{option}="])


@pytest.mark.parametrize("command", COMMANDS.choices)
def test_an_empty_value_is_refused_wherever_it_stands(command, capsys):
    for line in with_an_empty_value(command):
        with pytest.raises(SystemExit) as stopped:
            __main__.main(line)
        assert stopped.value.code == 2, line
        out, said = capsys.readouterr()
        assert not out and f"course {command}: error: " in said, line


def commands_and_names():
    """Yields each command that has the option --json, with no name, with one name and with two names."""
    all_blueprints = pytest.mark.everything(reason="builds each architecture of the catalogue")
    for name, command in COMMANDS.choices.items():
        if "--json" in command._option_string_actions:
            yield pytest.param(name, (), marks=all_blueprints if name == "blueprint" else ())
            yield name, ("tinyworld-llama",)
            yield name, ("llama", "whisper")


@pytest.mark.parametrize(("command", "more"), list(commands_and_names()))
def test_json_is_one_value_and_nothing_else(command, more, capsys):
    others = {"blueprint": ("mixtral-8x7b", "llama-2-7b"), "freshness": ("licence", "law")}
    names = others.get(command, more)[: len(more)]
    assert __main__.main([command, "--json", *names]) == 0
    out, error = capsys.readouterr()
    found = json.loads(out)
    assert error == "" and (isinstance(found, dict) or len(found) >= len(names))
    assert __main__.main([command, "--json", "nothing/at all"]) == 1
    out, error = capsys.readouterr()
    assert out == "" and error.startswith(f"course {command}: ")


def test_without_a_command_the_help_is_an_error_and_asked_for_it_is_none(capsys):
    with pytest.raises(SystemExit) as stopped:
        __main__.main([])
    nothing = capsys.readouterr()
    assert stopped.value.code == 2 and not nothing.out and "course lab" in nothing.err
    assert __main__.main(["help"]) == 0
    assert capsys.readouterr() == (nothing.err, "")
    for number in (0, 1, 2, 130, 141):
        assert re.search(rf"^  {number} +\w", nothing.err, re.M)


def test_the_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit) as stopped:
        __main__.main(["--version"])
    written = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text("utf-8"), re.M)[1]
    assert (stopped.value.code, *capsys.readouterr()) == (0, f"course {written}\n", "")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (PermissionError(13, "Permission denied", "a/b"), "a/b: Permission denied."),
        (MemoryError(), "the memory ran out"),
        (ModuleNotFoundError("No module named 'torch'"), "No module named 'torch': run make lab"),
        (OSError("odd"), "the system says: odd."),
        (OSError(28, "No space left"), "the output can't be written: No space left."),
    ],
)
def test_what_the_system_refuses_is_one_sentence(monkeypatch, error, says):
    def refuse(options):
        raise error

    said = []
    monkeypatch.setattr(__main__, "_models", refuse)
    monkeypatch.setattr(__main__.terminal, "say", said.append)
    monkeypatch.setattr(__main__.terminal, "let_go", lambda stream: None)
    assert __main__.main(["models"]) == 1
    assert len(said) == 1 and said[0].startswith(f"course models: {says}")


def completed(line, **environment):
    """Returns the words that a shell would offer at the end of a line."""
    words = os.environ | {"_ARGCOMPLETE": "1", "COMP_LINE": line, "COMP_POINT": str(len(line))} | environment
    words |= {"_ARGCOMPLETE_STDOUT_FILENAME": environment["file"], "_ARGCOMPLETE_IFS": "\n"}
    subprocess.run([sys.executable, "-m", "course_utils"], env=words, check=False, cwd=ROOT)
    return [word.strip() for word in Path(environment["file"]).read_text().split("\n")]


def test_commands_options_and_names_are_completed(tmp_path):
    file = str(tmp_path / "words")
    assert {"models", "fetch", "completion"} <= set(completed("course ", file=file))
    assert completed("course mo", file=file) == ["models"]
    assert completed("course models --js", file=file) == ["--json"]
    assert "tinyworld-llama" in completed("course fetch tinyworld-", file=file)
    assert completed("course run 03", file=file) == ["03_attention_by_hand"]
    assert "tinyworld-llama" in completed("course train tinyworld-l", file=file)
    assert completed("course completion z", file=file) == ["zsh"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_names_the_command(shell, capsys):
    assert __main__.main(["completion", shell]) == 0
    out, _ = capsys.readouterr()
    assert "course" in out and "_ARGCOMPLETE" in out
    if shell == "bash":
        assert not subprocess.run(["bash", "-n"], input=out, text=True).returncode


def test_a_bar_is_drawn_in_a_terminal_and_lines_elsewhere():
    program = """
from course_utils import terminal
with terminal.bars()(total=2_000_000, unit="B", unit_scale=True, desc="model.bin") as bar:
    bar.update(2_000_000)
"""
    command = [sys.executable, "-c", program]
    piped = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True).stderr
    first, last = piped.splitlines()
    assert first.startswith("model.bin: 0.00 of 2.00M B") and last.startswith("model.bin: 2.00M of 2.00M B")
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))  # 24 lines, 80 columns
    subprocess.run(command, stderr=theirs, cwd=ROOT, check=True)
    os.close(theirs)
    drawn = os.read(ours, 10_000).decode()
    os.close(ours)
    assert "\r" in drawn and "100%|" in drawn


@pytest.mark.everything(reason="starts two dozen commands, as `make faults` does")
def test_other_faults_are_one_sentence_each():
    page = (ROOT / "docs" / "command.md").read_text("utf-8")
    assert page.endswith(command_table.others())


@pytest.mark.everything(reason="it runs every command with every fault once more")
def test_the_manual_page_is_what_happened():
    assert command_table.table() == (ROOT / "docs" / "command.md").read_text("utf-8")
