// Carry one token's list of numbers (its hidden state) from one sentence into another, and see whether the answer changes.
// The view's `data` has stored pairs (patching.json) or, in a notebook, `known`: one pair in the form of `said`.
// The visitor chooses `source` (the sentence that gives its numbers) and `target` (the sentence that gets them); for stored
// pairs, both are the names of countries. `layer` and `token` are the cell; at layer -1 nothing is carried over. If nothing
// is carried over at the start, a cell's answer is hidden until the visitor tries the cell or asks for all answers.
// A host that can compute gets `want` {source, target}, and answers with `said` {pieces: [source's, target's], answers,
// values[layer][token]}.
import { adopt, announcer, atOnce, bytes, headline, keeper, make, ownWords, shape } from "./view.js";

const STEP = 90; // ms between two layers while the layers are played
const PULSE = 550; // ms that a pulse takes from the patched square to the answer
const REACH = 16; // px above the lower sentence at which a dragged list is carried over into this sentence
const SENTENCES = { source: "Upper sentence", target: "Lower sentence" };
const spell = (number) => (number < 1e6 ? number.toLocaleString("en-US") : `${(number / 1e6).toLocaleString("en-US")} million`);

/**
 * The ratio of the probabilities of two tokens, 1 or more, rounded to two digits.
 * @param {number} logits the difference of their logits
 */
export function times(logits) {
  const ratio = Math.exp(Math.abs(logits));
  return ratio < 10 ? ratio.toFixed(1) : spell(Number(ratio.toPrecision(2)));
}

/**
 * The layer at which the effect of patches moves from the first token to the last. In earlier layers only a patch of the
 * first token turns the answer; from this layer on, only a patch of the last token does.
 * @param {number[][]} values as in a Pair
 * @returns {number} the layer, or NaN if there is no such layer
 */
export function handover(values) {
  const last = values[0].length - 1;
  const moves = values.findIndex((row) => row[last] > 0);
  const clean = values.every((row, layer) => row.every((value, lane) => value > 0 === (lane === (layer < moves ? 0 : last))));
  return last && moves > 0 && clean ? moves : NaN;
}

/**
 * Layers in words, such as "0 to 22" or "3 and 5 to 7".
 * @param {number[]} layers in ascending order
 */
export function ranges(layers) {
  const runs = [];
  for (const layer of layers) {
    if (runs.at(-1)?.[1] === layer - 1) runs.at(-1)[1] = layer;
    else runs.push([layer, layer]);
  }
  return runs.map(([start, end]) => (start === end ? `${start}` : `${start} to ${end}`)).join(" and ");
}

/**
 * @typedef {{
 *   pieces: [string[], string[]], the tokens of both sentences
 *   first: number, the index of the first token that differs
 *   answers: [string, string], the likeliest next token after each sentence
 *   values: number[][], for each layer and each token from `first` on: the first answer's logit minus the second's
 * }} Pair
 */

/**
 * The pair that is stored for two countries.
 * @param {any} data
 * @param {string} source
 * @param {string} target
 * @returns {Pair | undefined}
 */
export function storedPair(data, source, target) {
  const packed = data.pairs?.[`${source} ${target}`];
  if (!packed) return undefined;
  const hundredths = new Int16Array(bytes(packed).buffer);
  const lanes = hundredths.length / data.layers;
  const pieces = [source, target].map((country) =>
    data.sentence.replace("{}", country).split(" ").map((word, index) => (index ? ` ${word}` : word)),
  );
  const values = Array.from({ length: data.layers }, (_, layer) =>
    Array.from(hundredths.subarray(layer * lanes, (layer + 1) * lanes), (value) => value / 100),
  );
  return { pieces: /** @type {[string[], string[]]} */ (pieces), first: data.first, answers: [data.answers[source], data.answers[target]], values };
}

/**
 * Some of a token's numbers after a layer, drawn as a stripe: the smallest number is transparent, the largest has the
 * colour --list. Undefined if no numbers are stored for the sentence's country.
 * @param {any} data with `lists`, numbers from -127 to 127 for each country, layer and token
 * @returns {string | undefined} a CSS gradient
 */
export function stripe(data, country, layer, lane, lanes) {
  if (!data.lists?.[country]) return undefined;
  const all = new Int8Array(bytes(data.lists[country]).buffer);
  const many = all.length / (data.layers * lanes);
  const begin = (layer * lanes + lane) * many;
  const stops = Array.from(all.subarray(begin, begin + many), (value, index) => {
    const percent = (place) => `${((100 * place) / many).toFixed(2)}%`;
    return `color-mix(in srgb, var(--list) ${Math.round((100 * (value + 127)) / 254)}%, transparent) ${percent(index)} ${percent(index + 1)}`;
  });
  return `linear-gradient(${stops.join(", ")})`;
}

const bare = (word) => word.trim() || word;

let boards = 0; // counts the views on a page, so that their ids are unique

export function render({ model, el }) {
  const data = model.get("data");
  const countries = Object.keys(data.answers ?? {});
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const heard = new Map();
  const name = `pt${(boards += 1)}`;
  let drawn = ""; // the pair whose cells are on the screen
  let shown = ""; // the answer on the screen
  let clock = 0;
  let turnsAt = 0; // ms: when the answer in the picture has turned
  let headClock = 0; // the timer of the headline, which waits while a pulse runs to the answer
  let problem = "";
  let told = (model.get("layer") ?? -1) >= 0; // whether all cells show their answers, not only those that were tried
  const tried = new Map(); // {pair: the cells that the visitor has tried, such as "3,0" for layer 3 and lane 0}
  const soon = atOnce(update);

  const known = (source, target) => heard.get(`${source}|${target}`) ?? storedPair(data, source, target);
  const pair = () => known(model.get("source"), model.get("target"));
  if (data.known) keepHeard(data.known);

  adopt(el, "pt");
  const { head, loud, loudWords } = headline("pt");
  const scene = make("div", "pt-scene");
  const donor = make("div", "pt-board pt-donor");
  const axis = make("div", "pt-axis");
  const receiver = make("div", "pt-board pt-receiver");
  const thread = shape("svg", { class: "pt-thread", "aria-hidden": "true" });
  const line = thread.appendChild(shape("path", { pathLength: 1 }));
  const way = thread.appendChild(shape("path", { class: "pt-way" }));
  const ember = make("i", "pt-ember"); // the list that is carried, as a small pile of numbers
  const hint = make("span", "pt-hint", "drag me down ↓");
  hint.setAttribute("aria-hidden", "true");
  scene.append(donor, axis, receiver, thread, ember, hint);

  const key = make("p", "pt-key");
  if (data.lists) key.append(make("i", "list"), `Each stripe is a list: ${data.many} of its ${data.size} numbers.`);

  const tug = make("div", "pt-tug");
  tug.setAttribute("aria-hidden", "true");
  const ours = make("span", "pt-end");
  const rail = make("div", "pt-rail");
  const theirs = make("span", "pt-end");
  const ticks = make("div", "pt-ticks");
  const home = make("i", "pt-home");
  const dot = make("i", "pt-dot");
  const factor = make("b", "pt-factor");
  rail.append(make("i", "pt-middle"), ticks, home, dot, factor);
  tug.append(ours, rail, theirs);
  const moral = make("p", "pt-moral");

  const tools = make("div", "pt-tools");
  const play = make("button", "pt-play", "▶ Layer by layer");
  const swap = make("button", "", "⇅ Swap the sentences");
  const out = make("button", "", "Undo");
  const tell = make("button", "", "Show all places");
  tell.hidden = told;
  const walk = make("span", "pt-walk");
  const [earlier, walkWords, later] = [make("button", "", "‹"), make("span", "num"), make("button", "", "›")];
  earlier.setAttribute("aria-label", "One layer earlier");
  later.setAttribute("aria-label", "One layer later");
  walk.append(earlier, walkWords, later);
  const other = make("button", "", "Other countries");
  tools.append(play, tell, swap, out);
  if (countries.length) tools.append(other);
  tools.append(walk);
  const { live, speak, hush } = announcer();
  el.append(head, ...(data.lists ? [key] : []), scene, tug, moral, tools, live);

  const keep = keeper(model, soon);
  const choose = (changes) => {
    clearTimeout(clock);
    intro = false;
    problem = "";
    keep(changes);
  };

  if (model.get("live")) {
    const forms = tools.appendChild(make("div", "pt-forms"));
    for (const [key, label] of Object.entries(SENTENCES)) {
      const placeholder = `${label}: type another`;
      forms.append(ownWords("pt-own", { placeholder, label, button: "Read it" }, (text) => choose({ [key]: text, layer: -1 })));
    }
  }

  function keepHeard(said) {
    const [theirs, own] = said.pieces;
    const first = theirs.findIndex((piece, index) => piece !== own[index]);
    const values = said.values.map((row) => row.slice(first));
    heard.set(`${said.want.source}|${said.want.target}`, { pieces: said.pieces, first, answers: said.answers, values });
  }
  function listen() {
    const said = model.get("said");
    if (!said?.want) return;
    wanted = "";
    if (said.error) problem = said.error;
    else keepHeard(said);
    soon();
  }
  let wanted = "";
  function ask() {
    const want = { source: model.get("source"), target: model.get("target") };
    const key = `${want.source}|${want.target}`;
    if (!model.get("live") || wanted === key) return;
    wanted = key;
    model.set("want", want);
    model.save_changes();
  }

  let intro = !still.matches && (model.get("layer") ?? -1) >= 0; // whether the view still shows the answer without the patch
  /** The cell that is chosen, as [layer, lane], or null if nothing is carried over. */
  function chosen({ first, values }) {
    const layer = model.get("layer") ?? -1;
    if (layer < 0 || intro) return null;
    const lanes = values[0].length;
    return [Math.min(layer, values.length - 1), Math.max(0, Math.min(lanes - 1, (model.get("token") ?? first) - first))];
  }

  /** The label of a lane: its word. If countries are stored, the label of the first lane is a menu of the countries. */
  function label(piece, which, lane) {
    if (!countries.length || lane !== 0) return make("span", "pt-word", piece.trim());
    const select = make("select", "pt-word");
    select.setAttribute("aria-label", SENTENCES[which]);
    for (const country of countries) {
      const option = select.appendChild(make("option", "", country));
      option.selected = country === model.get(which);
    }
    select.addEventListener("change", () => {
      const other = which === "source" ? "target" : "source";
      const before = model.get(which);
      const changes = { [which]: select.value };
      if (model.get(other) === select.value) changes[other] = before;
      choose(changes);
      el.querySelector(`.pt-${which === "source" ? "donor" : "receiver"} select`)?.focus();
    });
    return select;
  }

  const cells = []; // cells[layer][lane] of the receiver
  const dots = []; // dots[layer][lane] of the donor
  /** Build both boards for a pair: one narrow band for all tokens before the first difference, then a lane for each token. */
  function build({ pieces, first, values, answers }) {
    const layers = values.length;
    cells.length = dots.length = 0;
    el.style.setProperty("--layers", String(layers));
    for (const [board, own, which, into] of [[donor, pieces[0], "source", dots], [receiver, pieces[1], "target", cells]]) {
      const grid = make("div", "pt-grid");
      if (which === "target") {
        grid.tabIndex = 0;
        grid.setAttribute("role", "grid");
        grid.setAttribute("aria-label", "Which list comes from above: token and layer");
      } else grid.setAttribute("aria-hidden", "true");
      const labels = make("div", "pt-labels");
      if (first) {
        labels.append(make("span", "pt-same", own.slice(0, first).join("").trim()));
        const band = make("div", "pt-band");
        for (let layer = 0; layer < layers; layer++) band.append(make("i"));
        board.dataset.band = "";
        board.replaceChildren(labels, make("div", "pt-lanes"));
        board.lastChild.append(band, grid);
      } else {
        delete board.dataset.band;
        board.replaceChildren(labels, make("div", "pt-lanes"));
        board.lastChild.append(grid);
      }
      own.slice(first).forEach((piece, lane) => {
        labels.append(label(piece, which, lane));
        const row = grid.appendChild(make("div", "pt-lane"));
        if (which === "target") row.setAttribute("role", "row");
        for (let layer = 0; layer < layers; layer++) {
          const cell = row.appendChild(make("i"));
          cell.dataset.layer = String(layer);
          cell.dataset.lane = String(lane);
          const list = which === "source" ? stripe(data, model.get("source"), layer, lane, values[0].length) : undefined;
          if (list) cell.style.setProperty("--stripe", list);
          cell.classList.toggle("list", Boolean(list));
          if (which === "target") {
            cell.id = `${name}-${layer}-${lane}`;
            cell.setAttribute("role", "gridcell");
          }
          (into[layer] ??= [])[lane] = cell;
        }
      });
      const next = board.appendChild(make("span", "pt-next"));
      next.append(make("span", "pt-arrow", "→"), make("b", "pt-answer"));
      grab(grid, first);
    }
    const legend = make("span", "pt-legend");
    for (const [look, words] of [["turned", `says ${bare(answers[0])}`], ["", `still ${bare(answers[1])}`], ["covered", "not tried yet"]]) {
      const entry = legend.appendChild(make("span"));
      entry.append(make("i", look), words);
    }
    axis.replaceChildren(make("span", "pt-axis-word", "after layer"), legend);
    const scale = make("span", "pt-scale num");
    legend.before(scale);
    for (let layer = 0; layer < layers; layer++) scale.append(make("span"));
  }

  /** Number every fifth layer and the last, and mark the layer `moves` (see `handover`), unless it is NaN. */
  function count(scale, moves) {
    const last = scale.length - 1;
    const width = scale[0].parentNode.clientWidth / scale.length; // the width of a layer, in pixels
    scale.forEach((mark, layer) => {
      const usual = (layer % 5 === 0 || layer === last) && !(Math.abs(layer - moves) * width < 28);
      mark.textContent = usual || layer === moves ? String(layer) : "";
      mark.classList.toggle("moves", layer === moves);
    });
  }

  /**
   * Let the visitor press a cell, or drag over several. A dot of the upper sentence can be dragged down: its list is carried
   * over as soon as the pointer reaches the lower sentence, and then follows the pointer there. If the pointer is released
   * above the lower sentence, nothing is carried over.
   */
  function grab(grid, first) {
    const upper = donor.contains(grid);
    let held = null; // while a dot of the upper sentence is dragged: its lane, where the drag began, and whether it has moved
    const at = (event) => {
      const box = grid.getBoundingClientRect();
      const layers = cells.length;
      const layer = Math.max(0, Math.min(layers - 1, Math.floor(((event.clientX - box.left) / box.width) * layers)));
      const lane = held ? held.lane : Math.max(0, [...grid.children].findLastIndex((row) => event.clientY >= row.getBoundingClientRect().top));
      return { layer, lane };
    };
    const put = ({ layer, lane }) => {
      const token = first + lane;
      if (layer !== model.get("layer") || token !== model.get("token")) choose({ layer, token });
    };
    const move = (event) => {
      if (!held) return put(at(event));
      held.moved ||= Math.hypot(event.clientX - held.x, event.clientY - held.y) > 5;
      if (!held.moved) return;
      const arrived = event.clientY >= receiver.getBoundingClientRect().top - REACH;
      scene.classList.toggle("carrying", !arrived);
      if (arrived) return put(at(event));
      if ((model.get("layer") ?? -1) >= 0) choose({ layer: -1 });
      carry(at(event), event);
    };
    const drop = () => {
      const tapped = held && !held.moved;
      const place = tapped ? at({ clientX: held.x, clientY: held.y }) : null;
      held = null;
      if (scene.classList.contains("carrying")) hint.textContent = "further down ↓";
      scene.classList.remove("carrying");
      way.setAttribute("d", "");
      grid.removeEventListener("pointermove", move);
      if (place) put(place);
      else soon();
    };
    grid.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      scene.classList.add("by-hand"); // this class hides the ring that shows where the arrow keys act
      receiver.querySelector(".pt-grid").focus({ preventScroll: true });
      grid.setPointerCapture(event.pointerId);
      if (upper) held = { x: event.clientX, y: event.clientY, moved: false, ...at(event) };
      else put(at(event));
      grid.addEventListener("pointermove", move);
      grid.addEventListener("lostpointercapture", drop, { once: true });
    });
  }
  /** Draw a list on its way, from its dot to the pointer. */
  function carry({ layer, lane }, event) {
    const origin = scene.getBoundingClientRect();
    const [x, y] = centre(dots[layer][lane]);
    const [left, top] = [event.clientX - origin.left, event.clientY - origin.top];
    const [, floor] = centre(cells[layer][lane]);
    for (const one of scene.querySelectorAll(".here")) one.classList.remove("here");
    dots[layer][lane].classList.add("here"); // a square of the lower sentence is lit only once the sentence takes the list
    scene.classList.add("tied");
    hint.hidden = true;
    line.setAttribute("d", `M${x} ${y}L${left} ${top}`);
    way.setAttribute("d", `M${left} ${top}L${x} ${floor}`);
    ember.style.transform = `translate(${left}px, ${top}px)`;
    load([layer, lane]);
  }
  receiver.addEventListener("keydown", (event) => {
    const found = pair();
    scene.classList.remove("by-hand");
    if (!found || !event.target.matches(".pt-grid")) return;
    const [layer, lane] = chosen(found) ?? [0, 0];
    const last = found.values.length - 1;
    const bottom = found.values[0].length - 1;
    const goes = {
      ArrowRight: [layer + 1, lane], ArrowLeft: [layer - 1, lane], ArrowUp: [layer, lane - 1], ArrowDown: [layer, lane + 1],
      Home: [0, lane], End: [last, lane], PageUp: [layer - 5, lane], PageDown: [layer + 5, lane], Escape: [-1, lane],
    }[event.key];
    if (!goes) return;
    event.preventDefault();
    const clamp = (value, most) => Math.max(0, Math.min(most, value));
    const next = event.key === "Escape" ? -1 : clamp(goes[0], last);
    choose({ layer: next, token: found.first + clamp(goes[1], bottom) });
  });

  const centre = (element) => {
    const box = element.getBoundingClientRect();
    const origin = scene.getBoundingClientRect();
    return [box.left + box.width / 2 - origin.left, box.top + box.height / 2 - origin.top];
  };

  /** Show what is carried: the stripe of its list. */
  function load([layer, lane]) {
    const list = dots[layer][lane].style.getPropertyValue("--stripe");
    ember.classList.toggle("list", Boolean(list));
    ember.style.setProperty("--stripe", list);
  }
  /** Draw the thread from the donor to the receiver. If the cell is `fresh`, the ember travels along the thread. */
  function tie(cell, fresh) {
    if (scene.classList.contains("carrying")) return;
    scene.classList.toggle("tied", Boolean(cell));
    const call = scene.querySelector(".pt-donor .first");
    hint.hidden = !call;
    if (call) {
      const [x, y] = centre(call);
      const [, floor] = centre(receiver.querySelector(".first"));
      // On a phone the upper sentence's answer has a line of its own, with room beside it.
      const [, beside] = centre(donor.querySelector(".pt-next"));
      const [, lowest] = centre(dots[0].at(-1));
      const phone = beside > lowest + 1;
      hint.style.top = `${phone ? beside : (y + floor) / 2}px`;
      hint.style.left = `${phone ? x - 12 : x}px`;
      hint.classList.toggle("beside", phone);
      way.setAttribute("d", `M${x} ${y}V${floor}`);
    } else way.setAttribute("d", "");
    if (!cell) return;
    const [layer, lane] = cell;
    const [x, top] = centre(dots[layer][lane]);
    const target = cells[layer][lane];
    const ring = parseFloat(getComputedStyle(target, "::after").height) || 0;
    const bottom = centre(target)[1] - ring / 2; // the thread ends above the square, so that it does not hide the square
    const bulge = x + (layer > cells.length - 5 ? -48 : 48);
    const path = `M${x} ${top}Q${bulge} ${(top + bottom) / 2} ${x} ${bottom}`;
    line.setAttribute("d", path);
    load(cell);
    if (!fresh || still.matches) return;
    const timing = { duration: 280, easing: "cubic-bezier(.2,.7,.2,1)" };
    line.animate([{ strokeDashoffset: 1 }, { strokeDashoffset: 0 }], timing);
    const stops = [[x, top], [(bulge + x) / 2, (top + bottom) / 2], [x, bottom]];
    ember.animate(stops.map(([left, down]) => ({ transform: `translate(${left}px, ${down}px)`, opacity: 1 })), timing);
  }

  /** Let a pulse run from the patched square to the answer, along the square's row. */
  function runTo(answer, cell) {
    const [x, y] = centre(cell);
    const box = answer.getBoundingClientRect();
    const [, down] = centre(answer);
    const left = box.left - scene.getBoundingClientRect().left - 6;
    const pulse = scene.appendChild(make("i", "pt-pulse"));
    const places = [[x, y], [Math.max(x, left), y], [left, down]].map(([along, at]) => ({ transform: `translate(${along}px, ${at}px)` }));
    pulse.animate(places, { duration: PULSE, easing: "ease-in" }).finished.catch(() => {}).finally(() => pulse.remove());
  }
  /** Write a word. If it is `fresh`, the old word stays for `wait` ms, and then the letters turn over one after another. */
  function spellOut(element, word, fresh, wait = 0) {
    const old = element.textContent;
    element.textContent = word;
    if (!fresh) return;
    const letters = [...word].map((letter) => make("span", "pt-letter", letter));
    element.replaceChildren(...letters);
    letters.forEach((letter, index) =>
      letter.animate([{ transform: "rotateX(90deg)", opacity: 0 }, { transform: "none", opacity: 1 }], { duration: 240, delay: wait + 120 + 60 * index, fill: "backwards", easing: "cubic-bezier(.2,.7,.2,1)" }),
    );
    if (!wait) return;
    const ghost = element.appendChild(make("span", "pt-old", old));
    ghost.setAttribute("aria-hidden", "true");
    ghost.animate([{ opacity: 1 }, { opacity: 1, offset: 0.8 }, { opacity: 0 }], { duration: wait }).finished.catch(() => {}).finally(() => ghost.remove());
  }

  /** The number of stored pairs if the answer turns at the same tokens and layers in all of them, otherwise 0. Before the
   * pairs are counted, -1. */
  let alikeCount = -1;
  function alikeEverywhere() {
    if (alikeCount >= 0) return alikeCount;
    const stored = Object.keys(data.pairs ?? {}).map((key) => key.split(" "));
    const where = new Set(stored.map(([from, into]) => storedPair(data, from, into).values.map((row) => row.map((value) => Number(value > 0))).join()));
    return (alikeCount = where.size === 1 ? stored.length : 0);
  }

  let tied = "";
  function update() {
    const found = pair();
    el.classList.toggle("waiting", !found && !problem);
    if (problem || !found) {
      loud.textContent = "";
      loudWords.textContent = problem || "Computing…";
      if (!found && !problem) ask();
      return;
    }
    const { answers, values, first, pieces } = found;
    const [rome, paris] = answers.map(bare);
    const key = `${model.get("source")}|${model.get("target")}`;
    if (drawn !== key) {
      const focused = el.contains(document.activeElement) && document.activeElement.matches(".pt-grid");
      build(found);
      if (focused) receiver.querySelector(".pt-grid").focus({ preventScroll: true });
    }
    const lanes = values[0].length;
    const last = values.length - 1;
    // The value without a patch. After the last layer only the last token's numbers are read, so a patch of the first token
    // has no effect there.
    const base = values[last][0];
    const goal = values[last][lanes - 1];
    const cell = chosen(found);
    const seen = tried.get(key) ?? new Set();
    tried.set(key, seen);
    if (cell) seen.add(cell.join());
    const value = cell ? values[cell[0]][cell[1]] : base;
    const turned = value > 0;

    const grid = receiver.querySelector(".pt-grid");
    if (drawn !== key) {
      values.forEach((row, layer) =>
        row.forEach((moved, lane) => {
          const one = cells[layer][lane];
          const part = Math.max(-1, Math.min(1, (moved - base) / (goal - base)));
          one.style.setProperty("--part", Math.abs(part).toFixed(3));
          one.classList.toggle("turned", moved > 0);
          one.classList.toggle("away", part < -0.05);
          one.setAttribute("aria-selected", "false");
        }),
      );
    }
    values.forEach((row, layer) =>
      row.forEach((moved, lane) => {
        const one = cells[layer][lane];
        const covered = !told && !seen.has(`${layer},${lane}`);
        one.classList.toggle("covered", covered);
        const lit = covered && !seen.size && lane === 0 && layer === Math.floor(0.4 * values.length);
        for (const both of [one, dots[layer][lane]]) both.classList.toggle("first", lit);
        const [ahead, behind] = moved > 0 ? [rome, paris] : [paris, rome];
        const says = covered ? "not tried" : `${ahead} ${times(moved)} times as likely as ${behind}`;
        one.setAttribute("aria-label", `${pieces[1][first + lane].trim()}, layer ${layer}: ${says}`);
      }),
    );
    const squares = values.length * lanes;
    tell.textContent = told || seen.size === squares ? "All places shown" : "Show all places";
    tell.disabled = told || seen.size === squares; // the button is not hidden, so that no other button moves under the pointer
    for (const one of scene.querySelectorAll(".here")) {
      one.classList.remove("here");
      if (one.hasAttribute("aria-selected")) one.setAttribute("aria-selected", "false");
    }
    if (cell) {
      const [layer, lane] = cell;
      cells[layer][lane].classList.add("here");
      cells[layer][lane].setAttribute("aria-selected", "true");
      dots[layer][lane].classList.add("here");
    }
    if (cell) grid.setAttribute("aria-activedescendant", `${name}-${cell[0]}-${cell[1]}`);
    else grid.removeAttribute("aria-activedescendant");

    donor.querySelector(".pt-answer").textContent = rome;
    const answer = receiver.querySelector(".pt-answer");
    const says = turned ? rome : paris;
    answer.style.setProperty("--letters", String(says.length + 0.4 * (says.match(/[mw]/gi) ?? []).length)); // a wide letter counts for more
    answer.classList.toggle("turned", turned);
    let fresh = false;
    if (shown !== says || !answer.textContent) {
      fresh = Boolean(shown) && shown !== says && !still.matches;
      if (fresh && cell) runTo(answer, cells[cell[0]][cell[1]]);
      spellOut(answer, says, fresh, cell ? PULSE : 0);
      turnsAt = fresh && cell ? performance.now() + PULSE + 300 : 0;
    }
    const waits = Math.max(0, turnsAt - performance.now()); // the next layer may come before the answer has turned
    shown = says;
    el.classList.toggle("turned", turned);
    const untried = !tell.disabled && !seen.size;
    const words = untried ? "is its answer below. Drag the marked list down into it." : !cell ? "is the answer below" : turned ? `instead of ${paris}` : "is still the answer";
    const likely = `${times(value)} times as likely`;
    const tellIt = () => {
      if (loud.textContent !== says) spellOut(loud, says, fresh);
      head.classList.toggle("turned", turned);
      loudWords.textContent = words;
    };
    clearTimeout(headClock);
    if (waits) headClock = setTimeout(tellIt, waits); // the headline changes only after the answer in the picture
    else tellIt();

    const most = Math.ceil(Math.max(...values.flat().map(Math.abs), Math.abs(base)) / Math.LN10);
    const across = (logits) => 50 + (50 * logits) / (most * Math.LN10);
    ours.textContent = paris;
    theirs.textContent = rome;
    const stride = Math.ceil(most / 2); // the scale has at most two marks on each side
    const marks = Math.floor(most / stride);
    ticks.replaceChildren(
      ...Array.from({ length: 2 * marks + 1 }, (_, index) => {
        const power = (index - marks) * stride;
        const tick = make("span", "num", power ? `${spell(10 ** Math.abs(power))}×` : "equal");
        if (!power) tick.append(make("i", "pt-more", "ly likely"));
        tick.style.left = `${across(power * Math.LN10)}%`;
        tick.classList.toggle("second", (index - marks) % 2 !== 0 || Math.abs(power) === most);
        return tick;
      }),
    );
    home.style.left = `${across(base)}%`;
    dot.style.left = `${across(value)}%`;
    factor.textContent = likely;
    factor.style.setProperty("--at", `${across(value)}%`);

    const where = values[0]
      .map((_, lane) => ({ word: pieces[1][first + lane].trim(), layers: values.flatMap((row, layer) => (row[lane] > 0 ? [layer] : [])) }))
      .filter(({ layers }) => layers.length);
    const alike = alikeEverywhere();
    const hits = [...seen].filter((at) => values[at.split(",")[0]][at.split(",")[1]] > 0).length;
    if (untried) moral.textContent = `Which lists turn the answer into ${rome}?`;
    else if (!tell.disabled) moral.replaceChildren(make("b", "", `${hits} of ${seen.size}`), ` ${seen.size === 1 ? "list that you carried over turns" : "lists that you carried over turn"} the answer into ${rome}; there are ${squares}.`);
    else moral.replaceChildren(
      ...(where.length
        ? where.flatMap(({ word, layers }, index) => [
            `${index ? ", " : "It turns "}${layers.length > 1 ? "after layers" : "after layer"} ${ranges(layers)} at `, make("b", "", `“${word}”`),
          ])
        : [`No list from above turns the answer into ${rome}`]),
      ".",
      make("span", "pt-alike", alike ? ` So in all ${alike} stored pairs.` : ""),
    );
    out.disabled = !cell;
    walk.classList.toggle("gone", !cell);
    walkWords.textContent = cell ? `after layer ${cell[0]}` : "";
    earlier.disabled = !cell || cell[0] === 0;
    later.disabled = !cell || cell[0] === last;
    count([...axis.querySelector(".pt-scale").children], tell.disabled ? handover(values) : NaN);
    const now = `${key} ${cell}`;
    tie(cell, tied !== now);
    tied = now;
    drawn = key;
    speak(`${cell ? `The list of “${pieces[0][first + cell[1]].trim()}” after layer ${cell[0]}, put in the place of “${pieces[1][first + cell[1]].trim()}”.` : "No list is exchanged."} ${says} ${words.replace(/\.$/, "")}, ${likely}. ${moral.textContent}`);
  }

  play.addEventListener("click", () => {
    const found = pair();
    if (!found) return;
    clearTimeout(clock);
    const [, lane] = chosen(found) ?? [0, 0];
    const token = found.first + lane;
    if (still.matches) return keep({ layer: found.values.length - 1, token });
    const step = (layer) => {
      keep({ layer, token });
      if (layer < found.values.length - 1) clock = setTimeout(step, STEP, layer + 1);
    };
    step(0);
  });
  const step = (by) => choose({ layer: model.get("layer") + by });
  earlier.addEventListener("click", () => step(-1));
  later.addEventListener("click", () => step(1));
  swap.addEventListener("click", () => choose({ source: model.get("target"), target: model.get("source") }));
  out.addEventListener("click", () => choose({ layer: -1 }));
  tell.addEventListener("click", () => {
    told = true;
    update();
    play.focus({ preventScroll: true });
  });
  other.addEventListener("click", () => {
    const rest = countries.filter((country) => country !== model.get("source") && country !== model.get("target"));
    const draw = () => rest.splice(Math.floor(Math.random() * rest.length), 1)[0];
    choose({ source: draw(), target: draw() });
  });

  const watcher = new ResizeObserver(() => {
    const found = pair();
    if (found && drawn && !problem) tie(chosen(found), false);
  });
  watcher.observe(scene);
  const chose = ["source", "target", "layer", "token"];
  for (const key of chose) model.on(`change:${key}`, soon);
  model.on("change:said", listen);
  update();
  if (intro) {
    clock = setTimeout(() => {
      intro = false;
      soon();
    }, 900);
  }

  return () => {
    clearTimeout(clock);
    clearTimeout(headClock);
    hush();
    watcher.disconnect();
    for (const key of chose) model.off(`change:${key}`, soon);
    model.off("change:said", listen);
  };
}

export default { render };
