"""Small pictures side by side: on the way from noise, with other settings, or with attention to a word."""

from html import escape

from .picture import LINE, QUIET, Picture, array, card, png_url

_WIDTH = 128  # pixels of a picture on a wide page; the browser enlarges smaller pictures smoothly
_DARK = 27, 31, 36  # the course's ink: covers the parts of a picture that do not look at a word


def picture_strip(images, captions, title=None, note=None, alt=None, width=_WIDTH):
    """Draw pictures in a row that wraps, each with a caption below it.

    Parameters
    ----------
    images: list of pictures: Pillow images, or (height, width, 3) arrays or tensors of whole numbers from 0
        to 255 or of floats from 0 to 1.
    captions: list of str, one for each picture.
    title: str above the pictures.
    note: str below the pictures.
    alt: str, the description; by default the captions.
    width: int, pixels of a picture on a wide page.

    Returns
    -------
    Picture

    Raises
    ------
    ValueError: if the numbers of captions and pictures differ, or a picture has another shape.
    """
    cells = "".join(
        f'<div style="min-width:0">{image_html(image, _joined(title, caption))}'
        f'<div style="margin-top:3px;font-size:13px;line-height:1.3">{escape(caption)}</div></div>'
        for image, caption in zip(images, captions, strict=True)
    )
    columns = f"repeat(auto-fill,minmax({min(width, 96)}px,{width}px))"
    body = f'<div style="display:grid;gap:12px 10px;grid-template-columns:{columns}">{cells}</div>'
    return Picture(card(body, title, note), alt or f"{len(images)} pictures: {'; '.join(captions)}")


def picture_grid(rows, columns, title=None, note=None, alt=None, captions=None):
    """Draw pictures as a grid whose columns stay aligned on a narrow page.

    Parameters
    ----------
    rows: dict from a label to the list of its pictures, as in `picture_strip`, one for each column.
    columns: list of str, what each column is.
    title, note: str above and below.
    alt: str, the description; by default rows, columns and captions.
    captions: dict from the label of a row to a list of str, the captions of its pictures.

    Returns
    -------
    Picture

    Raises
    ------
    ValueError: if a row has more or fewer pictures than columns, or a picture has another shape.
    """
    captions = captions or {}
    look = f"display:grid;gap:6px;grid-template-columns:repeat({len(columns)},minmax(0,{_WIDTH}px))"
    heads = "".join(
        f'<div style="min-width:0;overflow-wrap:anywhere;color:{QUIET}">{escape(column)}</div>'
        for column in columns
    )
    body, said = f'<div style="{look};font-size:13px;line-height:1.2">{heads}</div>', []
    for label, images in rows.items():
        below = captions.get(label, [""] * len(columns))
        cells = "".join(
            f'<div style="min-width:0">{image_html(image, _joined(title, label, column, caption))}'
            f'<div style="font-size:13px;line-height:1.2">{escape(caption)}</div></div>'
            for image, column, caption in zip(images, columns, below, strict=True)
        )
        body += f'<div style="margin:8px 0 2px 0">{escape(label)}</div><div style="{look}">{cells}</div>'
        said.append(f"{label}: {', '.join(below)}" if any(below) else label)
    words = f"Pictures in rows ({'; '.join(said)}) and columns ({', '.join(columns)})"
    return Picture(card(body, title, note), alt or words)


def _joined(*parts):
    """Join the parts that are not empty with commas, as the description of one picture of several."""
    return ", ".join(filter(None, parts))


def denoising_strip(rows, noise, title=None, alt=None):
    """Draw how pictures develop from noise: a column for each state, with its step and its share of noise.

    Parameters
    ----------
    rows: dict from a label to the list of its pictures, as in `picture_strip`, one for each state.
    noise: dict from the step of each state to its share of noise, from 0 to 1.
    title: str above the pictures.
    alt: str, the description; by default the rows, the steps and their noise.

    Returns
    -------
    Picture

    Raises
    ------
    ValueError: if a row has more or fewer pictures than there are states.
    """
    columns = [noise_words(step, share) for step, share in noise.items()]
    note = "Noise: the share of a state's variance that is noise, by the scheduler's plan."
    return picture_grid(rows, columns, title, note, alt)


def noise_words(step, share):
    """Return a state of the denoising in words: "step 3: 71% noise"."""
    return f"{'start' if step == 0 else f'step {step}'}: {share:.0%} noise"


def word_maps(image, words, maps, title=None, alt=None):
    """Draw a picture once for each word: the parts that look at the word are bright, the others dark.

    Parameters
    ----------
    image: the picture, as in `picture_strip`.
    words: list of str, the tokens of the prompt.
    maps: (words, height, width), the attention that each part of the picture pays to each word.
    title: str above the pictures.
    alt: str, the description; by default the mean attention to each word, and where it is highest.

    Returns
    -------
    Picture

    Raises
    ------
    ValueError: if the numbers of words and maps differ.
    """
    from PIL import Image

    maps, pixels = array(maps), as_pixels(image)
    lit, captions = [], []
    for word, weights in zip(words, maps, strict=True):
        mask = Image.fromarray((255 * spotlight(weights)).astype("uint8"))
        mask = mask.resize((pixels.shape[1], pixels.shape[0]), Image.Resampling.BICUBIC)
        lit.append(Image.composite(Image.fromarray(pixels), Image.new("RGB", mask.size, _DARK), mask))
        captions.append(f"{word}: {weights.mean():.0%}")
    note = (
        "Lit: the places that look at the word most, each word from its own least (dark) to its own most. "
        "Percent: a place's attention to it, averaged over the picture; what they lack of 100% goes to the "
        "marks at the prompt's two ends."
    )
    listed = "; ".join(
        f"{caption}, {_place(weights)}" for caption, weights in zip(captions, maps, strict=True)
    )
    return picture_strip(lit, captions, title, note, alt or f"Attention to each word: {listed}", width=96)


def spotlight(weights):
    """Return a map stretched to the range from 0 to 1; if all its values are the same, all become 1.

    Parameters
    ----------
    weights: (height, width) array.
    """
    low, high = weights.min(), weights.max()
    return (weights - low) / (high - low) if high > low else weights * 0 + 1


def _place(weights):
    """Say in words where a map is highest: "most at the top left"."""
    if weights.min() == weights.max():
        return "the same everywhere"
    height, width = weights.shape
    row, column = divmod(int(weights.argmax()), width)
    named = ("top", "", "bottom")[3 * row // height], ("left", "", "right")[3 * column // width]
    return f"most at the {' '.join(filter(None, named)) or 'middle'}"


def shade_html(weights, alt):
    """Return a map as an <img> to lay over a picture: dark, and more transparent where attention is higher.

    Parameters
    ----------
    weights: (height, width) array.
    alt: str.
    """
    import numpy
    from PIL import Image

    alpha = (235 * (1 - spotlight(weights))).astype("uint8")
    pixels = numpy.dstack([*(numpy.full_like(alpha, channel) for channel in _DARK), alpha])
    return f'<img class="course-shade" alt="{escape(alt)}" src="{png_url(Image.fromarray(pixels))}">'


def image_html(image, alt):
    """Return a picture as an <img> that is as wide as the element that contains it.

    Parameters
    ----------
    image: as in `picture_strip`.
    alt: str.
    """
    from PIL import Image

    return (
        f'<img alt="{escape(alt)}" style="display:block;width:100%;max-width:100%;height:auto;margin:0;'
        f'border:1px solid {LINE};box-sizing:border-box" src="{png_url(Image.fromarray(as_pixels(image)))}">'
    )


def as_pixels(image):
    """Return any picture as a (height, width, 3) array of whole numbers from 0 to 255.

    Parameters
    ----------
    image: as in `picture_strip`.

    Raises
    ------
    ValueError: if the picture has another shape.
    """
    import numpy

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
