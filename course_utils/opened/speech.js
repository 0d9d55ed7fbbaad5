// A voice as a picture, and above it the words that Whisper writes. The visitor clicks a word to hear it, and drags a
// handle to add noise.
// The view's `data` is {levels (of noise, in dB), seed (of the noise), sounds}. Each sound has `seconds`, `said` (the text
// that the voice reads), `spoken` (the words of this text with their times), its samples as `file` (beside this module) or
// `pcm` (base64), and `heard` (what Whisper writes at each level).
// The visitor chooses `sound` and `noise` (dB, null for none).
// A host that can compute gets `want` {sound, noise, send, pcm?}, where `pcm` is a recording and `send` asks for the
// sound's samples. The host answers with `said` {heard, pcm?}.
import { adopt, announcer, asSlider, bytes, colour, glide, headline, keeper, make, onDrag, onTheme, radio } from "./view.js";

export const RATE = 16000;
const BANDS = 80;
const WINDOW = 400; // samples: 25 ms
const HOP = 160; // samples: 10 ms
const ATTENDED = 50; // the number of positions that attention can go to in each second of sound
const OWN = "your voice";
// How the course's own sounds differ
const TRAITS = {
  dashwood: "a name in it",
  "young man": "the shortest",
  "cold-hearted": "“rather” twice",
  respectable: "a long one",
  himself: "a short one",
};
const LONGEST = 15; // seconds: the greatest length of a recording

/**
 * White noise: mulberry32 makes uniform numbers, and Box and Muller's formula turns them into normally distributed ones.
 * states.py makes the same noise.
 * @param {number} length
 * @param {number} seed
 * @returns {Float32Array}
 */
export function whiteNoise(length, seed) {
  let state = seed;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  return Float32Array.from({ length }, () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()));
}

/**
 * The factor by which `noise` must be multiplied for the signal-to-noise ratio `level`. It is 0 if `level` is null (no noise).
 * @param {Float32Array} samples
 * @param {Float32Array} noise
 * @param {number | null} level the signal-to-noise ratio in dB
 */
export function gainOf(samples, noise, level) {
  const power = (values) => values.reduce((sum, value) => sum + value * value, 0) / values.length;
  return level === null ? 0 : Math.sqrt(power(samples) / 10 ** (level / 10) / power(noise));
}

/** Whisper's mel filters: for each band, `first` (its lowest frequency, in steps of 40 Hz) and the weights from `first` up. */
function filters() {
  const toHertz = (mel) => (mel < 15 ? (200 / 3) * mel : 1000 * 6.4 ** ((mel - 15) / 27));
  const highest = 15 + (27 * Math.log(RATE / 2 / 1000)) / Math.log(6.4);
  const edges = Array.from({ length: BANDS + 2 }, (_, edge) => toHertz((highest * edge) / (BANDS + 1)));
  const width = RATE / WINDOW;
  return Array.from({ length: BANDS }, (_, band) => {
    const [low, middle, high] = edges.slice(band, band + 3);
    const first = Math.ceil(low / width);
    const weights = [];
    for (let pitch = first; pitch * width <= high; pitch++) {
      const rising = (pitch * width - low) / (middle - low);
      const falling = (high - pitch * width) / (high - middle);
      weights.push((Math.max(0, Math.min(rising, falling)) * 2) / (high - low));
    }
    return { first, weights };
  });
}

/**
 * The picture of a sound, which is Whisper's input: how loud each band of pitches is, every 10 ms.
 * @param {Float32Array} samples 16,000 a second
 * @returns {{ values: Float32Array, frames: number }} of shape (80, frames)
 */
export function melPicture(samples) {
  const frames = Math.floor(samples.length / HOP);
  const side = Math.sqrt(WINDOW); // 20: the Fourier transform of 400 samples is computed in two rounds, each of 20 transforms of 20 numbers
  const cos = Float64Array.from({ length: WINDOW }, (_, turn) => Math.cos((2 * Math.PI * turn) / WINDOW));
  const sin = Float64Array.from({ length: WINDOW }, (_, turn) => -Math.sin((2 * Math.PI * turn) / WINDOW));
  const at = (index) => samples[index < 0 ? -index : index] ?? 0; // the sound is mirrored at its start, and silent after its end
  const windowed = new Float64Array(WINDOW);
  const real = new Float64Array(WINDOW);
  const imaginary = new Float64Array(WINDOW);
  const powers = new Float64Array(WINDOW / 2 + 1);
  const bands = filters();
  const values = new Float32Array(BANDS * frames);
  let loudest = -10;
  for (let frame = 0; frame < frames; frame++) {
    for (let i = 0; i < WINDOW; i++) windowed[i] = at(frame * HOP + i - WINDOW / 2) * (0.5 - 0.5 * cos[i]);
    for (let column = 0; column < side; column++) {
      for (let k = 0; k < side; k++) {
        let [re, im] = [0, 0];
        for (let row = 0; row < side; row++) {
          const turn = (side * row * k) % WINDOW;
          const value = windowed[side * row + column];
          re += value * cos[turn];
          im += value * sin[turn];
        }
        const twist = column * k;
        real[side * k + column] = re * cos[twist] - im * sin[twist];
        imaginary[side * k + column] = re * sin[twist] + im * cos[twist];
      }
    }
    for (let pitch = 0; pitch < powers.length; pitch++) {
      const [k, step] = [pitch % side, Math.floor(pitch / side)];
      let [re, im] = [0, 0];
      for (let column = 0; column < side; column++) {
        const turn = (side * column * step) % WINDOW;
        const index = side * k + column;
        re += real[index] * cos[turn] - imaginary[index] * sin[turn];
        im += real[index] * sin[turn] + imaginary[index] * cos[turn];
      }
      powers[pitch] = re * re + im * im;
    }
    for (const [band, { first, weights }] of bands.entries()) {
      let power = 0;
      for (let i = 0; i < weights.length; i++) power += weights[i] * powers[first + i];
      const log = Math.log10(Math.max(power, 1e-10));
      loudest = Math.max(loudest, log);
      values[band * frames + frame] = log;
    }
  }
  for (let i = 0; i < values.length; i++) values[i] = (Math.max(values[i], loudest - 8) + 4) / 4;
  return { values, frames };
}

/** How dark a loudness from 0 to 1 is drawn. The curve is steep where a voice stands out from noise. */
const contrast = (loudness) => {
  const part = Math.max(0, Math.min(1, (loudness - 0.35) / 0.62));
  return part ** 2 * (3 - 2 * part);
};

/** The noise's power as text, in percent of the voice's power. */
const power = (level) => (level === null ? "none" : `${Math.round(100 * 10 ** (-level / 10))}%`);
/** Words for the noise at a level, such as “with noise at 10%”. */
const spoken = (level) => (level === null ? "without noise" : `with noise at ${power(level)}`);
const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
const percent = (share) => (share < 0.005 ? "under 1%" : `${Math.round(100 * share)}%`);

/** `fromPcm` turns 16-bit samples, as base64 text, into numbers from -1 to 1. `toPcm` turns such numbers into such a text. */
const fromPcm = (text) => Float32Array.from(new Int16Array(bytes(text).buffer), (value) => value / 32768);
function toPcm(samples) {
  const whole = Int16Array.from(samples, (value) => Math.round(32767 * Math.max(-1, Math.min(1, value))));
  let text = "";
  for (const byte of new Uint8Array(whole.buffer)) text += String.fromCharCode(byte);
  return btoa(text);
}
/** Decode a sound file as samples, with the browser's own codec and resampler. */
const decode = async (file) => (await new OfflineAudioContext(1, 1, RATE).decodeAudioData(file)).getChannelData(0);

const SIZES = [1.5, 1.25, 1.0625]; // rem: font sizes
const MOST_ROWS = 14; // the most rows of words and sound
const STRIPS = { wide: [104, 84], narrow: [56, 44] }; // px: the height of the picture in each row of two or three, and of more
const SINGLE = (width) => Math.max(136, Math.min(240, 0.22 * width)); // px: its height in a single row, in a view of this width
const BETWEEN = 18; // px: the space below a row
const SPOKEN = 1.35; // the height of a row of spoken words, in font sizes
const WRITTEN = 2; // the height of a row of written words with the gap below it, in font sizes

/** A word's pieces, in lower case and without punctuation. A hyphen separates two pieces: "ill-disposed" has two. */
const piecesOf = (text) => text.toLowerCase().split(/[\s-]+/).map((piece) => piece.replace(/[^\p{L}\p{N}]/gu, "")).filter(Boolean);

/**
 * Columns for two lines of words, so that a written word stands below the spoken word that it equals. Between two such
 * columns, the other spoken and written words stand below each other in their order.
 * @param {string[]} spoken
 * @param {string[]} written
 * @param {number[]} [missed] the indices of the spoken words that equal no written word, and so of `wrong` for the written ones
 * @param {number[]} [wrong]
 * @returns {[number, number][]} for each column the indices of its spoken and its written word; -1 if it has none
 */
export function columnsOf(spoken, written, missed = [], wrong = []) {
  const pieces = written.flatMap((text, word) => piecesOf(text).map((piece) => ({ piece, word })));
  const firsts = spoken.map((text) => piecesOf(text)[0]);
  const same = (s, w) => firsts[s] === pieces[w].piece && !missed.includes(s) && !wrong.includes(pieces[w].word);
  // most[s][w] is how many spoken words from s on can be paired, in order, with equal pieces from w on
  const most = Array.from({ length: spoken.length + 1 }, () => new Array(pieces.length + 1).fill(0));
  for (let s = spoken.length - 1; s >= 0; s--) {
    for (let w = pieces.length - 1; w >= 0; w--) most[s][w] = same(s, w) ? 1 + most[s + 1][w + 1] : Math.max(most[s + 1][w], most[s][w + 1]);
  }
  const columns = [];
  let placed = -1; // the last written word that has a column
  let [said, wrote] = [[], []]; // the spoken and the written words after the last pair of equal words
  const flush = () => {
    for (let at = 0; at < Math.max(said.length, wrote.length); at++) columns.push([said[at] ?? -1, wrote[at] ?? -1]);
    [said, wrote] = [[], []];
  };
  let [s, w] = [0, 0];
  while (s < spoken.length || w < pieces.length) {
    const fresh = w < pieces.length && pieces[w].word > placed;
    if (s < spoken.length && w < pieces.length && same(s, w)) {
      flush();
      columns.push([s, fresh ? pieces[w].word : -1]);
      placed = pieces[w].word;
      s++;
      w++;
    } else if (w < pieces.length && (s === spoken.length || most[s][w + 1] >= most[s + 1][w])) {
      if (fresh) wrote.push(pieces[w].word);
      placed = Math.max(placed, pieces[w].word);
      w++;
    } else said.push(s++);
  }
  flush();
  return columns;
}

export function render({ model, el }) {
  const data = model.get("data");
  const { levels } = data;
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const sounds = new Map(Object.entries(data.sounds));
  const heard = new Map(); // {"sound|level": what Whisper wrote}
  const tried = new Map(); // {sound: the levels that the visitor has tried}
  const samples = new Map(); // {sound: Float32Array}
  const mels = new Map(); // {"sound|level": mel picture}
  const noises = new Map(); // {number of samples: Float32Array}
  let asked = null; // the sound and level that the host is computing
  let chosen = -1; // the index of the word that the visitor points at, or -1
  let now = 0; // seconds: where the playhead stands
  let slide = null; // while the handle is dragged, its place among the levels, such as 1.5 between the second and the third
  let grid = { count: 1, words: 0, strip: 0, pitch: 0 }; // the number of rows; in px, the heights of a row's words, of its picture, and of both with the space below
  let player = null; // while sound plays: {whole, word, tune, position, stop, end}, as `start` makes it; otherwise null
  let ended = false;

  for (const [name, sound] of sounds) {
    (sound.heard ?? []).forEach((found, index) => found && heard.set(`${name}|${levels[index]}`, found));
    if (sound.pcm) samples.set(name, fromPcm(sound.pcm));
  }

  // The HTML elements of the view
  adopt(el, "sc");
  const { head, loud, loudWords } = headline("sc");
  const truth = make("p", "sc-truth");
  // The words that the voice says and, below them, those that Whisper writes
  const score = make("div", "sc-score");
  const labels = [make("span", "sc-label", "The voice says"), make("span", "sc-label", "Whisper writes")];
  const spokenWords = make("div", "sc-spoken");
  const words = make("div", "sc-words");
  words.setAttribute("role", "toolbar");
  words.setAttribute("aria-label", "What Whisper wrote: press a word to hear it");
  score.append(labels[0], spokenWords, labels[1], words);
  const sound = make("div", "sc-sound");
  const canvas = make("canvas", "sc-mel");
  canvas.setAttribute("aria-hidden", "true");
  const span = make("i", "sc-span");
  const here = make("div", "sc-here");
  here.setAttribute("aria-hidden", "true");
  here.append(make("span"));
  const playhead = make("div", "sc-playhead");
  asSlider(playhead, { label: "Position in the sound", min: 0 });
  playhead.append(make("i"));
  const scale = make("div", "sc-scale"); // what the picture's height and darkness mean
  scale.setAttribute("aria-hidden", "true");
  scale.append(make("span", "", "high pitch"), make("span", "", "low pitch"), make("span"));
  sound.append(canvas, span, here, scale, playhead);
  const rows = make("div", "sc-rows"); // rows of words, and below each row its part of the sound
  rows.append(sound, score);
  const axis = make("div", "sc-axis num");
  axis.setAttribute("aria-hidden", "true");
  const looks = make("p", "sc-looks");
  const noise = make("div", "sc-noise");
  const ticks = levels.map((level) => {
    const tick = noise.appendChild(make("span", "sc-tick"));
    tick.append(make("i"), make("b", "num"), make("em", "num", power(level)));
    return tick;
  });
  const unit = noise.appendChild(make("span", "sc-unit"));
  unit.append(make("b", "", "Noise"), " 100%: as strong as the voice");
  const rail = noise.appendChild(make("i", "sc-rail"));
  const handle = noise.appendChild(make("div", "sc-handle"));
  asSlider(handle, { label: "Noise", min: 0, max: levels.length - 1 });
  handle.append(make("i"), make("span", "sc-hint", "drag the noise"));
  const play = make("button", "sc-play", "▶ Play");
  const stage = make("div", "sc-stage");
  stage.append(play, rows);
  const tools = make("div", "sc-tools");
  const choices = tools.appendChild(make("div", "sc-choices"));
  choices.setAttribute("role", "radiogroup");
  choices.setAttribute("aria-label", "Sound");
  const note = make("p", "sc-note");
  const { live, speak, hush } = announcer();
  el.append(head, noise, truth, stage, axis, looks, tools, note, live);

  // The visitor's choices now
  const name = () => (sounds.has(model.get("sound")) ? model.get("sound") : sounds.keys().next().value);
  const level = () => (levels.includes(model.get("noise") ?? null) ? (model.get("noise") ?? null) : null);
  const key = () => `${name()}|${level()}`;
  const seconds = () => sounds.get(name()).seconds;
  const written = () => heard.get(key());
  const wrongs = ({ errors }) => plural(errors, sounds.get(name()).said ? "error" : "change");
  const keep = keeper(model, update);

  const chips = [];
  /** The index of the word whose attention is shown: the word that is playing or, if none plays, the word that the visitor
   * points at. Without such a word, it is the least likely word if `live` is true, and otherwise -1. */
  function shown() {
    if (player?.word >= 0) return player.word;
    if (chosen >= 0) return Math.min(chosen, chips.length - 1);
    const found = (model.get("live") && written()?.words) || [];
    return found.reduce((least, word, index) => (least < 0 || word[3] < found[least][3] ? index : least), -1);
  }
  function attention(index) {
    const found = written();
    if (!found?.rows) return null;
    return index < 0 ? null : found.rows.subarray(index * found.positions, (index + 1) * found.positions);
  }

  // Preparing, playing and drawing the sound
  const noiseFor = (length) => {
    if (!noises.has(length)) noises.set(length, whiteNoise(length, data.seed));
    return noises.get(length);
  };
  const loading = new Set();
  async function load(wanted) {
    const { file } = sounds.get(wanted);
    if (!file || loading.has(wanted)) return;
    loading.add(wanted);
    try {
      const answer = await fetch(import.meta.url.replace(/[^/]*$/, file));
      if (!answer.ok) throw new Error(`${file} could not be loaded (${answer.status}): try again in a moment.`);
      samples.set(wanted, await decode(await answer.arrayBuffer()));
    } catch (error) {
      console.error(error);
      loudWords.textContent = ` ${error.message}`;
      loading.delete(wanted);
      return;
    }
    if (!ended && wanted === name()) update();
    prepare(wanted, [...levels]);
  }
  /** Compute the pictures of all levels one by one in the background, so that a drag shows them at once. */
  function prepare(wanted, left) {
    if (ended || !left.length) return;
    later = setTimeout(() => {
      melOf(wanted, left.shift());
      prepare(wanted, left);
    }, 60);
  }
  let later = 0;
  function melOf(which, at) {
    const clean = samples.get(which);
    if (!clean) return null;
    if (!mels.has(`${which}|${at}`)) {
      const added = noiseFor(clean.length);
      const gain = gainOf(clean, added, at);
      mels.set(`${which}|${at}`, melPicture(gain ? clean.map((value, index) => value + gain * added[index]) : clean));
    }
    return mels.get(`${which}|${at}`);
  }

  /** The place of the handle among the levels: the level before it, the level after it, and how near it is to the latter, from 0 to 1. */
  function between() {
    const at = slide ?? levels.indexOf(level());
    return [levels[Math.floor(at)], levels[Math.ceil(at)], at % 1];
  }
  function gainNow(clean) {
    const [before, after, share] = between();
    const [low, high] = [before, after].map((at) => gainOf(clean, noiseFor(clean.length), at));
    return low ? low * (high / low) ** share : high * share;
  }
  /** The picture of the sound with the noise at the handle's place. Between two levels, it is a blend of their pictures. */
  function melNow() {
    const [before, after, share] = between();
    const [one, other] = [melOf(name(), before), melOf(name(), after)];
    if (!one || !share) return one;
    return { ...one, values: one.values.map((value, at) => value + (other.values[at] - value) * share) };
  }

  let context = null;
  /** Play the sound with the noise, from `from` to `end` (in seconds). `word` is the index of the only word played, or -1. */
  function start(from, end, word = -1) {
    stop();
    const clean = samples.get(name());
    if (!clean) return;
    context ??= new AudioContext();
    context.resume();
    const master = new GainNode(context, { gain: 0 });
    const volume = new GainNode(context);
    master.connect(context.destination);
    const begin = context.currentTime + 0.03;
    const added = noiseFor(clean.length);
    const sources = [clean, added].map((values, index) => {
      const buffer = context.createBuffer(1, values.length, RATE);
      buffer.copyToChannel(values, 0);
      const source = new AudioBufferSourceNode(context, { buffer });
      source.connect(index ? volume : master);
      source.start(begin, from, end - from);
      return source;
    });
    volume.connect(master);
    master.gain.setValueAtTime(0, begin);
    master.gain.setValueAtTime(0, begin + Math.max(0, end - from - 0.01));
    const tune = () => {
      const gain = gainNow(clean);
      const peak = clean.reduce((most, value, index) => Math.max(most, Math.abs(value + gain * added[index])), 1);
      volume.gain.value = gain;
      master.gain.cancelScheduledValues(0);
      master.gain.setTargetAtTime(1 / peak, Math.max(begin, context.currentTime), 0.004);
      master.gain.setTargetAtTime(0, begin + Math.max(0, end - from - 0.015), 0.004);
    };
    tune();
    player = {
      whole: word < 0,
      word,
      tune,
      position: () => Math.max(from, Math.min(end, from + context.currentTime - begin - (context.outputLatency || 0))),
      stop: () => {
        for (const source of sources) source.stop();
        master.gain.cancelScheduledValues(0);
        master.gain.setTargetAtTime(0, context.currentTime, 0.004);
      },
      end,
    };
    play.textContent = "■ Stop";
    follow();
  }
  function stop() {
    if (!player) return;
    player.stop();
    player = null;
    play.textContent = "▶ Play";
    for (const chip of chips) chip.classList.remove("yet");
    update();
  }
  function follow() {
    if (!player || ended) return;
    now = player.position();
    const found = written()?.words ?? [];
    if (player.whole) {
      let current = -1;
      found.forEach(([, begin], index) => {
        if (begin <= now) current = index;
        chips[index]?.classList.toggle("yet", begin > now);
      });
      if (current !== player.word) {
        player.word = current;
        light();
      }
    }
    movePlayhead();
    if (now >= player.end - 0.001) {
      const whole = player.whole;
      stop();
      if (whole) now = 0;
      movePlayhead();
      return;
    }
    requestAnimationFrame(follow);
  }
  function movePlayhead() {
    const [row, along] = spotOf(now);
    Object.assign(playhead.style, { left: `${100 * along}%`, top: `${row * grid.pitch + grid.words}px` });
    playhead.setAttribute("aria-valuenow", now.toFixed(1));
    playhead.setAttribute("aria-valuetext", `${now.toFixed(1)} of ${seconds().toFixed(1)} seconds`);
  }
  const playFrom = (from) => start(from >= seconds() - 0.05 ? 0 : from, seconds());
  function playWord(index) {
    const [, begin, end] = written().words[index];
    chosen = index;
    start(Math.min(begin, seconds() - 0.12), Math.max(end, Math.min(begin, seconds() - 0.12) + 0.12), index);
    light();
  }

  /** Where a time, in seconds, lies in the rows: [the row, the share of its width]. */
  function spotOf(time) {
    const along = Math.max(0, (grid.count * time) / seconds());
    const row = Math.min(grid.count - 1, Math.floor(along));
    return [row, Math.min(1, along - row)];
  }

  // The picture of the sound. `glow` says for each position in the sound how much attention goes there, from 0 to 1.
  let glow = new Float32Array(0);
  let stopGlow = () => {};
  let shades = null;
  const picture = make("canvas");
  function paint() {
    const mel = melNow();
    if (!mel || !shades || !canvas.width) return;
    const { values, frames } = mel;
    let [low, high] = [Infinity, -Infinity];
    for (const value of values) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    const { paper, ink, ember, tint } = shades;
    const bright = tint.map((value, channel) => value + (ember[channel] - value) * 0.35);
    const image = new ImageData(frames, BANDS);
    for (let frame = 0; frame < frames; frame++) {
      const along = (frame / 100) * ATTENDED - 0.25;
      const before = Math.max(0, Math.floor(along));
      const share = Math.max(0, along - before);
      const lit = (glow[before] ?? 0) * (1 - share) + (glow[before + 1] ?? glow[before] ?? 0) * share;
      const warm = Math.min(1, 2.2 * lit);
      const ground = paper.map((value, channel) => value + (bright[channel] - value) * warm);
      const full = ink.map((value, channel) => value + (ember[channel] - value) * warm);
      for (let band = 0; band < BANDS; band++) {
        const strength = contrast((values[band * frames + frame] - low) / (high - low || 1));
        const offset = 4 * ((BANDS - 1 - band) * frames + frame);
        for (let channel = 0; channel < 3; channel++) {
          image.data[offset + channel] = ground[channel] + (full[channel] - ground[channel]) * strength;
        }
        image.data[offset + 3] = 255;
      }
    }
    picture.width = frames;
    picture.height = BANDS;
    picture.getContext("2d").putImageData(image, 0, 0);
    const brush = canvas.getContext("2d");
    brush.imageSmoothingQuality = "high";
    brush.clearRect(0, 0, canvas.width, canvas.height);
    const ratio = canvas.height / (canvas.clientHeight || 1);
    for (let row = 0; row < grid.count; row++) {
      const [from, wide] = [(row * frames) / grid.count, frames / grid.count];
      brush.drawImage(picture, from, 0, wide, BANDS, 0, ratio * (row * grid.pitch + grid.words), canvas.width, ratio * grid.strip);
    }
  }
  /** Let the picture glow where the attention of the word `shown()` goes. */
  function light() {
    const index = shown();
    const looked = attention(index);
    const target = Float32Array.from({ length: Math.ceil(seconds() * ATTENDED) }, (_, at) => (looked?.[at] ?? 0) / 255);
    const word = written()?.words[index];
    chips.forEach((chip, at) => chip.classList.toggle("now", at === index));
    span.hidden = !word;
    here.hidden = !word || !looked;
    if (word) {
      const [text, begin, end, chance] = word;
      const [row, along] = spotOf(begin);
      const wide = Math.min(1 - along, (grid.count * (end - begin)) / seconds());
      Object.assign(span.style, { left: `${100 * along}%`, width: `${100 * wide}%`, top: `${row * grid.pitch + grid.words - 5}px` });
      // Whisper's input is 30 s long. If the attention goes to the silence after the sound, the label stays where the
      // sound ends.
      const [line, peak] = spotOf(looked ? Math.min(seconds(), (looked.indexOf(Math.max(...looked)) + 0.5) / ATTENDED) : 0);
      here.style.top = `${line * grid.pitch + grid.words + 6}px`;
      here.firstChild.textContent = `attention of “${text.replace(/[.,!?]$/, "")}”`;
      here.style.setProperty("--peak", String(peak));
      let [inside, all] = [0, 0];
      looked?.forEach((value, at) => {
        const time = (at + 0.5) / ATTENDED;
        all += value;
        if (time >= begin && time <= end) inside += value;
      });
      looks.replaceChildren(
        make("b", "", `“${text.replace(/[.,!?]$/, "")}”`), ` ${percent(chance)} likely. `,
        ...(end > begin ? [make("b", "num", percent(inside / (all || 1))), ` of its attention lies in its own ${(end - begin).toFixed(end - begin < 0.095 ? 2 : 1)} s.`] : ["Whisper puts its beginning and its end at the same moment."]),
      );
    } else looks.textContent = `${fewer()}Press a word: hear it, and see where Whisper attends for it.`;
    stopGlow();
    const from = Float32Array.from(target, (_, at) => glow[at] ?? 0);
    const draw = (part) => {
      glow = Float32Array.from(target, (value, at) => from[at] + (value - from[at]) * part);
      paint();
    };
    draw(still.matches ? 1 : 0);
    if (!still.matches) stopGlow = glide(180, draw);
  }

  // Showing the words that Whisper wrote
  let drawn = "";
  /** Make buttons of the words that Whisper wrote. Returns the words [text, begin, …] of the same sound that are replaced. */
  function write() {
    const found = written();
    if (drawn === key() || !found) return [];
    drawn = key();
    chosen = -1;
    found.rows ??= bytes(found.attention);
    found.positions ??= found.words.length ? found.rows.length / found.words.length : 0;
    const focused = chips.indexOf(document.activeElement);
    const old = chips.map((chip) => chip.textContent);
    const gone = last?.sound === name() ? last.words : [];
    last = { sound: name(), words: found.words };
    chips.length = 0;
    found.words.forEach(([text, , , chance, wrong], index) => {
      const chip = make("button", `chip sc-word${wrong ? " ember" : ""}`, text);
      chip.tabIndex = index ? -1 : 0;
      chip.setAttribute("aria-label", `${text}${wrong ? ", wrong" : ""}, ${percent(chance)} likely`);
      chip.addEventListener("click", () => playWord(index));
      chip.addEventListener("pointerenter", (event) => {
        if (event.pointerType === "touch" || player) return;
        chosen = index;
        light();
      });
      chip.addEventListener("focus", () => {
        chips.forEach((other) => (other.tabIndex = other === chip ? 0 : -1));
        if (player?.whole || !chip.matches(":focus-visible")) return;
        chosen = index;
        light();
      });
      chips.push(chip);
      if (!still.matches && old.length && old[index] !== text) {
        chip.animate([{ opacity: 0, translate: "0 -0.4em" }, { opacity: 1, translate: "0" }], { duration: 220, easing: "ease-out" });
      }
    });
    words.replaceChildren(...chips);
    if (focused >= 0) chips[Math.min(focused, chips.length - 1)]?.focus();
    return gone;
  }
  let last = null; // {sound, words}: the words that `write` showed last, and the name of their sound
  /** Let the words that are no longer written fade out while the new words appear. They disappear without fading during a
   * drag, or if the visitor prefers reduced motion. */
  function haunt(gone) {
    if (still.matches || el.classList.contains("dragging")) return;
    const found = written()?.words ?? [];
    for (const [text, begin] of gone) {
      if (found.some(([other, at]) => other === text && Math.abs(at - begin) < 0.5)) continue;
      const near = chips[found.findIndex(([, at]) => Math.abs(at - begin) < 0.3)];
      if (!near) continue;
      const ghost = words.appendChild(make("s", "sc-ghost", text));
      ghost.setAttribute("aria-hidden", "true");
      Object.assign(ghost.style, { left: near.style.left, top: near.style.top });
      ghost.animate([{ opacity: 0.8 }, { opacity: 0, translate: "0 -0.8em" }], { duration: 220, easing: "ease-out" }).onfinish = () => ghost.remove();
    }
  }
  words.addEventListener("pointerleave", () => {
    if (player) return;
    chosen = chips.indexOf(document.activeElement);
    light();
  });
  words.addEventListener("keydown", (event) => {
    const index = chips.indexOf(document.activeElement);
    const goes = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: chips.length - 1 }[event.key];
    if (index < 0 || goes === undefined) return;
    event.preventDefault();
    chips[Math.max(0, Math.min(chips.length - 1, goes))].focus();
  });

  /** Move words to the left where needed, so that each ends before the next word of its line begins, or before the line ends. */
  function moveLeft(spots, widths, wide) {
    for (let at = spots.length - 1; at >= 0; at--) {
      const end = spots[at + 1]?.line === spots[at].line ? spots[at + 1].left : wide;
      spots[at].left = Math.min(spots[at].left, end - widths[at]);
    }
  }
  /**
   * Where words stand in `count` rows, each of which has an equal part of the time: near the times at which they are spoken.
   * @param {number[]} widths the words' widths in px
   * @param {number[]} times for each word, when it begins, in seconds
   * @returns {{ left: number, line: number }[] | null} null if they don't fit
   */
  function inTime(widths, times, wide, count) {
    const spots = [];
    let latest = 0; // no word stands before the word that is read before it
    times.forEach((time, at) => {
      latest = Math.max(latest, (count * time) / seconds());
      const line = Math.min(count - 1, Math.floor(latest));
      const least = at && spots[at - 1].line === line ? spots[at - 1].left + widths[at - 1] : 0;
      spots.push({ left: Math.max(wide * (latest - line), least), line });
    });
    moveLeft(spots, widths, wide);
    return spots.some(({ left }) => left < 0) && count < MOST_ROWS ? null : spots;
  }
  /**
   * Where written words stand: each below its spoken word if there is room. The others stand between these, near their times.
   * @param {number[]} widths the words' widths in px
   * @param {number[]} times for each word, when it begins, in seconds
   * @param {({ left: number, line: number } | undefined)[]} anchors for each word, where its spoken word stands, if it has one
   * @param {boolean[]} equal for each word, whether it equals its spoken word
   * @param {number} slack by how much, in px, such a word may stand beside its spoken word, if many others stand between two of them
   * @returns {{ left: number, line: number }[] | null} null if they don't fit
   */
  function underSpoken(widths, times, anchors, equal, slack, wide, count) {
    let line = 0; // no word stands in a line before that of the word that is read before it
    const spots = times.map((time, at) => {
      const part = (count * time) / seconds();
      const most = anchors.find((_, later) => later >= at && equal[later])?.line ?? count - 1;
      line = Math.max(line, Math.min(most, anchors[at]?.line ?? Math.floor(part)));
      const left = anchors[at]?.line === line ? anchors[at].left : wide * Math.max(0, Math.min(1, part - line));
      return { left, line };
    });
    moveLeft(spots, widths, wide);
    spots.forEach((spot, at) => {
      const least = spots[at - 1]?.line === spot.line ? spots[at - 1].left + widths[at - 1] : 0;
      spot.left = Math.max(spot.left, least);
    });
    const fits = spots.every(({ left }, at) => left + widths[at] <= wide + 0.5 && !(equal[at] && Math.abs(left - anchors[at].left) > slack));
    return fits || count === MOST_ROWS ? spots : null;
  }
  /**
   * Put each spoken word above its place in the sound, where it stands at all levels of noise, and each written word below the
   * spoken word that it equals. As few rows are taken as the words of all known levels need, and then the largest letters that
   * fit.
   */
  function place() {
    const found = written()?.words;
    if (!found || !words.clientWidth) return;
    const said = sounds.get(name()).spoken ?? [];
    const wide = words.clientWidth;
    const narrow = getComputedStyle(rows).marginLeft === "0px"; // a narrow view has no margin at the left, in which the labels stand
    const brush = picture.getContext("2d");
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const family = getComputedStyle(el).fontFamily;
    let pixels = 0;
    const widthOf = (text) => brush.measureText(text).width + 0.62 * pixels;
    const known = levels.map((at) => heard.get(`${name()}|${at}`)).filter(Boolean);
    const scores = known.map(({ words: of, missed }) => {
      const wrong = of.flatMap(([, , , , bad], index) => (bad ? [index] : []));
      const columns = columnsOf(said.map(([text]) => text), of.map(([text]) => text), missed, wrong);
      const over = of.map((_, index) => columns.find(([, w]) => w === index)?.[0] ?? -1); // for each written word the index of its spoken word
      const equal = over.map((index, w) => index >= 0 && piecesOf(said[index][0])[0] === piecesOf(of[w][0])[0]); // whether it equals that word
      return { of, over, equal };
    });
    // A spoken word takes as much room as it needs at any level with the written word that it equals.
    const texts = said.map(([text], index) => [text, ...scores.flatMap(({ of, over, equal }) => of.flatMap(([word], w) => (over[w] === index && equal[w] && piecesOf(word).length === 1 ? [word] : [])))]);
    /** The places of the spoken words, and of the written words of each level, or null if they don't fit. */
    const inRows = () => {
      const widths = texts.map((each) => Math.max(...each.map(widthOf)) + 4);
      const spoken = inTime(widths, said.map(([, begin]) => begin), wide, count);
      const written = spoken && scores.map(({ of, over, equal }) => {
        const needs = of.map(([text]) => widthOf(text) + 4);
        const times = of.map(([, begin]) => begin);
        return said.length ? underSpoken(needs, times, over.map((index) => spoken[index]), equal, 3 * pixels, wide, count) : inTime(needs, times, wide, count);
      });
      return written?.every(Boolean) ? { spoken, written } : null;
    };
    let placed = null;
    let count = 0;
    while (!placed) {
      count++;
      for (const size of narrow ? SIZES.slice(2) : count > 1 ? SIZES.slice(1) : SIZES) {
        pixels = size * rem;
        brush.font = `700 ${pixels}px ${family}`;
        placed = inRows();
        if (placed) break;
      }
    }
    const above = said.length ? SPOKEN * pixels : 0;
    const tall = above + (WRITTEN - 0.35) * pixels;
    const strip = count > 1 ? STRIPS[narrow ? "narrow" : "wide"][count > 3 ? 1 : 0] : SINGLE(el.clientWidth);
    el.style.setProperty("--strip", `${strip}px`);
    grid = { count, words: tall, strip, pitch: tall + strip + BETWEEN };
    el.style.setProperty("--letters", `${pixels}px`);
    el.style.setProperty("--above", `${above}px`);
    el.style.setProperty("--words", `${tall}px`);
    axis.hidden = count > 1;
    const put = (element, { left, line }, down) => Object.assign(element.style, { left: `${left}px`, top: `${line * grid.pitch + down}px` });
    placed.spoken.forEach((spot, index) => put(spokenWords.children[index], spot, 0));
    placed.written[scores.findIndex(({ of }) => of === found)].forEach((spot, index) => put(chips[index], spot, above));
    rows.style.height = `${count * grid.pitch - BETWEEN}px`;
    const ratio = Math.min(2, devicePixelRatio || 1);
    const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((size) => Math.round(size * ratio));
    if (canvas.width === width && canvas.height === height) return;
    [canvas.width, canvas.height] = [width, height]; // this empties the canvas
    paint();
  }
  /** Show the spoken words, and mark those that Whisper missed. */
  function writeSpoken() {
    const said = sounds.get(name()).spoken ?? [];
    labels[0].hidden = !said.length;
    el.classList.toggle("timed", said.length > 0);
    const missed = written()?.missed ?? [];
    spokenWords.replaceChildren(...said.map(([text], index) => make("span", missed.includes(index) ? "missed" : "", text)));
  }

  function update() {
    const found = written();
    const index = levels.indexOf(level());
    load(name());
    if (!found) ask();
    el.classList.toggle("waiting", !found);
    if (found) {
      const seen = tried.get(name()) ?? tried.set(name(), new Set()).get(name());
      seen.add(level());
      loud.textContent = String(found.errors);
      loud.classList.toggle("ember", found.errors > 0);
      loudWords.textContent = ` ${wrongs(found).replace(/^\d+ /, "")} ${spoken(level())}`;
    }
    const said = sounds.get(name()).said;
    truth.replaceChildren(...(said ? ["the voice says ", make("q", "", said)] : ["compared with the text without noise"]));
    const gone = write();
    writeSpoken();
    place();
    haunt(gone);
    const most = Math.max(1, ...[...(tried.get(name()) ?? [])].map((at) => heard.get(`${name()}|${at}`)?.errors ?? 0));
    ticks.forEach((tick, at) => {
      const known = tried.get(name())?.has(levels[at]) && heard.get(`${name()}|${levels[at]}`);
      tick.classList.toggle("known", Boolean(known));
      tick.classList.toggle("now", at === index);
      tick.classList.toggle("wrong", Boolean(known && known.errors));
      tick.children[0].style.transform = `scaleY(${known ? known.errors / most : 0})`;
      tick.children[1].textContent = known ? String(known.errors) : "";
    });
    drawHandle();
    handle.setAttribute("aria-valuenow", String(index));
    if (found) {
      handle.setAttribute("aria-valuetext", `${level() === null ? "no noise" : power(level())}: ${wrongs(found)}`);
      speak(`${loud.textContent}${loudWords.textContent}: ${found.words.map(([text]) => text).join(" ")}`);
    }
    for (const button of choices.children) {
      const on = button.dataset.name === name();
      button.setAttribute("aria-checked", String(on));
      button.tabIndex = on ? 0 : -1;
    }
    play.disabled = !samples.has(name());
    playhead.setAttribute("aria-valuemax", seconds().toFixed(1));
    note.textContent = outcome();
    player?.tune();
    drawAxis();
    movePlayhead();
    light();
  }
  /** Draw the handle at its level or, while it is dragged, where the visitor holds it. */
  function drawHandle() {
    const at = slide ?? levels.indexOf(level());
    handle.style.left = `${((at + 0.5) / levels.length) * 100}%`;
    handle.classList.toggle("low", at < levels.length / 2);
    rail.style.setProperty("--share", String(at / (levels.length - 1)));
  }
  /** A sentence for a level with fewer errors than a lower level that the visitor has tried, if fewer words were written. */
  function fewer() {
    const found = written();
    const before = levels.slice(0, levels.indexOf(level())).filter((at) => tried.get(name())?.has(at));
    const worse = before.find((at) => {
      const other = heard.get(`${name()}|${at}`);
      return found && other && other.errors > found.errors && other.words.length > found.words.length;
    });
    if (worse === undefined) return "";
    return `Fewer errors than ${spoken(worse)}, and fewer words: ${found.words.length}, not ${heard.get(`${name()}|${worse}`).words.length}. `;
  }
  /** A summary of the errors at all levels of noise. It is "" until the visitor has tried all levels, and for a sound without
   * a known text. */
  function outcome() {
    if (!sounds.get(name()).said || tried.get(name())?.size !== levels.length) return "";
    const errors = levels.map((at) => heard.get(`${name()}|${at}`)?.errors ?? 0);
    const right = errors.findIndex((count) => count > 0);
    const last = written() && heard.get(`${name()}|${levels.at(-1)}`);
    const begin = right < 0 ? "No error at any level" : right === 0 ? "Errors even without noise" : right === 1 ? "No error without noise" : `No error up to noise at ${power(levels[right - 1])}`;
    return `${begin}. In the strongest noise: ${plural(last.errors, "error")}${last.words.length ? ", and still it writes words" : ""}.`;
  }
  function drawAxis() {
    const every = [0.5, 1, 2, 5].find((gap) => seconds() / gap <= (axis.clientWidth < 500 ? 5 : 10)) ?? 10;
    const marks = [];
    for (let time = 0; time < seconds() - every / 3; time += every) {
      const mark = make("span", "", `${time}${time === 0 ? " s" : ""}`);
      mark.style.left = `${(100 * time) / seconds()}%`;
      marks.push(mark);
    }
    axis.replaceChildren(...marks);
  }

  // Sounds to choose from
  function addChoice(label) {
    const button = choices.appendChild(make("button", "", label));
    if (TRAITS[label]) button.append(make("span", "sc-trait", ` ${TRAITS[label]}`));
    button.dataset.name = label;
    radio(button, () => choices.children, (at) => choose(choices.children[at].dataset.name));
  }
  function choose(label) {
    stop();
    now = 0;
    glow = new Float32Array(0);
    keep({ sound: label });
  }
  for (const label of sounds.keys()) addChoice(label);

  // Choosing how loud the noise is
  function setNoise(index) {
    el.classList.add("known");
    keep({ noise: levels[Math.max(0, Math.min(levels.length - 1, index))] });
  }
  const under = (event, box) => Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
  // The handle goes with the pointer. The words are those of the nearest level, at which the handle stays in the end.
  const drag = (event) => {
    slide = Math.max(0, Math.min(levels.length - 1, under(event, noise.getBoundingClientRect()) * levels.length - 0.5));
    const index = Math.round(slide);
    if (levels[index] !== level()) setNoise(index);
    else drawSlide();
  };
  function letGo() {
    slide = null;
    drawSlide();
  }
  /** Draw the noise at the handle's place, and play the sound with it. */
  function drawSlide() {
    drawHandle();
    paint();
    player?.tune();
  }
  onDrag(el, noise, drag, { ready: () => true, begin: () => el.classList.add("known"), end: letGo });
  noise.addEventListener("click", (event) => {
    if (handle.contains(event.target)) return;
    drag(event);
    letGo();
  });
  handle.addEventListener("keydown", (event) => {
    const index = levels.indexOf(level());
    const goes = {
      ArrowLeft: index - 1, ArrowDown: index - 1, ArrowRight: index + 1, ArrowUp: index + 1,
      PageDown: index - 2, PageUp: index + 2, Home: 0, End: levels.length - 1, Escape: 0,
    }[event.key];
    if (goes === undefined) return;
    event.preventDefault();
    setNoise(goes);
  });

  // Playing the sound, and dragging the playhead
  play.addEventListener("click", () => (player ? stop() : playFrom(now)));
  onDrag(el, sound, scrub, { ready: () => samples.has(name()), begin: stop });
  function scrub(event) {
    const box = canvas.getBoundingClientRect();
    const row = Math.max(0, Math.min(grid.count - 1, Math.floor((event.clientY - box.top) / grid.pitch)));
    now = ((row + under(event, box)) * seconds()) / grid.count;
    const at = (written()?.words ?? []).findLastIndex(([, begin]) => begin <= now);
    movePlayhead();
    if (at !== chosen) {
      chosen = at;
      light();
    }
  }
  sound.addEventListener("click", (event) => {
    if (!samples.has(name())) return;
    scrub(event);
    playFrom(now);
  });
  playhead.addEventListener("keydown", (event) => {
    const goes = {
      ArrowLeft: now - 0.1, ArrowDown: now - 0.1, ArrowRight: now + 0.1, ArrowUp: now + 0.1,
      PageDown: now - 1, PageUp: now + 1, Home: 0, End: seconds(),
    }[event.key];
    if (event.key === "Enter" || event.key === " ") play.click();
    else if (goes === undefined) return;
    else {
      stop();
      now = Math.max(0, Math.min(seconds(), goes));
      movePlayhead();
    }
    event.preventDefault();
  });

  // Requests to a host that can compute
  let asking = 0;
  let fresh = false; // whether the last recording has still to be sent to the host
  function ask() {
    if (!model.get("live") || asked === key()) return;
    asked = key();
    loud.textContent = "";
    loudWords.textContent = `listening ${spoken(level())} …`;
    clearTimeout(asking);
    asking = setTimeout(() => {
      const own = name() === OWN && fresh ? { pcm: toPcm(samples.get(OWN)) } : {};
      fresh = false;
      model.set("want", { sound: name(), noise: level(), send: !samples.has(name()), ...own });
      model.save_changes();
    }, 250); // wait, so that a drag over several levels asks the host only for the last level
  }
  function listen() {
    const said = model.get("said");
    asked = null;
    if (!said) return;
    if (said.error) {
      el.classList.remove("waiting");
      loud.textContent = "";
      loudWords.textContent = said.error;
      return;
    }
    if (said.pcm) samples.set(said.want.sound, fromPcm(said.pcm));
    heard.set(`${said.want.sound}|${said.want.noise ?? null}`, said.heard);
    update();
  }
  if (model.get("live")) addRecorder();
  function addRecorder() {
    const ready = "● Record your voice";
    const button = make("button", "sc-record", ready);
    let finish = null;
    button.addEventListener("click", async () => {
      if (finish) return finish();
      try {
        if (!navigator.mediaDevices) throw new Error("This page may not use the microphone: open it at https or localhost.");
        const unchanged = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
        const stream = await navigator.mediaDevices.getUserMedia({ audio: unchanged });
        const recorder = new MediaRecorder(stream);
        const pieces = [];
        recorder.ondataavailable = (event) => pieces.push(event.data);
        const done = new Promise((resolve) => (recorder.onstop = resolve));
        const clock = setTimeout(() => finish(), 1000 * LONGEST);
        finish = () => {
          clearTimeout(clock);
          finish = () => {};
          recorder.stop();
        };
        recorder.start();
        button.textContent = "■ Press to stop";
        await done;
        for (const track of stream.getTracks()) track.stop();
        const values = await decode(await new Blob(pieces).arrayBuffer());
        for (const known of [heard, mels]) for (const at of levels) known.delete(`${OWN}|${at}`);
        samples.set(OWN, values);
        fresh = true;
        if (!sounds.has(OWN)) addChoice(OWN);
        sounds.set(OWN, { seconds: values.length / RATE });
        tried.delete(OWN);
        drawn = "";
        model.set("noise", null);
        choose(OWN);
      } catch (error) {
        loudWords.textContent = ` No recording (${error.message}).`;
      }
      finish = null;
      button.textContent = ready;
    });
    tools.append(button);
  }

  // Drawing again when the view's size, the theme or a value of `model` changes
  let width = 0;
  function layout() {
    if (words.clientWidth === width) return;
    width = words.clientWidth;
    fit();
  }
  /** Put all that depends on the view's size or on the words' widths in its place. */
  function fit() {
    place();
    drawAxis();
    movePlayhead();
    light();
  }
  function recolour() {
    shades = { paper: colour(el, "--card"), ink: colour(el, "--ink"), ember: colour(el, "--ember"), tint: colour(el, "--ember-tint") };
    const brightness = (shade) => shade.reduce((sum, value) => sum + value, 0);
    scale.lastChild.textContent = brightness(shades.ink) < brightness(shades.paper) ? "dark: loud" : "bright: loud";
    paint();
  }
  const watcher = new ResizeObserver(layout);
  watcher.observe(words);
  const endTheme = onTheme(el, recolour);
  model.on("change:said", listen);
  const changed = () => keep.storing || update();
  for (const choice of ["noise", "sound"]) model.on(`change:${choice}`, changed);
  document.fonts?.ready.then(() => ended || fit());
  recolour();
  update();

  return () => {
    ended = true;
    player?.stop();
    context?.close();
    stopGlow();
    clearTimeout(later);
    clearTimeout(asking);
    hush();
    watcher.disconnect();
    endTheme();
    model.off("change:said", listen);
    for (const choice of ["noise", "sound"]) model.off(`change:${choice}`, changed);
  };
}

export default { render };
