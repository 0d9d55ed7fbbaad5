// This view shows which model fits in a machine's memory. The memory is a tray, and each model is a block of the tray's width.
// The heights of the tray and of all blocks are to scale: a block that stands above the tray's rim needs too much memory.
// The view's `data` is {models, machines}, see fits.py.
// The visitor chooses `memory` (GB), `bits`, `context`, `batch` and `plan` (the title of the model in the tray, or "" if the
// tray is empty).
import { adopt, announcer, asSlider, glide, headline, keeper, make, onDrag, onSize, radio } from "./view.js";

const BITS = [16, 8, 4];
const CONTEXT = Array.from({ length: 9 }, (_, index) => 512 * 2 ** index);
const BATCH = [1, 2, 4, 8, 16, 32, 64];
const SCALE = 16 / 32; // the bits that scales add for each weight: a GGUF file of type Q8_0 or Q4_0 has a scale of 16 bits for each block of 32 weights
const USUAL = { context: 2048, batch: 1 };
// The models whose blocks stand beside the tray. A narrow view has room for the last ones only.
const SHELF = ["Whisper large-v3", "Mistral 7B v0.1", "Stable Diffusion XL", "Llama 3 8B", "Falcon 40B"];
// Sizes of a machine's memory, in GB. An arrow key goes to the next of these sizes.
const STEPS = [1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 80, 96, 128, 160, 192, 256, 320, 512, 640, 1024];
// Parts of the picture's height. If the tray is lower than LOW or higher than HIGH, or the block in it higher than TOP, all is
// drawn to a new scale. The tray then is at most TRAY high, and blocks that need up to TALL times the memory are drawn whole.
const [LOW, TRAY, HIGH, TOP, TALL] = [0.3, 0.8, 0.86, 0.94, 2.2];
const FAR = 6; // px: a pointer that moves this far drags a block; otherwise it presses the block
const WALL = 5; // px: the width of the tray's walls
const PLAY = 4; // px between a wall and the block in the tray
const TRAVEL = 300; // ms for a change of sizes, or of the scale
const SEEN = 1.1; // if the scale is now this many times as large as at first, or more, a note says that all is drawn smaller

const spell = (number) => number.toLocaleString("en-US");
const gigabytes = (bytes) => (bytes < 0.9995e9 ? `${Math.round(bytes / 1e6)} MB` : bytes >= 99.95e9 ? `${spell(Math.round(bytes / 1e9))} GB` : `${(bytes / 1e9).toFixed(1)} GB`);

/**
 * The bytes of a model's weights and of its cache, as course_utils/blueprints counts them.
 * @param {{ parameters: number, perToken: number, fixed: number, window: number | null, limit: number | null }} model
 * @param {number} bits bits of a weight. A number of the cache has 32 bits if a weight has 32, otherwise 16
 * @param {number} context the number of tokens in each text
 * @param {number} batch the number of texts that are processed at once
 */
export function needs({ parameters, perToken, fixed, window, limit }, bits, context, batch) {
  const read = Math.min(context, limit ?? context, window ?? context);
  const weights = Math.ceil((parameters * bits) / 8);
  const cache = batch * (fixed + perToken * read) * (bits === 32 ? 2 : 1);
  return { weights, cache, total: weights + cache };
}

/**
 * A sentence that names one change that would make a model fit: fewer bits, else one text at a time, else a shorter context.
 * If none of these is enough, the sentence says so.
 * @returns {string}
 */
export function remedy(model, memory, { bits, context, batch }) {
  const room = memory * 1e9;
  const fits = (changes) => {
    const { bits: b, context: c, batch: n } = { bits, context, batch, ...changes };
    return needs(model, b, c, n).total <= room;
  };
  const fewer = BITS.find((one) => one < bits && fits({ bits: one }));
  if (fewer) return `At ${fewer} bits it would fit.`;
  if (batch > 1 && fits({ batch: 1 })) return "With one text at a time it would fit.";
  const shorter = [...CONTEXT].reverse().find((one) => one < context && fits({ context: one }));
  if (shorter) return `With ${spell(shorter)} tokens it would fit.`;
  if (bits === BITS.at(-1)) return "No switch here makes it fit.";
  return `Even at ${BITS.at(-1)} bits it needs ${gigabytes(needs(model, BITS.at(-1), context, batch).total)}.`;
}

export function render({ model, el }) {
  const { models, machines } = model.get("data");
  const still = matchMedia("(prefers-reduced-motion: reduce)");

  adopt(el, "ft");
  const { head, loud, loudWords } = headline("ft");
  const advice = make("p", "ft-advice");

  const stage = make("div", "ft-stage");
  const field = stage.appendChild(make("div", "ft-field"));
  const tray = field.appendChild(make("div", "ft-tray"));
  const free = field.appendChild(make("p", "ft-free"));
  const line = field.appendChild(make("div", "ft-line"));
  const lid = field.appendChild(make("div", "ft-lid")); // it lies on the tray if the model fits, and else askew on the model
  for (const part of [tray, free, line, lid]) part.setAttribute("aria-hidden", "true"); // the headline says the same
  const caption = stage.appendChild(make("p", "ft-caption"));
  const drawn = stage.appendChild(make("p", "ft-drawn")); // says that all blocks changed their size because the scale did
  drawn.setAttribute("aria-hidden", "true");

  // Each model on the shelf has a block. The last block is for a model from the list, which has no place on the shelf.
  const shelf = SHELF.map((title) => models.findIndex((each) => each.title === title));
  const blocks = [...shelf, -1].map((index) => {
    const ghost = field.appendChild(make("i", "ft-ghost"));
    const block = field.appendChild(make("button", "ft-block"));
    const words = make("span", "ft-words");
    const [slice, over] = [make("i", "ft-slice"), make("i", "ft-over")];
    const name = make("span", "ft-name");
    const amount = make("b");
    words.append(name, amount);
    block.append(slice, over, words);
    return { index, ghost, block, words, tall: 0, name, amount, slice, over };
  });
  const guest = blocks.at(-1);
  const handle = field.appendChild(make("div", "ft-handle"));
  asSlider(handle, { label: "Memory of your machine, in GB", min: STEPS[0], max: STEPS.at(-1) });
  handle.append(make("i", "", "↕"));

  const presets = radios("ft-presets", "Machine", machines.map(({ name, gigabytes: gb }) => [gb, `${gb} GB`, name]), (gb) => keep({ memory: gb }));
  const bitButtons = radios("ft-bits", "Bits of a weight", BITS.map((bits) => [bits, `${bits} bits`, "a weight"]), (bits) => keep({ bits }));
  const controls = make("div", "ft-controls");
  controls.append(presets.group, bitButtons.group);

  const all = make("details", "ft-more ft-all");
  const allWords = all.appendChild(make("summary"));
  const groups = [true, false].map((fits) => {
    const title = all.appendChild(make("p", "ft-count"));
    const list = all.appendChild(make("div", "ft-list"));
    return { fits, title, list };
  });
  const rows = models.map(({ title }) => {
    const row = make("button", "ft-row");
    const amount = make("span", "ft-amount");
    row.append(make("span", "", title), amount);
    row.addEventListener("click", () => {
      put(title);
      head.scrollIntoView({ block: "nearest", behavior: still.matches ? "auto" : "smooth" });
    });
    return { row, amount };
  });
  const context = slider("Text, in tokens", CONTEXT, "context");
  const batch = slider("Texts at once", BATCH, "batch");
  const sum = make("p", "ft-sum");
  const more = make("details", "ft-more");
  const sliders = make("div", "ft-sliders");
  sliders.append(context.label, batch.label);
  more.append(make("summary", "", "Longer texts, more at once"), sliders, sum);
  more.addEventListener("toggle", () => paint());
  all.addEventListener("toggle", () => all.open && all.scrollIntoView({ block: "nearest", behavior: still.matches ? "auto" : "smooth" }));
  const folds = make("div", "ft-folds");
  folds.append(more, all);
  const { live, speak, hush } = announcer();
  el.append(head, advice, stage, controls, folds, live);

  function radios(className, label, choices, choose) {
    const group = make("div", className);
    group.setAttribute("role", "radiogroup");
    group.setAttribute("aria-label", label);
    const buttons = choices.map(([, text, small]) => {
      const button = group.appendChild(make("button"));
      button.append(make("b", "", text), " ", make("span", "", small));
      radio(button, () => buttons, (at) => choose(choices[at][0]));
      return button;
    });
    const mark = (value, wanted) => {
      const found = choices.findIndex(([each]) => each === value);
      buttons.forEach((button, index) => {
        button.setAttribute("aria-checked", index === found);
        button.tabIndex = index === Math.max(0, found) ? 0 : -1;
        button.classList.toggle("wanted", choices[index][0] === wanted);
      });
    };
    return { group, mark };
  }
  function slider(text, values, name) {
    const label = make("label", "ft-slider");
    const input = make("input");
    Object.assign(input, { type: "range", min: 0, max: values.length - 1, step: 1 });
    const value = make("b", "num");
    label.append(make("span", "", text), value, input);
    input.addEventListener("input", () => keep({ [name]: values[input.value] }));
    const show = (now) => {
      input.value = String(values.indexOf(now));
      value.textContent = spell(now);
      input.setAttribute("aria-valuetext", spell(now));
    };
    return { label, show };
  }

  // The visitor's choices now
  const memory = () => Math.max(STEPS[0], Math.min(STEPS.at(-1), model.get("memory") ?? 16));
  const one = (values, key, otherwise) => (values.includes(model.get(key)) ? model.get(key) : otherwise);
  const settings = () => ({ bits: one(BITS, "bits", 16), context: one(CONTEXT, "context", USUAL.context), batch: one(BATCH, "batch", USUAL.batch) });
  const chosen = () => models.findIndex(({ title }) => title === model.get("plan")); // -1 if the tray is empty
  /** The model that a block stands for. -1 for the last block while its model is not in the tray. */
  const modelOf = (each) => (each !== guest ? each.index : shelf.includes(chosen()) ? -1 : chosen());
  const keep = keeper(model, () => update());
  /** Put a model's block into the tray. The block that stood there goes back to the shelf. */
  const put = (title) => {
    el.classList.add("known");
    keep({ plan: title });
  };

  let [wide, high] = [0, 0]; // px: the size of the field
  let places = null; // px: the width of a block, and the left edges of the tray's block and of those on the shelf
  function measure() {
    const shown = wide > 900 ? 5 : wide > 560 ? 4 : 3;
    const gap = wide > 900 ? 20 : wide > 560 ? 12 : 5;
    const aside = wide > 560 ? 3 * gap : 24; // px between the tray and the shelf: the room for the handle
    const width = Math.floor((wide - 2 * (WALL + PLAY) - aside - (shown - 1) * gap) / (shown + 1));
    const lefts = SHELF.map((_, at) => 2 * (WALL + PLAY) + width + aside + (at - (SHELF.length - shown)) * (width + gap));
    places = { width, lefts, hidden: SHELF.length - shown };
  }

  /** Note how tall the words on each block are. `paint` measures those of a block that is not seen yet. */
  function measureWords() {
    for (const each of blocks) {
      each.block.style.width = `${places.width}px`;
      each.tall = each.words.offsetHeight;
    }
  }

  let shown = null; // the drawn values: the scale (the GB that are as high as the picture), the memory, each model's bytes, and the bits of a weight
  let stopTravel = () => {};
  let begun = 0; // the first scale
  let pulling = false; // whether the visitor drags the rim
  let atPull = 0; // the scale when this drag began. It says how many GB the pointer points at, even if the scale changes meanwhile
  let placed = 0; // the memory at which the visitor let go of the rim. The picture keeps its scale, so that the rim stays there
  function scaleFor(gb, parts, bits) {
    if (gb !== placed) placed = 0;
    const now = shown?.scale ?? 0;
    const inTray = chosen() < 0 ? 0 : parts[chosen()].total / 1e9;
    if (pulling) return Math.max(now, gb / TOP);
    if (now && shown.bits === bits && (placed || (gb >= LOW * now && gb <= HIGH * now)) && inTray <= TOP * now) return now;
    const tall = SHELF.map((_, at) => parts[shelf[at]].total / 1e9).filter((each) => each <= TALL * gb);
    return Math.max(gb / TRAY, ...[...tall, inTray].map((each) => each / TOP));
  }
  /** Let the drawn values travel to the new ones. A larger picture of all (a smaller scale) comes only after the blocks have
   * their new sizes, so that a block that shrinks is seen to shrink. */
  function travel(to) {
    stopTravel();
    const from = shown;
    if (!from || still.matches || pulling) {
      shown = to;
      return paint();
    }
    const mix = (a, b, part) => a + (b - a) * part;
    const mixed = (start, part, scale) => ({
      scale,
      bits: to.bits,
      memory: mix(start.memory, to.memory, part),
      parts: to.parts.map((end, index) => ({ total: mix(start.parts[index].total, end.total, part), cache: mix(start.parts[index].cache, end.cache, part) })),
    });
    const later = to.scale < from.scale;
    stopTravel = glide(TRAVEL, (part) => {
      shown = mixed(from, part, later ? from.scale : mix(from.scale, to.scale, part));
      paint();
      if (part < 1 || !later) return;
      stopTravel = glide(TRAVEL, (zoom) => {
        shown = { ...to, scale: mix(from.scale, to.scale, zoom) };
        paint();
      });
    });
  }

  /** Draw the tray and all blocks with the values in `shown`. */
  function paint() {
    if (!wide || !shown) return;
    const height = (bytes) => (high * bytes) / 1e9 / shown.scale;
    const rim = height(shown.memory * 1e9);
    const { width } = places;
    const outer = width + 2 * (WALL + PLAY); // the tray's width with its walls
    Object.assign(tray.style, { width: `${outer}px`, height: `${rim + WALL}px` });
    Object.assign(line.style, { left: `${outer}px`, bottom: `${rim}px` });
    handle.style.transform = `translate(${outer}px, ${-rim}px)`;
    caption.style.width = `${outer}px`;
    const inTray = chosen();
    let standing = 0; // px: the height of the block in the tray, with the words above it
    blocks.forEach((each, at) => {
      const { block, ghost, words, slice, over } = each;
      const index = modelOf(each);
      const inside = index >= 0 && index === inTray;
      const shelved = each !== guest && at >= places.hidden; // whether the block has a place beside the tray
      block.classList.toggle("away", !inside && !shelved);
      ghost.classList.toggle("away", !inside || !shelved);
      if (index < 0) return;
      const { total, cache } = shown.parts[index];
      const whole = height(total);
      const seen = Math.max(2, Math.min(high, whole));
      Object.assign(block.style, { width: `${width}px`, height: `${seen}px`, left: `${inside ? WALL + PLAY : places.lefts[at]}px` });
      block.classList.toggle("inside", inside);
      block.classList.toggle("cut", whole > high);
      Object.assign(ghost.style, { width: `${width}px`, height: `${seen}px`, left: `${places.lefts[at] ?? 0}px` });
      slice.style.height = more.open ? `${Math.min(seen, height(cache))}px` : "0";
      each.tall ||= words.offsetHeight;
      const excess = inside ? Math.max(0, seen - rim) : 0;
      over.style.height = `${excess}px`;
      const covered = Math.min(excess, Math.max(0, each.tall + 12 - (seen - excess))); // px of this part that the words on the block take
      over.style.paddingBottom = `${covered}px`;
      over.textContent = excess - covered > 40 ? `${gigabytes(total - shown.memory * 1e9)} too much` : "";
      const low = seen < each.tall + 8; // there is no room for the words on the block: they stand above it
      block.classList.toggle("low", low);
      if (inside) standing = seen + (low ? each.tall : 0);
    });
    const empty = inTray < 0;
    const needed = empty ? 0 : shown.parts[inTray].total;
    lid.classList.toggle("away", empty);
    lid.classList.toggle("askew", needed > shown.memory * 1e9);
    Object.assign(lid.style, { width: `${outer + 10}px`, bottom: `${Math.max(rim, Math.min(high, height(needed)))}px` });
    const spare = Math.max(0, rim - standing);
    free.classList.toggle("empty", empty);
    free.textContent = empty ? "Drag a model in here" : `${gigabytes(Math.max(0, shown.memory * 1e9 - needed))} left`;
    Object.assign(free.style, { left: `${WALL + PLAY}px`, width: `${width}px`, bottom: `${standing}px`, height: `${spare}px` });
    free.classList.toggle("away", spare < (empty ? 0 : 44));
  }

  /** Move each block whose place has changed from where it was seen to its new place. */
  function carry(before) {
    if (!before || still.matches) return;
    blocks.forEach(({ block }, at) => {
      const [was, is] = [before[at], block.getBoundingClientRect()];
      if (!was.width || !is.width) return;
      const [x, y] = [was.left - is.left, was.bottom - is.bottom];
      if (Math.abs(x) + Math.abs(y) > 2) block.animate([{ transform: `translate(${x}px, ${y}px)` }, { transform: "none" }], { duration: TRAVEL, easing: "cubic-bezier(.3, .1, .3, 1)" });
    });
  }

  let arranged = "";
  /** Put the rows of the models that fit into the first list, and the others into the second, the largest models first. */
  function arrange(parts, room) {
    const sequence = models.map((_, index) => index).sort((a, b) => parts[b].total - parts[a].total);
    const lists = groups.map(({ fits }) => sequence.filter((index) => parts[index].total <= room === fits));
    if (arranged === JSON.stringify(lists)) return;
    arranged = JSON.stringify(lists);
    const focused = document.activeElement;
    groups.forEach(({ list }, at) => list.append(...lists[at].map((index) => rows[index].row)));
    if (el.contains(focused)) focused.focus({ preventScroll: true });
  }

  let held = null; // the block in the visitor's hand
  let last = null; // the model that was in the tray when the picture was last drawn
  function update() {
    const { bits, context: tokens, batch: texts } = settings();
    const gb = memory();
    const room = gb * 1e9;
    const parts = models.map((each) => needs(each, bits, tokens, texts));
    const at = chosen();
    const fitting = parts.filter(({ total }) => total <= room).length;
    const before = shown && wide && last !== at ? blocks.map(({ block }) => block.getBoundingClientRect()) : null;
    if (held) held.block.style.transform = "";
    last = at;

    parts.forEach(({ total }, index) => {
      const { row, amount } = rows[index];
      row.setAttribute("aria-pressed", index === at);
      amount.textContent = gigabytes(total);
      row.setAttribute("aria-label", described(index));
    });
    /** What a screen reader says of a model. */
    function described(index) {
      const { total } = parts[index];
      return `${models[index].title}: ${gigabytes(total)}, ${total <= room ? "fits" : `does not fit, ${spell(Math.ceil(total / room))} such machines`}`;
    }
    for (const each of blocks) {
      const index = modelOf(each);
      if (index < 0) continue;
      each.name.textContent = models[index].title;
      each.amount.textContent = gigabytes(parts[index].total);
      each.block.setAttribute("aria-label", described(index));
      each.block.setAttribute("aria-pressed", index === at);
    }

    if (places) measureWords();

    caption.textContent = `${spell(gb)} GB`;
    handle.setAttribute("aria-valuenow", String(gb));
    handle.setAttribute("aria-valuetext", `${spell(gb)} GB: ${fitting} of ${models.length} models fit`);
    presets.mark(gb);
    context.show(tokens);
    batch.show(texts);
    allWords.textContent = `All ${models.length} models: ${fitting} fit`;
    const counts = [`${fitting} fit in ${spell(gb)} GB, one at a time`, `${models.length - fitting} ${models.length - fitting === 1 ? "does" : "do"} not`];
    groups.forEach(({ title }, index) => (title.textContent = counts[index]));
    arrange(parts, room);

    let wanted; // the number of bits that would make the model fit
    el.classList.toggle("vacant", at < 0);
    if (at < 0) {
      loud.textContent = `${spell(gb)} GB`;
      loudWords.textContent = " of memory in your computer";
      advice.replaceChildren("Which of these models fits in?");
      sum.textContent = "";
    } else {
      const it = models[at];
      const { weights, cache, total } = parts[at];
      const fits = total <= room;
      loud.textContent = gigabytes(total);
      loudWords.textContent = ` needed, ${spell(gb)}\u00a0GB there`;
      const then = fits ? `${gigabytes(room - total)} left for working space, the system and other programs.` : remedy(it, gb, settings());
      if (!fits) wanted = Number(/^At (\d+) bits/.exec(then)?.[1]);
      advice.replaceChildren(make("b", "", fits ? "It fits." : `${gigabytes(total - room)} too much.`), ` ${then}`);
      const read = Math.min(tokens, it.limit ?? tokens);
      const limited = it.perToken && read < tokens ? ` of at most ${spell(read)} tokens` : "";
      const file = bits < 16 ? ` In a GGUF file (Q${bits}_0) each block of 32 weights also has a scale of 16 bits: at least ${gigabytes(needs(it, bits + SCALE, tokens, texts).weights)} of weights.` : "";
      sum.replaceChildren(`${it.title}: ${gigabytes(weights)} of weights, `, make("b", "", it.perToken ? `${gigabytes(cache)} of cache` : "no cache"), `${limited}.${file}`);
    }
    el.classList.toggle("fitting", at >= 0 && parts[at].total <= room);
    bitButtons.mark(bits, wanted);
    speak(`${loud.textContent}${loudWords.textContent}. ${at < 0 ? "" : `${models[at].title}: `}${advice.textContent}`);
    const scale = scaleFor(gb, parts, bits);
    begun ||= scale;
    drawn.textContent = scale > begun * SEEN ? "Drawn smaller than at first" : scale < begun / SEEN ? "Drawn larger than at first" : "";
    travel({ scale, memory: gb, parts, bits });
    carry(before);
  }

  // A block is dragged into the tray or out of it, or pressed.
  for (const each of blocks) {
    const { block } = each;
    const title = () => models[modelOf(each)].title;
    let from = null; // where the pointer took the block
    let far = false; // whether the pointer has dragged the block, so that the click that follows is no press
    const move = (event) => {
      const [x, y] = [event.clientX - from.x, event.clientY - from.y];
      far ||= Math.hypot(x, y) > FAR;
      if (far) block.style.transform = `translate(${x}px, ${y}px)`;
    };
    const begin = (event) => {
      from = { x: event.clientX, y: event.clientY };
      far = false;
      held = each;
      block.classList.add("held");
    };
    const end = () => {
      block.classList.remove("held");
      if (far) {
        const box = block.getBoundingClientRect();
        const over = (box.left + box.right) / 2 < field.getBoundingClientRect().left + 2 * places.width;
        const inside = model.get("plan") === title();
        if (over !== inside) put(over ? title() : "");
        else {
          const before = blocks.map((other) => other.block.getBoundingClientRect());
          block.style.transform = "";
          carry(before);
        }
      }
      held = null;
    };
    onDrag(el, block, move, { ready: () => true, begin, end });
    block.addEventListener("click", () => {
      if (!far) put(model.get("plan") === title() ? "" : title());
      far = false;
    });
  }

  /** The memory, in GB, of a machine whose rim is at the pointer. */
  function fromPointer(event) {
    const gb = (atPull * Math.max(0, field.getBoundingClientRect().bottom - event.clientY)) / high;
    const step = gb < 32 ? 1 : gb < 128 ? 2 : gb < 320 ? 8 : 16;
    return Math.max(STEPS[0], Math.min(STEPS.at(-1), Math.round(gb / step) * step));
  }
  const begin = () => {
    stopTravel();
    pulling = true;
    atPull = shown.scale;
  };
  const end = () => {
    pulling = false;
    placed = memory();
    update();
  };
  onDrag(el, handle, (event) => keep({ memory: fromPointer(event) }), { ready: () => true, begin, end });
  handle.addEventListener("keydown", (event) => {
    const above = STEPS.findIndex((gb) => gb > memory());
    const below = STEPS.findLastIndex((gb) => gb < memory());
    const goes = {
      ArrowRight: above, ArrowUp: above, ArrowLeft: below, ArrowDown: below,
      PageUp: above + 2, PageDown: below - 2, Home: 0, End: STEPS.length - 1,
    }[event.key];
    if (goes === undefined) return;
    event.preventDefault();
    const up = ["ArrowRight", "ArrowUp", "PageUp"].includes(event.key);
    if (up && above < 0) return;
    keep({ memory: STEPS[Math.max(0, Math.min(STEPS.length - 1, goes))] });
  });

  // The words on the blocks have their final heights only when the fonts are loaded.
  const endSize = onSize(field, () => {
    const { width, height } = field.getBoundingClientRect();
    if (!width) return;
    [wide, high] = [width, height];
    measure();
    measureWords();
    paint();
  });
  const keys = ["memory", "bits", "context", "batch", "plan"];
  const changed = () => keep.storing || update();
  for (const key of keys) model.on(`change:${key}`, changed);
  more.open = settings().context !== USUAL.context || settings().batch !== USUAL.batch;
  update();
  return () => {
    hush();
    stopTravel();
    endSize();
    for (const key of keys) model.off(`change:${key}`, changed);
  };
}

export default { render };
