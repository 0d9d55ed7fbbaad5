// A view of how many texts fit in a memory with their key-value caches, for each way in which attention heads can share
// keys and values.
// cache.py describes the view's `data` {plans, memory}.
// The visitor chooses `plan` (a title), `tokens` and `memory` (in GB; by default the `memory` of the data). On a page of
// the website there is also `guess`, the visitor's guess of how many texts fit if no heads share (0 before the guess, -1 if
// the visitor skipped it). The buttons for the guess stand in the box in which the answer appears later.
import { adopt, announcer, colour, glide, headline, keeper, make, onDrag, onTheme, radio, shape } from "./view.js";

const STOPS = Array.from({ length: 18 }, (_, power) => 2 ** power); // tokens, 1 to 131,072
const MEMORIES = [8, 16, 24, 80]; // GB
const GROWTH = 1.06; // while the view lets the text grow by itself, each step multiplies the text's length by this
const PACE = 60; // ms for each step while the text grows by itself; a step of a short text takes twice as long
const TRAVEL = 320; // ms for the change when the texts in a box get a new size
const MOST_CELLS = 6000; // the most squares drawn in a box; if more texts fit, a circle shows some of them enlarged
const GAP = 0.25; // the gap between two small squares, as a part of the width of a square with its gap
const ACROSS = { wide: 32, narrow: 16 }; // the number of squares in a row of the drawing of a text's keys, in a wide and in a narrow view

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

/** A drawing of what a text needs in each layer: a square for each of `count` keys. All drawings are as large, and so are all
 * squares, so that the tinted areas compare the rooms that the designs' texts take. The style sheet shows the drawing for the
 * view's width. */
function squares(count, most, width) {
  const across = ACROSS[width];
  const rows = Math.ceil(most / across);
  const drawing = shape("svg", { viewBox: `0 0 ${across} ${rows}`, class: `ca-squares ${width}`, "aria-hidden": "true" });
  const side = 1 - GAP;
  const d = Array.from({ length: count }, (_, at) => `M${at % across} ${rows - Math.floor(at / across) - side}h${side}v${side}h${-side}z`).join("");
  drawing.append(shape("path", { d }));
  return drawing;
}

export function render({ model, el }) {
  const { plans, memory: usual } = model.get("data");
  // The position of a text's length on the ruler, from 0 to 1. Each doubling of the length adds the same distance.
  const along = (tokens) => Math.log2(tokens) / Math.log2(STOPS.at(-1));

  const onPage = model.get("guess") !== undefined; // a lesson's view has no `guess`
  adopt(el, "ca");
  el.classList.toggle("on-page", onPage);
  const { head, loud, loudWords } = headline("ca");
  const take = make("p", "ca-take");
  const models = make("div", "ca-models");
  models.setAttribute("role", "radiogroup");
  models.setAttribute("aria-label", "Model");
  const memories = make("div", "ca-models ca-memories");
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

  // On the ruler, the visitor sets the text's length.
  const play = make("button", "ca-play", "▶ Let the text grow");
  const ruler = make("div", "ca-ruler");
  const rail = make("div", "ca-rail");
  const fill = rail.appendChild(make("i", "ca-fill"));
  for (const tokens of STOPS) {
    const tick = rail.appendChild(make("span", "ca-tick num", tokens < 1024 ? String(tokens) : `${tokens / 1024}k`));
    tick.style.left = `${100 * along(tokens)}%`;
    if (Math.log2(tokens) % 2 === 0) tick.classList.add("second");
    if (Math.log2(tokens) % 4 === 0) tick.classList.add("fourth");
  }
  const handle = rail.appendChild(make("div", "ca-handle"));
  handle.tabIndex = 0;
  handle.setAttribute("role", "slider");
  handle.setAttribute("aria-label", "Tokens in the text");
  handle.setAttribute("aria-valuemin", "1");
  handle.setAttribute("aria-valuemax", String(STOPS.at(-1)));
  handle.append(make("i"), make("b", "num"), make("span", "ca-hint", "drag me"));
  ruler.append(rail);
  const controls = make("div", "ca-controls");
  controls.append(play, ruler);

  // The buttons with which the visitor guesses, before the answer is shown, how many texts fit if no heads share
  const ask = make("div", "ca-ask");
  ask.setAttribute("role", "group");
  ask.setAttribute("aria-label", "Your guess: how many fit if no head shares");
  const board = make("div", "ca-board");
  const { live, speak, hush } = announcer();
  const choices = make("div", "ca-choices");
  choices.append(models, memories);
  const scene = make("div", "ca-scene");
  const more = make("details", "ca-more");
  more.open = !onPage;
  const terms = make("p", "ca-terms"); // on a page of the website, the texts about the designs stand here, in the fold `more`
  more.append(make("summary", "", "Another model, another memory"), choices, terms);
  scene.append(board, controls, more);
  el.append(head, take, scene, live);

  // The current state
  const plan = () => plans.find(({ title }) => title === model.get("plan")) ?? plans[0];
  const stopIndex = () => {
    const over = STOPS.findIndex((stop) => stop >= (model.get("tokens") ?? 1));
    return over < 0 ? STOPS.length - 1 : over;
  };
  let growing = 0; // the text's length in tokens while the view lets it grow by itself, otherwise 0
  const tokens = () => growing || STOPS[stopIndex()];
  /** The designs to compare: [how heads share keys, name, number of key-value heads]. */
  function designs() {
    const { heads, keyValueHeads } = plan();
    const groups = evenShares(heads).filter((count) => count > 1 && count < heads);
    const middle = groups.includes(keyValueHeads) ? keyValueHeads : groups.filter((count) => count <= 8).at(-1);
    const all = [["each its own", "multi-head", heads], ["groups share", "grouped-query", middle], ["all share one", "multi-query", 1]];
    const groupings = { "multi-head": "none share", "grouped-query": `${heads / middle} share`, "multi-query": `all ${heads} share` };
    return all.filter(([, , count]) => count).map(([words, name, count]) => [onPage ? groupings[name] : words, name, count]);
  }
  const gigabytes = () => (sizes.includes(model.get("memory")) ? model.get("memory") : usual);
  const fitting = (count) => Math.floor((gigabytes() * 1e9) / cacheBytes(plan(), tokens(), count));

  const keepState = keeper(model, update);
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  /** Whether the view still asks the visitor to guess how many texts fit without sharing. */
  const asking = () => model.get("guess") === 0 && plan().keyValueHeads < plan().heads;
  /** Store changes. On a page of the website, any change other than a guess also sets `guess` to -1, so that the view asks for no guess. */
  const keep = (changes) => keepState(onPage ? { guess: -1, ...changes } : changes);
  /** A sentence on what sharing does. `fit` texts fit in the memory in the published model, and `most` texts if no heads share. */
  function sharing(fit, most) {
    const { heads, keyValueHeads } = plan();
    if (keyValueHeads === heads) return "In this model no head shares.";
    if (!fit) return "Even with sharing, no such text fits.";
    const room = `each text takes ${spell(Math.round(heads / keyValueHeads))} times the room`;
    return most ? `If none share, only ${spell(most)} fit${most === 1 ? "s" : ""}: ${room}.` : `If none share, no such text fits: ${room}.`;
  }
  function drawAsk() {
    const { heads, keyValueHeads } = plan();
    const [fit, most] = [fitting(keyValueHeads), fitting(heads)];
    if (!asking()) {
      ask.remove();
      take.textContent = `${model.get("guess") > 0 ? `You said ${spell(model.get("guess"))}. ` : ""}${sharing(fit, most)}`;
      return;
    }
    take.textContent = `Now ${keyValueHeads === 1 ? "all " : ""}${heads / keyValueHeads} heads share their notes. How many texts fit if each head has its own?`;
    const offers = [Math.round(fit / 2), Math.round(fit / 5), most].sort((one, other) => other - one);
    ask.replaceChildren(
      make("b", "", "Your guess"),
      ...offers.map((offer) => {
        const button = make("button", "", counted(offer, "text"));
        button.addEventListener("click", () => {
          keep({ guess: offer });
          handle.focus({ preventScroll: true }); // move the focus to the handle, because the pressed button is gone now
        });
        return button;
      }),
    );
    cards[0].place.append(ask);
  }
  let cards = [];
  function build() {
    const list = designs();
    if (cards.length === list.length) return;
    board.replaceChildren();
    terms.replaceChildren();
    cards = list.map(([, name]) => {
      const card = board.appendChild(make("section", "ca-design"));
      const title = make("h3");
      const about = make(onPage ? "span" : "p", "ca-about");
      const line = make("div", "ca-line");
      line.append(title);
      (onPage ? terms : line).append(about);
      const drawn = make("div", "ca-drawn");
      const result = make("p", "ca-result");
      const box = make("canvas", "ca-box");
      box.setAttribute("aria-hidden", "true");
      const place = make("div", "ca-place");
      place.append(box);
      const bytes = make("p", "ca-bytes");
      card.append(line, drawn, bytes, result, place);
      return { card, name, title, about, drawn, result, place, box, bytes };
    });
  }

  function update() {
    build();
    el.classList.toggle("growing", growing > 0);
    const now = tokens();
    const { keyValueHeads: published, heads } = plan();
    designs().forEach(([words, name, count], index) => {
      const { card, title, about, drawn, result, bytes } = cards[index];
      title.textContent = words;
      const design = `${heads} ${count}`;
      if (drawn.dataset.design !== design) drawn.replaceChildren(...Object.keys(ACROSS).map((width) => squares(count, heads, width)));
      drawn.dataset.design = design;
      card.classList.toggle("published", count === published);
      if (count === published) title.append(make("small", "", plan().title));
      about.replaceChildren(`${spell(heads)} heads, ${counted(count, "key")}`, make("span", "", name));
      const hidden = asking() && count !== published;
      card.classList.toggle("hidden", hidden);
      const used = cacheBytes(plan(), now, count);
      const fit = fitting(count);
      result.replaceChildren(make("b", "num", spell(fit)), fit === 1 ? " text fits" : " texts fit");
      if (fit > MOST_CELLS) result.append(make("span", "ca-many", "enlarged"));
      card.classList.toggle("none", !fit && !hidden);
      const sets = onPage && !asking(); // until the guess, fewer words
      bytes.replaceChildren(sets ? `one text: ${counted(count, "set")} of notes` : "one text");
      if (!hidden) bytes.append(sets ? ", " : ": ", make("b", "num", size(used, 2)));
    });

    const fit = fitting(published);
    loud.textContent = fit ? spell(fit) : "No";
    loudWords.textContent = ` text${fit > 1 ? "s" : ""} of ${counted(now, "token")} fit${fit > 1 ? "" : "s"} in ${gigabytes()} GB`;
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
    fill.style.width = `${x}%`;
    handle.children[1].textContent = counted(now, "token");
    handle.classList.toggle("last", x > 80);
    handle.classList.toggle("first", x < 12);
    handle.setAttribute("aria-valuenow", String(now));
    const words = cards.filter(({ card }) => !card.classList.contains("hidden")).map(({ name, result }) => `${name} ${result.textContent}`).join(", ");
    handle.setAttribute("aria-valuetext", `${counted(now, "token")}: ${words}`);
    speak(`${loud.textContent}${loudWords.textContent}. ${take.textContent} ${words}`);
    travel();
  }

  // There is a picture for each design. All pictures show the same memory, divided among the texts that fit. `rooms` has
  // for each picture the number of texts, not rounded, that fill it; the number glides while the picture changes.
  let tints = null;
  let rooms = [];
  let stopTravel = () => {};
  function travel() {
    stopTravel();
    const goal = designs().map(([, , count]) => (gigabytes() * 1e9) / cacheBytes(plan(), tokens(), count));
    const from = rooms;
    const draw = (part) => {
      rooms = goal.map((room, index) => (part === 1 ? room : from[index] * (room / from[index]) ** part));
      paint();
    };
    if (from.length !== goal.length || still.matches || growing || el.classList.contains("dragging")) draw(1);
    else stopTravel = glide(TRAVEL, draw);
  }
  function paint() {
    tints ??= Object.fromEntries(["ink", "ember", "paper"].map((name) => [name, `rgb(${colour(el, `--${name}`).join(" ")})`]));
    cards.forEach(({ card, box }, index) => rooms[index] && paintBox(box, rooms[index], card.classList.contains("hidden")));
  }
  function paintBox(canvas, room, covered) {
    const { width, height } = canvas.getBoundingClientRect();
    const ratio = Math.min(2, devicePixelRatio || 1);
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const brush = canvas.getContext("2d");
    brush.scale(ratio, ratio);
    if (covered) {
      if (canvas.parentElement.contains(ask)) return;
      brush.globalAlpha = 0.35;
      brush.fillStyle = tints.ink;
      brush.font = `700 48px ${getComputedStyle(el).fontFamily}`;
      brush.textAlign = "center";
      brush.fillText("?", width / 2, height / 2 + 17);
      return;
    }
    const fit = Math.floor(room);
    if (!fit) {
      // One text is larger than the memory: the text fills the picture and, by the style sheet, sticks out of its frame.
      brush.fillStyle = tints.ember;
      brush.fillRect(0, 0, width, height);
      brush.fillStyle = tints.paper;
      brush.font = `700 ${width < 150 ? 18 : 28}px ${getComputedStyle(el).fontFamily}`;
      brush.textAlign = "center";
      brush.fillText("too large", width / 2, height / 2 + 9, width - 8);
      return;
    }
    if (fit > MOST_CELLS) {
      // The texts are too small to draw one by one. The box gets the mean darkness of squares and gaps, and a circle shows
      // some squares enlarged.
      brush.fillStyle = tints.ink;
      brush.globalAlpha = (1 - GAP) ** 2;
      brush.fillRect(0, 0, width, height);
      brush.globalAlpha = 1;
      const radius = 0.36 * Math.min(width, height);
      brush.beginPath();
      brush.arc(width / 2, height / 2, radius, 0, 2 * Math.PI);
      brush.fillStyle = tints.paper;
      brush.fill();
      brush.save();
      brush.clip();
      const side = radius / 3.5;
      for (let row = -4; row < 4; row++) {
        for (let column = -4; column < 4; column++) {
          brush.fillStyle = row || column ? tints.ink : tints.ember;
          brush.fillRect(width / 2 + column * side, height / 2 + row * side, side * (1 - GAP), side * (1 - GAP));
        }
      }
      brush.restore();
      brush.lineWidth = 3;
      brush.strokeStyle = tints.paper;
      brush.stroke();
      return;
    }
    const [across, down, part] = grid(fit, room, width / height);
    const [wide, high] = [width / across, (height * part) / down];
    const gap = Math.min(2, Math.min(wide, high) * GAP);
    for (let cell = 0; cell < fit; cell++) {
      brush.fillStyle = cell ? tints.ink : tints.ember;
      brush.fillRect((cell % across) * wide, height - (Math.floor(cell / across) + 1) * high, wide - gap, high - gap);
    }
    if (wide > 80 && high > 30) {
      brush.fillStyle = tints.paper;
      brush.font = `600 15px ${getComputedStyle(el).fontFamily}`;
      brush.fillText("one text", 10, height - high + 22);
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
