"""One question as the learner sees it: a field to answer in, a button, and room for what is said back."""

import html
import re
from collections.abc import Callable

import ipywidgets as widgets

# ipywidgets puts the question beside the field and clips long texts: here it stands above and everything wraps,
# on a telephone too. Colours are left to the reader's theme.
_STYLE = """<style>
.course-question {max-width: 44em}
.course-question .widget-inline-hbox {flex-direction: column; align-items: stretch; width: auto; height: auto; margin: 0}
.course-question .widget-inline-hbox > label.widget-label {
  width: auto; max-width: none; height: auto; margin: 0 0 .3em; text-align: left;
  white-space: normal; overflow: visible; font-size: 15px; font-weight: 600; line-height: 1.45}
.course-question .widget-radio-box {width: 100%; max-width: none; height: auto}
.course-question .widget-radio-box label {
  display: flex; align-items: flex-start; gap: .6em; width: auto; height: auto; margin: 0; padding: .25em .2em;
  white-space: normal; overflow-wrap: anywhere; font-size: 14px; line-height: 1.45; cursor: pointer}
.course-question .widget-radio-box input {flex: none; margin: .3em 0 0}
.course-question .widget-text input {max-width: 14em; font-size: 14px}
</style>"""


def choice_field(question: str, choices: list[str]) -> widgets.RadioButtons:
    """Radio buttons, none of them chosen yet. The value is the chosen text as it was given."""
    return widgets.RadioButtons(
        options=[(without_marks(choice), choice) for choice in choices],
        index=None,
        description=marked_up(question),
        description_allow_html=True,
    )


def number_field(question: str, unit: str | None) -> widgets.Text:
    """An empty field for a number; the value is what was typed."""
    return widgets.Text(
        placeholder=f"a number ({unit})" if unit else "a number",
        description=marked_up(question),
        description_allow_html=True,
        continuous_update=False,
    )


class Question:
    """A field, a button and what is said back, one under the other.

    Parameters: `field` comes from `choice_field` or `number_field`; `button` is the button's text; `pressed(value)`
    is called with the field's value when the learner presses it.
    `widget` is what to display.
    """

    def __init__(self, field: widgets.Widget, button: str, pressed: Callable):
        self.field = field
        self.button = widgets.Button(description=button)
        self.button.on_click(lambda _: pressed(field.value))
        self._said = widgets.HTML()
        self.widget = widgets.VBox([widgets.HTML(_STYLE), field, self._said, self.button])
        self.widget.add_class("course-question")

    def say(self, text: str, mark: str = ""):
        """Show a sentence under the field; `mark` is "right", "wrong" or nothing."""
        self._said.value = remark(text, mark) if text else ""


def remark(text: str, mark: str = "") -> str:
    """A sentence said back to the learner, as HTML that a screen reader speaks."""
    sign, colour = {"right": ("✓ ", "#009E73"), "wrong": ("✗ ", "#D55E00"), "": ("", "#56B4E9")}[mark]
    return (
        f'<div role="status" style="border-left: 4px solid {colour}; padding: .1em .8em; margin: .2em 0 .4em; '
        f'line-height: 1.45; font-size: 14px; white-space: normal">{sign}{marked_up(text)}</div>'
    )


def marked_up(text: str) -> str:
    """Text as HTML, with `code` in backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))


def without_marks(text: str) -> str:
    """Text without its backticks, for places that show no HTML."""
    return text.replace("`", "")


def printed(inner: str) -> str:
    """A white card with dark text: how a question looks in a notebook whose kernel is not running."""
    return (
        '<div style="background: #ffffff; color: #1a1a1a; border: 1px solid #d0d0d0; border-radius: 6px; '
        f'padding: .6em 1em; max-width: 44em; font-size: 14px; line-height: 1.45">{inner}</div>'
    )


def bundle(widget: widgets.Widget, printed_html: str, summary: str) -> dict[str, object]:
    """One display in three forms: the live widget, the same on paper, and a line of text."""
    return widget._repr_mimebundle_() | {"text/html": printed_html, "text/plain": summary}
