// Two prompts become pictures from the same noise. The visitor plays the steps, lights up the parts that attend to a
// word, and replaces a word. Once the thing can be seen, a line surrounds what attends to the chosen word. All else is dark only
// while a word is pointed at, or once it is pressed until another step is shown, so that the pictures are mostly seen as they are.
// The view's `data` is {words, kinds, drawings}: `words` has all words of the training captions, or is null;
// `kinds` [{name, noun, before, words}] has the words that can replace each other; `drawings` has the stored drawings,
// see website/stored_states.py.
// The visitor chooses `prompts` (two), `seed`, `guidance`, `steps`, `step` (the state that is shown) and `word` (the
// chip that is lit; -1 for none).
// The view asks for one state at a time with `want` {prompt, seed, guidance, steps, step, turn}, where `turn` is the number
// of this request. The host sends `said`: `picture` (8 bits each of red, green and blue), `pieces` (the prompt's tokens; the
// last token of each word ends in "</w>"), `maps` [token][row][column], `peaks`, and `noise` (the share of the state's variance
// that is noise), which the view does not use. In `maps`, 255 stands for the token's largest value, which is its entry in
// `peaks`. All bytes are in base64.
import { adopt, announcer, asSlider, bytes, headline, keeper, make, onDrag, radio } from "./view.js";

const CELLS = 256; // the number of cells in a map of attention, which has 16 rows and 16 columns
const SIZE = 384; // pixels of a picture's canvas
const SHADE = 0.86; // from 0 to 1: the opacity of the shade over the parts of a picture that attend least to the lit word
const SMALL = 0.12; // the least area of a line around what attends to a word, as a share of the largest such area
const FORMED = 0.3; // the share of the steps after which a thing can be seen, and a line is drawn around what attends to its word
const OUTSIDE = 12; // pixels of a picture's canvas: how far outside the picture a line runs that has left it
const PACE = 260; // ms for each step while the view plays the steps
// Matches what CLIP splits a prompt into before it makes tokens: words, digits, and runs of other marks.
const UNIT = /'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+/gu;
const LONGEST = 7; // the most words of a name such as "face with tears of joy"
const SIDES = ["ember", "against"];
const LINES = ["#b93a06", "#0a6c8e"]; // for each of the two pictures, the colour of the line that is drawn on it; themes don't change these colours

/** A chip of a prompt: a name from the training captions, or a single word. `units` has the indices of the chip's words in the
 * prompt, `kind` the kind of words that can replace the chip. `glued` is whether no space stands before the chip.
 * @typedef {{ text: string, start: number, end: number, units: number[], kind: any, glued: boolean }} Chip */

/**
 * Split a prompt into chips.
 * @param {string} prompt
 * @param {Map<string, any[]>} names from a name's words, joined with spaces, to the kinds that have this name
 * @returns {Chip[]}
 */
export function chipsOf(prompt, names) {
  const units = [...prompt.matchAll(UNIT)].map((match) => ({ text: match[0].toLowerCase(), start: match.index, end: match.index + match[0].length }));
  const chips = [];
  for (let i = 0; i < units.length; ) {
    let length = Math.min(LONGEST, units.length - i);
    const key = () => units.slice(i, i + length).map((unit) => unit.text).join(" ");
    while (length > 1 && !names.has(key())) length--;
    const kinds = names.get(key()) ?? [];
    const next = units[i + length]?.text;
    const kind = kinds.find(({ before }) => before && before === next) ?? kinds.find(({ before }) => !before);
    const [{ start }, { end }] = [units[i], units[i + length - 1]];
    const indices = Array.from({ length }, (_, more) => i + more);
    chips.push({ text: prompt.slice(start, end), start, end, units: indices, kind, glued: i > 0 && start === units[i - 1].end });
    i += length;
  }
  return chips;
}

/** Returns, for each word of a prompt, the indices of the word's tokens in `pieces`. The last token of a word ends in "</w>". */
export function tokensOfUnits(pieces) {
  const units = [[]];
  pieces.forEach((piece, token) => {
    units.at(-1).push(token);
    if (piece.endsWith("</w>")) units.push([]);
  });
  return units;
}

/** Returns the prompt with `word` in place of the chip. An "a" or "an" before the chip is adapted to `word`. */
export function exchanged(prompt, chip, word) {
  const before = prompt.slice(0, chip.start).replace(/\b(a)n? $/i, (_, a) => (/^[aeiou]/i.test(word) ? `${a}n ` : `${a} `));
  return before + word + prompt.slice(chip.end);
}

/** Scale numbers to the range from 0 to 1. If all are equal, all become 1. */
function stretched(numbers) {
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  return numbers.map((number) => (high > low ? (number - low) / (high - low) : 1));
}

/**
 * The line along which a map of 16 × 16 has the value `level`, found by marching squares: segments [x, y, x, y] with
 * coordinates from 0 to 1.
 * @param {number[]} map
 * @param {number} level
 */
export function contour(map, level) {
  const segments = [];
  const inside = (place) => Math.max(0, Math.min(15, place));
  /** The value of a cell of the map, or of the ring of cells around the map. In the ring all values are below `level`, so
   * that a line that reaches the map's edge goes on along the edge and is closed. */
  const at = (row, column) => {
    const value = map[16 * inside(row) + inside(column)];
    const rings = row !== inside(row) || column !== inside(column);
    return rings && value >= level ? 2 * level - value - 1e-9 : value;
  };
  for (let row = -1; row < 16; row++) {
    for (let column = -1; column < 16; column++) {
      const corners = [[0, 0], [1, 0], [1, 1], [0, 1]].map(([x, y]) => [column + x, row + y, at(row + y, column + x)]);
      const cuts = corners.flatMap(([x, y, value], corner) => {
        const [nextX, nextY, next] = corners[(corner + 1) % 4];
        if (value < level === next < level) return [];
        const along = (level - value) / (next - value);
        return [(x + 0.5 + along * (nextX - x)) / 16, (y + 0.5 + along * (nextY - y)) / 16];
      });
      for (let cut = 0; cut < cuts.length; cut += 4) segments.push(cuts.slice(cut, cut + 4));
    }
  }
  return segments;
}

/**
 * Join segments, as `contour` returns them, into closed lines.
 * @param {number[][]} segments [x, y, x, y] each
 * @returns {number[][][]} for each line, its points [x, y] in order
 */
export function closed(segments) {
  const named = (x, y) => `${x.toFixed(6)} ${y.toFixed(6)}`;
  const left = new Map(); // from each point to the segments at this point that belong to no line yet
  const endsOf = ([x, y, toX, toY]) => [named(x, y), named(toX, toY)];
  for (const segment of segments) {
    for (const end of endsOf(segment)) left.set(end, [...(left.get(end) ?? []), segment]);
  }
  const take = (key) => {
    const segment = left.get(key)?.[0];
    if (!segment) return null;
    for (const end of endsOf(segment)) left.set(end, left.get(end).filter((one) => one !== segment));
    return segment;
  };
  const lines = [];
  for (const start of left.keys()) {
    let [here, line] = [start, []];
    for (let segment = take(here); segment; segment = take(here)) {
      const [x, y, toX, toY] = named(segment[0], segment[1]) === here ? segment : [segment[2], segment[3], segment[0], segment[1]];
      line.push([x, y]);
      here = named(toX, toY);
    }
    if (line.length > 2) lines.push(line);
  }
  return lines;
}

/** The area inside a closed line. @param {number[][]} line its points [x, y] in order */
export function area(line) {
  const sum = line.reduce((sum, [x, y], index) => {
    const [nextX, nextY] = line[(index + 1) % line.length];
    return sum + x * nextY - nextX * y;
  }, 0);
  return Math.abs(sum) / 2;
}

/** A smoothed map of 16 × 16: each cell becomes the mean of itself and its neighbours, with weights 1, 2, 1 in both directions. */
function smoothed(map) {
  const at = (row, column) => map[16 * Math.max(0, Math.min(15, row)) + Math.max(0, Math.min(15, column))];
  return map.map((_, cell) => {
    const [row, column] = [Math.floor(cell / 16), cell % 16];
    let sum = 0;
    for (const down of [-1, 0, 1]) for (const right of [-1, 0, 1]) sum += (2 - Math.abs(down)) * (2 - Math.abs(right)) * at(row + down, column + right);
    return sum / 16;
  });
}

/** A square canvas whose pixels are often read. */
function canvas(side) {
  const made = make("canvas");
  made.width = made.height = side;
  made.getContext("2d", { willReadFrequently: true });
  return made;
}

/** Returns a canvas with a picture. `picture` has the red, green and blue of each pixel, as bytes in base64. */
function developed(picture) {
  const colours = bytes(picture);
  const side = Math.round(Math.sqrt(colours.length / 3));
  const frame = canvas(side);
  const pixels = new ImageData(side, side);
  for (let i = 0; i < side * side; i++) {
    pixels.data.set(colours.subarray(3 * i, 3 * i + 3), 4 * i);
    pixels.data[4 * i + 3] = 255;
  }
  frame.getContext("2d").putImageData(pixels, 0, 0);
  return frame;
}

/** Returns a stored drawing in which `film`, an image of all states side by side, is cut into `frames`, and `maps` is cut into
 * the maps of each step. */
async function unrolled({ film, maps, ...drawing }) {
  const image = new Image();
  image.src = film;
  await image.decode();
  const frames = Array.from({ length: drawing.steps + 1 }, (_, index) => {
    const frame = canvas(image.height);
    frame.getContext("2d").drawImage(image, -index * image.height, 0);
    return frame;
  });
  const all = bytes(maps);
  const each = drawing.pieces.length * CELLS;
  return { ...drawing, frames, maps: drawing.peaks.map((_, step) => all.subarray(step * each, (step + 1) * each)) };
}

export function render({ model, el }) {
  const data = model.get("data");
  const quiet = matchMedia("(prefers-reduced-motion: reduce)");
  const words = data.words && new Set(data.words);
  const names = new Map();
  for (const kind of data.kinds) {
    for (const word of kind.words) {
      const key = word.match(UNIT).join(" ");
      names.set(key, [...(names.get(key) ?? []), kind]);
    }
  }
  const drawings = new Map(); // for each `keyOf(settings)`, the drawing with these settings
  const fits = { seed: Number.isInteger, guidance: Number.isFinite, steps: (n) => Number.isInteger(n) && n > 0 && n <= 50 };
  for (const [key, fit] of Object.entries(fits)) if (!fit(model.get(key))) model.set(key, { seed: 6, guidance: 4, steps: 10 }[key]);

  const prompts = () => model.get("prompts");
  const steps = () => model.get("steps");
  const settings = (prompt) => ({ prompt, seed: model.get("seed"), guidance: model.get("guidance"), steps: steps() });
  const keyOf = ({ prompt, seed, guidance, steps }) => JSON.stringify([prompt, seed, guidance, steps]);
  const drawing = (side) => drawings.get(keyOf(settings(prompts()[side])));
  const framesOf = (side) => drawing(side)?.frames.length ?? 0;
  /** Whether all states of the drawing with these settings are there. */
  const isDrawn = (wanted) => (drawings.get(keyOf(wanted))?.frames.length ?? 0) > wanted.steps;
  const newest = () => Math.min(framesOf(0), framesOf(1)) - 1;
  const step = () => Math.max(0, Math.min(steps(), model.get("step") ?? 0));
  const chips = (side) => chipsOf(prompts()[side], names);

  let side = 1; // the index of the prompt in which a word is replaced
  let pointed = -1; // the index of the chip that the mouse points at or that has the focus; -1 for none
  let playing = 0;
  let follows = false; // whether each new state is shown as soon as it arrives
  let turns = 0;
  let asked = null; // the `want` that the host is working on
  // What the visitor has chosen (prompts, seed, guidance or number of steps), but for which no drawings are stored. The view
  // draws with it once the model is loaded, and shows the old pictures until then.
  let pending = {};
  let watched = false; // whether the visitor has played the pictures on the screen while others wait for the model
  let stuck = ""; // a sentence on why the host sends no more states, or ""
  let tab = null; // the kind of the words that the tray shows
  let shown = step(); // the step that is drawn; while the view moves to step(), a number between two steps
  let glow = 0; // how strongly the line is drawn around what attends to a word: moves to 1 if a word is lit, otherwise to 0
  let dark = 0; // how strongly the shade is drawn over all else: moves to 1 while a word is pointed at or was just pressed
  let pressed = false; // whether a word was pressed, and no other step was shown since
  let lastLit = -1;
  const seen = new Map(); // for each `keyOf(settings)`, the last step that the visitor has seen of the drawing with these settings

  adopt(el, "dn");
  const { head, loud, loudWords } = headline("dn");
  const stage = make("div", "dn-stage");
  const panels = [0, 1].map((index) => {
    const panel = make("section", `dn-panel ${SIDES[index]}`);
    const line = make("div", "dn-prompt");
    line.setAttribute("role", "group");
    line.setAttribute("aria-label", index ? "The other prompt" : "One prompt");
    const picture = canvas(SIZE);
    picture.setAttribute("role", "img");
    const empty = make("p", "dn-empty");
    const frame = make("div", "dn-picture");
    const tag = make("p", "dn-tag");
    tag.setAttribute("aria-hidden", "true");
    const draw = make("button", "dn-draw", "Wake the model to draw it");
    draw.addEventListener("click", () => {
      wake.querySelector("button")?.click();
      paint(index);
    });
    frame.append(picture, tag, empty, draw);
    panel.append(line, frame);
    stage.append(panel);
    return { panel, line, picture, empty, draw, tag };
  });

  const reel = make("div", "dn-reel");
  const play = make("button", "dn-play");
  const film = make("div", "dn-film");
  asSlider(film, { label: "The state on the way from noise to picture", min: 0 });
  const strip = make("div", "dn-strip");
  const head1 = make("div", "dn-playhead");
  film.append(strip, head1);
  const axis = make("div", "dn-axis");
  axis.append(make("span", "", "pure noise"), make("span", "dn-progress"), make("span", "", "picture"));
  reel.append(film, axis);

  const tray = make("section", "dn-tray");
  const trayTitle = make("p", "dn-tray-title");
  const tabs = make("div", "dn-tabs");
  const list = make("div", "dn-words");
  list.setAttribute("role", "toolbar");
  const form = make("form", "dn-own");
  const field = form.appendChild(make("input"));
  field.placeholder = "Or type a prompt";
  field.setAttribute("aria-label", "A prompt of your own");
  form.append(make("button", "", "Draw"));
  const note = make("p", "dn-note");
  note.setAttribute("aria-live", "polite");
  const wake = make("div");
  wake.dataset.wake = "to draw more";
  const unfold = make("button", "dn-unfold", "Other words");
  let unfolded = false; // whether the tray also shows words whose pictures are not stored
  unfold.addEventListener("click", () => {
    unfolded = !unfolded;
    fold();
  });
  tray.append(trayTitle, tabs, list);

  const tools = make("div", "dn-tools");
  const die = make("button", "dn-die");
  const face = make("i");
  face.setAttribute("aria-hidden", "true");
  const dieLabel = make("span");
  die.append(face, dieLabel);
  const dial = make("label", "dn-dial");
  const dialLabel = make("span");
  const range = make("input");
  Object.assign(range, { type: "range", min: "1", max: "10", step: "0.5" });
  const ends = make("span", "dn-ends");
  ends.append(make("i", "", "1: as predicted with the prompt"), make("i", "", "10: far beyond"));
  dial.append(dialLabel, range, ends);
  const counts = make("div", "dn-counts");
  counts.setAttribute("role", "radiogroup");
  counts.setAttribute("aria-label", "Steps");
  const offered = [...new Set([5, 10, 20, steps()])].sort((a, b) => a - b);
  const radios = offered.map((count) => {
    const button = counts.appendChild(make("button", "num", String(count)));
    button.setAttribute("aria-label", `${count} steps`);
    radio(button, () => radios, (at) => redraw({ steps: offered[at] }));
    return button;
  });
  counts.append(make("span", "", "steps"));
  tools.append(die, dial, counts);
  const { live, speak, hush } = announcer();
  const scene = make("div", "dn-scene");
  const top = make("div", "dn-top");
  top.append(play, head);
  const more = make("details", "dn-more");
  more.append(make("summary", "", "Draw something else"), form, note, wake, unfold, tools);
  more.open = model.get("live") || !data.drawings?.length;
  tray.append(more);
  scene.append(top, stage, reel, tray);
  el.append(scene, live);

  // Returns the index of the lit chip: the chip that is pointed at or, if there is none, the chosen one; -1 for none.
  const lit = () => (pointed >= 0 ? pointed : (model.get("word") ?? -1));
  /** Whether the visitor points at a word or has just pressed one. */
  const asks = () => pointed >= 0 || (pressed && lit() >= 0);
  /** Whether a line is drawn around what attends to a word. */
  const shows = () => asks() || (lit() >= 0 && step() >= FORMED * steps());
  /** A list of how much each of the picture's 256 cells attends to a chip, or null if the model has not read the chip. */
  function attention(index, chip) {
    const found = drawing(index);
    if (!found?.maps.length || !chip) return null;
    const at = Math.min(step(), found.maps.length - 1);
    const tokens = tokensOfUnits(found.pieces);
    const own = chip.units.flatMap((unit) => tokens[unit] ?? []).filter((token) => token < found.peaks[at].length);
    if (!own.length) return null;
    return Array.from({ length: CELLS }, (_, cell) =>
      own.reduce((sum, token) => sum + (found.maps[at][token * CELLS + cell] / 255) * found.peaks[at][token], 0));
  }

  /** Returns what to ask the host for next. Of the drawing that has fewer states, this is the first state that is missing.
   * Returns null if no state is missing. */
  function missing() {
    const lacks = [0, 1].filter((index) => framesOf(index) <= steps());
    lacks.sort((a, b) => framesOf(a) - framesOf(b));
    return lacks.length ? { ...settings(prompts()[lacks[0]]), step: framesOf(lacks[0]) } : null;
  }
  function pump() {
    if (asked || stuck) return;
    const want = missing();
    el.classList.toggle("drawing", Boolean(want));
    if (!want) return;
    asked = { ...want, turn: ++turns }; // `turn` makes each `want` different, because the host would not notice a `want` equal to the last one
    model.set("want", asked);
    model.save_changes();
  }
  function listen() {
    const said = model.get("said");
    if (!said) return;
    if (JSON.stringify(said.want) !== JSON.stringify(asked)) return; // this answers an earlier `want`
    asked = null;
    if (said.asleep || said.error) {
      stuck = said.asleep ? "That is not stored. Wake the model to draw it." : said.error;
      more.open = true; // `more` contains the button that wakes the model
      el.classList.remove("drawing");
      return update();
    }
    const key = keyOf(said.want);
    const found = drawings.get(key) ?? { frames: [], maps: [], peaks: [], pieces: said.pieces };
    stuck = "";
    if (found.frames.length === said.want.step) {
      drawings.set(key, found);
      found.frames.push(developed(said.picture));
      if (said.maps) {
        found.maps.push(bytes(said.maps));
        found.peaks.push(said.peaks);
      }
    }
    if (follows && newest() >= 0) keep({ step: newest() });
    else update();
    pump();
  }
  /** Draw with the prompts or settings in `changes`, and show each missing state as it arrives. While the model is not
   * loaded, keep changes for which no drawings are stored in `pending` instead. */
  function redraw(changes) {
    stop();
    watched = false;
    pressed = false;
    el.classList.add("known");
    const isStored = ({ prompts: both = prompts(), ...others }) => both.every((prompt) => isDrawn({ ...settings(prompt), ...others }));
    if ("prompts" in changes && isStored(changes)) {
      for (const key of ["prompts", "word"]) delete pending[key];
    } else {
      changes = Object.fromEntries(Object.entries({ ...pending, ...changes }).filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(model.get(key))));
      pending = isStored(changes) || model.get("live") || newest() < 0 ? {} : changes;
      if (changes === pending) return update(); // the pictures on the screen stay until the model can draw with these changes
    }
    for (const [key, value] of Object.entries(changes)) model.set(key, value);
    stuck = "";
    follows = Boolean(missing());
    if (follows) shown = 0;
    keep({ step: follows ? Math.max(0, newest()) : step() });
    if (!follows) start();
    pump();
  }
  const keep = keeper(model, update);

  // Draw a prompt as a line of chips.
  function buildPrompt(index) {
    const { line } = panels[index];
    const other = new Set(chips(1 - index).map((chip) => chip.text.toLowerCase()));
    const focused = [...line.children].indexOf(line.ownerDocument.activeElement);
    line.replaceChildren(
      ...chips(index).map((chip, at) => {
        const known = !words || chip.text.toLowerCase().match(UNIT).every((unit) => words.has(unit) || !/\p{L}|\p{N}/u.test(unit));
        const button = make("button", `chip dn-chip${chip.glued ? " glued" : ""}${known ? "" : " unknown"}`, chip.text);
        if (!other.has(chip.text.toLowerCase())) button.classList.add("differs");
        button.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && point(at));
        button.addEventListener("pointerleave", () => point(-1));
        button.addEventListener("focus", () => button.matches(":focus-visible") && point(at));
        button.addEventListener("blur", () => point(-1));
        button.addEventListener("click", () => {
          const again = model.get("word") === at && side === index;
          side = index;
          tab = null;
          pointed = -1;
          pressed = !again;
          el.classList.add("known");
          keep({ word: again ? -1 : at });
        });
        return button;
      }),
    );
    if (focused >= 0) line.children[Math.min(focused, line.children.length - 1)]?.focus();
    line.dataset.prompt = prompts()[index];
  }
  function point(at) {
    if (pointed === at) return;
    pointed = at;
    update();
  }
  function say(unknown) {
    const listed = unknown.map((word) => `“${word}”`).join(", ");
    return unknown.length ? `In no caption that it was trained on: ${listed}.` : "";
  }
  /** Writes the settings whose keys are in `pending`, such as "seed 6, 10 steps". `value` returns a setting's number.
   * @param {(key: string) => number} value */
  const inWords = (value) => Object.keys(pending).filter((key) => key in fits).map((key) => (key === "steps" ? `${value(key)} steps` : `${key} ${value(key)}`)).join(", ");
  /** Whether the visitor has chosen another prompt for this side, which only the loaded model can draw. */
  const waits = (index) => "prompts" in pending && pending.prompts[index] !== prompts()[index];
  /** Sentences that name what is in `pending`, which only the loaded model can draw; "" if there is nothing. */
  function waitsFor() {
    const next = inWords((key) => pending[key]);
    if (pending.prompts) {
      const chosen = pending.prompts.filter((_, index) => waits(index)).map((prompt) => `“${prompt}”`);
      return `Wake the model to draw ${chosen.join(" and ")}${next && ` with ${next}`}.`;
    }
    if (!next) return "";
    return `The pictures still have ${inWords((key) => model.get(key))}. Wake the model to draw them with ${next}.`;
  }
  /** If the chosen prompt is too long, a sentence with the words that the model did not read; otherwise "". */
  function unread() {
    const rest = drawing(side)?.maps.length ? chips(side).filter((chip) => !attention(side, chip)) : [];
    return rest.length ? `The prompt is too long. Not read: “${rest.map(({ text }) => text).join(" ")}”.` : "";
  }
  const unknownIn = (text) => (words ? [...new Set(text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [])].filter((word) => !words.has(word)) : []);

  // The tray has the words that can replace the chosen word.
  function buildTray() {
    const all = chips(side);
    const chip = all[Math.min(model.get("word") ?? -1, all.length - 1)];
    const kind = chip?.kind;
    const choices = kind ? (kind.noun ? data.kinds.filter((each) => each.noun) : [kind]) : [];
    if (!choices.includes(tab)) tab = kind;
    const state = JSON.stringify([side, prompts()[side], chip?.start, tab?.name, model.get("live"), settings("")]);
    if (tray.dataset.state === state) return;
    tray.dataset.state = state;
    tray.classList.toggle("ember", side === 0);
    tray.classList.toggle("against", side === 1);
    trayTitle.replaceChildren();
    if (!chip) trayTitle.append("Tap a word: see what attends to it, then exchange it.");
    else if (!kind) trayTitle.append(make("b", "chip", chip.text), " has no other word in its place.");
    else if (model.get("live")) trayTitle.append("Exchange ", make("b", "chip", chip.text), " for");
    else trayTitle.append("Drag one onto a picture");
    tabs.replaceChildren(
      ...(choices.length > 1 ? choices : []).map((each) => {
        const button = make("button", "", each.name);
        button.setAttribute("aria-pressed", String(each === tab));
        button.addEventListener("click", () => {
          tab = each;
          buildTray();
          tabs.children[choices.indexOf(each)].focus();
        });
        return button;
      }),
    );
    list.setAttribute("aria-label", tab ? `Other words: ${tab.name}` : "Other words");
    const offers = (tab?.words ?? []).map((word) => ({ word, prompt: exchanged(prompts()[side], chip, word) }));
    const ready = ({ prompt }) => isDrawn(settings(prompt));
    if (!model.get("live")) offers.sort((a, b) => ready(b) - ready(a));
    list.replaceChildren(
      ...offers.map(({ word, prompt }, index) => {
        const button = make("button", "dn-word", word);
        button.tabIndex = index ? -1 : 0;
        button.classList.toggle("ready", !model.get("live") && ready({ prompt }));
        if (word === chip.text.toLowerCase()) button.setAttribute("aria-pressed", "true");
        button.addEventListener("click", () => button.dataset.dragged || exchange(prompt));
        carry(button, word);
        return button;
      }),
    );
    list.scrollTop = 0;
    fold();
  }
  /** Let the visitor drag a word onto one of the pictures. In this picture's prompt, it takes the place of the chosen word. */
  function carry(button, word) {
    let from = null; // where the drag began, and the copy of the button that follows the pointer
    let over = -1; // the index of the picture under the pointer, or -1
    const mark = (index) => {
      over = index;
      panels.forEach(({ panel }, at) => panel.classList.toggle("takes", at === index));
    };
    onDrag(el, button, (event) => {
      const [x, y] = [event.clientX - from.x, event.clientY - from.y];
      if (!from.ghost && Math.hypot(x, y) < 6) return;
      if (!from.ghost) {
        const [box, home] = [button, scene].map((each) => each.getBoundingClientRect());
        from.ghost = scene.appendChild(button.cloneNode(true));
        from.ghost.classList.remove("ready");
        from.ghost.classList.add("dn-ghost");
        from.ghost.tabIndex = -1;
        Object.assign(from.ghost.style, { left: `${box.left - home.left}px`, top: `${box.top - home.top}px` });
        button.dataset.dragged = "yes";
      }
      from.ghost.style.transform = `translate(${x}px, ${y}px) rotate(-2deg)`;
      mark(panels.findIndex(({ panel }) => {
        const box = panel.getBoundingClientRect();
        return event.clientX > box.left && event.clientX < box.right && event.clientY > box.top && event.clientY < box.bottom;
      }));
    }, {
      ready: () => true,
      begin: (event) => (from = { x: event.clientX, y: event.clientY, ghost: null }),
      end() {
        if (!from.ghost) return;
        from.ghost.remove();
        const index = over;
        mark(-1);
        setTimeout(() => delete button.dataset.dragged); // only after the click event that follows the drag
        const chip = chips(index < 0 ? side : index)[model.get("word")];
        if (index < 0 || !chip) return;
        side = index;
        exchange(exchanged(prompts()[index], chip, word));
      },
    });
  }
  /** Show all words of the tray or, while the tray is folded, only the current word and those whose pictures are ready. */
  function fold() {
    const some = Boolean(list.querySelector(".ready"));
    unfold.hidden = !some;
    unfold.setAttribute("aria-expanded", String(unfolded));
    unfold.textContent = unfolded ? "Only those that are ready" : "All other words";
    tray.classList.toggle("folded", some && !unfolded);
    const shown = [...list.children].filter((word) => !some || unfolded || word.matches(".ready, [aria-pressed]"));
    for (const word of list.children) word.hidden = !shown.includes(word);
  }
  function exchange(prompt, changes = {}) {
    const both = [...prompts()];
    both[side] = prompt;
    redraw({ prompts: both, ...changes });
  }
  list.addEventListener("keydown", (event) => {
    const all = [...list.children].filter((word) => !word.hidden);
    const at = all.indexOf(event.target);
    const goes = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (goes === undefined || !all[goes]) return;
    event.preventDefault();
    all[at].tabIndex = -1;
    all[goes].tabIndex = 0;
    all[goes].focus();
  });
  const typed = () => field.value.trim().replace(/\s+/g, " ");
  function submit(event) {
    event.preventDefault();
    const text = typed();
    if (!text) return;
    exchange(text, { word: -1 });
    if (!pending.prompts) field.value = "";
  }
  form.addEventListener("submit", submit);
  field.addEventListener("keydown", (event) => event.key === "Enter" && submit(event)); // in JupyterLab, Enter does not submit a form
  field.addEventListener("input", () => (note.textContent = say(unknownIn(field.value))));

  // Build `strip`, which has a column for each state, with a small picture from each of the two drawings.
  function buildStrip() {
    const columns = steps() + 1;
    if (strip.children.length !== columns) {
      strip.replaceChildren(
        ...Array.from({ length: columns }, () => {
          const column = make("div");
          column.append(canvas(64), canvas(64));
          return column;
        }),
      );
      film.style.setProperty("--columns", String(columns));
      film.setAttribute("aria-valuemax", String(steps()));
    }
    const keys = prompts().map((prompt) => keyOf(settings(prompt)));
    for (const key of keys) seen.set(key, Math.max(seen.get(key) ?? 0, step()));
    [...strip.children].forEach((column, at) => {
      [0, 1].forEach((index) => {
        const thumb = column.children[index];
        const frame = at <= seen.get(keys[index]) && drawing(index)?.frames[at];
        const key = frame ? keys[index] : "";
        if (thumb.dataset.key === key) return;
        thumb.dataset.key = key;
        const pen = thumb.getContext("2d");
        pen.clearRect(0, 0, 64, 64);
        if (frame) pen.drawImage(frame, 0, 0, 64, 64);
      });
    });
  }
  const stepAt = (event) => {
    const box = strip.getBoundingClientRect();
    return Math.max(0, Math.min(steps(), Math.floor(((event.clientX - box.left) / box.width) * (steps() + 1))));
  };
  function go(to) {
    stop();
    watched = true;
    pressed = false;
    follows = false;
    el.classList.add("known");
    keep({ step: Math.max(0, Math.min(steps(), to)) });
  }
  const toPointer = (event) => go(stepAt(event));
  onDrag(el, film, toPointer, { ready: () => true, begin: toPointer });
  film.addEventListener("keydown", (event) => {
    const to = {
      ArrowLeft: step() - 1, ArrowDown: step() - 1, ArrowRight: step() + 1, ArrowUp: step() + 1,
      PageDown: step() - 5, PageUp: step() + 5, Home: 0, End: steps(),
    }[event.key];
    if (event.key === " ") play.click();
    else if (to !== undefined) go(to);
    else return;
    event.preventDefault();
  });
  function stop() {
    clearTimeout(playing);
    playing = 0;
    play.textContent = "▶";
    play.setAttribute("aria-label", "Play from noise to picture");
  }
  function tick() {
    if (step() >= steps()) return stop();
    if (step() < newest()) keep({ step: step() + 1 });
    playing = setTimeout(tick, quiet.matches ? 2 * PACE : PACE);
  }
  function start() {
    stop();
    follows = pressed = false;
    shown = 0;
    keep({ step: 0 });
    play.textContent = "■";
    play.setAttribute("aria-label", "Stop");
    playing = setTimeout(tick, 2 * PACE);
  }
  play.addEventListener("click", () => {
    if (playing) return stop();
    watched = true;
    el.classList.add("known");
    start();
  });

  // The controls for seed, guidance and steps
  die.addEventListener("click", () => {
    let seed = model.get("seed");
    while (seed === model.get("seed")) seed = Math.floor(100 * Math.random());
    face.classList.remove("thrown");
    void face.offsetWidth; // reading `offsetWidth` lets the animation start again
    face.classList.add("thrown");
    redraw({ seed });
  });
  range.addEventListener("input", () => (dialLabel.textContent = `guidance ${range.value}`));
  range.addEventListener("change", () => redraw({ guidance: Number(range.value) }));

  // `paint` draws a picture, and the shade over the picture. While the view moves from one state to another, the picture is a
  // blend of these two states.
  const shade = canvas(16);
  const painted = new Set(); // the indices of the panels that have a picture
  function paint(index) {
    const { picture, empty, draw, panel } = panels[index];
    const pen = picture.getContext("2d");
    const frames = drawing(index)?.frames ?? [];
    const last = frames.length - 1;
    const asleep = wake.querySelector("button");
    draw.hidden = !((waits(index) && !watched) || (last < 0 && stuck)) || !asleep || asleep.disabled;
    empty.textContent = last >= 0 || !draw.hidden || painted.has(index) ? "" : !stuck ? "drawing…" : asleep ? "loading the model…" : "not drawn yet";
    panel.classList.toggle("blank", last < 0 && !painted.has(index));
    if (last < 0) return; // the old picture stays until the new one begins
    painted.add(index);
    pen.clearRect(0, 0, SIZE, SIZE);
    const at = Math.min(shown, last);
    pen.imageSmoothingEnabled = frames[0].width > 64;
    pen.globalAlpha = 1;
    pen.drawImage(frames[Math.floor(at)], 0, 0, SIZE, SIZE);
    if (at % 1 > 0.01) {
      pen.globalAlpha = at % 1;
      pen.drawImage(frames[Math.ceil(at)], 0, 0, SIZE, SIZE);
    }
    const map = Math.max(glow, dark) > 0.01 && attention(index, chips(index)[lastLit]);
    if (!map) return;
    const pixels = new ImageData(16, 16);
    stretched(map).forEach((value, cell) => (pixels.data[4 * cell + 3] = Math.round(255 * SHADE * (1 - value))));
    shade.getContext("2d").putImageData(pixels, 0, 0);
    pen.globalAlpha = dark;
    pen.imageSmoothingEnabled = true;
    pen.imageSmoothingQuality = "high";
    pen.drawImage(shade, 0, 0, SIZE, SIZE);
    pen.globalAlpha = glow;
    // Draw a line where the attention is half-way between the least and the greatest. Small lines beside the largest are left
    // out. The corners are rounded: each curve runs from the middle of a segment to the middle of the next.
    pen.beginPath();
    const within = (share) => (share < 0.001 ? -OUTSIDE : share > 0.999 ? SIZE + OUTSIDE : SIZE * share); // a line that reaches the picture's edge leaves the picture, and does not run along the edge
    const lines = closed(contour(stretched(smoothed(smoothed(map))), 0.5));
    const largest = Math.max(...lines.map(area));
    for (const line of lines.filter((one) => area(one) > SMALL * largest)) {
      const points = line.map(([x, y]) => [within(x), within(y)]);
      const middles = points.map(([x, y], index) => {
        const [nextX, nextY] = points[(index + 1) % points.length];
        return [(x + nextX) / 2, (y + nextY) / 2];
      });
      pen.moveTo(...middles.at(-1));
      points.forEach(([x, y], index) => pen.quadraticCurveTo(x, y, ...middles[index]));
      pen.closePath();
    }
    pen.lineCap = "round";
    for (const [width, style] of [[7.5, "rgb(255 255 255 / 0.9)"], [3.5, LINES[index]]]) {
      pen.lineWidth = width;
      pen.strokeStyle = style;
      pen.stroke();
    }
  }
  let travelling = 0;
  function travel() {
    travelling = 0;
    const toDark = asks() ? 1 : 0;
    const [toStep, toGlow] = [step(), shows() ? 1 : 0];
    if (lit() >= 0) lastLit = lit();
    const ease = quiet.matches ? 1 : el.classList.contains("dragging") ? 0.6 : 0.22;
    const nearer = (from, to) => {
      const next = from + (to - from) * ease;
      return Math.abs(to - next) < 0.02 ? to : next;
    };
    [shown, glow, dark] = [nearer(shown, toStep), nearer(glow, toGlow), nearer(dark, toDark)];
    panels.forEach((_, index) => paint(index));
    if (shown !== toStep || glow !== toGlow || dark !== toDark) travelling = requestAnimationFrame(travel);
  }

  function update() {
    const now = step();
    panels.forEach(({ line, picture, tag }, index) => {
      if (line.dataset.prompt !== prompts()[index] || line.dataset.other !== prompts()[1 - index]) buildPrompt(index);
      line.dataset.other = prompts()[1 - index];
      const all = chips(index);
      [...line.children].forEach((button, at) => {
        const on = at === lit();
        button.classList.toggle("lit", on);
        button.setAttribute("aria-pressed", String(at === model.get("word") && index === side));
      });
      const chip = all[lit()];
      tag.textContent = shows() && attention(index, chip) ? `attends to “${chip.text}”` : "";
      picture.setAttribute("aria-label", `${prompts()[index]}, ${now ? `after step ${now} of ${steps()}` : "noise"}`);
    });
    buildStrip();
    buildTray();
    const drawn = [0, 1].some((index) => framesOf(index) > now);
    loud.textContent = drawn ? `${now} of ${steps()}` : "…";
    loudWords.textContent = !drawn ? `step ${now} is not drawn yet` : now === 0 ? "steps: the same noise twice" : now < steps() ? "steps out of the noise" : "steps: two pictures";
    head1.style.setProperty("--step", String(now));
    film.setAttribute("aria-valuenow", String(now));
    film.setAttribute("aria-valuetext", `${loud.textContent} ${loudWords.textContent}`);
    const still = inWords((key) => model.get(key));
    axis.children[1].textContent = still ? `still ${still}` : missing() && !stuck ? `drawing: ${Math.max(0, newest())} of ${steps()}` : "";
    if (pending.prompts || document.activeElement !== field) note.textContent = waitsFor() || stuck || say(unknownIn(prompts()[side])) || unread();
    const chosen = (key) => pending[key] ?? model.get(key);
    const next = (key) => (key in pending ? "next: " : ""); // a setting in `pending` is used only once the model is loaded
    dieLabel.textContent = `${next("seed")}seed ${chosen("seed")}`;
    die.setAttribute("aria-label", `Throw the die for other noise. Now: seed ${model.get("seed")}${"seed" in pending ? `, next: seed ${pending.seed}` : ""}`);
    range.value = String(chosen("guidance"));
    dialLabel.textContent = `${next("guidance")}guidance ${chosen("guidance")}`;
    radios.forEach((button, index) => {
      const on = offered[index] === chosen("steps");
      button.setAttribute("aria-checked", String(on));
      button.tabIndex = on ? 0 : -1;
    });
    if (!playing) speak(`${loud.textContent} ${loudWords.textContent}`);
    if (!travelling) travelling = requestAnimationFrame(travel);
  }

  function revive() {
    stuck = "";
    if (pending.prompts?.includes(typed())) field.value = "";
    if (Object.keys(pending).length) return redraw({});
    follows = Boolean(missing());
    update();
    pump();
  }
  model.on("change:said", listen);
  model.on("change:live", revive);
  stop();
  let ended = false;
  update();
  Promise.all((data.drawings ?? []).map(async (one) => drawings.set(keyOf(one), await unrolled(one)))).then(() => {
    if (ended) return;
    follows = Boolean(missing());
    if (!follows || model.get("step") !== undefined) tray.dataset.state = "";
    update();
    pump();
  });

  return () => {
    ended = true;
    stop();
    hush();
    cancelAnimationFrame(travelling);
    model.off("change:said", listen);
    model.off("change:live", revive);
  };
}

export default { render };
