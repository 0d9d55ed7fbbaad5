"""What Whisper writes for a sound: its tokens, and whether it came to an end."""

from typing import NamedTuple

from course_utils.errors import CourseError

from .audio import RATE, read


class Written(NamedTuple):
    """What Whisper wrote for one sound.

    Parameters
    ----------
    ids: tensor (tokens,): the two tokens that it starts from, what it wrote, and its end token if it came to
        an end.
    states: tensor, what the encoder made of the sound: for tiny.en (1500, 384).
    picture: tensor, the sound as the encoder takes it in: for tiny.en (80, 3000).
    capped: whether the text was cut off because it had not ended after the most tokens that were allowed.
    """

    ids: object
    states: object
    picture: object
    capped: bool


def write(model, processor, *sounds, tokens=120):
    """What Whisper writes for each sound, the likeliest token each time, without times.

    model, processor : what `course.load("whisper", size="small")` gives, an English-only size
    sounds : as `read` takes them, 16,000 samples a second; what is longer than the window is cut
    tokens : how many it may write at most

    Returns a list of `Written`s. Raises CourseError: as `read`; more tokens than the model has places for.
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
    sounds = [read(each, rate=RATE) for each in sounds]
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
        text = [each for each in text if each < end]  # the end, times and the rest have higher numbers
        capped = len(text) >= tokens
        ids = [*start, *text] if capped else [*start, *text, end]
        results.append(Written(torch.tensor(ids, device=state.device), state, picture, capped))
    return results
