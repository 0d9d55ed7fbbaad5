"""Asks the questions of a lesson's quiz.

The questions are in questions/NN.toml, where NN is the lesson's number, so that no notebook contains the
answers. The file looks like this:

    [[recall]]                      # a question on earlier lessons, which quiz("02-recall") asks
    [[quiz]]                        # a question on this lesson, which quiz("02") asks
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

from IPython.display import display

from course_utils.errors import CourseError
from course_utils.learning import answers
from course_utils.learning.question import Question, QuestionList, choice_field, lettered, marked_up
from course_utils.views.picture import Picture, bundle, card

FOLDER = Path(__file__).with_name("questions")


def quiz(name: str) -> None:
    """Ask the questions of a lesson: quiz("02") on lesson 02, quiz("02-recall") on the lessons before.

    Raises CourseError if there are no such questions, or if their file has a mistake.
    """
    display(Quiz(name))


@dataclass(frozen=True)
class Choice:
    text: str
    right: bool
    why: str


@dataclass(frozen=True)
class Item:
    """One question of a quiz, with its choices in the order in which every learner sees them."""

    text: str
    choices: tuple[Choice, ...]

    @property
    def texts(self) -> list[str]:
        return [choice.text for choice in self.choices]

    @property
    def right(self) -> Choice:
        return next(choice for choice in self.choices if choice.right)

    def chosen(self, text: str) -> Choice | None:
        """Return the choice with this text; None if no choice has it, for example after a rewording."""
        return next((choice for choice in self.choices if choice.text == text), None)


class Quiz(QuestionList):
    """All questions of a quiz, with the learner's earlier answers.

    The questions are shown as widgets or, where no kernel runs, as a picture of all questions with their
    explanations.
    """

    def __init__(self, name: str):
        self._name = name
        self.items = load(name)
        questions = [self._question(index, item) for index, item in enumerate(self.items)]
        super().__init__(questions, "Start again", self._start_again)
        self._show()

    def _question(self, index, item):
        field = choice_field(f"{index + 1}. {item.text}", item.texts)
        return Question(field, "Check", lambda text: self._check(index, text))

    def _key(self, item):
        return f"{self._name}: {item.text}"

    def _check(self, index, text):
        item = self.items[index]
        if text is None:
            self.questions[index].show_reply("Pick one of the choices first.")
        else:
            self._show(answers.record("quiz", self._key(item), text, item.chosen(text).right))

    def _start_again(self):
        note = answers.forget("quiz", [self._key(item) for item in self.items])
        for asked in self.questions:
            asked.field.index = None
        self._show(note)

    def _show(self, note=""):
        """Update every question and the score from the stored answers, and show `note` below the score."""
        stored = answers.read()
        entries = [stored.get(f"quiz {self._key(item)}") for item in self.items]
        finished = True
        for item, asked, entry in zip(self.items, self.questions, entries, strict=True):
            choice = item.chosen(entry["answer"]) if entry else None
            right = bool(choice and choice.right)
            asked.field.disabled = asked.button.disabled = right
            finished = finished and right
            if choice is None:
                asked.show_reply("")
                continue
            if asked.field.value is None:
                asked.field.value = choice.text
            if right:
                asked.show_reply(f"Right. {choice.why}", "right")
            else:
                asked.show_reply(f"Not this one. {choice.why} Try again.", "wrong")
        first = sum(entry["tries"] == 1 for entry in entries if entry)
        score = f"{first} of {len(entries)} right at the first try." if finished else ""
        self.show_result(f"{score} {note}".strip())
        self.button.layout.display = "" if finished else "none"

    def _repr_mimebundle_(self, **_):
        html = "".join(_folded(index, item) for index, item in enumerate(self.items))
        summary = f"Quiz {self._name}: {len(self.items)} questions with choices."
        return bundle(self.widget, Picture(card(html), summary))


def _folded(index, item):
    """Return HTML of a question, in which each choice can be unfolded to show its explanation."""
    choices = "".join(
        f'<details style="margin: 4px 0 4px 14px"><summary>{line}</summary>'
        f'<div style="margin: 2px 0 8px 18px">{"✓ Right." if choice.right else "✗ Not this one."} '
        f"{marked_up(choice.why)}</div></details>"
        for line, choice in zip(lettered(item.texts), item.choices, strict=True)
    )
    return f'<div style="margin: 6px 0 14px"><b>{index + 1}. {marked_up(item.text)}</b>{choices}</div>'


def load(name: str) -> list[Item]:
    """Return the questions of a quiz.

    name : a lesson's number, such as "02", or "02-recall"

    Raises CourseError if there are no such questions, or if their file has a mistake.
    """
    lesson, _, part = name.partition("-")
    file, part = FOLDER / f"{lesson}.toml", part or "quiz"
    if not file.exists():
        known = ", ".join(sorted(found.stem for found in FOLDER.glob("*.toml"))) or "none yet"
        raise CourseError(f"There are no questions for lesson {lesson!r}; lessons that have some: {known}.")
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8")).get(part, [])
    except tomllib.TOMLDecodeError as error:
        raise CourseError(
            f"{file.name} is not valid TOML: {error}. Correct it and run this cell again."
        ) from None
    if not tables:
        raise CourseError(f"{file.name} has no [[{part}]] questions, which quiz({name!r}) asks for: add one.")
    items = [read(f"{file.name}, {part} {number}", table) for number, table in enumerate(tables, start=1)]
    _all_differ(f"{file.name}: two questions", [item.text for item in items])
    return items


def read(source: str, table: dict) -> Item:
    """Return a question from its table in the TOML file.

    The choices are shuffled, unless the table has `in_order = true`.

    source : words that name the question in error messages, such as "02.toml, quiz 3"

    Raises CourseError if something in the table is wrong or missing.
    """
    text, choices = table.get("text"), table.get("choices", [])
    if not text:
        raise CourseError(f'{source} has no text: add text = "…".')
    if not 2 <= len(choices) <= 5:
        raise CourseError(f"{source} has {len(choices)} choices: give it 2 to 5.")
    for choice in choices:
        if not choice.get("text") or not choice.get("why"):
            raise CourseError(f"{source} has a choice without text or why: add what is missing in {choice}.")
    choices = [Choice(choice["text"], choice.get("right", False), choice["why"]) for choice in choices]
    right = sum(choice.right for choice in choices)
    if right != 1:
        raise CourseError(f"{source} has {right} right choices: mark exactly one with right = true.")
    _all_differ(f"{source}: two choices", [choice.text for choice in choices])
    _all_differ(f"{source}: two explanations", [choice.why for choice in choices])
    if not table.get("in_order"):
        # Shuffle, so that the right choice is not always first. The order is the same in every run.
        choices.sort(key=lambda choice: hashlib.sha256((text + choice.text).encode()).digest())
    return Item(text, tuple(choices))


def _all_differ(what, texts):
    twice = next((text for text in texts if texts.count(text) > 1), None)
    if twice is not None:
        raise CourseError(f"{what} are the same, {twice!r}: reword one of them.")
