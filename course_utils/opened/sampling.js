// How the next token is chosen. The view has a bar for each likely token, twenty dots for random draws, and controls for
// the temperature, top-k and top-p.
// The visitor chooses `temperature`, `top_k` (0 is off), `top_p` (1 is off) and `ids` (the text so far).
// On a page, `data` is {words (each token's text, with a space in front if it begins a word), offers (texts to begin
// with), begin, end (ids of the tokens that begin and end a text), answers (stored answers of the host)}. The view asks
// for the logits of the token after `ids` with `want` {ids}, and the host answers with `said` {ids, logits}.
// In a notebook, `data` is for one position of a text: {logits (the largest first), pieces (the texts of the tokens
// with the largest logits, in the same order)}.
import { adopt, announcer, asSlider, chipClass, headline, keeper, lots, make, numbers, onDrag, ownText, piecesOf } from "./view.js";

const ROWS = 8;
const DRAWS = 20;
const SURE = 0.97; // above this share of the likeliest token, the view shows how other tokens would get a chance
const HALF = 0.5; // for this, dashed bars show the shares that the tokens have once the likeliest has only this share
const PACE = 420; // ms between two tokens while the model writes
const GRIP = 14; // px: the radius of the handle in a notebook
const KNOB = 20; // px: the radius of the handle on a page
const ROOM = 0.82; // on a page the longest bar takes at most this part of the axis, so that it can be pulled to the right, too
const LONGEST = 60; // tokens: when the text has this length, the model stops writing
const MOST_K = 100;
const LIMITS = /** @type {[number, number]} */ ([0.1, 4]); // the lowest and the highest temperature
const MARKS = { ",": "a comma", ".": "a full stop", "?": "a question mark", "!": "an exclamation mark", ":": "a colon", ";": "a semicolon", "-": "a hyphen" };
const STEPS = [0.005, 0.01, 0.02, 0.025, 0.05, 0.1, 0.2, 0.25]; // between two shares on the axis
const SCALES = [0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1];

const percent = (share) => (share < 0.001 ? "<0.1%" : `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)}%`);
const count = (number) => number.toLocaleString("en-US");

/**
 * Round shares for an axis from 0 to `end`: three to five of them, all equally far apart.
 * @param {number} end from 0.01 to 1
 */
export function ticks(end) {
  const step = STEPS.find((one) => one >= end / 4 - 1e-9) ?? STEPS.at(-1);
  return Array.from({ length: Math.floor(end / step + 1e-9) + 1 }, (_, index) => index * step);
}

/**
 * The share (the probability from 0 to 1) of each token at a temperature.
 * @param {ArrayLike<number>} logits
 * @param {number} temperature
 */
export function shares(logits, temperature) {
  let largest = -Infinity;
  for (let i = 0; i < logits.length; i++) largest = Math.max(largest, logits[i]);
  const result = new Float64Array(logits.length);
  let total = 0;
  for (let i = 0; i < logits.length; i++) total += result[i] = Math.exp((logits[i] - largest) / temperature);
  for (let i = 0; i < logits.length; i++) result[i] /= total;
  return result;
}

/**
 * The shares of the tokens that remain after top-k and then top-p, scaled so that they add up to 1. Tokens are cut as in the
 * library transformers.
 * @param {Float64Array} share the largest first
 * @param {number} topK 0 switches it off
 * @param {number} topP 1 switches it off
 */
export function cut(share, topK, topP) {
  let kept = share.length;
  // Tokens with the same share as the last of the top k stay, too.
  if (topK) for (kept = Math.min(topK, kept); kept < share.length && share[kept] === share[kept - 1]; ) kept++;
  let total = 0;
  for (let i = 0; i < kept; i++) total += share[i];
  if (topP < 1) {
    // A token is cut if it and all less probable tokens together have a share of at most 1 - p.
    let below = 0;
    while (kept > 1 && below + share[kept - 1] / total <= 1 - topP) below += share[--kept] / total;
    total = 0;
    for (let i = 0; i < kept; i++) total += share[i];
  }
  return share.slice(0, kept).map((value) => value / total);
}

/**
 * The temperature, within the limits, at which the likeliest token's share is closest to `share`.
 * @param {ArrayLike<number>} logits
 * @param {number} share
 * @param {[number, number]} limits the lowest and the highest temperature
 */
export function temperatureFor(logits, share, [low, high]) {
  let [from, to] = [low, high];
  let largest = -Infinity;
  for (let i = 0; i < logits.length; i++) largest = Math.max(largest, logits[i]);
  for (let round = 0; round < 24; round++) {
    const middle = Math.sqrt(from * to);
    let total = 0;
    for (let i = 0; i < logits.length; i++) total += Math.exp((logits[i] - largest) / middle);
    if (1 / total > share) from = middle;
    else to = middle;
  }
  return Math.sqrt(from * to);
}

/**
 * Draw a token, with its share as the probability, and return its index.
 * @param {Float64Array} kept shares that add up to 1
 * @param {number} lot a random number from 0 to 1
 */
export function draw(kept, lot) {
  let rest = lot;
  for (let index = 0; index < kept.length; index++) {
    rest -= kept[index];
    if (rest <= 0) return index;
  }
  return kept.length - 1;
}

export function render({ model, el }) {
  const data = model.get("data");
  const writes = !data.pieces; // whether the text can grow, as it can on a page, but not in a notebook
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let said = null; // {ids, logits (the largest first), order (the token of each logit)}, or null until the host has answered
  let writing = 0;
  let waiting = false;
  let goesOn = false; // whether the model goes on writing as soon as it is loaded
  let shortest = Infinity; // the length of the shortest text so far: from there, no token can be taken back
  let added = false; // whether the text has just grown by one token
  let seed = 0;
  let flying = 0; // while the chosen word moves up to the text, the text's length including this word; otherwise 0
  // The chosen word, {text, from}, until the text with this word is drawn. The word then moves to its place from the rectangle
  // `from` on the screen or, if `from` is null because the model writes, from just below the place.
  let leaves = null;
  let scale = 1; // the share at the right end of the axis
  let pulling = false; // whether a bar is being pulled (meanwhile the axis stays as it is)
  let grip = { part: 0, scale: 1 }; // when the pull began: the part of the axis that the bar took, and the `scale`
  let least = 0; // `scale` after a pull: the axis stays as it is until the text or the dial changes; otherwise 0

  adopt(el, "sp");
  const paper = make("div", "sp-paper");
  paper.setAttribute("role", "group");
  paper.setAttribute("aria-label", "The text so far; a token can be clicked to go back to it");
  const { head, loud, loudWords } = headline("sp");
  const take = make("p", "sp-take");
  const board = make("div", "sp-board");
  const axis = make("div", "sp-axis");
  axis.setAttribute("aria-hidden", "true");
  const again = make("button", "sp-again", `▶ ${DRAWS} draws`);
  again.setAttribute("aria-label", `Draw ${DRAWS} tokens again`);
  const list = make("div", "sp-list");
  list.setAttribute("role", "group");
  list.setAttribute("aria-label", "Tokens that could come next");
  const pile = make("div", "sp-pile");
  pile.setAttribute("aria-hidden", "true");
  const dots = Array.from({ length: DRAWS }, () => pile.appendChild(make("i")));
  const handle = asSlider(make("div", "sp-handle"), { label: "Temperature, by the longest bar", min: LIMITS[0], max: LIMITS[1] });
  const hint = make("span", "sp-hint");
  const degrees = make("span", "num");
  const title = make("b", "", "temperature ");
  title.append(degrees);
  const ends = writes ? ["◀ surprising", "predictable ▶"] : ["← hot", "cold →"]; // only the lesson has said what hot and cold are
  hint.append(make("span", "", ends[0]), title, make("span", "", ends[1]));
  if (writes) title.before(make("b", "sp-pull", "pull me"));
  handle.append(make("i"), hint);
  const line = asSlider(make("div", "sp-cut"), { label: "How many tokens can be drawn", min: 1, max: ROWS + 1 });
  const lineLabel = line.appendChild(make("span", "sp-cut-label"));
  const others = make("div", "sp-row sp-others");
  furnish(others);
  list.append(others);
  const key = make("p", "sp-key", `one of ${DRAWS} draws`);
  key.prepend(make("i"));
  key.setAttribute("aria-hidden", "true");
  board.append(axis, key, list, pile, handle, line);

  const dials = make("div", "sp-dials");
  const asNumbers = make("details", "sp-numbers");
  asNumbers.append(make("summary", "", writes ? `${DRAWS} draws, and temperature, top-k and top-p as numbers` : "as numbers: temperature, top-k and top-p"), dials);
  const warm = dial("temperature", "cold: mostly the likeliest", "hot: anything", [Math.log(LIMITS[0]), Math.log(LIMITS[1]), 0.01]);
  const topK = dial("top-k", "1 token", "off", [1, MOST_K + 1, 1]);
  const topP = dial("top-p", "0.05", "off", [0.05, 1, 0.05]);
  dials.append(warm.box, topK.box, topP.box);

  const tools = make("div", "sp-tools");
  const write = make("button", "sp-write", "▶ Let it write");
  const back = make("button", "", "Take one back");
  const reset = make("button", "sp-reset", "Reset temperature and cuts");
  const below = make("div", "sp-below");
  const { live, speak, hush } = announcer();
  const lead = make("div", "sp-lead");
  lead.append(head, tools);
  // A page begins with one thing to pull, the longest bar. Then comes the line. The draws are folded away with the dials.
  if (writes) {
    const draws = make("div", "sp-draws");
    draws.append(again, take);
    dials.before(draws);
    below.append(reset);
    asNumbers.addEventListener("toggle", () => {
      el.classList.toggle("draws", asNumbers.open);
      update();
    });
    el.classList.add("ranked");
  } else below.append(again, take, reset);
  el.append(lead, board, below, asNumbers);
  asNumbers.open = !writes;
  if (writes) {
    tools.append(back, write);
    const wake = make("div");
    wake.dataset.wake = "for your own words";
    const labels = { placeholder: "Begin with your own words", label: "Your own beginning", button: "Begin", offer: "Or begin", rest: "cannot be typed, such as the end of the text" };
    el.prepend(paper);
    const own = make("details", "sp-numbers");
    own.append(make("summary", "", "Begin with your own words"), wake, ownText(labels, data, (text) => go(encode(text))));
    el.append(own);
  }
  el.append(live);

  /** Give a row its word, bar and share. On a page the word stands on the bar, and `sp-on` is its part within the bar. */
  function furnish(row) {
    row.append(make("span", "sp-word"), make("span", "sp-track"));
    row.children[1].append(make("i", "sp-bar"), make("span", "sp-share num"));
    if (writes) row.children[1].append(make("span", "sp-on"));
    row.children[1].append(make("i", "sp-might"));
  }
  function dial(name, low, high, [min, max, step]) {
    const box = make("label", "sp-dial");
    const input = make("input");
    Object.assign(input, { type: "range", min, max, step });
    const value = make("b", "num");
    const title = make("span", "sp-dial-name", name);
    title.append(" ", value);
    const ends = make("span", "sp-ends");
    ends.append(make("span", "", low), make("span", "", high));
    box.append(title, input, ends);
    return { box, input, value };
  }

  const words = data.words ?? data.pieces;
  const index = new Map(words.map((text, id) => [text.trim(), id]));
  const encode = (text) => [data.begin, ...piecesOf(text).map((piece) => index.get(piece))];
  const named = (id) => (id === data.end ? "the end of the text" : MARKS[word(id)] ?? `“${word(id)}”`);
  const word = (id) => (id !== undefined && id === data.end ? "(the end)" : words[id] === undefined ? "a rarer token" : words[id].trim() || JSON.stringify(words[id]).slice(1, -1).replaceAll(" ", "␣"));
  const temperature = () => model.get("temperature") ?? 1;
  const k = () => model.get("top_k") ?? 0;
  const p = () => model.get("top_p") ?? 1;
  /** The shares of the tokens that can be drawn, at the chosen temperature and after the cuts. */
  const chances = () => cut(shares(said.logits, temperature()), k(), p());
  const keepState = keeper(model, update);
  /** Stop writing, and ask for the logits of the token after the text `ids`. */
  function go(ids) {
    stop();
    ask(ids);
  }
  function ask(ids) {
    waiting = true;
    model.set("want", { ids });
    model.save_changes();
  }
  function add(id, row) {
    if (!said || waiting) return;
    const label = row && !still.matches ? row.children[0] : null;
    leaves = label ? { text: label.textContent, from: writing ? null : label.getBoundingClientRect() } : null;
    ask([...said.ids, id]);
  }
  function listen() {
    const answer = model.get("said");
    waiting = false;
    if (!answer || answer.error || answer.asleep) {
      const on = Boolean(answer?.asleep && writing);
      stop();
      goesOn = on;
      if (answer?.error) take.textContent = answer.error;
      if (!said && answer?.asleep) read(data.answers[0]);
      return;
    }
    read(answer);
    keepState({ ids: answer.ids });
    if (goesOn) begin();
  }
  function read(answer) {
    const logits = numbers(answer.logits);
    const order = Array.from(logits, (_, id) => id).sort((a, b) => logits[b] - logits[a]);
    shortest = Math.min(shortest, answer.ids.length);
    added = Boolean(said) && answer.ids.length === said.ids.length + 1;
    said = { ids: answer.ids, order, logits: Float64Array.from(order, (id) => logits[id]) };
    least = 0;
    // After another text the bars stand for other tokens, so they jump to their shares. A bar that took time to grow or
    // shrink would meanwhile have the length of another token's share.
    el.classList.add("jumps");
    update();
    void el.offsetWidth; // reading the width makes the browser draw the bars before they can move again
    el.classList.remove("jumps");
  }

  /** @type {HTMLElement[]} the rows on the board. A row keeps its place, and its bar grows or shrinks to a new share. */
  const rows = Array.from({ length: ROWS }, (_, rank) => {
    const row = make(writes ? "button" : "div", `sp-row${rank ? "" : " first"}`);
    furnish(row);
    row.style.transform = `translateY(${rank * 100}%)`;
    if (writes) row.addEventListener("click", () => {
      stop();
      if (said) add(said.order[rank], row);
    });
    return row;
  });
  others.style.transform = `translateY(${ROWS * 100}%)`;
  function update() {
    if (!said) return;
    const kept = chances();
    const all = said.logits.length;
    const inPlay = kept.length;
    const top = said.order.slice(0, ROWS);
    const rest = Math.max(0, 1 - kept.slice(0, ROWS).reduce((sum, value) => sum + value, 0));
    const largest = kept[0];
    if (!pulling) scale = largest <= least ? least : SCALES.find((one) => one >= Math.max(writes ? largest / ROOM : largest, rest > 0.3 ? 0 : rest)) ?? 1;
    const drawn = lots(seed, DRAWS).map((lot) => draw(kept, lot));

    if (writes) drawPaper();
    const name = word(top[0]);
    loud.textContent = percent(largest);
    const among = inPlay === 1 ? "the only token left" : inPlay === all ? `the likeliest of ${count(all)} tokens` : `the likeliest of the ${count(inPlay)} tokens left`;
    const sure = writes && largest > SURE && inPlay === all;
    loudWords.textContent = sure ? ` for ${named(top[0])}. Pull its bar to half, and others get a chance.` : ` for ${named(top[0])}, ${among}`;
    el.classList.toggle("sure", sure);
    if (temperature() !== 1 || inPlay < all) el.classList.add("pulled");
    back.style.visibility = writes && said.ids.length > shortest ? "" : "hidden";
    const different = new Set(drawn).size;
    take.textContent = different === 1
      ? `${DRAWS} draws, and always ${named(said.order[drawn[0]])}.`
      : `${different} different tokens in ${DRAWS} draws.`;

    // Measure once, before the bars and the dots are drawn: a measurement after a change makes the browser lay the page out again.
    const [across, room, tight] = [el.clientWidth, labelWidth(), narrow()];
    const [width, height] = [others.children[1].clientWidth - room, others.offsetHeight || 32];
    const start = others.children[1].offsetLeft;
    rows.forEach((row, rank) => {
      const id = top[rank];
      row.hidden = id === undefined;
      if (row.hidden) return;
      const out = rank >= inPlay;
      row.children[0].textContent = word(id);
      row.classList.toggle("out", out);
      stretch(row, out ? 0 : kept[rank], out ? "out" : percent(kept[rank]), width, rank === 0);
      if (writes) row.setAttribute("aria-label", `Add ${word(id)}, ${out ? "out" : percent(kept[rank])}`);
      if (!row.isConnected) list.insertBefore(row, others);
    });
    others.children[0].textContent = `${count(Math.max(0, all - ROWS))} others`;
    others.classList.toggle("out", inPlay <= ROWS);
    stretch(others, rest, inPlay <= ROWS ? "out" : percent(rest), width, false);
    for (const offer of el.querySelectorAll(".own-offers .chip")) {
      const begins = encode(offer.title).every((id, place) => said.ids[place] === id);
      offer.setAttribute("aria-pressed", String(begins));
    }

    if (sure) {
      const then = shares(said.logits, temperatureFor(said.logits, HALF, LIMITS));
      const left = 1 - then.slice(0, ROWS).reduce((sum, value) => sum + value, 0);
      [...rows, others].forEach((row, rank) => {
        const wide = width * Math.min(1, (rank < ROWS ? then[rank] : left) / scale);
        row.children[1].lastChild.style.width = `${wide}px`;
        row.children[1].lastChild.classList.toggle("none", wide < 4);
      });
    }

    // There is a dot for each random choice of a token. The dots of each token begin at the same place, so that their rows can
    // be compared.
    const slots = new Map();
    const [inLine, perLine] = tight ? [72, DRAWS / 2] : [184, DRAWS]; // a line's width in px, and how many dots it has
    dots.forEach((dot, lot) => {
      const row = Math.min(drawn[lot], ROWS);
      const slot = slots.get(row) ?? 0;
      slots.set(row, slot + 1);
      const down = !tight ? 0 : slot < perLine ? -4 : 4; // in a narrow view, a row has two lines of dots
      const [x, y] = [across - inLine + ((slot % perLine) * inLine) / perLine, row * height + height / 2 + down];
      dot.style.transform = `translate(${x}px, ${y}px)`;
    });

    axis.replaceChildren(
      ...ticks(scale).map((share) => {
        const tick = make("span", "num", percent(share).replace("<0.1%", "0").replace(".0%", "%"));
        tick.style.transform = `translateX(${(share / scale) * width}px)`;
        return tick;
      }),
    );
    const reach = start + Math.max(writes ? 0 : GRIP, width * Math.min(largest / scale, 1)); // in a notebook at least GRIP, so that the handle covers no word
    degrees.textContent = temperature().toFixed(2);
    const half = hint.offsetWidth / 2;
    hint.style.setProperty("--shift", `${Math.max(half - reach, Math.min(0, across - half - reach))}px`);
    handle.style.transform = `translateX(${reach}px)`;
    handle.setAttribute("aria-valuenow", temperature().toFixed(2));
    handle.setAttribute("aria-valuetext", `temperature ${temperature().toFixed(2)}, ${name} ${percent(largest)}`);
    const place = inPlay === all ? ROWS + 1 : inPlay > ROWS ? ROWS + 0.5 : inPlay;
    line.style.transform = `translateY(${place * height}px)`;
    line.setAttribute("aria-valuenow", String(Math.min(ROWS + 1, inPlay)));
    const limit = inPlay === 1 ? "only this one" : `only ${count(inPlay)} tokens`;
    lineLabel.textContent = inPlay === all ? (writes ? "pull me up: only the likeliest stay (top-k)" : "top-k: pull me up") : `${p() < 1 ? "top-p" : `top-k ${k()}`}: ${limit}`;
    line.classList.toggle("set", inPlay !== all);
    line.setAttribute("aria-valuetext", inPlay === all ? "all can be drawn" : limit);
    reset.hidden = temperature() === 1 && !k() && p() === 1;

    warm.input.value = String(Math.log(temperature()));
    warm.input.setAttribute("aria-valuetext", temperature().toFixed(2));
    warm.value.textContent = temperature().toFixed(2);
    topK.input.value = String(k() || MOST_K + 1);
    topK.value.textContent = k() ? String(k()) : "off";
    topK.input.setAttribute("aria-valuetext", topK.value.textContent);
    topP.input.value = String(p());
    topP.value.textContent = p() < 1 ? p().toFixed(2) : "off";
    topP.input.setAttribute("aria-valuetext", topP.value.textContent);
    const next = top.slice(1, 4).map((id, rank) => rank + 1 < inPlay && `${word(id)} ${percent(kept[rank + 1])}`).filter(Boolean);
    speak([`${name} ${percent(largest)}`, ...next].join(", ") + `. ${take.textContent}`);
  }
  const narrow = () => el.clientWidth < 480;
  const labelWidth = () => (writes ? (narrow() ? 78 : 88) : narrow() ? 54 : 64); // px beside a bar that stay free for the bar's label
  function stretch(row, share, label, width, first) {
    const [word, { children: [bar, number, on] }] = row.children;
    const part = Math.min(1, share / scale);
    row.classList.toggle("broken", share > 1.0001 * scale);
    bar.style.width = `${width}px`;
    bar.style.transform = `scaleX(${Math.max(0.002, part)})`;
    number.textContent = label;
    let at = first ? Math.max(GRIP, width * part) + 22 : width * part + 6;
    if (writes) {
      // The word stands at the bar's left end. If the bar is shorter than the word, or if the handle would cover the word there, it
      // stands to the right of both. The last bar is so pale that the word's colour is the same on it and beyond it.
      const long = word.scrollWidth;
      const end = width * part + (first ? KNOB : 0);
      const aside = row !== others && width * part - (first ? KNOB : 0) < long;
      const from = aside ? end : 0;
      word.style.transform = `translateX(${from}px)`;
      on.dataset.word = word.textContent; // drawn by the style sheet: as text it would count as white on white beyond the bar
      on.style.transform = `translateX(${from}px)`;
      on.style.clipPath = `inset(0 calc(100% - ${Math.max(0, width * part - from)}px) 0 0)`;
      at = Math.max(end, from + long) + 10;
    }
    number.style.transform = `translateX(${at}px)`;
  }
  function drawPaper() {
    const chips = said.ids.slice(1).map((id, place) => {
      const chip = make("button", chipClass(words[id], place), word(id));
      if (place === said.ids.length - 2 && added) chip.classList.add("ember");
      if (place === said.ids.length - 2 && flying === said.ids.length) chip.style.opacity = "0";
      chip.title = "Go back to here";
      chip.addEventListener("click", () => go(said.ids.slice(0, place + 2)));
      return chip;
    });
    // A token without a space before it stays in the line of the token before
    const units = [];
    for (const chip of chips) {
      if (!units.length || !chip.classList.contains("glued")) units.push(make("span", "sp-unit"));
      units.at(-1).append(chip);
    }
    paper.replaceChildren(...units, make("i", "sp-cursor"));
    paper.classList.add("short"); // set the text in larger letters, unless it then does not fit into the box
    if (paper.scrollHeight > paper.clientHeight + 1) paper.classList.remove("short");
    paper.scrollTop = paper.scrollHeight; // a long text scrolls within its box, so that nothing below it moves
    paper.classList.toggle("long", paper.scrollTop > 0); // the first line fades out, because lines above it are hidden
    if (leaves && added && chips.at(-1).textContent === leaves.text) goUp(chips.at(-1), leaves);
    leaves = null;
  }
  /** Move a copy of the chosen token to its place in the text. The copy starts at `from`, beside the token's bar. While the
   * model writes, `from` is null, and the copy starts just below its place, so that it does not cross the headline. */
  function goUp(chip, { text, from }) {
    const [to, home] = [chip.getBoundingClientRect(), el.getBoundingClientRect()];
    const ghost = make("span", "chip ember sp-ghost", text);
    ghost.style.fontSize = getComputedStyle(chip).fontSize;
    ghost.style.left = `${to.left - home.left}px`;
    ghost.style.top = `${to.top - home.top}px`;
    el.append(ghost);
    const begins = from ? `translate(${from.right - to.right}px, ${from.top - to.top}px) scale(0.65)` : "translateY(0.4em)";
    ghost.animate([{ transform: begins, opacity: 0.3 }, { transform: "none", opacity: 1 }], { duration: 280, easing: "cubic-bezier(.2,.7,.2,1)" }).onfinish = () => {
      ghost.remove();
      flying = 0;
      for (const one of paper.querySelectorAll(".chip")) one.style.opacity = "";
    };
    flying = said.ids.length;
    chip.style.opacity = "0";
  }

  // Choose tokens at random: twenty for the dots, or one after another for the text
  again.addEventListener("click", () => {
    seed += 1;
    update();
    if (still.matches) return;
    dots.forEach((dot, lot) => {
      const end = dot.style.transform;
      const above = end.replace(/, [\d.]+px/, ", -12px");
      const options = { duration: 280, delay: 25 * lot, easing: "cubic-bezier(.4,0,.7,1)", fill: /** @type {const} */ ("backwards") };
      dot.animate([{ transform: above, opacity: 0 }, { transform: end, opacity: 1 }], options);
    });
  });
  function stop() {
    clearTimeout(writing);
    writing = 0;
    goesOn = false;
    el.classList.remove("writing");
    write.textContent = "▶ Let it write";
    write.setAttribute("aria-pressed", "false");
  }
  function drawOne() {
    const rank = draw(chances(), Math.random());
    const id = said.order[rank];
    if (id === data.end || said.ids.length >= LONGEST) return false;
    add(id, rows[rank] ?? others);
    return true;
  }
  function tick() {
    writing = setTimeout(tick, still.matches ? 120 : PACE);
    if (!waiting && !drawOne()) stop();
  }
  function begin() {
    goesOn = false;
    el.classList.add("writing");
    write.textContent = "■ Stop";
    write.setAttribute("aria-pressed", "true");
    tick();
  }
  write.addEventListener("click", () => (writing ? stop() : said && begin()));
  back.addEventListener("click", () => {
    if (said && said.ids.length > 2) go(said.ids.slice(0, -1));
  });
  reset.addEventListener("click", () => {
    least = 0;
    keepState({ temperature: 1, top_k: 0, top_p: 1 });
  });

  // The visitor changes the temperature by pulling the longest bar, or by turning the temperature's dial.
  const heat = (value) => keepState({ temperature: Number(Math.max(LIMITS[0], Math.min(LIMITS[1], value)).toFixed(3)) });
  function pullTo(event) {
    const track = others.children[1];
    const part = Math.min(1, (event.clientX - track.getBoundingClientRect().left) / (track.clientWidth - labelWidth()));
    // Near the axis's right end the share grows up to its largest value, and the axis with it, so that the bar ends at the pointer.
    const near = Math.min(0.97, Math.max(ROOM, grip.part));
    const most = Math.max(near * grip.scale, cut(shares(said.logits, LIMITS[0]), k(), 1)[0]);
    const share = part <= near ? part * grip.scale : near * grip.scale * (most / (near * grip.scale)) ** ((part - near) / (1 - near));
    scale = part <= near ? grip.scale : share / part;
    // The bar shows the likeliest token's share after the cut by top-k. From this share, compute the share before the cut.
    const before = shares(said.logits, temperature());
    const stay = before.slice(0, cut(before, k(), 1).length).reduce((sum, value) => sum + value, 0);
    const wanted = Math.max(1.2 / said.logits.length, Math.min(0.9995, share * (k() ? stay : 1)));
    heat(temperatureFor(said.logits, wanted, LIMITS));
  }
  const ready = () => said !== null;
  onDrag(el, handle, pullTo, {
    ready,
    begin() {
      el.classList.add("pulled");
      pulling = true;
      grip = { part: Math.min(1, chances()[0] / scale), scale };
    },
    end() {
      pulling = false;
      least = scale;
      update();
    },
  });
  handle.addEventListener("keydown", (event) => {
    const factor = { ArrowLeft: 1.08, ArrowDown: 1.08, ArrowRight: 1 / 1.08, ArrowUp: 1 / 1.08, PageDown: 1.5, PageUp: 1 / 1.5 }[event.key];
    if (!factor && event.key !== "Escape") return;
    event.preventDefault();
    least = 0;
    heat(factor ? temperature() * factor : 1);
  });
  warm.input.addEventListener("input", () => {
    least = 0;
    heat(Math.exp(Number(warm.input.value)));
  });

  // To limit which tokens can be drawn, the visitor drags `line`, which lies below the last of these tokens, or turns the
  // dials of top_k and top_p.
  const cutTo = (many) => keepState({ top_k: many > ROWS ? 0 : Math.max(1, many), top_p: 1 });
  const lineTo = (event) => cutTo(Math.round((event.clientY - list.getBoundingClientRect().top) / others.offsetHeight));
  onDrag(el, line, lineTo, { ready });
  line.addEventListener("keydown", (event) => {
    const now = Number(line.getAttribute("aria-valuenow"));
    const to = { ArrowUp: now - 1, ArrowLeft: now - 1, ArrowDown: now + 1, ArrowRight: now + 1, Home: 1, End: ROWS + 1, Escape: ROWS + 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    cutTo(to);
  });
  topK.input.addEventListener("input", () => keepState({ top_k: Number(topK.input.value) > MOST_K ? 0 : Number(topK.input.value) }));
  topP.input.addEventListener("input", () => keepState({ top_p: Number(topP.input.value) }));

  const watcher = new ResizeObserver(update);
  watcher.observe(el);
  const chosen = ["temperature", "top_k", "top_p"];
  const changed = () => keepState.storing || update();
  for (const key of chosen) model.on(`change:${key}`, changed);
  if (writes) {
    model.on("change:said", listen);
    const ids = model.get("ids");
    ask(ids?.length ? ids : encode(data.offers[0]));
  } else {
    read({ ids: [], logits: data.logits });
  }

  return () => {
    stop();
    hush();
    watcher.disconnect();
    model.off("change:said", listen);
    for (const key of chosen) model.off(`change:${key}`, changed);
  };
}

export default { render };
