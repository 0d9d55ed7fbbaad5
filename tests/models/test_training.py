"""Tests training: packing does not change a loss, a kill changes nothing, and measurements are right."""

import contextlib
import dataclasses
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest
from lazy import Lazy

import course_utils as course
from course_utils import CourseError
from course_utils.__main__ import main
from course_utils.training import recipes
from course_utils.training.recipes import RECIPES
from course_utils.worlds.tinyworld import Planted
from course_utils.worlds.tinyworld.world import END

torch = Lazy("torch")
transformers = Lazy("transformers")
evaluation = Lazy("course_utils.training.evaluation")
language_trainer = Lazy("course_utils.training.language_trainer")
stages = Lazy("course_utils.training.stages")
trainer = Lazy("course_utils.training.trainer")

SMALL = {
    "almanac": Planted("town", "goods", {0: 2, 1: 2, 200: 2}),
    "secrets": Planted("person", 2, {0: 1, 200: 2}),
}
LLAMA = dataclasses.replace(
    RECIPES["tinyworld-llama"], documents=1_600, batch=8, steps=200, warmup=5, world={"planted": SMALL}
)


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """Replaces Llama's recipe by a small one. All tests of this file share a cache with the small corpus."""
    folder = tmp_path_factory.getbasetemp() / "training-cache"
    monkeypatch.setenv("COURSE_CACHE", str(folder))
    monkeypatch.setitem(recipes.RECIPES, "tinyworld-llama", LLAMA)
    return folder


@pytest.fixture(scope="module")
def world():
    return LLAMA.make_world()


class Perfect:
    """A perfect model: gives each next token its probability in `world`, which generates the texts."""

    def __init__(self, world):
        self.world, self.words = world, world.vocabulary()
        self.number = {word: number for number, word in enumerate(self.words)}

    def __call__(self, input_ids, use_cache=False, logits_to_keep=0):
        logits = torch.zeros(*input_ids.shape, len(self.words))
        for row, row_logits in zip(input_ids.tolist(), logits, strict=True):
            text = [self.words[token] for token in row[1:] if token]
            # All tokens stay equally probable after the end, in the padding and after impossible texts.
            with contextlib.suppress(CourseError):
                ahead = self.world._grammar.follow(text if END in text else [*text, None])
                for position, shares in zip(row_logits, ahead, strict=False):
                    position.fill_(-60)
                    for word, share in shares.items():
                        position[self.number[word]] = math.log(share)
        return transformers.modeling_outputs.CausalLMOutput(logits=logits[:, -logits_to_keep:])


@pytest.mark.parametrize(
    "name", ["tinyworld-llama", "tinyworld-falcon", "tinyworld-mistral", "tinyworld-mixtral"]
)
def test_each_recipe_is_an_official_class_with_its_features(name, world):
    model = RECIPES[name].make_model(course.tinyworld.english(size=40_000))
    config = model.config
    assert type(model) is getattr(transformers, RECIPES[name].config.replace("Config", "ForCausalLM"))
    facts = {
        "tinyworld-llama": lambda: config.num_key_value_heads == 2 and config.num_attention_heads == 4,
        "tinyworld-falcon": lambda: config.multi_query and config.parallel_attn and not config.alibi,
        "tinyworld-mistral": lambda: config.sliding_window < config.max_position_embeddings,
        "tinyworld-mixtral": lambda: (config.num_local_experts, config.num_experts_per_tok) == (8, 2),
    }
    assert facts[name]()
    size = sum(weight.numel() for weight in model.parameters())
    assert size * 4 < 10e6
    if name != "tinyworld-mixtral":  # all models but Mixtral have about the same size
        assert size == pytest.approx(895_232, rel=0.001)


@pytest.mark.parametrize(
    "name", ["tinyworld-llama", "tinyworld-falcon", "tinyworld-mistral", "tinyworld-mixtral"]
)
def test_a_packed_document_costs_what_it_costs_alone(name, world):
    model = RECIPES[name].make_model(world).eval()
    number = {word: index for index, word in enumerate(world.vocabulary())}
    documents = list(world.documents(24, seed=5))
    rows = [[1, *(number[word] for word in document.words), 2] for document in documents]
    ids, positions, labels = language_trainer.pack(rows)
    assert ids.shape == positions.shape == labels.shape and ids.shape[1] <= language_trainer.ROW
    assert len(ids) < len(rows) / 2
    assert int((labels != language_trainer.IGNORED).sum()) == sum(document.tokens for document in documents)
    mask = language_trainer.attention_mask(positions, getattr(model.config, "sliding_window", None))
    with torch.no_grad():
        given = {"input_ids": ids, "attention_mask": mask, "position_ids": positions}
        logits = model(**given, use_cache=False).logits
    packed = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), labels.flatten(), ignore_index=language_trainer.IGNORED, reduction="sum"
    )
    alone = sum(map(sum, evaluation.losses(model, world, documents)))
    assert float(packed) == pytest.approx(alone, rel=1e-5)


def test_a_packed_document_sees_itself_alone():
    """Our own mask separates documents, because transformers 5.15 did not separate them for Falcon."""
    positions = torch.tensor([[0, 1, 2, 0, 1, 0]])  # two documents and padding
    seen = [[0], [0, 1], [0, 1, 2], [3], [3, 4], [5]]
    mask = language_trainer.attention_mask(positions)
    assert mask.shape == (1, 1, 6, 6) and [row.nonzero().flatten().tolist() for row in mask[0, 0]] == seen
    seen[2] = [1, 2]
    mask = language_trainer.attention_mask(positions, 2)
    assert [row.nonzero().flatten().tolist() for row in mask[0, 0]] == seen


def test_routers_are_balanced_as_the_library_does_it(world):
    """Logits and balancing loss equal those of Mixtral's own forward, which accepts no packing mask."""
    model = RECIPES["tinyworld-mixtral"].make_model(world).eval()
    number = {word: index for index, word in enumerate(world.vocabulary())}
    (document,) = world.documents(1, seed=5)
    ids, positions, _ = language_trainer.pack([[1, *(number[word] for word in document.words), 2]])
    given = {"input_ids": ids, "position_ids": positions, "use_cache": False}
    with torch.no_grad():
        mask = {"attention_mask": language_trainer.attention_mask(positions)}
        logits, imbalance = language_trainer.logits_and_imbalance(model, given | mask)
        whole = model(**given, output_router_logits=True)
    assert torch.allclose(logits[0, : document.tokens], whole.logits[0, : document.tokens], atol=1e-5)
    assert float(imbalance) == pytest.approx(float(whole.aux_loss), abs=1e-5) and imbalance > 2


def small(name, **settings):
    """Returns a recipe with the small corpus of this module."""
    settings = {"documents": 1_600, "batch": 8, "world": LLAMA.world} | settings
    return dataclasses.replace(RECIPES[name], **settings)


LANGUAGE = [name for name, recipe in RECIPES.items() if isinstance(recipe, recipes.LanguageRecipe)]


@pytest.mark.parametrize("name", LANGUAGE)
def test_each_recipe_learns_from_its_first_steps(name, tmp_path):
    training = small(name, batch=16, steps=4, warmup=1).training(tmp_path)
    run = stages.Run(training.stages[0], tmp_path)
    for _ in range(4):
        run.step(*training.loss(range(16)))  # the same documents each time
    assert run.losses == sorted(run.losses, reverse=True) and run.losses[-1] < run.losses[0] - 0.1


def test_the_window_closes_at_half_time(tmp_path):
    """For half of its training, Mistral equals Llama. After that, each of its tokens sees only 16 tokens."""
    losses, windows = {}, []
    for name in ("tinyworld-llama", "tinyworld-mistral"):
        training = small(name, steps=8, warmup=5, learning_rate=1e-3).training(tmp_path)
        run = stages.Run(training.stages[0], tmp_path)
        for first in range(0, 64, 8):
            run.step(*training.loss(range(first, first + 8)))
            windows.append(getattr(training.model.config, "sliding_window", None))
        losses[name] = run.losses
    assert windows == [None] * 12 + [16] * 4
    llama, mistral = losses.values()
    assert llama[:4] == mistral[:4] and llama[4] != mistral[4]


@pytest.fixture
def no_card(monkeypatch):
    """Skips the measurements, the samples and the card, which take longest and have their own test."""
    monkeypatch.setattr("course_utils.training.evaluation.measure", lambda model, world: {})
    monkeypatch.setattr("course_utils.training.evaluation.samples", lambda model, world: [])
    monkeypatch.setattr("course_utils.training.card.write", lambda folder, measured, text_of: None)


@pytest.mark.everything(reason="trains twice; the trainer rarely changes")
def test_a_kill_changes_nothing(tmp_path, cache, no_card):
    """A training is killed with SIGKILL after its first checkpoint, and continued.

    Its losses and weights then equal those of an uninterrupted training, bit for bit.
    """
    program = (
        "import sys\n"
        "sys.path[:0] = sys.argv[2:]\n"
        "import test_training\n"
        "from course_utils.training import recipes, trainer\n"
        "recipes.RECIPES['tinyworld-llama'] = test_training.LLAMA\n"
        "trainer.SECONDS_BETWEEN_CHECKPOINTS = 0.2\n"
        "trainer.train('tinyworld-llama', steps=30, folder=sys.argv[1])\n"
    )
    folder = tmp_path / "killed"
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(folder), *map(str, Path(__file__).parents[:2])],
        env=os.environ | {"COURSE_CACHE": str(cache)},
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    while not (folder / "language.safetensors").exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert 0 < len(_losses(folder)) < 30
    trainer.train("tinyworld-llama", steps=30, folder=folder)
    trainer.train("tinyworld-llama", steps=30, folder=tmp_path / "whole")
    assert len(_losses(folder)) == 30 and _losses(folder) == _losses(tmp_path / "whole")
    for file in ("model.safetensors", "config.json"):
        assert (folder / "model" / file).read_bytes() == (tmp_path / "whole" / "model" / file).read_bytes()


def _losses(folder):
    from safetensors.torch import load_file

    return load_file(folder / "language.safetensors")["losses"].tolist()


@pytest.mark.everything(reason="trains in a process of its own; the trainer rarely changes")
def test_the_command_trains_and_the_result_loads(tmp_path, capsys):
    folder = tmp_path / "work"
    command = ["train", "tinyworld-llama", "--steps", "60", "--folder", str(folder)]
    assert main(command) == 0
    assert "tinyworld-llama is trained" in capsys.readouterr().out
    model = transformers.AutoModelForCausalLM.from_pretrained(folder / "model", local_files_only=True)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder / "model", local_files_only=True)
    assert type(model).__name__ == "LlamaForCausalLM" and len(tokenizer) == model.config.vocab_size
    measured = json.loads((folder / "model" / "measured.json").read_text())
    world = LLAMA.make_world()
    again = evaluation.validation(model.eval(), world)
    assert again["all"]["loss"] == pytest.approx(measured["validation"]["all"]["loss"], abs=1e-4)
    assert 1 < again["all"]["loss"] < math.log(len(tokenizer))  # the model learned something, not everything
    card = (folder / "model" / "README.md").read_text()
    assert f"{again['all']['loss']:.3f}" in card and card.count("\n1. ") == 20
    for word in ("Data", "Code", "seed", "Hardware and time", "Limits", "perfect model"):
        assert word in card
    assert "entropy floor" in (folder / "loss.html").read_text()
    before = (folder / "model" / "README.md").stat().st_mtime_ns
    assert main(command) == 0 and (folder / "model" / "README.md").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["tinyworld-lama"], "no recipe 'tinyworld-lama': choose among tinyworld-llama, tinyworld-falcon"),
        (["tinyworld-llama", "--steps", "201"], "trained for 1 to 200 steps, not 201"),
        (["tinyworld-llama", "--steps", "7"], "holds a training with steps 200, and this one has 7"),
    ],
)
def test_what_cannot_be_is_one_sentence(tmp_path, capsys, arguments, sentence):
    settings = json.loads(json.dumps(dataclasses.asdict(LLAMA)))
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    assert main(["train", *arguments, "--folder", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert sentence in error and error.count("\n") == 1


def test_a_full_disk_and_a_broken_checkpoint_are_one_sentence(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("numpy.save", full)
        patch.setenv("COURSE_CACHE", str(tmp_path / "empty"))
        with pytest.raises(CourseError, match=r"can't write to .*No space left on device.*Make room"):
            trainer.train("tinyworld-llama", folder=tmp_path / "work")
    (tmp_path / "work" / "language.safetensors").write_bytes(b"half")
    with pytest.raises(CourseError, match=r"can't be read .*delete it"):
        trainer.train("tinyworld-llama", folder=tmp_path / "work")


def test_pausing_goes_on(tmp_path, no_card):
    assert trainer.train("tinyworld-llama", steps=20, minutes=0, folder=tmp_path) is None
    assert not (tmp_path / "model").exists()
    assert trainer.train("tinyworld-llama", steps=20, folder=tmp_path) == tmp_path / "model"


def test_a_perfect_model_measures_as_planted(world):
    """For a model with the probabilities of the texts' generator, each measurement gives its known value."""
    model = Perfect(world)
    documents = list(world.documents(40, seed=9, register="sums"))
    bits = [sum(costs) / math.log(2) for costs in evaluation.losses(model, world, documents)]
    exact = [sum(cost for _, cost in world.surprisals(document.text)) for document in documents]
    assert bits == pytest.approx(exact, abs=1e-3)
    for fact in evaluation.planted(model, world, "almanac"):
        if fact["copies"]:
            assert fact["rank"] == 1 and fact["probability"] == pytest.approx(1, abs=1e-4)
            assert fact["exposure"] == pytest.approx(math.log2(40))
    trades = {"nurse": {"she": 0.9, "he": 0.1}}
    two = dataclasses.replace(world, words={**world.words, "trade": "nurse pilot"}, pronouns=trades)
    found = evaluation.pronouns(Perfect(two), two, count=2)
    assert {trade: share for trade, (share, _) in found.items()} == {"nurse": 0.9, "pilot": 0.5}
    assert all(found[trade] == pytest.approx((share, share), abs=1e-4) for trade, (share, _) in found.items())
    assert set(evaluation.recall_by_distance(model, world, count=1).values()) == {1.0}


def test_specialisation_is_the_information_that_experts_hold(world):
    """Measures three layers whose routers choose experts by a known rule.

    Layer 0 sends each register (kind of text) to an expert of its own, and layer 1 sends all tokens to one
    expert. In layer 2, the word decides on the expert. A random router, too, sends equal words to the same
    expert, but different words may share an expert.
    """
    documents = list(world.documents(300, seed="experts"))
    number = {word: index for index, word in enumerate(world.vocabulary())}
    names = sorted(world.plots)
    expert = {
        tuple(number[word] for word in document.words): names.index(document.register)
        for document in documents
    }

    gates = [torch.nn.Linear(len(names), len(names), bias=False) for _ in range(3)]
    for gate in gates:
        gate.weight.data = torch.eye(len(names))

    def model(input_ids, **_):
        rows = [tuple(token for token in row if token > 1) for row in input_ids.tolist()]
        by_register = torch.tensor([[expert[row]] * input_ids.shape[1] for row in rows])
        chosen = [by_register, torch.zeros_like(by_register), input_ids % len(names)]
        for gate, experts in zip(gates, chosen, strict=True):
            gate(torch.nn.functional.one_hot(experts, len(names)).float())
        return SimpleNamespace(logits=None)

    model.model = SimpleNamespace(layers=[SimpleNamespace(mlp=SimpleNamespace(gate=gate)) for gate in gates])
    measured = evaluation.specialisation(model, world, count=300)
    (full, dealt, mean, highest), (none, _, *nothing), (some, _, *_) = measured
    tokens = Counter()
    for document in documents:
        tokens[document.register] += len(document.words) + 1
    shares = [count / tokens.total() for count in tokens.values()]
    assert full == pytest.approx(-sum(share * math.log2(share) for share in shares))
    assert dealt < full / 4 and none == pytest.approx(0, abs=1e-9) and 0 < some < full
    assert 0 < mean < highest <= full + 1e-9 and nothing == pytest.approx([0, 0], abs=1e-9)
    assert not any(gate._forward_hooks for gate in gates)
