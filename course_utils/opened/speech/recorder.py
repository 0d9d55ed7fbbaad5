"""Records your voice in the browser. Only the kernel gets the recording; in Colab, Google runs the kernel."""

import base64
import json
from html import escape

import ipywidgets

from course_utils.errors import CourseError
from course_utils.opened.speech.audio import WINDOW, is_silent, read
from course_utils.opened.speech.clip import RATE
from course_utils.views.picture import Picture, bundle

LONGEST = int(WINDOW)  # seconds in the longest recording

# An async function (seconds, button) => {wav: base64 of a 16-bit WAV file}, or {error: a sentence}. It uses
# the browser's codec and resampler. The recording ends after `seconds`, or when the button is pressed again.
_RECORD = """async (seconds, button) => {
  const wait = milliseconds => new Promise(done => setTimeout(done, milliseconds));
  if (!navigator.mediaDevices)
    return {error: "This page may not use the microphone, as its address is neither https nor localhost: " +
      "open it at one of these, or record with another program and read the file."};
  let stream;
  try {
    const unchanged = {echoCancellation: false, noiseSuppression: false, autoGainControl: false};
    stream = await navigator.mediaDevices.getUserMedia({audio: unchanged});
  } catch (error) {
    return {error: error.name === "NotFoundError"
      ? "The browser finds no microphone: connect one, and try again."
      : `The browser gives no microphone (${error.name}): allow it here, and try again.`};
  }
  try {
    const recorder = new MediaRecorder(stream), pieces = [];
    const ended = new Promise(done => recorder.onstop = done);
    recorder.ondataavailable = event => pieces.push(event.data);
    recorder.start();
    let pressed = false;
    button.onclick = () => { pressed = true; };
    const start = performance.now();
    for (let left = seconds; left > 0 && !pressed; left = seconds - (performance.now() - start) / 1000) {
      button.textContent = `Recording: press to stop (${Math.ceil(left)} s left)`;
      await wait(100);
    }
    recorder.stop();
    await ended;
    const context = new OfflineAudioContext(1, 1, RATE);
    const sound = await context.decodeAudioData(await new Blob(pieces).arrayBuffer());
    const file = new DataView(new ArrayBuffer(44 + 2 * sound.length));
    const text = (offset, value) =>
      [...value].forEach((letter, index) => file.setUint8(offset + index, letter.charCodeAt(0)));
    text(0, "RIFF"); file.setUint32(4, 36 + 2 * sound.length, true); text(8, "WAVEfmt ");
    file.setUint32(16, 16, true); file.setUint16(20, 1, true); file.setUint16(22, 1, true);
    file.setUint32(24, RATE, true); file.setUint32(28, 2 * RATE, true);
    file.setUint16(32, 2, true); file.setUint16(34, 16, true);
    text(36, "data"); file.setUint32(40, 2 * sound.length, true);
    sound.getChannelData(0).forEach((value, index) =>
      file.setInt16(44 + 2 * index, Math.round(32767 * Math.max(-1, Math.min(1, value))), true));
    let bytes = "";
    for (const byte of new Uint8Array(file.buffer)) bytes += String.fromCharCode(byte);
    return {wav: btoa(bytes)};
  } catch (error) {
    return {error: `The browser could not record (${error.message}): try another browser, or read a file.`};
  } finally {
    stream.getTracks().forEach(track => track.stop());
  }
}""".replace("RATE", str(RATE))

# The button's script. It records, and writes the result into a hidden field, which the kernel reads.
_PRESSED = """if (this.recording) return;
const button = this, ready = button.textContent, handler = button.onclick;
button.recording = true;
(RECORD)(SECONDS, button).then(result => {
  button.recording = false; button.textContent = ready; button.onclick = handler;
  const field = button.closest('.course-recorder').querySelector('textarea');
  field.value = JSON.stringify(result);
  field.dispatchEvent(new Event('change', {bubbles: true}));
});"""


class Recorder:
    """A button that records your voice. Put it on the last line of a cell. The voice goes to the kernel only.

    seconds : the longest recording, from 1 to 29; if you press the button again, the recording ends earlier.

    `done` is True if there is a recording. `samples` is the last recording: float32 of shape (samples,),
    16,000 a second. `widget` is the ipywidget, which can be shown together with others.
    """

    def __init__(self, seconds=10):
        if not 1 <= seconds <= LONGEST:
            raise CourseError(f"A recording lasts 1 to {LONGEST} seconds, not {seconds}.")
        self._samples = None
        script = _PRESSED.replace("RECORD", _RECORD).replace("SECONDS", json.dumps(seconds))
        button = ipywidgets.HTML(
            f'<button class="jupyter-button mod-primary" style="width:auto;padding:0 12px" '
            f'onclick="{escape(script)}">Record up to {seconds:g} seconds</button>'
        )
        self._field = ipywidgets.Textarea(layout={"display": "none"})
        self._field.observe(self._arrived, "value")
        self._message = ipywidgets.HTML()
        self._show(
            "Press the button, allow the microphone, and speak. Your voice goes to the kernel alone; "
            "in Colab that is a computer of Google's."
        )
        self.widget = ipywidgets.VBox([button, self._field, self._message])
        self.widget.add_class("course-recorder")

    @property
    def done(self) -> bool:
        """True if there is a recording."""
        return self._samples is not None

    @property
    def samples(self):
        """The last recording. Raises CourseError if there is none yet."""
        if self._samples is None:
            raise CourseError("Nothing is recorded yet: press the button, speak, and run this cell again.")
        return self._samples

    def take(self, result):
        """Store a result from the browser: {"wav": base64} or {"error": sentence}.

        Raises CourseError if the result is an error, or if the recording is silent or can't be read.
        """
        if "error" in result:
            raise CourseError(result["error"])
        samples = read(base64.b64decode(result["wav"]))
        if is_silent(samples):
            raise CourseError(
                "This recording is silent: check that the microphone is not muted, and record again."
            )
        self._samples = samples
        self._show(f"Recorded: {len(self._samples) / RATE:.1f} seconds. Press the button to record again.")

    def _arrived(self, change):
        if not change["new"]:
            return
        self._field.value = ""  # so that a saved page does not contain the voice
        try:
            self.take(json.loads(change["new"]))
        except CourseError as error:
            self._show(str(error))

    def _show(self, sentence):
        self._message.value = f'<div role="status">{escape(sentence)}</div>'

    def _repr_mimebundle_(self, include=None, exclude=None):
        hint = "Run this cell to record your own voice."
        return bundle(self.widget, Picture(f"<div>{hint}</div>", hint))


def record(seconds=10):
    """Return a `Recorder`, which records when you press its button. In Colab, this function itself records.

    seconds : the longest recording, from 1 to 29

    Raises CourseError if `seconds` is outside this range. In Colab, it also raises CourseError if there is no
    microphone or if the recording is silent.
    """
    recorder = Recorder(seconds)
    try:
        from google.colab import output
    except ImportError:
        return recorder
    # Colab shows each output in a frame of its own. `eval_js` runs a script in that frame and waits for the
    # script's result.
    page = f"""(async () => {{
  const button = document.createElement("button");
  button.textContent = "Allow the microphone";
  document.body.append(button);
  const result = await ({_RECORD})({json.dumps(seconds)}, button);
  button.remove();
  return result;
}})()"""
    recorder.take(output.eval_js(page))
    return recorder
