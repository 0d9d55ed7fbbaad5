"""Tests the stored data of patching, watermark and adapter against the models and the lessons' own code."""

import base64
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import by_commit
import numpy
import pytest
from test_live import node

ROOT = Path(__file__).parents[2]
OPENED = ROOT / "course_utils" / "opened"
LIVE = ROOT / "tests" / "models" / "live"
# The files on which the stored data depend.
PLACES = ("course_utils/opened", "course_utils/worlds", "course_utils/training", "website", __file__)


@pytest.fixture(scope="module")
def stored_states():
    """Returns the module website/stored_states.py, which computes the stored data."""
    sys.path.insert(0, str(ROOT / "website"))
    try:
        import stored_states
    finally:
        sys.path.pop(0)
    return stored_states


def stored(name):
    return json.loads((OPENED / f"{name}.json").read_text(encoding="utf-8"))


def test_a_stored_pair_is_what_the_model_computes(stored_states):
    data, now = stored("patching"), stored_states.patching(["France", "Italy"])
    assert len(data["pairs"]) == len(data["answers"]) * (len(data["answers"]) - 1) == 210
    for pair, values in now["pairs"].items():
        was, computed = (
            numpy.frombuffer(base64.b64decode(text), "<i2").astype(int)
            for text in (data["pairs"][pair], values)
        )
        assert abs(was - computed).max() <= 2, pair  # both are in hundredths of a logit
    assert {country: data["answers"][country] for country in now["answers"]} == now["answers"]
    foot = tomllib.loads((ROOT / "website" / "explorables.toml").read_text(encoding="utf-8"))["patching"][
        "foot"
    ]
    assert f"in {data['others']} of them a third word is the likeliest" in foot
    for name in ("layers", "first"):
        assert data[name] == now[name]


def test_the_stored_shades_of_a_list_are_the_model_s(stored_states):
    import course_utils as course

    data = stored("patching")
    model, tokenizer = course.load("llama", size="small")
    prompts = [data["sentence"].format(country) for country in data["answers"]]
    ids = [tokenizer(prompt, return_tensors="pt")["input_ids"][0] for prompt in prompts]
    now = dict(zip(data["answers"], stored_states.shades(model, ids, data["first"]), strict=True))
    assert now.keys() == data["lists"].keys()
    for country, digits in now.items():
        assert len(digits) == data["layers"] * 2 * stored_states.CELLS
        assert all(abs(int(a) - int(b)) <= 1 for a, b in zip(digits, data["lists"][country], strict=True))


def test_the_page_lists_the_tokens_that_transformers_lists(tmp_path):
    import scipy.stats
    import torch

    data = stored("watermark")
    size, lists = len(data["vocabulary"]), []
    for before in (0, 1, 3, *range(5, size, 97), size - 1):
        generator = torch.Generator().manual_seed(data["key"] * before)
        lists.append([before, sorted(torch.randperm(size, generator=generator)[: size // 4].tolist())])
    tails = [
        [hits, count, scipy.stats.binom.sf(hits - 1, count, 0.25)]
        for hits, count in ((0, 5), (8, 9), (17, 59), (75, 199), (110, 199))
    ]
    path = tmp_path / "watermark.json"
    path.write_text(json.dumps({"key": data["key"], "size": size, "lists": lists, "tails": tails}))
    (tmp_path / "live").mkdir()
    (tmp_path / "live" / "package.json").write_text('{"type": "module"}')
    names = ("watermark", "patching", "adapter")
    for view in [OPENED / f"{name}.js" for name in names] + [ROOT / "course_utils" / "widgets" / "view.js"]:
        shutil.copy(view, tmp_path / "live")
    result = subprocess.run(
        [node(), "--test", *(str(LIVE / f"{name}.test.mjs") for name in names)],
        env=os.environ | {"SITE": str(tmp_path), "WATERMARK": str(path)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout[-5000:] + result.stderr[-2000:]


def test_the_stored_texts_are_the_lesson_s(stored_states):
    """The stored texts are made from the first 200 tokens that lesson 12's model writes with each bonus.

    For bonus 2, the lesson prints the z-score of these tokens. The test tries one of the three bonuses. It
    tries all three if the last commit has changed a file in `PLACES`.
    """
    data = stored("watermark")
    bonuses = list(dict.fromkeys(text["bonus"] for text in data["texts"]))
    assert bonuses == [0, 2, 4]
    bonuses = by_commit.drawn("bonuses", bonuses, 1, *PLACES)
    texts = [text for text in data["texts"] if text["bonus"] in bonuses]
    assert len(texts) == 4 * len(bonuses)
    assert stored_states.watermark(bonuses) == data | {"texts": texts}


@pytest.mark.parametrize("strength", by_commit.drawn("strengths", [0, 1], 1, *PLACES))
def test_the_adapter_s_stored_answers_are_the_model_s(stored_states, strength):
    data, now = stored("adapter"), stored_states.adapter([strength], questions=3)
    index = data["strengths"].index(strength)
    for prompt in now["prompts"]:
        was = next(other for other in data["prompts"] if other["text"] == prompt["text"])
        assert [text for text, _ in was["answers"][index]] == [text for text, _ in prompt["answers"][0]]
        assert was["right"][index] == prompt["right"][0]
