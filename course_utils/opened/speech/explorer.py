"""An explorer that adds noise to a sound and shows the words that Whisper then writes, for lesson 07."""

import difflib
import itertools
import math

import ipywidgets

from course_utils.opened.speech.audio import add_noise
from course_utils.opened.speech.clip import RATE
from course_utils.opened.speech.pictures import (
    alignment_html,
    player_html,
    spectrogram_html,
    spectrogram_in_words,
    spectrogram_note,
)
from course_utils.opened.speech.recorder import Recorder
from course_utils.views.picture import INK, QUIET, VERMILLION, Picture, card, signed
from course_utils.views.text import percent
from course_utils.widgets.explorer import Explorer, check_choice, given, sentence

OWN = "your recording"
NO_NOISE = math.inf  # the signal-to-noise ratio without noise, in dB
_NOISES = (20, 15, 10, 5, 0, -5)  # signal-to-noise ratios, in dB
_LEVELS = [("no noise", NO_NOISE), *((f"{signed(level, 0)} dB", level) for level in _NOISES)]
_KINDS = [("white noise", "white"), ("babble of voices", "babble")]

# If the mouse points at a word, or the Tab key moves to it, the page shows this word's attention.
_ON_HOVER = (
    "<style>.course-attended{display:none}"
    ".course-attended.course-kept,.course-word:hover>.course-attended,.course-word:focus>.course-attended"
    "{display:inline}"
    ".course-heard:has(.course-word:hover) .course-word:not(:hover)>.course-kept,"
    ".course-heard:not(:has(.course-word:hover)):has(.course-word:focus)"
    " .course-word:not(:focus)>.course-kept{display:none}"
    ".course-word{outline:none;cursor:default}"
    f".course-word:focus-visible{{outline:2px solid {INK}}}"
    ".course-word:hover>:nth-child(2)>span,.course-word:focus>:nth-child(2)>span"
    f"{{outline:2px solid {VERMILLION};outline-offset:-2px}}</style>"
)


class Speech(Explorer):
    """Shows what the model writes for a sound that the learner chooses or records, with or without noise.

    Each new pair of sound and noise runs the model once, and the result is kept.

    listen : function samples (float32, (samples,), 16,000 a second) -> dict with arguments of `spectrogram`:
        mel, words, spans, chances and attention. If it raises an error, the explorer shows a message.
    sounds : dict from a name to samples.
    sound : str, the name of the sound at the start; by default the first.
    noise : int, the signal-to-noise ratio at the start, in dB: 20, 15, 10, 5, 0 or -5; by default there is no
        noise.

    Raises CourseError if there is no such sound, or if the slider has no such value.
    """

    def __init__(self, listen, sounds, *, sound=None, noise=NO_NOISE):
        self.listen, self.sounds = listen, dict(sounds)
        self._heard = {}
        sound = next(iter(self.sounds)) if sound is None else sound
        check_choice("sound", sound, self.sounds)
        if noise != NO_NOISE:
            check_choice("noise (in dB)", noise, _NOISES)
        self.sound = ipywidgets.Dropdown(options=list(self.sounds), value=sound, description="sound")
        self.noise = ipywidgets.SelectionSlider(
            options=_LEVELS, value=noise, description="noise", continuous_update=False
        )
        self.kind = ipywidgets.Dropdown(options=_KINDS, description="kind of noise")
        self.recorder = Recorder()
        self.recorder.on_done(self._recorded)
        super().__init__([self.sound, self.noise, self.kind])
        row, *rest = self.box.children
        self.box.children = (row, self.recorder.widget, *rest)

    def _recorded(self, samples):
        self.sounds[OWN] = samples
        self._heard = {key: heard for key, heard in self._heard.items() if key[0] != OWN}
        with self.quietly(self.sound):
            self.sound.options = list(self.sounds)
            self.sound.value = OWN
        self.update()

    def update(self, change=None):
        if self._key() not in self._heard:
            self.show(sentence("listening…"))
        super().update(change)

    def render(self):
        return self._picture(live=True)

    def still(self):
        return self._picture(live=False)

    def _key(self):
        level = self.noise.value
        return self.sound.value, level, None if level == NO_NOISE else self.kind.value

    def _listened(self, sound, level, kind):
        """Return the samples with noise, and the result of `listen` for them, which is computed only once."""
        key = sound, level, kind
        if key not in self._heard:
            samples = self.sounds[sound]
            if level != NO_NOISE:
                samples = add_noise(samples, level, kind=kind)
            self._heard[key] = samples, given(self.listen, samples)
        return self._heard[key]

    def _picture(self, live):
        sound, level, kind = self._key()
        samples, heard = self._listened(sound, level, kind)
        words, chances = heard["words"], heard["chances"]
        title = f"{sound}, no noise"
        if level != NO_NOISE:
            title = f"{sound}, {'babble' if kind == 'babble' else 'white noise'} at {signed(level, 0)} dB"
        # Outline the least likely word, unless the mouse points at another word.
        chosen = min(range(len(words)), key=chances.__getitem__) if words else None
        facts = f"{len(words)} words, mean probability {_mean(chances)}"
        html = spectrogram_html(**heard, chosen=chosen, hover=live)
        if live:
            html = f'{player_html(samples, RATE, title)}{_ON_HOVER}<div class="course-heard">{html}</div>'
        if level != NO_NOISE:
            clean = self._listened(sound, NO_NOISE, None)[1]
            pairs = paired(clean["words"], words)
            changed = sum(before != after for before, after in pairs)
            facts += f" ({_mean(clean['chances'])} without noise), {changed} words changed"
            html += alignment_html({"words changed": pairs}, "without noise", "with it")
        note = spectrogram_note(words, chances, heard["attention"])
        if live:
            note += " Point at a word to see its attention."
        html += f'<div style="margin-top:6px;color:{QUIET};font-size:13px">{facts}.</div>'
        alt = f"{title}: {facts}. {spectrogram_in_words(**heard, chosen=chosen)}"
        return Picture(card(html, title, note), alt)


def paired(before, after):
    """Align two lists of words. Return pairs, in which None stands for a missing partner."""
    pairs = []
    for _, start, end, first, last in difflib.SequenceMatcher(None, before, after, False).get_opcodes():
        pairs += itertools.zip_longest(before[start:end], after[first:last])
    return pairs


def _mean(chances):
    return percent(sum(chances) / len(chances), 0) if chances else "none"
