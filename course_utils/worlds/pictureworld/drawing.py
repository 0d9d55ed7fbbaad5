"""Draws the pixels of a scene, which is an emoji on a background or one or two shapes on white."""

import math
from functools import cache

import numpy

from course_utils.worlds.pictureworld import scenes

SIZE = 64  # width and height in pixels
EMOJI_SIZE = 56
_OVERSAMPLING = 4  # shapes are drawn this many times larger in each direction, then averaged
_CENTRES = {"alone": ((32, 32),), "beside": ((16, 32), (48, 32)), "stacked": ((32, 16), (32, 48))}
_CENTRES |= {  # a single shape at a side has the same centre as the shape at this side of a pair
    side: (centre,)
    for layout, sides in scenes.SIDES.items()
    for side, centre in zip(sides, _CENTRES[layout], strict=True)
}


def picture(scene, sprites):
    """Return the pixels of one scene: a uint8 array (SIZE, SIZE, 3) of red, green and blue.

    sprites : dict from an Emoji's code to its uint8 array (EMOJI_SIZE, EMOJI_SIZE, 4), as `sprites.load`
        returns it; scenes of shapes need none
    """
    pixels = numpy.empty((SIZE, SIZE, 3), numpy.uint8)
    pixels[:] = scenes.BACKGROUNDS[scene.background]
    if isinstance(scene.parts[0], scenes.Emoji):
        edge = (SIZE - EMOJI_SIZE) // 2
        inside = slice(edge, edge + EMOJI_SIZE)
        sprite = sprites[scene.parts[0].code].astype(numpy.float32)
        alpha = sprite[:, :, 3:] / 255
        mixed = sprite[:, :, :3] * alpha + pixels[inside, inside] * (1 - alpha)
        pixels[inside, inside] = (mixed + 0.5).astype(numpy.uint8)
        return pixels
    for shape, (x, y) in zip(scene.parts, _CENTRES[scene.layout], strict=True):
        centre = x + scene.shift[0], y + scene.shift[1]
        cover = _cover(shape.form, centre, 20 if scene.layout == "alone" else 13)
        mixed = numpy.array(scenes.COLOURS[shape.colour]) * cover + pixels * (1 - cover)
        pixels = (mixed + 0.5).astype(numpy.uint8)
    return pixels


def pictures(several, sprites):
    """Return the pixels of several scenes: a uint8 array (scenes, SIZE, SIZE, 3). See `picture`."""
    return numpy.stack([picture(scene, sprites) for scene in several])


@cache
def _cover(form, centre, radius):
    """Return the share of each pixel that a form covers, from 0 to 1, as an array (SIZE, SIZE, 1)."""
    steps = (numpy.arange(SIZE * _OVERSAMPLING) + 0.5) / _OVERSAMPLING
    x, y = (steps[None, :] - centre[0]) / radius, (steps[:, None] - centre[1]) / radius
    inside = _FORMS[form](x, y)
    return inside.reshape(SIZE, _OVERSAMPLING, SIZE, _OVERSAMPLING).mean((1, 3))[:, :, None]


def _star(x, y):
    # Compute for each point its angle from the nearest ray of the star, and its distance from the centre.
    angle, distance = numpy.arctan2(x, -y), numpy.hypot(x, y)
    wedge = 2 * math.pi / 5
    off = numpy.abs((angle + wedge / 2) % wedge - wedge / 2)
    inner = 0.42
    # The star's edge is a line from a tip, (1, 0), to a notch. The notch is at the distance `inner` from the
    # centre, at an angle of half a wedge from the ray through the tip. Points on the centre's side of this
    # line are inside the star.
    notch_x, notch_y = inner * math.cos(wedge / 2), inner * math.sin(wedge / 2)
    along, across = distance * numpy.cos(off), distance * numpy.sin(off)
    return across * (1 - notch_x) <= (1 - along) * notch_y


_FORMS = {
    "circle": lambda x, y: x**2 + y**2 <= 1,
    "square": lambda x, y: (abs(x) <= 0.86) & (abs(y) <= 0.86),
    "triangle": lambda x, y: (y <= 0.8) & (y >= -1 + 2 * abs(x) * 0.9),
    "star": _star,
    "cross": lambda x, y: ((abs(x) <= 0.3) & (abs(y) <= 1)) | ((abs(y) <= 0.3) & (abs(x) <= 1)),
    "ring": lambda x, y: (x**2 + y**2 <= 1) & (x**2 + y**2 >= 0.36),
}
