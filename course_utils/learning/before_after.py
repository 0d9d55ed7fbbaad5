"""The course's test: one form before the lessons, the other after them, and the learner's gain.

    test("before")        asks the questions of one form, and does not say which answers are right
    test("after")         asks the questions of the other form, once the first form is handed in
    gain()                shows the results of both forms side by side, and how sure the learner was

A form has fifteen questions with choices and two with written answers. For each choice, the learner also
gives a confidence. Which form comes first is drawn by lot, so each form comes first for about half of a
class. The questions are in questions/test.toml. `class_gain` adds up the results of a class. The answers file
has an entry "test before" and an entry "test after". Each entry has all answers to one form, as JSON (see
`Sitting`).
"""

import json
import random
import tomllib
from dataclasses import asdict, dataclass, field
from functools import cache
from html import escape

import ipywidgets
from IPython.display import display

from course_utils import statistics, views
from course_utils.errors import CourseError
from course_utils.learning import answers, course_map, quizzes, verdicts
from course_utils.learning.question import Question, QuestionList, choice_field, text_field
from course_utils.views.picture import MONO, Picture, bundle, card

HALVES = ("before", "after")
FORMS = ("A", "B")
# How sure a learner can be, in percent. Each question has four choices, so a guess is right in 25% of all
# cases.
SURE = {"I have no answer, I guessed": 25, "a hunch": 50, "fairly sure": 75, "sure": 95}
MINUTES = 25
# Suppose that 100 learners know half of the answers, both before and after the course. By luck alone, about 5
# of them have at least this many more right answers after the course than before it.
LUCK = 5


@dataclass(frozen=True)
class Pair:
    """Two questions on one topic, one in each form.

    about: the topic.
    items: dict from a form to its question.
    shown: dict from a form to the picture that its question is about.
    """

    about: str
    items: dict[str, quizzes.Item]
    shown: dict[str, Picture]


@dataclass(frozen=True)
class Written:
    """Two written questions on one topic, one in each form.

    about, shown: as in `Pair`.
    texts: dict from a form to the question.
    rubrics: dict from a form to a list of things that an answer should say. Each thing is worth one point.
    """

    about: str
    texts: dict[str, str]
    rubrics: dict[str, list[str]]
    shown: dict[str, Picture]


@dataclass
class Sitting:
    """A learner's answers to one form.

    form: "A" or "B".
    handed_in: False while the learner is still answering.
    lessons: the number of lessons that were begun when the form was handed in.
    chosen: dict from a topic to the text of the choice.
    sure: dict from a topic to the confidence in the choice, in percent.
    right: dict from a topic to True if the choice is right, else False; empty until the form is handed in.
    written: dict from a topic to the learner's text.
    """

    form: str
    handed_in: bool = False
    lessons: int = 0
    chosen: dict[str, str] = field(default_factory=dict)
    sure: dict[str, int] = field(default_factory=dict)
    right: dict[str, bool] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)


@cache
def _tables():
    return tomllib.loads((quizzes.FOLDER / "test.toml").read_text(encoding="utf-8"))


@cache
def pairs() -> list[Pair]:
    """Return the pairs of questions, in the order in which a form asks them."""
    found = []
    for table in _tables()["pairs"]:
        items = {form: quizzes.read(f"test.toml, {table['about']} {form}", table[form]) for form in FORMS}
        found.append(Pair(table["about"], items, {form: _shown(table[form]) for form in FORMS}))
    return found


@cache
def written() -> list[Written]:
    """Return the pairs of written questions."""
    found = []
    for table in _tables()["written"]:
        texts, rubrics = ({form: table[form][part] for form in FORMS} for part in ("text", "rubric"))
        found.append(Written(table["about"], texts, rubrics, {form: _shown(table[form]) for form in FORMS}))
    return found


def topics() -> list[str]:
    """Return the topics of the questions with choices. Both forms have one question on each topic."""
    return [pair.about for pair in pairs()]


def _shown(table):
    """Return the picture that a question is about, from its table in the TOML file."""
    if "table" in table:
        return views.table(table["table"])
    if "output" in table:
        text = table["output"].strip("\n")
        line = '<div style="white-space:pre-wrap;min-height:1.45em;overflow-wrap:anywhere">{}</div>'
        lines = "".join(line.format(escape(each)) for each in text.splitlines())
        return Picture(card(f'<div style="font-family:{MONO};font-size:13px">{lines}</div>'), text)
    labels, hits, counts, marks = zip(*table["intervals"], strict=True)
    return views.intervals(
        labels,
        [100 * hit / count for hit, count in zip(hits, counts, strict=True)],
        [statistics.wilson(hit, count) for hit, count in zip(hits, counts, strict=True)],
        marks=marks,
        marks_label="training pictures",
        note="In the training pictures: "
        + ", ".join(f"{label} {mark}%" for label, mark in zip(labels, marks, strict=True))
        + ".",
    )


# Asking the questions of a form


def test(half: str) -> None:
    """Ask the questions of one form of the test, or show a sentence on what the learner must do first.

    half : "before" or "after"

    Raises CourseError if `half` is something else.
    """
    if half not in HALVES:
        raise CourseError(f"The test has no half {half!r}: ask for {' or '.join(map(repr, HALVES))}.")
    locked = _locked(answers.read()) if half == "after" else ""
    display(Picture(card(locked), locked) if locked else Half(half))


def _locked(stored):
    """Return a sentence on what the learner must do before the second form is shown, or "" if nothing."""
    first = sitting("before", stored)
    missing = []
    if not (first and first.handed_in):
        missing.append("hand in the first form (its cell is further up)")
    if not course_map.begun(stored):
        missing.append("begin a lesson (a prediction is enough)")
    if not missing:
        return ""
    opens = f"The second form of the test opens when you have done this: {' and '.join(missing)}."
    return f"{opens} Then run this cell again. {_earlier(stored)}".rstrip()


def _earlier(stored):
    """Return a sentence for learners who answered only an earlier version of the test, otherwise ""."""
    if not outdated(stored):
        return ""
    return (
        "Your answers to an earlier version of this test are kept, but they can't be compared with this one."
    )


def sitting(half: str, stored: dict | None = None) -> Sitting | None:
    """Return the learner's answers to one form; None if there are none, or if they can't be read.

    stored : the answers, as `answers.read` returns them; by default the learner's own
    """
    stored = answers.read() if stored is None else stored
    entry = stored.get(f"test {half}")
    try:
        found = Sitting(**json.loads(entry["answer"]))
    except (TypeError, ValueError, KeyError, RecursionError):
        return None
    return found if _is_sound(found) else None


def _is_sound(found):
    """Return whether the answers have the right types, and are about the questions of this version."""
    good = found.form in FORMS and isinstance(found.handed_in, bool) and isinstance(found.lessons, int)
    asked, more = set(topics()), {question.about for question in written()}
    for part, kind, known in (
        (found.chosen, str, asked),
        (found.sure, int, asked),
        (found.right, bool, asked),
        (found.written, str, more),
    ):
        good = good and isinstance(part, dict) and part.keys() <= known
        good = good and all(isinstance(value, kind) for value in part.values())
    good = good and set(found.sure.values()) <= set(SURE.values())
    if good and found.handed_in:
        good = found.right.keys() == asked and found.sure.keys() == asked
    return good


def outdated(stored: dict) -> bool:
    """Return whether there are answers to the test, but only to an earlier version of it."""
    entries = {key for key in stored if key.startswith("test ")}
    return bool(entries) and not any(sitting(half, stored) for half in HALVES)


def results(stored: dict | None = None) -> dict[str, list[bool]]:
    """Return {half: [whether an answer is right, ...]} for each form that was handed in.

    The answers are in the order of `topics`.

    stored : as in `sitting`
    """
    found = {half: sitting(half, stored) for half in HALVES}
    return {
        half: [taken.right[topic] for topic in topics()]
        for half, taken in found.items()
        if taken and taken.handed_in
    }


class Half(QuestionList):
    """All questions of one form, with a button that hands in the answers. They can be handed in only once.

    The questions appear when the learner presses a first button, so that the page stays short. The answers
    are stored whenever one of them changes, and are shown again after a restart of the kernel.
    """

    def __init__(self, half: str):
        self._half = half
        earlier = _earlier(answers.read())
        other = sitting("after" if half == "before" else "before")
        self.taken = sitting(half) or Sitting(_other(other.form) if other else _draw())
        form = self.taken.form
        self.items = [pair.items[form] for pair in pairs()]
        questions = []
        for number, pair in enumerate(pairs(), start=1):
            item, chosen = pair.items[form], self.taken.chosen.get(pair.about)
            asked = choice_field(f"{number}. {item.text}", item.texts)
            asked.value = chosen if chosen in item.texts else None
            levels = [(f"{words} ({value}%)", value) for words, value in SURE.items()]
            sure = ipywidgets.Dropdown(
                options=[("choose", 0), *levels],
                value=self.taken.sure.get(pair.about, 0),
                description="How sure are you?",
            )
            questions.append(Question(asked, shown=pair.shown[form].html, second=sure))
        for number, question in enumerate(written(), start=len(questions) + 1):
            asked = text_field(f"{number}. {question.texts[form]}")
            asked.value = self.taken.written.get(question.about, "")
            questions.append(Question(asked, shown=question.shown[form].html))
        super().__init__(questions, "Hand in", self._hand_in)
        self._questions = self.widget
        self.begin = ipywidgets.Button(description="Continue" if self.taken.chosen else "Begin the test")
        self.begin.on_click(lambda _: self._begin())
        self.widget = ipywidgets.VBox([ipywidgets.HTML(card(f"{self._about()} {earlier}")), self.begin])
        self.show_result(earlier)
        self._show(self._keep())
        for question in self.questions:
            for part in filter(None, (question.field, question.second)):
                part.observe(lambda _: self._keep(), "value")

    def _begin(self):
        self.widget.children = [self._questions]

    def _about(self):
        which = "first" if self._half == "before" else "second"
        return (
            f"The {which} form of the test: {len(pairs())} questions, each with a table or a picture to "
            f"read, and {len(written())} that you answer in your own words. It takes about {MINUTES} minutes."
        )

    def _keep(self):
        """Store the answers so far, unless the form was already handed in.

        Returns a sentence for the learner the first time that storing fails, otherwise "".
        """
        stored = sitting(self._half)
        if stored and stored.handed_in:  # another notebook has handed the form in
            self.taken = stored
            return ""
        count = len(pairs())
        asked = dict(zip(topics(), self.questions[:count], strict=True))
        self.taken.chosen = {about: each.field.value for about, each in asked.items() if each.field.value}
        self.taken.sure = {about: each.second.value for about, each in asked.items() if each.second.value}
        texts = zip(written(), self.questions[count:], strict=True)
        self.taken.written = {question.about: each.field.value.strip() for question, each in texts}
        return self._record()

    def _record(self):
        return answers.record("test", self._half, json.dumps(asdict(self.taken), ensure_ascii=False))

    def _hand_in(self):
        self._keep()
        if self.taken.handed_in:
            self._show()
            return
        numbered = list(enumerate(topics(), start=1))
        open_still = [str(number) for number, about in numbered if about not in self.taken.chosen]
        answered = self.taken.chosen.keys() - self.taken.sure.keys()
        how_sure = [str(number) for number, about in numbered if about in answered]
        sentences = []
        if open_still:
            guess = next(iter(SURE))
            sentences.append(
                f"Still without an answer: {', '.join(open_still)}. If you have none, pick any choice and "
                f"say “{guess}”."
            )
        if how_sure:
            sentences.append(f"Still to say how sure you are: {', '.join(how_sure)}.")
        if sentences:
            self.show_result(" ".join(sentences))
            return
        self.taken.right = {
            about: self.taken.chosen[about] == item.right.text
            for about, item in zip(topics(), self.items, strict=True)
        }
        self.taken.handed_in, self.taken.lessons = True, course_map.begun(answers.read())
        self._show(self._record())

    def _show(self, note=""):
        """Show `note` and, if the form is handed in, the number of right answers.

        If both forms are handed in, also show the explanation of each answer.
        """
        if not self.taken.handed_in:
            if note:
                self.show_result(note)
            return
        self._begin()
        for question in self.questions:
            question.field.disabled = True
            if question.second is not None:
                question.second.disabled = True
        self.button.layout.display = "none"
        right = f"Handed in: {sum(self.taken.right.values())} of {len(self.taken.right)} right."
        if len(results()) < len(HALVES):
            self.show_result(
                f"{right} Which ones, and why, is explained when the second form is handed in. {note}"
            )
            return
        for about, item, question in zip(topics(), self.items, self.questions, strict=False):
            choice = item.chosen(self.taken.chosen.get(about, ""))
            if self.taken.right[about]:
                question.show_reply(item.right.why, "right")
            else:
                why = f"{choice.why} " if choice else ""
                question.show_reply(f"{why}The answer: {item.right.text}. {item.right.why}", "wrong")
        for asked, question in zip(written(), self.questions[len(self.items) :], strict=True):
            points = " ".join(
                f"({number}) {point}" for number, point in enumerate(asked.rubrics[self.taken.form], 1)
            )
            question.show_reply(f"What a full answer says: {points}")
        more = (
            "Run the cell of the first form again to see its answers explained, too."
            if self._half == "after"
            else ""
        )
        self.show_result(f"{right} {more} {note}")

    def _repr_mimebundle_(self, **_):
        # A stored notebook must show no question, because learners could read it before the test.
        text = f"{self._about()} The questions appear when you run this cell in your own copy of the course."
        return bundle(self.widget, Picture(card(text), text))


def _draw():
    return random.SystemRandom().choice(FORMS)


def _other(form):
    return "B" if form == "A" else "A"


# The learner's gain between the two forms


def gain() -> Picture:
    """Return a picture of the results before and after the course, the gain, and how sure the learner was."""
    stored = answers.read()
    found = results(stored)
    missing = [half for half in HALVES if half not in found]
    if missing:
        text = f"Not handed in yet: the test {' and the test '.join(missing)} the course."
        text = f"{text} {_earlier(stored)}".rstrip()
        return Picture(card(text, "Your gain"), text)
    before, after = (sum(found[half]) for half in HALVES)
    count = len(topics())
    sign = {True: "✓", False: "·"}
    rows = [("", *HALVES)]
    for topic, *pair in zip(topics(), found["before"], found["after"], strict=True):
        rows.append((topic, *(sign[right] for right in pair)))
    rows.append(("right", f"{before} of {count}", f"{after} of {count}"))
    title = f"{after - before:+} of {count} questions".replace("-", "−").replace("+0", "0")
    note = (
        f"Fifteen questions are few. Of 100 learners who know half of the answers both times, 5 gain {LUCK} "
        "or more by luck alone."
    )
    alt = f"Before {before} of {count}, after {after} of {count}. {note}"
    table = views.table(rows, right=(1, 2), title=f"Your gain: {title}", note=note, alt=alt)
    calibration = _calibration({half: sitting(half, stored) for half in HALVES})
    return Picture(table.html + calibration.html, f"{table.alt}\n{calibration.alt}")


def _calibration(taken):
    """Return a table of how many answers were right at each confidence, before and after the course."""
    scores = {half: scored(found) for half, found in taken.items()}
    rows = [("You said", "so many should be right", *HALVES)]
    for words, percent in SURE.items():
        cells = []
        for half in HALVES:
            said, right = scores[half].levels.get(percent, (0, 0))
            cells.append(f"{right} of {said}, {right / said:.0%}" if said else "–")
        rows.append((words, f"{percent}%", *cells))
    rows.append(("Brier score", "0 is best", *(f"{scores[half].brier:.2f}" for half in HALVES)))
    note = (
        "The Brier score is the mean squared distance between what you said and what came out. Whoever says "
        "50% each time gets 0.25; whoever is sure and wrong each time, 0.90."
    )
    return views.table(rows, right=(1, 2, 3), title="Were you as sure as you were right?", note=note)


def scored(taken: Sitting) -> verdicts.Score:
    """Return the score of a form that was handed in: right answers, and how well the confidences fit them."""
    return verdicts.tally([(taken.right[about], taken.sure[about]) for about in taken.right])
