"""Shows pictures in a row or in a grid, each with words below or beside it."""

from html import escape

import numpy
from PIL import Image

from course_utils.views.picture import LINE, QUIET, Picture, array, card, png_url

_WIDTH = 128  # pixels: on a wide page, each picture is shown this wide, even if it is smaller


def picture_strip(images, captions, *, title=None, width=_WIDTH) -> Picture:
    """Draw pictures side by side, in as many rows as the page needs, each with a caption below it.

    images : list of pictures: Pillow images, or (height, width, 3) arrays or tensors of whole numbers from 0
        to 255 or of floats from 0 to 1.
    captions : list of str, one for each picture.
    title : str, written above the pictures.
    width : int, the width of a picture on a wide page, in pixels.

    Raises ValueError if there is not one caption for each picture, or if a picture has an unexpected shape.
    """
    cells = "".join(
        f'<div style="min-width:0">{image_html(image, _comma_separated(title, caption))}'
        f'<div style="margin-top:3px;font-size:13px;line-height:1.3">{escape(caption)}</div></div>'
        for image, caption in zip(images, captions, strict=True)
    )
    columns = f"repeat(auto-fill,minmax({min(width, 96)}px,{width}px))"
    html = f'<div style="display:grid;gap:12px 10px;grid-template-columns:{columns}">{cells}</div>'
    return Picture(card(html, title), f"{len(images)} pictures: {'; '.join(captions)}")


def picture_grid(rows, columns, *, title=None, note=None, alt=None, captions=None) -> Picture:
    """Draw pictures as a grid whose columns stay aligned on a narrow page.

    rows : dict from a row's label to a list of pictures, one for each column, in the forms that
        `picture_strip` takes.
    columns : list of str, what each column shows.
    title, note : str, written above and below the grid.
    alt : str, all pictures in words; by default rows, columns and captions.
    captions : dict from a row's label to the list of its pictures' captions (str).

    Raises ValueError if a row does not have one picture for each column, or if a picture has an unexpected
    shape.
    """
    look = f"display:grid;gap:6px;grid-template-columns:repeat({len(columns)},minmax(0,{_WIDTH}px))"
    heads = "".join(
        f'<div style="min-width:0;overflow-wrap:break-word;color:{QUIET}">{escape(column)}</div>'
        for column in columns
    )
    html, words = f'<div style="{look};font-size:13px;line-height:1.2">{heads}</div>', []
    for label, images in rows.items():
        below = (captions or {}).get(label, [""] * len(columns))
        cells = "".join(
            f'<div style="min-width:0">{image_html(image, _comma_separated(title, label, column, caption))}'
            f'<div style="font-size:13px;line-height:1.2;overflow-wrap:break-word">{escape(caption)}</div>'
            "</div>"
            for image, column, caption in zip(images, columns, below, strict=True)
        )
        html += f'<div style="margin:8px 0 2px 0">{escape(label)}</div><div style="{look}">{cells}</div>'
        words.append(f"{label}: {', '.join(below)}" if any(below) else label)
    alt = alt or f"Pictures in rows ({'; '.join(words)}) and columns ({', '.join(columns)})"
    return Picture(card(html, title, note), alt)


def _comma_separated(*parts):
    """Join the parts that are not empty with commas. The result describes one of several pictures."""
    return ", ".join(filter(None, parts))


def image_html(image, alt):
    """Return HTML of a picture: an <img> that is as wide as the element around it.

    image : as in `picture_strip`.
    alt : str, the picture in words.
    """
    return (
        f'<img alt="{escape(alt)}" style="display:block;width:100%;max-width:100%;height:auto;margin:0;'
        f'border:1px solid {LINE};box-sizing:border-box" src="{png_url(Image.fromarray(as_pixels(image)))}">'
    )


def as_pixels(image):
    """Return a picture of any accepted kind as a (height, width, 3) array of whole numbers from 0 to 255.

    image : as in `picture_strip`.

    Raises ValueError if the picture has an unexpected shape.
    """
    if hasattr(image, "convert"):  # a Pillow image
        image = image.convert("RGB")
    elif hasattr(image, "detach"):  # a tensor
        image = array(image) if image.is_floating_point() else image.cpu()
    pixels = numpy.asarray(image)
    if pixels.ndim != 3 or pixels.shape[2] != 3:
        raise ValueError(f"a picture is (height, width, 3), and this one is {pixels.shape}")
    if pixels.dtype != numpy.uint8:
        pixels = (pixels if pixels.dtype.kind in "iu" else 255 * pixels).clip(0, 255).round().astype("uint8")
    return pixels
