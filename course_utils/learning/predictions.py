"""Asks the learner for a prediction, and later compares the prediction with the result."""

import math
import re
from bisect import bisect
from decimal import ROUND_HALF_UP, Decimal

from IPython.display import display

from course_utils.errors import CourseError
from course_utils.learning import answers
from course_utils.learning.question import (
    Question,
    choice_field,
    lettered,
    marked_up,
    number_field,
    without_marks,
)
from course_utils.views.picture import Picture, bundle, card, number

# Units of scales with an end, such as 0 to 100%. On these a difference says more than a ratio.
BOUNDED = re.compile("%|points|marks|of ")


def predict(
    key: str,
    question: str,
    choices: list[str] | None = None,
    unit: str | None = None,
    between: tuple[float, float] | None = None,
) -> None:
    """Ask for a prediction, and store the answer.

    key : the name of the prediction, such as "02-tokens", by which `reveal` finds the answer
    choices : if given, the learner picks one of them; otherwise the learner types a number
    unit : the unit of that number, such as "tokens", "MB" or "%"
    between : the smallest and the largest number that is accepted. With a unit such as "of 36" these are 0
        and 36 if `between` is not given
    """
    display(Prediction(key, question, choices, unit, between))


def reveal(
    key: str,
    actual,
    unit: str | None = None,
    says: str | None = None,
    found: str = "measured",
    choices: list[str] | None = None,
    bounds: list[float] | None = None,
) -> None:
    """Show the learner's prediction beside the result.

    key : the name of the prediction, as given to `predict`
    actual : the result: a number in `unit`, or the text of the choice that turned out right
    says : a sentence that explains the result
    found : how the result was found: "measured" or "computed"
    choices : the `choices` of `predict`, if they are ranges of numbers in rising order. Then `actual` is a
        number, and this function finds the choice in whose range it is
    bounds : the lowest number of the second choice, of the third, and so on; needed if `choices` are given

    Raises CourseError unless there is exactly one choice more than there are bounds.
    """
    if choices:
        if len(bounds or ()) != len(choices) - 1:
            raise CourseError(f"{len(choices)} choices need {len(choices) - 1} bounds: give bounds=[…].")
        actual = choices[bisect(bounds, actual)]
    entry = answers.find("predict", key)
    sentence = compare(entry["answer"] if entry else None, actual, unit, found)
    full = f"{sentence} {says}" if says else sentence
    display(Picture(card(marked_up(full)), without_marks(full)))


class Prediction:
    """The question that `predict` asks, as a widget and as a picture. Takes the parameters of `predict`."""

    def __init__(self, key, text, choices=None, unit=None, between=None):
        self._key, self._text, self._choices, self._unit = key, text, choices, unit
        total = re.match(r"of ([\d,]+)", unit or "")
        self._between = (0, read_number(total[1])) if total and not between else between
        self._range = "from {} to {}".format(*map(number, between)) if between else ""
        asked = f"Predict: {text}"
        field = choice_field(asked, choices) if choices else number_field(asked, unit or self._range)
        self.question = Question(field, "Commit", self._pressed)
        answer = (answers.find("predict", key) or {}).get("answer")
        if answer in choices if choices else isinstance(answer, (int, float)) and self._allows(answer):
            field.value = answer if choices else number(answer)
            self._commit(answer)

    def _pressed(self, value):
        if self.question.field.disabled:  # the learner has answered, and the button now says "Change"
            self.question.show_reply("")
            self._open(True)
        elif not value:
            first = "Pick one of the choices first." if self._choices else "Type a number first."
            self.question.show_reply(first)
        elif self._choices:
            self._commit(value, answers.record("predict", self._key, value))
        elif (answer := read_number(value, self._unit)) is None:
            self.question.show_reply("This is not a number: type one such as 40, 1,000 or 2.5.")
        elif not self._allows(answer):
            lowest, highest = map(number, self._between)
            self.question.show_reply(f"Type a number from {lowest} to {highest}.")
        else:
            self._commit(answer, answers.record("predict", self._key, answer))

    def _allows(self, answer):
        return self._between is None or self._between[0] <= answer <= self._between[1]

    def _commit(self, answer, note=""):
        shown = answer.rstrip(" .") if self._choices else quantity(answer, self._unit)
        self.question.show_reply(f"You predicted: {shown}. Run on to see. {note}")
        self._open(False)

    def _open(self, opened):
        self.question.field.disabled = not opened
        self.question.button.description = "Commit" if opened else "Change"

    def _repr_mimebundle_(self, **_):
        lines = [f"<b>Predict: {marked_up(self._text)}</b>"]
        if self._choices:
            lines += lettered(self._choices)
        else:
            unit = self._unit if not self._unit or self._unit.startswith("of ") else f"in {self._unit}"
            words = f", {unit}" if unit else f" {self._range}" if self._range else ""
            lines.append(f"(a number{words})")  # lesson.js takes the range from these words
        html = "".join(f'<div style="margin:3px 0">{line}</div>' for line in lines)
        listed = f" ({' / '.join(map(without_marks, self._choices))})" if self._choices else ""
        alt = f"Predict: {without_marks(self._text)}{listed}"
        return bundle(self.question.widget, Picture(card(html), alt))


def compare(predicted, actual, unit: str | None = None, found: str = "measured") -> str:
    """Return a sentence that compares a prediction (a number, a choice, or None) with the result."""
    if isinstance(actual, str):
        found, outcome = "it turned out", actual.rstrip(" .")
    else:
        # `actual` may be a tensor or an array of one number.
        actual = actual.item() if hasattr(actual, "item") else actual
        outcome = quantity(actual, unit)
    if predicted is None:
        return f"{found.capitalize()}: {outcome}. (No prediction from you yet.)"
    if isinstance(actual, str) and not isinstance(predicted, str):
        return f"{found.capitalize()}: {outcome}. (Your earlier guess answered another question.)"
    if isinstance(predicted, str):
        guess = predicted.rstrip(" .")
        matches = guess == outcome or (not isinstance(actual, str) and guess == number(actual))
        return f"You predicted: {guess}" + (". And so it is." if matches else f"; {found}: {outcome}.")
    return f"You predicted {number(predicted)}; {found} {outcome}{_how_far(predicted, actual, unit or '')}"


def _how_far(predicted, actual, unit) -> str:
    if not (math.isfinite(actual) and math.isfinite(predicted)):
        return "."
    if number(predicted) == number(actual):
        return ": exactly right."
    if predicted <= 0 or actual <= 0 or BOUNDED.match(unit):
        apart = f"{number(abs(actual - predicted))}{' percentage points' if unit == '%' else ''}"
        return f": {apart} {'more' if actual > predicted else 'less'} than your guess."
    factor = max(actual / predicted, predicted / actual)
    if factor <= 1.1:
        return f": close, within {max(1, _half_up(100 * abs(actual - predicted) / actual))}%."
    times = _half_up(factor, "0.1") if factor < 10 else number(_half_up(factor))
    return f": {times} times your guess." if actual > predicted else f": your guess was {times} times that."


def _half_up(value, to: str = "1") -> int | Decimal:
    """Round to a multiple of `to`, which is 1 or 0.1. A half goes up, as in lesson.js; `round` differs."""
    if to == "1":
        return math.floor(value + 0.5)
    return Decimal(float(value)).quantize(Decimal(to), ROUND_HALF_UP)


def quantity(value, unit: str | None) -> str:
    """Return a number with its unit: "256 tokens", "25%"."""
    if not unit:
        return number(value)
    return f"{number(value)}{'' if unit == '%' else ' '}{unit}"


_SCALES = {"": 1, "k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6, "b": 1e9, "bn": 1e9, "billion": 1e9}


def read_number(text: str, unit: str | None = None) -> float | int | None:
    """Return the number in "40", "1,000", "0,5", "25 %", "134M" or "1 token"; None if there is no number.

    Commas may separate groups of three digits, or, as in India, groups of two with a last group of three. A
    comma that does neither, or that follows a single leading 0, is the decimal point.
    """
    text = re.sub(r"\s", " ", text).strip().lower()  # \s also matches non-breaking spaces
    unit = (unit or "").lower()
    for ending in (unit, unit.removesuffix("s"), "%"):
        text = text.removesuffix(ending).strip()
    parts = re.fullmatch(r"([-+]?[\d.,_ ]*\d(?:e[-+]?\d+)?)\s*([a-z]*)", text)
    if not parts or parts[2] not in _SCALES:
        return None
    digits = re.sub(r"[ _]", "", parts[1])
    grouped = re.match(r"[-+]?(?!0,)\d{1,3}(,\d{2,3})*,\d{3}(?!\d)", digits)
    digits = digits.replace(",", "" if grouped else ".")
    try:
        value = float(digits) * _SCALES[parts[2]]
    except ValueError:  # the text has two decimal points, for example
        return None
    if math.isinf(value):
        return None
    return int(value) if value.is_integer() else value
