"""Denoising: how a picture develops from noise, and to which words of the prompt the picture's parts attend.

For lesson 08.
"""

import base64
from dataclasses import dataclass

import numpy
from PIL import Image

from course_utils.errors import CourseError
from course_utils.views.picture import Picture, array
from course_utils.views.strips import as_pixels, picture_grid
from course_utils.widgets.explorer import check_choice, given
from course_utils.widgets.live_view import LiveView

MOST_STEPS = 50
MOST_PIXELS = 128  # the view shrinks a picture whose side is longer than this many pixels
# RGB, the colour of the course's text. `lit_by` gives this colour to parts of a picture with low weights.
_DARK = 27, 31, 36


class CrossAttention:
    """Records the cross-attention weights of every call of a UNet inside the `with` block.

    The output of the UNet does not change. The layers of diffusers don't keep their weights, so a hook before
    each cross-attention layer computes the same weights from the same inputs.

        with course.CrossAttention(pipeline.unet) as seen:
            picture = pipeline("bear on a blue background").images[0]
        seen.maps()[:, -1].mean(0)  # (tokens, height, width): the mean over all calls

    unet : a UNet2DConditionModel of diffusers.

    Raises CourseError if the UNet has no cross-attention.
    """

    def __init__(self, unet):
        self.unet = unet
        self._layers = [layer for layer in unet.modules() if getattr(layer, "is_cross_attention", False)]
        if not self._layers:
            raise CourseError("This UNet has no cross-attention: take one that reads a prompt.")
        self._calls = []  # for each call of the UNet, a list with the attention weights of each layer

    def __enter__(self):
        self._hooks = [self.unet.register_forward_pre_hook(self._begin, with_kwargs=True)]
        for layer in self._layers:
            self._hooks.append(layer.register_forward_pre_hook(self._record, with_kwargs=True))
        return self

    def __exit__(self, *error):
        for hook in self._hooks:
            hook.remove()

    def _begin(self, unet, arguments, keywords):
        sample = keywords["sample"] if "sample" in keywords else arguments[0]
        self._size = sample.shape[-2:]  # (height, width) of the latents
        self._calls.append([])

    def _record(self, layer, arguments, keywords):
        import torch

        with torch.no_grad():
            query = layer.head_to_batch_dim(layer.to_q(arguments[0]))
            key = layer.head_to_batch_dim(layer.to_k(keywords["encoder_hidden_states"]))
            weights = layer.get_attention_scores(query, key)  # (pictures x heads, positions, tokens)
        weights = weights.float().cpu().unflatten(0, (-1, layer.heads)).mean(1)
        self._calls[-1].append(self._sized(weights.transpose(1, 2)))

    def _sized(self, weights):
        """Resize weights (pictures, tokens, positions) to (pictures, tokens, height, width).

        The height and the width are those of the latents.
        """
        import torch

        height, width = self._size
        # A position covers factor × factor latents.
        factor = round((height * width / weights.shape[2]) ** 0.5)
        maps = weights.unflatten(2, (-(-height // factor), -(-width // factor)))
        return torch.nn.functional.interpolate(maps, (height, width), mode="bilinear")

    def maps(self, layer=None):
        """Return the recorded weights, averaged over heads and layers, at the size of the latents.

        layer : int, the one cross-attention layer to use, counted from 0 in the order of computation; by
            default all layers are used.

        Returns a tensor of shape (calls, pictures, tokens, height, width). At each position the weights of
        the tokens add up to 1. With guidance, the first half of the pictures belongs to the run without the
        prompt.

        Raises CourseError if the UNet was not called in the `with` block, if it was called with batches of
        different sizes, or if the UNet has no such layer.
        """
        import torch

        if not self._calls:
            raise CourseError("Nothing was recorded: call the pipeline inside the `with` block.")
        if len({layers[0].shape for layers in self._calls}) > 1:
            raise CourseError("The batches had different sizes: record each in a `with` block of its own.")
        if layer is not None and layer not in range(len(self._layers)):
            raise CourseError(
                f"There is no layer {layer}: take one from 0 to {len(self._layers) - 1}, or leave it out."
            )
        chosen = slice(None) if layer is None else slice(layer, layer + 1)
        return torch.stack([torch.stack(layers[chosen]).mean(0) for layers in self._calls])


def denoising_strip(rows, noise, *, title=None) -> Picture:
    """Draw how pictures develop from noise: a column for each state, with its step and its share of noise.

    rows : dict from a label to a list, as in `picture_strip`, with a picture for each state.
    noise : dict from the step of each state to the state's share of noise, from 0 to 1.
    title : str, written above the pictures.

    Raises ValueError if a row does not have one picture for each state.
    """
    columns = [f"{f'step {step}' if step else 'start'}: {share:.0%} noise" for step, share in noise.items()]
    note = "Percentages: how much of each state is noise, by the scheduler's plan."
    return picture_grid(rows, columns, title=title, note=note)


def lit_by(picture, weights):
    """Return the picture as a Pillow image, bright where the weights are high and dark where they are low.

    weights : (height, width), such as the attention to a word; if all are equal, the whole picture is bright.
    """
    pixels, weights = as_pixels(picture), array(weights)
    low, high = weights.min(), weights.max()
    light = (weights - low) / (high - low) if high > low else weights * 0 + 1
    mask = Image.fromarray((255 * light).astype("uint8"))
    mask = mask.resize((pixels.shape[1], pixels.shape[0]), Image.Resampling.BICUBIC)
    return Image.composite(Image.fromarray(pixels), Image.new("RGB", mask.size, _DARK), mask)


def known_words():
    """Return all words of PictureWorld's captions, and which of them can replace each other.

    Returns {"words": list of str, "kinds": list of dicts}. A kind has a "name" and "words", and any of these
    words can replace another. If "noun" is true, words of other kinds of nouns can replace them, too. If the
    kind has "before", a word belongs to the kind only in front of that text: "blue" is a background only in
    front of "background".
    """
    from course_utils.worlds.pictureworld import world

    nouns = {"animals": "animal", "foods": "food", "faces": "face", "things": "thing"}
    kinds = [
        {"name": name, "noun": True, "words": [each.name for each in world.OBJECTS if each.group == group]}
        for name, group in nouns.items()
    ]
    kinds += [
        {"name": "trades", "noun": True, "words": world.TRADES},
        {"name": "people", "words": world.GENDERS},
        {"name": "skin tones", "before": "skin", "words": world.TONES[1:]},
        {"name": "backgrounds", "before": "background", "words": list(world.BACKGROUNDS)[1:]},
        {"name": "colours", "words": list(world.COLOURS)},
        {"name": "forms", "words": world.FORMS},
        {"name": "sides", "before": ":", "words": [side for pair in world.SIDES.values() for side in pair]},
        {"name": "positions", "words": [where for pair in world.RELATIONS.values() for where in pair]},
    ]
    return {"words": sorted(world.words()), "kinds": kinds}


@dataclass(frozen=True)
class Drawn:
    """Holds one state of a drawing, from the noise at the start to the finished picture.

    latents : (1, ...), as `decode` takes them.
    noise : float from 0 to 1, the share of the state's variance that is noise.
    words : list of str, the tokens of the prompt. The last token of each word ends in "</w>".
    maps : (tokens, height, width), how much each part of the picture attended to each token in the step that
        led to this state; None if the state is the noise at the start. If there are fewer maps than tokens,
        the model did not read the rest of the prompt.
    """

    latents: object
    noise: float
    words: list
    maps: object = None


class Denoising(LiveView):
    """Shows how two prompts become pictures from the same noise, and which parts attend to a chosen word.

    draw : generator function (prompt, seed, guidance, steps) that yields a `Drawn` for each of the steps + 1
        states, from the noise to the picture. If it raises an error, the view shows a message.
    decode : function from latents (pictures, ...) to a list of pictures, each as in `picture_strip`.
    prompts : two str, the prompts at the start.
    seed, guidance, steps : the values at the start.
    known : bool, whether the model was trained on PictureWorld's captions. The view then offers the
        captions' words, and names the words of a prompt that are in no caption.

    Raises CourseError if a prompt is empty, or `steps` is outside its range.
    """

    view = "denoising"

    def __init__(self, draw, decode, prompts, *, seed=0, guidance=4.0, steps=20, known=False):
        check_choice("number of steps", steps, range(1, MOST_STEPS + 1))
        prompts = [prompt.strip() for prompt in prompts]
        if not all(prompts):
            raise CourseError("There is no prompt: say what to draw, twice.")
        self.draw, self.decode = draw, decode
        self._drawings = {}  # (prompt, seed, guidance, steps) -> (generator, the states so far)
        one, other = prompts
        super().__init__(
            data=known_words() if known else {"words": None, "kinds": []},
            alt=f"The same noise becomes two pictures in {steps} steps, “{one}” and “{other}”: seed {seed}, "
            f"guidance {guidance:g}",
            prompts=prompts,
            seed=seed,
            guidance=guidance,
            steps=steps,
            step=0,
            word=0,
        )

    def answer(self, want):
        """Return the state after `want["step"]` steps. First draw all missing states up to this one."""
        import torch

        key = tuple(want[name] for name in ("prompt", "seed", "guidance", "steps"))
        if key not in self._drawings:
            self._drawings[key] = given(self.draw, *key), []
        drawing, states = self._drawings[key]

        def more():
            return next(drawing)

        more.__name__ = getattr(self.draw, "__name__", "draw")
        # `no_grad` holds for one thread only. It is set here, because this code may run in another thread
        # than the notebook's own code.
        try:
            with torch.no_grad():
                while len(states) <= want["step"]:
                    states.append(self._said(given(more)))
        except BaseException:
            # After any exception, even an interrupt, the generator of this drawing yields no more states.
            del self._drawings[key]
            raise
        return states[want["step"]]

    def _said(self, drawn):
        """Return a `Drawn` as the dict that denoising.js reads."""
        picture = Image.fromarray(as_pixels(given(self.decode, drawn.latents)[0]))
        side = min(picture.width, MOST_PIXELS)
        maps = [] if drawn.maps is None else array(drawn.maps).astype("float32")[: len(drawn.words)]
        maps = [numpy.asarray(Image.fromarray(each).resize((16, 16), Image.Resampling.BOX)) for each in maps]
        peaks = [float(each.max()) for each in maps]
        shares = [255 * each / peak for each, peak in zip(maps, peaks, strict=True)]
        return {
            "picture": _base64(picture.resize((side, side)).tobytes()),
            "noise": drawn.noise,
            "pieces": list(drawn.words),
            "maps": _base64(numpy.array(shares).round().astype("uint8").tobytes()),
            "peaks": peaks,
        }


def _base64(content):
    return base64.b64encode(content).decode("ascii")
