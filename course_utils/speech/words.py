"""When each word was said, from the decoder's attention to the sound; and captions that show it."""

from course_utils.errors import CourseError
from course_utils.views.picture import array

from .clip import Word

FRAMES_PER_SECOND = 50  # positions of Whisper's encoder
SMOOTHED = 7  # frames: the median filter of the method's authors
SHORTEST_CAPTION = 0.1  # seconds


def word_tokens(processor, ids):
    """The words of a transcript, each with the places of its tokens.

    processor : Whisper's processor, or its tokenizer
    ids : list or tensor of shape (tokens,), with or without the special tokens

    Returns a list of (text, range): the word with its punctuation and without spaces, and the places in `ids`
    of its tokens. Special tokens and times belong to no word. A word begins where a token begins with a
    space. Raises CourseError for another shape.
    """
    tokenizer = getattr(processor, "tokenizer", processor)
    ids = ids.tolist() if hasattr(ids, "tolist") else list(ids)
    if any(not isinstance(each, int) for each in ids):
        raise CourseError("The ids must have the shape (tokens,): of a batch, give one row, such as ids[0].")
    special = set(tokenizer.all_special_ids) | set(tokenizer.get_added_vocab().values())
    words = []
    for place, each in enumerate(ids):
        if each in special:
            continue
        begins = tokenizer.convert_ids_to_tokens(each).startswith("Ġ")  # how the vocabulary writes a space
        if words and words[-1].stop == place and not begins:
            words[-1] = range(words[-1].start, place + 1)
        else:
            words.append(range(place, place + 1))
    texts = [tokenizer.decode(ids[word.start : word.stop]).strip() for word in words]
    return [(text, word) for text, word in zip(texts, words, strict=True) if text]


def word_times(attention, words, seconds):
    """When each word was said, from where the decoder attended as it wrote the word.

    attention : tensor or array of shape (heads, tokens, frames), 50 frames a second: the cross-attention of
    the
        model's alignment heads. Row i belongs to the token at place i of the ids that went in, and so to the
        prediction of the one after it.
    words : what `word_tokens` gives for the same ids; the ids hold at least one token before them
    seconds : the length of the sound; frames after it are left out

    Returns a list of `Word`s, in order and without overlap. A word that follows a silence begins in it.
    Raises CourseError: attention of another shape, words of other ids, no sound.

    Each head's attention is compared with its own mean for that frame, in standard deviations, smoothed, and
    averaged over the heads. Then each token gets a stretch of frames, in order, so that the sum is greatest.
    This is dynamic time warping as in https://github.com/openai/whisper, whisper/timing.py (MIT).
    """
    import numpy

    attention = array(attention)
    if attention.ndim != 3:
        raise CourseError(
            f"The attention must have the shape (heads, tokens, frames), not {attention.shape}."
        )
    frames = min(round(seconds * FRAMES_PER_SECOND), attention.shape[2])
    if frames < 1:
        raise CourseError(f"{seconds} s is no length of a sound in which words were said.")
    if not words:
        return []
    first, last = words[0][1].start, words[-1][1].stop
    if first < 1 or last > attention.shape[1]:
        raise CourseError(
            f"The words are tokens {first} to {last - 1}, and the attention has rows for tokens 1 to "
            f"{attention.shape[1]}: run the model on all ids, <|startoftranscript|> included, and give "
            "word_tokens the same."
        )
    # The row of the last token, which predicts what follows it, takes the frames after the last word.
    rows = attention[:, first - 1 : last, :frames]
    spread = rows.std(axis=1, keepdims=True)
    rows = (rows - rows.mean(axis=1, keepdims=True)) / numpy.where(spread > 0, spread, 1)
    edge = min(SMOOTHED // 2, frames - 1)
    padded = numpy.pad(rows, ((0, 0), (0, 0), (edge, edge)), mode="reflect")
    windows = numpy.lib.stride_tricks.sliding_window_view(padded, 2 * edge + 1, axis=2)
    starts = _stretches(numpy.median(windows, axis=-1).mean(axis=0)) / FRAMES_PER_SECOND
    return [
        Word(text, float(starts[places.start - first]), float(starts[places.stop - first]))
        for text, places in words
    ]


def _stretches(gain):
    """The frame at which each row's stretch begins, so that the sum of `gain` along them is greatest.

    gain : (rows, frames). Stretches lie in order from the first frame to the last; one may begin at the frame
    at
        which the one before ends, so there may be more rows than frames.
    """
    import numpy

    rows, frames = gain.shape
    sums = numpy.concatenate([numpy.zeros((rows, 1)), gain.cumsum(axis=1)], axis=1)
    begins = numpy.zeros((rows, frames), dtype=int)  # of the stretch that ends at this frame
    ends = numpy.zeros((rows, frames), dtype=int)  # of the row above, when this row begins at this frame
    best = sums[0, 1:]
    for row in range(1, rows):
        earlier = numpy.concatenate([[-numpy.inf], best[:-1]])
        ends[row] = numpy.arange(frames) - (earlier >= best)
        entered = numpy.maximum(earlier, best) - sums[row, :-1]
        best = numpy.maximum.accumulate(entered)
        improved = numpy.concatenate([[True], best[1:] > best[:-1]])
        begins[row] = numpy.maximum.accumulate(numpy.where(improved, numpy.arange(frames), 0))
        best = best + sums[row, 1:]
    starts, end = numpy.zeros(rows, dtype=int), frames - 1
    for row in reversed(range(rows)):
        starts[row] = begins[row, end]
        end = ends[row, starts[row]]
    return starts


def captions(words, width=42, gap=1.0):
    """Captions for a player, as the text of a WebVTT file: each stands while its words are said.

    words : list of `Word`s, in order
    width : characters of a caption, at most; a longer word stands alone
    gap : a silence between two words, in seconds, from which on a new caption begins

    Returns str; https://www.w3.org/TR/webvtt1/ is the format.
    """
    groups = []
    for word in words:
        fits = groups and len(" ".join(each.text for each in groups[-1])) + 1 + len(word.text) <= width
        if fits and word.start - groups[-1][-1].end < gap:
            groups[-1].append(word)
        else:
            groups.append([word])
    cues = []
    for group in groups:
        start = group[0].start
        end = max(group[-1].end, start + SHORTEST_CAPTION)  # a player shows none that ends as it begins
        text = " ".join(each.text for each in group)
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        cues.append(f"{_clock(start)} --> {_clock(end)}\n{text}\n")
    return "\n".join(["WEBVTT\n", *cues])


def _clock(seconds):
    """A time as WebVTT writes it."""
    minutes, milliseconds = divmod(round(seconds * 1000), 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{milliseconds / 1000:06.3f}"
