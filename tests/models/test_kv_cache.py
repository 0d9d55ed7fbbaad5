"""Tests the pictures and the explorer of the key-value cache: the blocks, the counts and the speed."""

import base64
import io
import itertools
import re
from html import escape

import numpy
import pytest
from PIL import Image

from course_utils import CourseError, blueprint, opened
from course_utils.opened.cache import CacheGrowth, KeyValueCache, cache_blocks

PIECES = ["<s>", "The", "nurse", "liked", "her", "work", "."]
KINDS = {"multi-head": 4, "grouped-query": 2, "multi-query": 1}
DARK, PALE = (0, 114, 178), (213, 217, 222)


@pytest.fixture(scope="module")
def plans():
    return [blueprint(name) for name in ("falcon-7b", "falcon-40b", "falcon-180b", "llama-2-7b")]


@pytest.fixture
def explorer(plans):
    return KeyValueCache(plans)


def blocks(html):
    """Returns the picture of a whole model as an array of colours: (height, width, 3)."""
    data = re.search(r'src="data:image/png;base64,([^"]+)"', html)[1]
    return numpy.array(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))


@pytest.mark.parametrize("kept", [1, 5, 7])
def test_growth_draws_one_block_for_each_kept_key_and_value(kept):
    picture = opened.cache_growth(PIECES, kept, 4, KINDS)
    tables = picture.html.split("<table")[1:]
    for table, count in zip(tables, KINDS.values(), strict=True):
        solid, striped = table.count("background:#0072B2"), table.count("repeating-linear-gradient")
        assert (solid, striped) == (count * (kept - 1), count)  # the newest token's blocks are striped
        assert table.count(">↑<") == (4 - count) * kept
        assert [piece in table for piece in ("nurse", ">.<")] == [kept >= 3, kept == 7]
    said = ", ".join(f"{name} {count * kept}" for name, count in KINDS.items())
    assert picture.alt == (
        f"One layer of 4 query heads after {kept} of 7 tokens. Blocks of key and value kept: {said}. "
        f"The newest token is {PIECES[kept - 1]}"
    )


def test_growth_refuses_what_it_cannot_draw():
    with pytest.raises(ValueError, match="4 query heads can't share evenly in odd"):
        opened.cache_growth(PIECES, 3, 4, {"odd": 3})


def test_the_cache_grows_with_the_slider_token_by_token():
    explorer = CacheGrowth(PIECES[:6], 4, KINDS, kept=5)
    assert (explorer.kept.min, explorer.kept.value, explorer.kept.max) == (1, 5, 6)
    for kept in range(1, 7):
        explorer.kept.value = kept
        drawn = opened.cache_growth(PIECES[:6], kept, 4, KINDS, title="One layer's cache")
        assert explorer.picture.value == drawn.html and escape(drawn.alt) in explorer.status.value
        assert explorer._repr_mimebundle_()["text/html"].startswith(drawn.html)
    with pytest.raises(CourseError, match="no number of tokens 7: choose one from 1 to 6"):
        CacheGrowth(PIECES[:6], 4, KINDS, kept=7)


@pytest.mark.parametrize(
    ("layers", "heads", "count"),
    [(4, 4, 1), (32, 71, 1), (32, 71, 71), (60, 128, 8), (80, 232, 8), (126, 128, 8)],
)
def test_blocks_are_dark_where_a_head_keeps_its_own(layers, heads, count):
    picture = blocks(cache_blocks(layers, heads, count))
    wide, high = picture.shape[1] // heads, picture.shape[0] // layers
    assert picture.shape[:2] == (layers * high, heads * wide)
    corners = picture[::high, ::wide]  # the top left pixel of each block
    dark = (corners == DARK).all(-1)
    assert ((corners == PALE).all(-1) ^ dark).all()
    assert (dark == dark[0]).all()
    assert dark[0].sum() == count and dark[0, 0]
    assert {end - start for start, end in itertools.pairwise(numpy.flatnonzero(dark[0]))} <= {heads // count}


def test_the_explorer_counts_what_the_blueprints_count(explorer, plans):
    for plan in plans:
        explorer.model.value = plan.title
        assert explorer.shared.value == plan.key_value_heads
        for tokens in (1, 2048, 131_072):
            explorer.tokens.value = tokens
            texts = 16 * 10**9 // plan.kv_cache_bytes(tokens)
            assert f" hold {f'{texts:,}' if texts else 'not one'} such text" in explorer.render().alt
        explorer.tokens.value = 2048


def test_the_explorer_changes_the_sharing(explorer):
    assert explorer.render().alt == (
        "Falcon 7B: 32 layers, 71 query heads on 1 key-value head (multi-query, as published). "
        "2,048 tokens: 16.8 MB, with a pair for each head 1.2 GB. 16 GB hold 953 such texts at once."
    )
    explorer.shared.value = 71
    assert (
        "71 key-value heads (multi-head). 2,048 tokens: 1.2 GB. 16 GB hold 13 such" in explorer.render().alt
    )
    explorer.model.value = "Falcon 40B"
    assert "on 8 key-value heads (grouped-query, as published)" in explorer.render().alt
    assert [count for _, count in explorer.shared.options] == [1, 2, 4, 8, 16, 32, 64, 128]
    explorer.shared.value = 128
    assert "(multi-head). " in explorer.render().alt


def test_the_explorer_says_what_does_not_fit_and_what_no_model_reads(explorer):
    explorer.shared.value, explorer.tokens.value = 71, 131_072
    alt = explorer.render().alt
    assert "16 GB hold not one such text at once." in alt
    assert "The model was made for at most 2,048 tokens." in alt
    assert "»" in explorer.render().html


def test_one_bundle_is_live_and_still(explorer):
    bundle = explorer._repr_mimebundle_()
    assert bundle["text/html"].startswith(explorer.still().html)
    for tag in ("<script", "<style", "<svg", "role="):
        assert tag not in bundle["text/html"]
    assert all(control.description for control in explorer.controls)


def test_the_explorer_refuses_a_start_that_it_lacks(plans):
    with pytest.raises(CourseError, match="no number of tokens 2000: choose one of 1, 2, 4"):
        KeyValueCache(plans, tokens=2000)
    with pytest.raises(CourseError, match="no model 'Falcon': choose one of Falcon 7B"):
        KeyValueCache(plans, model="Falcon")
    with pytest.raises(CourseError, match="Stable Diffusion 1.5 keeps no keys and values"):
        KeyValueCache([*plans, blueprint("stable-diffusion-1.5")])
