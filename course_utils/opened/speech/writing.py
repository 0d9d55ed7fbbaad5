"""Runs Whisper on sounds, and returns the tokens that it writes and whether it ended by itself."""

from typing import NamedTuple

from course_utils.errors import CourseError
from course_utils.opened.speech.audio import RATE, read


class Written(NamedTuple):
    """What Whisper wrote for one sound.

    Parameters
    ----------
    ids: tensor (tokens,): the two start tokens, the tokens that it wrote, and its end token if it ended the
        text.
    states: tensor, the encoder's output: for tiny.en (1500, 384).
    picture: tensor, the encoder's input: for tiny.en (80, 3000).
    capped: True if the text was cut off because it reached the most tokens allowed.
    """

    ids: object
    states: object
    picture: object
    capped: bool


def write(model, processor, *sounds, tokens=120, rate=RATE):
    """Let Whisper write the text of each sound, always with the likeliest token, and without times.

    model, processor : what `course.load("whisper", size="small")` gives, an English-only size
    sounds : samples as for `read`; sound longer than 29.5 seconds is cut
    tokens : the most tokens that it may write
    rate : samples a second of all sounds: 16,000 for the clips and for what `read` returns. Samples don't say
        their rate, so give it for sound from elsewhere: at a wrong rate, the text is nonsense

    Returns a list of `Written`s. Raises CourseError as `read` does, and if `tokens` is more than the model
    has positions for.
    """
    import torch
    from transformers.modeling_outputs import BaseModelOutput

    start = processor.tokenizer.convert_tokens_to_ids(["<|startoftranscript|>", "<|notimestamps|>"])
    end = model.config.eos_token_id
    most = model.config.max_target_positions - len(start)
    if not 1 <= tokens <= most:
        raise CourseError(
            f"Whisper has {model.config.max_target_positions} places for tokens, and {len(start)} of them go "
            f"to those that it starts from: `tokens` is from 1 to {most}, not {tokens}."
        )
    sounds = [read(each, rate=rate) for each in sounds]
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
        text = [each for each in text if each < end]  # the end token, times and the like have higher ids
        capped = len(text) >= tokens
        ids = [*start, *text] if capped else [*start, *text, end]
        results.append(Written(torch.tensor(ids, device=state.device), state, picture, capped))
    return results
