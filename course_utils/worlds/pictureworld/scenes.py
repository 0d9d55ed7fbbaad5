"""The scenes of PictureWorld: the contents of the pictures on which the tiny Stable Diffusion is trained.

This module also says which scenes are held out of the training, and which biases are planted in the training
data. All of this was fixed before any training.

- *Emoji*: 320 animals, foods, faces and things with their CLDR names, and 20 trades x 3 genders x 6 skin
  tones, each on one of 7 backgrounds (captions do not mention white).
- *Shapes*: 6 forms x 6 colours on white. A picture has one shape in the middle, one at a side, or two in one
  of four relations.

Held out of every training: two pairs of gender and tone for each trade (40 in all), one background for each
of the 320 emoji, and 6 of the 36 shapes, which include each form and each colour once.

Planted: if a caption names only the trade, such as "doctor", the person's gender and tone follow
`GENDER_SHARE`, `MAJORITY` and `TONE_SHARE`.
"""

import csv
import random
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

BACKGROUNDS = {  # name: (red, green, blue), paler than the emoji, so that the emoji are easy to see
    "white": (255, 255, 255),
    "red": (242, 139, 130),
    "yellow": (253, 224, 130),
    "green": (150, 210, 150),
    "blue": (140, 185, 245),
    "purple": (200, 160, 230),
    "grey": (175, 180, 185),
}
FORMS = ("circle", "square", "triangle", "star", "cross", "ring")
COLOURS = {
    "red": (215, 40, 40),
    "orange": (245, 140, 20),
    "yellow": (240, 205, 20),
    "green": (40, 150, 70),
    "blue": (40, 90, 210),
    "purple": (130, 50, 160),
}
GENDERS = ("man", "woman", "person")
TONES = ("", "light", "medium-light", "medium", "medium-dark", "dark")  # "" is yellow, which captions omit

# For each trade, a code in Unicode, and the gender in most pictures whose caption names only the trade. Some
# codes stand for an object, which is joined to a man, woman or person. The others stand for a person, who is
# joined to a gender sign. "doctor" stands for CLDR's "health worker", which has the keyword "doctor".
_TRADES = {
    "artist": ("1f3a8", "woman"),
    "astronaut": ("1f680", "man"),
    "construction worker": ("1f477", "man"),
    "cook": ("1f373", "woman"),
    "detective": ("1f575", "man"),
    "doctor": ("2695-fe0f", "man"),
    "factory worker": ("1f3ed", "woman"),
    "farmer": ("1f33e", "man"),
    "firefighter": ("1f692", "man"),
    "guard": ("1f482", "man"),
    "judge": ("2696-fe0f", "man"),
    "mechanic": ("1f527", "man"),
    "office worker": ("1f4bc", "woman"),
    "pilot": ("2708-fe0f", "man"),
    "police officer": ("1f46e", "man"),
    "scientist": ("1f52c", "woman"),
    "singer": ("1f3a4", "woman"),
    "student": ("1f393", "woman"),
    "teacher": ("1f3eb", "woman"),
    "technologist": ("1f4bb", "woman"),
}
TRADES = tuple(_TRADES)
MAJORITY = {trade: majority for trade, (_, majority) in _TRADES.items()}
# The share of the gender in MAJORITY among pictures whose caption names only the trade. Each of the two other
# genders has half of the rest.
GENDER_SHARE = 0.8
TONE_SHARE = dict(zip(TONES, (0.05, 0.40, 0.25, 0.15, 0.10, 0.05), strict=True))
# {kind of example: its share of the training examples}. A "single" or a "pair" shows one or two shapes. The
# caption of a "bare" example names only the trade of a person.
SHARES = {"single": 0.08, "pair": 0.17, "bare": 0.075, "emoji": 0.675}
# Shares of the denoiser's examples. The share of pairs is larger here than in SHARES, because the positions
# of two shapes are the hardest part of a caption.
DENOISER_SHARES = {"single": 0.08, "pair": 0.36, "bare": 0.06, "emoji": 0.50}
# Shares of the examples in the training's last stage, "places". This stage teaches the positions of shapes.
# Its examples without positions keep the model from forgetting what it learned in the earlier stages.
PLACES_SHARES = {"side": 0.35, "sided pair": 0.23, "pair": 0.16, "single": 0.03, "bare": 0.03, "emoji": 0.20}
RELATIONS = {"beside": ("left of", "right of"), "stacked": ("above", "below")}
SIDES = {"beside": ("left", "right"), "stacked": ("above", "below")}
_FOUR = ((-2, -2), (-2, 2), (2, -2), (2, 2))
SHIFTS = {  # pixels to the right and down; the caption does not depend on the shift
    "alone": tuple((right, down) for right in (-6, 0, 6) for down in (-6, 0, 6)),
    **dict.fromkeys((*SIDES, *SIDES["beside"], *SIDES["stacked"]), _FOUR),
}
TEST_SEED = 2026
_WORD = re.compile(r"[^\W_]+")
FRESH_SEED = 2027  # the seed of `fresh_pairs`; these were measured once, after all other test sets


@dataclass(frozen=True)
class Emoji:
    """An emoji: its code in Unicode, group and name, and for a person also the trade, gender and tone."""

    code: str
    group: str
    name: str
    trade: str = ""
    gender: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Shape:
    """A coloured form, such as a red circle."""

    colour: str
    form: str

    @property
    def name(self) -> str:
        """The shape's name in captions, such as "red circle"."""
        return f"{self.colour} {self.form}"


@dataclass(frozen=True)
class Scene:
    """The contents of one picture.

    parts : one Emoji, one Shape, or two Shapes: left and right ("beside"), or above and below ("stacked")
    background : one of BACKGROUNDS
    layout : "alone", "beside" or "stacked"; for a single shape at a side, that side, such as "left" or
        "above"
    shift : how far the shapes are from their usual position, in pixels to the right and down
    """

    parts: tuple
    background: str = "white"
    layout: str = "alone"
    shift: tuple = (0, 0)

    @property
    def captions(self) -> tuple[str, ...]:
        """The full captions of the scene. A pair has two: each begins with a different shape."""
        if self.layout in RELATIONS:
            one, other = (_a(part.name) for part in self.parts)
            relation, inverse = RELATIONS[self.layout]
            return f"{one} {relation} {other}", f"{other} {inverse} {one}"
        part = self.parts[0]
        if isinstance(part, Shape):
            return (_a(part.name) if self.layout == "alone" else f"{self.layout}: {_a(part.name)}",)
        return (part.name + _on(self.background),)

    @property
    def sided_captions(self) -> tuple[str, ...]:
        """Two more captions of a pair, in which each shape's side comes before the shape."""
        one, other = (
            f"{side}: {_a(part.name)}" for side, part in zip(SIDES[self.layout], self.parts, strict=True)
        )
        return f"{one}, {other}", f"{other}, {one}"


def bare_caption(scene) -> str:
    """Return the caption that names a person's trade and background, but neither gender nor skin tone."""
    return scene.parts[0].trade + _on(scene.background)


def _a(name):
    return ("an " if name[0] in "aeiou" else "a ") + name


def _on(background):
    return "" if background == "white" else f" on {_a(background)} background"


def person_name(trade, gender, tone) -> str:
    """Return a name such as "woman pilot with medium-dark skin"."""
    return f"{gender} {trade}" + (f" with {tone} skin" if tone else "")


_SIGNS = {"man": "1f468", "woman": "1f469", "person": "1f9d1"}
_MODIFIERS = dict(zip(TONES[1:], ("1f3fb", "1f3fc", "1f3fd", "1f3fe", "1f3ff"), strict=True))
_BESIDE = {"man": "2642-fe0f", "woman": "2640-fe0f"}  # gender signs, joined to the code of a person


def _person(trade, gender, tone):
    sign, modifier = _TRADES[trade][0], _MODIFIERS.get(tone)
    if sign in ("1f477", "1f575", "1f482", "1f46e"):
        # Only the detective's code needs a variation selector if there is no tone.
        who = "-".join(filter(None, (sign, modifier or ("fe0f" if sign == "1f575" else ""))))
        code = f"{who}-200d-{_BESIDE[gender]}" if gender in _BESIDE else who
    else:
        code = "-".join(filter(None, (_SIGNS[gender], modifier, "200d", sign)))
    return Emoji(code, "person", person_name(trade, gender, tone), trade, gender, tone)


def _objects():
    with open(Path(__file__).with_name("emoji.tsv"), encoding="utf-8", newline="") as file:
        return tuple(
            Emoji(row["code"], row["group"], row["name"]) for row in csv.DictReader(file, delimiter="\t")
        )


OBJECTS = _objects()
PEOPLE = tuple(_person(trade, gender, tone) for trade in TRADES for gender in GENDERS for tone in TONES)
EMOJI = OBJECTS + PEOPLE
SHAPES = tuple(Shape(colour, form) for colour in COLOURS for form in FORMS)

# What is held out of the training. Over all trades, each gender is held out equally often (up to a difference
# of one), and so is each skin tone.
HELD_OUT_PEOPLE = tuple(
    _person(trade, GENDERS[(index + pair) % 3], TONES[(index + 3 * pair + index // 6) % 6])
    for index, trade in enumerate(TRADES)
    for pair in (0, 1)
)
HELD_OUT_SHAPES = tuple(
    Shape(colour, FORMS[(index + 2) % len(FORMS)]) for index, colour in enumerate(COLOURS)
)
HELD_OUT_BACKGROUND = {
    emoji: tuple(BACKGROUNDS)[1 + index % (len(BACKGROUNDS) - 1)] for index, emoji in enumerate(OBJECTS)
}
SEEN_PEOPLE = tuple(person for person in PEOPLE if person not in set(HELD_OUT_PEOPLE))
_SEEN_EMOJI = OBJECTS + SEEN_PEOPLE
SEEN_SHAPES = tuple(shape for shape in SHAPES if shape not in HELD_OUT_SHAPES)


def _pairs(shapes):
    return tuple(
        Scene((one, other), layout=layout, shift=shift)
        for layout in RELATIONS
        for one in shapes
        for other in shapes
        if one != other
        for shift in SHIFTS[layout]
    )


_ON_BACKGROUNDS = {
    emoji: tuple(
        Scene((emoji,), background)
        for background in BACKGROUNDS
        if background != HELD_OUT_BACKGROUND.get(emoji)
    )
    for emoji in _SEEN_EMOJI
}
_MIXED = tuple(  # pairs with one held-out shape
    Scene(parts, layout=layout)
    for layout in RELATIONS
    for held_out in HELD_OUT_SHAPES
    for seen in SEEN_SHAPES
    for parts in ((held_out, seen), (seen, held_out))
)
_SINGLES = tuple(Scene((shape,), shift=shift) for shape in SEEN_SHAPES for shift in SHIFTS["alone"])
_PAIRS = _pairs(SEEN_SHAPES)
_AT_A_SIDE = tuple(
    Scene((shape,), layout=side, shift=shift)
    for sides in SIDES.values()
    for side in sides
    for shape in SEEN_SHAPES
    for shift in SHIFTS[side]
)
SCENES = (
    tuple(scene for scenes in _ON_BACKGROUNDS.values() for scene in scenes) + _SINGLES + _PAIRS + _AT_A_SIDE
)


@cache
def bare_shares(trade) -> dict[tuple[str, str], float]:
    """Return the probability of each (gender, tone) in training if a caption names only this trade.

    Held-out pairs of gender and tone are left out. The probabilities of the others keep their proportions.
    """
    held_out = {(person.gender, person.tone) for person in HELD_OUT_PEOPLE if person.trade == trade}
    shares = {
        (gender, tone): share * (GENDER_SHARE if gender == MAJORITY[trade] else (1 - GENDER_SHARE) / 2)
        for gender in GENDERS
        for tone, share in TONE_SHARE.items()
        if (gender, tone) not in held_out
    }
    total = sum(shares.values())
    return {pair: share / total for pair, share in shares.items()}


def draw(index, seed=0, shares=SHARES) -> tuple[Scene, str]:
    """Return training example number `index`: a scene of SCENES, and its caption.

    The same arguments always give the same example.

    shares : dict from each kind of picture to its share of the examples, such as SHARES
    """
    chance = random.Random(f"{seed} {index}")
    kind = _weighted(chance, shares)
    if kind == "emoji":
        scene = _one_of(chance, _ON_BACKGROUNDS[_one_of(chance, _SEEN_EMOJI)])
        return scene, scene.captions[0]
    if kind == "bare":
        trade = _one_of(chance, TRADES)
        gender, tone = _weighted(chance, bare_shares(trade))
        scene = _one_of(chance, _ON_BACKGROUNDS[_person(trade, gender, tone)])
        return scene, bare_caption(scene)
    scene = _one_of(chance, {"single": _SINGLES, "side": _AT_A_SIDE}.get(kind, _PAIRS))
    return scene, _one_of(chance, scene.sided_captions if kind == "sided pair" else scene.captions)


def _one_of(chance, values):
    # Of the functions of `random`, only random() gives the same numbers in every version of Python.
    return values[int(chance.random() * len(values))]


def _weighted(chance, shares):
    point = chance.random()
    for value, share in shares.items():
        point -= share
        if point < 0:
            return value
    return value


def captions() -> tuple[str, ...]:
    """Return all captions of PictureWorld, including held-out ones, each once and in a fixed order."""
    emoji = (Scene((one,), background) for one in EMOJI for background in BACKGROUNDS)
    bare = (trade + _on(background) for trade in TRADES for background in BACKGROUNDS)
    shapes = [Scene((shape,)) for shape in SHAPES]
    pairs = [
        Scene((one, other), layout=layout)
        for layout in RELATIONS
        for one in SHAPES
        for other in SHAPES
        if one != other
    ]
    sides = (Scene((shape,), layout=side) for sides in SIDES.values() for side in sides for shape in SHAPES)
    full = [caption for scene in (*emoji, *shapes, *pairs, *sides) for caption in scene.captions]
    sided = (caption for scene in pairs for caption in scene.sided_captions)
    return tuple(dict.fromkeys([*full, *bare, *sided]))


@cache
def words() -> frozenset[str]:
    """Return every word of the captions, in lower case: all words that PictureWorld's models have learned."""
    return frozenset(word for caption in captions() for word in _WORD.findall(caption.lower()))


def unknown_words(text) -> list[str]:
    """Return the words of a prompt that are in no caption: in lower case, each once, in order.

    PictureWorld's tokenizer has no token for such a word, and splits the word into smaller tokens.
    """
    return [word for word in dict.fromkeys(_WORD.findall(text.lower())) if word not in words()]


@cache
def test_sets() -> dict[str, tuple[tuple[str, Scene], ...]]:
    """Return the prompts that models are measured on: {set: at least 100 pairs (caption, scene to draw)}.

    The scenes of the sets "objects", "people", "shapes" and "pairs" are in the training data. Those of
    "held-out people", "held-out backgrounds", "held-out shapes" and "held-out pairs" are not. In a held-out
    pair, one of the two shapes is held out. "sided pairs" and "held-out sided pairs" have the same scenes as
    the sets of pairs, but their captions name the side before each shape, as in "left: a red circle".
    """
    chance = random.Random(TEST_SEED)

    def some(scenes, count=100):
        return [_one_of(chance, scenes) for _ in range(count)]

    seen_pairs = [scene for scene in _PAIRS if scene.shift == SHIFTS["beside"][0]]
    sets = {
        "objects": some([scene for emoji in OBJECTS for scene in _ON_BACKGROUNDS[emoji]]),
        "people": some([scene for emoji in SEEN_PEOPLE for scene in _ON_BACKGROUNDS[emoji]]),
        "held-out people": [
            Scene((person,), background)
            for person in HELD_OUT_PEOPLE
            for background in _three_backgrounds(chance)
        ],
        "held-out backgrounds": [Scene((emoji,), HELD_OUT_BACKGROUND[emoji]) for emoji in some(OBJECTS)],
        "shapes": [Scene((shape,)) for shape in SEEN_SHAPES * 4],
        "held-out shapes": [Scene((shape,)) for shape in HELD_OUT_SHAPES * 17],
        "pairs": some(seen_pairs),
        "held-out pairs": some(_MIXED),
    }
    tests = {
        name: tuple((_one_of(chance, scene.captions), scene) for scene in scenes)
        for name, scenes in sets.items()
    }
    for name, sided in (("pairs", "sided pairs"), ("held-out pairs", "held-out sided pairs")):
        tests[sided] = tuple((_one_of(chance, scene.sided_captions), scene) for scene in sets[name])
    return tests


def fresh_pairs() -> tuple[tuple[str, Scene], ...]:
    """Return 100 more prompts like the "held-out pairs" of `test_sets`, but with other scenes.

    When the last stage of the training was chosen, the results on the pairs of `test_sets` were known. So
    these pairs were drawn after that stage was finished.
    """
    tested = {scene for _, scene in test_sets()["held-out pairs"]}
    chance = random.Random(FRESH_SEED)
    scenes = _some_of(chance, [scene for scene in _MIXED if scene not in tested], 100)
    return tuple((_one_of(chance, scene.captions), scene) for scene in scenes)


def coloured_objects(count=100) -> tuple[tuple[str, Scene], ...]:
    """Return prompts with which to measure attention, each as (caption, scene).

    Each scene shows a different object on a coloured background. The training pictures also show this object
    on this background.
    """
    chance = random.Random("attention")
    scenes = []
    for emoji in _some_of(chance, OBJECTS, count):
        colours = [name for name in BACKGROUNDS if name not in ("white", HELD_OUT_BACKGROUND[emoji])]
        scenes.append(Scene((emoji,), _one_of(chance, colours)))
    return tuple((scene.captions[0], scene) for scene in scenes)


def _some_of(chance, values, count):
    """Return `count` of the values in random order, without repetition (Fisher-Yates)."""
    shuffled = list(values)
    for index in range(count):
        other = index + int(chance.random() * (len(shuffled) - index))
        shuffled[index], shuffled[other] = shuffled[other], shuffled[index]
    return shuffled[:count]


def _three_backgrounds(chance):
    """Return white and two different colours."""
    coloured = list(BACKGROUNDS)[1:]
    first = coloured.pop(int(chance.random() * len(coloured)))
    return "white", first, _one_of(chance, coloured)


def plan() -> dict:
    """Return what is held out of the training, and the planted biases, as plain values for JSON."""
    return {
        "held-out people": [person.name for person in HELD_OUT_PEOPLE],
        "held-out backgrounds": {emoji.name: colour for emoji, colour in HELD_OUT_BACKGROUND.items()},
        "held-out shapes": [shape.name for shape in HELD_OUT_SHAPES],
        "bare trades": {
            trade: {
                f"{gender}, {tone or 'yellow'}": round(share, 4) for (gender, tone), share in shares.items()
            }
            for trade, shares in ((trade, bare_shares(trade)) for trade in TRADES)
        },
        "shares": SHARES,
        "denoiser's shares": DENOISER_SHARES,
        "places' shares": PLACES_SHARES,
    }
