"""Writes course_utils/opened/denoising.json: drawings that the page shows before its model is loaded.

The file also has the words that the model knows. Run this program again if the weights have changed:
.venv/bin/python website/store_drawings.py. A test draws two of the drawings again, and compares.
"""

import base64
import io
import json
from pathlib import Path

import numpy

TARGET = Path(__file__).parent.parent / "course_utils" / "opened" / "denoising.json"
PROMPTS = (
    "fox on a blue background",
    "panda on a blue background",
    "owl on a blue background",
    "robot on a blue background",
    "pizza on a blue background",
    "fox on a purple background",
)
SETTINGS = {"seed": 6, "guidance": 4, "steps": 10}
QUALITY = 80


def drawn(pipeline, prompt, seed, guidance, steps):
    """Return uint8 pixels (states, 64, 64, 3), maps (steps, tokens, 16, 16), and the states' noise shares."""
    import torch

    import course_utils as course

    states = [torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(seed))]

    def keep(pipe, step, time, tensors):
        states.append(tensors["latents"])
        return tensors

    options = {"num_inference_steps": steps, "guidance_scale": guidance, "callback_on_step_end": keep}
    with torch.no_grad(), course.CrossAttention(pipeline.unet) as seen:
        pipeline(prompt, latents=states[0], **options)
        pictures = pipeline.vae.decode(torch.cat(states)).sample / 2 + 0.5
    pixels = (255 * pictures.clamp(0, 1)).round().byte().permute(0, 2, 3, 1).numpy()
    tokens = len(pipeline.tokenizer.tokenize(prompt))
    left = pipeline.scheduler.alphas_cumprod[pipeline.scheduler.timesteps].tolist()
    return pixels, seen.maps()[:, -1, 1 : 1 + tokens].numpy(), [*(1 - share for share in left), 0]


def stored(pipeline, prompt, pixels, maps, noise):
    """Return a drawing as the view reads it."""
    from PIL import Image

    film = io.BytesIO()
    Image.fromarray(numpy.concatenate(list(pixels), 1)).save(film, "WEBP", quality=QUALITY, method=6)
    peaks = maps.max((2, 3), keepdims=True)
    return {
        "prompt": prompt,
        **SETTINGS,
        "noise": [round(share, 4) for share in noise],
        "pieces": pipeline.tokenizer.tokenize(prompt),
        "film": f"data:image/webp;base64,{_base64(film.getvalue())}",
        "maps": _base64((255 * maps / peaks).round().astype("uint8").tobytes()),
        "peaks": peaks[:, :, 0, 0].round(4).tolist(),
    }


def _gaps(one, other):
    """Return the RMSE of two drawings in each state, for pixels from 0 to 255."""
    return numpy.sqrt(((one - other) ** 2).mean((1, 2, 3))).round().astype(int).tolist()


def _base64(content):
    return base64.b64encode(content).decode()


def main():
    import course_utils as course
    from course_utils.opened.denoising import known_words

    pipeline = course.load("stable-diffusion", "tiny")
    pipeline.set_progress_bar_config(disable=True)
    drawings = {prompt: drawn(pipeline, prompt, **SETTINGS) for prompt in PROMPTS}
    films = [pixels.astype(float) for pixels, _, _ in drawings.values()]
    data = known_words() | {
        "drawings": [stored(pipeline, prompt, *drawing) for prompt, drawing in drawings.items()],
        "gaps": [[_gaps(one, other) for other in films] for one in films],
        "answers": [],
    }
    TARGET.write_text(json.dumps(data, separators=(",", ":")), encoding="utf-8")


if __name__ == "__main__":
    main()
