"""The emoji's pixels: Google's Noto images, from a package of npm, or as they came with the course.

`load()` gives what came with the course: the 680 emoji of PictureWorld, in one sheet beside the weights.
`fetch()` makes that sheet anew: it downloads the package once, compares its sha256, and takes those 680.
"""

import os
import tarfile
from pathlib import Path

import numpy

from course_utils import downloads, sources
from course_utils.errors import CourseError

from .drawing import EMOJI_SIZE
from .world import EMOJI

PACKAGE = "emoji-datasource-google 16.0.0"
URL = "https://registry.npmjs.org/emoji-datasource-google/-/emoji-datasource-google-16.0.0.tgz"
BYTES = 74_344_091
SHA256 = "fb5fd131b362aab7a55542d2a147a79708cce0a8b1c1bbacd470172708b5c438"
SHEET = "emoji.webp"  # rows of COLUMNS emoji in the order of world.EMOJI, without loss
COLUMNS = 40
COURSE_SHEET = sources.TRAINED_HERE / "pictureworld-stable-diffusion" / SHEET


def load(path=COURSE_SHEET) -> dict:
    """From each emoji's code to its uint8 array (EMOJI_SIZE, EMOJI_SIZE, 4): red, green, blue, opacity."""
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
    """The sheet of all emoji in `folder`, made from the package's own images unless it is there already.

    Raises CourseError where the package can't be had.
    """
    path = Path(folder) / SHEET
    if path.exists():
        return path
    from PIL import Image

    archive = _package(Path(folder))
    rows = -(-len(EMOJI) // COLUMNS)
    sheet = numpy.zeros((rows * EMOJI_SIZE, COLUMNS * EMOJI_SIZE, 4), numpy.uint8)
    place = {f"package/img/google/64/{emoji.code}.png": number for number, emoji in enumerate(EMOJI)}
    with tarfile.open(archive) as package:
        for member in package:
            if (number := place.pop(member.name, None)) is not None:
                # Pillow weighs colours by opacity on its own when it resizes: no white fringes.
                with Image.open(package.extractfile(member)) as image:
                    image = image.convert("RGBA").resize((EMOJI_SIZE, EMOJI_SIZE), Image.Resampling.LANCZOS)
                row, column = (EMOJI_SIZE * each for each in divmod(number, COLUMNS))
                sheet[row : row + EMOJI_SIZE, column : column + EMOJI_SIZE] = image
    if place:
        raise CourseError(f"{PACKAGE} has no {next(iter(place))}: its sha256 was right, so report this.")
    part = path.with_name(f"part-{os.getpid()}-{SHEET}")
    Image.fromarray(sheet).save(part, "WEBP", lossless=True, quality=80, method=4)
    os.replace(part, path)
    archive.unlink()
    return path


def _package(folder):
    """The package's archive, downloaded and verified."""
    archive, part = folder / "emoji.tgz", folder / "emoji.tgz.part"
    if archive.exists():
        return archive
    session, _ = downloads.package_indexes()  # pip's certificate and proxy
    try:
        downloads.download(session, URL, part, PACKAGE, BYTES, SHA256, progress=True)
    except downloads.Unavailable as failure:
        raise CourseError(
            f"The emoji could not be fetched from {downloads.place(URL)} ({failure}); check the network and "
            "its proxy, and run this again: what has arrived is kept."
        ) from failure
    os.replace(part, archive)
    return archive
