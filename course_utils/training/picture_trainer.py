"""Trains a tiny Stable Diffusion from its seed to its pipeline: two processes, resumable, with a live page.

Four stages, one after the other, each with a checkpoint of its own:

1. `autoencoder`: pictures to 16x16x4 latents and back. Then each channel of the latents is shifted and scaled
   to mean 0 and variance 1, inside the convolutions next to them, and all latents are kept.
2. `decoder`: latents to pictures once more, with the encoder frozen.
3. `denoiser`: the UNet and the text encoder, on noisy latents.
4. `places`: the text encoder and the UNet's cross-attention once more, on pictures whose captions say where
   each shape is; all other weights are frozen.

Two processes share each step, on any machine: each takes half of the batch with one thread, and their
gradients are averaged. The random numbers of a step depend only on the seed, the stage, the step and the
process, so a checkpoint holds weights, their running averages, AdamW's two averages and the losses so far.
"""

import json
import multiprocessing
import os
import re
import shutil
import signal
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy
import torch
from torch.nn.functional import l1_loss, mse_loss

from course_utils.errors import CourseError
from course_utils.loading import models, sources
from course_utils.training.workplace import (
    LivePage,
    load_optimizer,
    mean_losses,
    optimizer_tensors,
    replace,
    same_settings,
    writing,
)
from course_utils.worlds.pictureworld import drawing, sprites, world

NAME = "stable-diffusion"
PROCESSES = 2  # the same on any machine, because the sums, and so the weights, depend on it
SECONDS_BETWEEN_CHECKPOINTS = 100
LENGTH = 20  # tokens of a caption, with both ends
DENOISING = ("denoiser", "places")  # the stages that learn what captions say


@dataclass(frozen=True)
class Recipe:
    """All settings of the training, apart from the pictures.

    autoencoder_steps, decoder_steps, denoiser_steps, places_steps : number of steps of each stage
    autoencoder_fall : steps over which the autoencoder's learning rate would decay to zero; its stage
        ends earlier (the decoder's rate does reach zero, at the end of its stage)
    *_batch : pictures in one step, over both processes: for the first two stages, and for the last two
    *_rate : maximum of AdamW's learning rate
    warmup : number of steps in which the rate rises
    denoiser_level : steps before the denoiser's rate begins to decay linearly to 2%; the stage `places` uses
        the same share of its own steps
    average : weight of each new step in the running averages, which become the final weights; the old average
        keeps 1 - this
    nameless : share of the captions that are replaced by empty ones, because guidance needs these
    early : number of denoiser steps after which a copy is saved
    """

    name: str = NAME
    title: str = "Stable Diffusion of PictureWorld"
    autoencoder_steps: int = 1_500
    decoder_steps: int = 1_000
    denoiser_steps: int = 6_000
    places_steps: int = 1_600
    autoencoder_fall: int = 2_200
    autoencoder_batch: int = 32
    denoiser_batch: int = 48
    autoencoder_rate: float = 2e-3
    decoder_rate: float = 1e-3
    denoiser_rate: float = 1e-3
    places_rate: float = 2e-3
    denoiser_level: int = 2_400
    warmup: int = 100
    average: float = 0.002
    divergence: float = 1e-3
    edges: float = 0.5
    nameless: float = 0.1
    early: int = 900
    clip: float = 1.0
    seed: int = 0


RECIPE = Recipe()
AUTOENCODER = {
    "down_block_types": ("DownEncoderBlock2D",) * 3,
    "up_block_types": ("UpDecoderBlock2D",) * 3,
    "block_out_channels": (16, 32, 64),
    "layers_per_block": 1,
    "latent_channels": 4,
    "norm_num_groups": 8,
    "sample_size": drawing.SIZE,
    "scaling_factor": 1.0,  # the latents have variance 1 already
}
DENOISER = {
    "sample_size": drawing.SIZE // 4,
    "down_block_types": ("CrossAttnDownBlock2D",) * 2,
    "up_block_types": ("CrossAttnUpBlock2D",) * 2,
    "block_out_channels": (48, 128),
    "layers_per_block": 1,
    "cross_attention_dim": 128,
    "attention_head_dim": 4,  # which diffusers reads as the number of heads, as in Stable Diffusion 1
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
    "steps_offset": 1,  # "trailing" has no use for it, and diffusers warns of any other value
}
WATCHED = (  # what the live page shows as the training goes on
    "cat on a blue background",
    "woman doctor with dark skin",
    "doctor",
    world.HELD_OUT_PEOPLE[0].name,
    "a red circle left of a blue square",
    "left: a red circle, right: a blue square",
)


def train(steps=None, minutes=None, folder=None, recipe=RECIPE):
    """Train the tiny Stable Diffusion, or go on where an earlier call was stopped; returns its folder.

    steps : fewer in each stage than the recipe has, for a quick try
    minutes : pause after so many; the same call goes on from there
    folder : where to work; by default `training/stable-diffusion` in the course's cache

    The folder gets `loss.html`, which renews itself in a browser: the losses, and pictures as they get
    better; checkpoints, at least every two minutes; at the end `model`, which diffusers' `from_pretrained`
    loads. Returns None when `minutes` came first.

    Raises CourseError: no emoji to be had, a folder of other settings, a disk that is full.
    """
    folder = sources.cache_folder() / "training" / NAME if folder is None else Path(folder)
    if steps is not None:
        if steps < 3:
            raise CourseError(f"{NAME} is trained for at least 3 steps a stage, not {steps}.")
        recipe = _shortened(recipe, steps)
    with writing(folder, megabytes=250):
        folder.mkdir(parents=True, exist_ok=True)
        same_settings(folder, json.loads(json.dumps(asdict(recipe))))
        if (folder / "model").exists():
            return folder / "model"
        sprites.fetch(folder)
        print(f"The losses and pictures, every two minutes: {folder / 'loss.html'}")
        if not _together(recipe, folder, minutes):
            return None
        finish(recipe, folder)
    return folder / "model"


def _shortened(recipe, steps):
    names = ("autoencoder_steps", "decoder_steps", "denoiser_steps", "places_steps")
    fewer = {name: min(steps, getattr(recipe, name)) for name in (*names, "autoencoder_fall")}
    return Recipe(**(asdict(recipe) | fewer | {"early": 1, "denoiser_level": 1}))


def _together(recipe, folder, minutes):
    """Runs all stages in PROCESSES processes, of which this is the first; returns whether all finished."""
    context = multiprocessing.get_context("spawn")
    meeting = folder / f"meeting-{os.getpid()}"
    meeting.unlink(missing_ok=True)
    others = [
        context.Process(target=_helper, args=(recipe, folder, rank, meeting), daemon=True)
        for rank in range(1, PROCESSES)
    ]
    for other in others:
        other.start()
    try:
        return _Training(recipe, folder, 0, meeting, minutes).run()
    except RuntimeError as error:
        for other in others:
            other.join(timeout=5)
        if all(other.is_alive() for other in others):
            raise
        raise CourseError(
            "The second process of the training ended (what it said is above): run this again, it goes on "
            "from its last checkpoint."
        ) from error
    finally:
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
        for other in others:
            other.join(timeout=10)
            other.terminate()
        meeting.unlink(missing_ok=True)


def _helper(recipe, folder, rank, meeting):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process ends this one
    # End even if the first process is killed before the two connect; otherwise this one waits 30 minutes.
    threading.Thread(target=_end_with, args=(multiprocessing.parent_process(),), daemon=True).start()
    _Training(recipe, folder, rank, meeting, None).run()


def _end_with(process):
    process.join()
    os._exit(1)


class _Training:
    """One of the processes: its part of each step, and for the first one the checkpoints and the picture."""

    def __init__(self, recipe, folder, rank, meeting, minutes):
        models.prepare()
        torch.distributed.init_process_group(
            "gloo", init_method=meeting.absolute().as_uri(), rank=rank, world_size=PROCESSES
        )
        self.recipe, self.folder, self.rank, self.minutes = recipe, folder, rank, minutes
        self.began = time.monotonic()
        self.stages, self.pipeline = [], new_pipeline(recipe)
        self.sprites, self.pixels = sprites.load(folder / sprites.SHEET), {}
        self.latents = self.place = None
        self.page = LivePage(folder, seconds=60)

    def run(self):
        """Runs all stages; returns whether they are finished (False if the pause came first)."""
        recipe, pipeline = self.recipe, self.pipeline
        vae = pipeline.vae
        every = recipe.autoencoder_batch
        if not self._go_through(
            "autoencoder", [vae], recipe.autoencoder_steps, recipe.autoencoder_rate, every, self._autoencode
        ):
            return False
        self._keep_latents()
        parts = [vae.post_quant_conv, vae.decoder]
        if not self._go_through(
            "decoder", parts, recipe.decoder_steps, recipe.decoder_rate, every, self._decode
        ):
            return False
        parts, every = [pipeline.text_encoder, pipeline.unet], recipe.denoiser_batch
        self.ids = _tokens(pipeline.tokenizer, world.captions())
        if not self._go_through(
            "denoiser", parts, recipe.denoiser_steps, recipe.denoiser_rate, every, self._denoise
        ):
            return False
        return self._go_through(
            "places", parts, recipe.places_steps, recipe.places_rate, every, self._denoise_noisiest
        )

    def _go_through(self, name, parts, steps, rate, batch, loss_of):
        """Train `parts` until `steps` are made; their running averages become their weights in the end."""
        from tqdm.auto import tqdm

        stage = _Stage(name, parts, steps, rate, self.recipe, self.folder)
        self.stages.append(stage)
        first, saved = self.rank == 0, time.monotonic()
        share = batch // PROCESSES
        with tqdm(
            total=steps, initial=stage.done, unit="step", desc=name, disable=not first, mininterval=5
        ) as bar:
            while stage.done < steps:
                at = time.monotonic()
                begin = stage.done * batch + self.rank * share
                drawn = [self._draw(name, index) for index in range(begin, begin + share)]
                chance = torch.Generator().manual_seed(
                    ((self.recipe.seed * 10 + len(self.stages)) * 10**7 + stage.done) * PROCESSES + self.rank
                )
                stage.step(loss_of(drawn, chance))
                now = time.monotonic()
                stage.seconds += now - at
                bar.set_postfix_str(f"loss {numpy.mean(stage.losses[-50:]):.4f}", refresh=False)
                bar.update()
                over = self.minutes is not None and now - self.began >= 60 * self.minutes
                if name == "denoiser" and stage.done == self.recipe.early and first:
                    stage.keep_average(self.folder / "early.safetensors")
                save = over or stage.done == steps or now - saved >= SECONDS_BETWEEN_CHECKPOINTS
                # The first process decides for all.
                save, over = _agreed(save, over)
                if save:
                    if first:
                        stage.save()
                        self._draw_page(stage)
                    saved = time.monotonic()
                if over and stage.done < steps:
                    return False
        stage.take_average()
        return True

    def _autoencode(self, drawn, chance):
        wanted = self._pictures([scene for scene, _ in drawn])
        latents = self.pipeline.vae.encode(wanted).latent_dist
        noise = torch.randn(latents.mean.shape, generator=chance)
        again = self.pipeline.vae.decode(latents.mean + latents.std * noise).sample
        divergence = 0.5 * (latents.mean**2 + latents.var - 1 - latents.logvar).mean()
        return self._difference(again, wanted) + self.recipe.divergence * divergence

    def _decode(self, drawn, chance):
        again = self.pipeline.vae.decode(self._latents(drawn)).sample
        return self._difference(again, self._pictures([scene for scene, _ in drawn]))

    def _difference(self, made, wanted):
        edges = sum(l1_loss(made.diff(dim=direction), wanted.diff(dim=direction)) for direction in (2, 3))
        return l1_loss(made, wanted) + mse_loss(made, wanted) + self.recipe.edges * edges

    def _denoise(self, drawn, chance, noisier=lambda time: time):
        pipeline, recipe = self.pipeline, self.recipe
        latents, share = self._latents(drawn), len(drawn)
        noise = torch.randn(latents.shape, generator=chance)
        # Divide the range of times into one equal part for each picture of the step; draw one time per part.
        place = self.rank * share + torch.arange(share) + torch.rand(share, generator=chance)
        steps = pipeline.scheduler.config.num_train_timesteps
        times = (noisier(place / (share * PROCESSES)) * steps).long().clamp(max=steps - 1)
        empty = (torch.rand(share, generator=chance) < recipe.nameless).tolist()
        said = ["" if left_out else caption for (_, caption), left_out in zip(drawn, empty, strict=True)]
        ids = torch.stack([self.ids[caption] for caption in said])
        told = pipeline.text_encoder(ids)[0]
        noisy = pipeline.scheduler.add_noise(latents, noise, times)
        wanted = pipeline.scheduler.get_velocity(latents, noise, times)
        return mse_loss(pipeline.unet(noisy, times, told).sample, wanted)

    def _denoise_noisiest(self, drawn, chance):
        """Draws half of the times in the noisiest quarter, where a picture begins to show positions."""
        return self._denoise(drawn, chance, noisier=lambda time: 1 - time**2)

    def _draw(self, stage, index):
        """Example number `index` of a stage: a scene and its caption."""
        shares = {"denoiser": world.DENOISER_SHARES, "places": world.PLACES_SHARES}.get(stage, world.SHARES)
        return world.draw(index, f"{self.recipe.seed} {stage}", shares)

    def _pictures(self, scenes):
        """(scenes, 3, SIZE, SIZE) from -1 to 1."""
        for scene in scenes:
            if scene not in self.pixels:
                pixels = torch.from_numpy(drawing.picture(scene, self.sprites))
                self.pixels[scene] = pixels.permute(2, 0, 1).contiguous()
        return torch.stack([self.pixels[scene] for scene in scenes]).float() / 127.5 - 1

    def _latents(self, drawn):
        return self.latents[[self.place[scene] for scene, _ in drawn]]

    @torch.no_grad()
    def _keep_latents(self):
        """All pictures of the next stages as latents, of mean 0 and spread 1."""
        from safetensors.torch import load_file, save_file

        recipe, vae = self.recipe, self.pipeline.vae
        drawn = [
            self._draw(name, index)[0]
            for name, count in (
                ("decoder", recipe.decoder_steps * recipe.autoencoder_batch),
                ("denoiser", recipe.denoiser_steps * recipe.denoiser_batch),
                ("places", recipe.places_steps * recipe.denoiser_batch),
            )
            for index in range(count)
        ]
        scenes = list(dict.fromkeys(drawn))
        self.place = {scene: place for place, scene in enumerate(scenes)}
        path = self.folder / "latents.safetensors"
        if not path.exists():
            side = drawing.SIZE // 4
            latents = torch.zeros(len(scenes), 4, side, side)
            for begin in range(self.rank * 32, len(scenes), PROCESSES * 32):
                part = self._pictures(scenes[begin : begin + 32])
                latents[begin : begin + len(part)] = vae.encode(part).latent_dist.mean
            torch.distributed.all_reduce(latents)
            # Count scenes as often as they are drawn: most are pairs of shapes, each drawn rarely.
            met = latents[[self.place[scene] for scene in drawn[:10_000]]]
            kept = {"mean": met.mean((0, 2, 3)), "spread": met.transpose(0, 1).flatten(1).std(1)}
            latents = (latents - kept["mean"][:, None, None]) / kept["spread"][:, None, None]
            if self.rank == 0:
                replace(path, lambda part: save_file(kept | {"latents": latents}, part))
            torch.distributed.barrier()
        kept = load_file(path)
        self.latents = kept["latents"]
        _whiten(vae, kept["mean"], kept["spread"])

    def _draw_page(self, stage):
        stage.swap()
        if stage.name in DENOISING:
            pictures = sample(self.pipeline, WATCHED, guidance=3.0, steps=10)
        else:
            shown = self._pictures(world.SCENES[:4480:400] + world.SCENES[-1:])[:12]
            with torch.no_grad():
                latents = self.pipeline.vae.encode(shown).latent_dist.mean
                again = self.pipeline.vae.decode(latents).sample
            pictures = numpy.concatenate([as_pixels(shown), as_pixels(again)])
        stage.swap()
        self.page.draw(_progress(self.stages, pictures))


@torch.no_grad()
def _whiten(vae, mean, spread):
    """Rescales an autoencoder's latents to mean 0 and spread 1 by changing the convolutions next to them.

    mean, spread : mean and standard deviation of each channel before the change
    """
    # quant_conv gives means, then logarithms of variances; post_quant_conv takes latents.
    into, out_of = vae.quant_conv, vae.post_quant_conv
    into.weight[:4] /= spread[:, None, None, None]
    into.bias[:4] = (into.bias[:4] - mean) / spread
    into.bias[4:] -= 2 * spread.log()
    out_of.bias += (out_of.weight[:, :, 0, 0] * mean).sum(1)
    out_of.weight *= spread[None, :, None, None]


def _agreed(*answers):
    """Returns the answers of the first process in all processes."""
    told = torch.tensor([float(answer) for answer in answers])
    torch.distributed.broadcast(told, 0)
    return [bool(answer) for answer in told]


class _Stage:
    """Weights in training, their running averages, the optimiser, and how far they have come."""

    def __init__(self, name, parts, steps, rate, recipe, folder):
        self.name, self.steps, self.rate, self.recipe = name, steps, rate, recipe
        self.losses, self.seconds = [], 0.0
        self.checkpoint = folder / f"{name}.safetensors"
        self.weights = _named(parts, name)
        for part in parts:
            part.requires_grad_(False)
        values = list(self.weights.values())
        self.average = {key: weight.detach().clone() for key, weight in self.weights.items()}
        # All gradients share one tensor, so that one message can carry them.
        self.gradients = torch.zeros(sum(weight.numel() for weight in values))
        place = 0
        for weight in values:
            weight.requires_grad_(True)
            weight.grad = self.gradients[place : place + weight.numel()].view_as(weight)
            place += weight.numel()
        self.optimizer = torch.optim.AdamW(values, lr=rate, betas=(0.9, 0.99), weight_decay=0.01, fused=True)
        if self.checkpoint.exists():
            self._load()

    @property
    def done(self):
        """How many steps have been made."""
        return len(self.losses)

    def step(self, loss):
        """One step of AdamW on the mean of all processes' losses; keeps that loss."""
        loss.backward()
        told = loss.detach().clone()
        torch.distributed.all_reduce(self.gradients)
        torch.distributed.all_reduce(told)
        self.gradients /= PROCESSES
        self.gradients *= min(1.0, self.recipe.clip / (self.gradients.norm().item() + 1e-6))
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate()
        self.optimizer.step()
        self.gradients.zero_()
        self.losses.append(told.item() / PROCESSES)
        with torch.no_grad():
            # A small weight from the start would keep the random initial weights in the average for long.
            new = max(self.recipe.average, 9 / (self.done + 9))
            for key, weight in self.weights.items():
                self.average[key].lerp_(weight, new)

    def _rate(self):
        climbing = min(1.0, (self.done + 1) / min(self.recipe.warmup, self.steps))
        if self.name in DENOISING:
            level = self.steps * self.recipe.denoiser_level / self.recipe.denoiser_steps
            return self.rate * climbing * (1 - 0.98 * max(0, self.done - level) / (self.steps - level))
        passed = self.done / (self.recipe.autoencoder_fall if self.name == "autoencoder" else self.steps)
        return self.rate * climbing * (1 + numpy.cos(numpy.pi * passed)) / 2

    def swap(self):
        """Exchange the weights with their running averages; a second call exchanges them back."""
        for key, weight in self.weights.items():
            weight.data, self.average[key] = self.average[key], weight.data

    def take_average(self):
        """Replaces the weights by their running averages, and ends their training."""
        self.swap()
        for weight in self.weights.values():
            weight.grad = None

    def keep_average(self, path):
        """Write the running averages alone."""
        from safetensors.torch import save_file

        averages = {f"average {key}": average for key, average in self.average.items()}
        replace(path, lambda part: save_file(averages, part))

    def save(self):
        """Write all that is needed to go on, under another name first: a kill leaves the last one whole."""
        from safetensors.torch import save_file

        tensors = {"losses": torch.tensor(self.losses, dtype=torch.float64)}
        for key, weight in self.weights.items():
            tensors |= {f"weight {key}": weight.data, f"average {key}": self.average[key]}
        tensors |= optimizer_tensors(self.optimizer, self.weights)
        facts = {"seconds": str(self.seconds)}
        replace(self.checkpoint, lambda part: save_file(tensors, part, metadata=facts))

    def _load(self):
        from safetensors import safe_open

        try:
            with safe_open(self.checkpoint, "pt") as file:
                self.seconds = float(file.metadata()["seconds"])
                self.losses = file.get_tensor("losses").tolist()
                for key, weight in self.weights.items():
                    weight.data.copy_(file.get_tensor(f"weight {key}"))
                    self.average[key].copy_(file.get_tensor(f"average {key}"))
                load_optimizer(self.optimizer, self.weights, file, self.done)
        except Exception as error:
            raise CourseError(
                f"{self.checkpoint} can't be read ({error}): delete it, and this stage begins anew."
            ) from error


def new_pipeline(recipe=RECIPE):
    """diffusers' StableDiffusionPipeline with fresh weights, which depend on the seed alone."""
    import diffusers
    import transformers

    torch.manual_seed(recipe.seed)
    tokenizer = make_tokenizer()
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    text = transformers.CLIPTextConfig(
        vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id, **ends, **TEXT
    )
    return models.pipeline_class()(
        vae=diffusers.AutoencoderKL(**AUTOENCODER),
        text_encoder=transformers.CLIPTextModel(text),
        tokenizer=tokenizer,
        unet=diffusers.UNet2DConditionModel(**DENOISER),
        scheduler=diffusers.DDIMScheduler(**NOISE, set_alpha_to_one=True),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def make_tokenizer():
    """CLIP's tokenizer with a vocabulary of its own, in which each word of PictureWorld is one token."""
    import tokenizers
    import transformers

    merges = _merges()
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    tokens = alphabet + [letter + "</w>" for letter in alphabet] + [one + other for one, other in merges]
    tokens = list(dict.fromkeys([*tokens, "<|startoftext|>", "<|endoftext|>"]))
    return transformers.CLIPTokenizer(
        vocab={token: number for number, token in enumerate(tokens)},
        merges=merges,
        model_max_length=LENGTH,
    )


@cache
def _merges():
    """Byte-pair encoding until each word is one token: the pairs, the most frequent first, then by alphabet.

    It does not use the library's trainer, whose order of equally frequent pairs differs from run to run.
    """
    said = re.findall(r"\w+|[^\w\s]", " ".join(world.captions()))
    words = [[*word[:-1], word[-1] + "</w>"] for word in dict.fromkeys(said)]
    counts = Counter(pair for word in words for pair in pairwise(word))
    merges = []
    while counts := +counts:  # unary + drops pairs whose count is 0
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges.append(best)
        for word in words:
            if best not in pairwise(word):
                continue
            counts.subtract(pairwise(word))
            place = 0
            while place < len(word) - 1:
                if (word[place], word[place + 1]) == best:
                    word[place : place + 2] = ["".join(best)]
                place += 1
            counts.update(pairwise(word))
    return merges


def _tokens(tokenizer, captions):
    """Returns a dict from each caption, and from the empty one, to its padded tokens: (LENGTH,)."""
    captions = ["", *captions]
    ids = tokenizer(captions, padding="max_length", max_length=LENGTH, truncation=True, return_tensors="pt")
    return dict(zip(captions, ids.input_ids, strict=True))


@torch.no_grad()
def sample(pipeline, prompts, guidance=4.0, steps=20, seed=0, scheduler=None):
    """Pictures of prompts, each from a noise of its own: uint8 (prompts, SIZE, SIZE, 3).

    guidance : 1 is none; steps : calls of the denoiser for each picture; seed : of the first noise
    """
    import diffusers

    scheduler = diffusers.DDIMScheduler.from_config(scheduler or pipeline.scheduler.config)
    scheduler.set_timesteps(steps)
    ids = _tokens(pipeline.tokenizer, prompts)
    told = pipeline.text_encoder(torch.stack([ids[prompt] for prompt in prompts]))[0]
    nothing = pipeline.text_encoder(ids[""][None])[0].expand_as(told)
    side = pipeline.unet.config.sample_size
    latents = torch.stack(
        [
            torch.randn(4, side, side, generator=torch.Generator().manual_seed(seed + number))
            for number in range(len(prompts))
        ]
    )
    for at in scheduler.timesteps:
        if guidance == 1:
            direction = pipeline.unet(latents, at, told).sample
        else:
            both = pipeline.unet(torch.cat([latents, latents]), at, torch.cat([nothing, told])).sample
            without, with_ = both.chunk(2)
            direction = without + guidance * (with_ - without)
        latents = scheduler.step(direction, at, latents).prev_sample
    return as_pixels(pipeline.vae.decode(latents).sample)


def as_pixels(pictures):
    """From -1 to 1, (pictures, 3, height, width), to uint8 (pictures, height, width, 3)."""
    return ((pictures.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()


def sheet(pictures, columns):
    """Pictures in rows as one image of Pillow."""
    from PIL import Image

    count, height, width, _ = pictures.shape
    rows = -(-count // columns)
    tiles = numpy.full((rows * columns, height, width, 3), 255, numpy.uint8)
    tiles[:count] = pictures
    tiles = tiles.reshape(rows, columns, height, width, 3).swapaxes(1, 2)
    return Image.fromarray(tiles.reshape(rows * height, columns * width, 3))


def _progress(stages, pictures):
    """The latest pictures, and the losses of all stages, the last one first."""
    from course_utils import views
    from course_utils.views.picture import png_url

    charts = []
    for each in stages:
        edges, means = mean_losses(each.losses, points=40)
        title = f"{each.name}: {each.done:,} of {each.steps:,} steps"
        if means:
            charts.insert(0, views.lines(edges, {"training": means}, "steps", "loss", title=title))
    said = "pictures, and below them what comes back"
    if stages[-1].name in DENOISING:
        said = "; ".join(WATCHED)
    shown = sheet(pictures, 12).resize((12 * 64, -(-len(pictures) // 12) * 64))
    body = f'<p>{said}</p><img alt="{said}" src="{png_url(shown)}">'
    return views.Picture(body + "".join(chart.html for chart in charts), said)


def pipeline_of(folder, recipe=RECIPE, early=False):
    """The pipeline of a training's folder as far as it has come: the running averages, in float32.

    early : with the denoiser and text encoder of the early copy
    """
    from safetensors.torch import load_file

    folder, pipeline = Path(folder), new_pipeline(recipe)
    vae = pipeline.vae
    _take(folder / "autoencoder.safetensors", [vae])
    if (latents := folder / "latents.safetensors").exists():
        kept = load_file(latents)
        _whiten(vae, kept["mean"], kept["spread"])
    _take(folder / "decoder.safetensors", [vae.post_quant_conv, vae.decoder])
    for name in ("early",) if early else DENOISING:
        _take(folder / f"{name}.safetensors", [pipeline.text_encoder, pipeline.unet], name)
    return pipeline


@torch.no_grad()
def _take(path, parts, stage=None):
    """Copies the running averages of a checkpoint, if it exists, into the weights of `parts`."""
    from safetensors import safe_open

    if not path.exists():
        return
    with safe_open(path, "pt") as file:
        for key, weight in _named(parts, stage).items():
            weight.copy_(file.get_tensor(f"average {key}"))


def _named(parts, stage=None):
    """Returns the weights of modules by name: all, or those that the stage `places` trains."""
    import diffusers

    return {
        f"{type(part).__name__}.{key}": weight
        for part in parts
        for key, weight in part.named_parameters()
        if stage != "places" or ".attn2." in key or not isinstance(part, diffusers.UNet2DConditionModel)
    }


def finish(recipe, folder):
    """Writes the folder that `from_pretrained` loads, with its card; it appears complete or not at all."""
    from course_utils.training import picture_card

    building = folder / "model.building"
    shutil.rmtree(building, ignore_errors=True)
    for name, early in (("early", True), ("", False)):
        pipeline = pipeline_of(folder, recipe, early)
        for part in (pipeline.vae, pipeline.text_encoder, pipeline.unet):
            part.half()
        if early:
            pipeline.text_encoder.save_pretrained(building / name / "text_encoder")
            pipeline.unet.save_pretrained(building / name / "unet")
        else:
            pipeline.save_pretrained(building)
    shutil.copy(folder / sprites.SHEET, building)
    picture_card.write(building, recipe, _stages(folder), few=recipe != RECIPE)
    os.replace(building, folder / "model")


def _stages(folder):
    """Reads {stage: {"steps", "minutes", "loss"}} from the checkpoints; loss: mean of the last 50 steps."""
    from safetensors import safe_open

    told = {}
    for name in ("autoencoder", "decoder", *DENOISING):
        with safe_open(folder / f"{name}.safetensors", "pt") as file:
            losses = file.get_tensor("losses")
            minutes = float(file.metadata()["seconds"]) / 60
        told[name] = {"steps": len(losses), "minutes": round(minutes, 1), "loss": losses[-50:].mean().item()}
    return told
