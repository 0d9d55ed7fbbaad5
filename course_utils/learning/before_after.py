"""The course's test: ten questions before the lessons, ten after them, and the gain.

    test("before")        asks ten questions once, and does not say which answers are right
    test("after")         asks ten questions on the same topics, then explains every answer
    gain()                shows the results of both halves next to each other
    pool(files)           counts the gains of several learners, without their names

The questions are in questions/test.toml.
"""

import csv
import io
import json
import tomllib
from collections.abc import Iterable
from pathlib import Path

from IPython.display import display

from course_utils import views
from course_utils.errors import CourseError
from course_utils.learning import answers, quizzes
from course_utils.learning.question import Question, QuestionList, choice_field, lettered, marked_up
from course_utils.views.picture import Picture, bundle, card

HALVES = ("before", "after")
UNSURE = "I have no answer to this question"
FEWEST = 5  # the fewest learners in a table; smaller counts would reveal who answered what


def test(half: str) -> None:
    """Ask one half of the test.

    half : "before" or "after"

    Raises CourseError if `half` is something else.
    """
    if half not in HALVES:
        raise CourseError(f"The test has no half {half!r}: ask for {' or '.join(map(repr, HALVES))}.")
    display(Half(half))


class Half(QuestionList):
    """The ten questions of one half, and a button that hands in all the answers. A half is handed in once."""

    def __init__(self, half: str):
        self._half = half
        self.items = quizzes.load(f"test-{half}")
        questions = [
            Question(choice_field(f"{number}. {item.text}", [*item.texts, UNSURE]))
            for number, item in enumerate(self.items, start=1)
        ]
        super().__init__(questions, "Hand in", self._hand_in)
        self._show()

    def _hand_in(self):
        chosen = [asked.field.value for asked in self.questions]
        unanswered = [str(number) for number, text in enumerate(chosen, start=1) if text is None]
        if unanswered:
            listed = ", ".join(unanswered)
            self.show_result(f"Still without an answer: {listed}. “{UNSURE}” is one.")
            return
        note = ""
        for number, (item, text) in enumerate(zip(self.items, chosen, strict=True), start=1):
            note = answers.record("test", f"{self._half} {number}", text, text == item.right.text) or note
        self._show(note)

    def _show(self, note=""):
        """If this half was handed in, show the stored answers, the result, and `note` below these."""
        result = results().get(self._half)
        if result is None:
            return
        stored = answers.read()
        for number, (item, asked) in enumerate(zip(self.items, self.questions, strict=True), start=1):
            choice = item.chosen(stored[f"test {self._half} {number}"]["answer"])
            asked.field.value = choice.text if choice else UNSURE
            asked.field.disabled = True
            if self._half == "after":
                why = choice.why if choice else ""
                if choice == item.right:
                    asked.show_reply(why, "right")
                else:
                    asked.show_reply(f"{why} The answer: {item.right.text}.", "wrong")
        more = "The answers come with the second half." if self._half == "before" else ""
        self.show_result(f"Handed in: {sum(result)} of {len(result)} right. {more} {note}")
        self.button.layout.display = "none"

    def _repr_mimebundle_(self, **_):
        html = ""
        for number, item in enumerate(self.items, start=1):
            lines = lettered([*item.texts, UNSURE])
            choices = "".join(f'<div style="margin:2px 0 2px 14px">{line}</div>' for line in lines)
            html += f'<div style="margin:6px 0 12px"><b>{number}. {marked_up(item.text)}</b>{choices}</div>'
        alt = f"The test {self._half} the course: {len(self.items)} questions, answers not shown."
        return bundle(self.widget, Picture(card(html), alt))


def results(stored: dict | None = None) -> dict[str, list[bool]]:
    """Return {half: [bool, ...]} for each half that was handed in; True means a right answer.

    stored : the answers, as `answers.read` returns them; by default the learner's own
    """
    stored = answers.read() if stored is None else stored
    found = {}
    for half in HALVES:
        entries = [stored.get(f"test {half} {number}") for number in range(1, len(topics()) + 1)]
        if all(isinstance(entry, dict) for entry in entries):
            found[half] = [entry.get("right") is True for entry in entries]
    return found


def topics() -> list[str]:
    """Return the topics, one for each pair of questions: one question before the lessons and one after."""
    tables = tomllib.loads((quizzes.FOLDER / "test.toml").read_text(encoding="utf-8"))
    return [table["about"] for table in tables[HALVES[0]]]


def gain() -> Picture:
    """Show for each pair of questions the results before and after the course, and the gain.

    A positive gain is also given as a share of the largest possible one (Hake, 1998).
    """
    found = results()
    missing = [half for half in HALVES if half not in found]
    if missing:
        text = f"Not handed in yet: the test {' and the test '.join(missing)} the course."
        return Picture(card(text, "Your gain"), text)
    before, after = (sum(found[half]) for half in HALVES)
    count = len(topics())
    sign = {True: "✓", False: "·"}
    rows = [("", *HALVES)]
    for topic, *pair in zip(topics(), found["before"], found["after"], strict=True):
        rows.append((topic, *(sign[right] for right in pair)))
    rows.append(("right", f"{before} of {count}", f"{after} of {count}"))
    title = f"{after - before:+} of {count} questions".replace("-", "−").replace("+0", "0")
    note = "Ten questions are few: one more or less may be chance."
    if after > before:
        note = f"Of {count - before} that were open, {(after - before) / (count - before):.0%} gained. {note}"
    alt = f"Before {before} of {count}, after {after} of {count}. {note}"
    return views.table(rows, right=(1, 2), title=f"Your gain: {title}", note=note, alt=alt)


def pool(files: Iterable[str | Path]) -> str:
    """Return CSV that counts the right answers of the learners who handed in both halves, without names.

    Each line is about one pair of questions, and the last line about all pairs together: how many learners
    were right before, right after, right only after ("gained") and right only before ("lost").

    files : the learners' answers.json files, or folders that are searched for .json files

    Raises CourseError if a file can't be read, or if fewer than five learners handed in both halves.
    """
    both = [found for found in map(_results_in, _json_files(files)) if len(found) == len(HALVES)]
    if len(both) < FEWEST:
        raise CourseError(
            f"Both halves of the test are in {len(both)} of the files, and a table needs {FEWEST}: if there "
            "are fewer learners, the counts would reveal who answered what. Add more files."
        )
    rows = []
    for index, topic in enumerate(topics()):
        pairs = [(found["before"][index], found["after"][index]) for found in both]
        before, after = map(sum, zip(*pairs, strict=True))
        rows.append((topic, len(both), before, after, pairs.count((False, True)), pairs.count((True, False))))
    totals = [sum(column) for column in list(zip(*rows, strict=True))[1:]]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["about", "learners", "right before", "right after", "gained", "lost"])
    writer.writerows([*rows, ("all questions", *totals)])
    return text.getvalue()


def _json_files(files):
    for path in map(Path, files):
        if path.is_dir():
            yield from sorted(path.rglob("*.json"))
        else:
            yield path


def _results_in(path):
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not JSON"
        raise CourseError(f"{path} can't be read ({reason}): leave it out, or ask for it again.") from None
    return results(stored) if isinstance(stored, dict) else {}
