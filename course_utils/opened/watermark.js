// Shows how many words of a text are on a secret list, and whether the text therefore counts as marked (watermarked).
// The view's `data` is {vocabulary, ratio, threshold, texts: [{bonus, swapped, ids}]}. A text's bonus is the number that was
// added to the scores of listed tokens while the text was written; a text with the bonus 0 has no mark. If there is a
// `data.key`, as on a page of the website, this module makes the lists with torch's random numbers. Otherwise each text also
// has `green` ("0" or "1" for each token from the second on), and a host that can compute gets `want` {ids} and answers with
// `said` {green}.
// The visitor chooses `text` (a bonus, "copied" or "own"), `swapped` (the share of swapped words), `length` (the number of
// tokens that are counted; on a page 0 until the visitor has chosen a text), `own` (the visitor's words) and `key` (0 for the
// key that marked the texts, another number for another key).
// On a page the visitor counts by turning a key (`aroundAKey`), and in a lesson along a chart of z (`alongALine`).
import { adopt, announcer, asSlider, atOnce, glide, headline, keeper, make, onDrag, ownWords, piecesOf, radio, shape } from "./view.js";

const FEWEST = 6; // the fewest tokens that are counted
const LOW = -3; // the lowest z that is drawn
const SECONDS = 3.5; // s: the time in which the count runs through all tokens
const GLANCE = 90; // the number of tokens shown of each text while the visitor guesses which of two texts is marked
const EXAMPLE = "Weather for December in Yarrowby"; // the strongly marked text is shown from here as an example with a key; its beginning makes little sense
const SHOWN = 60; // the most tokens that the example shows
const ROOM = 1.6; // how many times as many boxes as a long text needs to count as marked are drawn for it
const EDGE = 14; // px: the room for the handle at the right of the chart
const TALL = 20; // px: the height of a text's name in the chart
const NO_SPACE_BEFORE = /^(?:[.,?!:;”)]|'.*)$/u;
const NO_SPACE_AFTER = /^[“(]$/u;
const OWN = { placeholder: "Paste a text of your own", label: "Your own text", button: "Count it" };
const TOO_SHORT = `A text of at least ${FEWEST} words and marks can be counted.`;

/**
 * Make a generator of the random numbers that a torch.Generator with this seed gives. It is the Mersenne Twister.
 * @param {number} seed
 * @returns {() => number} gives the next number, from 0 to 2**32 - 1
 */
export function twister(seed) {
  const state = new Uint32Array(624);
  state[0] = seed % 2 ** 32;
  for (let index = 1; index < 624; index++) {
    const before = state[index - 1] ^ (state[index - 1] >>> 30);
    state[index] = Math.imul(before, 1812433253) + index;
  }
  let used = 624;
  return () => {
    if (used === 624) {
      for (let index = 0; index < 624; index++) {
        const mixed = (state[index] & 0x80000000) | (state[(index + 1) % 624] & 0x7fffffff);
        state[index] = state[(index + 397) % 624] ^ (mixed >>> 1) ^ (mixed & 1 ? 0x9908b0df : 0);
      }
      used = 0;
    }
    let next = state[used++];
    next ^= next >>> 11;
    next ^= (next << 7) & 0x9d2c5680;
    next ^= (next << 15) & 0xefc60000;
    return (next ^ (next >>> 18)) >>> 0;
  };
}

/**
 * The ids of the tokens that a key lists after the token `before`. As in transformers, these ids are the first numbers that
 * torch.randperm gives.
 * @param {number} key
 * @param {number} before the id of a token
 * @param {number} size the number of tokens in the vocabulary
 * @param {number} ratio the share of the vocabulary that is listed
 * @returns {Set<number>}
 */
export function listed(key, before, size, ratio) {
  const next = twister(key * before);
  const order = Uint32Array.from({ length: size }, (_, id) => id);
  const count = Math.floor(size * ratio);
  for (let index = 0; index < count; index++) {
    const other = index + (next() % (size - index));
    [order[index], order[other]] = [order[other], order[index]];
  }
  return new Set(order.subarray(0, count));
}

/** By how many standard deviations `hits`, the number of listed tokens among `count`, is above `ratio * count`, the number
 * expected by chance. */
export const zScore = (hits, count, ratio) => (hits - ratio * count) / Math.sqrt(count * ratio * (1 - ratio));

/**
 * The probability that at least `hits` of `count` tokens are listed, if each is listed with the probability `ratio`.
 * @param {number} hits
 * @param {number} count
 * @param {number} ratio
 */
export function byChance(hits, count, ratio) {
  let log = count * Math.log(1 - ratio); // the logarithm of the probability of exactly `number` listed tokens
  let sum = 0;
  for (let number = 0; number <= count; number++) {
    if (number >= hits) sum += Math.exp(log);
    log += Math.log(((count - number) / (number + 1)) * (ratio / (1 - ratio)));
  }
  return Math.min(1, sum);
}

/** A probability in words such as "1 in 19,000". */
export function odds(probability) {
  const once = 1 / probability;
  if (once < 1.5) return "nearly all";
  if (once < 10) return `1 in ${Math.round(once)}`;
  if (once >= 1e12) return "1 in over a trillion";
  for (const [size, word] of [[1e9, "billion"], [1e6, "million"]]) {
    if (once >= size) return `1 in ${Number((once / size).toPrecision(2)).toLocaleString("en-US")} ${word}`;
  }
  return `1 in ${Number(once.toPrecision(2)).toLocaleString("en-US")}`;
}

/** The beginning of a sentence on how many unmarked texts have at least `hits` listed tokens among `count`. */
function rarely(hits, count, ratio) {
  const chance = odds(byChance(hits, count, ratio));
  return `By chance, ${chance} unmarked texts ${chance.startsWith("1") ? "has" : "have"}`;
}

/** What a count says about a text if it is unknown whether the text is marked. */
const unsure = (over) => (over ? "Over the line: it counts as marked. Whether it is, the count alone can't say." : "Not over the line. That says nothing.");

/** A verdict, and how many of the pairs of words were not counted for it. */
const skipping = (verdict, skipped, pairs) => (skipped ? `${verdict} ${skipped} of ${pairs} pairs have a word that the model lacks: not counted.` : verdict);

const CLOSED = 0.965; // when a drag has turned the key so far, the ring looks closed, and the key springs to its end

function keyDrawing() {
  const drawing = shape("svg", { class: "wm-key", viewBox: "0 0 64 64", "aria-hidden": "true" });
  drawing.append(shape("circle", { cx: 32, cy: 16, r: 10 }), shape("path", { d: "M32 26v32M32 46h10M32 56h13" }));
  return drawing;
}

/** Whether the token at an index stands without a space after the token before. */
const glued = (pieces, index) => index === 0 || NO_SPACE_BEFORE.test(pieces[index]) || NO_SPACE_AFTER.test(pieces[index - 1]);

/** Write tokens as words into an element, and return the words' elements. */
function writeWords(paper, pieces) {
  paper.replaceChildren();
  return pieces.map((piece, index) => {
    if (!glued(pieces, index)) paper.append(" ");
    const span = paper.appendChild(make("span", "wm-word", piece));
    span.dataset.index = String(index);
    return span;
  });
}

/** Fill a group with radio buttons. The arrow keys choose the button before or after. */
function radios(group, options, chosen, choice) {
  group.replaceChildren(
    ...options.map(([value, label]) => {
      const button = make("button", "", label);
      button.setAttribute("aria-checked", String(value === chosen));
      button.tabIndex = value === chosen ? 0 : -1;
      radio(button, () => group.querySelectorAll("button"), (at) => choice(options[at][0]));
      return button;
    }),
  );
}

function radioGroup(className, label) {
  const group = make("div", className);
  group.setAttribute("role", "radiogroup");
  group.setAttribute("aria-label", label);
  return group;
}

export function render({ model, el }) {
  const data = model.get("data");
  const { ratio, threshold } = data;
  const ids = new Map(data.vocabulary.map((word, id) => [word, id]));
  const bonuses = [...new Set(data.texts.map(({ bonus }) => bonus))].sort((a, b) => a - b);
  const shares = [...new Set(data.texts.map(({ swapped }) => swapped))].sort((a, b) => a - b);
  const lists = new Map(); // from the string `${key} ${token}` to the tokens that the key lists after the token
  const heard = new Map(); // from the ids of the visitor's tokens, joined by commas, to the host's answer `green`

  /** Return for each token from the second on whether it is listed after the token before, or null if either token is unknown. */
  function marksOf({ ids: tokens, green }) {
    if (green) return [...green].map((mark) => (mark === "-" ? null : mark === "1"));
    const secret = data.key + 2 * (model.get("key") ?? 0);
    return tokens.slice(1).map((token, index) => {
      const before = tokens[index];
      if (token === data.unknown || before === data.unknown) return null;
      const name = `${secret} ${before}`;
      if (!lists.has(name)) lists.set(name, listed(secret, before, data.vocabulary.length, ratio));
      return lists.get(name).has(token);
    });
  }
  const withMarks = (text) => ({ pieces: text.ids.map((id) => data.vocabulary[id]), marks: marksOf(text), changed: [] });

  /** The text with this name (a bonus, "copied" or "own"): its words (`pieces`), for each word from the second on whether it is
   * listed (`marks`), for each word whether it was swapped (`changed`), and whether the text was written with a mark (`marked`).
   * Null until the host has answered which of the visitor's own words are listed. */
  function textOf(name, swapped) {
    if (name === "copied") return { ...withMarks(data.copied), marked: false };
    if (name === "own") {
      const pieces = piecesOf(model.get("own") ?? "");
      const tokens = pieces.map((piece) => ids.get(piece) ?? data.unknown ?? -1);
      const green = heard.get(tokens.join());
      if (!data.key && green === undefined) { // the answer to a single word is an empty text
        ask(tokens);
        return null;
      }
      return { pieces, marks: marksOf({ ids: tokens, green }), changed: [], marked: undefined };
    }
    const bonus = Number(name);
    const text = data.texts.find((one) => one.bonus === bonus && one.swapped === swapped) ?? data.texts[0];
    const plain = data.texts.find((one) => one.bonus === text.bonus && one.swapped === shares[0]);
    return { ...withMarks(text), changed: text.ids.map((id, index) => id !== plain.ids[index]), marked: bonus > 0 };
  }
  function ask(tokens) {
    if (!model.get("live")) return;
    model.set("want", { ids: tokens });
    model.save_changes();
  }
  /** Fill a group with radio buttons for the shares of swapped words. A text that is not stored with swapped words gets none. */
  function offerSwaps(swaps, name, swapped, choose) {
    const label = (share) => {
      const { changed } = textOf(name, share);
      return share ? `${Math.round((100 * changed.filter(Boolean).length) / changed.length)}%` : "none";
    };
    const fixed = name === "copied" || name === "own";
    radios(swaps, fixed ? [] : shares.map((share) => [share, label(share)]), swapped, (share) => choose({ swapped: share }));
    if (!fixed) swaps.prepend(make("span", "", "Words swapped:"));
  }

  adopt(el, "wm");
  return (data.key ? aroundAKey : alongALine)({
    model, el, data, bonuses, shares, heard, marksOf, textOf, offerSwaps,
    still: matchMedia("(prefers-reduced-motion: reduce)"),
    /** How many of `count` words must be listed, at least, so that the text counts as marked. */
    fewest: (count) => Math.floor(ratio * count + threshold * Math.sqrt(count * ratio * (1 - ratio))) + 1,
  });
}

/**
 * The view on a page of the website. The visitor turns a key: words of the text light up, are counted, and fill boxes up to the
 * line from which a text counts as marked. First an example with a strong mark, then a guess between two texts. The text that
 * was guessed is counted, and after it a text without a mark, which repeats itself.
 */
function aroundAKey({ model, el, data, bonuses, shares, textOf, offerSwaps, still, fewest }) {
  const { ratio } = data;
  const names = ["No mark", "Light mark", "Strong mark"];
  let stage = model.get("length") ? "count" : "example"; // "example", "guess", or "count" for a whole text
  let guessed; // the bonus, as a string, of the text that the visitor guessed to be marked; undefined without a guess
  let text; // what is on the screen: {pieces, marks, marked, changed}
  let words = 1; // the number of its words that are counted when the key is turned round
  let needed = 0; // how many of these must be listed so that the text counts as marked
  let part = 0; // how far the key is turned: 0 to 1
  let spans = [];
  let stopTurning = () => {}; // a function that stops the key if it is turning by itself

  const ask = make("p", "wm-ask");
  ask.append(make("b", "", "Which one is marked?"), make("span", "", "One of these texts has a lighter mark. Press it, and turn the key."));
  const sheets = make("div", "wm-sheets"); // two texts; the visitor guesses which of them is marked
  const demo = make("div", "wm-demo");
  const says = demo.appendChild(make("p", "wm-says"));
  const shown = demo.appendChild(make("p", "wm-shown"));
  const dial = demo.appendChild(make("div", "wm-dial"));
  asSlider(dial, { label: "Turn the key", min: 0 });
  const rim = dial.appendChild(shape("svg", { viewBox: "0 0 200 200", "aria-hidden": "true" }));
  const circle = { cx: 100, cy: 100, r: 90, pathLength: 100 };
  const turned = shape("circle", { class: "wm-turned", ...circle });
  rim.append(shape("circle", { class: "wm-rim", ...circle }), turned);
  const grip = dial.appendChild(make("i"));
  const bit = dial.appendChild(keyDrawing());
  const invites = dial.appendChild(make("span", "", "turn me ↻"));

  // With each listed word that is counted, one more box fills, from the left. In a short text there is a box for each word.
  const tally = demo.appendChild(make("div", "wm-tally"));
  tally.setAttribute("aria-hidden", "true"); // a screen reader reads these numbers from `says` and `outcome`
  const boxes = tally.appendChild(make("div", "wm-boxes"));
  const [byLuck, line, lack] = ["", "wm-needed", "wm-lack"].map((className) => tally.appendChild(make("span", className)));
  const outcome = demo.appendChild(make("p", "wm-end"));
  const verdict = outcome.appendChild(make("b"));
  const next = outcome.appendChild(make("button", "wm-play"));

  // All other texts and keys are folded away below the text.
  const lab = make("details", "wm-lab");
  const choices = radioGroup("wm-choices", "Text");
  const swaps = radioGroup("wm-choices wm-swaps", "Words swapped for others of their list");
  const key = make("button");
  const rare = make("p", "wm-odds");
  const own = ownWords("wm-own", OWN, (said) => choose({ own: said, text: "own", key: 0 }));
  lab.append(make("summary", "", "Other texts, another key"), choices, swaps, key, own, rare);
  const { live, speak, hush } = announcer(700);
  el.append(ask, sheets, demo, lab, live);

  const keep = keeper(model);
  /** Count another text, or with another key, at once. */
  function choose(changes) {
    stopTurning();
    guessed = undefined;
    stage = "count";
    keep({ ...changes, length: 1e6 });
    draw();
  }
  /** Lay out a whole text, of which no word is counted yet. */
  function begin(changes) {
    stage = "count";
    keep({ swapped: shares[0], key: 0, length: 1, ...changes });
    draw();
    dial.focus({ preventScroll: true });
    if (demo.getBoundingClientRect().top < 0) demo.scrollIntoView({ block: "nearest" });
  }

  /** The strongly marked text, from a beginning that makes sense, up to the sentence in which it counts as marked. */
  function example() {
    const strong = textOf(String(bonuses.at(-1)), shares[0]);
    const from = Math.max(0, strong.pieces.findIndex((_, at) => strong.pieces.slice(at).join(" ").startsWith(EXAMPLE)));
    const [pieces, marks] = [strong.pieces.slice(from), strong.marks.slice(from)];
    let hits = 0;
    const over = marks.findIndex((mark, index) => (hits += Number(mark)) >= fewest(index + 1) && index >= FEWEST);
    const end = pieces.findIndex((piece, index) => piece === "." && over >= 0 && index > over + 1) + 1;
    const tokens = end || Math.min(pieces.length, SHOWN);
    return { pieces: pieces.slice(0, tokens), marks: marks.slice(0, tokens - 1), marked: true, changed: [] };
  }

  function draw() {
    el.classList.toggle("guessing", stage === "guess");
    el.classList.toggle("counting", stage === "count");
    if (stage === "guess") return;
    const name = model.get("text");
    const swapped = model.get("swapped") ?? shares[0];
    text = stage === "example" ? example() : textOf(name, swapped);
    const { pieces, marks, changed } = text;
    const short = pieces.length < FEWEST;
    el.classList.toggle("short", short);
    spans = writeWords(shown, pieces);
    // A model's text may end in the middle of a sentence, because a model was stopped there.
    if (stage === "example" || (name !== "own" && !/[.?!”]$/.test(pieces.at(-1)))) shown.append(" …");
    spans.forEach((span, index) => {
      span.classList.toggle("changed", Boolean(changed[index]));
      span.classList.toggle("unknown", index > 0 && marks[index - 1] === null);
    });
    words = Math.max(1, pieces.length - 1);
    const seen = marks.filter((mark) => mark !== null).length;
    needed = fewest(seen);
    const most = marks.filter(Boolean).length;
    const room = seen <= SHOWN ? Math.max(1, seen) : Math.max(most, Math.ceil(ROOM * needed));
    boxes.replaceChildren(...Array.from({ length: room }, () => make("i")));
    boxes.classList.toggle("fine", room > SHOWN);
    const chance = Math.round(ratio * seen);
    byLuck.textContent = `chance: ${chance}`;
    byLuck.style.left = `${(100 * chance) / room}%`;
    line.textContent = `marked from ${needed}`;
    line.style.left = `${(100 * (needed - 1)) / room}%`;
    line.hidden = needed > room; // even if all words were listed, the text would not count as marked
    dial.setAttribute("aria-valuemax", String(words));
    const options = [
      ...bonuses.map((bonus, index) => [String(bonus), names[index]]),
      ...(data.copied ? [["copied", "No mark, repeated"]] : []),
      ...(model.get("own") ? [["own", "Your own"]] : []),
    ];
    radios(choices, options, name, (to) => choose({ text: to }));
    offerSwaps(swaps, name, swapped, choose);
    key.textContent = model.get("key") ? "Back to the right key" : "Try another key";
    turnTo(stage === "count" ? ((model.get("length") ?? 1) - 1) / words : 0);
    if (short) {
      says.textContent = TOO_SHORT;
      speak(TOO_SHORT);
    }
  }

  function turnTo(to) {
    part = Math.max(0, Math.min(1, to));
    const { marks } = text;
    const count = Math.round(part * words);
    const counted = marks.slice(0, count).filter((mark) => mark !== null);
    const hits = counted.filter(Boolean).length;
    spans.forEach((span, index) => {
      span.classList.toggle("in", index > 0 && index <= count && marks[index - 1] === true);
      span.classList.toggle("rest", index > count);
    });
    const all = count === words;
    const short = all && text.marked && !model.get("key") ? Math.max(0, needed - hits) : 0; // how many listed words a marked text lacks
    [...boxes.children].forEach((box, index) => {
      box.classList.toggle("in", index < hits);
      box.classList.toggle("lack", short > 0 && index >= hits && index < needed);
    });
    lack.textContent = short ? `${short} short` : "";
    lack.hidden = !short;
    lack.style.left = `${(100 * (hits + short / 2)) / boxes.children.length}%`;
    bit.style.rotate = `${Math.round(360 * part)}deg`;
    grip.style.rotate = `${360 * part}deg`;
    turned.style.strokeDasharray = `${100 * part} 200`;
    invites.classList.toggle("away", part > 0);
    demo.classList.toggle("started", part > 0);
    demo.classList.toggle("told", all || (stage === "example" && hits >= needed));
    const invite = stage === "count" && model.get("text") === "copied" ? "This text has no mark. Turn the key." : "on the secret list so far. Turn the key.";
    says.replaceChildren(make("b", "loud", String(hits)), make("span", "", part > 0 ? ` of ${counted.length} words and marks are on the secret list` : ` ${invite}`));
    dial.setAttribute("aria-valuenow", String(count));
    dial.setAttribute("aria-valuetext", `${hits} of ${counted.length} words and marks are on the secret list`);
    const rarity = `${rarely(hits, Math.max(1, counted.length), ratio)} so many.`;
    verdict.textContent = stage === "example" ? `${rarity} This one is marked.` : judge(hits);
    rare.textContent = all ? `${rarity} (In texts that do not repeat themselves.)` : "";
    const follows = { 0: "Turn it on the other text →", [bonuses[1]]: data.copied && "Now a text without a mark →" }[model.get("text")];
    next.textContent = (stage === "example" ? "Now find one by eye →" : guessed !== undefined && follows) || "";
    next.hidden = !next.textContent;
    if (all) speak(`${says.textContent}. ${verdict.textContent}`);
  }
  /** Say what the count of a whole text shows. */
  function judge(hits) {
    const over = hits >= needed;
    const { marked, marks } = text;
    if (model.get("key")) return over ? "With a key that isn't the writer's: a false accusation." : marked ? "With another key the mark can't be seen." : "Not over the line with this key, either.";
    const short = `${needed - hits} word${needed - hits === 1 ? "" : "s"} short of ${needed}`;
    if (marked === undefined) return skipping(unsure(over), marks.filter((mark) => mark === null).length, marks.length);
    if (!marked) return over ? "Accused all the same! It has no mark: its words repeat." : guessed === model.get("text") ? "Wrong: this text has no mark. By eye, a mark doesn't show." : "Not over the line. It has no mark.";
    const said = over ? "Found: this text is marked." : `Marked, but ${short}${model.get("swapped") ? ": words were swapped" : ""}.`;
    return guessed === model.get("text") ? `Right! ${said}` : said;
  }
  function settle() {
    if (stage === "count") keep({ length: Math.round(part * words) + 1 });
  }
  /** Let the key turn by itself to the end. If the key is at the end already, it starts from the beginning. */
  function turnAll() {
    stopTurning();
    if (still.matches) {
      turnTo(1);
      return settle();
    }
    const from = part === 1 ? 0 : part;
    const began = performance.now();
    let due = 0;
    const frame = (now) => {
      turnTo(from + (now - began) / 1000 / SECONDS);
      if (part < 1 && el.isConnected) due = requestAnimationFrame(frame);
      else settle();
    };
    stopTurning = () => cancelAnimationFrame(due);
    due = requestAnimationFrame(frame);
  }
  const angle = ({ clientX, clientY }) => {
    const { left, top, width, height } = dial.getBoundingClientRect();
    return Math.atan2(clientY - top - height / 2, clientX - left - width / 2) / (2 * Math.PI);
  };
  let last = 0;
  let reached = 0; // how far the pointer has turned the key: 0 to 1
  let way = 0; // how far the pointer has gone round the dial since the press, in full turns
  onDrag(el, dial, (event) => {
    const now = angle(event);
    const step = now - last - Math.round(now - last);
    last = now;
    way += Math.abs(step);
    reached = Math.max(0, Math.min(1, reached + step));
    turnTo(reached < CLOSED ? reached : 1);
  }, { ready: () => true, begin: (event) => { stopTurning(); last = angle(event); way = 0; reached = part; dial.focus({ preventScroll: true }); }, end: () => way >= 0.02 && settle() });
  dial.addEventListener("click", () => way < 0.02 && turnAll()); // after a press that did not drag the key, the key turns by itself
  dial.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      return turnAll();
    }
    const goes = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10, Home: -words, End: words }[event.key];
    if (goes === undefined) return;
    event.preventDefault();
    stopTurning();
    turnTo((Math.round(part * words) + goes) / words);
    settle();
  });
  shown.addEventListener("click", (event) => {
    const index = event.target.dataset?.index;
    if (index === undefined || stage !== "count") return;
    stopTurning();
    turnTo(Number(index) / words);
    settle();
  });
  next.addEventListener("click", () => {
    stopTurning();
    if (stage === "count") return begin({ text: model.get("text") === "0" ? String(bonuses[1]) : "copied" });
    stage = "guess";
    draw();
    sheets.firstChild.focus({ preventScroll: true });
  });
  sheets.append(...bonuses.slice(0, 2).map((bonus, index) => {
    const { pieces } = textOf(String(bonus), shares[0]);
    const sheet = make("button", "wm-sheet");
    sheet.append(make("b", "", `Text ${index + 1}`), make("span", "", `${pieces.slice(0, GLANCE).map((piece, at) => (glued(pieces, at) ? piece : ` ${piece}`)).join("")} …`));
    sheet.addEventListener("click", () => {
      guessed = String(bonus);
      begin({ text: guessed });
    });
    return sheet;
  }));
  key.addEventListener("click", () => choose({ key: model.get("key") ? 0 : 1 }));

  const chose = ["text", "swapped", "own", "key"];
  const soon = atOnce(draw);
  const changed = () => keep.storing || soon();
  for (const name of chose) model.on(`change:${name}`, changed);
  draw();
  return () => {
    hush();
    stopTurning();
    for (const name of chose) model.off(`change:${name}`, changed);
  };
}

/**
 * The view in a lesson. The visitor counts along a chart: the number of tokens grows to the right, and z grows upwards.
 */
function alongALine({ model, el, data, bonuses, shares, heard, marksOf, textOf, offerSwaps, still, fewest }) {
  const { ratio, threshold } = data;
  const nameOf = (bonus) => (bonus ? `Bonus ${bonus}` : "No mark");
  let length = model.get("length");
  let playing = 0;
  let problem = "";

  const { head, loud, loudWords } = headline("wm");
  const verdict = make("p", "wm-verdict");
  const paper = make("p", "wm-text");
  const chart = make("div", "wm-chart");
  const svg = chart.appendChild(shape("svg", { "aria-hidden": "true" }));
  const stroke = (className) => svg.appendChild(shape("path", { class: className }));
  const bar = make("div", "wm-line");
  const barLabel = bar.appendChild(make("span"));
  const zero = make("div", "wm-zero");
  zero.append(make("span", "", "z = 0, as by chance"));
  const ember = make("div", "wm-ember");
  asSlider(ember, { label: "Tokens that are counted" });
  const tip = ember.appendChild(make("span", "num"));
  const foot = make("span", "wm-foot");
  chart.prepend(bar, zero);
  chart.append(foot, ember);

  const choices = radioGroup("wm-choices", "Text");
  const swaps = radioGroup("wm-choices wm-swaps", "Words swapped for others of their list");
  const tools = make("div", "wm-tools");
  const play = make("button", "wm-play");
  const [playKey, playWords] = [keyDrawing(), make("span", "", "▶ Count")];
  play.append(playKey, playWords);
  tools.append(play);
  const own = ownWords("wm-own", OWN, (text) => choose({ own: text, text: "own", length: 1e6 }));
  const legend = make("p", "wm-legend");
  legend.append(make("span", "wm-word in", "word"), " on the key's list after the word before it: “green”");
  const { live, speak, hush } = announcer(700);
  const grid = make("div", "wm-grid");
  const left = make("div", "wm-left");
  const right = make("div", "wm-right");
  left.append(choices, paper, legend);
  right.append(head, verdict, chart, swaps, tools);
  grid.append(left, right, own);
  el.append(grid, live);

  const soon = atOnce(draw);
  const keep = keeper(model, soon);
  function choose(changes) {
    cancelAnimationFrame(playing);
    playing = 0;
    problem = "";
    if ("length" in changes) length = changes.length;
    keep(changes);
  }

  function listen() {
    const said = model.get("said");
    if (!said?.want) return;
    if (said.error) problem = said.error;
    else heard.set(said.want.ids.join(), said.green);
    soon();
  }

  /** For each token from the second on, z of the text up to this token. `outline` does not draw the first values, because they
   * rest on few tokens. */
  function zPath(marks) {
    let hits = 0;
    let count = 0;
    return marks.map((mark) => {
      if (mark !== null) count += 1;
      hits += Number(mark === true);
      return count ? zScore(hits, count, ratio) : 0;
    });
  }

  // In the chart, the number of tokens grows to the right, and z grows upwards.
  let size = { width: 0, height: 0 };
  let longest = 1;
  const top = Math.max(threshold + 2, ...data.texts.map((text) => (Math.max(...zPath(marksOf(text)).slice(FEWEST)))));
  const across = (tokens) => (tokens / longest) * (size.width - EDGE);
  const down = (z) => ((top - Math.max(LOW, Math.min(top, z))) / (top - LOW)) * size.height;
  const outline = (path) =>
    path.slice(FEWEST - 2).map((z, index) => `${index ? "L" : "M"}${across(index + FEWEST).toFixed(1)} ${down(z).toFixed(1)}`).join("");
  const others = bonuses.map((bonus) => {
    const strength = ["none", "light"][bonuses.indexOf(bonus)] ?? "strong"; // the class that gives the text's path its colour or dashes
    const label = chart.appendChild(make("span", `wm-other ${strength}`, nameOf(bonus).toLowerCase()));
    return { name: String(bonus), path: stroke(`wm-ghost ${strength}`), label, end: null }; // `end` is the point [x, y] at which the path ends, or null if the path is not shown
  });
  const whole = stroke("wm-whole");
  const counted = stroke("wm-counted");
  let from = []; // the values of z in the path on the screen; `moveTo` lets the path glide from these values to new ones
  let stopTravel = () => {};
  let current = [];
  /** Write the name of each other text at the end of its path, without covering the handle, the handle's number or
   * another name, and not on one of the chart's two lines (z = 0 and the threshold). */
  function nameOthers(x, y) {
    const taken = [ember.classList.contains("below") ? [x, y - 20, y + 48] : [x, y - 48, y + 20]]; // the places taken by the handle, with its number, and by the names written so far: [x, top, bottom] in px
    for (const { name, label, end } of others) {
      if (!end) continue;
      const lines = [0, threshold].map((z) => [end[0], down(z) - 1, down(z) + 3]);
      const near = [...lines, ...taken.filter(([at]) => Math.abs(at - end[0]) < 110)];
      const wanted = end[1] + (name === "0" || end[1] > down(0) ? 8 : -27);
      const free = (top) => near.every(([, from, to]) => top + TALL <= from || top >= to);
      const tops = [wanted, ...near.flatMap(([, from, to]) => [from - TALL, to])].filter(free);
      const top = tops.reduce((best, other) => (Math.abs(other - wanted) < Math.abs(best - wanted) ? other : best));
      label.style.transform = `translate(${end[0]}px, ${top}px)`;
      taken.push([end[0], top, top + TALL]);
    }
  }
  function trace() {
    const path = from;
    whole.setAttribute("d", outline(path));
    counted.setAttribute("d", outline(path.slice(0, length - 1)));
    const z = path[Math.min(path.length + 1, length) - 2] ?? 0;
    const x = across(Math.min(length, path.length + 1));
    ember.style.transform = `translate(${x}px, ${down(z)}px)`;
    // If the handle is under the line z = 0, or at the top of the chart, the handle's number stands below the handle.
    ember.classList.toggle("below", (z < 0 && z > LOW + 1.5) || down(z) < 34);
    nameOthers(x, down(z));
    ember.classList.toggle("late", length > 0.75 * longest);
    playKey.style.rotate = `${Math.round((360 * Math.min(length, path.length + 1)) / (path.length + 1))}deg`;
  }
  function moveTo(path) {
    stopTravel();
    const old = from;
    if (still.matches || playing || old.length !== path.length || path.every((z, index) => z === old[index])) {
      from = path;
      return trace();
    }
    stopTravel = glide(280, (part) => {
      from = path.map((z, index) => old[index] + (z - old[index]) * part);
      trace();
    });
  }

  let spans = [];
  let written = "";
  /** Put the words of a text on the paper, and mark the words that were swapped. */
  function write({ pieces, changed }) {
    const text = pieces.join(" ");
    if (written !== text) {
      spans = writeWords(paper, pieces);
      written = text;
    }
    spans.forEach((span, index) => span.classList.toggle("changed", Boolean(changed[index])));
  }

  function draw() {
    const name = model.get("text");
    const swapped = model.get("swapped") ?? shares[0];
    const options = [
      ...bonuses.map((bonus) => [String(bonus), nameOf(bonus)]),
      ...(model.get("own") ? [["own", "Your own"]] : []),
    ];
    radios(choices, options, name, (text) => choose({ text, length: 1e6 }));
    offerSwaps(swaps, name, swapped, choose);
    const text = problem ? null : textOf(name, swapped);
    el.classList.toggle("waiting", !text && !problem);
    const short = !text || text.pieces.length < FEWEST;
    el.classList.toggle("short", short);
    if (short) {
      loud.textContent = "";
      loudWords.textContent = problem || (text ? TOO_SHORT : "Computing…");
      verdict.textContent = "";
      if (text) write(text);
      spans.forEach((span) => (span.className = "wm-word"));
      return;
    }
    const { pieces, marks } = text;
    const alone = name === "own"; // the chart shows no other text beside the visitor's own
    longest = alone ? pieces.length : Math.max(pieces.length, ...data.texts.map((one) => one.ids.length));
    length = Math.max(FEWEST, Math.min(pieces.length, length));
    current = zPath(marks);
    write(text);
    others.forEach((one) => {
      const { name: other, path, label } = one;
      const away = alone || other === name;
      path.classList.toggle("away", away);
      label.classList.toggle("away", away);
      const theirs = zPath(textOf(other, swapped).marks);
      path.setAttribute("d", outline(theirs));
      one.end = away ? null : [across(theirs.length + 1), down(theirs.at(-1))];
    });
    moveTo(current);
    tell(text);
  }
  /** Say what the counted part of the text shows. */
  function tell({ marks, marked, pieces }) {
    const seen = marks.slice(0, length - 1).filter((mark) => mark !== null);
    const hits = seen.filter(Boolean).length;
    const z = zScore(hits, seen.length, ratio);
    const over = z > threshold;
    spans.forEach((span, index) => {
      span.classList.toggle("in", index < length && index > 0 && marks[index - 1] === true);
      span.classList.toggle("rest", index >= length);
      span.classList.toggle("unknown", index > 0 ? marks[index - 1] === null : false);
    });
    bar.style.top = `${down(threshold)}px`;
    bar.style.setProperty("--high", `${down(threshold)}px`);
    zero.style.top = `${down(0)}px`;
    playWords.textContent = playing ? "❚❚ Stop" : "▶ Count again";
    loud.textContent = String(hits);
    loudWords.textContent = ` of ${seen.length} words and marks are on the list`;
    loudWords.append(". Chance alone gives about ", make("b", "num", String(Math.round(ratio * seen.length))), ".");
    const score = `z = ${z.toFixed(2).replace("-", "−")}`;
    tip.textContent = score;
    const needed = fewest(seen.length);
    const reach = needed <= seen.length;
    barLabel.textContent = reach ? `z = ${threshold}, accused above` : `z = ${threshold} is out of reach`;
    foot.textContent = `${rarely(hits, seen.length, ratio)} as many.`;
    const why = model.get("swapped") ? "words were swapped" : "the mark is light";
    const missed = length < pieces.length ? `Not found in its first ${length} words and marks, though it is marked.` : reach ? `It is marked, but the count misses it: ${needed} listed words are needed, and it has ${hits}, because ${why}.` : `Not found, though it is marked: ${why}.`;
    const says = marked === undefined
      ? unsure(over)
      : marked
        ? over ? "Found: this text is marked." : missed
        : over ? "A false accusation: this text has no mark." : "Not over the line. It has no mark.";
    verdict.textContent = playing ? "Counting…" : skipping(says, length - 1 - seen.length, length - 1); // during the count a verdict would come too early
    ember.setAttribute("aria-valuemin", String(FEWEST));
    ember.setAttribute("aria-valuemax", String(pieces.length));
    ember.setAttribute("aria-valuenow", String(length));
    ember.setAttribute("aria-valuetext", `${seen.length} words and marks, z ${z.toFixed(2)}`);
    if (!playing) speak(`${loud.textContent}${loudWords.textContent} ${foot.textContent} ${tip.textContent}. ${verdict.textContent}`);
  }
  /** Change how many of the text's tokens are counted. */
  function cut(to) {
    const next = Math.max(FEWEST, Math.min(current.length + 1, Math.round(to)));
    if (next === length) return;
    length = next;
    from = current;
    trace();
    tell(textOf(model.get("text"), model.get("swapped") ?? shares[0]));
  }

  const fromPointer = (event) => cut(((event.clientX - chart.getBoundingClientRect().left) / (size.width - EDGE)) * longest);
  const settle = () => keep({ length });
  onDrag(el, chart, fromPointer, {
    ready: () => current.length > 0,
    begin(event) {
      cancelAnimationFrame(playing);
      playing = 0;
      ember.focus({ preventScroll: true });
      fromPointer(event);
    },
    end: settle,
  });
  ember.addEventListener("keydown", (event) => {
    const goes = {
      ArrowLeft: length - 1, ArrowDown: length - 1, ArrowRight: length + 1, ArrowUp: length + 1,
      PageDown: length - 25, PageUp: length + 25, Home: FEWEST, End: current.length + 1,
    }[event.key];
    if (goes === undefined) return;
    event.preventDefault();
    cut(goes);
    settle();
  });
  paper.addEventListener("click", (event) => {
    const index = event.target.dataset?.index;
    if (index === undefined || el.matches(".short, .waiting")) return;
    cut(Number(index) + 1);
    settle();
  });
  function count() {
    const start = performance.now();
    const begin = length > current.length ? FEWEST : length;
    const frame = (now) => {
      const part = (now - start) / 1000 / SECONDS;
      playing = requestAnimationFrame(frame);
      cut(begin + part * (current.length + 1 - FEWEST));
      if (length > current.length) {
        cancelAnimationFrame(playing);
        playing = 0;
        settle();
        soon();
      }
    };
    playing = requestAnimationFrame(frame);
  }
  play.addEventListener("click", () => {
    const running = playing;
    cancelAnimationFrame(playing);
    playing = 0;
    if (running) return settle();
    if (still.matches) {
      cut(1e6);
      return settle();
    }
    count();
  });
  const watcher = new ResizeObserver(() => {
    const { width, height } = chart.getBoundingClientRect();
    if (!width || (width === size.width && height === size.height)) return;
    size = { width, height };
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    draw();
  });
  watcher.observe(chart);
  const chose = ["text", "swapped", "own"];
  for (const name of chose) model.on(`change:${name}`, soon);
  model.on("change:said", listen);

  return () => {
    hush();
    watcher.disconnect();
    cancelAnimationFrame(playing);
    stopTravel();
    for (const name of chose) model.off(`change:${name}`, soon);
    model.off("change:said", listen);
  };
}


export default { render };
