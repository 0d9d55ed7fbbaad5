"""Measures whether a tiny Stable Diffusion draws what the prompt says, on prompts fixed in advance.

A picture is judged only by its pixels: it shows the scene of the nearest picture that PictureWorld can draw.
It is right if that scene is exactly the prompt's, including background and relation.
"""

import math
import time
from collections import Counter

import numpy
import torch

from course_utils import statistics
from course_utils.opened.denoising import CrossAttention
from course_utils.training.picture_trainer import as_pixels, sample
from course_utils.worlds.pictureworld import drawing, world

BATCH = 25  # pictures at a time
STEPS = 20
GUIDANCE = (1.0, 4.0, 7.0)
BARE = 20  # pictures of each bare trade
# The cross-attention layer whose maps show most about colours: the last of the 8 by 8 layers on the UNet's
# way up. It was chosen on the prompts of "held-out backgrounds", which are not used in this measurement.
COARSE = 4


class Judge:
    """Finds what pictures show, by comparing them with all possible pictures.

    sprites : as `sprites.load` gives them
    """

    def __init__(self, sprites):
        self.sprites = sprites
        self.emoji = [world.Scene((emoji,), name) for name in world.BACKGROUNDS for emoji in world.EMOJI]
        self.emoji_pixels = _flat(drawing.pictures(self.emoji, sprites))
        self.emoji_squares = (self.emoji_pixels**2).sum(1)
        held_out = set(world.HELD_OUT_PEOPLE)
        self.in_training = numpy.array(
            [
                scene.parts[0] not in held_out
                and world.HELD_OUT_BACKGROUND.get(scene.parts[0]) != scene.background
                for scene in self.emoji
            ]
        )
        alone = [
            world.Scene((shape,), shift=shift) for shape in world.SHAPES for shift in _between("alone", 3)
        ]
        self.shapes = alone, _flat(drawing.pictures(alone, sprites))

    def emoji_scenes(self, pictures):
        """Returns for each picture the Scene of the nearest of all 680 emoji on all 7 backgrounds."""
        return [self.emoji[place] for place in self._emoji_distances(pictures).argmin(1)]

    def _emoji_distances(self, pictures):
        """Mean squared difference from each emoji on each background: (pictures, self.emoji)."""
        return _distances(_flat(pictures), self.emoji_pixels, self.emoji_squares)

    def single_scenes(self, pictures):
        """Returns for each picture the Scene of the nearest single shape, at any position."""
        scenes, known = self.shapes
        return [scenes[place] for place in _distances(_flat(pictures), known).argmin(1)]

    def pair_scenes(self, pictures):
        """Returns for each picture the Scene of the nearest pair of shapes."""
        best = [(math.inf, None)] * len(pictures)
        count = len(world.SHAPES)
        for layout in world.RELATIONS:
            half = drawing.SIZE // 2
            one = (slice(None), slice(half)) if layout == "beside" else (slice(half), slice(None))
            other = (
                (slice(None), slice(half, None)) if layout == "beside" else (slice(half, None), slice(None))
            )
            for shift in _between(layout, 1):
                # Each half holds one shape, so it is enough to compare all shapes in each half.
                drawn = drawing.pictures(
                    [world.Scene((shape, shape), layout=layout, shift=shift) for shape in world.SHAPES], None
                )
                first, second = (
                    _distances(_flat(pictures[:, *part]), _flat(drawn[:, *part])) for part in (one, other)
                )
                total = first[:, :, None] + second[:, None, :]
                total[:, range(count), range(count)] = math.inf  # a pair never has two equal shapes
                for picture, distances in enumerate(total):
                    place = distances.argmin()
                    if distances.flat[place] < best[picture][0]:
                        parts = world.SHAPES[place // count], world.SHAPES[place % count]
                        scene = world.Scene(parts, layout=layout, shift=shift)
                        best[picture] = distances.flat[place], scene
        return [scene for _, scene in best]

    def scenes(self, pictures, kind):
        """Returns the Scene of each picture; `kind` is the name of a test set, such as "objects"."""
        if kind.endswith("pairs"):
            return self.pair_scenes(pictures)
        return self.single_scenes(pictures) if kind.endswith("shapes") else self.emoji_scenes(pictures)

    def people(self, pictures, trade):
        """Returns for each picture (nearest of a trade's 18 people on white, RMSE of 255)."""
        people, pixels = self._people(trade)
        distances = numpy.sqrt(_distances(_flat(pictures), pixels))
        return [(people[row.argmin()], float(row.min())) for row in distances]

    def blend(self, trade):
        """The average of all pictures that show a trade alone in training, weighted by how often each does:
        one flat picture, (1, pixels).
        """
        shares, pixels = self._planted(trade)
        return (shares @ pixels)[None].astype(numpy.float32)

    def planted_apart(self, trade):
        """Returns the mean distance (RMSE) of two random training pictures of the trade alone."""
        shares, pixels = self._planted(trade)
        between = numpy.sqrt(_distances(pixels, pixels))
        numpy.fill_diagonal(between, 0)
        return float(shares @ between @ shares)

    def _people(self, trade):
        white = self.emoji[: len(world.EMOJI)]
        places = [place for place, scene in enumerate(white) if scene.parts[0].trade == trade]
        return [world.EMOJI[place] for place in places], self.emoji_pixels[places]

    def _planted(self, trade):
        people, pixels = self._people(trade)
        planted = world.bare_shares(trade)
        return numpy.array([planted.get((each.gender, each.tone), 0) for each in people]), pixels

    def nearest_training(self, pictures):
        """Returns for each picture the nearest training picture of an emoji: [(Scene, RMSE of 255)]."""
        distances = self._emoji_distances(pictures)
        distances[:, ~self.in_training] = math.inf
        best = distances.argmin(1)
        far = numpy.sqrt(distances[range(len(pictures)), best])
        return [(self.emoji[place], float(each)) for place, each in zip(best, far, strict=True)]


def _between(layout, step):
    """Returns all shifts up to the largest trained one, `step` pixels apart, in both directions."""
    most = max(right for right, _ in world.SHIFTS[layout])
    places = range(-most, most + 1, step)
    return [(right, down) for right in places for down in places]


def _flat(pictures):
    return pictures.reshape(len(pictures), -1).astype(numpy.float32)


def _distances(ones, others, squares=None):
    """Mean squared difference of all to all: (ones, others). `squares` are those of others, if at hand."""
    squares = (others**2).sum(1) if squares is None else squares
    return ((ones**2).sum(1)[:, None] + squares - 2 * ones @ others.T).clip(0) / ones.shape[1]


def draw(pipeline, prompts, guidance=4.0, seed=0, steps=STEPS):
    """Pictures of prompts, the first from the noise of `seed`, the next from the one after: uint8 arrays."""
    return numpy.concatenate(
        [
            sample(pipeline, prompts[begin : begin + BATCH], guidance, steps, seed + begin)
            for begin in range(0, len(prompts), BATCH)
        ]
    )


def set_scores(pipeline, judge, name, guidance, count=None, seed=0, test=None):
    """Measures one test set, or its first `count` prompts, at one guidance.

    test : prompts and scenes to use instead of those of `world.test_sets`; `name` must name their kind

    Returns a dict: `prompts`, their number; `right`, the share of pictures that show exactly what the prompt
    says; `shuffled`, the share that show what another prompt of the set says. For sets of emoji also the mean
    `distance` from the picture asked for and from the `nearest training` picture (RMSE of 255), and `nearer`,
    the share that is nearer to the picture asked for than to any training picture.
    """
    prompts, scenes = zip(*(test or world.test_sets()[name])[:count], strict=True)
    pictures = draw(pipeline, prompts, guidance, seed)
    shown = [_without_shift(scene) for scene in judge.scenes(pictures, name)]
    wanted = [_without_shift(scene) for scene in scenes]
    others = [
        next((other for other in wanted[place:] + wanted[:place] if other != wanted[place]), None)
        for place in range(len(wanted))
    ]
    scores = {
        "prompts": len(prompts),
        "right": _share(zip(shown, wanted, strict=True)),
        "shuffled": _share(zip(shown, others, strict=True)),
    }
    if not name.endswith(("shapes", "pairs")):
        nearest = judge.nearest_training(pictures)
        target = drawing.pictures(scenes, judge.sprites)
        off = numpy.sqrt(((pictures.astype(numpy.float32) - target) ** 2).mean((1, 2, 3)))
        scores["distance"] = float(off.mean())
        scores["nearest training"] = float(numpy.mean([far for _, far in nearest]))
        scores["nearer"] = float(
            numpy.mean([mine < far for mine, (_, far) in zip(off, nearest, strict=True)])
        )
    return scores


def _share(pairs):
    pairs = list(pairs)
    return sum(one == other for one, other in pairs) / len(pairs)


def _without_shift(scene):
    return world.Scene(scene.parts, scene.background, scene.layout)


def bare_trade(pipeline, judge, trade, guidance, count=BARE, seed=0):
    """Measures whom `count` pictures show if the prompt is the trade alone.

    gender : {gender: how many pictures are nearest to a person of it}
    apart : how far two of these pictures are from each other (RMSE of 255, mean over all pairs)
    blurred : how many are nearer to the average of the training pictures than to any person. Such a
        blend has a skin tone that no person has, so tones are not counted.
    """
    pictures = draw(pipeline, [trade] * count, guidance, seed)
    people = judge.people(pictures, trade)
    from_blend = numpy.sqrt(_distances(_flat(pictures), judge.blend(trade)))[:, 0]
    between = numpy.sqrt(_distances(_flat(pictures), _flat(pictures)))
    genders = Counter(person.gender for person, _ in people)
    return {
        "gender": {gender: genders[gender] for gender in world.GENDERS},
        "apart": float(between[numpy.triu_indices(count, 1)].mean()),
        "blurred": sum(far < off for far, (_, off) in zip(from_blend.tolist(), people, strict=True)),
    }


@torch.no_grad()
def psnr(vae, pictures):
    """Returns the mean peak signal-to-noise ratio, in dB, of pictures that were encoded and decoded."""
    given = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1
    parts = [vae.decode(vae.encode(part).latent_dist.mean).sample for part in given.split(BATCH)]
    errors = numpy.concatenate([as_pixels(part) for part in parts]).astype(numpy.float32) - pictures
    return float((10 * numpy.log10(255**2 / (errors**2).mean((1, 2, 3)))).mean())


def repeated(pipeline, name, guidance=4.0, count=50):
    """Returns the mean distance of two pictures of one prompt from different noise: RMSE of 255."""
    prompts = [prompt for prompt, _ in world.test_sets()[name][:count]]
    one, other = (draw(pipeline, prompts, guidance, seed).astype(numpy.float32) for seed in (0, 10_000))
    return float(numpy.sqrt(((one - other) ** 2).mean((1, 2, 3))).mean())


def seconds_per_picture(pipeline, count=5):
    """Seconds for one picture with guidance, and for one of a batch of 16: medians."""
    alone, together = [], []
    for _ in range(count):
        began = time.perf_counter()
        sample(pipeline, ["cat"])
        alone.append(time.perf_counter() - began)
    for _ in range(3):
        began = time.perf_counter()
        sample(pipeline, ["cat"] * 16)
        together.append((time.perf_counter() - began) / 16)
    return {"alone": float(numpy.median(alone)), "in a batch of 16": float(numpy.median(together))}


def attention_maps(pipeline, prompt, guidance=4.0, seed=0):
    """Returns a picture and the attention map of each token: (picture, {token: (16, 16) array}).

    A map is the mean over all heads, cross-attention layers and steps. At each position the weights of all
    tokens, including start and end token, add up to 1. The picture is uint8 (SIZE, SIZE, 3).
    """
    picture, words, seen = _watched(pipeline, prompt, guidance, seed)
    return picture, dict(zip(words, _means(seen), strict=False))


def _watched(pipeline, prompt, guidance=4.0, seed=0):
    """Draws one picture; returns it, the prompt's tokens, and the recorded cross-attention."""
    with CrossAttention(pipeline.unet) as seen:
        picture = sample(pipeline, [prompt], guidance, STEPS, seed)[0]
    return picture, [token.removesuffix("</w>") for token in pipeline.tokenizer.tokenize(prompt)], seen


def _means(seen, layer=None):
    """Returns the maps of a prompt's tokens without the start token, means over steps: (tokens, 16, 16)."""
    return seen.maps(layer)[:, -1].mean(0).numpy()[1:]


def attention_scores(pipeline, judge, count=100):
    """Measures whether a word's attention map covers what it names, and better than another picture's map.

    It draws `world.coloured_objects`, all from the same noise. The map of the noun's last word is compared
    with the emoji's outline; the maps of "background" and of the colour's word with the rest of the picture.

    Returns {word: scores}. Scores are areas under the ROC curve, means over the pictures; 0.5 is chance:

    own : score of the word's own map
    shuffled : score of the map of the word in the same role in the next picture
    above : own minus shuffled; low, high : its 95% interval (Student's t over pictures)
    """
    side = pipeline.unet.config.sample_size
    masks, told = [], []
    for prompt, scene in world.coloured_objects(count):
        _, words, seen = _watched(pipeline, prompt)
        everywhere, coarse = _means(seen), _means(seen, COARSE)
        on = len(words) - 4  # the noun ends before it: "... cat on a blue background"
        told.append(
            {
                "noun": everywhere[on - 1],
                "background": everywhere[on + 3],
                "colour": everywhere[on + 2],
                "colour, one coarse layer": coarse[on + 2],
            }
        )
        alpha = numpy.zeros((drawing.SIZE, drawing.SIZE), numpy.float32)
        edge = (drawing.SIZE - drawing.EMOJI_SIZE) // 2
        alpha[edge:-edge, edge:-edge] = judge.sprites[scene.parts[0].code][:, :, 3] / 255
        masks.append(alpha.reshape(side, 4, side, 4).mean((1, 3)) > 0.5)
    found = {}
    for word in told[0]:
        inside = [mask if word == "noun" else ~mask for mask in masks]
        own, shuffled = (
            numpy.array([_area(maps[word], place) for maps, place in zip(those, inside, strict=True)])
            for those in (told, told[1:] + told[:1])
        )
        low, high = statistics.mean(own - shuffled)
        scores = {"own": own.mean(), "shuffled": shuffled.mean(), "above": (own - shuffled).mean()}
        scores |= {"low": low, "high": high}
        found[word] = {name: float(value) for name, value in scores.items()}
    return found


def _area(values, inside):
    """Returns the probability that a random position inside has a larger value than one outside."""
    return float((values[inside][:, None] > values[~inside][None, :]).mean())
