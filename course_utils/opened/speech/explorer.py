"""A view that adds noise to a clip or your voice, and shows the words that Whisper writes. For lesson 09."""

import base64

import numpy

from course_utils.errors import CourseError
from course_utils.opened.speech.audio import is_silent, read
from course_utils.opened.speech.clip import RATE, clips
from course_utils.opened.speech.states import LEVELS, SEED, packed, spoken, with_noise
from course_utils.widgets.explorer import check_choice, given
from course_utils.widgets.live_view import LiveView


class Speech(LiveView):
    """Shows what the model writes for a sound that the learner chooses or records, with or without noise.

    Each new pair of sound and noise runs the model once, and the result is kept.

    listen : a function from a sound (a float32 array (samples,), 16,000 samples a second) to the dict that
        `course.speech.listen` returns: words, spans, chances and attention. If it raises an error, the
        view shows a message.
    sounds : dict from a name to samples.
    sound : str, the name of the sound at the start; by default the first.
    noise : int, the signal-to-noise ratio at the start, in dB: 20, 15, 10, 5, 0 or -5; by default there is no
        noise.

    Raises CourseError if `sounds` has no such name, or if `noise` is not one of these levels.
    """

    view = "speech"

    def __init__(self, listen, sounds, *, sound=None, noise=None):
        self.listen, self.sounds = listen, dict(sounds)
        self._heard = {}
        sound = next(iter(self.sounds)) if sound is None else sound
        check_choice("sound", sound, self.sounds)
        if noise is not None:
            check_choice("noise (in dB)", noise, LEVELS[1:])
        known = clips()
        self._said = {
            name: known[name].transcript
            for name, samples in self.sounds.items()
            if name in known and samples is known[name].samples
        }
        shown = {name: {"seconds": len(samples) / RATE} for name, samples in self.sounds.items()}
        for name, said in self._said.items():
            shown[name] |= {"said": said, "spoken": spoken(known[name])}
        first = self.answer({"sound": sound, "noise": noise, "send": True})
        heard = first["heard"]
        states = [heard if each == noise else None for each in LEVELS]
        shown[sound] |= {"pcm": first["pcm"], "heard": states}
        added = "no noise" if noise is None else f"white noise at {noise} dB"
        words = "; ".join(
            f"{word} {start:.1f} s {chance:.0%}" for word, start, _, chance, _ in heard["words"]
        )
        alt = f"{sound}, {added}: {heard['errors']} errors in {heard['of']} words. {words or 'No words'}."
        data = {"levels": [*LEVELS], "seed": SEED, "sounds": shown}
        super().__init__(data=data, alt=alt, sound=sound, noise=noise)

    def answer(self, want):
        name, level = want["sound"], want["noise"]
        if "pcm" in want:
            self._record(name, want["pcm"])
        heard = self._listened(name, level)
        said = self._said.get(name) or " ".join(self._listened(name, None)["words"])
        result = {"heard": packed(heard, said)}
        if want.get("send"):
            whole = (32768 * self.sounds[name]).round().clip(-32768, 32767).astype("<i2")
            result["pcm"] = base64.b64encode(whole.tobytes()).decode()
        return result

    def _record(self, name, pcm):
        """Store a recording from the browser (16-bit samples in base64). Raises CourseError for silence."""
        samples = read(numpy.frombuffer(base64.b64decode(pcm), "<i2"), rate=RATE)
        if is_silent(samples):
            raise CourseError(
                "This recording is silent: check that the microphone is not muted, and record again."
            )
        self.sounds[name] = samples
        self._heard = {key: heard for key, heard in self._heard.items() if key[0] != name}

    def _listened(self, name, level):
        """Return the result of `listen` for a sound in noise. Each sound and level is computed only once."""
        key = name, level
        if key not in self._heard:
            self._heard[key] = given(self.listen, with_noise(self.sounds[name], level))
        return self._heard[key]
