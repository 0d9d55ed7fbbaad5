"""Loads the pixels of PictureWorld's 680 emoji. They are Google's Noto images, and come with the course.

The emoji are in one sheet beside the weights. The sheet was made from npm's package PACKAGE, whose archive
has the SHA-256 fb5fd131b362aab7a55542d2a147a79708cce0a8b1c1bbacd470172708b5c438. Each of the package's images
package/img/google/64/CODE.png was resized by Pillow's LANCZOS to EMOJI_SIZE, and saved without loss.
"""

import numpy

from course_utils.errors import CourseError
from course_utils.loading import store
from course_utils.worlds.pictureworld.drawing import EMOJI_SIZE
from course_utils.worlds.pictureworld.scenes import EMOJI

PACKAGE = "emoji-datasource-google 16.0.0"
SHEET = "emoji.webp"  # rows of COLUMNS emoji, in the order of scenes.EMOJI, compressed without loss
COLUMNS = 40
COURSE_SHEET = store.TRAINED_HERE / "pictureworld-stable-diffusion" / SHEET


def load(path=COURSE_SHEET) -> dict:
    """Return a dict from each emoji's code to its RGBA pixels, a uint8 array (EMOJI_SIZE, EMOJI_SIZE, 4).

    Raises CourseError if the file can't be read.
    """
    from PIL import Image

    try:
        sheet = numpy.asarray(Image.open(path).convert("RGBA"))
    except OSError as error:
        raise CourseError(
            f"The emoji's pictures came with the course, and {path} can't be read ({error}): install the "
            "course again, or restore the file with git."
        ) from error
    rows = len(sheet) // EMOJI_SIZE
    tiles = sheet.reshape(rows, EMOJI_SIZE, COLUMNS, EMOJI_SIZE, 4).swapaxes(1, 2)
    tiles = tiles.reshape(-1, EMOJI_SIZE, EMOJI_SIZE, 4)
    return {emoji.code: tile for emoji, tile in zip(EMOJI, tiles, strict=False)}
