"""Prints docs/command.md, the manual page of `course`, with a table of commands and faults.

`make faults` runs every command with every fault. The table says with which status each run ended.
"""

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from course_utils import __main__

START = """# The command line

`.venv/bin/course --help` lists the commands of the course, and `.venv/bin/course COMMAND --help` says how one
is called. `make faults` generates this page.

## Exit status

| Status | What it says |
|---|---|
| 0 | done |
| 1 | something failed: a sentence says what, or a row of the output does |
| 2 | the command line is wrong, and nothing was done |
| 130 | stopped with Ctrl-C; what was finished is kept |
| 141 | the program that reads the output, such as `head`, ended first |
| 143 | `grade`, `fetch` or `train` was ended by the signal SIGTERM, as by `kill`; what was finished is kept |

## Output

What a command is asked for goes to the standard output; how far it is, and what is wrong, goes to the
standard error. Progress bars are drawn in terminals. Anywhere else, as in a log, a line says how far a
command is, every ten seconds or later. `--json` prints one value that holds all, and nothing else. A letter
that a terminal lacks is printed as a question mark.

Files that you give, such as answers, points, a class list and a class secret, may be in UTF-8 or UTF-16, as
programs for Windows write them. If `course gain` can't read one of many files, it names that file, counts the
others, and ends with status 1.

## Completion

Your shell can complete the commands, their options, and the names of models and lessons:

| Shell | Where | The line |
|---|---|---|
| bash | `~/.bashrc` | `eval "$(course completion bash)"` |
| zsh | `~/.zshrc`, below `compinit` | `eval "$(course completion zsh)"` |
| fish | `~/.config/fish/config.fish` | `course completion fish \\| source` |

`course` must then be found by the shell, so activate the environment before: `source .venv/bin/activate`.

## Settings

| Variable | What it sets |
|---|---|
| `COURSE_SIZE` | the size of the models: `tiny`, `small` or `full`; by default that of each lesson |
| `COURSE_CACHE` | the folder for models and trainings |
| `COURSE_ANSWERS` | the file with your answers |
| `HF_HUB_OFFLINE=1` | nothing is asked of the network |

## Every command with every fault

Each command was called as the first column says, in a folder with a space and an umlaut in its name, in which
some files are broken and others missing. The other columns have the exit status. The sentences that were read
are below the table.

"""


@dataclass(frozen=True)
class Fault:
    """A fault with which every command is run.

    end : the line that the shell runs, with {} in place of the command, such as "{} >/dev/full"
    environment : environment variables, as pairs of name and value
    read : a part of the message that a command prints because of the fault
    no_reader : whether the output goes to a pipe that no program reads
    """

    name: str
    end: str = "{}"
    environment: tuple = ()
    read: str = ""
    no_reader: bool = False


FULL = "the output can't be written: No space left on device."
CLOSED = "the output is closed, so nothing was done: send it to /dev/null instead."
FAULTS = (
    Fault("none"),
    Fault("`\\| true`", no_reader=True),
    Fault("`>/dev/full`", "{} >/dev/full", read=FULL),
    Fault("`>&-`", "{} >&-", read=CLOSED),
    Fault("`2>&-`", "{} 2>&-"),
    Fault("`2>/dev/full`", "{} 2>/dev/full"),
    Fault("`<&-`", "{} <&-"),
    Fault("a terminal with ASCII alone", environment=(("PYTHONIOENCODING", "ascii"),)),
    Fault("`LC_ALL=C`", environment=(("LC_ALL", "C"), ("PYTHONUTF8", "0"))),
    Fault("an empty argument", "{} ''", read="is empty: a variable without a value, perhaps?"),
    Fault("an unknown option", "{} --fly", read="unrecognized arguments: --fly"),
)
# {command: command line that calls it}. The calls run in a folder that contains only FILES. The folder's name
# has a space and an umlaut.
CALLS = {
    "start": "start taken",
    "lab": "lab taken",
    "doctor": "doctor",
    "models": "models",
    "blueprint": "blueprint --config broken.ipynb",
    "fetch": "fetch tinyworld-llama",
    "clean": "clean",
    "run": "run broken.ipynb",
    "train": "train tinyworld",
    "grade": "grade 02 submissions --out out --plan",
    "new-assignment": "new-assignment 'a b'",
    "try-assignment": "try-assignment none.ipynb",
    "analyse": "analyse none",
    "similar": "similar none",
    "read-answers": "read-answers none",
    "gain": "gain broken.ipynb",
    "verify": "verify broken.ipynb",
    "freshness": "freshness",
    "completion": "completion bash",
    "help": "help models",
}
FILES = {"taken": "in the way", "broken.ipynb": "{", "submissions/anna.ipynb": "{"}
# {fault: shell script that runs `course`}. The table shows the last line of the script's output.
OTHERS = {
    "an answers file that is a folder": "mkdir answers.json; course gain answers.json",
    "an answers file of 100,000 brackets": """printf '[%.0s' {1..100000} > a.json; course gain a.json""",
    "an answers file that is cut in a letter": r"""printf '{"a": "m\xc3' > b.json; course gain b.json""",
    "a pipe that nobody writes to": "mkfifo pipe; course gain pipe",
    "a link that leads to itself": "ln -s c.json c.json; course gain c.json",
    "a name with codes of a terminal": r"course gain $'\e[31mred.json'",
    "a size with a capital letter": "COURSE_SIZE=Tiny course fetch llama",
    "a model by its title": "course models 'Llama 3.1 8B Instruct'",
    "a mistyped command": "course modles",
    "zero steps": "course train tinyworld-llama --steps 0",
    "damaged settings of a training": """mkdir t; echo { > t/settings.json;
        course train tinyworld-llama --folder t""",
    "a folder that is a file": "course train tinyworld-llama --folder taken",
    "an empty class secret": "touch secret; course verify --secret-file secret --password-for Anna",
    "a page of 30 MB": "head -c 30000000 /dev/zero > p.html; course verify p.html",
    "memory without its unit": "course blueprint llama-2-7b --memory 16",
    "a config with fewer than no layers": """echo '{"model_type": "llama", "num_hidden_layers": -3}' > c;
        course blueprint --config c""",
    "31 February": "course grade 02 submissions --out o --due 2026-02-31",
    "results among the submissions": "course grade 02 submissions --out submissions --plan",
    "a zip file that is none": "course grade 02 broken.ipynb --out o --plan",
    "a class list without names": """echo x,y > list.csv;
        course grade 02 submissions --out o --plan --roster list.csv""",
    "facts that nobody read since": "course freshness licence --fail-after-months 6 --on 2028-01-01",
    "a word that no fact has": "course freshness weather",
    "a notebook in R": """echo '{"cells": [], "metadata": {"kernelspec": {"name": "ir", "language": "R",
        "display_name": "R"}}, "nbformat": 4, "nbformat_minor": 5}' > r.ipynb; course run r.ipynb""",
}


def folder_in(parent) -> Path:
    """Make the folder in which the commands run."""
    folder = Path(parent) / "müde Augen"
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


def meet(command, fault, folder):
    """Run a command with a fault. Return the exit status, the standard output and the standard error."""
    call = f"{sys.executable} -m course_utils {CALLS[command]}"
    return run_in_shell(fault.end.format(call), folder, fault)


def run_in_shell(script, folder, fault):
    """Run a script of bash in a folder. Return its status, its standard output and its standard error."""
    surroundings = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    surroundings |= {"COLUMNS": "100", **dict(fault.environment)}
    reader, writer = os.pipe()
    os.close(reader)  # nobody reads this pipe, so a command of `fault.no_reader` can't write to it
    try:
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=folder,
            env=surroundings,
            stdout=writer if fault.no_reader else subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            timeout=600,
        )
    finally:
        os.close(writer)
    return done.returncode, done.stdout or "", done.stderr


def table():
    """Return the text of docs/command.md."""
    _, commands = __main__.make_parser()
    rows, said = [], {}
    with tempfile.TemporaryDirectory() as parent:
        folder = folder_in(parent)
        for command in commands.choices:
            cells = [f"`course {CALLS[command]}`"]
            for fault in FAULTS:
                status, out, error = meet(command, fault, folder)
                assert "Traceback" not in error, error
                cells.append(str(status))
                if fault.name == "none" and status:
                    said[command] = re.sub(" +", " ", (error.strip() or out.strip()).splitlines()[-1])
            rows.append(" | ".join(cells))
    heading = " | ".join(["Command", *(fault.name for fault in FAULTS)])
    lines = [heading, "|".join(["---"] * (len(FAULTS) + 1)), *rows]
    text = START + "".join(f"| {line} |\n" for line in lines)
    text += "\nWhat was read:\n\n"
    text += "".join(f"- {fault.name}: *… {fault.read}*\n" for fault in FAULTS if fault.read)
    text += "".join(f"- `course {CALLS[name]}`: *{says}*\n" for name, says in said.items())
    return text + others()


def others():
    """Return the table of the faults in OTHERS, as Markdown."""
    text = "\n## Other faults\n\n| Fault | What was done | Status | What was read |\n|---|---|---|---|\n"
    with tempfile.TemporaryDirectory() as parent:
        folder = folder_in(parent)
        for name, script in OTHERS.items():
            known = f'course() {{ "{sys.executable}" -m course_utils "$@"; }}; {script}'
            status, out, error = run_in_shell(known, folder, FAULTS[0])
            assert status and "Traceback" not in error, (name, error)
            sentences = [line for line in error.splitlines() if line.startswith("course")]
            says = re.sub(" +", " ", [*sentences, *out.splitlines()[-1:]][0])
            shown = " ".join(script.split()).replace("|", "\\|")
            text += f"| {name} | `{shown}` | {status} | {says} |\n"
    return text


if __name__ == "__main__":
    sys.stdout.write(table())
