"""An explorer for two prompts drawn from the same noise: every step, and the attention to each word."""

from dataclasses import dataclass
from html import escape

import ipywidgets

from course_utils.errors import CourseError
from course_utils.views.denoising import denoising_strip, image_html, noise_words, shade_html, word_maps
from course_utils.views.picture import INK, LINE, QUIET, Picture, array, card

from .base import Explorer, given, sentence

MOST_STEPS = 50
_SIDE = 224  # pixels, the greatest width of a picture below the controls

# Pointing at a word, or moving to it with the Tab key, shows its map over the picture.
_ON_HOVER = (
    "<style>.course-paint{position:relative}"
    ".course-paint .course-shade{display:none;position:absolute;top:0;left:0;width:100%;max-width:"
    f"{_SIDE}px;pointer-events:none}}"
    ".course-said:hover>.course-shade,.course-said:focus>.course-shade{display:block}"
    f".course-said:hover,.course-said:focus{{outline:2px solid {INK};outline-offset:1px}}</style>"
)


@dataclass(frozen=True)
class Drawn:
    """Holds what a pipeline drew for some prompts, each from the same noise.

    Parameters
    ----------
    states: (steps + 1, prompts, ...) latents, from the noise to the finished picture.
    noise: list of steps + 1 numbers from 0 to 1, the share of each state's variance that is noise.
    words: list with, for each prompt, the list of its tokens as str.
    maps: list with, for each prompt, an array (tokens, height, width): how much attention each part of the
        picture pays to each token, in the order of `words`. If there are more maps than words, the rest are
        not shown. Words without a map, which the model did not read, are listed below the picture.
    """

    states: object
    noise: list
    words: list
    maps: list


class Denoising(Explorer):
    """Shows the pictures of two prompts after any step, with controls for prompts, seed, guidance and steps.

    Showing another step only decodes latents. Another prompt, seed, guidance or number of steps runs `draw`
    again.

    Parameters
    ----------
    draw: function (prompts, seed, guidance, steps) -> `Drawn`. If it raises an error, the explorer shows a
        message.
    decode: function from latents (pictures, ...) to a list of pictures, as `views.picture_strip` takes them.
    prompts: two str, the prompts at the start; the second may be empty.
    seed, guidance, steps: the values of these controls at the start.
    unknown: function from a prompt to the list of its words that the model was not trained on, which are
        listed below the picture; by default no words are listed.

    Raises
    ------
    CourseError: if both prompts are empty, or `steps` is outside its range.
    """

    def __init__(self, draw, decode, prompts, seed=0, guidance=4.0, steps=20, unknown=None):
        if steps not in range(1, MOST_STEPS + 1):
            raise CourseError(f"{steps} steps are none of the choices: take 1 to {MOST_STEPS}.")
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
        super().__init__([self.first, self.second, self.seed, self.guidance, self.steps, self.step])
        for control in (self.first, self.second):
            control.layout.width = "480px"
        for control in (self.first, self.second, self.seed, self.guidance, self.step):
            control.observe(self.update, "value")
        self.steps.observe(self._new_steps, "value")

    def _new_steps(self, change):
        with self.quietly(self.step):
            self.step.max = max(self.step.max, self.steps.value)
            self.step.value = self.steps.value  # show the last step, which is the finished picture
            self.step.max = self.steps.value
        self.update()

    def update(self, change=None):
        if self._asked() != self._drawn_for:
            self.show(sentence("drawing…"))
        super().update(change)

    def _asked(self):
        prompts = tuple(text for text in (self.first.value.strip(), self.second.value.strip()) if text)
        return prompts, self.seed.value, self.guidance.value, self.steps.value

    def _result(self):
        """Return what was drawn for the present controls; run `draw` only if they have changed."""
        asked = self._asked()
        if self._drawn_for != asked:
            prompts, seed, guidance, steps = asked
            if not prompts:
                raise CourseError("There is no prompt: type what to draw, then press Enter.")
            self._drawn_last = given(self.draw, list(prompts), seed, guidance, steps)
            self._decoded = {}
            self._drawn_for = asked
        return self._drawn_last

    def _pictures(self, step):
        """Return the pictures of all prompts after a step; each step is decoded only once."""
        if step not in self._decoded:
            self._decoded[step] = list(given(self.decode, self._result().states[step]))
        return self._decoded[step]

    def render(self):
        drawn, step = self._result(), self.step.value
        where = noise_words(step, drawn.noise[step]).capitalize()
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
                f'<div style="max-width:{_SIDE}px">{image_html(image, f"{prompt}, {where}")}</div>'
                f"{chips}</div>{escape(self._remarks(prompt, words, maps))}</div>"
            )
        body = f'{_ON_HOVER}<div style="display:flex;flex-wrap:wrap;gap:12px 24px">{panels}</div>'
        note = "Point at a word: places that look at it most stay lit. Percent: mean attention."
        return Picture(card(body, self._setting(where), note), self._words(where))

    def still(self):
        """Return a picture for readers: five steps of each prompt, and the maps of the first prompt."""
        drawn, (prompts, _, _, steps) = self._result(), self._drawn_for
        places = sorted({round(steps * quarter / 4) for quarter in range(5)})
        rows = {
            prompt: [self._pictures(place)[number] for place in places]
            for number, prompt in enumerate(prompts)
        }
        noise = {place: drawn.noise[place] for place in places}
        ways = denoising_strip(rows, noise, self._setting(f"{len(places)} states"))
        count = min(len(drawn.words[0]), len(drawn.maps[0]))
        maps = word_maps(
            self._pictures(steps)[0],
            drawn.words[0][:count],
            drawn.maps[0][:count],
            f"{prompts[0]}: where each word is looked at",
        )
        return Picture(ways.html + maps.html, f"{ways.alt}. {maps.alt}")

    def _setting(self, where):
        _, seed, guidance, steps = self._drawn_for
        return f"{where}; {steps} steps, seed {seed}, guidance {guidance:g}"

    def _words(self, where):
        drawn, asked = self._drawn_last, self._drawn_for[0]
        remarks = map(self._remarks, asked, drawn.words, drawn.maps)
        prompts = "; ".join(f"“{prompt}”" for prompt in asked)
        return " ".join(filter(None, [f"{self._setting(where)}: {prompts}", *remarks]))

    def _remarks(self, prompt, words, maps):
        """Say which words of a prompt the model did not read, and on which words it was not trained."""
        unknown = self.unknown(prompt) if self.unknown else []
        named = ", ".join(f"“{word}”" for word in unknown)
        never = f"Not a word of the training captions: {named}." if unknown else ""
        return " ".join(filter(None, [_unread(words, maps), never]))


def _unread(words, maps):
    """Return a sentence with the words of a prompt that the model did not read, or "" if it read all."""
    left = words[len(maps) :]
    return f"Not read: “{' '.join(left)}”; the model reads {len(maps)} tokens of a prompt." if left else ""
