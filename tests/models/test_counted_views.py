"""Tests that explorables which count in JavaScript get the same numbers as the course's Python."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from test_live import node

from course_utils import blueprint, licences, openness, units
from course_utils.opened import cache, fits, may_use

ROOT = Path(__file__).parents[2]
BITS = {32: "float32", 16: "bfloat16", 8: "int8", 4: "int4"}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Returns a folder with the explorables' modules and their data, as on the website."""
    live = tmp_path_factory.mktemp("site") / "live"
    live.mkdir()
    (live / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    shutil.copy(ROOT / "course_utils" / "widgets" / "view.js", live)
    for room in (cache, fits, may_use):
        name = room.__name__.rpartition(".")[2]
        shutil.copy(ROOT / "course_utils" / "opened" / f"{name}.js", live)
        (live / f"{name}.json").write_text(json.dumps(room.states()), encoding="utf-8")
    return live.parent


@pytest.fixture(scope="module")
def reference(site):
    """Returns the path of a file with the numbers that the course's Python counts."""
    shown = json.loads((site / "live" / "fits.json").read_text(encoding="utf-8"))["models"]
    counted = []
    for name in fits.blueprints.names():
        plan = blueprint(name)
        rows = []
        for bits, dtype in BITS.items():
            for context, batch in ((512, 1), (2048, 2), (8192, 1), (131_072, 64)):
                row = plan.memory(min(context, plan.context_length or context), batch)[dtype]
                rows.append([bits, context, batch, row["weights"], row["kv_cache"]])
        counted.append({"title": plan.title, "counted": rows})
    assert [each["title"] for each in counted] == [each["title"] for each in shown]
    caches = {}
    for name in cache.SHOWN:
        plan = blueprint(name)
        caches[plan.title] = [
            [tokens, count, plan.kv_cache_bytes(tokens) * count // plan.key_value_heads]
            for tokens in (1, 7, 2048, 8192, 131_072)
            for count in (1, plan.key_value_heads, plan.attention_heads)
        ]
    sizes = [999, 8192, 99_940, 999_499, 999_500, 16_777_216, 99_950_000, 4_026_531_840, 1_622_000_000_000]
    file = site / "reference.json"
    sizes = [[each, units.size(each)] for each in sizes]
    file.write_text(json.dumps({"fits": counted, "cache": caches, "sizes": sizes}), encoding="utf-8")
    return file


@pytest.mark.parametrize("name", ["cache", "fits", "may_use"])
def test_the_page_counts_as_python_does(name, site, reference):
    result = subprocess.run(
        [node(), "--test", str(ROOT / "tests" / "models" / "live" / f"{name}.test.mjs")],
        env=os.environ | {"SITE": str(site), "REFERENCE": str(reference)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout[-5000:] + result.stderr[-2000:]
    assert "# fail 0" in result.stdout and "# pass 0" not in result.stdout


@pytest.mark.parametrize("name", ["cache", "fits"])
def test_what_is_stored_for_the_website_is_what_is_counted(name, site):
    stored = (ROOT / "course_utils" / "opened" / f"{name}.json").read_text(encoding="utf-8")
    counted = (site / "live" / f"{name}.json").read_text(encoding="utf-8")
    assert json.loads(stored) == json.loads(counted), f"run: python website/stored_states.py {name}"


def test_the_matrix_holds_every_answer_with_its_clauses():
    shown = may_use.states()
    for row in shown["licences"]:
        for use, verdict in zip(shown["uses"], row["verdicts"], strict=True):
            said = licences.may(row["name"], use)
            assert (verdict["answer"], verdict["why"], verdict["word"]) == (said.answer, said.why, said.word)
            assert [clause["quote"] for clause in verdict["clauses"]] == [
                clause.quote for clause in said.clauses
            ]
    models = [title for row in shown["licences"] for title in row["models"]]
    every = openness.models() | openness.later()
    known = licences.all() | licences.later()
    assert sorted(models) == sorted(model.title for model in every.values() if model.licence in known)
    assert sum(row["later"] for row in shown["licences"]) == len(licences.later())
