"""How long things take on this machine: `make bench` prints it, and nothing fails.

Each time is that of the fastest of three runs. It is also printed as a multiple of the time that importing
torch and transformers takes here, so that two machines can be compared.
"""

import itertools
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ANSWER = """
import course_utils as course
course.setup("00_open_the_box")
model, tokenizer = course.load("llama")
chat = [{"role": "user", "content": "What is the capital of France?"}]
inputs = tokenizer.apply_chat_template(
    chat, add_generation_prompt=True, return_tensors="pt", return_dict=True
)
model.generate(**inputs, max_new_tokens=16, do_sample=False)
"""
LIBRARIES = "import torch\nfrom transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM\n"


def fastest(step, count=3):
    """Runs `step` a few times, each time with the run's number. Returns the seconds of the fastest run."""
    seconds = []
    for number in range(count):
        start = time.perf_counter()
        step(number)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def process(*arguments):
    """Returns a step that runs Python in a new process."""
    command = [sys.executable, *arguments]
    return lambda _: subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def moves(control, values):
    """Returns a step that sets a control of an explorer to the next of the values."""
    return lambda number: setattr(control, "value", values[number % len(values)])


def commands():
    """Yields (name, step) for what a learner waits for before the first cell."""
    yield "import course_utils", process("-c", "import course_utils")
    yield "course --help", process("-m", "course_utils", "--help")
    yield "course blueprint: all published sizes", process("-m", "course_utils", "blueprint")
    yield "lesson 00, from the first import to the first answer", process("-c", LIBRARIES + ANSWER)


def cells():
    """Yields (name, step) for what a learner waits for in a lesson."""
    import numpy
    import torch

    import course_utils as course
    from course_utils.opened.attention import Attention
    from course_utils.opened.audit import Audit
    from course_utils.opened.denoising import Denoising
    from course_utils.opened.fits import Fits
    from course_utils.opened.patching import Patching
    from course_utils.opened.sampling import Sampling

    model, tokenizer = course.load("llama", size="small")
    yield "load SmolLM2 again", lambda _: course.load("llama", size="small")
    yield "load Whisper", lambda _: course.load("whisper", size="small")

    numbers = [float(number) for number in range(1000)]
    yield (
        "check a function that returns 1,000 numbers",
        lambda _: course.check("1", list, (numbers,), numbers),
    )

    logits = numpy.random.default_rng(0).normal(size=49_152) * 3
    yield "Sampling: another temperature", moves(Sampling(logits, str).temperature, (0.5, 1.5, 2.5))
    yield "Fits: another memory", moves(Fits().memory, (2, 80, 640))
    shares = {f"trade {number}": numpy.linspace(0.2, 0.8, 30) for number in range(36)}
    yield (
        "Audit: another temperature",
        moves(Audit({}, dict.fromkeys("abc", shares)).temperature, (0.5, 0, 2)),
    )

    def pieces(text):
        return tokenizer.batch_decode([[token] for token in tokenizer(text)["input_ids"]])

    def weights(text):
        with torch.no_grad():
            inputs = tokenizer(text, return_tensors="pt")
            return torch.cat(model(**inputs, output_attentions=True).attentions)

    seen = Attention(weights, pieces, "The capital of France is", layer=23, head=4)
    yield "Attention: another layer", moves(seen.layer, (1, 2, 3))
    sentences = [f"{animal} sat on the mat with a big red dog" for animal in ("A cat", "The hen", "One ant")]
    yield "Attention: another sentence of 12 tokens, a run of the model", moves(seen.text, sentences)

    def patch(source, target):
        ids = [tokenizer(text, return_tensors="pt")["input_ids"][0] for text in (source, target)]
        patched = course.opened.patch_everywhere(model, *ids)
        return ["a", "b"], patched[..., 0]

    countries = [f"The capital of {country} is" for country in ("Italy", "Spain", "Japan", "Egypt")]
    patching = Patching(patch, pieces, countries[0], "The capital of France is")
    yield "Patching: another country, 150 patches in one run", moves(patching.source, countries[1:])

    pipeline = course.load("stable-diffusion", "tiny")
    pipeline.set_progress_bar_config(disable=True)

    def draw(prompts, seed, guidance, steps):
        start = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(seed))
        start = start.expand(len(prompts), -1, -1, -1)
        settings = {"guidance_scale": guidance, "num_inference_steps": steps, "output_type": "latent"}
        with course.CrossAttention(pipeline.unet) as attention:
            latents = pipeline(prompts, latents=start, **settings).images
        maps = attention.maps()[:, -len(prompts) :].mean(0)[:, 1:]
        words = [prompt.split() for prompt in prompts]
        return course.opened.Drawn([latents] * (steps + 1), [0.0] * (steps + 1), words, maps)

    def decode(latents):
        with torch.no_grad():
            decoded = pipeline.vae.decode(latents).sample
        return (decoded / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1)

    drawn = Denoising(draw, decode, ("doctor", "cook"))
    yield "Denoising: another pair, twenty guided steps", moves(drawn.seed, (1, 2, 3))
    yield "Denoising: another step of it", moves(drawn.step, (1, 5, 9))


def main():
    reference = fastest(process("-c", LIBRARIES))
    load = f", load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores" if hasattr(os, "getloadavg") else ""
    print(f"{reference:8.3f} s         import torch and transformers, the measure of all{load}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["COURSE_ANSWERS"] = str(Path(folder) / "answers.json")
        for what, step in itertools.chain(commands(), cells()):
            seconds = fastest(step)
            print(f"{seconds:8.3f} s {seconds / reference:6.3f}  {what}", flush=True)


if __name__ == "__main__":
    main()
