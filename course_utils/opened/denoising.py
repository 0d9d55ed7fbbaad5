"""Denoising: how a picture develops from noise, and which words of the prompt its parts attend to.

For lesson 06.
"""

from dataclasses import dataclass
from html import escape

import ipywidgets
import numpy
from PIL import Image

from course_utils.errors import CourseError
from course_utils.views.picture import INK, LINE, QUIET, Picture, array, card, png_url
from course_utils.views.strips import as_pixels, image_html, picture_grid, picture_strip
from course_utils.widgets.explorer import Explorer, check_choice, given, sentence

MOST_STEPS = 50
_SIDE = 224  # greatest width of a picture below the controls, in pixels
_DARK = 27, 31, 36  # the course's ink, which covers the parts of a picture that do not look at a word

# If the mouse points at a word, or the Tab key moves to it, the word's map appears over the picture.
_ON_HOVER = (
    "<style>.course-paint{position:relative}"
    ".course-paint .course-shade{display:none;position:absolute;top:0;left:0;width:100%;max-width:"
    f"{_SIDE}px;pointer-events:none}}"
    ".course-said:hover>.course-shade,.course-said:focus>.course-shade{display:block}"
    f".course-said:hover,.course-said:focus{{outline:2px solid {INK};outline-offset:1px}}</style>"
)


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
        self._calls = []  # for each call of the UNet, the weights of each layer

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
        """Resize (pictures, tokens, positions) to (pictures, tokens, height, width) of the latents."""
        import torch

        height, width = self._size
        factor = round((height * width / weights.shape[2]) ** 0.5)  # how much coarser this layer's grid is
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
        different sizes, or if it has no such layer.
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


def denoising_strip(rows, noise, *, title=None, alt=None) -> Picture:
    """Draw how pictures develop from noise: a column for each state, with its step and its share of noise.

    rows : dict from a label to the list of its pictures, as in `picture_strip`, one for each state.
    noise : dict from the step of each state to the state's share of noise, from 0 to 1.
    title : str, written above the pictures.
    alt : str, the pictures in words; by default the rows, the steps and their noise.

    Raises ValueError if a row does not have one picture for each state.
    """
    columns = [_noise_in_words(step, share) for step, share in noise.items()]
    note = "Noise: the share of a state's variance that is noise, by the scheduler's plan."
    return picture_grid(rows, columns, title=title, note=note, alt=alt)


def _noise_in_words(step, share):
    return f"{'start' if step == 0 else f'step {step}'}: {share:.0%} noise"


def word_maps(image, words, maps, *, title=None, alt=None) -> Picture:
    """Draw a picture once for each word: the parts that look at the word are bright, and the others dark.

    image : the picture, as in `picture_strip`.
    words : list of str, the tokens of the prompt.
    maps : (words, height, width), the attention that each part of the picture pays to each word.
    title : str, written above the pictures.
    alt : str, the pictures in words; by default the mean attention to each word, and where it is highest.

    Raises ValueError if there is not one map for each word.
    """
    maps, pixels = array(maps), as_pixels(image)
    lit, captions = [], []
    for word, weights in zip(words, maps, strict=True):
        mask = Image.fromarray((255 * _spotlight(weights)).astype("uint8"))
        mask = mask.resize((pixels.shape[1], pixels.shape[0]), Image.Resampling.BICUBIC)
        lit.append(Image.composite(Image.fromarray(pixels), Image.new("RGB", mask.size, _DARK), mask))
        captions.append(f"{word}: {weights.mean():.0%}")
    note = (
        "Lit: the places that look at the word most, each word from its own least (dark) to its own most. "
        "Percent: a place's attention to it, averaged over the picture; what they lack of 100% goes to the "
        "marks at the prompt's two ends."
    )
    listed = "; ".join(
        f"{caption}, {_peak_in_words(weights)}" for caption, weights in zip(captions, maps, strict=True)
    )
    alt = alt or f"Attention to each word: {listed}"
    return picture_strip(lit, captions, title=title, note=note, alt=alt, width=96)


def _spotlight(weights):
    """Return a (height, width) map, stretched to the range from 0 to 1. A uniform map becomes 1."""
    low, high = weights.min(), weights.max()
    return (weights - low) / (high - low) if high > low else weights * 0 + 1


def _peak_in_words(weights):
    """Return in words where a map is highest, such as "most at the top left"."""
    if weights.min() == weights.max():
        return "the same everywhere"
    height, width = weights.shape
    row, column = divmod(int(weights.argmax()), width)
    named = ("top", "", "bottom")[3 * row // height], ("left", "", "right")[3 * column // width]
    return f"most at the {' '.join(filter(None, named)) or 'middle'}"


def shade_html(weights, alt):
    """Return an <img> to lay over a picture: clear where the (height, width) map is high, dark elsewhere."""
    alpha = (235 * (1 - _spotlight(weights))).astype("uint8")
    pixels = numpy.dstack([*(numpy.full_like(alpha, channel) for channel in _DARK), alpha])
    return f'<img class="course-shade" alt="{escape(alt)}" src="{png_url(Image.fromarray(pixels))}">'


def known_words():
    """Return what the view needs to know of PictureWorld's captions: all words, and what can stand for what.

    A kind that has "before" is meant only before that word. A word of one kind that is a noun can be drawn as
    a word of another.
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
    """Holds what a pipeline drew for some prompts, all from the same noise.

    states : (steps + 1, prompts, ...) latents, from the noise to the finished picture.
    noise : list of steps + 1 numbers from 0 to 1, the share of each state's variance that is noise.
    words : list with, for each prompt, the list of its tokens as str.
    maps : list with, for each prompt, an array (tokens, height, width): how much attention each part of the
        picture pays to each token, in the order of `words`. Maps without a word are not shown. Words without
        a map, which the model did not read, are listed below the picture.
    """

    states: object
    noise: list
    words: list
    maps: list


class Denoising(Explorer):
    """Shows the pictures of two prompts after any step, with controls for prompts, seed, guidance and steps.

    To show another step, the explorer only decodes latents. It runs `draw` again only for another prompt,
    seed, guidance or number of steps.

    draw : function (prompts, seed, guidance, steps) -> `Drawn`. If it raises an error, the explorer shows a
        message.
    decode : function from latents (pictures, ...) to a list of pictures, each as in `picture_strip`.
    prompts : two str, the prompts at the start; the second may be empty.
    seed, guidance, steps : the values of these controls at the start.
    unknown : function from a prompt to the list of its words on which the model was not trained. These words
        are listed below the picture; by default no words are listed.

    Raises CourseError if both prompts are empty, or `steps` is outside its range.
    """

    def __init__(self, draw, decode, prompts, *, seed=0, guidance=4.0, steps=20, unknown=None):
        check_choice("number of steps", steps, range(1, MOST_STEPS + 1))
        self.draw, self.decode, self.unknown = draw, decode, unknown
        self._drawn_for, self._drawn_last, self._decoded = None, None, {}
        first, second = prompts
        text = {"continuous_update": False}
        self.first = ipywidgets.Text(value=first, description="prompt, then Enter", **text)
        self.second = ipywidgets.Text(value=second, description="another, then Enter", **text)
        self.seed = ipywidgets.IntSlider(value=seed, min=0, max=99, description="seed", **text)
        self.guidance = ipywidgets.FloatSlider(
            value=guidance, min=1, max=10, step=0.5, description="guidance", readout_format=".1f", **text
        )
        self.steps = ipywidgets.IntSlider(value=steps, min=1, max=MOST_STEPS, description="steps", **text)
        self.step = ipywidgets.IntSlider(value=steps, min=0, max=steps, description="show after step")
        self._result()
        controls = [self.first, self.second, self.seed, self.guidance, self.steps, self.step]
        super().__init__(controls, {self.steps: self._new_steps})
        self.first.layout.width = self.second.layout.width = "480px"

    def _new_steps(self, change):
        with self.quietly(self.step):
            self.step.max = max(self.step.max, self.steps.value)
            self.step.value = self.steps.value  # show the last step, which is the finished picture
            self.step.max = self.steps.value
        self.update()

    def update(self, change=None):
        if self._settings() != self._drawn_for:
            self.show(sentence("drawing…"))
        super().update(change)

    def _settings(self):
        prompts = tuple(text for text in (self.first.value.strip(), self.second.value.strip()) if text)
        return prompts, self.seed.value, self.guidance.value, self.steps.value

    def _result(self):
        """Return what was drawn for the current controls. Run `draw` only if they have changed."""
        settings = self._settings()
        if self._drawn_for != settings:
            prompts, seed, guidance, steps = settings
            if not prompts:
                raise CourseError("There is no prompt: type what to draw, then press Enter.")
            self._drawn_last = given(self.draw, list(prompts), seed, guidance, steps)
            self._decoded = {}
            self._drawn_for = settings
        return self._drawn_last

    def _pictures(self, step):
        """Return the pictures of all prompts after a step; each step is decoded only once."""
        if step not in self._decoded:
            self._decoded[step] = list(given(self.decode, self._result().states[step]))
        return self._decoded[step]

    def render(self):
        drawn, step = self._result(), self.step.value
        state = _noise_in_words(step, drawn.noise[step]).capitalize()
        panels = ""
        for prompt, image, words, maps in zip(
            self._drawn_for[0], self._pictures(step), drawn.words, drawn.maps, strict=True
        ):
            chips = "".join(
                f'<span class="course-said" tabindex="0" style="display:inline-block;margin:4px 4px 0 0;'
                f'padding:0 5px;border:1px solid {LINE};border-radius:4px">{escape(word)} '
                f'<span style="color:{QUIET};font-size:13px">{weights.mean():.0%}</span>'
                f"{shade_html(weights, f'where “{word}” is looked at')}</span>"
                for word, weights in zip(words, map(array, maps), strict=False)
            )
            panels += (
                f'<div style="flex:1 1 {_SIDE}px;min-width:0;max-width:330px">'
                f'<div style="margin-bottom:3px">{escape(prompt)}</div><div class="course-paint">'
                f'<div style="max-width:{_SIDE}px">{image_html(image, f"{prompt}, {state}")}</div>'
                f"{chips}</div>{escape(self._remarks(prompt, words, maps))}</div>"
            )
        html = f'{_ON_HOVER}<div style="display:flex;flex-wrap:wrap;gap:12px 24px">{panels}</div>'
        note = "Point at a word: places that look at it most stay lit. Percent: mean attention."
        title = self._title(state)
        remarks = map(self._remarks, self._drawn_for[0], drawn.words, drawn.maps)
        prompts = "; ".join(f"“{prompt}”" for prompt in self._drawn_for[0])
        alt = " ".join(filter(None, [f"{title}: {prompts}", *remarks]))
        return Picture(card(html, title, note), alt)

    def still(self):
        """Return a picture for readers: five steps of each prompt, and the maps of the first prompt."""
        drawn, (prompts, _, _, steps) = self._result(), self._drawn_for
        shown = sorted({round(steps * quarter / 4) for quarter in range(5)})
        rows = {
            prompt: [self._pictures(step)[index] for step in shown] for index, prompt in enumerate(prompts)
        }
        noise = {step: drawn.noise[step] for step in shown}
        strip = denoising_strip(rows, noise, title=self._title(f"{len(shown)} states"))
        count = min(len(drawn.words[0]), len(drawn.maps[0]))
        maps = word_maps(
            self._pictures(steps)[0],
            drawn.words[0][:count],
            drawn.maps[0][:count],
            title=f"{prompts[0]}: where each word is looked at",
        )
        return Picture(strip.html + maps.html, f"{strip.alt}. {maps.alt}")

    def _title(self, state):
        _, seed, guidance, steps = self._drawn_for
        return f"{state}; {steps} steps, seed {seed}, guidance {guidance:g}"

    def _remarks(self, prompt, words, maps):
        """Return a remark on the words of a prompt that the model did not read or was not trained on."""
        remarks, left = [], words[len(maps) :]
        if left:
            remarks.append(f"Not read: “{' '.join(left)}”; the model reads {len(maps)} tokens of a prompt.")
        if unknown := self.unknown(prompt) if self.unknown else []:
            named = ", ".join(f"“{word}”" for word in unknown)
            remarks.append(f"Not a word of the training captions: {named}.")
        return " ".join(remarks)
