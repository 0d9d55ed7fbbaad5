"""Loads the emoji's pixels, Google's Noto images, from the course's own file, or makes that file again.

`load()` reads the file that comes with the course: a sheet of PictureWorld's 680 emoji, next to the weights.
`fetch()` makes that sheet again from a package of npm: it downloads the package, compares its sha256, and
takes the 680 emoji out of it.
"""

import os
import tarfile
from pathlib import Path

import numpy

from course_utils import files
from course_utils.errors import CourseError
from course_utils.loading import downloads, package_index, store
from course_utils.worlds.pictureworld.drawing import EMOJI_SIZE
from course_utils.worlds.pictureworld.scenes import EMOJI

PACKAGE = "emoji-datasource-google 16.0.0"
URL = "https://registry.npmjs.org/emoji-datasource-google/-/emoji-datasource-google-16.0.0.tgz"
BYTES = 74_344_091
SHA256 = "fb5fd131b362aab7a55542d2a147a79708cce0a8b1c1bbacd470172708b5c438"
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


def fetch(folder) -> Path:
    """Return the path of the emoji sheet in `folder`. If the sheet is missing, make it from the package.

    Raises CourseError if the emoji package can't be downloaded, or if an emoji is missing from it.
    """
    path = Path(folder) / SHEET
    if path.exists():
        return path
    from PIL import Image

    archive = _package(Path(folder))
    rows = -(-len(EMOJI) // COLUMNS)
    sheet = numpy.zeros((rows * EMOJI_SIZE, COLUMNS * EMOJI_SIZE, 4), numpy.uint8)
    missing = {f"package/img/google/64/{emoji.code}.png": index for index, emoji in enumerate(EMOJI)}
    with tarfile.open(archive) as package:
        for member in package:
            if (index := missing.pop(member.name, None)) is not None:
                # Pillow weights colours by opacity when it resizes, so no white fringes appear.
                with Image.open(package.extractfile(member)) as image:
                    image = image.convert("RGBA").resize((EMOJI_SIZE, EMOJI_SIZE), Image.Resampling.LANCZOS)
                row, column = (EMOJI_SIZE * step for step in divmod(index, COLUMNS))
                sheet[row : row + EMOJI_SIZE, column : column + EMOJI_SIZE] = image
    if missing:
        raise CourseError(f"{PACKAGE} has no {next(iter(missing))}: its sha256 was right, so report this.")
    with files.replacing(path) as part:
        Image.fromarray(sheet).save(part, "WEBP", lossless=True, quality=80, method=4)
    archive.unlink()
    return path


def _package(folder):
    """Return the path of the package's archive. Download and verify the archive if it is not in `folder`."""
    archive, part = folder / "emoji.tgz", folder / "emoji.tgz.part"
    if archive.exists():
        return archive
    session, _ = package_index.connect()  # the session uses pip's certificate and proxy
    try:
        downloads.download(session, URL, part, PACKAGE, BYTES, SHA256)
    except downloads.Unavailable as failure:
        raise CourseError(
            f"The emoji could not be fetched from {downloads.host(URL)} ({failure}); check the network and "
            "its proxy, and run this again: what has arrived is kept."
        ) from failure
    os.replace(part, archive)
    return archive
