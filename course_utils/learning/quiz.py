"""Asks the questions of a lesson. They are in questions/NN.toml, so that no notebook gives the answers away.

The file of a lesson:

    [[recall]]                      # on earlier lessons: quiz("02-recall")
    [[quiz]]                        # on this lesson: quiz("02")
    text = "What is a token?"
    choices = [
      { text = "A piece of text with a number", right = true, why = "The tokenizer lists each piece's id." },
      { text = "A word", why = "Some are, but rarer words are made of several tokens." },
    ]
"""

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path

import ipywidgets as widgets
from IPython.display import display

from course_utils.errors import CourseError
from course_utils.learning import answers
from course_utils.learning.question import Question, choice_field, marked_up, remark
from course_utils.views.picture import Picture, bundle, card

FOLDER = Path(__file__).with_name("questions")


def quiz(name: str) -> None:
    """Ask the questions of a lesson: quiz("02") on what it taught, quiz("02-recall") on the lessons before.

    Raises: CourseError if there are no such questions or their file has a mistake.
    """
    display(Quiz(name))


@dataclass(frozen=True)
class Choice:
    text: str
    right: bool
    why: str


@dataclass(frozen=True)
class Item:
    """One question of a quiz, with its choices in the order in which everybody sees them."""

    text: str
    choices: tuple[Choice, ...]


class Quiz:
    """All questions of one `quiz`, as widgets and as a picture of them. Shows the answers of earlier runs."""

    def __init__(self, name: str):
        self._name = name
        self.items = load(name)
        self.questions = [self._ask(index, item) for index, item in enumerate(self.items)]
        self.score = widgets.HTML()
        self.again = widgets.Button(description="Start again")
        self.again.on_click(lambda _: self._start_again())
        self.widget = widgets.VBox([*(asked.widget for asked in self.questions), self.score, self.again])
        self._show()

    def _ask(self, index, item):
        field = choice_field(f"{index + 1}. {item.text}", [choice.text for choice in item.choices])
        return Question(field, "Check", lambda chosen: self._pressed(item, chosen))

    def _key(self, item):
        return f"{self._name}: {item.text}"

    def _pressed(self, item, chosen):
        if chosen is None:
            self.questions[self.items.index(item)].say("Pick one of the choices first.")
            return
        choice = next(choice for choice in item.choices if choice.text == chosen)
        self._show(answers.record("quiz", self._key(item), chosen, choice.right))

    def _start_again(self):
        note = answers.forget("quiz", [self._key(item) for item in self.items])
        for asked in self.questions:
            asked.field.index = None
        self._show(note)

    def _show(self, note=""):
        """Update every question and the score from the stored answers."""
        known = answers.read()
        entries = [known.get(f"quiz {self._key(item)}") for item in self.items]
        finished = True
        for item, asked, entry in zip(self.items, self.questions, entries, strict=True):
            chosen = next((c for c in item.choices if entry and c.text == entry["answer"]), None)
            right = bool(chosen and chosen.right)  # False if the chosen text was reworded since
            asked.field.disabled = asked.button.disabled = right
            finished = finished and right
            if chosen is None:
                asked.say("")
                continue
            if asked.field.value is None:
                asked.field.value = chosen.text
            if right:
                asked.say(f"Right. {chosen.why}", "right")
            else:
                asked.say(f"Not this one. {chosen.why} Try again.", "wrong")
        first = sum(entry["tries"] == 1 for entry in entries if entry)
        score = f"{first} of {len(entries)} right at the first try." if finished else ""
        self.score.value = remark(f"{score} {note}") if score or note else ""
        self.again.layout.display = "" if finished else "none"

    def _repr_mimebundle_(self, **_):
        printed_items = "".join(_printed(index, item) for index, item in enumerate(self.items))
        summary = f"Quiz {self._name}: {len(self.items)} questions with choices."
        return bundle(self.widget, Picture(card(printed_items), summary))


def _printed(index, item):
    choices = "".join(
        f'<details style="margin: 4px 0 4px 14px"><summary>{letter}. {marked_up(choice.text)}</summary>'
        f'<div style="margin: 2px 0 8px 18px">{"✓ Right." if choice.right else "✗ Not this one."} '
        f"{marked_up(choice.why)}</div></details>"
        for letter, choice in zip("ABCDE", item.choices, strict=False)
    )
    return f'<div style="margin: 6px 0 14px"><b>{index + 1}. {marked_up(item.text)}</b>{choices}</div>'


def load(name: str) -> list[Item]:
    """Return the questions of a quiz. Raises: CourseError, which says what to mend in which question."""
    lesson, _, part = name.partition("-")
    file = FOLDER / f"{lesson}.toml"
    if not file.exists():
        there = ", ".join(sorted(found.stem for found in FOLDER.glob("*.toml"))) or "none yet"
        raise CourseError(f"There are no questions for lesson {lesson!r}; lessons that have some: {there}.")
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise CourseError(
            f"{file.name} is not valid TOML: {error}. Mend it and run this cell again."
        ) from None
    part = part or "quiz"
    items = [_item(f"{file.name}, {part} {i + 1}", table) for i, table in enumerate(tables.get(part, []))]
    if not items:
        raise CourseError(f"{file.name} has no [[{part}]] questions, which quiz({name!r}) asks for: add one.")
    _unique(f"{file.name}: two questions", [item.text for item in items])
    return items


def _item(where, table):
    text, choices = table.get("text"), table.get("choices", [])
    if not text:
        raise CourseError(f'{where} has no text: add text = "…".')
    if not 2 <= len(choices) <= 5:
        raise CourseError(f"{where} has {len(choices)} choices: give it 2 to 5.")
    for choice in choices:
        if not choice.get("text") or not choice.get("why"):
            raise CourseError(f"{where} has a choice without text or why: add what is missing in {choice}.")
    right = sum(choice.get("right", False) for choice in choices)
    if right != 1:
        raise CourseError(f"{where} has {right} right choices: mark exactly one with right = true.")
    _unique(f"{where}: two choices", [choice["text"] for choice in choices])
    _unique(f"{where}: two explanations", [choice["why"] for choice in choices])
    made = [Choice(choice["text"], choice.get("right", False), choice["why"]) for choice in choices]
    # Shuffle, so that the right choice is not always first, in an order that is the same in every run.
    made.sort(key=lambda choice: hashlib.sha256((text + choice.text).encode()).digest())
    return Item(text, tuple(made))


def _unique(what, texts):
    if len(set(texts)) < len(texts):
        twice = next(text for text in texts if texts.count(text) > 1)
        raise CourseError(f"{what} are the same, {twice!r}: reword one of them.")
