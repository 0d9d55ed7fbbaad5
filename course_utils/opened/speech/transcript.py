"""Transcribes sound with Whisper, times each word, counts the errors, and makes captions."""

import re
from html import escape
from itertools import zip_longest
from typing import NamedTuple

import numpy

from course_utils.errors import CourseError
from course_utils.opened.speech.audio import read
from course_utils.opened.speech.clip import RATE, Word, clips
from course_utils.views.picture import array

FRAMES_PER_SECOND = 50  # positions a second in the output of Whisper's encoder
SMOOTHED = 7  # frames in the median filter, as in Whisper's own whisper/timing.py
SHORTEST_CAPTION = 0.1  # seconds in the shortest caption


class Written(NamedTuple):
    """What Whisper wrote for one sound.

    ids : tensor (tokens,): the two start tokens, the tokens that Whisper wrote and, if it finished the text,
        the end token.
    states : tensor, the encoder's output: for tiny.en (1500, 384).
    picture : tensor, the encoder's input: for tiny.en (80, 3000).
    capped : True if the text was cut off at the largest allowed number of tokens.
    """

    ids: object
    states: object
    picture: object
    capped: bool


def write(model, processor, *sounds, tokens=120, rate=RATE):
    """Let Whisper write the text of each sound, always taking the most likely token, and without times.

    model, processor : what `course.load("whisper", size="small")` returns, or another English-only size
    sounds : samples as for `read`; sound longer than 29.5 seconds is cut
    tokens : the most tokens that Whisper may write for each sound
    rate : samples a second of all sounds: 16,000 for the clips and for what `read` returns. Samples don't
        contain their rate, so give it for sound from elsewhere: at a wrong rate, the text is nonsense

    Returns a list of `Written`s. Raises CourseError as `read` does, and if the model has too few positions
    for `tokens`.
    """
    import torch
    from transformers.modeling_outputs import BaseModelOutput

    start = processor.tokenizer.convert_tokens_to_ids(["<|startoftranscript|>", "<|notimestamps|>"])
    end = model.config.eos_token_id
    most = model.config.max_target_positions - len(start)
    if not 1 <= tokens <= most:
        raise CourseError(
            f"Whisper has {model.config.max_target_positions} positions for tokens, and starts from "
            f"{len(start)} tokens: `tokens` is from 1 to {most}, not {tokens}."
        )
    sounds = [read(samples, rate=rate) for samples in sounds]
    inputs = processor(sounds, sampling_rate=RATE, return_tensors="pt", return_attention_mask=True)
    with torch.no_grad():
        states = model.model.encoder(inputs.input_features.to(model.device, model.dtype)).last_hidden_state
        texts = model.generate(
            encoder_outputs=BaseModelOutput(states),
            attention_mask=inputs.attention_mask.to(model.device),
            max_length=tokens,
        )
    results = []
    for text, state, picture in zip(texts.tolist(), states, inputs.input_features, strict=True):
        text = [token for token in text if token < end]  # special tokens have higher ids than the end token
        capped = len(text) >= tokens
        ids = [*start, *text] if capped else [*start, *text, end]
        results.append(Written(torch.tensor(ids, device=state.device), state, picture, capped))
    return results


def transcripts(model, processor, sounds):
    """Return what Whisper writes for several sounds. One run for all takes half as long as one run for each.

    sounds : list of samples, float32 of shape (samples,), 16,000 a second; what is beyond 30 seconds is cut
    """
    inputs = processor(sounds, sampling_rate=RATE, return_tensors="pt", return_attention_mask=True)
    inputs = inputs.to(model.device)
    tokens = model.generate(
        inputs.input_features.to(model.dtype), attention_mask=inputs.attention_mask, max_length=200
    )
    return processor.batch_decode(tokens, skip_special_tokens=True)


def listen(model, processor, samples):
    """Let Whisper write the text of a sound, with each word's probability, its time, and its attention.

    model, processor : as for `write`
    samples : float32 of shape (samples,), 16,000 a second; sound longer than 29.5 seconds is cut

    Returns a dict of lists with an entry for each word: "words", "spans" with (start, end) in seconds,
    "chances" with probabilities from 0 to 1, and "attention" with tensors (positions,), 50 positions a
    second. A word's probability is the product of its tokens' probabilities. Raises CourseError as `write`
    does.
    """
    import torch

    samples = read(samples, rate=RATE)
    (written,) = write(model, processor, samples)
    with torch.no_grad():
        output = model(
            encoder_outputs=(written.states[None],),
            decoder_input_ids=written.ids[None],
            output_attentions=True,
        )
    ids = written.ids
    chances = output.logits[0].softmax(-1)[range(len(ids) - 1), ids[1:]]
    aligned = model.generation_config.alignment_heads  # (layer, head) of each head that follows the sound
    heads = torch.stack([output.cross_attentions[layer][0, head] for layer, head in aligned])
    words = word_tokens(processor, ids)
    seconds = len(samples) / RATE
    attention = heads.mean(0)[:, : int(seconds * FRAMES_PER_SECOND)]
    rows = [
        slice(places.start - 1, places.stop - 1) for _, places in words
    ]  # row n of the output predicts token n + 1
    return {
        "words": [word for word, _ in words],
        "spans": [(word.start, word.end) for word in word_times(heads, words, seconds)],
        "chances": [chances[row].prod().item() for row in rows],
        "attention": [attention[row].mean(0) for row in rows],
    }


def plain_words(text):
    """Return the words of a text as a list, in lower case and without punctuation.

    A hyphen separates two words, an apostrophe belongs to its word, and "mr" becomes "mister".
    """
    text = re.sub(r"[^\w']+", " ", text.lower())
    return re.sub(r"\bmr\b", "mister", text).split()


def word_pairs(said, heard):
    """Align the heard words with the said words, with the fewest errors, as jiwer does.

    said, heard : lists of str, words; `said` has at least one

    Returns a list of pairs (said, heard). `heard` is None for a word that was left out, and
    `said` is None for a word that was added.
    """
    import jiwer

    pairs = []
    for chunk in jiwer.process_words(" ".join(said), " ".join(heard)).alignments[0]:
        ours = said[chunk.ref_start_idx : chunk.ref_end_idx]
        theirs = heard[chunk.hyp_start_idx : chunk.hyp_end_idx]
        pairs += zip_longest(ours, theirs)
    return pairs


def errors_by_clip(texts):
    """Count the word errors in texts that were written for the clips. As in lesson 09, leave out punctuation.

    texts : dict from the name of each clip to a text, as in `voices()`

    Returns two lists with a number for each clip: the errors in its text, and the words said in the clip.
    """
    errors, counts = [], []
    for name, clip in clips().items():
        said = clip.transcript.split()
        pairs = word_pairs(said, plain_words(texts[name]))
        errors.append(sum(one != other for one, other in pairs))
        counts.append(len(said))
    return errors, counts


def word_tokens(processor, ids):
    """Return the words of a transcript, each with the indices of its tokens.

    processor : Whisper's processor, or its tokenizer
    ids : list or tensor of shape (tokens,), with or without the special tokens

    Returns a list of (text, range): the word with its punctuation and without spaces, and the indices of its
    tokens in `ids`. A token that begins with a space begins a word. Special tokens and tokens for
    times belong to no word. Raises CourseError if `ids` has another shape.
    """
    tokenizer = getattr(processor, "tokenizer", processor)
    ids = ids.tolist() if hasattr(ids, "tolist") else list(ids)
    if not all(isinstance(token, int) for token in ids):
        raise CourseError("The ids must have the shape (tokens,): of a batch, give one row, such as ids[0].")
    special = set(tokenizer.all_special_ids) | set(tokenizer.get_added_vocab().values())
    words = []
    for index, token in enumerate(ids):
        if token in special:
            continue
        begins = tokenizer.convert_ids_to_tokens(token).startswith("Ġ")  # the vocabulary writes a space as Ġ
        if words and words[-1].stop == index and not begins:
            words[-1] = range(words[-1].start, index + 1)
        else:
            words.append(range(index, index + 1))
    texts = [tokenizer.decode(ids[word.start : word.stop]).strip() for word in words]
    return [(text, word) for text, word in zip(texts, words, strict=True) if text]


def word_times(attention, words, seconds):
    """Find the time of each word from the frames that the decoder attended to while it wrote the word.

    attention : tensor or array of shape (heads, tokens, frames), 50 frames a second: the cross-attention of
        the model's alignment heads. Row i belongs to the token at index i of the input ids, and so to the
        prediction of the next token.
    words : what `word_tokens` returns for the same ids; these ids need at least one token before the words
    seconds : the length of the sound; later frames are not used

    Returns a list of `Word`s, in order and without overlap. A word after a silence begins in the silence.
    Raises CourseError if the attention has another shape, if the words come from other ids, or if there is no
    sound.

    For each head and frame, the attention is expressed in standard deviations from the mean over the tokens.
    The result is smoothed and averaged over the heads. Each token then gets consecutive frames, in
    order, so that the sum over all tokens is as large as possible. This is dynamic time warping as in
    https://github.com/openai/whisper, whisper/timing.py (MIT).
    """
    attention = array(attention)
    if attention.ndim != 3:
        raise CourseError(
            f"The attention must have the shape (heads, tokens, frames), not {attention.shape}."
        )
    frames = min(round(seconds * FRAMES_PER_SECOND), attention.shape[2])
    if frames < 1:
        raise CourseError(f"A sound of {seconds} s is too short to contain words.")
    if not words:
        return []
    first, last = words[0][1].start, words[-1][1].stop
    if first < 1 or last > attention.shape[1]:
        raise CourseError(
            f"The words are tokens {first} to {last - 1}, and the attention has rows for tokens 1 to "
            f"{attention.shape[1]}: run the model on all ids, <|startoftranscript|> included, and give "
            "word_tokens the same."
        )
    # The last row predicts the token after the last word, so this row takes the frames after that word.
    rows = attention[:, first - 1 : last, :frames]
    spread = rows.std(axis=1, keepdims=True)
    rows = (rows - rows.mean(axis=1, keepdims=True)) / numpy.where(spread > 0, spread, 1)
    edge = min(SMOOTHED // 2, frames - 1)
    padded = numpy.pad(rows, ((0, 0), (0, 0), (edge, edge)), mode="reflect")
    windows = numpy.lib.stride_tricks.sliding_window_view(padded, 2 * edge + 1, axis=2)
    starts = _stretches(numpy.median(windows, axis=-1).mean(axis=0)) / FRAMES_PER_SECOND
    return [
        Word(text, float(starts[tokens.start - first]), float(starts[tokens.stop - first]))
        for text, tokens in words
    ]


def _stretches(gain):
    """Divide the frames among the rows so that the sum of `gain` is greatest; return each row's first frame.

    gain : (rows, frames). Each row gets a stretch of consecutive frames: the first row's stretch begins at
        the first frame, and the last row's ends at the last frame. Two neighbouring stretches may share one
        frame, so there may be more rows than frames.
    """
    rows, frames = gain.shape
    sums = numpy.concatenate([numpy.zeros((rows, 1)), gain.cumsum(axis=1)], axis=1)
    # begins[row, frame]: the first frame of the row's stretch, if the stretch ends at `frame`.
    begins = numpy.zeros((rows, frames), dtype=int)
    # ends[row, frame]: the last frame of the previous row's stretch, if the row's stretch begins at `frame`:
    # frame - 1, or `frame` itself if the two stretches share this frame.
    ends = numpy.zeros((rows, frames), dtype=int)
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


def captions(words, width=42):
    """Return captions for a player as the text of a WebVTT file: each is shown while its words are spoken.

    words : list of `Word`s, in order
    width : the most characters in a caption; a longer word has a caption of its own

    After a second of silence, a new caption begins. The format is that of https://www.w3.org/TR/webvtt1/.
    """
    groups = []
    for word in words:
        fits = groups and len(_joined(groups[-1])) + 1 + len(word.text) <= width
        if fits and word.start - groups[-1][-1].end < 1:
            groups[-1].append(word)
        else:
            groups.append([word])
    cues = []
    for group in groups:
        start = group[0].start
        end = max(group[-1].end, start + SHORTEST_CAPTION)  # players do not show a caption of length 0
        cues.append(f"{_clock(start)} --> {_clock(end)}\n{escape(_joined(group), quote=False)}\n")
    return "\n".join(["WEBVTT\n", *cues])


def _joined(words):
    return " ".join(word.text for word in words)


def _clock(seconds):
    """Return a time in the format of WebVTT."""
    minutes, milliseconds = divmod(round(seconds * 1000), 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{milliseconds / 1000:06.3f}"
