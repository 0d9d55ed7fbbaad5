"""Measures whether a tiny Stable Diffusion draws what a prompt says, on prompts that were fixed in advance.

A picture is judged only by its pixels. The package `worlds.pictureworld`, which drew the training pictures,
can draw every scene: an emoji on a background, or one or two shapes. A picture's scene is the scene whose
drawing is nearest to the picture. The picture is right if this is the scene of the prompt, with the same
background and the same positions of shapes. Distances are root mean squared differences (RMSE) of pixel
values from 0 to 255.
"""

import math
import time
from collections import Counter
from statistics import fmean

import numpy
import torch

from course_utils import statistics
from course_utils.opened.denoising import CrossAttention
from course_utils.training.picture_pipeline import as_pixels, from_pixels, sample
from course_utils.worlds.pictureworld import drawing, world

BATCH = 25  # pictures in one batch
STEPS = 20
GUIDANCE = (1.0, 4.0, 7.0)
# The number of the cross-attention layer whose maps tell most about colours. It is the last layer with maps
# of 8 by 8 positions in the UNet's second half, and was chosen on the prompts of the test set "held-out
# backgrounds", which `attention_scores` does not use.
COARSE_LAYER = 4


class Classifier:
    """Finds the scene that a picture shows, which is the scene whose drawing is nearest to the picture.

    sprites : dict from an emoji's code to its pixels, as `sprites.load` returns it
    """

    def __init__(self, sprites):
        self.sprites = sprites
        self.emoji = [
            world.Scene((emoji,), background) for background in world.BACKGROUNDS for emoji in world.EMOJI
        ]
        self.emoji_pixels = _flat(drawing.pictures(self.emoji, sprites))
        held_out = set(world.HELD_OUT_PEOPLE)
        self.in_training = numpy.array(
            [
                scene.parts[0] not in held_out
                and world.HELD_OUT_BACKGROUND.get(scene.parts[0]) != scene.background
                for scene in self.emoji
            ]
        )
        self.shapes = [
            world.Scene((shape,), shift=shift) for shape in world.SHAPES for shift in _shifts("alone", 3)
        ]
        self.shape_pixels = _flat(drawing.pictures(self.shapes, sprites))

    def scenes(self, pictures, name):
        """Return each picture's nearest scene, among scenes of the same kind as in the test set `name`."""
        if name.endswith("pairs"):
            return self._pairs(pictures)
        if name.endswith("shapes"):
            return [self.shapes[index] for index in _distances(_flat(pictures), self.shape_pixels).argmin(1)]
        return [self.emoji[index] for index in _distances(_flat(pictures), self.emoji_pixels).argmin(1)]

    def _pairs(self, pictures):
        """Return each picture's nearest scene, among scenes of two shapes."""
        best = [(math.inf, None)] * len(pictures)
        shapes, count = world.SHAPES, len(world.SHAPES)
        for layout in world.RELATIONS:
            axis = 2 if layout == "beside" else 1
            for shift in _shifts(layout, 1):
                # Each half of a picture has one shape. So compare each half with all shapes, and then add the
                # distances of both halves for each pair of shapes.
                scenes = [world.Scene((shape, shape), layout=layout, shift=shift) for shape in shapes]
                references = numpy.split(drawing.pictures(scenes, None), 2, axis)
                first, second = (
                    _distances(_flat(half), _flat(reference))
                    for half, reference in zip(numpy.split(pictures, 2, axis), references, strict=True)
                )
                total = first[:, :, None] + second[:, None, :]
                total[:, range(count), range(count)] = math.inf  # a pair never has two equal shapes
                for picture, distances in enumerate(total):
                    one, other = divmod(int(distances.argmin()), count)
                    if distances[one, other] < best[picture][0]:
                        scene = world.Scene((shapes[one], shapes[other]), layout=layout, shift=shift)
                        best[picture] = distances[one, other], scene
        return [scene for _, scene in best]

    def nearest_training(self, pictures):
        """Return for each picture the nearest emoji picture of the training set: [(Scene, RMSE)]."""
        distances = _distances(_flat(pictures), self.emoji_pixels)
        distances[:, ~self.in_training] = math.inf
        best = distances.argmin(1)
        nearest = numpy.sqrt(distances[range(len(pictures)), best])
        return [(self.emoji[index], float(rmse)) for index, rmse in zip(best, nearest, strict=True)]

    def people(self, pictures, trade):
        """Return, for each picture, the person of a trade whose drawing on white is nearest: [(Emoji, RMSE)].

        A trade, such as "doctor", has 18 people: one emoji for each of 3 genders and 6 skin tones.
        """
        people, pixels = self._people(trade)
        distances = numpy.sqrt(_distances(_flat(pictures), pixels))
        return [(people[row.argmin()], float(row.min())) for row in distances]

    def blend(self, trade):
        """Return the mean of the training pictures whose caption is only this trade: (1, pixels × 3)."""
        shares, pixels = self._planted(trade)
        return (shares @ pixels)[None].astype(numpy.float32)

    def planted_difference(self, trade):
        """Return the mean RMSE between two random training pictures whose caption is only this trade."""
        shares, pixels = self._planted(trade)
        between = numpy.sqrt(_distances(pixels, pixels))
        numpy.fill_diagonal(between, 0)
        return float(shares @ between @ shares)

    def _people(self, trade):
        """Return the people of a trade, and their pictures on white."""
        indices = [index for index, emoji in enumerate(world.EMOJI) if emoji.trade == trade]
        return [world.EMOJI[index] for index in indices], self.emoji_pixels[indices]

    def _planted(self, trade):
        """Return how frequent each person of a trade is in training, and the pictures of these people.

        The frequencies are shares of the training pictures whose caption is only this trade. The arrays have
        the shapes (people,) and (people, pixels × 3).
        """
        people, pixels = self._people(trade)
        planted = world.bare_shares(trade)
        return numpy.array([planted.get((person.gender, person.tone), 0) for person in people]), pixels


def _shifts(layout, step):
    """Return [(right, down)]: the distances in pixels by which a shape may be moved from its usual place.

    These are all shifts in steps of `step` pixels, up to the largest shift in the training pictures.
    """
    largest = max(right for right, _ in world.SHIFTS[layout])
    pixels = range(-largest, largest + 1, step)
    return [(right, down) for right in pixels for down in pixels]


def _flat(pictures):
    return pictures.reshape(len(pictures), -1).astype(numpy.float32)


def _distances(ones, others):
    """Return the mean squared difference of each row of `ones` from each row of `others`: (ones, others)."""
    squares = (ones**2).sum(1)[:, None] + (others**2).sum(1)
    return (squares - 2 * ones @ others.T).clip(0) / ones.shape[1]


def draw(pipeline, prompts, guidance=4.0, seed=0):
    """Draw a picture of each prompt, as uint8 (prompts, SIZE, SIZE, 3).

    The first picture is drawn from noise with the seed `seed`, and each further picture from the next seed.
    """
    starts = range(0, len(prompts), BATCH)
    return numpy.concatenate(
        [sample(pipeline, prompts[start : start + BATCH], guidance, STEPS, seed + start) for start in starts]
    )


def set_scores(pipeline, classifier, name, guidance, count=None, test=None):
    """Measure one test set, or its first `count` prompts, at one guidance.

    test : (prompt, scene) pairs to use in place of the set called `name` in `world.test_sets`. That set must
        then have the same kind of scene

    Returns a dict. Only test sets of emoji have the last three keys:

    - "prompts": the number of prompts
    - "right": the share of pictures that show exactly what the prompt says
    - "shuffled": the share of pictures that show what another prompt of the set says
    - "distance": the mean distance of a picture from PictureWorld's drawing of the prompt's scene
    - "nearest training": the mean distance of a picture from the nearest training picture
    - "nearer": the share of pictures nearer to the drawing of the prompt's scene than to any training picture
    """
    prompts, scenes = zip(*(test or world.test_sets()[name])[:count], strict=True)
    pictures = draw(pipeline, prompts, guidance)
    shown = [_without_shift(scene) for scene in classifier.scenes(pictures, name)]
    wanted = [_without_shift(scene) for scene in scenes]
    others = [
        next((other for other in wanted[index:] + wanted[:index] if other != scene), None)
        for index, scene in enumerate(wanted)
    ]
    scores = {
        "prompts": len(prompts),
        "right": fmean(one == other for one, other in zip(shown, wanted, strict=True)),
        "shuffled": fmean(one == other for one, other in zip(shown, others, strict=True)),
    }
    if not name.endswith(("shapes", "pairs")):
        nearest = [rmse for _, rmse in classifier.nearest_training(pictures)]
        target = drawing.pictures(scenes, classifier.sprites)
        off = numpy.sqrt(((pictures.astype(numpy.float32) - target) ** 2).mean((1, 2, 3)))
        scores["distance"] = float(off.mean())
        scores["nearest training"] = float(numpy.mean(nearest))
        scores["nearer"] = float((off < nearest).mean())
    return scores


def _without_shift(scene):
    return world.Scene(scene.parts, scene.background, scene.layout)


def bare_trade(pipeline, classifier, trade, guidance, count):
    """Draw `count` pictures whose prompt is only a trade, such as "doctor", and measure whom they show.

    Returns a dict:

    - "gender": {gender: how many pictures are nearest to a person of this gender}
    - "apart": the RMSE between two of these pictures, averaged over all pairs
    - "blurred": how many pictures are nearer to the average of the training pictures than to any person

    Skin tones are not counted, because a blurred picture has the average of all tones, which is no person's
    tone.
    """
    pictures = draw(pipeline, [trade] * count, guidance)
    people = classifier.people(pictures, trade)
    from_blend = numpy.sqrt(_distances(_flat(pictures), classifier.blend(trade)))[:, 0].tolist()
    between = numpy.sqrt(_distances(_flat(pictures), _flat(pictures)))
    genders = Counter(person.gender for person, _ in people)
    return {
        "gender": {gender: genders[gender] for gender in world.GENDERS},
        "apart": float(between[numpy.triu_indices(count, 1)].mean()),
        "blurred": sum(blend < person for blend, (_, person) in zip(from_blend, people, strict=True)),
    }


@torch.no_grad()
def psnr(vae, pictures):
    """Encode and decode pictures with an autoencoder. Return their mean peak signal-to-noise ratio in dB."""
    parts = from_pixels(pictures).split(BATCH)
    decoded = [as_pixels(vae.decode(vae.encode(part).latent_dist.mean).sample) for part in parts]
    errors = numpy.concatenate(decoded).astype(numpy.float32) - pictures
    return float((10 * numpy.log10(255**2 / (errors**2).mean((1, 2, 3)))).mean())


def repeated(pipeline, name, count):
    """Return the mean RMSE of two pictures that were drawn for the same prompt from different noise."""
    prompts = [prompt for prompt, _ in world.test_sets()[name][:count]]
    one, other = (draw(pipeline, prompts, seed=seed).astype(numpy.float32) for seed in (0, 10_000))
    return float(numpy.sqrt(((one - other) ** 2).mean((1, 2, 3))).mean())


def seconds_per_picture(pipeline):
    """Return the median seconds that one picture takes with guidance, if drawn alone and in a batch of 16."""
    seconds = {}
    for name, size, count in (("alone", 1, 5), ("in a batch of 16", 16, 3)):
        measured = []
        for _ in range(count):
            start = time.perf_counter()
            sample(pipeline, ["cat"] * size)
            measured.append((time.perf_counter() - start) / size)
        seconds[name] = float(numpy.median(measured))
    return seconds


def attention_scores(pipeline, classifier, count):
    """Measure whether a word's attention map covers the thing that the word names.

    The model draws the `count` prompts of `world.coloured_objects`, such as "cat on a blue background", all
    from the same noise. The map of the noun's last word is compared with the outline of the emoji. The maps
    of "background" and of the colour's word are compared with the rest of the picture.

    Returns {word: scores}. A map's score is the area under the ROC curve, which is 0.5 for a random map:

    own : the mean score of the word's maps, each compared with its own picture
    shuffled : the mean score if each map is compared with another picture. For example, the map of the next
        picture's noun is compared with the outline of the emoji in this picture
    above : own minus shuffled
    low, high : the 95% interval of this difference (Student's t over pictures)
    """
    side = pipeline.unet.config.sample_size
    pixels = drawing.SIZE // side
    outlines, maps = [], []
    for prompt, scene in world.coloured_objects(count):
        with CrossAttention(pipeline.unet) as attention:
            sample(pipeline, [prompt], steps=STEPS)
        # The maps are averaged over the steps, and leave out the start token: (tokens, side, side).
        everywhere, coarse = (
            attention.maps(layer)[:, -1].mean(0).numpy()[1:] for layer in (None, COARSE_LAYER)
        )
        on = len(pipeline.tokenizer.tokenize(prompt)) - 4  # the noun ends before "on a blue background"
        maps.append(
            {
                "noun": everywhere[on - 1],
                "background": everywhere[on + 3],
                "colour": everywhere[on + 2],
                "colour, one coarse layer": coarse[on + 2],
            }
        )
        alpha = numpy.zeros((drawing.SIZE, drawing.SIZE), numpy.float32)
        margin = (drawing.SIZE - drawing.EMOJI_SIZE) // 2
        alpha[margin:-margin, margin:-margin] = classifier.sprites[scene.parts[0].code][:, :, 3] / 255
        outlines.append(alpha.reshape(side, pixels, side, pixels).mean((1, 3)) > 0.5)
    results = {}
    for word in maps[0]:
        regions = [outline if word == "noun" else ~outline for outline in outlines]
        own, shuffled = (
            numpy.array([_area(map_[word], region) for map_, region in zip(chosen, regions, strict=True)])
            for chosen in (maps, maps[1:] + maps[:1])
        )
        low, high = statistics.mean(own - shuffled)
        scores = {"own": own.mean(), "shuffled": shuffled.mean(), "above": (own - shuffled).mean()}
        results[word] = {name: float(value) for name, value in (scores | {"low": low, "high": high}).items()}
    return results


def _area(values, inside):
    """Return the area under the ROC curve.

    This is the probability that a map's value at a random position inside a region is larger than its value
    at a random position outside.
    """
    return float((values[inside][:, None] > values[~inside][None, :]).mean())
