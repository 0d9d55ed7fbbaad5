"""Makes the tokenizers of the tiny models: one token for each word or character, and four special tokens."""

from collections.abc import Sequence

PAD, BEGIN, END, UNKNOWN = "<pad>", "<s>", "</s>", "<unk>"


def tokenizer(vocabulary: Sequence[str], pattern: str, decoder):
    """Return a fast tokenizer of transformers.

    The tokenizer puts <s> before a text. The code that trains or scores the model adds </s> where needed.

    vocabulary : all tokens, in the order of their ids
    pattern : a regular expression that matches one token; what lies between two matches is dropped
    decoder : a decoder of the library tokenizers, which joins tokens to a text
    """
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    numbers = {token: number for number, token in enumerate(vocabulary)}
    inner = Tokenizer(models.WordLevel(numbers, unk_token=UNKNOWN))
    inner.pre_tokenizer = pre_tokenizers.Split(Regex(pattern), behavior="removed", invert=True)
    inner.decoder = decoder
    inner.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A", special_tokens=[(BEGIN, numbers[BEGIN])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        bos_token=BEGIN,
        eos_token=END,
        pad_token=PAD,
        unk_token=UNKNOWN,
        clean_up_tokenization_spaces=False,
    )
