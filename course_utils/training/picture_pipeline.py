"""Makes and loads the tiny Stable Diffusion, and draws pictures with it.

The model is a StableDiffusionPipeline of diffusers with new, small networks and a tokenizer of its own.
"""

import re
from collections import Counter
from functools import cache
from itertools import pairwise

import numpy
import torch

from course_utils.loading import opening
from course_utils.worlds.pictureworld import drawing, world

LENGTH = 20  # tokens of a caption, including the start and end tokens
FACTOR = 4  # how many times smaller latents are than pictures, in each direction
CHANNELS = 4  # channels of the latents
AUTOENCODER = {
    "down_block_types": ("DownEncoderBlock2D",) * 3,
    "up_block_types": ("UpDecoderBlock2D",) * 3,
    "block_out_channels": (16, 32, 64),
    "layers_per_block": 1,
    "latent_channels": CHANNELS,
    "norm_num_groups": 8,
    "sample_size": drawing.SIZE,
    "scaling_factor": 1.0,  # the latents have variance 1 without scaling
}
DENOISER = {
    "sample_size": drawing.SIZE // FACTOR,
    "down_block_types": ("CrossAttnDownBlock2D",) * 2,
    "up_block_types": ("CrossAttnUpBlock2D",) * 2,
    "block_out_channels": (48, 128),
    "layers_per_block": 1,
    "cross_attention_dim": 128,
    "attention_head_dim": 4,  # diffusers reads this as the number of heads, as in Stable Diffusion 1
    "norm_num_groups": 16,
}
TEXT = {
    "hidden_size": 128,
    "intermediate_size": 512,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": LENGTH,
    "projection_dim": 128,
}
NOISE = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "v_prediction",
    "rescale_betas_zero_snr": True,
    "timestep_spacing": "trailing",
    "clip_sample": False,
    "steps_offset": 1,  # the spacing "trailing" ignores this, but diffusers warns of any other value
}


def new_pipeline(seed=0):
    """Return a pipeline with initial weights that depend only on the seed."""
    import diffusers
    import transformers

    torch.manual_seed(seed)
    tokenizer = make_tokenizer()
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    text = transformers.CLIPTextConfig(
        vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id, **ends, **TEXT
    )
    return opening.pipeline_class()(
        vae=diffusers.AutoencoderKL(**AUTOENCODER),
        text_encoder=transformers.CLIPTextModel(text),
        tokenizer=tokenizer,
        unet=diffusers.UNet2DConditionModel(**DENOISER),
        scheduler=diffusers.DDIMScheduler(**NOISE, set_alpha_to_one=True),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def load(folder, early=False):
    """Load the pipeline in a folder, in float32.

    early : True to load the copy of the denoiser and text encoder that was saved early in their training
    """
    import diffusers
    import transformers

    options = {"dtype": torch.float32, "local_files_only": True, "use_safetensors": True}
    parts = {"safety_checker": None, "feature_extractor": None}
    if early:
        for name, kind in (
            ("unet", diffusers.UNet2DConditionModel),
            ("text_encoder", transformers.CLIPTextModel),
        ):
            parts[name] = kind.from_pretrained(folder / "early", subfolder=name, **options)
    return opening.pipeline_class().from_pretrained(folder, requires_safety_checker=False, **parts, **options)


def make_tokenizer():
    """Return CLIP's tokenizer with a vocabulary in which each word of PictureWorld is one token."""
    import tokenizers
    import transformers

    merges = _merges()
    letters = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    tokens = letters + [letter + "</w>" for letter in letters] + [first + second for first, second in merges]
    tokens = dict.fromkeys([*tokens, "<|startoftext|>", "<|endoftext|>"])
    return transformers.CLIPTokenizer(
        vocab={token: number for number, token in enumerate(tokens)},
        merges=merges,
        model_max_length=LENGTH,
    )


@cache
def _merges():
    """Return the merges with which byte-pair encoding makes each word one token.

    Again and again, the most frequent pair of neighbouring tokens is merged, and of equally frequent pairs
    the first in alphabetical order. The trainer of the library `tokenizers` has no such rule for equally
    frequent pairs, so its vocabulary would differ from process to process.
    """
    distinct = dict.fromkeys(re.findall(r"\w+|[^\w\s]", " ".join(world.captions())))
    words = [[*word[:-1], word[-1] + "</w>"] for word in distinct]
    merges = []
    while counts := Counter(pair for word in words for pair in pairwise(word)):
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges.append(best)
        for word in words:
            index = 0
            while index < len(word) - 1:
                if (word[index], word[index + 1]) == best:
                    word[index : index + 2] = ["".join(best)]
                index += 1
    return merges


def token_ids(tokenizer, captions):
    """Return {caption: its padded token numbers, (LENGTH,)}, with an entry for the empty caption, too."""
    captions = ["", *captions]
    ids = tokenizer(captions, padding="max_length", max_length=LENGTH, truncation=True, return_tensors="pt")
    return dict(zip(captions, ids.input_ids, strict=True))


def sample(pipeline, prompts, guidance=4.0, steps=20, seed=0):
    """Draw a picture of each prompt, each from its own noise: uint8 (prompts, SIZE, SIZE, 3).

    guidance : the strength of classifier-free guidance; 1 switches it off
    steps : the number of denoising steps
    seed : the seed of the first picture's noise; each further picture has the next seed
    """
    pipeline.set_progress_bar_config(disable=True)
    pictures = pipeline(
        list(prompts),
        guidance_scale=guidance,
        num_inference_steps=steps,
        generator=[torch.Generator().manual_seed(seed + index) for index in range(len(prompts))],
        output_type="np",
    ).images
    return (255 * pictures).round().astype(numpy.uint8)


def as_pixels(pictures):
    """Turn values from -1 to 1, (pictures, 3, height, width), into uint8 (pictures, height, width, 3)."""
    return ((pictures.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()


def from_pixels(pictures):
    """Turn uint8 (pictures, height, width, 3) into values from -1 to 1, (pictures, 3, height, width)."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1


def contact_sheet(pictures, columns):
    """Return one Pillow image with all pictures, uint8 (pictures, height, width, 3), side by side in rows."""
    from PIL import Image

    count, height, width, _ = pictures.shape
    rows = -(-count // columns)
    tiles = numpy.full((rows * columns, height, width, 3), 255, numpy.uint8)
    tiles[:count] = pictures
    tiles = tiles.reshape(rows, columns, height, width, 3).swapaxes(1, 2)
    return Image.fromarray(tiles.reshape(rows * height, columns * width, 3))
