"""Reads what slides and handouts show of a lesson, from its cells and its notes in docs/instructors.md.

The notes on a lesson are a numbered list of points, and paragraphs with a bold name such as "Vote".
guesses.toml says what a class needs to know before each guess, and paper_tasks.toml has the tasks on paper.
"""

import re
import tomllib
from dataclasses import dataclass
from functools import cache, cached_property
from html import escape, unescape
from pathlib import Path

import lessons
import nbformat
from markdown_it import MarkdownIt
from shell import ROOT

from course_utils import catalog

GUIDE = ROOT / "docs" / "instructors.md"
BREAK = r"\*(A good moment for a break\.[^*]*)\*"
HERE = Path(__file__).parent
# A sentence with one of these words can be understood only on the lesson's page.
UNPLACED = re.compile(r"\b(cells?|folded|below|above|picture|figures?|row|table|bars?|box)\b|\]\(", re.I)
WORDS = "**What you saw.**"
ASIDE = re.compile(r" \([A-Z](?:[^()]|\([^()]*\))*[.?!]\)")  # whole sentences in brackets
NEVER = ("<b>Predict: ", "(No prediction from you yet.)")  # outputs with one of these texts are no pictures


@dataclass(frozen=True)
class Note:
    """A text of docs/instructors.md in Markdown, and what a slide shows beside this text.

    `cell` is the id of the lesson's cell that the text names, or "". `shows` is "" for the cell's picture,
    "words" for no picture, "paper" for a picture that the handout shows, too, "wide" for a picture below the
    headline instead of beside it, or the name of an explorable for the explorable's miniature.
    """

    text: str
    cell: str = ""
    shows: str = ""


@dataclass(frozen=True)
class Question:
    """A prediction that a lesson asks for. `text`, `choices` and `unit` are HTML.

    `key` is the prediction's key, `at` the index of its cell, and `answer` the answer that the lesson shows,
    as text. `say` is what a class must know before it can guess, and `why` is the reason for the answer. Both
    texts are Markdown.
    """

    key: str
    at: int
    text: str
    choices: tuple[str, ...]
    unit: str
    answer: str
    say: str
    why: str


@cache
def guide() -> dict[str, str]:
    """Return {two digits of a lesson: the notes on the lesson, in Markdown}."""
    notes = GUIDE.read_text(encoding="utf-8").split("\n## Lesson by lesson\n")[1].split("\n## ")[0]
    return {part[:2]: part for part in re.split(r"^### (?=\d\d · )", notes, flags=re.M)[1:]}


@cache
def guesses() -> dict[str, dict]:
    """Return what guesses.toml has on each prediction, by its key."""
    return tomllib.loads((HERE / "guesses.toml").read_text(encoding="utf-8"))


@cache
def tasks() -> dict[str, dict]:
    """Return {two digits of a lesson: its table in paper_tasks.toml}. Each table has a list "tasks"."""
    return tomllib.loads((HERE / "paper_tasks.toml").read_text(encoding="utf-8"))


def settled(claim, number: str) -> str:
    """Return what a lesson's slides say on a claim: the text in guesses.toml, or else in the catalogue."""
    return guesses()["verdicts"].get(number, {}).get(str(claim.number), claim.settled[number])


def twice() -> list[int]:
    """Return the numbers of the claims that a class judges twice, on the sheet of lesson 16."""
    return next(task["form"] for task in tasks()["16"]["tasks"] if "form" in task)


def inline(text: str) -> str:
    """Return a line of Markdown as HTML."""
    return MarkdownIt().renderInline(text)


def note(line: str) -> Note:
    """Return a line of docs/instructors.md as a Note. It may end in <!-- CELL --> or <!-- CELL: SHOWS -->."""
    return Note(*re.fullmatch(r"(.*?)(?: *<!-- (\S+?)(?:: (\S+))? -->)?", line).groups(default=""))


class Lesson:
    """The parts of a lesson that slides and handouts show, from its notebook and docs/instructors.md."""

    def __init__(self, name: str):
        self.name, self.number, self.facts = name, name[:2], catalog.lessons()[name]
        self.cells = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4).cells
        self.places = {cell.id: place for place, cell in enumerate(self.cells)}

    @cached_property
    def promise(self) -> str:
        """The lesson's promise, in Markdown, from guesses.toml or, if that has none, from the notebook."""
        if "promise" in (given := guesses().get(self.number, {})):
            return given["promise"]
        return re.search(r"^\*\*(.+?)\*\*$", self.cells[0].source, re.M)[1]

    @cached_property
    def points(self) -> list[Note]:
        """The numbered points on this lesson in docs/instructors.md, in order."""
        return [note(line) for line in re.findall(r"^\d+\. (.+)$", guide()[self.number], re.M)]

    @cached_property
    def notes(self) -> dict[str, Note]:
        """The paragraphs on this lesson in docs/instructors.md that begin with a bold name: {name: Note}."""
        found = re.findall(r"^\*\*(.+?)\.\*\* (.+)$", guide()[self.number], re.M)
        return {name: note(text) for name, text in found}

    @cached_property
    def in_words(self) -> tuple[str, str]:
        """The question that a class answers in writing, and the points of a good answer, both in Markdown."""
        question, _, points = self.notes["In words"].text.partition(" *Points:* ")
        return question, points

    @cached_property
    def paper(self) -> Note | None:
        """The point that is marked "paper", whose picture is on the handout. None if there is none."""
        return next((point for point in self.points if point.shows == "paper"), None)

    @cached_property
    def take_away(self) -> list[str]:
        """The lesson's closing points."""
        text = next(cell.source for cell in self.cells if "## Take away" in cell.source)
        return re.findall(r"^\d+\. (.+)$", text.split("## Take away")[1], re.M)

    @cached_property
    def claims(self) -> list:
        """The claims on which this lesson gives a verdict. Claims that a class judges twice come last."""
        settled = [claim for claim in catalog.claims().values() if self.number in claim.settled]
        return sorted(settled, key=lambda claim: claim.number in twice())

    @cached_property
    def shown(self) -> list:
        """The claims on which the slides have evidence, as docs/instructors.md says."""
        text = self.notes["Claims"].text if "Claims" in self.notes else ""
        numbers = [int(number) for number in re.findall(r"(\d+) \(", text)]
        return [claim for claim in self.claims if claim.number in numbers]

    @cached_property
    def questions(self) -> list[Question]:
        """The predictions that the lesson asks for and answers, in order.

        Predictions with "skip" in guesses.toml are left out.
        """
        asked, told = {}, {}
        for place, cell in enumerate(self.cells):
            shown = [html for html, _ in _outputs(cell)]
            pairs = zip(lessons.calls(cell.source, "predict"), _with(NEVER[0], shown), strict=True)
            asked |= {key: (place, html) for key, html in pairs}
            pairs = zip(lessons.calls(cell.source, "reveal"), _with(NEVER[1], shown), strict=True)
            told |= {key: (place, html) for key, html in pairs}
        return [
            _question(key, place, html, told[key][1], self._after(told[key][0]))
            for key, (place, html) in asked.items()
            if key in told and not guesses().get(key, {}).get("skip")
        ]

    @cached_property
    def breaks(self) -> list[tuple[int, str]]:
        """The lesson's breaks: [(index of a cell, Markdown text of the break in this cell), …]."""
        found = [(place, re.search(BREAK, cell.source)) for place, cell in enumerate(self.cells)]
        return [(place, match[1]) for place, match in found if match]

    def _after(self, place):
        """Return the lesson's explanation of the answer in cell `place`: up to 320 characters of Markdown.

        Sentences that can be understood only on the lesson's page are left out.
        """
        if not self.cells[place + 1].source.startswith(WORDS):
            return ""
        first = self.cells[place + 1].source.removeprefix(WORDS).strip().split("\n")[0]
        first = ASIDE.sub("", first)
        sentences = re.split(r"(?<=[.?!)”])\s+(?=[^a-z])", first)
        kept = ""
        for sentence in sentences:
            if len(kept) + len(sentence) > 320:
                break
            if not UNPLACED.search(sentence):
                kept = f"{kept} {sentence}"
        # Leave out a question at the end, which leads on to the next cell.
        return re.sub(r" [^.?!]*\?$", "", kept).strip()

    def picture(self, cell: str) -> tuple[str, str]:
        """Return (HTML, alt text) of a cell's picture, or (HTML, plain text) of what the cell printed.

        Raises LookupError if there is no such cell, or nothing to show in it.
        """
        if cell in self.places:
            found = self.cells[self.places[cell]]
            pictures = [pair for pair in _outputs(found) if not any(words in pair[0] for words in NEVER)]
            if pictures:
                return max(pictures, key=lambda pair: len(pair[0]))
            printed = "".join(output.get("text", "") for output in found.get("outputs", ()))
            if printed.strip():
                lines = [line.strip() for line in printed.strip().splitlines()]
                # The font size in pixels: 27 if no line has over 37 characters, else smaller, at least 16.
                size = max(16, min(27, 1000 // max(map(len, lines))))
                text = escape("\n".join(lines))
                return f'<pre class="printed" style="font-size:{size}px">{text}</pre>', printed
        raise LookupError(f"docs/instructors.md names cell {cell}; lesson {self.number} shows nothing there")


def _outputs(cell):
    """Return the HTML and the alt text of each picture that a cell has stored."""
    data = [output.get("data", {}) for output in cell.get("outputs", ())]
    return [(each["text/html"], each.get("text/plain", "")) for each in data if "text/html" in each]


def _with(words, texts):
    return [text for text in texts if words in text]


def _question(key, place, html, told, after):
    text, *choices = re.findall(r'<div style="margin:3px 0">(.*?)</div>', html, re.S)
    text = re.sub(r"\*(\w+)\*", r"<em>\1</em>", re.sub(r"^<b>Predict: |</b>$", "", text))
    number = re.match(r"\(a number,? ?(?:in )?(.*)\)", choices[0])
    choices = () if number else tuple(choice[3:] for choice in choices)
    answer = lessons.UNPREDICTED.match(told)[1]
    answer = unescape(answer[answer.rindex(">") + 1 :]).rstrip(".")
    answer = re.sub(r"^(Measured|Computed|Counted|Planted|Marked by us|It turned out): ", "", answer)
    given = guesses().get(key, {})
    if "choices" in given:
        plain = [unescape(re.sub(r"<[^>]+>", "", choice)) for choice in choices]
        answer = given["choices"][plain.index(answer)]
        choices = tuple(map(inline, given["choices"]))
    return Question(
        key,
        place,
        inline(given["text"]) if "text" in given else text,
        choices,
        number[1] if number else "",
        answer,
        given.get("say", ""),
        given.get("why", after),
    )
