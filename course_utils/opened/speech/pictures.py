"""Draws speech: a player, the mel picture with its words, and the transcript that a model wrote.

The mel picture is the spectrogram that Whisper reads: how loud each band of frequencies is at each time.
"""

import io
import re
from html import escape

import numpy
import soundfile
from PIL import Image

from course_utils.views.picture import (
    INK,
    LINE,
    MONO,
    QUIET,
    VERMILLION,
    Picture,
    array,
    card,
    data_url,
    number,
    png_url,
    row_html,
    scrolled,
    table_html,
)
from course_utils.views.text import bar, invisible_note, percent, piece_html, token_html, visible

FRAMES_PER_SECOND = 100  # frames a second in Whisper's mel picture
_MEL, _ROW = 150, 30  # the heights of the mel picture and of a row of words, in pixels
_NOMINAL = 400  # the picture's least width in pixels; even at this width the words in a row don't overlap

# The element is as wide as the page, and can be scrolled if its content is wider. Without the first two
# properties, a widget around the element would grow with the content.
_SCROLLED = "width:0;min-width:100%;overflow-x:auto"
_LETTER = 8.2  # the mean width of a letter in pixels, at a font size of 15px
_SCALE_LEFT = 48  # width of the scale on the left of the mel picture, in pixels
_TIMES = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60)  # possible seconds between two marks on the time axis

# The shades of the mel picture go from light (silent) to dark (loud), so it can be read without colour.
_SHADES = ("#ffffff", "#d6e6f2", "#7fb3d8", "#2b6ca3", "#14324d", "#000000")


def spectrogram(mel, *, words=(), spans=()) -> Picture:
    """Draw a mel picture, with words above it at their times.

    mel : (bands, frames), logarithms of power as Whisper computes them, 100 frames a second.
    words : list of str.
    spans : list with, for each word, (start, end) in seconds.
    """
    mel = array(mel)
    bands, seconds = mel.shape[0], mel.shape[1] / FRAMES_PER_SECOND
    rows = _rows(words, spans, seconds)
    top = _ROW * (max(rows, default=-1) + 1)
    inner = f'<div style="position:absolute;top:{top}px;left:0;width:100%">{_mel_image(mel, seconds)}</div>'
    for word, span, row in zip(words, spans, rows, strict=True):
        inner += _label(word, span, seconds, row, top)
    inner += _time_axis(seconds, top + _MEL)
    size = f"position:relative;height:{top + _MEL + 42}px"
    html = scrolled(
        f'<div style="{size};min-width:{_NOMINAL}px;padding-left:{_SCALE_LEFT}px">'
        f'{_frequency_axis(bands, top)}<div style="{size}">{inner}</div></div>',
        _SCROLLED,
    )
    note = "Dark: loud. Upwards: higher frequencies, in mel bands, which lie closer where pitches are low."
    alt = f"Mel picture of {seconds:.1f} seconds, {bands} bands."
    if words:
        note += " Each word stands above its time."
        listed = [f"{word.strip()} {start:.1f} s" for word, (start, _) in zip(words, spans, strict=True)]
        alt += f" {'; '.join(listed)}."
    return Picture(card(html, note=note), alt)


def decoding(steps) -> Picture:
    """Draw how a transcript was written: each token, its probability, and the tokens that were not chosen.

    steps : list with, for each token of the transcript, a list of (token, probability from 0 to 1). The first
        token of this list was chosen, and the others were not.
    """
    cell = f"padding:3px 5px;border:none;background:#ffffff;color:{INK};vertical-align:middle;text-align:left"
    heads = "".join(
        f'<th style="{cell};color:{QUIET};font-weight:400">{head}</th>'
        for head in ("", "token", "", "", "not taken")
    )
    rows, words = row_html(heads), []
    for step, ((piece, chance), *rest) in enumerate(steps, 1):
        listed = " &nbsp; ".join(
            f'<span style="white-space:nowrap">{token_html(other)} {escape(percent(share, 0))}</span>'
            for other, share in rest
        )
        rows += row_html(
            f'<td style="{cell};text-align:right;padding-left:0;color:{QUIET}">{step}</td>'
            f'<td style="{cell};white-space:nowrap">{piece_html(piece)}</td>'
            f'<td style="{cell};width:30%;min-width:48px">{bar(chance)}</td>'
            f'<td style="{cell};text-align:right;white-space:nowrap">{escape(percent(chance, 0))}</td>'
            f'<td style="{cell};color:{QUIET}">{listed}</td>',
            f";border-top:1px solid {LINE}",
        )
        words.append(f"{visible(piece)} {percent(chance, 0)}")
        if rest:
            words[-1] += f", not {visible(rest[0][0])} {percent(rest[0][1], 0)}"
    everything = [piece for candidates in steps for piece, _ in candidates]
    alt = f"{len(steps)} tokens: {'; '.join(words)}"
    return Picture(card(scrolled(table_html(rows), _SCROLLED), note=invisible_note(everything)), alt)


def alignment(rows, *, title=None) -> Picture:
    """Draw the spoken words, and below them the words that a model heard, and mark each error.

    rows : dict from a label to a list of pairs (spoken word, heard word). The second is None if the
        transcript lacks the word, and the first is None if the transcript added a word.
    title : str, written above the picture.
    """
    html, words = "", []
    for label, pairs in rows.items():
        errors = [_error(*pair) for pair in pairs if pair[0] != pair[1]]
        words.append(f"{label}: {_count(pairs)} words{': ' if errors else ''}{', '.join(errors)}")
        columns = "".join(_column(*pair) for pair in pairs)
        html += (
            '<div style="display:flex;flex-wrap:wrap;gap:4px 16px;padding:8px 0 2px 0;'
            f'border-top:1px solid {LINE}"><div style="flex:0 0 84px"><b>{escape(label)}</b>'
            f'<div style="color:{QUIET};font-size:13px">{_count(pairs)}</div></div>'
            f'<div style="flex:1 1 240px;min-width:0">{columns}</div></div>'
        )
    marks = " &nbsp; ".join(
        f'<span style="white-space:nowrap"><b>{sign}</b> {meaning}</span>'
        for sign, meaning in (("≠", "another word"), ("−", "left out"), ("+", "added"))
    )
    html += (
        f'<div style="margin-top:6px;padding-top:8px;border-top:1px solid {LINE};font-size:13px;'
        f'color:{QUIET}">Above: what was said. Below, where it differs: what was heard. {marks}.</div>'
    )
    return Picture(card(html, title), f"Errors of words said. {'; '.join(words)}")


def player(samples, rate, words, *, captions=None):
    """Return a player for a sound, with a description of the sound below it.

    samples : (samples,) from −1 to 1; if a sample is outside, the whole sound is made quieter.
    rate : int, samples per second.
    words : str, a description of the sound, for readers who can't hear it.
    captions : str, the content of a WebVTT file, whose captions the player shows while the sound plays.

    The sound is compressed (MP3, a few kB a second) and is part of the page.
    """
    name = f"Sound, {len(samples) / rate:.1f} seconds"  # the name that screen readers read
    source = data_url(_mp3(array(samples), rate), "audio/mpeg")
    look = "display:block;width:100%;max-width:420px"
    if captions is None:
        html = (
            f'<audio controls preload="metadata" title="{name}" '
            f'style="{look};margin-bottom:8px" src="{source}"></audio>'
        )
    else:
        # A player without pictures always shows its controls over its lower half, so the captions move up.
        captions = re.sub(r"(--> [\d:.]+)", r"\1 line:20%", captions)
        # A page shows captions only over a <video>, so this one has sound and no pictures.
        html = (
            f'<video controls preload="metadata" title="{name}" src="{source}" '
            f'style="{look};height:300px;background:{INK}">'
            f'<track default kind="captions" srclang="en" label="Captions" '
            f'src="{data_url(captions.encode("utf-8"), "text/vtt")}"></video>'
        )
    return Picture(card(f'{html}<div style="margin-top:4px">{escape(words)}</div>'), f"{name}: {words}")


def _label(word, span, seconds, row, above):
    """Return HTML of a word in its row, at the time when it was said, and a line down to the mel picture."""
    left, right = (_along(time, seconds) for time in span)
    look = f"padding:1px 5px;font-family:{MONO};font-size:15px;color:{INK}"
    text = f'<span style="{look}">{piece_html(word.strip())}</span>'
    text = f'<span style="display:inline-block;background:#ffffff;">{text}</span>'
    top = row * _ROW
    if _wide(word) > (1 - left / 100) * _NOMINAL:
        # The word has no room to the right of its start time, so its right edge stands at its end time.
        side = f"left:0;width:{max(right, 1)}%;text-align:right;"
    else:
        side = f"left:{left}%;"
    down = (
        f'<span style="position:absolute;top:{top + _ROW - 4}px;height:{above - top - _ROW + 10}px;'
        f'left:{left}%;width:0;border-left:1px solid {QUIET}"></span>'
    )
    return (
        f'{down}<span style="position:absolute;z-index:1;top:{top}px;{side}white-space:nowrap;'
        f'line-height:20px">{text}</span>'
    )


def _rows(words, spans, seconds):
    """Return for each word the number of the uppermost row in which the word overlaps no other word."""
    ends, rows = [], []
    for word, (start, end) in zip(words, spans, strict=True):
        left, wide = _along(start, seconds) * _NOMINAL / 100, _wide(word)
        if left + wide > _NOMINAL:
            left = max(0, _along(end, seconds) * _NOMINAL / 100 - wide)
        row = next((row for row, taken in enumerate(ends) if taken <= left), len(ends))
        ends[row : row + 1] = [left + wide + 4]
        rows.append(row)
    return rows


def _wide(word):
    return _LETTER * len(word.strip()) + 14


def _along(seconds, length):
    return round(100 * min(max(seconds / length, 0), 1), 2)


def _mel_image(mel, seconds):
    """Return the mel picture as an <img>, as wide as the page, with the lowest band at the bottom."""
    low, high = mel.min(), mel.max()
    shares = (mel[::-1] - low) / (high - low or 1)  # 0 is light, 1 is dark
    picture = Image.fromarray((255 * shares).round().astype(numpy.uint8), mode="P")
    ends = numpy.array([tuple(bytes.fromhex(shade[1:])) for shade in _SHADES])
    indices = numpy.linspace(0, 255, len(_SHADES))
    palette = [numpy.interp(numpy.arange(256), indices, channel) for channel in ends.T]
    picture.putpalette(numpy.stack(palette, 1).round().astype(numpy.uint8).tobytes())
    return (
        f'<img alt="Mel picture of {seconds:.1f} seconds: how loud each band is at each time" '
        f'style="display:block;width:100%;max-width:100%;height:{_MEL}px;margin:0" src="{png_url(picture)}">'
    )


def _time_axis(seconds, top):
    step = next((step for step in _TIMES if seconds / step <= 8), _TIMES[-1])
    axis = ""
    for index in range(int(seconds / step + 1e-6) + 1):
        time = step * index
        if time > 0.97 * seconds:
            break
        left = _along(time, seconds)
        axis += (
            f'<div style="position:absolute;top:{top}px;height:5px;left:{left}%;width:0;'
            f'border-left:1px solid {INK}"></div>'
            f'<div style="position:absolute;top:{top + 6}px;left:{max(0, left - 4)}%;width:8%;'
            f'text-align:{"left" if time == 0 else "center"};font-size:13px;line-height:16px;color:{INK}">'
            f"{number(round(time, 1))}</div>"
        )
    return axis + (
        f'<div style="position:absolute;top:{top + 22}px;left:0;width:100%;text-align:center;font-size:13px;'
        f'line-height:18px;color:{INK}">seconds</div>'
    )


def _frequency_axis(bands, above):
    look = (
        f"position:absolute;left:0;width:{_SCALE_LEFT - 6}px;text-align:right;font-size:13px;line-height:14px"
    )

    def top(band):
        return round(above + _MEL * (1 - (band + 0.5) / bands)) - 7

    axis = "".join(
        f'<div style="{look};color:{INK};top:{top(band)}px">{band}</div>' for band in range(0, bands - 10, 20)
    )
    return f'{axis}<div style="{look};color:{QUIET};top:{above - 4}px">mel band</div>'


def _count(pairs):
    """Return the number of errors and the number of spoken words, such as "2 of 9"."""
    errors = sum(reference != heard for reference, heard in pairs)
    return f"{errors} of {sum(reference is not None for reference, _ in pairs)}"


def _column(reference, heard):
    """Return HTML of one spoken word; if another word was heard, that word is below it."""
    text = f"font-family:{MONO};font-size:14px;line-height:20px;white-space:nowrap;color:{INK}"
    if reference == heard:
        return (
            '<span style="display:inline-block;vertical-align:top;margin:0 1px 6px 0;padding:2px 4px;'
            f'{text}"><bdi>{escape(reference)}</bdi></span> '
        )
    sign, line = ("+", "dashed") if reference is None else ("≠", "solid")
    if heard is None:
        sign, line = "−", "dotted"
    above = "&nbsp;" if reference is None else f"<bdi>{escape(reference)}</bdi>"
    below = "&nbsp;" if heard is None else f"<b><bdi>{escape(heard)}</bdi></b>"
    return (
        f'<span style="display:inline-block;vertical-align:top;margin:0 3px 6px 0;padding:1px 4px;{text};'
        f'border:2px {line} {VERMILLION};border-radius:4px;background:#ffe7d6;text-align:center">'
        f"{above}<br><b>{sign}</b> {below}</span> "
    )


def _error(reference, heard):
    if reference is None:
        return f"{heard} added"
    return f"{reference} left out" if heard is None else f"{reference} heard as {heard}"


def _mp3(samples, rate):
    """Return the sound as the bytes of an MP3 file."""
    buffer = io.BytesIO()
    soundfile.write(buffer, samples / max(1, abs(samples).max()), rate, format="MP3")
    return buffer.getvalue()
