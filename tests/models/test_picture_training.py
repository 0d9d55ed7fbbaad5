"""Tests the training of a Stable Diffusion: a kill changes nothing, and the classifier compares pixels."""

import dataclasses
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy
import psutil
import pytest
from lazy import Lazy
from waiting import within

from course_utils import CourseError, loading
from course_utils.__main__ import main
from course_utils.training.recipes import RECIPES
from course_utils.worlds.pictureworld import drawing, sprites, world

safetensors = Lazy("safetensors.torch")
torch = Lazy("torch")
picture_card = Lazy("course_utils.training.picture_card")
picture_evaluation = Lazy("course_utils.training.picture_evaluation")
picture_pipeline = Lazy("course_utils.training.picture_pipeline")
picture_trainer = Lazy("course_utils.training.picture_trainer")
trainer = Lazy("course_utils.training.trainer")

ROOT = Path(__file__).parents[2]
SMALL = dataclasses.replace(
    RECIPES["stable-diffusion"],
    autoencoder_steps=2,
    decoder_steps=2,
    denoiser_steps=3,
    places_steps=3,
    autoencoder_batch=4,
    denoiser_batch=4,
    denoiser_level=1,
    early=1,
)


def same(one, other):
    """Returns whether two checkpoints contain the same numbers, bit for bit."""
    one, other = safetensors.load_file(one), safetensors.load_file(other)
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Runs the small training in two processes, without a break. Returns the training's folder."""
    folder = tmp_path_factory.mktemp("trained") / "the whole"  # a space in the path once caused an error
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("course_utils.training.picture_card.write", lambda folder, training, few: None)
        trainer.run(SMALL, folder).write(folder / "model")
    return folder


@pytest.fixture(scope="module")
def classifier():
    return picture_evaluation.Classifier(sprites.load())


def at_the_third_stage(trained, folder):
    """Makes a folder whose training has finished the first two stages."""
    folder.mkdir()
    for name in ("autoencoder.safetensors", "decoder.safetensors", "latents.safetensors"):
        shutil.copy(trained / name, folder)
    return folder


def goes_on_to_the_same(folder, trained):
    """Continues a training that ended early. The final weights must equal those of `trained`."""
    assert trainer.run(SMALL, folder)
    for name in ("denoiser", "early", "places"):
        assert same(folder / f"{name}.safetensors", trained / f"{name}.safetensors")


@pytest.mark.everything(reason="trains several times; the trainer rarely changes")
def test_a_stop_changes_nothing(trained, tmp_path):
    """A training that stops in the third stage and leaves half a checkpoint ends as if it had not stopped."""
    folder = at_the_third_stage(trained, tmp_path / "stopped")
    assert not trainer.run(SMALL, folder, 0)  # `run` takes one step if its limit is 0 minutes
    (folder / "denoiser.safetensors.part").write_bytes(b"what a kill leaves of a checkpoint")
    goes_on_to_the_same(folder, trained)
    page = (folder / "loss.html").read_text(encoding="utf-8")
    assert page.count("<figure") == 4 and page.count("<img") == 5 and "places: 3 of 3 steps" in page


@pytest.mark.everything(reason="trains several times; the trainer rarely changes")
def test_a_kill_ends_both_processes_and_changes_nothing(trained, tmp_path):
    """A training that is killed between the saves of steps 1 and 2 still ends with the same weights."""
    folder, script = at_the_third_stage(trained, tmp_path / "killed"), tmp_path / "program.py"
    script.write_text(
        f"""
import time
from pathlib import Path
from course_utils.training import recipes, stages, trainer

folder, save = Path({str(folder)!r}), stages.Run.save
trainer.SECONDS_BETWEEN_CHECKPOINTS = 0

def save_one(run):
    if run.done == 2:
        (folder / "now").touch()
        time.sleep(7200)
    save(run)

stages.Run.save = save_one
if __name__ == "__main__":
    trainer.run(recipes.PictureRecipe(**{dataclasses.asdict(SMALL)!r}), folder)
""",
        encoding="utf-8",
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    first = subprocess.Popen([sys.executable, script], env=environment, stderr=subprocess.DEVNULL)
    assert within(1800, (folder / "now").exists)
    found = psutil.Process(first.pid).children()
    first.kill()
    first.wait()
    assert len(safetensors.load_file(folder / "denoiser.safetensors")["losses"]) == 1
    _, left = psutil.wait_procs(found, timeout=1200)
    assert found and not left
    goes_on_to_the_same(folder, trained)


@pytest.mark.everything(reason="trains all four stages; the trainer rarely changes")
def test_the_stages_make_a_pipeline(trained):
    pipeline = picture_pipeline.load(trained / "model")
    early = picture_pipeline.load(trained / "model", early=True)
    fresh = picture_pipeline.new_pipeline()
    for name in ("vae", "text_encoder", "unet"):
        weights = [
            torch.cat([weight.flatten() for weight in getattr(model, name).parameters()])
            for model in (pipeline, early, fresh)
        ]
        assert not torch.equal(weights[0], weights[2])
        assert torch.equal(weights[0], weights[1]) == (name == "vae")
    # The last stage changes the text encoder and the cross-attention, and nothing else.
    changed = safetensors.load_file(trained / "places.safetensors")
    before = safetensors.load_file(trained / "denoiser.safetensors")
    names = {key for key in changed if key.startswith("weight ")}
    assert names == {
        key for key in before if key.startswith("weight ") and (".attn2." in key or "CLIPTextModel." in key)
    }
    # A picture drawn in a batch equals the one that the pipeline draws from its prompt alone.
    pipeline.set_progress_bar_config(disable=True)
    noise = torch.Generator().manual_seed(5)
    theirs = pipeline(
        "cat", num_inference_steps=3, guidance_scale=4.0, generator=noise, output_type="np"
    ).images
    ours = picture_pipeline.sample(pipeline, ["cat", "a red circle"], 4.0, steps=3, seed=5)
    assert ours.shape == (2, 64, 64, 3)
    assert abs(theirs[0] * 255 - ours[0]).max() < 1


def test_latents_have_mean_zero_and_spread_one():
    """Folding mean and spread into the autoencoder changes the latents, but not the decoded pictures."""
    vae = picture_pipeline.new_pipeline().vae
    pictures = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    mean, spread = torch.tensor([1.0, -2.0, 0.5, 0.0]), torch.tensor([0.5, 2.0, 1.5, 1.0])
    with torch.no_grad():
        before = vae.encode(pictures).latent_dist
        back = vae.decode(before.mean).sample
        picture_trainer.whiten(vae, mean, spread)
        after = vae.encode(pictures).latent_dist
        again = vae.decode(after.mean).sample
    wanted = (before.mean - mean[:, None, None]) / spread[:, None, None]
    torch.testing.assert_close(after.mean, wanted, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(after.std, before.std / spread[:, None, None], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(again, back, atol=1e-4, rtol=1e-3)


def test_each_word_is_one_token():
    tokenizer = picture_pipeline.make_tokenizer()
    for caption in world.captions():
        words = re.findall(r"\w+|[^\w\s]", caption)
        assert tokenizer.tokenize(caption) == [f"{word}</w>" for word in words]
        assert len(words) + 2 <= picture_pipeline.LENGTH
    assert tokenizer.decode(tokenizer("unicyclists").input_ids, skip_special_tokens=True) == "unicyclists"


def test_the_classifier(classifier):
    """The classifier recognises PictureWorld's drawings, even with noise.

    A held-out person is far from each picture of the training. The mean of all pictures of doctors is far
    from the picture of one doctor.
    """
    chance = numpy.random.default_rng(0)
    for name, test in world.test_sets().items():
        scenes = [scene for _, scene in test[:20]]
        pictures = drawing.pictures(scenes, classifier.sprites)
        noisy = (pictures + chance.normal(0, 12, pictures.shape)).clip(0, 255).astype(numpy.uint8)
        shown = [(scene.parts, scene.background, scene.layout) for scene in classifier.scenes(noisy, name)]
        assert shown == [(scene.parts, scene.background, scene.layout) for scene in scenes], name
    held_out = world.test_sets()["held-out people"][0][1]
    (nearest, far) = classifier.nearest_training(drawing.pictures([held_out], classifier.sprites))[0]
    assert nearest in set(world.SCENES) and nearest.parts != held_out.parts and far > 3
    doctor = next(person for person in world.PEOPLE if person.name == "woman doctor with dark skin")
    picture = drawing.pictures([world.Scene((doctor,))], classifier.sprites)
    ((person, off),) = classifier.people(picture, "doctor")
    assert person == doctor and off < 1
    from_blend = (classifier.blend("doctor") - picture.reshape(1, -1)) ** 2
    assert classifier.planted_difference("doctor") > 0 and from_blend.mean() > 9


def test_the_card_counts_trades_and_not_their_pictures():
    always = {trade: {"gender": {majority: 4}} for trade, majority in world.MAJORITY.items()}
    measured = {"bare": {trade: {} for trade in always}, "planted apart": dict.fromkeys(always, 9.0)}
    for guidance in ("1", "4"):
        for trade, found in always.items():
            measured["bare"][trade][guidance] = found | {"apart": 2.0, "blurred": 3}
    trades = picture_card.bare_trades(measured)
    assert round(trades["planted"]["majority"], 2) == 0.80 and trades["planted"]["apart"] == 9
    assert trades["1"] == trades["4"] and trades["1"]["majority"] == trades["1"]["high"] == 1
    assert 0.8 < trades["1"]["low"] < 0.85  # the lower end of Wilson's interval for 20 of 20
    assert trades["1"]["apart"] == 2
    assert (trades["1"]["blurred"], trades["1"]["pictures"]) == (60, 80)


def test_wrong_calls(tmp_path, monkeypatch, capsys):
    with pytest.raises(CourseError, match="at least 3 steps a stage, not 2"):
        trainer.train("stable-diffusion", steps=2, folder=tmp_path / "two")
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "settings.json").write_text('{"seed": 7}', encoding="utf-8")
    assert main(["train", "stable-diffusion", "--folder", str(folder)]) == 1
    assert "holds a training with" in capsys.readouterr().err
    (folder / "settings.json").unlink()
    (folder / "autoencoder.safetensors").write_bytes(b"broken")
    with pytest.raises(CourseError, match="autoencoder.safetensors can't be read .* delete it"):
        monkeypatch.setattr(type(SMALL), "processes", 1)
        trainer.run(SMALL, folder)


def test_the_pipeline_of_the_catalogue_can_not_be_at_four_bits():
    with pytest.raises(CourseError, match="is not stored at 4 bits here"):
        loading.load("stable-diffusion", four_bit=True)
