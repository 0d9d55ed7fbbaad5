// A view of how many people can use a model at once, if each has a text whose key-value cache must stay in memory. It compares
// the ways in which attention heads can share keys and values. Each picture is the memory, filled with the caches of texts.
// cache.py describes the view's `data` {plans, memory}.
// The visitor chooses `plan` (a title), `tokens` and `memory` (in GB; by default the `memory` of the data). On a page of
// the website there is also `guess`, the visitor's guess of how many texts fit if no heads share (0 before the guess, -1 if
// the visitor skipped it). The buttons for the guess stand in the box in which the answer appears later.
import { adopt, announcer, asSlider, colour, glide, keeper, lots, make, onDrag, onTheme, radio, shape } from "./view.js";

const STOPS = Array.from({ length: 18 }, (_, power) => 2 ** power); // tokens, 1 to 131,072
const MEMORIES = [8, 16, 24, 80]; // GB
const GROWTH = 1.06; // while the view lets the text grow by itself, each step multiplies the text's length by this
const PACE = 60; // ms for each step while the text grows by itself; a step of a short text takes twice as long
const TRAVEL = 320; // ms for the change when the texts in a box get a new size
const MOST_CELLS = 6000; // the most squares drawn in a box; if more texts fit, a circle shows some of them enlarged
const LENS = 6; // how many times larger the squares in the circle are than those around it
const FINEST = 2; // px: the gaps between squares that are smaller than this are too fine to be seen
const THIN = 6; // px: a narrower strip of a text beside the memory is not drawn
const GAP = 0.25; // the gap between two small squares, as a part of the width of a square with its gap
const FACE = 15; // px: in a square at least as large there is a drawing of a person

const spell = (number) => number.toLocaleString("en-US");
const counted = (number, noun) => `${spell(number)} ${noun}${number === 1 ? "" : "s"}`;

/**
 * Bytes in decimal units, as course_utils/units.py writes them.
 * @param {number} count
 * @param {number} [decimals] decimals of a number below 100
 */
export function size(count, decimals = 1) {
  for (const [unit, each] of [["TB", 1e12], ["GB", 1e9], ["MB", 1e6], ["kB", 1e3]]) {
    if (count < 0.9995 * each) continue;
    const amount = count / each;
    return `${amount >= 99.95 ? spell(Math.round(amount)) : amount.toFixed(decimals)} ${unit}`;
  }
  return `${count} B`;
}

/**
 * The bytes of a text's keys and values, at 16 bits per number, if a layer has `count` key-value heads.
 * @param {{ perToken: number, window: number | null, keyValueHeads: number }} plan
 * @param {number} tokens
 * @param {number} [count] by default the published model's number of key-value heads
 */
export function cacheBytes(plan, tokens, count = plan.keyValueHeads) {
  const published = plan.perToken * Math.min(tokens, plan.window ?? tokens);
  return Math.floor((published * count) / plan.keyValueHeads);
}

/** All numbers of key-value heads among which `heads` can be divided evenly. */
export const evenShares = (heads) => Array.from({ length: heads }, (_, index) => index + 1).filter((count) => heads % count === 0);

/**
 * The grid that divides a box among `count` texts: [columns, rows, the share of the box's height that the grid fills].
 * `room` is the number of texts, not rounded, that would fill the box exactly. Cells are as square as possible.
 */
export function grid(count, room, aspect) {
  if (count < 1) return [1, 1, 1];
  const ideal = Math.max(1, Math.sqrt(room * aspect));
  let best = [Infinity, 1];
  for (let columns = 1; columns <= Math.min(count, Math.ceil(3 * ideal)); columns++) {
    const rows = Math.ceil(count / columns);
    const unused = rows * columns - count;
    const cost = Math.abs(Math.log(columns / ideal)) + (unused ? 0.1 + unused / columns / 4 : 0);
    if (cost < best[0]) best = [cost, columns];
  }
  const rows = Math.ceil(count / best[1]);
  return [best[1], rows, Math.min(1, (rows * best[1]) / room)];
}

/** A line of text, drawn as dashes of different lengths: the attribute `d` of a path in a box of 1000 by 40. */
function scribble() {
  const lengths = lots(7, 200);
  const rows = [10, 20, 30].map((y, row) => {
    let [x, d] = [6, ""];
    for (let word = 0; x < 985; word++) {
      const long = Math.min(6 + 22 * lengths[(word + 61 * row) % lengths.length], 994 - x);
      d += `M${x.toFixed(0)} ${y}h${long.toFixed(0)}`;
      x += long + 7;
    }
    return d;
  });
  return rows.join("");
}

export function render({ model, el }) {
  const { plans, memory: usual } = model.get("data");
  // The position of a text's length on the ruler, from 0 to 1. Each doubling of the length adds the same distance.
  const along = (tokens) => Math.log2(tokens) / Math.log2(STOPS.at(-1));

  const onPage = model.get("guess") !== undefined; // a lesson's view has no `guess`
  const kept = onPage ? "notes" : "keys"; // what heads share. The page says only at its foot what the notes are
  adopt(el, "ca");
  const take = make("p", "ca-take");
  const models = make("div", "ca-models");
  models.setAttribute("role", "radiogroup");
  models.setAttribute("aria-label", "Model");
  const memories = make("div", "ca-models");
  memories.setAttribute("role", "radiogroup");
  memories.setAttribute("aria-label", "Memory");
  const modelButtons = plans.map(({ title }) => {
    const button = models.appendChild(make("button", "", title));
    radio(button, () => modelButtons, (at) => {
      stop();
      keep({ plan: plans[at].title });
      modelButtons[at].focus();
    });
    return button;
  });

  const sizes = [...new Set([...MEMORIES, usual])].sort((one, other) => one - other);
  const memoryButtons = sizes.map((size) => {
    const button = memories.appendChild(make("button", "", `${size} GB`));
    radio(button, () => memoryButtons, (at) => {
      keep({ memory: sizes[at] });
      memoryButtons[at].focus();
    });
    return button;
  });

  // The visitor pulls the drawn text longer.
  const play = make("button", "ca-play", "▶ Let the text grow");
  const ruler = make("div", "ca-ruler");
  const rail = make("div", "ca-rail");
  const fill = rail.appendChild(shape("svg", { viewBox: "0 0 1000 40", preserveAspectRatio: "none", class: "ca-fill", "aria-hidden": "true" }));
  fill.append(shape("path", { d: scribble() }));
  const scale = make("span", "ca-scale", "each mark: ");
  if (onPage) rail.append(scale);
  scale.append(make("span", "ca-by-4", "4"), make("span", "ca-by-16", "16"), " times the text"); // a narrow view has fewer marks
  for (const tokens of STOPS) {
    const tick = rail.appendChild(make("span", "ca-tick num", tokens < 1024 ? String(tokens) : `${tokens / 1024}k`));
    tick.style.left = `${100 * along(tokens)}%`;
    if (Math.log2(tokens) % 2 === 0) tick.classList.add("second");
    if (Math.log2(tokens) % 4 === 0) tick.classList.add("fourth");
  }
  const handle = rail.appendChild(make("div", "ca-handle"));
  asSlider(handle, { label: "Tokens in the text", min: 1, max: STOPS.at(-1) });
  handle.append(make("i", "", "↔"), make("b"), make("span", "ca-hint", "pull me"));
  ruler.append(rail);
  const controls = make("div", "ca-controls");
  controls.append(play, ruler);

  // The buttons with which the visitor guesses, before the answer is shown, how many fit if no heads share
  const ask = make("div", "ca-ask");
  ask.setAttribute("role", "group");
  ask.setAttribute("aria-label", "Your guess: how many fit if no head shares");
  const board = make("div", "ca-board");
  const { live, speak, hush } = announcer();
  const choices = make("div", "ca-choices");
  choices.append(models, memories);
  const third = make("div", "ca-board ca-third");
  const more = make("details", "ca-more");
  const deep = make("div", "ca-deep");
  deep.append(third, choices);
  more.append(make("summary", "", "Another model, more memory, a third way"), deep);
  more.addEventListener("toggle", () => paint());
  el.append(take, board, controls, more, live);

  // The current state
  const plan = () => plans.find(({ title }) => title === model.get("plan")) ?? plans[0];
  const stopIndex = () => {
    const over = STOPS.findIndex((stop) => stop >= (model.get("tokens") ?? 1));
    return over < 0 ? STOPS.length - 1 : over;
  };
  let growing = 0; // the text's length in tokens while the view lets it grow by itself, otherwise 0
  const tokens = () => growing || STOPS[stopIndex()];
  /** The designs to compare: [name, number of key-value heads]. The first is the published model's, the second is without
   * sharing or, if in the published model no heads share, with groups that share. */
  function designs() {
    const { heads, keyValueHeads } = plan();
    const groups = evenShares(heads).filter((count) => count > 1 && count < heads);
    const middle = groups.includes(keyValueHeads) ? keyValueHeads : groups.filter((count) => count <= 8).at(-1);
    const all = [["multi-head", heads], ["grouped-query", middle], ["multi-query", 1]].filter(([, count]) => count);
    return [...all.filter(([, count]) => count === keyValueHeads), ...all.filter(([, count]) => count !== keyValueHeads)];
  }
  /** How a design's heads share, in words. */
  function how(count) {
    const { heads } = plan();
    if (count === heads) return `each of its ${heads} heads keeps its own`;
    return count === 1 ? `all its ${heads} heads share one set` : `its heads share ${kept}, ${heads / count} to a set`;
  }
  const gigabytes = () => (sizes.includes(model.get("memory")) ? model.get("memory") : usual);
  const fitting = (count) => Math.floor((gigabytes() * 1e9) / cacheBytes(plan(), tokens(), count));

  const keepState = keeper(model, update);
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  /** Whether the view still asks the visitor to guess how many texts fit without sharing. */
  const asking = () => model.get("guess") === 0 && plan().keyValueHeads < plan().heads;
  /** Store changes. On a page of the website, any change other than a guess also sets `guess` to -1, so that the view asks for no guess. */
  const keep = (changes) => keepState(onPage ? { guess: -1, ...changes } : changes);
  /** A sentence on what sharing does. */
  function sharing() {
    const { heads, keyValueHeads } = plan();
    const [, other] = designs();
    if (keyValueHeads === heads) return `In this model no head shares. If ${heads / other[1]} shared, about ${heads / other[1]} times as many people could use it.`;
    if (!fitting(keyValueHeads)) return `Even with sharing, one such text needs more than ${gigabytes()} GB.`;
    return `Without sharing, each text takes ${spell(Math.round(heads / keyValueHeads))} times the room.`;
  }
  function drawAsk() {
    if (!asking()) {
      ask.remove();
      take.textContent = `${model.get("guess") > 0 ? `You said ${spell(model.get("guess"))}. ` : ""}${sharing()}`;
      return;
    }
    take.textContent = `Each block: what ${plan().title} keeps of one person's text.`;
    const [fit, most] = [fitting(plan().keyValueHeads), fitting(plan().heads)];
    const offers = [Math.round(fit / 2), Math.round(fit / 5), most].sort((one, other) => other - one);
    ask.replaceChildren(
      make("b", "", "Your guess"),
      ...offers.map((offer) => {
        const button = make("button", "", spell(offer));
        button.addEventListener("click", () => {
          keep({ guess: offer });
          handle.focus({ preventScroll: true }); // move the focus to the handle, because the pressed button is gone now
        });
        return button;
      }),
    );
    cards[1].place.append(ask);
  }
  let cards = [];
  function build() {
    const list = designs();
    if (cards.length === list.length) return;
    board.replaceChildren();
    third.replaceChildren();
    cards = list.map((_, index) => {
      const card = (index < 2 ? board : third).appendChild(make("section", "ca-design"));
      const result = make("p", "ca-result");
      const words = make("p", "ca-how");
      const box = make("canvas", "ca-box");
      box.setAttribute("aria-hidden", "true");
      const place = make("div", "ca-place");
      place.append(box);
      const bytes = make("p", "ca-bytes");
      card.append(result, words, place, bytes);
      return { card, words, result, place, box, bytes };
    });
  }

  function update() {
    build();
    el.classList.toggle("growing", growing > 0);
    const now = tokens();
    const { keyValueHeads: published } = plan();
    const list = designs();
    list.forEach(([name, count], index) => {
      const { card, words, result, bytes } = cards[index];
      card.classList.toggle("published", count === published);
      const hidden = asking() && count !== published;
      const used = cacheBytes(plan(), now, count);
      const fit = fitting(count);
      card.classList.toggle("hidden", hidden);
      card.classList.toggle("none", !fit && !hidden);
      result.replaceChildren(make("b", "loud", hidden ? "?" : spell(fit)), make("span", "", fit === 1 && !hidden ? "person at once" : "people at once"));
      words.replaceChildren(count === published ? make("b", "", `${plan().title}:`) : "if", ` ${how(count)}`);
      if (index === 2) words.append(` (${name})`);
      bytes.replaceChildren(make("i"), `one text's ${onPage ? "notes" : "cache"}: `, make("b", "", size(used, 2)), ` of ${gigabytes()} GB`);
      if (fit > MOST_CELLS) bytes.append(make("span", "ca-many", `enlarged ${LENS} times`));
    });

    drawAsk();
    modelButtons.forEach((button, index) => {
      const on = plans[index] === plan();
      button.setAttribute("aria-checked", on);
      button.tabIndex = on ? 0 : -1;
    });
    memoryButtons.forEach((button, index) => {
      const on = sizes[index] === gigabytes();
      button.setAttribute("aria-checked", on);
      button.tabIndex = on ? 0 : -1;
    });
    const x = 100 * along(now);
    handle.style.left = `${x}%`;
    fill.style.clipPath = `inset(0 ${100 - x}% 0 0)`;
    handle.children[1].textContent = `a text of ${counted(now, "token")}`;
    handle.classList.toggle("last", x > 75);
    handle.classList.toggle("first", x < 20);
    rail.classList.toggle("far", x > 45);
    handle.setAttribute("aria-valuenow", String(now));
    const words = cards.filter(({ card }) => !card.classList.contains("hidden")).map(({ words, result }) => `${result.children[0].textContent} ${result.children[1].textContent}, ${words.textContent}`).join(", ");
    handle.setAttribute("aria-valuetext", `${counted(now, "token")}: ${words}`);
    speak(`${take.textContent} ${words}`);
    travel();
  }

  // There is a picture for each design. All pictures show the same memory, divided among the texts that fit. `rooms` has
  // for each picture the number of texts, not rounded, that fill it; the number glides while the picture changes.
  let tints = null;
  let rooms = [];
  let stopTravel = () => {};
  function travel() {
    stopTravel();
    const goal = designs().map(([, count]) => (gigabytes() * 1e9) / cacheBytes(plan(), tokens(), count));
    const from = rooms;
    const draw = (part) => {
      rooms = goal.map((room, index) => (part === 1 ? room : from[index] * (room / from[index]) ** part));
      paint();
    };
    if (from.length !== goal.length || still.matches || growing || el.classList.contains("dragging")) draw(1);
    else stopTravel = glide(TRAVEL, draw);
  }
  function paint() {
    tints ??= Object.fromEntries(["block", "ember", "paper"].map((name) => [name, `rgb(${colour(el, `--${name}`).join(" ")})`]));
    cards.forEach(({ card, box }, index) => rooms[index] && paintBox(box, rooms[index], card.classList.contains("hidden"), index));
  }
  /** Draw a person, in a square with its middle at (x, y). */
  function drawPerson(brush, x, y, side) {
    brush.beginPath();
    brush.arc(x, y - 0.17 * side, 0.17 * side, 0, 2 * Math.PI);
    brush.moveTo(x - 0.32 * side, y + 0.4 * side);
    brush.arc(x, y + 0.4 * side, 0.32 * side, Math.PI, 2 * Math.PI);
    brush.fill();
  }
  function paintBox(canvas, room, covered, index) {
    const { width, height } = canvas.getBoundingClientRect();
    if (!width) return;
    const ratio = Math.min(2, devicePixelRatio || 1);
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    if (covered) return;
    const brush = canvas.getContext("2d");
    brush.scale(ratio, ratio);
    const fit = Math.floor(room);
    if (!fit) {
      // One text is larger than the memory. Now the text fills the picture, and the memory is drawn inside it, to scale.
      const part = width * (1 - Math.sqrt(room)) < THIN ? 1 : Math.sqrt(room); // a sliver beside the memory would only look like a flaw
      const [wide, high] = [width * part, height * part];
      brush.fillStyle = tints.ember;
      brush.fillRect(0, 0, width, height);
      brush.fillStyle = tints.paper;
      brush.globalAlpha = 0.25;
      brush.fillRect(0, height - high, wide, high);
      brush.globalAlpha = 1;
      brush.lineWidth = 3;
      brush.strokeStyle = tints.paper;
      brush.strokeRect(1.5, height - high + 1.5, wide - 3, high - 3);
      const large = width > 250;
      brush.font = `700 ${large ? 20 : 16}px ${getComputedStyle(el).fontFamily}`;
      const inside = wide > (large ? 170 : 80) && high > 34;
      brush.fillText(`${large ? "memory: " : ""}${gigabytes()} GB`, inside ? 12 : wide + 8, height - 12);
      const right = height - high <= 40 && width - wide > (large ? 200 : 90); // there is room only beside the memory, not above it
      brush.textAlign = right ? "right" : "left";
      brush.fillText((large ? "one text: " : "text: ") + size(cacheBytes(plan(), tokens(), designs()[index][1])), right ? width - 12 : 12, large ? 32 : 26);
      return;
    }
    if (fit > MOST_CELLS) {
      // The texts are too small to draw one by one. The box has the gaps between their squares or, if these are too fine to be seen,
      // the mean darkness of squares and gaps. A circle shows some squares enlarged, in each box by the same factor.
      const tiny = Math.sqrt((width * height) / room); // px: the side of a square with its gap
      brush.fillStyle = tints.block;
      brush.globalAlpha = tiny < FINEST ? (1 - GAP) ** 2 : 1;
      brush.fillRect(0, 0, width, height);
      brush.globalAlpha = 1;
      if (tiny >= FINEST) {
        brush.fillStyle = tints.paper;
        for (let x = tiny * (1 - GAP); x < width; x += tiny) brush.fillRect(x, 0, tiny * GAP, height);
        for (let y = height - tiny; y > -tiny; y -= tiny) brush.fillRect(0, y, width, tiny * GAP);
      }
      const radius = 0.42 * Math.min(width, height);
      brush.beginPath();
      brush.arc(width / 2, height / 2, radius, 0, 2 * Math.PI);
      brush.fillStyle = tints.paper;
      brush.fill();
      brush.save();
      brush.clip();
      const side = tiny * LENS;
      const inner = side * (1 - GAP / 2);
      const reach = Math.ceil(radius / side);
      for (let row = -reach; row < reach; row++) {
        for (let column = -reach; column < reach; column++) {
          const [x, y] = [width / 2 + column * side, height / 2 + row * side];
          brush.fillStyle = row || column ? tints.block : tints.ember;
          brush.fillRect(x, y, inner, inner);
          brush.fillStyle = tints.paper;
          if (inner > FACE) drawPerson(brush, x + inner / 2, y + inner / 2, 0.8 * inner);
        }
      }
      brush.restore();
      brush.beginPath();
      brush.arc(width / 2, height / 2, radius, 0, 2 * Math.PI);
      brush.lineWidth = 4;
      brush.strokeStyle = tints.paper;
      brush.stroke();
      return;
    }
    const [across, down, part] = grid(fit, room, width / height);
    const [wide, high] = [width / across, (height * part) / down];
    const gap = Math.min(3, Math.min(wide, high) * GAP);
    const face = Math.min(wide, high) - gap;
    for (let cell = 0; cell < fit; cell++) {
      const [x, y] = [(cell % across) * wide, height - (Math.floor(cell / across) + 1) * high];
      brush.fillStyle = cell ? tints.block : tints.ember;
      brush.fillRect(x, y, wide - gap, high - gap);
      brush.fillStyle = tints.paper;
      if (face > FACE) drawPerson(brush, x + (wide - gap) / 2, y + (high - gap) / 2, Math.min(0.8 * face, 90));
    }
  }

  /** The length among STOPS that is nearest to the pointer on the ruler. */
  function fromPointer(event) {
    const box = rail.getBoundingClientRect();
    const at = (event.clientX - box.left) / box.width;
    return STOPS.reduce((best, stop) => (Math.abs(along(stop) - at) < Math.abs(along(best) - at) ? stop : best));
  }
  const begin = () => {
    stop();
    el.classList.add("known");
  };
  onDrag(el, handle, (event) => keep({ tokens: fromPointer(event) }), { ready: () => true, begin });
  rail.addEventListener("click", (event) => {
    if (handle.contains(event.target)) return;
    begin();
    keep({ tokens: fromPointer(event) });
  });
  handle.addEventListener("keydown", (event) => {
    const at = stopIndex();
    const goes = {
      ArrowRight: at + 1, ArrowUp: at + 1, ArrowLeft: at - 1, ArrowDown: at - 1,
      PageUp: at + 4, PageDown: at - 4, Home: 0, End: STOPS.length - 1,
    }[event.key];
    if (goes === undefined) return;
    event.preventDefault();
    begin();
    keep({ tokens: STOPS[Math.max(0, Math.min(STOPS.length - 1, goes))] });
  });

  let playing = 0;
  function stop() {
    clearTimeout(playing);
    playing = 0;
    play.textContent = "▶ Let the text grow";
    if (!growing) return;
    const reached = STOPS.find((stop) => stop >= growing);
    growing = 0;
    keep({ tokens: reached });
  }
  /** Let the text grow by one token or, once it is long, by a part of its length. */
  function tick() {
    growing = Math.min(STOPS.at(-1), Math.max(growing + 1, Math.round(growing * GROWTH)));
    if (growing === STOPS.at(-1)) return stop();
    update();
    playing = setTimeout(tick, growing < 30 ? 2 * PACE : PACE);
  }
  play.addEventListener("click", () => {
    if (playing) return stop();
    begin();
    growing = 1;
    keep({});
    play.textContent = "■ Stop";
    playing = setTimeout(tick, 500);
  });

  const watcher = new ResizeObserver(() => cards.length && paint());
  watcher.observe(board);
  watcher.observe(third);
  const endTheme = onTheme(el, () => {
    tints = null;
    paint();
  });
  const keys = ["plan", "tokens", "memory", "guess"];
  const changed = () => keepState.storing || update();
  for (const name of keys) model.on(`change:${name}`, changed);
  update();
  return () => {
    stop();
    stopTravel();
    hush();
    watcher.disconnect();
    endTheme();
    for (const name of keys) model.off(`change:${name}`, changed);
  };
}

export default { render };
