"""The course's test in two halves of ten questions, one before the lessons and one after, and the gain.

    test("before")        asks ten questions; they are handed in once, and no answer is given away
    test("after")         asks their pairs, on other facts; then explains every answer
    gain()                shows both results side by side
    pool(files)           counts what several learners gained, without names

The questions are in questions/test.toml.
"""

import csv
import io
import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import ipywidgets as widgets
from IPython.display import display

from course_utils import views
from course_utils.errors import CourseError
from course_utils.learning import answers, quiz
from course_utils.learning.question import STYLE, choice_field, marked_up, remark
from course_utils.views.picture import Picture, bundle, card

HALVES = ("before", "after")
UNSURE = "I have no answer to this question"
FEWEST = 5  # learners in a table: with fewer, the counts would reveal who answered what


def test(half: str) -> None:
    """Ask one half of the test.

    half : "before" or "after"

    Raises CourseError if there is no such half.
    """
    if half not in HALVES:
        raise CourseError(f"The test has no half {half!r}: ask for {' or '.join(map(repr, HALVES))}.")
    display(Half(half))


class Half:
    """The ten questions of one half, and a button that hands all of them in. It can be used once."""

    def __init__(self, half: str):
        self.half = half
        self.items = quiz.load(f"test-{half}")
        self.fields = [
            choice_field(f"{number}. {item.text}", [*(c.text for c in item.choices), UNSURE])
            for number, item in enumerate(self.items, start=1)
        ]
        self.said = [widgets.HTML() for _ in self.items]
        self.button = widgets.Button(description="Hand in")
        self.button.on_click(lambda _: self._hand_in())
        self.total = widgets.HTML()
        rows = []
        for field, said in zip(self.fields, self.said, strict=True):
            rows.append(widgets.VBox([field, said]))
            rows[-1].add_class("course-question")
        self.widget = widgets.VBox([widgets.HTML(STYLE), *rows, self.total, self.button])
        self._show()

    def _hand_in(self):
        open_ones = [str(at) for at, field in enumerate(self.fields, start=1) if field.value is None]
        if open_ones:
            self.total.value = remark(f"Still without an answer: {', '.join(open_ones)}. “{UNSURE}” is one.")
            return
        note = ""
        for number, (item, field) in enumerate(zip(self.items, self.fields, strict=True), start=1):
            right = field.value == _right(item)
            note = answers.record("test", f"{self.half} {number}", field.value, right) or note
        self._show(note)

    def _show(self, note=""):
        """Update the fields and the result from the stored answers."""
        result = results().get(self.half)
        if result is None:
            return
        known = answers.read()
        for number, (item, field) in enumerate(zip(self.items, self.fields, strict=True), start=1):
            given = known[f"test {self.half} {number}"]["answer"]
            field.value = given if given in [value for _, value in field.options] else UNSURE
            field.disabled = True
            if self.half == "after":
                chosen = next((choice for choice in item.choices if choice.text == given), None)
                right = _right(item)
                says = chosen.why if chosen else ""
                if given == right:
                    self.said[number - 1].value = remark(says, "right")
                else:
                    self.said[number - 1].value = remark(f"{says} The answer: {right}.", "wrong")
        more = "The answers come with the second half." if self.half == "before" else ""
        self.total.value = remark(f"Handed in: {sum(result)} of {len(result)} right. {more} {note}")
        self.button.layout.display = "none"

    def _repr_mimebundle_(self, **_):
        printed = ""
        for number, item in enumerate(self.items, start=1):
            listed = "".join(
                f'<div style="margin:2px 0 2px 14px">{letter}. {marked_up(text)}</div>'
                for letter, text in zip("ABCD", [*(c.text for c in item.choices), UNSURE], strict=True)
            )
            printed += f'<div style="margin:6px 0 12px"><b>{number}. {marked_up(item.text)}</b>{listed}</div>'
        words = f"The test {self.half} the course: {len(self.items)} questions, answers not shown."
        return bundle(self.widget, Picture(card(printed), words))


def _right(item):
    return next(choice.text for choice in item.choices if choice.right)


def results(known: dict | None = None) -> dict[str, list[bool]]:
    """Return, for each half that was handed in, whether each of its questions was answered right.

    known : the answers, as `answers.read` returns them; by default the learner's own
    """
    known = answers.read() if known is None else known
    found = {}
    for half in HALVES:
        entries = [known.get(f"test {half} {number}") for number in range(1, _count() + 1)]
        if all(isinstance(entry, dict) for entry in entries):
            found[half] = [entry.get("right") is True for entry in entries]
    return found


def _count():
    return len(quiz.load(f"test-{HALVES[0]}"))


def topics() -> list[str]:
    """Return the topic of each pair of questions."""
    tables = tomllib.loads((quiz.FOLDER / "test.toml").read_text(encoding="utf-8"))
    return [table["about"] for table in tables[HALVES[0]]]


def gain() -> Picture:
    """Show both results pair by pair, and the gain as a share of the possible gain (Hake, 1998)."""
    found = results()
    if len(found) < len(HALVES):
        missing = [half for half in HALVES if half not in found]
        words = f"Not handed in yet: the test {' and the test '.join(missing)} the course."
        return Picture(card(words, "Your gain"), words)
    before, after = (sum(found[half]) for half in HALVES)
    count = _count()
    sign = {True: "✓", False: "·"}
    rows = [("", *HALVES)]
    for about, *pair in zip(topics(), *(found[half] for half in HALVES), strict=True):
        rows.append((about, *(sign[right] for right in pair)))
    rows.append(("right", f"{before} of {count}", f"{after} of {count}"))
    title = f"{after - before:+} of {count} questions".replace("-", "−").replace("+0", "0")
    note = "Ten questions are few: one more or less may be chance."
    if after > before:
        note = f"Of {count - before} that were open, {(after - before) / (count - before):.0%} gained. {note}"
    alt = f"Before {before} of {count}, after {after} of {count}. {note}"
    return views.table(rows, right=(1, 2), title=f"Your gain: {title}", note=note, alt=alt)


@dataclass(frozen=True)
class Pair:
    """One pair of questions, counted over several learners.

    before, after: how many answered it right in that half.
    gained, lost: how many were right only after, and only before.
    """

    about: str
    before: int
    after: int
    gained: int
    lost: int


def pool(files: Iterable[str | Path]) -> tuple[int, list[Pair]]:
    """Return the number of learners who handed in both halves, and the counts for each pair of questions.

    files : the learners' answers.json files, or folders that are searched for .json files

    Raises CourseError if a file can't be read, or if fewer than five learners handed in both halves.
    """
    both = [found for found in map(_of_file, _listed(files)) if len(found) == len(HALVES)]
    if len(both) < FEWEST:
        raise CourseError(
            f"{len(both)} of the files hold both halves of the test, and a table needs {FEWEST}: among fewer "
            "learners the counts would tell who answered what."
        )
    pairs = []
    for at, about in enumerate(topics()):
        marks = [(found["before"][at], found["after"][at]) for found in both]
        pairs.append(
            Pair(
                about,
                sum(before for before, _ in marks),
                sum(after for _, after in marks),
                sum(after > before for before, after in marks),
                sum(after < before for before, after in marks),
            )
        )
    return len(both), pairs


def as_csv(learners: int, pairs: list[Pair]) -> str:
    """Return the pooled counts as CSV, with a last line for all pairs together. It has no names or times."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["about", "learners", "right before", "right after", "gained", "lost"])
    for pair in pairs:
        writer.writerow([pair.about, learners, pair.before, pair.after, pair.gained, pair.lost])
    sums = [sum(getattr(pair, name) for pair in pairs) for name in ("before", "after", "gained", "lost")]
    writer.writerow(["all questions", learners * len(pairs), *sums])
    return out.getvalue()


def _listed(files):
    for place in map(Path, files):
        if place.is_dir():
            yield from sorted(place.rglob("*.json"))
        else:
            yield place


def _of_file(path):
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not JSON"
        raise CourseError(f"{path} can't be read ({reason}): leave it out, or ask for it again.") from None
    return results(known) if isinstance(known, dict) else {}
