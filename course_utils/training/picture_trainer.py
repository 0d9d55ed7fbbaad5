"""Computes the losses with which the tiny Stable Diffusion is trained, in four stages one after the other:

1. `autoencoder` trains the autoencoder, which turns pictures into 16x16x4 latents and back. When this stage
   ends, the convolutions next to the latents are changed so that each channel of the latents has mean 0 and
   variance 1, and all latents are stored.
2. `decoder` trains the decoder further on stored latents. The encoder is frozen.
3. `denoiser` trains the UNet and the text encoder on noisy latents.
4. `places` trains the text encoder and the UNet's cross-attention further. Most captions of its pictures say
   where each shape is. All other weights are frozen.
"""

import shutil
from dataclasses import asdict
from functools import partial

import numpy
import torch
from torch.nn.functional import l1_loss, mse_loss

from course_utils import files
from course_utils.training import card, picture_card
from course_utils.training.picture_pipeline import (
    CHANNELS,
    FACTOR,
    as_pixels,
    contact_sheet,
    from_pixels,
    make_tokenizer,
    new_pipeline,
    sample,
    token_ids,
)
from course_utils.training.stages import Stage, Training
from course_utils.worlds.pictureworld import drawing, sprites, world

# {stage: {kind of picture: the share of such pictures among the stage's examples}}
SHARES = {"autoencoder": world.SHARES, "decoder": world.SHARES}
SHARES |= {"denoiser": world.DENOISER_SHARES, "places": world.PLACES_SHARES}
EXAMPLES = (  # prompts whose pictures are on loss.html, the page that shows the training while it runs
    "cat on a blue background",
    "woman doctor with dark skin",
    "doctor",
    world.HELD_OUT_PEOPLE[0].name,
    "a red circle left of a blue square",
    "left: a red circle, right: a blue square",
)


class PictureTraining(Training):
    """The training of the tiny Stable Diffusion.

    It keeps the pictures in memory and, from the second stage on, their latents.
    """

    def __init__(self, recipe, folder):
        super().__init__(recipe, folder)
        self.sprites, self.pixels = sprites.load(), {}
        self.latents, self.scene_index = None, {}
        self.pipeline = new_pipeline(recipe.seed)
        self.ids = token_ids(self.pipeline.tokenizer, world.captions())
        vae, text_encoder, unet = self.pipeline.vae, self.pipeline.text_encoder, self.pipeline.unet
        for module in (vae, text_encoder, unet):
            module.requires_grad_(False)
        self.stages = [
            Stage(
                weights=_named(vae),
                loss=self.encode_and_decode,
                decay=_cosine(recipe.autoencoder_fall),
                **recipe.stage("autoencoder"),
            ),
            Stage(
                weights=_named(vae.post_quant_conv) | _named(vae.decoder),
                loss=self.decode,
                decay=_cosine(recipe.decoder_steps),
                begin=self._store_latents,
                **recipe.stage("decoder"),
            ),
            Stage(
                weights=_named(text_encoder) | _named(unet),
                loss=partial(self.denoise, "denoiser"),
                decay=_level_then_linear(recipe.denoiser_steps, recipe),
                early=recipe.early,
                **recipe.stage("denoiser"),
            ),
            Stage(
                weights=_named(text_encoder) | _named(unet, only=".attn2."),
                # A time from 0 to 1 says how noisy a picture is. With this distribution, half of the times
                # are above 0.75. At such times a picture begins to show the positions of shapes.
                loss=partial(self.denoise, "places", distribution=lambda uniform: 1 - uniform**2),
                decay=_level_then_linear(recipe.places_steps, recipe),
                **recipe.stage("places"),
            ),
        ]

    def encode_and_decode(self, indices, generator):
        """Return the autoencoder's loss twice: as the loss to minimise, and as the loss to record.

        The loss is the difference between the pixels before and after the autoencoder, plus
        `recipe.divergence` times the divergence of the latents from a standard normal distribution.
        """
        pictures = self._pictures([scene for scene, _ in self._examples("autoencoder", indices)])
        latents = self.pipeline.vae.encode(pictures).latent_dist
        noise = torch.randn(latents.mean.shape, generator=generator)
        decoded = self.pipeline.vae.decode(latents.mean + latents.std * noise).sample
        divergence = 0.5 * (latents.mean**2 + latents.var - 1 - latents.logvar).mean()
        loss = self._difference(decoded, pictures) + self.recipe.divergence * divergence
        return loss, loss

    def decode(self, indices, generator):
        """Return the loss of the decoder on stored latents twice: to minimise, and to record."""
        examples = self._examples("decoder", indices)
        decoded = self.pipeline.vae.decode(self._latents(examples)).sample
        loss = self._difference(decoded, self._pictures([scene for scene, _ in examples]))
        return loss, loss

    def _difference(self, decoded, pictures):
        """Return the L1 error plus the L2 error of the pixels, plus `recipe.edges` times an error of edges.

        The error of edges is the L1 error of the differences between adjacent pixels.
        """
        edges = sum(l1_loss(decoded.diff(dim=axis), pictures.diff(dim=axis)) for axis in (2, 3))
        return l1_loss(decoded, pictures) + mse_loss(decoded, pictures) + self.recipe.edges * edges

    def denoise(self, stage, indices, generator, distribution=lambda uniform: uniform):
        """Return the loss of the denoiser twice: to minimise, and to record.

        The denoiser predicts the velocity (diffusers' "v_prediction") from noisy latents and a caption.

        distribution : function that turns uniform random numbers in [0, 1) into times. At time 0 there is no
            noise, and at time 1 there is only noise
        """
        recipe, pipeline, share = self.recipe, self.pipeline, len(indices)
        examples = self._examples(stage, indices)
        latents = self._latents(examples)
        noise = torch.randn(latents.shape, generator=generator)
        # Split the range from 0 to 1 into as many equal parts as a step has pictures. Each picture gets a
        # random number from a different part, so that each step has examples at all levels of noise.
        part = indices.start % recipe.denoiser_batch + torch.arange(share)
        uniform = (part + torch.rand(share, generator=generator)) / recipe.denoiser_batch
        steps = pipeline.scheduler.config.num_train_timesteps
        times = (distribution(uniform) * steps).long().clamp(max=steps - 1)
        empty = torch.rand(share, generator=generator) < recipe.nameless
        captions = ["" if none else caption for (_, caption), none in zip(examples, empty, strict=True)]
        texts = pipeline.text_encoder(torch.stack([self.ids[caption] for caption in captions]))[0]
        noisy = pipeline.scheduler.add_noise(latents, noise, times)
        velocity = pipeline.scheduler.get_velocity(latents, noise, times)
        loss = mse_loss(pipeline.unet(noisy, times, texts).sample, velocity)
        return loss, loss

    def _examples(self, stage, indices):
        """Return the training examples with these indices: (scene, caption) pairs."""
        return [world.draw(index, f"{self.recipe.seed} {stage}", SHARES[stage]) for index in indices]

    def _pictures(self, scenes):
        """Return the pictures of scenes: (scenes, 3, SIZE, SIZE), with values from -1 to 1."""
        for scene in scenes:
            if scene not in self.pixels:
                self.pixels[scene] = drawing.picture(scene, self.sprites)
        return from_pixels(numpy.stack([self.pixels[scene] for scene in scenes])).contiguous()

    def _latents(self, examples):
        return self.latents[[self.scene_index[scene] for scene, _ in examples]]

    @torch.no_grad()
    def _store_latents(self):
        """Encode the pictures of all later stages. Normalise each channel of the latents, and store them.

        The autoencoder is changed, too: from then on it makes latents with mean 0 and variance 1 by itself.
        """
        from safetensors.torch import load_file, save_file

        examples = [
            scene
            for stage in self.stages[1:]
            for scene, _ in self._examples(stage.name, range(stage.steps * stage.batch))
        ]
        scenes = list(dict.fromkeys(examples))
        self.scene_index = {scene: index for index, scene in enumerate(scenes)}
        path, processes = self.folder / "latents.safetensors", self.recipe.processes
        if path.exists():
            stored = load_file(path)
        else:
            rank = torch.distributed.get_rank() if processes > 1 else 0
            latents = torch.zeros(len(scenes), CHANNELS, drawing.SIZE // FACTOR, drawing.SIZE // FACTOR)
            for start in range(rank * 32, len(scenes), processes * 32):
                batch = self._pictures(scenes[start : start + 32])
                latents[start : start + len(batch)] = self.pipeline.vae.encode(batch).latent_dist.mean
            if processes > 1:
                torch.distributed.all_reduce(latents)
            # Average over examples, not over scenes. Most scenes are pairs of shapes, but each of these
            # scenes is in few examples, so an average over scenes would give pairs too much weight.
            counted = latents[[self.scene_index[scene] for scene in examples[:10_000]]]
            stored = {"mean": counted.mean((0, 2, 3)), "spread": counted.transpose(0, 1).flatten(1).std(1)}
            latents = (latents - stored["mean"][:, None, None]) / stored["spread"][:, None, None]
            stored["latents"] = latents
            if rank == 0:
                with files.replacing(path) as part:
                    save_file(stored, part)
        self.latents = stored["latents"]
        whiten(self.pipeline.vae, stored["mean"], stored["spread"])

    def examples(self):
        """Return HTML with examples of what the model does now.

        In the first two stages these are pictures before and after the autoencoder, and in the others
        pictures that the model draws for EXAMPLES.
        """
        from course_utils.views.picture import png_url

        run, vae = self.runs[-1], self.pipeline.vae
        run.swap()
        if run.stage.name in ("denoiser", "places"):
            title, pictures = "; ".join(EXAMPLES), sample(self.pipeline, EXAMPLES, guidance=3.0, steps=10)
        else:
            title = "pictures, and below them the same after encoding and decoding"
            pictures = self._pictures(world.SCENES[:4480:400])
            with torch.no_grad():
                decoded = vae.decode(vae.encode(pictures).latent_dist.mean).sample
            pictures = as_pixels(torch.cat([pictures, decoded]))
        run.swap()
        return f'<p>{title}</p><img alt="{title}" src="{png_url(contact_sheet(pictures, 12))}">'

    @torch.no_grad()
    def write(self, folder):
        """Write the finished model into a folder.

        The folder then has the pipeline in float16, a copy of its denoiser and text encoder from early in the
        training, the sheet of emoji, and the model card.
        """
        from safetensors.torch import load_file

        pipeline, recipe = self.pipeline, self.recipe
        for module in (pipeline.vae, pipeline.text_encoder, pipeline.unet):
            module.half()
        # Save a new tokenizer, because the training has changed the padding of the pipeline's tokenizer.
        pipeline.register_modules(tokenizer=make_tokenizer())
        pipeline.save_pretrained(folder)
        early = load_file(self.folder / "early.safetensors")
        for name, weight in self.stages[2].weights.items():
            weight.copy_(early[name])
        for name in ("text_encoder", "unet"):
            getattr(pipeline, name).save_pretrained(folder / "early" / name)
        shutil.copy(sprites.COURSE_SHEET, folder)
        training = {
            run.stage.name: {
                "steps": run.done,
                "minutes": round(run.seconds / 60, 1),
                "loss": run.recent_loss,
            }
            for run in self.runs
        }
        machine = card.machine(f"{recipe.processes} processes of one thread each")
        training |= {"recipe": asdict(recipe), "machine": machine}
        picture_card.write(folder, training, few=recipe != type(recipe)())


def _named(module, only=""):
    """Return {"CLASS.NAME": weight} for those weights of a module whose names contain the text `only`."""
    kind = type(module).__name__
    return {f"{kind}.{name}": weight for name, weight in module.named_parameters() if only in name}


def _cosine(steps):
    """Return a stage's `decay`: a function that takes the number of steps taken, and returns a factor.

    The learning rate is multiplied by this factor. It falls from 1 to 0 along half a cosine wave.

    steps : the number of steps after which the factor is 0
    """
    return lambda done: (1 + numpy.cos(numpy.pi * (done / steps))) / 2


def _level_then_linear(steps, recipe):
    """Return a stage's `decay`: a function that takes the number of steps taken, and returns a factor.

    The learning rate is multiplied by this factor. The factor is 1 for a share of the steps, which is
    `denoiser_level` / `denoiser_steps` in every stage, and then falls linearly to 0.02.

    steps : the number of steps after which the factor is 0.02
    """
    level = steps * recipe.denoiser_level / recipe.denoiser_steps
    return lambda done: 1 - 0.98 * max(0, done - level) / (steps - level)


@torch.no_grad()
def whiten(vae, mean, spread):
    """Change an autoencoder so that each channel of its latents has mean 0 and standard deviation 1.

    Only the convolutions directly before and after the latents change. Pictures are decoded as before.

    mean, spread : the mean and standard deviation of each channel before the change
    """
    encoder, decoder = vae.quant_conv, vae.post_quant_conv
    # The encoder's convolution returns first the means, and then the logarithms of the variances.
    encoder.weight[:CHANNELS] /= spread[:, None, None, None]
    encoder.bias[:CHANNELS] = (encoder.bias[:CHANNELS] - mean) / spread
    encoder.bias[CHANNELS:] -= 2 * spread.log()
    decoder.bias += (decoder.weight[:, :, 0, 0] * mean).sum(1)
    decoder.weight *= spread[None, :, None, None]
