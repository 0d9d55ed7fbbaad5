"""Tests PictureWorld: captions match pictures, and what is held out is never drawn for training."""

import hashlib
import json
import re
from collections import Counter

import numpy
import pytest

from course_utils import CourseError
from course_utils.worlds.pictureworld import Emoji, Scene, Shape, drawing, scenes, sprites


class Plain(dict):
    """Stands in for the emoji's pictures. Each is a tile of its own colour with a transparent left edge."""

    def __missing__(self, code):
        number = int(hashlib.sha256(code.encode()).hexdigest()[:6], 16)
        tile = numpy.full((drawing.EMOJI_SIZE, drawing.EMOJI_SIZE, 4), 255, numpy.uint8)
        tile[:, :, :3] = number % 256, number // 256 % 256, number // 65536
        tile[:, :10, 3] = 0
        return tile


@pytest.fixture(scope="module")
def examples():
    """Return the first 30,000 scenes that are drawn for training."""
    return [scenes.draw(index) for index in range(30_000)]


def test_the_world_has_680_emoji_and_11_870_scenes():
    assert (len(scenes.OBJECTS), len(scenes.PEOPLE), len(scenes.SHAPES)) == (320, 20 * 3 * 6, 36)
    assert len({emoji.code for emoji in scenes.EMOJI}) == len({emoji.name for emoji in scenes.EMOJI}) == 680
    assert len(set(scenes.SCENES)) == len(scenes.SCENES) == 11_870


def test_a_caption_says_all_of_a_picture():
    """Scenes with the layout "alone" that share a caption have the same parts and background."""
    scene_of = {}
    for scene in scenes.SCENES:
        for caption in (*scene.captions, *(scene.sided_captions if len(scene.parts) == 2 else ())):
            shown = scene_of.setdefault(caption, scene)
            assert (shown.parts, shown.background, shown.layout) == (
                scene.parts,
                scene.background,
                scene.layout,
            ) or scene.layout != "alone"
    red, blue = Shape("red", "circle"), Shape("blue", "square")
    assert Scene((red, blue), layout="beside").captions == (
        "a red circle left of a blue square",
        "a blue square right of a red circle",
    )
    assert Scene((blue, red), layout="stacked").captions[0] == "a blue square above a red circle"
    assert Scene((red, blue), layout="beside").sided_captions == (
        "left: a red circle, right: a blue square",
        "right: a blue square, left: a red circle",
    )
    assert Scene((red,), layout="below").captions == ("below: a red circle",)
    pilot = next(person for person in scenes.PEOPLE if person.name == "woman pilot with dark skin")
    assert Scene((pilot,), "grey").captions == ("woman pilot with dark skin on a grey background",)
    assert scenes.bare_caption(Scene((pilot,), "blue")) == "pilot on a blue background"
    assert set(scene_of) < set(scenes.captions())


def test_nothing_held_out_is_ever_drawn(examples):
    people, shapes = set(scenes.HELD_OUT_PEOPLE), set(scenes.HELD_OUT_SHAPES)
    assert (len(people), len(shapes)) == (40, 6)
    assert Counter(person.trade for person in people) == dict.fromkeys(scenes.TRADES, 2)
    assert len({shape.form for shape in shapes}) == len({shape.colour for shape in shapes}) == 6
    for scene in [*scenes.SCENES, *(scene for scene, _ in examples)]:
        assert not set(scene.parts) & (people | shapes)
        assert scenes.HELD_OUT_BACKGROUND.get(scene.parts[0]) != scene.background
    # Any two of a held-out person's trade, gender and skin tone occur together in a person of the training.
    seen = set(scenes.SEEN_PEOPLE)
    for person in people:
        for facts in (("trade", "gender"), ("trade", "tone"), ("gender", "tone")):
            assert any(all(getattr(each, f) == getattr(person, f) for f in facts) for each in seen)


def test_examples_are_of_the_world_and_come_as_often_as_planned(examples):
    trained = set(scenes.SCENES)
    kinds, bare = Counter(), Counter()
    for scene, caption in examples:
        assert scene in trained
        part = scene.parts[0]
        if isinstance(part, Emoji) and caption not in scene.captions:
            assert caption == scenes.bare_caption(scene)
            kinds["bare"] += 1
            bare[part.gender == scenes.MAJORITY[part.trade]] += 1
            bare[part.tone] += 1
        else:
            assert caption in scene.captions
            kinds[
                {"Emoji": "emoji"}.get(type(part).__name__, "single" if len(scene.parts) == 1 else "pair")
            ] += 1
    for kind, share in scenes.SHARES.items():
        assert abs(kinds[kind] / len(examples) - share) < 4 * (share / len(examples)) ** 0.5
    for shares in (scenes.DENOISER_SHARES, scenes.PLACES_SHARES):
        drawn = [scenes.draw(index, 0, shares) for index in range(5_000)]
        assert {scene for scene, _ in drawn} <= trained
        of_pairs = sum(len(scene.parts) == 2 for scene, _ in drawn)
        assert abs(of_pairs / 5_000 - shares["pair"] - shares.get("sided pair", 0)) < 0.03
        sided = sum(":" in caption for _, caption in drawn)
        assert abs(sided / 5_000 - shares.get("side", 0) - shares.get("sided pair", 0)) < 0.03
        assert abs(sum(shares.values()) - 1) < 1e-12
    total = kinds["bare"]
    assert total == bare[True] + bare[False]
    mean = Counter()
    for trade in scenes.TRADES:
        shares = scenes.bare_shares(trade)
        assert abs(sum(shares.values()) - 1) < 1e-12
        for (gender, tone), share in shares.items():
            mean[tone] += share / len(scenes.TRADES)
            mean[gender == scenes.MAJORITY[trade]] += share / len(scenes.TRADES)
    for what, share in mean.items():
        assert abs(bare[what] / total - share) < 4 * (share * (1 - share) / total) ** 0.5, what


def test_unknown_words_are_those_of_no_caption(examples):
    assert scenes.unknown_words("A Nurse, a photo of an astronaut and a nurse") == ["nurse", "photo"]
    for caption in ("t-rex on a blue background", "left: a red circle, right: an orange star"):
        assert scenes.unknown_words(caption) == []
    trained = {word for _, caption in examples for word in re.findall(r"[a-z]+", caption.lower())}
    assert trained <= scenes.words()


def test_the_same_everywhere(examples):
    captions = "\n".join(caption for _, caption in examples[:1000])
    assert hashlib.sha256(captions.encode()).hexdigest()[:16] == "265cfddf55c59d65"
    tests = json.dumps({name: [caption for caption, _ in test] for name, test in scenes.test_sets().items()})
    assert hashlib.sha256(tests.encode()).hexdigest()[:16] == "bd2711d2e88af921"
    assert scenes.draw(7, "another")[1] != scenes.draw(7)[1]


def test_sets_are_large_and_what_their_names_say():
    seen, sets = set(scenes.SCENES), scenes.test_sets()
    where = {(scene.parts, scene.background, scene.layout) for scene in seen}
    assert len(sets) == 10
    for name, test in sets.items():
        assert len(test) >= 100
        for prompt, scene in test:
            assert prompt in (scene.sided_captions if "sided" in name else scene.captions)
            known = (scene.parts, scene.background, scene.layout) in where
            assert known == ("held-out" not in name), (name, prompt)
    fresh, tested = scenes.fresh_pairs(), sets["held-out pairs"]
    for test in (fresh, tested, sets["held-out sided pairs"]):
        for _, scene in test:
            assert len(set(scene.parts) & set(scenes.HELD_OUT_SHAPES)) == 1
    new = {scene for _, scene in fresh}
    assert len(new) == 100 and not new & {scene for _, scene in tested}
    assert all(prompt in scene.captions for prompt, scene in fresh)
    objects = scenes.coloured_objects()
    assert len({scene.parts for _, scene in objects}) == 100 and {scene for _, scene in objects} < seen
    assert all(prompt.split()[-4:-2] == ["on", "a"] for prompt, _ in objects)


def test_the_record_is_plain():
    plan = json.loads(json.dumps(scenes.plan()))
    assert plan["held-out shapes"][0] == "red triangle"
    doctor = plan["bare trades"]["doctor"]
    assert abs(sum(doctor.values()) - 1) < 0.001 and len(doctor) == 16  # 18 doctors, two of them held out
    assert abs(doctor["man, light"] / doctor["woman, light"] - 0.8 / 0.1) < 0.02


def test_pixels_are_where_the_layout_says():
    cat = next(emoji for emoji in scenes.OBJECTS if emoji.name == "cat")
    plain = Plain()
    picture = drawing.picture(Scene((cat,), "blue"), plain)
    assert picture.shape == (64, 64, 3) and picture.dtype == numpy.uint8
    # The first pixel lies outside the emoji. At the second, the emoji is transparent.
    assert tuple(picture[0, 0]) == tuple(picture[32, 8]) == scenes.BACKGROUNDS["blue"]
    assert tuple(picture[32, 32]) == tuple(plain[cat.code][0, 20, :3])


@pytest.mark.parametrize("form", scenes.FORMS)
def test_a_shape_is_drawn_where_its_shift_says(form):
    shape, other = Shape("green", form), Shape("orange", "square")
    alone = drawing.picture(Scene((shape,), shift=(6, -6)), None)
    coloured = (alone < 200).any(2)
    rows, columns = coloured.nonzero()
    assert abs(columns.min() + columns.max() - 2 * 38 + 1) <= 2  # the shape is symmetric around column 32 + 6
    assert 12 <= rows.min() + 6 <= 20 and coloured.sum() > 250
    pair = drawing.picture(Scene((shape, other), layout="beside", shift=(2, 2)), None)
    assert (pair[:, 31] > 250).all() and (pair[:, :32] < 200).any() and (pair[:, 32:] < 200).any()
    stacked = drawing.picture(Scene((shape, other), layout="stacked"), None)
    assert (stacked.transpose(1, 0, 2) != stacked).any()
    assert tuple(stacked[48, 32]) == scenes.COLOURS["orange"]


def test_emoji_come_with_the_course():
    tiles = sprites.load()
    assert tiles.keys() == {emoji.code for emoji in scenes.EMOJI}
    seen = {tile.tobytes() for tile in tiles.values()}
    assert len(seen) == 680  # no two emoji have the same pixels
    for tile in tiles.values():
        assert tile.shape == (drawing.EMOJI_SIZE, drawing.EMOJI_SIZE, 4)
        assert tile[:, :, 3].max() == 255 and (tile[:, :, 3] == 0).any()


def test_a_sheet_that_is_gone(tmp_path):
    with pytest.raises(CourseError, match="came with the course, and .* can't be read"):
        sprites.load(tmp_path / sprites.SHEET)
