"""Shows the steps of a tiny reasoner, and their effect on the answer that follows, for lesson 17."""

from collections import Counter
from collections.abc import Sequence

from course_utils.errors import CourseError
from course_utils.opened.completing import MOST_TOKENS, completions
from course_utils.widgets.live_view import LiveView
from course_utils.worlds import sums


def tries(model, tokenizer, text: str, count: int = 20, seed: int = 0) -> list[int | None]:
    """Let a model continue a text `count` times, with tokens drawn by probability.

    Returns the `final_answer` of each continuation.
    """
    import torch

    inputs = tokenizer(text, return_tensors="pt")
    with torch.random.fork_rng():  # the notebook's own random numbers don't change
        torch.manual_seed(seed)
        written = model.generate(
            **inputs, do_sample=True, top_k=0, num_return_sequences=count, max_new_tokens=MOST_TOKENS
        )
    ends = tokenizer.batch_decode(written[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    return [final_answer(end) for end in ends]


def most_frequent(answers: Sequence) -> object:
    """Return the most frequent answer. If several are equally frequent, return the one that came first."""
    return Counter(answers).most_common(1)[0][0]


def final_answer(completion: str) -> int | None:
    """Return the number after </think>, or None if there is none. Without </think>, read the whole text."""
    digits = completion.rpartition(sums.CLOSE)[2]
    return int(digits) if digits.isdecimal() else None


def right_answers(model, tokenizer, tests: Sequence[Sequence[int]], start: str) -> int:
    """Return how many sums get the right answer, if the text after the equals sign begins with `start`.

    start : "<think>" lets the model write its steps, and "<think></think>" asks for the answer at once
    """
    return _right(completions(model, tokenizer, [sums.question(numbers) + start for numbers in tests]), tests)


def _steps(written):
    """Return the finished steps in a model's text, such as ["25+31=56;"]. A finished step has a semicolon."""
    return [f"{step};" for step in written.partition(sums.CLOSE)[0].split(";")[:-1]]


def steps_add_up(written: str) -> bool:
    """Return whether each step in a text has the right result, as in "25+31=56;56+40=96;"."""
    for step in _steps(written):
        left, _, result = step.removesuffix(";").partition("=")
        if sum(map(int, left.split("+"))) != int(result):
            return False
    return True


def after_steps(model, tokenizer, tests: Sequence[Sequence[int]], written: Sequence[str], budget: int) -> int:
    """Return how many sums get the right answer, if the model must answer after `budget` of its own steps.

    written : what `completions` returned for the sums and "<think>"
    """
    starts = []
    for numbers, text in zip(tests, written, strict=True):
        begun = "".join(_steps(text)[:budget])
        starts.append(sums.question(numbers) + sums.OPEN + begun + sums.CLOSE)
    return _right(completions(model, tokenizer, starts), tests)


def _right(written, tests):
    return sum(final_answer(text) == sum(numbers) for text, numbers in zip(written, tests, strict=True))


def measure(model, tokenizer, count: int = 200) -> dict[str, dict]:
    """Measure how many of `count` sums a model gets right. The sums are in no text of the training.

    Returns {"right": {"2": entry, …, "8": entry}}, with an entry for each number of terms. The sums in the
    training have at most 6 terms. An entry is {"count": count, "at once": right answers, "after all steps":
    right answers, "budget": [right answers after 1 step, right answers after 2 steps, …]}.
    """
    results = {}
    for terms in (*sums.TERMS, 7, 8):
        tests = sums.test_sums(terms, count)
        written = completions(model, tokenizer, [sums.question(numbers) + sums.OPEN for numbers in tests])
        results[str(terms)] = {
            "count": count,
            "at once": right_answers(model, tokenizer, tests, sums.OPEN + sums.CLOSE),
            "after all steps": _right(written, tests),
            "budget": [after_steps(model, tokenizer, tests, written, number) for number in range(1, terms)],
        }
    return {"right": results}


class EditedSteps(LiveView):
    """Shows a sum, the steps that the model writes, and the model's answer. The learner changes steps.

    model, tokenizer : the tiny reasoner and its tokenizer.
    numbers : list of int, the terms of the sum at the start: two to eight numbers from 10 to 99.
    step : int, the number, counted from 1, of the step that is changed at the start.
    result : int, the new result of this step.

    Raises CourseError if the numbers are not such terms, or if the model writes fewer than `step` steps.
    """

    view = "thinking"

    def __init__(self, model, tokenizer, numbers, *, step=None, result=None):
        if not (2 <= len(numbers) <= 8 and all(10 <= number <= 99 for number in numbers)):
            raise CourseError("The model adds two to eight numbers from 10 to 99: give it such terms.")
        self.model, self.tokenizer = model, tokenizer
        start = sums.question(numbers) + sums.OPEN
        written = self._written(start)
        edits = {}
        if step is not None:
            steps = _steps(written)
            if not 1 <= step <= len(steps):
                raise CourseError(f"The model writes {len(steps)} steps for this sum, and no step {step}.")
            changed = f"{steps[step - 1].partition('=')[0]}={result};"
            begun = "".join([*steps[: step - 1], changed])
            written = begun + self._written(start + begun)
            edits = {str(step - 1): str(result)}
        change = f", after step {step} was changed to {result}" if edits else ""
        alt = f"{start}{written}{change}. Right is {sum(numbers)}."
        text = sums.question(numbers).removesuffix("=")
        offers = list(dict.fromkeys([text, "68+75+49+87+36"]))
        super().__init__(data={"offers": offers}, alt=alt, sum=text, edits=edits, on=True, stop="all")

    def answer(self, want):
        return {"written": self._written(want["text"])}

    def _written(self, text):
        (written,) = completions(self.model, self.tokenizer, [text])
        return written
