"""Reads what slides and handouts show of a lesson: its cells, and its notes in docs/instructors.md."""

import re
from dataclasses import dataclass
from functools import cache, cached_property
from html import escape, unescape

import lessons
import nbformat
from markdown_it import MarkdownIt
from shell import ROOT

from course_utils import catalog

GUIDE = ROOT / "docs" / "instructors.md"
BREAK = r"\*(A good moment for a break\.[^*]*)\*"
NEVER = ("<b>Predict: ", "(No prediction from you yet.)")  # outputs that are questions, not pictures


@dataclass(frozen=True)
class Note:
    """A text of the guide, in Markdown, and the id of the lesson's cell that it names, or ""."""

    text: str
    cell: str = ""


@dataclass(frozen=True)
class Question:
    """A prediction, as HTML. `at` is the index of its cell, `answer` the lesson's own sentence.

    `before` is the paragraph above it in the lesson, in Markdown.
    """

    at: int
    text: str
    choices: tuple[str, ...]
    unit: str
    answer: str
    before: str


@cache
def guide() -> dict[str, str]:
    """Return the notes on each lesson, as Markdown, by its two digits."""
    notes = GUIDE.read_text(encoding="utf-8").split("\n## Lesson by lesson\n")[1].split("\n## ")[0]
    return {part[:2]: part for part in re.split(r"^### (?=\d\d · )", notes, flags=re.M)[1:]}


def inline(text: str) -> str:
    """Return a line of Markdown as HTML."""
    return MarkdownIt().renderInline(text)


def note(line: str) -> Note:
    """Return a line of the guide without the comment at its end, which names a cell: <!-- CELL -->."""
    return Note(*re.fullmatch(r"(.*?)(?: *<!-- (\S+) -->)?", line).groups(default=""))


class Lesson:
    """A lesson with what an instructor needs of it. `name` is its name in the catalogue."""

    def __init__(self, name: str):
        self.name, self.number, self.facts = name, name[:2], catalog.lessons()[name]
        self.cells = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4).cells
        self.places = {cell.id: place for place, cell in enumerate(self.cells)}

    @cached_property
    def promise(self) -> str:
        return re.search(r"^\*\*(.+?)\*\*$", self.cells[0].source, re.M)[1]

    @cached_property
    def points(self) -> list[Note]:
        """What to show, in order."""
        return [note(line) for line in re.findall(r"^\d+\. (.+)$", guide()[self.number], re.M)]

    @cached_property
    def notes(self) -> dict[str, Note]:
        """The paragraphs below the list by their bold name, such as "Vote"."""
        found = re.findall(r"^\*\*(.+?)\.\*\* (.+)$", guide()[self.number], re.M)
        return {name: note(text) for name, text in found}

    @cached_property
    def take_away(self) -> list[str]:
        """The lesson's closing points."""
        text = next(cell.source for cell in self.cells if "## Take away" in cell.source)
        return re.findall(r"^\d+\. (.+)$", text.split("## Take away")[1], re.M)

    @cached_property
    def claims(self) -> list:
        """The `Claim`s of the article that the lesson settles."""
        return [claim for claim in catalog.claims().values() if self.number in claim.settled]

    @cached_property
    def questions(self) -> list[Question]:
        """The predictions that the lesson asks and answers, in order."""
        asked, told = {}, {}
        for place, cell in enumerate(self.cells):
            shown = [html for html, _ in _outputs(cell)]
            pairs = zip(lessons.calls(cell.source, "predict"), _with(NEVER[0], shown), strict=True)
            asked |= {key: (place, html) for key, html in pairs}
            told |= dict(zip(lessons.calls(cell.source, "reveal"), _with(NEVER[1], shown), strict=True))
        return [
            _question(place, html, told[key], self._before(place))
            for key, (place, html) in asked.items()
            if key in told
        ]

    @cached_property
    def breaks(self) -> list[tuple[int, str]]:
        """The places of the lesson's breaks, and what it says there, in Markdown."""
        found = [(place, re.search(BREAK, cell.source)) for place, cell in enumerate(self.cells)]
        return [(place, match[1]) for place, match in found if match]

    def _before(self, place):
        """Return the last paragraph of text before a cell, in Markdown; "" if it is not plain text."""
        above = next(cell.source for cell in self.cells[place - 1 :: -1] if cell.cell_type == "markdown")
        last = re.split(r"\n\s*\n", above.strip())[-1]
        return "" if re.match(r"[#|$*-] |<|\d+\.|.*`", last) else " ".join(last.split())

    def picture(self, cell: str) -> tuple[str, str]:
        """Return the picture that a cell has stored, as HTML, and its alt text; or what the cell prints.

        Raises LookupError if there is no such cell, or nothing to show in it.
        """
        if cell in self.places:
            found = self.cells[self.places[cell]]
            pictures = [pair for pair in _outputs(found) if not any(words in pair[0] for words in NEVER)]
            if pictures:
                return max(pictures, key=lambda pair: len(pair[0]))
            printed = "".join(output.get("text", "") for output in found.get("outputs", ()))
            if printed.strip():
                return f'<pre class="printed">{escape(printed.rstrip())}</pre>', printed
        raise LookupError(f"docs/instructors.md names cell {cell}; lesson {self.number} shows nothing there")


def _outputs(cell):
    """Return the HTML and the alt text of each picture that a cell has stored."""
    data = [output.get("data", {}) for output in cell.get("outputs", ())]
    return [(each["text/html"], each.get("text/plain", "")) for each in data if "text/html" in each]


def _with(words, texts):
    return [text for text in texts if words in text]


def _question(place, html, told, before):
    text, *choices = re.findall(r'<div style="margin:3px 0">(.*?)</div>', html, re.S)
    text = re.sub(r"\*(\w+)\*", r"<em>\1</em>", re.sub(r"^<b>Predict: |</b>$", "", text))
    number = re.match(r"\(a number,? ?(?:in )?(.*)\)", choices[0])
    answer = lessons.UNPREDICTED.match(told)[1]
    answer = unescape(answer[answer.rindex(">") + 1 :])
    choices = () if number else tuple(choice[3:] for choice in choices)
    return Question(place, text, choices, number[1] if number else "", answer, before)
