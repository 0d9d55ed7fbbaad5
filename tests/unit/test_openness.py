"""Tests that the openness table is complete, has sources, and agrees with the licences and the models.

"The index" is the opening-up-chatgpt index, which marks how open models are. Some marks in the table differ.
"""

import re
from datetime import date
from types import SimpleNamespace

import pytest
from pages import Page

from course_utils import CourseError, blueprints, catalog, licences, opened, openness
from course_utils.openness import DIMENSIONS, MARKS, later, models, score

# The models of the course's fact sheet, and OLMo, which is first in the opening-up-chatgpt index.
NAMES = """
    llama-2 llama-3 llama-3.1 falcon-7b-40b falcon-180b mistral-7b mixtral-8x7b stable-diffusion-1.5
    stable-diffusion-xl stable-diffusion-3-medium whisper smollm2-135m olmo-7b
"""
LATER = """
    llama-4 deepseek-v3 deepseek-r1 qwen3 gpt-oss gemma-3 olmo-3 apertus smollm3 kimi-k2 mistral-small-3.1
    mistral-large-3 nemotron-3-nano deepseek-v4 qwen3.5 muse-glimmer flux.1-schnell flux.2-dev voxtral-mini
"""
ALL = models() | later()
# The scores in the opening-up-chatgpt index when it was frozen in March 2025.
PUBLISHED = {
    "llama-2": 3.0,
    "llama-3": 2.5,
    "llama-3.1": 4.0,
    "falcon-7b-40b": 4.5,
    "falcon-180b": 3.5,
    "mistral-7b": 5.5,
    "mixtral-8x7b": 4.0,
    "olmo-7b": 12.5,
}
# {model: dimensions in which our marks differ from those of the index}
CHANGED = {
    "llama-2": {"code"},
    "llama-3": {"code", "preprint"},
    "llama-3.1": {"tuning weights", "preprint"},
    "falcon-7b-40b": {"code", "tuning weights", "architecture", "preprint", "paper", "datasheet"},
    "falcon-180b": {"code", "architecture", "preprint", "paper", "datasheet"},
    "mistral-7b": {"weights", "API"},
    "mixtral-8x7b": {"code", "weights"},
    "olmo-7b": {"paper"},
}
WORTH = {"open": 1, "partial": 0.5}


def test_every_model_is_there():
    assert list(models()) == NAMES.split()
    assert list(later()) == LATER.split()
    assert len({model.title for model in ALL.values()}) == len(ALL)


def test_fourteen_dimensions_in_three_groups_each_with_a_question():
    assert {group: len(names) for group, names in openness.GROUPS.items()} == {
        "availability": 6,
        "documentation": 6,
        "access": 2,
    }
    assert {"code", "training data", "weights", "licence"} <= set(DIMENSIONS)
    assert all(question.endswith("?") for question in openness.QUESTIONS.values())


@pytest.mark.parametrize("model", ALL.values(), ids=ALL)
def test_each_mark_has_a_reason_and_a_source(model):
    assert tuple(model.marks) == DIMENSIONS
    for dimension, mark in model.marks.items():
        assert mark.mark in MARKS and mark.basis in catalog.BASES, dimension
        assert bool(mark.source) == (mark.basis != "unsourced"), dimension
        assert mark.note[-1] in '."' and len(mark.note) >= 5, dimension
        assert (mark.index is None) == (model.index_entry is None), dimension
    assert bool(model.released_source) == (model.released_basis != "unsourced")
    assert re.fullmatch(r"20\d\d-\d\d(-\d\d)?", model.released)


@pytest.mark.parametrize("model", ALL.values(), ids=ALL)
def test_the_licence_mark_is_the_licence_s(model):
    if not model.licence:  # the licence's text was not read
        assert "text" in model.marks["licence"].note and any("License" in line for line in model.not_read)
        return
    licence = licences.find(model.licence)
    assert (model.marks["licence"].mark == "open") == licence.osi_approved
    assert model.gated == (model.marks["weights"].mark == "partial")


def test_code_is_open_only_under_an_approved_licence_and_packages_are_the_makers_own():
    """Checks which of all models have open code, and which of those in `models()` have an open package."""
    assert {name for name, model in ALL.items() if model.marks["code"].mark == "open"} == {
        "smollm2-135m",
        "olmo-7b",
        "olmo-3",
        "apertus",
        "smollm3",
        "nemotron-3-nano",
    }
    assert {name for name, model in models().items() if model.marks["package"].mark == "open"} == {
        "llama-3.1",
        "whisper",
        "smollm2-135m",
        "olmo-7b",
    }


def test_dates_are_those_of_the_licences_that_came_with_the_models():
    for name in ("llama-2", "llama-3", "llama-3.1"):
        assert models()[name].released == licences.find(models()[name].licence).date
    assert date.fromisoformat(models()["llama-2"].released) == date(2023, 7, 18)


def test_hub_ids_are_those_of_the_catalogue():
    catalogued = {model.hub_id: model for model in catalog.models().values()}
    here = {hub_id: model for model in models().values() for hub_id in model.hub_ids}
    shared = catalogued.keys() & here.keys()
    assert {"HuggingFaceTB/SmolLM2-135M-Instruct", "meta-llama/Llama-3.1-8B-Instruct"} <= shared
    for hub_id in shared:
        assert catalogued[hub_id].gated == here[hub_id].gated, hub_id


def test_the_index_counted_again_gives_what_it_published():
    indexed = {name: model for name, model in models().items() if model.index_entry}
    assert {name: score(model, index=True) for name, model in indexed.items()} == PUBLISHED
    assert {name: model.index_score for name, model in indexed.items()} == PUBLISHED


def test_our_scores_differ_from_the_index_by_the_marks_that_we_changed():
    for name, changed in CHANGED.items():
        marks = models()[name].marks
        assert {dimension for dimension, mark in marks.items() if mark.index != mark.mark} == changed
        gained = sum(WORTH.get(marks[d].mark, 0) - WORTH.get(marks[d].index, 0) for d in changed)
        assert score(name) - score(name, index=True) == gained
        # If our mark is not the mark of the index, its source is not the index either.
        assert not any(marks[dimension].source.startswith("opening-up-chatgpt") for dimension in changed)


def test_a_mark_that_rests_on_reports_of_a_gate_says_of_when_they_are():
    for name in ("mistral-7b", "mixtral-8x7b"):
        weights = models()[name].marks["weights"]
        assert weights.mark == "partial"
        assert "April 2024" in weights.note and "the hub was not asked" in weights.note


def test_the_frozen_index_names_its_successor():
    index = catalog.read("openness.toml")["index"]
    assert index["frozen"] == "2025-03-11" and index["successor_url"] == "https://osai-index.eu"


def test_score_counts_half_for_partial_and_nothing_for_the_rest():
    marks = [SimpleNamespace(mark=mark, index="open") for mark in MARKS]
    model = SimpleNamespace(title="M", index_entry="m", marks=dict(enumerate(marks)))
    assert score(model) == 1.5
    assert score(model, index=True) == len(MARKS)


def test_code_that_the_marks_point_to_is_there():
    """If a mark's source is a file of a library, this machine has the file."""
    from importlib.util import find_spec
    from pathlib import Path

    sources = {mark.source for model in ALL.values() for mark in model.marks.values()}
    inside = [source for source in sources if source.startswith(("transformers/", "diffusers/"))]
    assert len(inside) >= 4
    for source in inside:
        package, _, rest = source.partition("/")
        assert (Path(find_spec(package).origin).parent / rest).exists(), source


def test_definition_and_statements():
    definition = openness.definition()
    assert (definition.version, definition.date) == ("1.0", "2024-10-28")
    assert list(definition.freedoms) == ["use", "study", "modify", "share"]
    assert list(definition.elements) == ["data information", "code", "parameters"]
    assert "OLMo" in definition.passed and "Llama 2" in definition.failed
    for statement in openness.statements():
        assert statement.model in models() and statement.basis in catalog.BASES
        assert statement.where and statement.says and statement.source


def test_unknown_names_get_one_sentence():
    with pytest.raises(CourseError, match="no model 'gpt-4' in the openness table: it has llama-2,"):
        openness.find("gpt-4")
    with pytest.raises(CourseError, match="no entry for Whisper"):
        score("whisper", index=True)


@pytest.mark.parametrize("model", later().values(), ids=later())
def test_a_later_model_says_when_it_was_read_and_what_was_not(model):
    assert date.fromisoformat(model.read) <= date.today() and model.maker
    assert model.index_entry is None and openness.find(model.name) is model
    assert set(model.blueprints) <= set(blueprints.later())
    # If none of a mark's sources could be read, the mark is "unknown" and its note says why. `not_read` says
    # what could not be read.
    unknown = [mark for mark in model.marks.values() if mark.mark == "unknown"]
    assert all(mark.basis == "unsourced" or "not" in mark.note for mark in unknown)
    assert all(sentence.endswith(".") for sentence in model.not_read)
    assert model.not_read or len(unknown) < 2
    assert not any(mark.basis == "read at the source" for mark in model.marks.values())


def test_every_later_blueprint_belongs_to_a_later_model():
    counted = [name for model in later().values() for name in model.blueprints]
    assert set(counted) == set(blueprints.later())


def test_a_source_leads_to_its_page():
    index = openness.find("olmo-7b").marks["training data"].source
    assert openness.address(index).endswith("/projects/olmo-7b-instruct.yaml")
    assert openness.address("https://a.org/1; https://b.org/2") == "https://a.org/1"
    assert openness.address("transformers/models/llama/modeling_llama.py").startswith(
        "https://github.com/hugg"
    )
    assert openness.address("osai-index, GPT-OSS.yaml").endswith(
        "/5a388e871b88735e7ab7e6fb230b76c9d460d99a/GPT-OSS.yaml"
    )
    assert openness.address("") == ""
    for model in ALL.values():
        for mark in model.marks.values():
            assert bool(openness.address(mark.source)) == bool(mark.source), mark.source


def test_each_mark_of_the_wall_leads_to_its_source_and_says_its_reason():
    picture = opened.openness_wall(models().values())
    page = Page(picture.html)
    page.assert_survives_the_sanitiser()
    sourced = [mark for model in models().values() for mark in model.marks.values() if mark.source]
    assert picture.html.count("<a href=") == len(sourced) > 150
    assert 'title="open: Dolma: all of it, described."' in picture.html
    assert "OLMo 7B. open: code, training data, weights" in picture.alt
    assert all(question in page.text for question in DIMENSIONS)


def test_a_release_has_its_four_parts_with_mark_and_reason():
    picture = opened.release(models()["whisper"])
    Page(picture.html).assert_survives_the_sanitiser()
    assert picture.alt.splitlines()[0] == "What came out with Whisper:"
    assert "weights, the numbers that result: open. " in picture.alt
    assert [line.partition(",")[0] for line in picture.alt.splitlines()[1:]] == [
        "training data",
        "code",
        "weights",
        "licence",
    ]
