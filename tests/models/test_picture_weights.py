"""Tests the Stable Diffusion that comes with the course: its files, its card, and how well it draws.

`make everything` draws a sample of each test set again. `make test` draws a sample of one set, or of two sets
if the code that draws has changed. This is enough: the files have the catalogue's hashes, so only another
version of a library can change a result. Results that take minutes are read from `measured.json`.
"""

import hashlib
import json
import tomllib
from pathlib import Path

import by_commit
import numpy
import pytest
from lazy import Lazy

import course_utils as course
from course_utils import catalog
from course_utils.loading import store
from course_utils.training.recipes import RECIPES
from course_utils.worlds.pictureworld import drawing, sprites, world

torch = Lazy("torch")
card = Lazy("course_utils.training.card")
denoising = Lazy("course_utils.opened.denoising")
picture_card = Lazy("course_utils.training.picture_card")
picture_evaluation = Lazy("course_utils.training.picture_evaluation")
picture_pipeline = Lazy("course_utils.training.picture_pipeline")

ROOT = Path(__file__).parents[2]
NAME = "pictureworld-stable-diffusion"
FOLDER = store.TRAINED_HERE / NAME
PARTS = {"vae", "text_encoder", "unet"}
AGAIN = pytest.mark.everything(reason="measures weights again that have not changed")


@pytest.fixture(scope="module")
def pipeline():
    return course.load("stable-diffusion")


@pytest.fixture(scope="module")
def measured():
    return json.loads((FOLDER / "measured.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def classifier():
    return picture_evaluation.Classifier(sprites.load())


def test_files_are_few_safe_and_those_of_the_catalogue():
    facts = catalog.find("stable-diffusion", "tiny")
    assert facts.name == NAME
    loaded = [path for path in sorted(FOLDER.rglob("*.*")) if path.suffix in (".json", ".safetensors")]
    loaded.remove(FOLDER / "measured.json")
    expected = {file.name: (file.bytes, file.sha256) for file in facts.files}
    found = {}
    for path in loaded:
        content = path.read_bytes()
        name = path.relative_to(FOLDER).as_posix()
        found[name] = len(content), hashlib.sha256(content).hexdigest()
    assert found == expected
    assert sum(size for size, _ in found.values()) < 20e6
    endings = {path.suffix for path in FOLDER.rglob("*") if path.is_file()}
    assert endings == {".json", ".md", ".png", ".safetensors", ".toml", ".webp"}
    assert (FOLDER / "samples.png").stat().st_size < 600_000
    assert sum(path.stat().st_size for path in FOLDER.rglob("*")) < facts.disk_bytes
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["course_utils"]
    package = ROOT / "course_utils"
    travels = {path for pattern in patterns for path in package.glob(pattern)}
    assert {path for path in FOLDER.rglob("*") if path.is_file()} <= travels


def test_the_library_s_own_pipeline(pipeline):
    facts = catalog.find("stable-diffusion", "tiny")
    assert type(pipeline).__name__ == facts.architecture
    assert {pipeline.unet.dtype, pipeline.vae.dtype, pipeline.text_encoder.dtype} == {torch.float32}
    count = sum(weight.numel() for part in PARTS for weight in getattr(pipeline, part).parameters())
    assert count == facts.parameters
    assert pipeline.safety_checker is None
    picture = pipeline("cat", num_inference_steps=2, generator=torch.Generator().manual_seed(0)).images[0]
    assert picture.size == (64, 64)


def test_the_card_says_what_was_measured(pipeline, measured):
    content = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert content == picture_card.text(pipeline, measured, card.remarks(FOLDER))
    remark = card.remarks(FOLDER)["trades"]
    assert remark in content and remark not in picture_card.text(pipeline, measured)
    assert measured["plan"] == json.loads(json.dumps(world.plan()))
    assert measured["training"]["recipe"] == json.loads(json.dumps(vars(RECIPES["stable-diffusion"])))


BAR = {
    "objects": 0.95,
    "people": 0.95,
    "held-out people": 0.85,
    "held-out backgrounds": 0.98,
    "shapes": 0.98,
    "held-out shapes": 0.95,
    "pairs": 0.90,
    "held-out pairs": 0.90,
    "sided pairs": 0.90,
    "held-out sided pairs": 0.90,
}


@pytest.mark.parametrize("name", BAR)
def test_the_bar(measured, name):
    scores = measured["sets"][name]["4"]
    assert scores["prompts"] >= 100 and scores["shuffled"] < 0.05
    assert scores["right"] >= BAR[name]


# One of these two sets is chosen at random, with the commit as the seed. Both are used if the last commit has
# changed the code that draws the pictures.
PLACES = ("course_utils/training", "course_utils/worlds", __file__)
DRAWN = by_commit.drawn("sets of prompts", ["people", "held-out pairs"], 1, *PLACES)


@pytest.mark.parametrize(
    "name", DRAWN + [pytest.param(name, marks=AGAIN) for name in BAR if name not in DRAWN]
)
def test_a_sample_is_drawn_right_again(pipeline, classifier, name):
    """Of eight prompts of each set, at least six are drawn right."""
    test = world.test_sets()[name][:8]
    pictures = picture_evaluation.draw(pipeline, [prompt for prompt, _ in test])
    shown = [(scene.parts, scene.background, scene.layout) for scene in classifier.scenes(pictures, name)]
    wanted = [(scene.parts, scene.background, scene.layout) for _, scene in test]
    assert sum(one == other for one, other in zip(shown, wanted, strict=True)) >= 6


def test_the_rest_of_the_bar(measured):
    psnr = measured["psnr"]
    assert psnr["people"] >= 27 and psnr["objects"] >= 26 and psnr["scenes"] >= 33
    assert measured["sets"]["held-out people"]["4"]["nearer"] >= 0.85
    fresh = measured["fresh"]["held-out pairs"]["4"]
    assert fresh["prompts"] == 100 and fresh["right"] >= BAR["held-out pairs"]


def test_what_guidance_does(measured):
    """With more guidance, pictures differ more from the drawings asked for, but as many of them are right."""
    for name in ("objects", "people"):
        far = [measured["sets"][name][guidance]["distance"] for guidance in ("1", "4", "7")]
        assert far[0] + 1 < far[1] < far[2] - 1
    rights = [measured["early"]["objects"][guidance]["right"] for guidance in ("1", "4", "7")]
    assert max(rights) - min(rights) < 0.1  # chance alone can make shares of 100 pictures differ this much


def test_attention_beats_another_picture_s_word_but_for_colour(measured):
    words = measured["attention"]["objects"]
    for word in ("noun", "background", "colour, one coarse layer"):
        assert words[word]["own"] > 0.8 and words[word]["low"] > 0
    # For colours, the card says that there is no clear difference.
    assert words["colour"]["low"] < 0 < words["colour"]["high"]


@AGAIN
def test_the_same_attention_is_measured_again(pipeline, classifier, measured):
    found = picture_evaluation.attention_scores(pipeline, classifier, 8)
    assert found.keys() == measured["attention"]["objects"].keys()
    for word, scores in found.items():
        assert scores["low"] <= scores["above"] <= scores["high"]
        assert abs(scores["above"] - (scores["own"] - scores["shuffled"])) < 1e-9
        assert abs(scores["own"] - measured["attention"]["objects"][word]["own"]) < 0.25


def test_pictures_come_back_from_their_latents(pipeline, classifier, measured):
    scenes = [scene for _, scene in world.test_sets()["objects"]]
    found = picture_evaluation.psnr(pipeline.vae, drawing.pictures(scenes, classifier.sprites))
    assert abs(found - measured["psnr"]["objects"]) < 0.1


def test_attention_is_where_the_thing_is(pipeline):
    with denoising.CrossAttention(pipeline.unet) as attention:
        picture_pipeline.sample(pipeline, ["cat on a blue background"])
    cat = attention.maps()[:, -1].mean(0).numpy()[1]  # token 0 is the start token
    border = numpy.ones((16, 16), bool)
    border[2:-2, 2:-2] = False
    assert cat[~border].mean() > cat[border].mean()
