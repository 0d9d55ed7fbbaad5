"""Makes the widgets of a question: a field for the answer, a reply below it, and often a button."""

import html
import re
from collections.abc import Callable, Iterable
from string import ascii_uppercase

import ipywidgets as widgets

from course_utils.views.picture import GREEN, MONO, SKY_BLUE, VERMILLION
from course_utils.widgets.live import for_everyone

# By default ipywidgets writes a question to the left of its field, draws a radio button after its choice, and
# cuts off long texts. This style puts the question above the field and the button first, and wraps all text.
STYLE = """<style>
.course-question {
  max-width: 760px; box-sizing: border-box; padding: 8px 14px; margin: 2px 0 8px;
  border: 1px solid var(--jp-border-color2, #bbb); border-radius: 6px}
.course-question .widget-radio, .course-question .widget-text, .course-question .widget-html {
  display: flex; flex-direction: column; align-items: stretch; width: auto; height: auto; margin: 0}
.course-question label.widget-label {
  width: auto; max-width: none; height: auto; margin: 0 0 6px; text-align: left; font-size: 15px;
  font-weight: 600; line-height: 1.45; white-space: normal; overflow: visible; overflow-wrap: anywhere}
.course-question .widget-dropdown label.widget-label {margin: 0 10px 0 2px; font-size: 14px; line-height: 2}
.course-question .widget-radio-box {width: auto; max-width: none; height: auto; margin: 0 !important}
.course-question .widget-radio-box label {
  display: flex; align-items: flex-start; gap: 10px; width: auto; max-width: none; height: auto; margin: 0;
  padding: 4px 2px; font-size: 14px; line-height: 1.45; white-space: normal; overflow-wrap: anywhere;
  cursor: pointer}
.course-question .widget-radio-box input {order: -1; flex: none; width: 16px; height: 16px; margin: 2px 0 0}
.course-question .widget-radio-box label:has(input:checked) {font-weight: 600}
.course-question .widget-text input {width: 14em; max-width: 100%; height: 32px; font-size: 14px}
.course-question .widget-textarea {
  display: flex; flex-direction: column; align-items: stretch; width: auto; height: auto; margin: 0}
.course-question .widget-textarea textarea {
  height: 6.5em; font-family: inherit; font-size: 14px; line-height: 1.45}
.course-question .widget-dropdown {width: auto; height: auto; flex-wrap: wrap; margin: 8px 0 2px}
.course-question .widget-dropdown label.widget-label {flex: none}
.course-question .widget-dropdown select {flex: 0 1 19em; min-width: 0; font-size: 14px}
.course-question.course-shown > :is(.widget-radio, .widget-textarea) {display: contents}
.course-shown > *, .course-shown > * > * {order: 3}
.course-shown > :is(.widget-radio, .widget-textarea) > label.widget-label {order: 1}
.course-shown > .course-picture {order: 2}
</style>"""


def choice_field(question: str, choices: list[str]) -> widgets.RadioButtons:
    """Return radio buttons, none of them chosen yet. The widget's value is the text of the chosen button."""
    return widgets.RadioButtons(
        options=[(without_marks(choice), choice) for choice in choices],
        index=None,
        description=marked_up(question),
        description_allow_html=True,
    )


def number_field(question: str, unit: str | None) -> widgets.Text:
    """Return an empty field for a number. The field's value is the text that the learner types."""
    return widgets.Text(
        placeholder=f"a number ({unit})" if unit else "a number",
        description=marked_up(question),
        description_allow_html=True,
        continuous_update=False,
    )


def text_field(question: str) -> widgets.Textarea:
    """Return an empty field for a few sentences. The field's value is the text that the learner types."""
    return widgets.Textarea(
        description=marked_up(question), description_allow_html=True, continuous_update=False
    )


class Question:
    """A field for an answer, a reply below the field and, if `button` is given, a button.

    field : made by `choice_field`, `number_field` or `text_field`
    button : the button's text, or None
    pressed : a function that is called with the field's value when the learner presses the button
    shown : HTML below the question's text and above its choices or text box, such as a table
    second : another field, which is shown below the first

    The attribute `widget` is the widget to display.
    """

    def __init__(
        self,
        field: widgets.Widget,
        button: str | None = None,
        pressed: Callable | None = None,
        shown: str = "",
        second: widgets.Widget | None = None,
    ):
        self.field, self.second = field, second
        self.reply = widgets.HTML()
        parts = [widgets.HTML(STYLE), field, *([second] if second else []), self.reply, for_everyone()]
        if button:
            self.button = widgets.Button(description=button)
            self.button.on_click(lambda _: pressed(field.value))
            parts.insert(-1, self.button)
        self.widget = widgets.VBox(parts)
        self.widget.add_class("course-question")
        if shown:
            picture = widgets.HTML(shown)
            picture.add_class("course-picture")
            self.widget.children = (picture, *self.widget.children)
            self.widget.add_class("course-shown")

    def show_reply(self, text: str, mark: str = ""):
        """Show a sentence below the field; `mark` is "right", "wrong" or ""."""
        self.reply.value = _reply(text, mark) if text else ""


class QuestionList:
    """Questions in a column, and below them a sentence with the result and a button.

    questions : the questions, which a subclass makes
    button : the button's text
    pressed : a function without parameters that is called when the learner presses the button

    The attribute `widget` is the widget to display.
    """

    def __init__(self, questions: list[Question], button: str, pressed: Callable):
        self.questions = questions
        self.result = widgets.HTML()
        self.button = widgets.Button(description=button)
        self.button.on_click(lambda _: pressed())
        self.widget = widgets.VBox([*(asked.widget for asked in questions), self.result, self.button])

    def show_result(self, text: str):
        """Show a sentence below the questions."""
        self.result.value = _reply(text, "") if text else ""


def _reply(text, mark):
    """Return HTML of a reply, which a screen reader reads aloud; `mark` is the same as in `show_reply`."""
    sign, colour = {"right": ("✓ ", GREEN), "wrong": ("✗ ", VERMILLION), "": ("", SKY_BLUE)}[mark]
    return (
        f'<div role="status" style="border-left: 4px solid {colour}; padding: 2px 10px; margin: 4px 0; '
        f'font-size: 14px; line-height: 1.45; white-space: normal">{sign}{marked_up(text)}</div>'
    )


# Matches code in backticks, and words between asterisks.
_MARKS = re.compile(r"`([^`]+)`|(?<![\w*])\*(?=\S)([^*\n]*?\S)\*(?![\w*])")


def marked_up(text: str) -> str:
    """Return the text as HTML. Words in backticks get a font for code, and words in asterisks get italics."""

    def shown(found):
        code, word = found.groups()
        # Don't use <code>: a dark theme would give it a light colour, unreadable on the white card.
        return f'<span style="font-family:{MONO}">{code}</span>' if code else f"<i>{word}</i>"

    return _MARKS.sub(shown, html.escape(text, quote=False))


def lettered(choices: Iterable[str]) -> list[str]:
    """Return choices as HTML, each after a letter, such as "A. the first"."""
    return [
        f"{letter}. {marked_up(choice)}" for letter, choice in zip(ascii_uppercase, choices, strict=False)
    ]


def without_marks(text: str) -> str:
    """Return the text without backticks and asterisks, for output that shows no HTML."""
    return _MARKS.sub(lambda found: found[1] or found[2], text)
