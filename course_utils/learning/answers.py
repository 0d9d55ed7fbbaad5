"""Stores the learner's answers in one small JSON file on this computer, and sends them nowhere.

The file stores predictions, quiz answers and the results of exercise checks, so that a prediction made
yesterday can be compared with the result today. One answer looks like this:

    "predict 02-tokens": {
     "kind": "predict", "answer": 40, "right": null, "solved": null, "tries": 1,
     "first_tried": "2025-01-31T09:30:00+00:00", "last_tried": "2025-01-31T09:30:00+00:00"
    }

The file is ~/.local/share/open-the-box/answers.json (on Windows %APPDATA%\\open-the-box\\answers.json), or
the file that the environment variable COURSE_ANSWERS names; `path()` returns its path. To forget all answers,
delete the file.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock

from course_utils import files, home

# All answers if the file can't be written, otherwise None. These answers are lost when the kernel ends.
_unsaved: dict[str, dict] | None = None


def path() -> Path:
    """Return the path of the answers file, which may not exist yet."""
    chosen = os.environ.get("COURSE_ANSWERS")
    if chosen:
        return Path(chosen).expanduser()
    if os.name == "nt":
        data = Path(os.environ.get("APPDATA") or home.folder() / "AppData" / "Roaming")
    else:
        data = home.folder() / ".local" / "share"
    return data / "open-the-box" / "answers.json"


def read() -> dict[str, dict]:
    """Return {"KIND KEY": answer} for all answered questions.

    If the file is damaged, rename it and return {}.
    """
    return _read_file() if _unsaved is None else _unsaved


def find(kind: str, key: str) -> dict | None:
    """Return the answer to one question, or None if it has not been answered."""
    return read().get(f"{kind} {key}")


def solved_tasks(lesson: int, answers: dict[str, dict]) -> list[bool]:
    """Return a bool for each task of a lesson's exercise that the learner has tried: True if it is solved.

    answers : what `read` returns
    """
    entries = (entry for key, entry in answers.items() if key.startswith(f"check {lesson}."))
    return [bool(entry["right"] or entry.get("solved")) for entry in entries]


def record(kind: str, key: str, answer, right: bool | None = None, run: str = "") -> str:
    """Record one try at one question.

    kind : what the answer is to, such as "predict", "quiz" or "check"
    key : the name of the question
    answer : a number or a string
    right : whether the answer is right; None if it cannot be right or wrong
    run : an id of this run of the notebook's cell. If an earlier run has solved the question, a wrong answer
        leaves it solved. If this run has solved the question, a wrong answer makes it unsolved

    Returns a sentence for the learner the first time that an answer cannot be saved, otherwise "".
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")

    def add(answers):
        before = answers.get(f"{kind} {key}", {"tries": 0, "first_tried": now})
        solved = before.get("solved")
        if right:
            solved = solved or run or None
        elif solved == run:
            solved = None
        answers[f"{kind} {key}"] = {
            "kind": kind,
            "answer": answer,
            "right": right,
            "solved": solved,
            "tries": before["tries"] + 1,
            "first_tried": before["first_tried"],
            "last_tried": now,
        }

    return _change(add)


def forget(kind: str, keys: list[str]) -> str:
    """Remove the answers to these questions, which can then be asked again.

    Returns a sentence for the learner the first time that this fails, otherwise "".
    """

    def remove(answers):
        for key in keys:
            answers.pop(f"{kind} {key}", None)

    return _change(remove)


def _change(edit) -> str:
    """Change the answers in the file with the function `edit` or, if writing fails, the answers in memory.

    Returns a sentence for the learner the first time that writing fails, otherwise "".
    """
    global _unsaved
    file = path()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{file}.lock", timeout=5):  # two kernels may write at the same time
            answers = read()
            edit(answers)
            _write_file(file, answers)
        _unsaved = None
        return ""
    except OSError as error:  # FileLock's Timeout is an OSError, too
        known_already = _unsaved is not None
        _unsaved = read()
        edit(_unsaved)
        if known_already:
            return ""
        reason = error.strerror or "another notebook is writing the file"
        return f"(Your answers cannot be saved in {file.parent}: {reason}. They last as long as this kernel.)"


def _read_file() -> dict[str, dict]:
    file = path()
    try:
        answers = json.loads(files.read_text(file))
        if not isinstance(answers, dict) or not all(_is_entry(entry) for entry in answers.values()):
            raise ValueError("not a list of answers")
        return answers
    except OSError:
        return {}  # no question has been answered yet, or the file can't be read
    except ValueError:  # UnicodeDecodeError is a ValueError, too
        aside = file.with_name("answers.broken.json")
        try:
            os.replace(file, aside)
        except OSError:
            return {}
        print(f"Your answers file could not be understood: it is kept as {aside}, and a new one begins.")
        return {}


def _is_entry(entry) -> bool:
    return isinstance(entry, dict) and {"kind", "answer", "right", "tries", "first_tried"} <= entry.keys()


def _write_file(file: Path, answers: dict[str, dict]):
    with files.replacing(file) as part:
        part.touch(mode=0o600)  # no other user can read the file
        with part.open("w", encoding="utf-8") as stream:
            json.dump(answers, stream, indent=1, ensure_ascii=False)
