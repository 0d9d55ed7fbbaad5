"""Tests the tiny models that come with the course: their files, and that their cards are right.

Measurements that take seconds are made again, in `make test` for one model, in `make everything` for all.
This is enough: the files have the catalogue's hashes, so only another version of a library can change a
result. Results that take minutes are read from `measured.json`.
"""

import contextlib
import hashlib
import json
import math
import re
import tomllib
from functools import cache
from pathlib import Path
from statistics import mean

import pytest
from lazy import Lazy

import course_utils as course
from course_utils import catalog, loading
from course_utils.loading import store
from course_utils.training.recipes import RECIPES

torch = Lazy("torch")
evaluation = Lazy("course_utils.training.evaluation")
language_trainer = Lazy("course_utils.training.language_trainer")

ROOT = Path(__file__).parents[2]
OURS = {
    name: model for name, model in catalog.models().items() if model.ours and name.startswith("tinyworld")
}
# Models that learned from other texts than TinyWorld's: see test_reasoner.py and test_caller.py.
OTHERS = {"tinyworld-reasoner", "tinyworld-caller", "tinyworld-caller-warned"}
TINY = [name for name in OURS if name not in OTHERS]
FOUR = ["tinyworld-llama", "tinyworld-falcon", "tinyworld-mistral", "tinyworld-mixtral"]
AGAIN = pytest.mark.everything(reason="measures weights again that have not changed")
REACH = 4 * 15  # tokens: Mistral's 4 layers look back 15 tokens each


def first_of(names):
    """Returns models as parameters of a test: the first for `make test`, the others for `make everything`."""
    first, *others = names
    return [first, *(pytest.param(name, marks=AGAIN) for name in others)]


@cache
def loaded(name):
    return course.load(name)[0]


@cache
def world_of(name):
    return RECIPES[name].make_world()


@cache
def card_of(name):
    return json.loads((loading.folder(name) / "measured.json").read_text("utf-8"))


def test_every_recipe_has_its_weights():
    pictures = {"stable-diffusion": "pictureworld-stable-diffusion"}  # tested in test_picture_weights.py
    trained = {pictures.get(name, name) for name in RECIPES}
    assert trained == OURS.keys() | set(pictures.values())
    assert trained == {path.name for path in store.TRAINED_HERE.iterdir()}


@pytest.mark.parametrize("name", OURS)
def test_files_are_those_of_the_catalogue(name):
    folder, facts = loading.folder(name), OURS[name]
    names = {path.name for path in folder.iterdir()} - {"remarks.toml"}  # a person's remarks, for the card
    assert names == {
        "README.md",
        "config.json",
        "generation_config.json",
        "measured.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    loaded_files = names - {"README.md", "measured.json"}
    assert {file.name for file in facts.files} == loaded_files
    for file in facts.files:
        content = (folder / file.name).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file.bytes, file.sha256), file.name
    assert (folder / "model.safetensors").stat().st_size < 10e6
    assert sum(path.stat().st_size for path in folder.iterdir()) < facts.disk_bytes


def test_all_of_them_are_small_and_travel_with_the_package():
    folders = [store.TRAINED_HERE / name for name in OURS]
    assert sum(path.stat().st_size for folder in folders for path in folder.iterdir()) < 40e6
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "training/weights/*/*" in project["tool"]["setuptools"]["package-data"]["course_utils"]


@pytest.mark.parametrize("name", OURS)
def test_loaded_as_the_catalogue_says(name):
    model, facts = loaded(name), OURS[name]
    assert type(model).__name__ == facts.architecture
    assert sum(weight.numel() for weight in model.parameters()) == facts.parameters
    assert model.dtype == torch.float32 and not model.training


@pytest.mark.parametrize("name", first_of(TINY))
def test_the_loss_is_near_its_floor_and_the_card_s(name):
    found = evaluation.validation(loaded(name), world_of(name))
    for register, part in found.items():
        assert part["loss"] == pytest.approx(card_of(name)["validation"][register]["loss"], rel=1e-3)
    assert 0 < found["all"]["above"] < 0.10


@pytest.mark.parametrize("name", first_of(TINY))
def test_facts_are_recalled_the_more_often_they_were_told(name):
    facts = evaluation.planted(loaded(name), world_of(name), "almanac")
    recalled = {}
    for fact in facts:
        recalled.setdefault(fact["copies"], []).append(fact["rank"] == 1)
    share = {copies: mean(values) for copies, values in recalled.items()}
    seldom, often = (share[0] + share[1]) / 2, (share[100] + share[300] + share[1000]) / 3
    assert seldom <= 1 / 3 and often == 1
    assert [mean(share[c] for c in pair) for pair in ((0, 1), (3, 10), (30, 100))] == sorted(
        mean(share[c] for c in pair) for pair in ((0, 1), (3, 10), (30, 100))
    )


@pytest.mark.parametrize("name", TINY)
def test_secrets_are_exposed_by_copies(name):
    secrets = card_of(name)["planted"]["secrets"]
    means = [
        mean(secret["exposure"] for secret in secrets if secret["copies"] in copies)
        for copies in ((0,), (1, 2, 4), (8, 16, 32), (64, 128, 256, 512, 1024))
    ]
    assert means == sorted(means) and means[0] < 4 and means[-1] > 13


@pytest.mark.parametrize("name", first_of(FOUR))
def test_planted_pronouns_are_recovered(name):
    off = [
        abs(share - planted) for planted, share in evaluation.pronouns(loaded(name), world_of(name)).values()
    ]
    assert len(off) == 36 and max(off) <= 0.05


def test_the_repaired_model_s_gap_is_at_least_halved():
    world = world_of("tinyworld-llama")
    gap = {
        name: mean(abs(share - 0.5) for _, share in evaluation.pronouns(loaded(name), world).values())
        for name in ("tinyworld-llama", "tinyworld-llama-repaired")
    }
    assert gap["tinyworld-llama-repaired"] < gap["tinyworld-llama"] / 2


def test_experts_say_more_about_the_register_than_random_routers_but_in_the_first_layer():
    layers = evaluation.specialisation(loaded("tinyworld-mixtral"), world_of("tinyworld-mixtral"))
    assert all(found > 5 * chance for found, chance, *_ in layers)  # this is true even of random routers
    assert [found > highest for found, _, _, highest in layers] == [False, True, True, True]
    for values, on_card in zip(layers, card_of("tinyworld-mixtral")["experts"], strict=True):
        assert values == pytest.approx(on_card, rel=0.02)


def test_what_is_outside_the_window_is_recalled_at_chance():
    world, count = world_of("tinyworld-mistral"), 40
    chance = 1 / len(world.words_of("colour"))
    recall = evaluation.recall_by_distance(loaded("tinyworld-mistral"), world, count)
    outside = [share for distance, share in recall.items() if distance > REACH]
    inside = [share for distance, share in recall.items() if distance < 16]
    error = math.sqrt(chance * (1 - chance) / (count * len(outside)))
    assert abs(mean(outside) - chance) < 3 * error
    assert inside and min(inside) > 0.9


@pytest.mark.parametrize("name", first_of(name for name in TINY if name != "tinyworld-mistral"))
def test_without_a_window_distance_is_no_limit(name):
    recall = evaluation.recall_by_distance(loaded(name), world_of(name), 40)
    assert mean(share for distance, share in recall.items() if distance > REACH) > 0.9


@pytest.mark.parametrize("name", TINY)
def test_a_card_says_what_was_done_and_its_limits(name):
    card, measured = (loading.folder(name) / "README.md").read_text("utf-8"), card_of(name)
    for part in ("| Data |", "| Code |", "seed 0", "| Hardware and time |", "## Limits"):
        assert part in card, part
    assert f"`course train {name}`" in card
    assert f"{measured['validation']['all']['loss']:.3f}; a perfect model has" in card
    assert len(re.findall(r"^1\. ", card, re.M)) == len(measured["samples"]) == 20
    assert measured["training"]["recipe"]["documents"] == RECIPES[name].documents
    assert measured["training"]["minutes"] < 45


@pytest.mark.parametrize("name", TINY)
def test_a_card_is_what_was_measured_and_says_which_samples_the_world_can_tell(name):
    measured, world = card_of(name), world_of(name)
    card = (loading.folder(name) / "README.md").read_text("utf-8")
    assert card == language_trainer.card_text(loaded(name), measured)
    possible = 0
    for sample in measured["samples"]:
        with contextlib.suppress(course.CourseError):
            possible += bool(world.surprisals(sample))
    assert f"\n{possible} of 20 are texts that this world can tell." in card
    slips = evaluation.slips(loaded(name), world, measured["samples"])
    assert len(slips) == 20 - possible and [{**slip, "share": 0} for slip in slips] == [
        {**slip, "share": 0} for slip in measured["slips"]
    ]
    assert [slip["share"] for slip in slips] == pytest.approx(
        [slip["share"] for slip in measured["slips"]], rel=0.05
    )
