"""Converts a Whisper model in CTranslate2's format back into the format of transformers.

CTranslate2's `model.bin` is a list of named arrays, so numpy is enough to read it. All its numbers are
little-endian. The file contains, in this order:

- a 32-bit version (6), the name of the model's class, and a 32-bit revision;
- a 32-bit number of arrays, and then for each array: its name, an 8-bit number of dimensions, the 32-bit
  dimensions, an 8-bit type, a 32-bit length in bytes, and these bytes;
- a 32-bit number of aliases, and then for each alias: its name, and the name of the array it stands for.

A name is a 16-bit length, followed by a text of that many bytes, whose last byte is zero.

Source: `ctranslate2.specs.model_spec`, https://github.com/OpenNMT/CTranslate2 (MIT).
"""

import json
import struct

from course_utils.errors import CourseError

VERSION = 6
KIND = "WhisperSpec"
TYPES = ("<f4", "<i1", "<i2", "<i4", "<f2")  # numpy's types, indexed by CTranslate2's type number

# {CTranslate2's name of a part of a layer: transformers' names}. If transformers has several names,
# CTranslate2 stores the matrices of these names as one matrix, in this order.
ATTENTION = {"layer_norm": ["self_attn_layer_norm"], "linear_1": ["self_attn.out_proj"]}
ATTENTION |= {"linear_0": ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"]}
CROSS_ATTENTION = {"layer_norm": ["encoder_attn_layer_norm"], "linear_0": ["encoder_attn.q_proj"]}
CROSS_ATTENTION |= {"linear_1": ["encoder_attn.k_proj", "encoder_attn.v_proj"]}
CROSS_ATTENTION |= {"linear_2": ["encoder_attn.out_proj"]}
FEED_FORWARD = {"layer_norm": ["final_layer_norm"], "linear_0": ["fc1"], "linear_1": ["fc2"]}
LAYER = {"self_attention": ATTENTION, "attention": CROSS_ATTENTION, "ffn": FEED_FORWARD}
# {CTranslate2's name: transformers' name} of the parts that belong to no layer.
OUTSIDE = {"embeddings": "embed_tokens", "layer_norm": "layer_norm", "conv1": "conv1", "conv2": "conv2"}
OUTSIDE |= {"position_encodings": "embed_positions"}
# {last part of a name in CTranslate2: last part of the same name in transformers}
ENDINGS = {"gamma": "weight", "beta": "bias", "encodings": "weight", "weight": "weight", "bias": "bias"}


def read_arrays(file):
    """Return the named arrays of a CTranslate2 file: {name: numpy array}.

    file : path of a `model.bin`

    Raises CourseError if this module can't read the file.
    """
    import numpy

    content = memoryview(file.read_bytes())
    offset = 0

    def take(kind):
        nonlocal offset
        (value,) = struct.unpack_from(f"<{kind}", content, offset)
        offset += struct.calcsize(f"<{kind}")
        return value

    def take_name():
        nonlocal offset
        length = take("H")
        offset += length
        return bytes(content[offset - length : offset - 1]).decode()

    try:
        found = (take("I"), take_name(), take("I"))
        if found[:2] != (VERSION, KIND):
            raise ValueError(f"it is of version {found[0]}, {found[1]}")
        arrays = {}
        for _ in range(take("I")):
            name = take_name()
            shape = [take("I") for _ in range(take("B"))]
            kind, length = TYPES[take("B")], take("I")
            arrays[name] = numpy.frombuffer(content[offset : offset + length], kind).reshape(shape)
            offset += length
    except (struct.error, ValueError, IndexError) as error:
        raise CourseError(
            f"{file} is not a Whisper model of CTranslate2 that this course can read ({error}): delete it, "
            "and run this again to fetch it once more."
        ) from error
    return arrays


def state_dict(arrays):
    """Return the arrays under transformers' names, as float32 tensors.

    If CTranslate2 stores several matrices as one, this matrix is cut into equal parts. In Whisper, the layers
    that compute keys have no bias, but CTranslate2 stores zeros as their bias; these zeros are dropped. The
    output projection is the same matrix as the embedding of the decoder's tokens.
    """
    import torch

    tensors = {}
    for name, values in arrays.items():
        if values.dtype.char != "e":  # "e" is float16, the type of all weights; other arrays are settings
            continue
        part, *path, ending = name.split("/")
        ending = ENDINGS[ending]
        values = torch.from_numpy(values.astype("float32"))
        if path[0].startswith("layer_") and path[0] != "layer_norm":
            layer = path[0].removeprefix("layer_")
            names = LAYER[path[1]][path[2]]
            for new, piece in zip(names, values.chunk(len(names)), strict=True):
                if not (new.endswith("k_proj") and ending == "bias"):
                    tensors[f"model.{part}.layers.{layer}.{new}.{ending}"] = piece.clone()
        else:
            tensors[f"model.{part}.{OUTSIDE[path[0]]}.{ending}"] = values
    tensors["proj_out.weight"] = tensors["model.decoder.embed_tokens.weight"]
    return tensors


def to_transformers(source, target, hub_id):
    """Write a folder that `WhisperForConditionalGeneration` and `WhisperProcessor` load.

    source : folder with CTranslate2's model.bin, config.json and tokenizer.json
    target : an empty folder
    hub_id : the original model's name, which is stored in the config

    Raises CourseError if model.bin can't be read.
    """
    import transformers

    arrays = read_arrays(source / "model.bin")
    tokenizer = _tokenizer(source / "tokenizer.json")
    settings = json.loads((source / "config.json").read_text(encoding="utf-8"))
    special = _special_tokens(tokenizer)
    model = transformers.WhisperForConditionalGeneration(_config(arrays, special, hub_id))
    model.load_state_dict(state_dict(arrays))
    model.generation_config = transformers.GenerationConfig(
        **special,
        is_multilingual=False,
        max_length=model.config.max_target_positions,
        max_initial_timestamp_index=50,  # the first timestamp is at most 50 steps of 0.02 s, which is 1 s
        no_timestamps_token_id=tokenizer.convert_tokens_to_ids("<|notimestamps|>"),
        prev_sot_token_id=tokenizer.convert_tokens_to_ids("<|startofprev|>"),
        return_timestamps=False,
        alignment_heads=settings["alignment_heads"],
        suppress_tokens=settings["suppress_ids"],
        begin_suppress_tokens=settings["suppress_ids_begin"],
    )
    model.save_pretrained(target)
    features = transformers.WhisperFeatureExtractor(feature_size=model.config.num_mel_bins)
    transformers.WhisperProcessor(features, tokenizer).save_pretrained(target)
    # Rewrite the tokenizer's file as one line, which loads 8 times as fast as 265,000 lines.
    written = target / "tokenizer.json"
    parts = json.loads(written.read_text(encoding="utf-8"))
    written.write_text(json.dumps(parts, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


def _tokenizer(file):
    """Return Whisper's tokenizer with the 1,501 timestamp tokens that CTranslate2's file lacks."""
    import transformers

    added = json.loads(file.read_text(encoding="utf-8"))["added_tokens"]
    # Declare all special tokens, because transformers treats each token after the last special token as a
    # timestamp.
    special = [token["content"] for token in added if token["special"]]
    tokenizer = transformers.WhisperTokenizer(tokenizer_file=str(file), extra_special_tokens=special)
    times = [f"<|{step * 0.02:.2f}|>" for step in range(1501)]
    tokenizer.add_tokens([transformers.AddedToken(time, normalized=False) for time in times])
    return tokenizer


def _special_tokens(tokenizer):
    end = tokenizer.convert_tokens_to_ids("<|endoftext|>")
    start = tokenizer.convert_tokens_to_ids("<|startoftranscript|>")
    return {"bos_token_id": end, "eos_token_id": end, "pad_token_id": end, "decoder_start_token_id": start}


def _config(arrays, special, hub_id):
    """Return Whisper's configuration, derived from the shapes of the arrays."""
    import transformers

    def layers(part):
        return len(
            {name.split("/")[1] for name in arrays if name.startswith(f"{part}/layer_") and "ffn" in name}
        )

    vocabulary, width = arrays["decoder/embeddings/weight"].shape
    config = transformers.WhisperConfig(
        **special,
        vocab_size=vocabulary,
        d_model=width,
        num_mel_bins=arrays["encoder/conv1/weight"].shape[1],
        max_source_positions=len(arrays["encoder/position_encodings/encodings"]),
        max_target_positions=len(arrays["decoder/position_encodings/encodings"]),
        encoder_layers=layers("encoder"),
        decoder_layers=layers("decoder"),
        encoder_attention_heads=int(arrays["encoder/num_heads"]),
        decoder_attention_heads=int(arrays["decoder/num_heads"]),
        encoder_ffn_dim=len(arrays["encoder/layer_0/ffn/linear_0/bias"]),
        decoder_ffn_dim=len(arrays["decoder/layer_0/ffn/linear_0/bias"]),
    )
    config.name_or_path = hub_id
    return config
