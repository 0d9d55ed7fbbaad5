"""Tests explorers: the numbers behind the sliders, and an output that works with and without a kernel."""

import itertools
from html import escape

import numpy
import pytest

from course_utils import CourseError, blueprints, catalog, licences, openness
from course_utils.opened.fits import Fits
from course_utils.opened.one_weight import OneWeight
from course_utils.opened.permissions import MayUse
from course_utils.opened.sampling import Sampling, entropy_bits, warp

VOCABULARY = 49_152
LOGITS = numpy.random.default_rng(0).normal(size=VOCABULARY) * 3
WIDGET = "application/vnd.jupyter.widget-view+json"
QUESTION = "What is the capital of France?"
BAKED = {0.0: "L'Antecfabac", 1.0: "The capital of France is Paris."}


def decode(token_id):
    return f" w{token_id}"


def transformers_probabilities(logits, temperature, top_k, top_p):
    """Returns the probabilities of `generate`, in float64: in float32, rounding may change the top-p set."""
    import torch
    from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

    scores = torch.tensor(logits, dtype=torch.float64)[None]
    scores = TemperatureLogitsWarper(temperature)(None, scores)
    if top_k:
        scores = TopKLogitsWarper(top_k)(None, scores)
    if top_p < 1:
        scores = TopPLogitsWarper(top_p)(None, scores)
    return scores.softmax(-1)[0].numpy()


@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p"),
    [*itertools.product([0.1, 0.7, 1.0, 3.0], [0, 1, 40], [0.05, 0.9, 1.0])],
)
def test_same_probabilities_as_transformers(temperature, top_k, top_p):
    expected = transformers_probabilities(LOGITS, temperature, top_k, top_p)
    order = numpy.argsort(-LOGITS, kind="stable")
    _, kept = warp(LOGITS[order], temperature, top_k, top_p)
    ours = numpy.zeros(VOCABULARY)
    ours[order[: len(kept)]] = kept
    assert numpy.array_equal(ours > 0, expected > 0)
    assert numpy.abs(ours - expected).max() < 1e-12


def test_ties_at_top_k_stay_as_in_transformers():
    logits = numpy.array([3.0, 2.0, 2.0, 1.0])
    _, kept = warp(logits, top_k=2)
    assert len(kept) == 3 == numpy.count_nonzero(transformers_probabilities(logits, 1.0, 2, 1.0))


def test_entropy_has_its_known_values():
    assert entropy_bits(numpy.array([1.0])) == 0
    assert entropy_bits(numpy.full(8, 1 / 8)) == pytest.approx(3)


def test_sampling_marks_what_is_cut():
    explorer = Sampling(LOGITS, decode, top_k=3, shown=5)
    html = explorer.render().html
    assert html.count("<s>") == 3  # in two rows and in the row of all other tokens
    assert html.count(">cut</td>") == 3
    assert explorer.render().alt.startswith(
        "At temperature 1.0, top-k 3, top-p 1.00: 3 of 49,152 tokens kept;"
    )
    explorer.top_k.value = 0
    assert "<s>" not in explorer.picture.value
    assert "All 49,152 tokens can be drawn." in explorer.picture.value


def test_sampling_rows_add_up_to_one():
    explorer = Sampling(numpy.log([0.5, 0.3, 0.15, 0.05]), decode, top_p=0.9, shown=2)
    # 0.05 is cut, and 0.15 stays among the tokens that are not listed.
    html = explorer.render().html
    assert [share in html for share in ("52.6%", "31.6%", "15.8%")] == [True] * 3
    assert ">cut<" not in html


def test_sampling_takes_a_tensor_and_fewer_tokens_than_rows():
    import torch

    explorer = Sampling(torch.tensor([2.0, 1.0]), decode)
    assert "All 2 tokens can be drawn." in explorer.render().alt


def test_sampling_takes_what_a_model_gives():
    import torch

    explorer = Sampling(torch.tensor([2.0, 1.0], dtype=torch.bfloat16, requires_grad=True), decode)
    assert explorer.scores.tolist() == [2.0, 1.0]
    with pytest.raises(CourseError, match=r"not \(1, 5, 2\): take logits\[0, -1\]\."):
        Sampling(torch.zeros(1, 5, 2), decode)


def test_draws_repeat_with_the_seed_and_change_with_the_button():
    first, same = Sampling(LOGITS, decode), Sampling(LOGITS, decode)
    assert first.picture.value == same.picture.value
    first.draw.click()
    assert first.picture.value != same.picture.value
    same.draw.click()
    assert first.picture.value == same.picture.value


def test_draws_follow_the_probabilities():
    explorer = Sampling(numpy.log([0.75, 0.25]), decode)
    drawn = []
    for explorer.seed in range(200):
        drawn.extend(explorer._sample(numpy.array([0.75, 0.25])))
    assert drawn.count(" w0") / len(drawn) == pytest.approx(0.75, abs=0.03)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Sampling(LOGITS, decode),
        lambda: MayUse(openness.models(), licences.all()),
    ],
)
def test_one_bundle_is_live_and_still(make):
    explorer = make()
    bundle = explorer._repr_mimebundle_()
    assert set(bundle) == {WIDGET, "text/html", "text/plain"}
    assert bundle[WIDGET]["model_id"] == explorer.box.model_id
    assert bundle["text/plain"] == explorer.still().alt
    assert bundle["text/html"].startswith(explorer.still().html)
    assert "Run this cell to change it." in bundle["text/html"]
    for tag in ("<script", "<style", "<svg", "role="):
        assert tag not in bundle["text/html"]
    assert all(control.description for control in explorer.controls)


def test_the_live_picture_is_announced():
    explorer = Sampling(LOGITS, decode)
    assert explorer.render().alt in explorer.status.value


def test_the_weight_s_stored_answers_give_way_to_those_of_the_notebook():
    view = OneWeight(None, 5.8757, BAKED, QUESTION)
    data = view.widget.data
    answers = data["weights"][0]["answers"][QUESTION]
    assert data["scales"][0] == 0 and answers[0] == [["L'Antecfabac", None]]
    assert "".join(piece for piece, _ in answers[20]) == BAKED[1.0] and answers[20][1][1] > 50
    assert view.alt.endswith(
        "far out, at 5.876. What is the capital of France? The capital of France is Paris."
    )
    own = OneWeight(None, 5.8757, {1.0: "Yes."}, "Is it?").widget
    assert own.data["questions"][own.question] == "Is it?"
    assert own.data["weights"][0]["answers"]["Is it?"] == [None] * 20 + [[["Yes.", None]]] + [None] * 10


def test_other_answers_come_from_the_notebook_s_function():
    def answer(value, question, row, column):
        return f"{question} is {value}, {row}, {column}. "

    view = OneWeight(answer, 5.8757, BAKED, QUESTION)
    want = {"text": "This", "row": 507, "column": 1487, "value": 6.0}
    [said] = view.replies(want)
    assert said["want"] == want
    assert [word for word, _ in said["tokens"]] == ["This", " is", " 6.0,", " 507,", " 1487. "]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (CourseError("Load the model first."), "Load the model first."),
        (
            KeyError("x"),
            "`answer`, a function that this notebook gave to the explorer, stopped (KeyError: 'x').",
        ),
        (MemoryError(), "The memory ran out: ask for something shorter"),
    ],
)
def test_a_failure_is_one_sentence(error, sentence):
    def answer(*_):
        raise error

    want = {"text": "This", "row": 507, "column": 1487, "value": 6.0}
    [said] = OneWeight(answer, 5.8757, BAKED, QUESTION).replies(want)
    assert said["error"].startswith(sentence)


def real_explorers():
    """Returns explorers of two kinds, each with a change that makes it draw again."""
    sampling = Sampling(LOGITS, decode)
    yield sampling, sampling.draw.click
    may_use = MayUse(openness.models(), licences.all())
    yield may_use, lambda: setattr(may_use.use, "value", may_use.use.options[1])


@pytest.mark.parametrize("number", range(2))
def test_a_mistake_of_the_course_is_not_put_down_to_the_model(number, monkeypatch):
    """If the drawing code has an undefined name, the message blames the course and shows the traceback."""
    explorer, change = list(real_explorers())[number]

    def render():
        return undefined_name  # noqa: F821

    monkeypatch.setattr(explorer, "render", render)
    change()
    shown = explorer.picture.value
    assert "a mistake in the course, not yours and not the model" in shown
    assert f"{catalog.repository()}/issues" in shown
    assert "<summary>Traceback</summary>" in shown and "in render" in shown
    assert "NameError" in explorer.status.value and "in render" not in explorer.status.value
    monkeypatch.undo()
    explorer.update()
    assert "mistake" not in explorer.picture.value and explorer.render().alt in explorer.status.value


@pytest.mark.parametrize("number", range(2))
def test_an_interrupt_leaves_no_explorer_computing(number, monkeypatch):
    """The kernel gets the interrupt, the explorer reports it, and its controls keep working."""
    explorer, change = list(real_explorers())[number]
    interrupted = ["decode", "render"][number]

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(explorer, interrupted, interrupt)
    with pytest.raises(KeyboardInterrupt):
        change()
    assert "Interrupted before the picture was drawn" in explorer.picture.value
    assert "computing…" not in explorer.picture.value
    monkeypatch.undo()
    explorer.update()
    assert explorer.render().alt in explorer.status.value


def test_controls_are_followed_again_after_an_error_in_a_quiet_change():
    explorer = Sampling(LOGITS, decode)
    with pytest.raises(ZeroDivisionError), explorer.quietly(explorer.top_k):
        raise ZeroDivisionError
    explorer.top_k.value = 3
    assert "top-k 3" in explorer.status.value


def test_a_mistake_of_the_course_is_an_error_of_the_cell_that_makes_an_explorer(monkeypatch):
    """A notebook that is run to be stored must stop with the error instead of storing a message."""

    def render(self):
        return undefined_name  # noqa: F821

    made = Sampling(LOGITS, decode)
    monkeypatch.setattr(Sampling, "render", render)
    with pytest.raises(NameError):
        Sampling(LOGITS, decode)
    with pytest.raises(NameError):
        made.still()


@pytest.fixture(scope="module")
def counted():
    return Fits()


@pytest.fixture
def fits(counted):
    """Shares one Fits among all tests, because counting takes seconds, and resets its controls for each."""
    counted.memory.value, counted.bits.value, counted.context.value, counted.batch.value = 16, 16, 2048, 1
    return counted


def said_of(explorer, title):
    return next(part for part in explorer.still().alt.split("; ") if f"{title}: " in part).split(
        f"{title}: "
    )[1]


def test_fits_agrees_with_the_blueprints(fits):
    for bits, dtype in ((32, "float32"), (16, "bfloat16"), (8, "int8"), (4, "int4")):
        fits.bits.value = bits
        words = fits.still().alt
        for plan in fits.plans:
            expected = plan.fits(16 * 10**9, min(2048, plan.context_length or 2048))[dtype]
            assert (f"{plan.title}: " in words) and (
                "does not fit" not in said_of(fits, plan.title)
            ) == expected
        fitting = sum("does not" not in said_of(fits, plan.title) for plan in fits.plans)
        assert words.startswith(
            f"{fitting} of {len(fits.plans)} published models fit: 16 GB of memory, {bits} bits"
        )


def test_fits_names_the_shortest_way(fits):
    assert said_of(fits, "Llama 2 7B") == "14.6 GB, fits"
    assert said_of(fits, "Llama 2 13B") == "27.7 GB, does not fit, but at 8 bits it would"
    assert said_of(fits, "Falcon 180B") == "359 GB, does not fit, and at 4 bits needs 90.1 GB"
    fits.batch.value = 8
    assert said_of(fits, "Llama 2 7B") == "22.1 GB, does not fit, but at 8 bits it would"
    fits.batch.value, fits.context.value = 1, 4096
    assert said_of(fits, "Llama 2 7B") == "15.6 GB, fits"
    fits.batch.value = 2
    assert said_of(fits, "Llama 2 7B") == "17.8 GB, does not fit, but at a batch of 1 it would"


def test_fits_counts_no_more_context_than_a_model_takes(fits):
    fits.context.value = 131_072
    assert said_of(fits, "Falcon 7B") == "14.5 GB (at most 2,048 tokens), fits"
    assert said_of(fits, "Stable Diffusion 1.5") == "2.1 GB, fits"  # no cache, so no context


def test_fits_speaks_of_this_machine_only_while_it_is_live(fits):
    assert "This machine has" in fits.picture.value
    bundle = fits._repr_mimebundle_()
    assert "This machine" not in bundle["text/html"] + bundle["text/plain"]
    assert "<script" not in bundle["text/html"] and "<svg" not in bundle["text/html"]


def test_a_move_of_fits_counts_no_model_again(fits, monkeypatch):
    monkeypatch.setattr(blueprints, "blueprint", None)
    fits.memory.value = 80
    assert "80 GB of memory" in fits.still().alt


def test_fits_refuses_a_start_that_its_slider_lacks():
    with pytest.raises(CourseError, match="no bits per weight 5: choose one of 32, 16, 8, 4"):
        Fits(bits=5)


def test_may_use_shows_every_model_its_answer_and_the_clauses():
    explorer = MayUse(openness.models(), licences.all())
    assert explorer.use.options == tuple(licences.USES)
    for use in licences.USES:
        explorer.use.value = use
        shown = explorer.picture.value
        assert f"May I {use}?" in shown
        for model in openness.models().values():
            answer, why, clauses = licences.may(model.licence, use)
            assert escape(model.title) in shown and escape(why) in shown and f"<b>{answer}</b>" in shown
            assert all(escape(clause.summary) in shown for clause in clauses)


def test_may_use_lying_still_has_every_use_for_every_licence():
    still = MayUse(openness.models(), licences.all()).still()
    assert "Llama 3.1. " in still.alt and "ask first: serve it to a billion monthly users" in still.alt
    used = {model.licence for model in openness.models().values()}
    assert len(still.alt.splitlines()) == len(used)
    assert all(escape(use) in still.html for use in licences.USES)
