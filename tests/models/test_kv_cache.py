"""Tests the explorers Fits, KeyValueCache and MayUse: their first states, and the arguments they refuse."""

import re

import pytest

from course_utils import CourseError, blueprint, blueprints, licences, openness
from course_utils.opened.cache import KeyValueCache
from course_utils.opened.fits import Fits
from course_utils.opened.may_use import MayUse


@pytest.fixture(scope="module")
def plans():
    return [blueprint(name) for name in ("falcon-7b", "falcon-40b", "falcon-180b", "llama-2-7b")]


def test_the_cache_of_a_model_is_that_of_its_blueprint(plans):
    assert KeyValueCache(plans).alt == (
        "Falcon 7B: 71 query heads on 1 key-value head. 2,048 tokens: 16.78 MB, with a pair for each head "
        "1.19 GB. 16 GB hold 953 such texts at once, with a pair for each head 13."
    )
    for plan in plans:
        explorer = KeyValueCache(plans, model=plan.title, tokens=131_072, memory=640)
        assert f" hold {640 * 10**9 // plan.kv_cache_bytes(131_072):,} such texts" in explorer.alt
        assert (explorer.widget.plan, explorer.widget.data["memory"]) == (plan.title, 640)


def test_the_cache_refuses_a_start_that_it_lacks(plans):
    with pytest.raises(CourseError, match="no number of tokens 2000: choose one of 1, 2, 4"):
        KeyValueCache(plans, tokens=2000)
    with pytest.raises(CourseError, match="no model 'Falcon': choose one of Falcon 7B"):
        KeyValueCache(plans, model="Falcon")
    with pytest.raises(CourseError, match="Stable Diffusion 1.5 keeps no keys and values"):
        KeyValueCache([*plans, blueprint("stable-diffusion-1.5")])


def test_fits_counts_what_the_blueprints_count():
    explorer = Fits(memory=16, bits=4, context=131_072, batch=2)
    assert (explorer.widget.bits, explorer.widget.context) == (4, 131_072)
    plans = [blueprint(name) for name in blueprints.names()]
    fitting = 0
    for plan in plans:
        read = min(131_072, plan.context_length or 131_072)
        fits = plan.fits(16 * 10**9, read, 2)["int4"]
        fitting += fits
        said = re.search(rf"{re.escape(plan.title)}: [\d,.]+ [GM]B, (fits|does not fit)", explorer.alt)[1]
        assert said == ("fits" if fits else "does not fit")
    assert explorer.alt.startswith(f"{fitting} of {len(plans)} models fit in 16 GB")


def test_fits_refuses_a_start_that_it_lacks():
    with pytest.raises(CourseError, match="no bits per weight 5: choose one of 16, 8, 4"):
        Fits(bits=5)
    with pytest.raises(CourseError, match="no memory 0: choose one from 1 to 1024"):
        Fits(memory=0)


def test_may_use_has_every_use_for_every_licence():
    explorer = MayUse(openness.models(), licences.all())
    assert explorer.widget.licence in licences.all()
    first, *lines = explorer.alt.splitlines()
    assert len(lines) == len(licences.all())
    for line, licence in zip(lines, licences.all().values(), strict=True):
        assert line.startswith(f"{licence.short}. ")
        assert all(f"{use}: {licence.uses[use].answer}" in line for use in licences.USES)
