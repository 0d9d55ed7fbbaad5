// Carry one token's list of numbers (its hidden state) from one sentence into another, and see whether the answer changes.
// Each sentence stands above a box, which stands for the model. In the box, a pipe runs from the words down to the answer. The
// pipe's course shows at which token, and after which layer, an exchange of the list turns the answer into the other sentence's
// answer. Below an exchanged list, the pipe has the other sentence's colour.
// The view's `data` has stored pairs (patching.json) or, in a notebook, `known`: one pair in the form of `said`. With stored
// pairs, `lists` has some numbers of each list, as digits for their shades. They are drawn as a strip of coloured cells.
// The visitor chooses `source` (the sentence that gives its numbers) and `target` (the sentence that gets them); for stored
// pairs, both are the names of countries. `layer` and `token` say which list is carried over. If `layer` is -1, no list is.
// A host that can compute gets `want` {source, target}, and answers with `said` {pieces: [source's, target's], answers,
// values[layer][token]}.
import { adopt, announcer, atOnce, bytes, keeper, make, onSize, ownWords, shape } from "./view.js";

const STEP = 90; // ms for each layer while the view puts a list into one layer after another
const FLOW = 420; // ms in which the colour of the other sentence runs from an exchanged list down to the answer
const REACH = 70; // px; a dragged list snaps into the right pipe as soon as it is this close to its lane
const HOME = 40; // px; a list that is dragged stays in its own pipe as long as the pointer is this close to its lane
const MARGIN = 58; // px from the middle of a lane to the marks of the layers that were tried
const BEND = 16; // px: the radius of a bend of the pipe
const WIDE = 300; // px: a box that is wider than this has room for words beside the marks
const ROOMY = 410; // px: in a box that is wider than this, a word has room between its edge and a list in its first or last lane
const NAMED = 4; // a run of at least this many layers that give the same answer is labelled with this answer
const COVERED = 38; // px from the middle of the carried list to the middle of a word that it does not cover
const SPOUT = 14; // px by which the pipe extends below the box
const NEAR = 14; // px: the least distance from the line between the boxes to the number of a layer
const CLEAR = 20; // px: the distance from this line at which the large number of a layer is clear of it
const TALL_MARK = 26; // px: half of the height of the number of the layer at which the pipe bends, with the word above it
const SENTENCES = { source: "Left sentence", target: "Right sentence" };
const spell = (number) => (number < 1e6 ? number.toLocaleString("en-US") : `${(number / 1e6).toLocaleString("en-US")} million`);

/**
 * How many times as likely the likelier of two tokens is as the other, as a text with two digits.
 * @param {number} logits the difference of their logits
 */
export function times(logits) {
  const ratio = Math.exp(Math.abs(logits));
  return ratio < 10 ? ratio.toFixed(1) : spell(Number(ratio.toPrecision(2)));
}

/**
 * The layer from which on only an exchange of the last token's list turns the answer (gives a value above 0), while at all
 * earlier layers only an exchange of the first token's list does.
 * @param {number[][]} values as in the type `Pair`
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
 *   values: number[][], for each layer and each token from `first` on: the first answer's logit minus the second's, if
 *     this token's list is exchanged after this layer
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
 * The shades, from 0 to 9, of some numbers of a country's list.
 * @param {any} data
 * @param {string} country
 * @param {number} layer
 * @param {number} lane 0 for the country, 1 for the last token
 * @returns {number[]} empty if none are stored
 */
export function shades(data, country, layer, lane) {
  const digits = data.lists?.[country];
  if (!digits) return [];
  const many = digits.length / data.layers / 2;
  const start = (2 * layer + lane) * many;
  return [...digits.slice(start, start + many)].map(Number);
}

const bare = (word) => word.trim() || word;

let boards = 0; // counts the views on a page, so that their ids are unique

export function render({ model, el }) {
  const data = model.get("data");
  const countries = Object.keys(data.answers ?? {});
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const heard = new Map();
  const name = `pt${(boards += 1)}`;
  let drawn = ""; // the pair whose boxes are on the screen
  let shown = ""; // the answer on the screen
  let clock = 0;
  let problem = "";
  let wanted = "";
  const soon = atOnce(update);

  const known = (source, target) => heard.get(`${source}|${target}`) ?? storedPair(data, source, target);
  const pair = () => known(model.get("source"), model.get("target"));
  if (data.known) keepHeard(data.known);

  adopt(el, "pt");
  const scene = make("div", "pt-scene");
  const donor = make("div", "pt-board pt-donor");
  const axis = make("div", "pt-axis");
  axis.setAttribute("aria-hidden", "true");
  const receiver = make("div", "pt-board pt-receiver");
  const thread = shape("svg", { class: "pt-thread", "aria-hidden": "true" });
  const line = thread.appendChild(shape("path"));
  const socket = make("i", "pt-socket"); // marks where the carried list came from or, if no list is carried over, where one can be put
  const ember = make("i", "pt-ember"); // stands for the list that is carried, and has the text of the list's token
  const hint = make("span", "pt-hint");
  const next = make("i", "pt-next-list"); // if the carried list is too late, marks the list in the left box that would turn the answer
  const out = make("i", "pt-out"); // the right sentence's own list: in its pipe or, if another list is in its place, beside the pipe
  const named = make("span", "pt-named", "its list\nof numbers"); // beside the right sentence's list, until a list is carried over
  for (const one of [socket, ember, hint, next, out, named]) one.setAttribute("aria-hidden", "true");
  scene.append(donor, axis, receiver, thread, socket, next, out, named, ember, hint);
  const moral = make("p", "pt-moral");

  const tools = make("div", "pt-tools");
  const play = make("button", "", "▶ Layer by layer");
  const other = make("button", "", "Other countries");
  const undo = make("button", "", "Undo");
  const walk = make("span", "pt-walk");
  const [earlier, walkWords, later] = [make("button", "", "‹"), make("span", "num"), make("button", "", "›")];
  earlier.setAttribute("aria-label", "One layer earlier");
  later.setAttribute("aria-label", "One layer later");
  walk.append(earlier, walkWords, later);
  tools.append(play, ...(countries.length ? [other] : []), undo, walk);
  const { live, speak, hush } = announcer();
  el.append(scene, moral, tools, live);

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
  function ask() {
    const want = { source: model.get("source"), target: model.get("target") };
    const key = `${want.source}|${want.target}`;
    if (!model.get("live") || wanted === key) return;
    wanted = key;
    model.set("want", want);
    model.save_changes();
  }

  let intro = !still.matches && (model.get("layer") ?? -1) >= 0; // true at the start, until the chosen list is carried over
  /** The chosen cell as [layer, lane], where lane 0 is the token at `first`, or null if nothing is carried over. */
  function chosen({ first, values }) {
    const layer = model.get("layer") ?? -1;
    if (layer < 0 || intro) return null;
    const lanes = values[0].length;
    return [Math.min(layer, values.length - 1), Math.max(0, Math.min(lanes - 1, (model.get("token") ?? first) - first))];
  }
  let rests = -1; // the layer down or up to which the visitor has dragged the list in its own pipe, or -1
  /** The cell [layer, lane] of the list that the visitor is invited to drag across. */
  const offered = ({ values }) => [rests >= 0 ? rests : Math.floor(0.4 * values.length), 0];

  /** The word above a lane. If countries are stored, the first lane has a menu of the countries. */
  function label(piece, which, lane) {
    if (!countries.length || lane !== 0) return make("span", "pt-word", piece.trim());
    const select = make("select", "pt-word");
    select.setAttribute("aria-label", SENTENCES[which]);
    for (const country of countries) {
      const option = select.appendChild(make("option", "", country));
      option.defaultSelected = option.selected = country === model.get(which); // defaultSelected writes the choice into the HTML, so that a saved copy of the page shows this option
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

  const cells = []; // cells[layer][lane] of the right box
  const dots = []; // dots[layer][lane] of the left box
  let pipes = {}; // {source, target}: the drawings in the boxes
  /** Build both boxes for a pair, with a lane for each token from the first difference on. */
  function build({ pieces, first, values }) {
    const layers = values.length;
    cells.length = dots.length = 0;
    rests = -1;
    pipes = {};
    el.style.setProperty("--layers", String(layers));
    el.style.setProperty("--lanes", String(values[0].length));
    scene.classList.toggle("bare", !first);
    for (const [board, own, which, into] of [[donor, pieces[0], "source", dots], [receiver, pieces[1], "target", cells]]) {
      const words = make("div", "pt-words");
      const same = words.appendChild(make("span", "pt-same"));
      for (const piece of own.slice(0, first)) same.append(make("span", "", piece.trim()), " ");
      own.slice(first).forEach((piece, lane) => words.append(label(piece, which, lane)));
      const box = make("div", "pt-box");
      pipes[which] = box.appendChild(shape("svg", { class: "pt-pipe", "aria-hidden": "true" }));
      const grid = box.appendChild(make("div", "pt-grid"));
      if (which === "target") {
        grid.tabIndex = 0;
        grid.setAttribute("role", "grid");
        grid.setAttribute("aria-label", "Which list comes from the left: layer and token");
        grid.append(make("i", "pt-ring")); // a ring around the whole box, shown while the grid has the keyboard's focus
      } else grid.setAttribute("aria-hidden", "true");
      for (let layer = 0; layer < layers; layer++) {
        const row = grid.appendChild(make("div", "pt-row"));
        if (which === "target") row.setAttribute("role", "row");
        into[layer] = own.slice(first).map((_, lane) => {
          const cell = row.appendChild(make("i"));
          cell.dataset.layer = String(layer);
          cell.dataset.lane = String(lane);
          if (which === "target") {
            cell.id = `${name}-${layer}-${lane}`;
            cell.setAttribute("role", "gridcell");
          }
          return cell;
        });
      }
      const next = make("div", "pt-next");
      next.append(make("b", "pt-answer"), make("span", "pt-factor"));
      board.replaceChildren(words, box, next);
      grab(grid);
    }
  }

  /** The layer and the lane of the cell under the pointer, in either box. If `lane` is given, return this lane instead. */
  function at(event, lane) {
    const grid = (donor.contains(event.target) && event.type === "pointerdown" ? donor : receiver).querySelector(".pt-grid").getBoundingClientRect();
    const clamp = (share, many) => Math.max(0, Math.min(many - 1, Math.floor(share * many)));
    return {
      layer: clamp((event.clientY - grid.top) / grid.height, cells.length),
      lane: lane ?? clamp((event.clientX - grid.left) / grid.width, cells[0].length),
    };
  }
  const put = ({ layer, lane }) => {
    const token = pair().first + lane;
    if (layer !== model.get("layer") || token !== model.get("token")) choose({ layer, token });
  };
  // `held` is null unless a list is pressed or dragged. Then it has the list's layer and lane, the point (x, y) of the press,
  // whether the pointer has `moved` away from this point, whether a release without a move counts as a `tap`, whether the list is
  // not in the right box yet (`fresh`), the `goal` into which a release would put it, the layer of its own pipe at which a release would leave it (`home`, or -1), and the list that was carried over before
  // (`was`), which a drag from the left box brings back if it ends before it has arrived.
  let held = null;
  /**
   * Let the visitor drag a list from the left box. It snaps into the right pipe as soon as the pointer is near, and
   * is put there when the visitor lets go. If the visitor lets go before that, nothing is carried over. A list that is let go near its
   * own pipe stays there, at the layer where it was let go. Once a list is in the right box, it
   * follows the pointer from layer to layer. A press without a
   * drag carries the list over, too. In the right box, a press says where the list is put.
   */
  function grab(handle) {
    const move = (event) => {
      held.moved ||= Math.hypot(event.clientX - held.x, event.clientY - held.y) > 5;
      if (!held.moved) return;
      const goal = at(event, held.lane);
      const pointer = event.clientX - scene.getBoundingClientRect().left;
      const [x] = centre(cells[goal.layer][goal.lane]);
      const arrived = pointer >= x - REACH;
      const home = goal.lane === 0 && Math.abs(pointer - centre(dots[goal.layer][0])[0]) < HOME;
      held.home = home ? goal.layer : -1;
      // A list that comes from the left box is put into the pipe only when the visitor lets go of it. Until then, the answer stays.
      held.fresh ||= !arrived;
      held.goal = arrived ? goal : null;
      const begins = held.fresh && !scene.classList.contains("carrying");
      scene.classList.toggle("carrying", held.fresh);
      if (!held.fresh) return put(goal);
      if ((model.get("layer") ?? -1) >= 0) choose({ layer: -1 });
      else if (begins) soon();
      carry(goal, event, arrived, home);
    };
    const drop = () => {
      const { lane, layer, tap, fresh, goal, was, home } = held;
      const tapped = tap && !held.moved;
      scene.classList.remove("carrying");
      if (fresh && !goal && home >= 0) rests = home;
      handle.removeEventListener("pointermove", move);
      if (tapped) put({ layer, lane });
      else if (fresh && goal) put(goal);
      else if (fresh && was && handle !== ember) choose(was);
      else soon();
      queueMicrotask(() => (held = null)); // after the drawing, which lets no list fly that the visitor has brought to its place
    };
    handle.addEventListener("pointerdown", (event) => {
      const found = pair();
      if (!found) return;
      event.preventDefault();
      scene.classList.add("by-hand"); // this class hides the ring around the box, which is shown only to a visitor who uses the keyboard
      receiver.querySelector(".pt-grid").focus({ preventScroll: true });
      handle.setPointerCapture(event.pointerId);
      const cell = chosen(found);
      const [layer, lane] = handle === ember && !cell ? offered(found) : Object.values(at(event, handle === ember ? cell[1] : undefined));
      held = { x: event.clientX, y: event.clientY, moved: false, layer, lane, tap: true, fresh: !cell, goal: null, home: -1, was: cell && { layer: cell[0], token: found.first + cell[1] } };
      handle.addEventListener("pointermove", move);
      handle.addEventListener("lostpointercapture", drop, { once: true });
    });
    handle.addEventListener("pointercancel", () => {
      if (held) held.tap = false; // the browser uses this touch to scroll the page, so the touch is no tap
    });
  }
  grab(ember);

  const centre = (element) => {
    const box = element.getBoundingClientRect();
    const origin = scene.getBoundingClientRect();
    return [box.left + box.width / 2 - origin.left, box.top + box.height / 2 - origin.top];
  };
  const moveTo = ([x, y]) => `translate(${x}px, ${y}px) translate(-50%, -50%)`;
  const place = (element, point) => (element.style.transform = moveTo(point));
  /** Write into an element the word of a list and, if its numbers are stored, a strip of cells for them. `which` is 0 for the
   * left sentence, and 1 for the right one. */
  function fill(element, { pieces, first }, which, layer, lane) {
    const strip = make("span", "pt-strip");
    for (const shade of shades(data, model.get(which ? "target" : "source"), layer, lane)) {
      strip.appendChild(make("span")).style.setProperty("--shade", `${15 + 9.4 * shade}%`);
    }
    element.replaceChildren(make("span", "", pieces[which][first + lane].trim()), ...(strip.firstChild ? [strip] : []));
  }
  let dressed = ""; // the pair and the cell whose lists `dress` wrote last
  /** Write the two lists at a cell into the elements that stand for them. */
  function dress(found, layer, lane) {
    const key = `${drawn} ${layer} ${lane}`;
    if (key === dressed) return; // while a list is dragged, most moves of the pointer stay in one cell
    dressed = key;
    fill(ember, found, 0, layer, lane);
    fill(socket, found, 0, layer, lane);
    fill(out, found, 1, layer, lane);
  }
  /** Draw a dragged list at the pointer or, if it has `arrived`, in the right pipe or, if it is at `home`, in its own pipe, and a line
   * to it from the list's place in the left box. */
  function carry({ layer, lane }, event, arrived, home) {
    const origin = scene.getBoundingClientRect();
    const to = arrived ? centre(cells[layer][lane]) : home ? centre(dots[layer][lane]) : [event.clientX - origin.left, event.clientY - origin.top];
    const from = centre(dots[layer][lane]);
    dress(pair(), layer, lane);
    place(ember, to);
    place(socket, from);
    place(out, centre(cells[layer][lane]));
    scene.classList.toggle("arrived", arrived);
    line.setAttribute("d", `M${from}L${to}`);
    hint.replaceChildren(...(arrived ? ["let go"] : [make("span", "", home ? `layer ${layer} ` : "further "), "→"]));
    // The hint stands above the list, so that neither covers the other, and until the list has arrived, it stays out of the right box.
    const most = arrived ? Infinity : receiver.getBoundingClientRect().left - origin.left - hint.offsetWidth / 2 - 4;
    place(hint, [Math.min(to[0], most), to[1] - (ember.offsetHeight + hint.offsetHeight) / 2 - 4]);
  }
  receiver.addEventListener("keydown", (event) => {
    const found = pair();
    scene.classList.remove("by-hand");
    if (!found || !event.target.matches(".pt-grid")) return;
    const [layer, lane] = chosen(found) ?? [-1, 0];
    const last = found.values.length - 1;
    const lanes = found.values[0].length;
    const goes = {
      ArrowDown: [layer + 1, lane], ArrowUp: [layer - 1, lane], ArrowLeft: [layer, lane - 1], ArrowRight: [layer, lane + 1],
      Home: [0, lane], End: [last, lane], PageUp: [layer - 5, lane], PageDown: [layer + 5, lane], Escape: [-1, lane],
    }[event.key];
    if (!goes) return;
    event.preventDefault();
    const clamp = (value, most) => Math.max(0, Math.min(most, value));
    const next = event.key === "Escape" ? -1 : clamp(goes[0], last);
    choose({ layer: next, token: found.first + clamp(goes[1], lanes - 1) });
  });

  /**
   * Draw the pipe of a box, and below an exchanged list the part that has the other sentence's colour.
   * @param {"source" | "target"} which
   * @param {Pair} found
   * @param {number[] | null} cell [layer, lane] of the exchanged list
   * @param {boolean} flows whether to show the other colour running down from the list
   */
  function pipe(which, { values, answers }, cell, flows) {
    const svg = pipes[which];
    const { width, height } = svg.getBoundingClientRect();
    const lanes = values[0].length;
    const grid = svg.nextSibling;
    const left = grid.offsetLeft - svg.clientLeft;
    const across = (lane) => left + ((lane + 0.5) / lanes) * grid.clientWidth;
    const tall = svg.parentElement.clientHeight;
    const down = (layer) => grid.offsetTop + (layer / values.length) * grid.clientHeight;
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.replaceChildren();
    const draw = (className, d) => svg.appendChild(shape("path", { class: className, d, pathLength: 1 }));
    for (let lane = 0; lane < lanes; lane++) draw("rail", `M${across(lane)} 0V${tall}`);
    const last = lanes - 1;
    const end = tall + SPOUT;
    const [layer, at] = cell ?? [NaN, NaN];
    const from = cell ? down(layer + 0.5) : NaN;
    const moves = handover(values);
    const turned = Boolean(cell) && values[layer][at] > 0;
    let fresh;
    if (moves) {
      const [x, to, bend] = [across(0), across(last), down(moves)];
      const over = `V${bend - BEND}Q${x} ${bend} ${x + BEND} ${bend}H${to - BEND}Q${to} ${bend} ${to} ${bend + BEND}V${end}`;
      draw("pipe", `M${x} 0${over}`);
      if (turned) fresh = draw("pipe new", at ? `M${to} ${from}V${end}` : `M${x} ${from}${over}`);
    } else {
      // handover() found no layer, so there is no single pipe. Draw a strip for each token (lane) and layer (index) instead:
      // the larger the effect of exchanging this token's list after this layer, the wider the strip.
      const [base, goal] = [values.at(-1)[0], values.at(-1)[last]];
      const thick = parseFloat(getComputedStyle(scene).getPropertyValue("--pipe")) || 24;
      for (let lane = 0; lane < lanes; lane++) {
        values.forEach((row, index) => {
          const part = lane === last && index === values.length - 1 ? 1 : Math.max(0, Math.min(1, (row[lane] - base) / (goal - base)));
          const stop = index < values.length - 1 ? down(index + 1) + 0.7 : lane === last ? end : tall; // the strips overlap a little
          const strip = draw("pipe", `M${across(lane)} ${index ? down(index) : 0}V${stop}`);
          strip.style.strokeWidth = `${(thick * part).toFixed(1)}px`;
          strip.classList.toggle("new", lane === at && index >= layer && turned);
        });
      }
    }
    // If the exchanged list does not turn the answer, a thin line shows how far the list's effect reaches.
    if (cell && !turned) {
      const joins = at === last && layer < moves;
      draw("dead", `M${across(at)} ${from}V${joins ? down(moves) - 8 : tall - 14}${joins ? "" : "m-14 0h28"}`);
    }
    // A mark beside the lane for each list of the trace, in the colour of the answer that it gave.
    if (which === "target") {
      const wide = width > WIDE;
      /** Where the marks of a lane stand, inside the box even if the lane is narrow. */
      const sideOf = (lane) => {
        if (wide && (lane === 0 || lane === last)) return lane ? width - 26 : 12;
        return lane ? Math.min(across(lane) + MARGIN, width - 24) : Math.max(across(lane) - MARGIN - 14, 6);
      };
      for (const [place, turns] of trace) {
        const [row, lane] = place.split(" ").map(Number);
        const side = sideOf(lane);
        draw(`tried${turns ? " new" : ""}`, `M${side} ${down(row + 0.5)}h14`).style.strokeWidth = `${Math.max(3, grid.clientHeight / values.length - 2.5)}px`;
      }
      // Above the first mark of a lane stands what the marks are, where the carried list leaves room for the word.
      for (const lane of width > ROOMY ? new Set([0, last]) : []) {
        const top = values.findIndex((_, row) => trace.has(`${row} ${lane}`));
        if (top < 0) continue;
        const where = lane ? { x: sideOf(lane) + 14, "text-anchor": "end" } : { x: sideOf(lane) };
        svg.append(shape("text", { class: "heading", y: down(top) - 8, ...where }, "tried"));
      }
      // Beside a long run of marks stands the answer that these layers gave.
      for (const lane of wide ? new Set([0, last]) : []) {
        for (let row = 0, start = 0; row < values.length; row++) {
          const turns = trace.get(`${row} ${lane}`);
          if (turns !== trace.get(`${row - 1} ${lane}`)) start = row;
          if (turns === undefined || turns === trace.get(`${row + 1} ${lane}`) || row - start + 1 < NAMED) continue;
          // The carried list covers the marks beside it, so the answer's name stands above or below the list, inside the run.
          const [above, below] = [from - COVERED, from + COVERED];
          const [high, low] = [down(start) + 10, down(row + 1) - 10];
          const usual = down(start + 1.5);
          const y = at !== lane || usual < above || usual > below ? usual : above >= high ? above : below <= low ? below : NaN;
          if (!(y > 0)) continue;
          const where = lane ? { x: sideOf(lane) - 7, "text-anchor": "end" } : { x: sideOf(lane) + 21 };
          const words = bare(answers[turns ? 0 : 1]);
          svg.append(shape("text", { class: `named${turns ? " new" : ""}`, y, ...where }, words));
        }
      }
    }
    const arrow = draw("arrow", `M${across(last) - 20} ${end}h40l-20 17z`);
    arrow.classList.toggle("new", turned);
    if (!flows || !fresh) return;
    fresh.animate([{ strokeDashoffset: 1 }, { strokeDashoffset: 0 }], { duration: FLOW, easing: "ease-in" });
    arrow.animate([{ visibility: "hidden" }, { visibility: "hidden" }], { duration: FLOW });
  }

  /** Draw the pipes and the list `ember`. The list stands at `cell` in the right box or, if `cell` is null, in the left box. If
   * `flies` is true, the list moves from the left box to `cell`. */
  function arrange(found, cell, { flows = false, flies = false } = {}) {
    pipe("source", found, null, false);
    pipe("target", found, cell, flows);
    if (scene.classList.contains("carrying")) return;
    const { pieces, first, values } = found;
    const [layer, lane] = cell ?? offered(found);
    const from = centre(dots[layer][lane]);
    const to = centre(cells[layer][lane]);
    dress(found, layer, lane);
    place(ember, cell ? to : from);
    place(socket, from);
    // The list that had to go stands beside the pipe: on its right or, at the last token, on its left, inside the box.
    const last = values[0].length - 1;
    const side = lane < last ? 1 : -1;
    place(out, cell ? [to[0] + side * ((ember.offsetWidth + out.offsetWidth) / 2 + 10), to[1]] : to);
    named.hidden = Boolean(cell) || receiver.clientWidth < ROOMY || !out.querySelector(".pt-strip");
    place(named, [to[0] + out.offsetWidth / 2 + named.offsetWidth / 2 + 8, to[1]]);
    scene.classList.remove("arrived");
    scene.classList.toggle("tied", Boolean(cell));
    line.setAttribute("d", `M${from}L${to}`);
    const gap = axis.getBoundingClientRect();
    const moves = handover(values);
    const late = cell && lane === 0 && layer >= moves;
    next.hidden = !late;
    if (late) {
      fill(next, found, 0, layer, last);
      place(next, centre(dots[layer][last]));
    }
    if (cell) hint.textContent = `after layer ${layer}`;
    else hint.replaceChildren(make("span", "", "drag me across "), "→");
    place(hint, [gap.left + gap.width * (cell ? 0.62 : 0.5) - scene.getBoundingClientRect().left, from[1] - 18]);
    const grid = receiver.querySelector(".pt-grid");
    const top = grid.getBoundingClientRect().top - scene.getBoundingClientRect().top;
    axis.replaceChildren(
      ...[[0, 0.5], [moves, 0], [values.length - 1, 0.5]].filter(([at]) => at >= 0).map(([at, half]) => {
        const mark = make("span", at === moves ? "moves num" : "num");
        mark.append(make("i", "", "layer "), String(at));
        // What happens at this layer is told once a list is carried over, unless the words would lie on the line to the other box.
        if (at === moves && cell && layer <= moves - 2) mark.append(make("em", "", ` “${pieces[0].at(-1).trim()}” takes over`));
        let y = top + ((at + half) / values.length) * grid.clientHeight;
        // The number of the layer at which the pipe bends gives way to the line to the other box.
        if (at === moves && cell) {
          const below = y >= from[1];
          mark.classList.toggle("alone", below && y - from[1] < 2 * CLEAR);
          if (Math.abs(y - from[1]) < CLEAR) y = from[1] + (below ? CLEAR : -CLEAR);
        }
        mark.style.top = `${y - axis.offsetTop}px`;
        // The line to the other box would strike through it, or the words above this line would lie on it.
        const high = at === moves ? TALL_MARK : NEAR;
        mark.hidden = (at !== moves && Math.abs(y - from[1]) < NEAR) || (!cell && rests >= 0 && Math.abs(y - (from[1] - 9)) < high + 20);
        return mark;
      }),
    );
    const pace = { duration: 260, easing: "cubic-bezier(.2,.7,.2,1)" };
    if (flows) out.animate([{ transform: moveTo(to), opacity: 1 }, {}], pace);
    if (flies) ember.animate([{ transform: moveTo(from) }, { transform: moveTo(to) }], pace);
  }

  /** Write a word. If `fresh` is true, the old word stays for `wait` ms, and then the new letters turn into view one after another. */
  function spellOut(element, word, fresh, wait = 0) {
    const old = element.textContent;
    element.textContent = word;
    if (!fresh) return;
    const letters = [...word].map((letter) => make("span", "pt-letter", letter));
    element.replaceChildren(...letters);
    letters.forEach((letter, index) =>
      letter.animate([{ transform: "rotateX(90deg)", opacity: 0 }, { transform: "none", opacity: 1 }], { duration: 240, delay: wait + 40 * index, fill: "backwards", easing: "cubic-bezier(.2,.7,.2,1)" }),
    );
    if (!wait) return;
    const ghost = element.appendChild(make("span", "pt-old", old));
    ghost.setAttribute("aria-hidden", "true");
    ghost.animate([{ opacity: 1 }, { opacity: 1, offset: 0.8 }, { opacity: 0 }], { duration: wait }).finished.catch(() => {}).finally(() => ghost.remove());
  }

  /** The number of stored pairs if the answer turns at the same tokens and layers in all of them, otherwise 0. It is -1 until
   * alikeEverywhere() has compared the pairs. */
  let alikeCount = -1;
  function alikeEverywhere() {
    if (alikeCount >= 0) return alikeCount;
    const stored = Object.keys(data.pairs ?? {}).map((key) => key.split(" "));
    const where = new Set(stored.map(([from, into]) => storedPair(data, from, into).values.map((row) => row.map((value) => Number(value > 0))).join()));
    return (alikeCount = where.size === 1 ? stored.length : 0);
  }

  /** Say what happens if the list at `cell` is carried over. If `cell` is null, ask the visitor to carry a list over. */
  function lesson({ pieces, first, values, answers }, cell) {
    const [theirs, own] = pieces.map((all) => all.slice(first).map((piece) => `“${piece.trim()}”`));
    const moves = handover(values);
    const dragged = held && scene.classList.contains("carrying") ? held.lane : 0;
    const [rome, paris] = answers.map((answer) => `“${bare(answer)}”`);
    if (!cell) return `Drag ${theirs[dragged]} onto ${own[dragged]}: does ${paris} turn into ${rome}?`;
    const [layer, lane] = cell;
    if (moves && lane === 0) return layer < moves ? `It turns. And if you drop ${theirs[0]} below the bend?` : `Too late: from layer ${moves} on, only ${theirs.at(-1)} turns the answer. Carry that across.`;
    const alike = alikeEverywhere();
    if (moves && lane === own.length - 1) return layer < moves ? `Too early: before layer ${moves}, only ${theirs[0]} turns the answer.` : `It turns. The bend is at layer ${moves}${alike ? `, in all ${alike} pairs of countries` : ""}.`;
    const where = own.map((word, at) => ({ word, layers: values.flatMap((row, index) => (row[at] > 0 ? [index] : [])) })).filter(({ layers }) => layers.length);
    if (!where.length) return `No list from the left turns the answer into ${bare(answers[0])}.`;
    return `It turns ${where.map(({ word, layers }) => `${layers.length > 1 ? "after layers" : "after layer"} ${ranges(layers)} at ${word}`).join(", ")}.`;
  }

  let before = ""; // the pair and the cell that were drawn last
  const trace = new Map(); // from "layer lane" of each list of this pair that was carried over to whether the answer turned
  function update() {
    const found = pair();
    el.classList.toggle("waiting", !found && !problem);
    if (problem || !found) {
      moral.textContent = problem || "Computing…";
      if (!found && !problem) ask();
      return;
    }
    const { answers, values, first, pieces } = found;
    const [rome, paris] = answers.map(bare);
    const key = `${model.get("source")}|${model.get("target")}`;
    if (drawn !== key) {
      trace.clear();
      const focused = el.contains(document.activeElement) && document.activeElement.matches(".pt-grid");
      build(found);
      if (focused) receiver.querySelector(".pt-grid").focus({ preventScroll: true });
      values.forEach((row, layer) =>
        row.forEach((moved, lane) => {
          const [ahead, behind] = moved > 0 ? [rome, paris] : [paris, rome];
          cells[layer][lane].setAttribute("aria-label", `${pieces[1][first + lane].trim()}, layer ${layer}: ${ahead} ${times(moved)} times as likely as ${behind}`);
          cells[layer][lane].setAttribute("aria-selected", "false");
        }),
      );
    }
    const last = values.length - 1;
    const cell = chosen(found);
    // If nothing is carried over, take the value of an exchange that has no effect: that of the first token's list after the
    // last layer, because there the model reads only the last token's list.
    const value = cell ? values[cell[0]][cell[1]] : values[last][0];
    const turned = value > 0;

    const grid = receiver.querySelector(".pt-grid");
    for (const one of receiver.querySelectorAll("[aria-selected=true]")) one.setAttribute("aria-selected", "false");
    if (cell) {
      cells[cell[0]][cell[1]].setAttribute("aria-selected", "true");
      grid.setAttribute("aria-activedescendant", `${name}-${cell[0]}-${cell[1]}`);
    } else grid.removeAttribute("aria-activedescendant");

    if (cell) trace.set(cell.join(" "), turned);
    const dropped = Boolean(cell) && before === `${key} null`;
    before = `${key} ${cell}`;
    donor.querySelector(".pt-answer").textContent = rome;
    const answer = receiver.querySelector(".pt-answer");
    const says = turned ? rome : paris;
    const turns = Boolean(shown) && shown !== says && drawn === key && !still.matches;
    if (shown !== says || !answer.textContent) spellOut(answer, says, turns, turns && dropped ? FLOW : 0);
    shown = says;
    el.classList.toggle("turned", turned);
    const factor = receiver.querySelector(".pt-factor");
    if (turns && dropped) for (const part of [factor, moral]) part.animate([{ opacity: 0 }, { opacity: 0 }], { duration: FLOW });
    factor.textContent = `${times(value)} times as likely as ${turned ? paris : rome}`;
    moral.textContent = lesson(found, cell);
    walk.classList.toggle("gone", !cell);
    undo.classList.toggle("gone", !cell);
    walkWords.textContent = cell ? `after layer ${cell[0]}` : "";
    earlier.disabled = !cell || cell[0] === 0;
    later.disabled = !cell || cell[0] === last;
    drawn = key;
    const flows = dropped && !still.matches;
    arrange(found, cell, { flows, flies: flows && !held?.moved });
    speak(`${cell ? `The list of “${pieces[0][first + cell[1]].trim()}” after layer ${cell[0]}, put in the place of “${pieces[1][first + cell[1]].trim()}”.` : "No list is exchanged."} ${says} is ${times(value)} times as likely as ${turned ? paris : rome}. ${moral.textContent}`);
  }

  play.addEventListener("click", () => {
    const found = pair();
    if (!found) return;
    clearTimeout(clock);
    const [, lane] = chosen(found) ?? [0, 0];
    const token = found.first + lane;
    if (still.matches) {
      found.values.forEach((row, layer) => trace.set(`${layer} ${lane}`, row[lane] > 0));
      return keep({ layer: found.values.length - 1, token });
    }
    const step = (layer) => {
      keep({ layer, token });
      if (layer < found.values.length - 1) clock = setTimeout(step, STEP, layer + 1);
    };
    step(0);
  });
  const step = (by) => choose({ layer: model.get("layer") + by });
  earlier.addEventListener("click", () => step(-1));
  later.addEventListener("click", () => step(1));
  undo.addEventListener("click", () => {
    trace.clear();
    choose({ layer: -1 });
  });
  other.addEventListener("click", () => {
    const rest = countries.filter((country) => country !== model.get("source") && country !== model.get("target"));
    const draw = () => rest.splice(Math.floor(Math.random() * rest.length), 1)[0];
    choose({ source: draw(), target: draw(), layer: -1 });
  });

  const forget = onSize(scene, () => {
    const found = pair();
    if (found && drawn && !problem) arrange(found, chosen(found));
  });
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
    hush();
    forget();
    for (const key of chose) model.off(`change:${key}`, soon);
    model.off("change:said", listen);
  };
}

export default { render };
