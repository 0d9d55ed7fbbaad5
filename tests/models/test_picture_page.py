"""Tests the Stable Diffusion that draws in a web page, and the drawings that the page stores."""

import base64
import io
import json
import sys
from pathlib import Path

import numpy
import pytest
from PIL import Image
from test_live import run_tests_of_node

ROOT = Path(__file__).parents[2]
DRAWINGS = ROOT / "course_utils" / "opened" / "denoising.json"
PLANS = (
    {"prompt": "fox on a blue background", "seed": 6, "guidance": 4, "steps": 4},
    {"prompt": "woman astronaut with dark skin", "seed": 3, "guidance": 7, "steps": 3},
    {"prompt": "nurse", "seed": 1, "guidance": 1, "steps": 2},
)
PROMPTS = ["nurse", "Café, naïve 12 dogs' it's  WE'VE don't!!! \n ok", "日本 🦊 fox", "", "t-rex", "a<b>c"]
PROMPTS += ["fox " * 30, "left: a red star, right: a blue ring"]


@pytest.fixture(scope="module")
def website():
    sys.path.insert(0, str(ROOT / "website"))
    import explorables
    import stored_states

    sys.path.pop(0)
    return explorables, stored_states


@pytest.fixture(scope="module")
def pipeline():
    import course_utils as course

    pipeline = course.load("stable-diffusion", "tiny")
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.fixture(scope="module")
def site(website, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    try:
        website[0].write(folder, ["denoising"])
    except OSError as error:
        pytest.skip(f"Needs onnxruntime-web from npm: {error}")
    return folder / "explorables"


@pytest.fixture(scope="module")
def reference(pipeline, tmp_path_factory):
    """Returns the path of a file with the results of torch and diffusers."""
    import torch
    from diffusers import DDIMScheduler

    from course_utils.worlds.pictureworld import world

    def noise(seed):
        return torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(seed))

    found = {"noise": [{"seed": seed, "noise": noise(seed).flatten().tolist()} for seed in (0, 6, 99)]}
    found["schedules"] = []
    scheduler = DDIMScheduler.from_config(pipeline.scheduler.config)
    for steps in (1, 7, 10, 16, 20):
        scheduler.set_timesteps(steps)
        generator = torch.Generator().manual_seed(steps)
        predictions = torch.randn(steps, 16, generator=generator)
        states = [torch.randn(16, generator=generator)]
        for time, prediction in zip(scheduler.timesteps, predictions, strict=True):
            states.append(scheduler.step(prediction, time, states[-1]).prev_sample)
        shares = (1 - scheduler.alphas_cumprod[scheduler.timesteps]).tolist()
        found["schedules"].append(
            {
                "steps": steps,
                "times": scheduler.timesteps.tolist(),
                "shares": [*shares, 0],
                "states": torch.stack(states).tolist(),
                "predictions": predictions.tolist(),
            }
        )
    tokenizer = pipeline.tokenizer
    padded = {"padding": "max_length", "truncation": True}
    found["prompts"] = [
        {"prompt": text, "ids": tokenizer(text, **padded).input_ids, "pieces": tokenizer.tokenize(text)}
        for text in [*world.captions()[::37], *PROMPTS]
    ]
    found["drawings"] = [{"plan": plan} | _drawn(pipeline, noise(plan["seed"]), **plan) for plan in PLANS]
    path = tmp_path_factory.mktemp("reference") / "reference.json"
    path.write_text(json.dumps(found), encoding="utf-8")
    return path


def _drawn(pipeline, start, prompt, seed, guidance, steps):
    """Return each state of the pipeline's drawing, its picture, and the attention maps of each step."""
    import torch

    import course_utils as course

    states = [start]

    def keep(pipe, step, time, tensors):
        states.append(tensors["latents"])
        return tensors

    settings = {"num_inference_steps": steps, "guidance_scale": guidance, "callback_on_step_end": keep}
    with torch.no_grad(), course.CrossAttention(pipeline.unet) as seen:
        pipeline(prompt, latents=start, **settings)
        pictures = (pipeline.vae.decode(torch.cat(states)).sample / 2 + 0.5).clamp(0, 1)
    tokens = len(pipeline.tokenizer.tokenize(prompt))
    return {
        "latents": [state.flatten().tolist() for state in states],
        "maps": seen.maps()[:, -1, 1 : 1 + tokens].flatten(1).tolist(),
        "pictures": (255 * pictures).round().permute(0, 2, 3, 1).flatten(1).tolist(),
    }


def test_the_page_draws_what_the_pipeline_draws(site, reference):
    run_tests_of_node("denoising", site, reference)


def test_the_stored_drawings_are_those_of_the_pipeline(website, pipeline):
    store = website[1]
    data = json.loads(DRAWINGS.read_text(encoding="utf-8"))
    for index in (0, 1):
        drawing = data["drawings"][index]
        assert drawing["prompt"] == store.PROMPTS[index]
        pixels, maps, noise = store.drawn(pipeline, drawing["prompt"], **store.DRAWING)
        assert drawing["noise"] == pytest.approx(noise, abs=1e-4)
        film = Image.open(io.BytesIO(base64.b64decode(drawing["film"].partition(",")[2])))
        stored = numpy.asarray(film.convert("RGB")).reshape(64, len(pixels), 64, 3).transpose(1, 0, 2, 3)
        assert ((stored - pixels.astype(float)) ** 2).mean() ** 0.5 < 12, "packed with some loss"
        stored = numpy.frombuffer(base64.b64decode(drawing["maps"]), numpy.uint8).reshape(maps.shape) / 255
        assert numpy.abs(stored * numpy.array(drawing["peaks"])[..., None, None] - maps).max() < 2e-3


def test_the_stored_words_are_those_of_the_captions(website):
    from course_utils.opened.denoising import known_words

    data = json.loads(DRAWINGS.read_text(encoding="utf-8"))
    known = json.loads(json.dumps(known_words()))
    assert {key: data[key] for key in known} == known
    words = {word for kind in known["kinds"] for name in kind["words"] for word in name.split()}
    assert {word for word in words if "-" not in word} <= set(known["words"])
