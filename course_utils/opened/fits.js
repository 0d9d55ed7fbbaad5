// Which model fits which machine, drawn to scale: a box has the area of the machine's memory, and each model fills as
// many such boxes as it needs.
// The view's `data` is {models, machines}, see fits.py.
// The visitor chooses `memory` (GB), `bits`, `context`, `batch`, `order` ("family" or "size") and `plan` (the title of the
// model whose needs are shown in detail).
import { adopt, announcer, glide, headline, keeper, make, onDrag, radio, shape } from "./view.js";

const BITS = [16, 8, 4];
const CONTEXT = Array.from({ length: 9 }, (_, index) => 512 * 2 ** index);
const BATCH = [1, 2, 4, 8, 16, 32, 64];
const REACH = Math.SQRT2; // a model's boxes together are at most this many times as wide or high as a square of the same area
const GHOST = 26; // pixels: if the machine's side is at most this, the machine is outlined around each model that fits
// GB: the arrow keys go from one of these values to the next.
const STEPS = [1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 80, 96, 128, 160, 192, 256, 320, 512, 640, 1024];

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
 * A sentence that says what would make a model fit: fewer bits, else one text at a time, else a shorter context.
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
  const families = [...new Set(models.map(({ family }) => family))];

  adopt(el, "ft");
  const { head, loud, loudWords } = headline("ft");

  // The machine: a square whose area is its memory
  const machine = make("div", "ft-machine");
  const shelf = machine.appendChild(shape("svg", { class: "ft-shelf" }));
  shelf.setAttribute("aria-hidden", "true");
  const giant = shelf.appendChild(shape("rect", { class: "giant" }));
  const outlines = machines.map(() => shelf.appendChild(shape("rect", { class: "outline" })));
  const square = shelf.appendChild(shape("rect", { class: "square" }));
  const giantText = machine.appendChild(make("p", "ft-giant"));
  const handle = machine.appendChild(make("div", "ft-handle"));
  handle.tabIndex = 0;
  handle.setAttribute("role", "slider");
  handle.setAttribute("aria-label", "Memory of your machine, in GB");
  handle.setAttribute("aria-valuemin", String(STEPS[0]));
  handle.setAttribute("aria-valuemax", String(STEPS.at(-1)));
  const size = make("b", "num");
  handle.append(make("i"), size, make("span", "ft-hint", "drag me"));

  const presets = radios("ft-presets", "Machine", machines.map(({ name, gigabytes: gb }) => [gb, `${gb} GB`, name]), (gb) => {
    begin();
    keep({ memory: gb });
  });
  const bitButtons = radios("ft-bits", "Bits of a weight", BITS.map((bits) => [bits, `${bits} bits`]), (bits) => keep({ bits }));
  const orderButtons = radios("ft-order", "Order", [["family", "by family"], ["size", "by size"]], (order) => keep({ order }));
  const context = slider("Text, in tokens", CONTEXT, "context");
  const batch = slider("Texts at once", BATCH, "batch");
  const detail = make("section", "ft-detail");
  detail.setAttribute("aria-label", "The chosen model");
  const detailTitle = make("p", "ft-title");
  const split = make("div", "ft-split");
  split.setAttribute("aria-hidden", "true");
  const [partWeights, partCache, partFree, mark] = ["weights", "cache", "free", "mark"].map((name) => split.appendChild(make("i", name)));
  const sum = make("p", "ft-sum");
  const advice = make("p", "ft-advice");
  detail.append(detailTitle, split, sum, advice);
  const controls = make("div", "ft-controls");
  controls.append(machine, presets.group, bitButtons.group, context.label, batch.label);
  const floor = make("div", "ft-floor");
  const legend = make("p", "ft-legend");
  legend.append(make("i", "box"), "a box: your machine ", make("i", "weights"), "weights that fit ", make("i", "cache"), "key-value cache ", make("i", "pale"), "weights that do not fit");
  const bar = make("div", "ft-bar");
  bar.append(orderButtons.group);
  const right = make("div", "ft-right");
  right.append(bar, floor, legend);
  const scene = make("div", "ft-scene");
  const left = make("div", "ft-left");
  left.append(controls, detail);
  scene.append(left, right);
  const { live, speak, hush } = announcer();
  el.append(head, scene, live);

  const tiles = models.map((one) => {
    const tile = make("button", "ft-tile");
    const picture = tile.appendChild(shape("svg"));
    picture.setAttribute("aria-hidden", "true");
    const paths = ["cache", "weights", "box", "ghost"].map((name) => picture.appendChild(shape("path", { class: name })));
    const name = tile.appendChild(make("span", "ft-name"));
    const amount = tile.appendChild(make("span", "ft-amount num"));
    tile.addEventListener("click", () => keep({ plan: one.title }));
    return { tile, picture, paths, name, amount };
  });

  function radios(className, label, choices, choose) {
    const group = make("div", className);
    group.setAttribute("role", "radiogroup");
    group.setAttribute("aria-label", label);
    const buttons = choices.map(([, text, small]) => {
      const button = group.appendChild(make("button", "", text));
      if (small) button.append(make("span", "", small));
      radio(button, () => buttons, (at) => choose(choices[at][0]));
      return button;
    });
    const mark = (value) => {
      const found = choices.findIndex(([each]) => each === value);
      buttons.forEach((button, index) => {
        button.setAttribute("aria-checked", index === found);
        button.tabIndex = index === Math.max(0, found) ? 0 : -1;
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
      input.setAttribute("aria-valuetext", `${spell(now)}`);
    };
    return { label, show };
  }

  // The visitor's choices now
  const memory = () => Math.max(STEPS[0], Math.min(STEPS.at(-1), model.get("memory") ?? 16));
  const one = (values, key, otherwise) => (values.includes(model.get(key)) ? model.get(key) : otherwise);
  const settings = () => ({ bits: one(BITS, "bits", 16), context: one(CONTEXT, "context", 2048), batch: one(BATCH, "batch", 1) });
  const order = () => one(["family", "size"], "order", "family");
  const chosen = () => Math.max(0, models.findIndex(({ title }) => title === model.get("plan")));
  const keep = keeper(model, () => update());

  // Areas and sides in pixels: `scale` is the area of a GB in square pixels
  let scale = 60;
  const side = (gb) => Math.sqrt(gb * scale);
  let shown = null; // the drawn values: the memory, and each model's weights and cache; they glide to the values of `target`
  let stopTravel = () => {};
  function target() {
    const { bits, context: tokens, batch: texts } = settings();
    return { memory: memory(), parts: models.map((each) => needs(each, bits, tokens, texts)) };
  }
  function travel() {
    stopTravel();
    const from = shown;
    const to = target();
    if (!from || still.matches || el.classList.contains("dragging")) {
      shown = to;
      return paint();
    }
    stopTravel = glide(280, (part) => {
      const mix = (a, b) => a + (b - a) * part;
      shown = part === 1 ? to : {
        memory: mix(from.memory, to.memory),
        parts: to.parts.map((end, index) => {
          const [weights, cache] = ["weights", "cache"].map((key) => mix(from.parts[index][key], end[key]));
          return { weights, cache, total: weights + cache };
        }),
      };
      paint();
    });
  }

  /** Draw the machine and all models with the values in `shown`. */
  function paint() {
    const room = shown.memory * 1e9;
    const box = side(shown.memory);
    const largest = Math.max(...shown.parts.map(({ total }) => total)) / 1e9;
    const wide = side(STEPS.at(-1)) + 2;
    machine.style.setProperty("--side", `${wide}px`);
    shelf.setAttribute("width", wide);
    shelf.setAttribute("height", wide);
    const place = (rect, gb) => {
      const length = Math.max(1, side(gb));
      for (const [key, value] of Object.entries({ x: 1, y: wide - length - 1, width: length, height: length })) rect.setAttribute(key, value);
    };
    place(giant, largest);
    machines.forEach(({ gigabytes: gb }, index) => place(outlines[index], gb));
    place(square, shown.memory);
    handle.style.transform = `translate(${box}px, ${wide - box}px)`;
    handle.classList.toggle("large", box > 0.8 * wide); // at a large box, the number of GB stands to the left of the handle

    shown.parts.forEach(({ weights, total }, index) => {
      const { tile, picture, paths } = tiles[index];
      // The room that a tile takes depends on its model alone, so that no tile moves while the machine is dragged.
      const reach = Math.max(GHOST, REACH * side(total / 1e9)) + 2;
      tile.style.setProperty("--reach", `${reach}px`);
      if (total <= room) {
        // The model fits: draw it as one square, inside an outline of the machine if the machine is small
        const own = side(total / 1e9);
        const low = (own * weights) / total;
        const outer = box <= GHOST ? box : own;
        const bar = (from, to) => `M0 ${outer - from}h${own}v${from - to}h${-own}z`;
        frame(picture, outer, outer);
        paths[0].setAttribute("d", bar(low, own));
        paths[1].setAttribute("d", bar(0, low));
        paths[2].setAttribute("d", bar(0, own));
        paths[3].setAttribute("d", box <= GHOST ? `M0 0h${box}v${box}h${-box}z` : "");
        return;
      }
      const boxes = Math.ceil(total / room - 1e-9);
      const columns = Math.round(Math.sqrt(boxes));
      const rows = Math.ceil(boxes / columns);
      const last = (total - (boxes - 1) * room) / room; // how much of the last box is filled: only this part is drawn
      const height = boxes % columns === 1 % columns ? (rows - 1 + last) * box : rows * box;
      const gap = box > 14 ? 2 : 1;
      let [drawCache, drawWeights, drawBoxes] = ["", "", ""];
      for (let at = 0; at < boxes; at++) {
        const x = (at % columns) * box;
        const bottom = height - Math.floor(at / columns) * box;
        const inner = box - gap;
        const level = (bytes) => Math.max(0, Math.min(1, (bytes - at * room) / room)) * inner;
        const [low, high] = [level(weights), level(total)];
        const bar = (from, to) => `M${x} ${bottom - from}h${inner}v${from - to}h${-inner}z`;
        drawBoxes += bar(0, at === boxes - 1 ? Math.max(1, high) : inner);
        if (low > 0) drawWeights += bar(0, Math.max(0.8, low));
        if (high > low) drawCache += bar(low, high);
      }
      frame(picture, columns * box, height);
      [drawCache, drawWeights, drawBoxes, ""].forEach((d, path) => paths[path].setAttribute("d", d));
    });
  }
  function frame(picture, width, height) {
    picture.setAttribute("width", width + 2);
    picture.setAttribute("height", height + 2);
    picture.setAttribute("viewBox", `-1 -1 ${width + 2} ${height + 2}`);
    picture.style.setProperty("--high", `${height + 2}px`);
  }

  let arranged = "";
  /** Group the tiles by family, or put the largest first. Each tile glides to its new position. */
  function arrange() {
    const bySize = order() === "size";
    const sizes = target().parts;
    const sequence = models.map((_, index) => index);
    if (bySize) sequence.sort((a, b) => sizes[b].total - sizes[a].total);
    const now = `${order()} ${bySize ? sequence : ""}`;
    if (now === arranged) return;
    const before = tiles.map(({ tile }) => (arranged ? tile.getBoundingClientRect() : null));
    const focused = document.activeElement;
    arranged = now;
    floor.classList.toggle("sized", bySize);
    if (bySize) floor.replaceChildren(...sequence.map((index) => tiles[index].tile));
    else {
      floor.replaceChildren(
        ...families.map((family) => {
          const group = make("section", "ft-family");
          group.append(make("h3", "", family));
          const row = group.appendChild(make("div"));
          row.append(...sequence.filter((index) => models[index].family === family).map((index) => tiles[index].tile));
          return group;
        }),
      );
    }
    models.forEach(({ title, family }, index) => {
      const short = !bySize && ["Whisper", "Stable Diffusion"].includes(family) ? title.replace(`${family} `, "") : title;
      tiles[index].name.textContent = short;
    });
    if (el.contains(focused)) focused.focus();
    if (still.matches) return;
    tiles.forEach(({ tile }, index) => {
      if (!before[index]) return;
      const box = tile.getBoundingClientRect();
      const [x, y] = [before[index].left - box.left, before[index].top - box.top];
      if (x || y) tile.animate([{ transform: `translate(${x}px, ${y}px)` }, { transform: "none" }], { duration: 300, easing: "cubic-bezier(.2,.7,.2,1)" });
    });
  }

  function update() {
    const { memory: gb, parts } = target();
    const room = gb * 1e9;
    const now = settings();
    const fitting = parts.filter(({ total }) => total <= room).length;
    loud.textContent = spell(fitting);
    const fewest = BITS.at(-1);
    const atFewest = models.filter((each) => needs(each, fewest, now.context, now.batch).total <= room).length;
    const instead = el.classList.contains("known") && now.bits !== fewest && atFewest > fitting ? `. At ${fewest} bits: ${atFewest}` : "";
    loudWords.textContent = ` of ${models.length} models fit in ${spell(gb)} GB, each on its own${instead}`;
    parts.forEach(({ total }, index) => {
      const { tile, amount } = tiles[index];
      const fits = total <= room;
      const boxes = Math.ceil(total / room);
      tile.classList.toggle("fits", fits);
      tile.setAttribute("aria-pressed", index === chosen());
      amount.textContent = gigabytes(total);
      tile.setAttribute("aria-label", `${models[index].title}: ${gigabytes(total)}, ${fits ? "fits" : `does not fit, ${spell(boxes)} such machines`}`);
    });
    const largest = parts.reduce((best, { total }, index) => (total > parts[best].total ? index : best), 0);
    const huge = parts[largest].total > STEPS.at(-1) * 1e9;
    machine.classList.toggle("huge", huge);
    giantText.textContent = `${models[largest].title}: ${gigabytes(parts[largest].total)}${huge ? ", too large to draw" : ""}`;
    size.textContent = `${spell(gb)} GB`;
    handle.setAttribute("aria-valuenow", String(gb));
    handle.setAttribute("aria-valuetext", `${spell(gb)} GB: ${fitting} of ${models.length} models fit`);
    presets.mark(gb);
    bitButtons.mark(now.bits);
    orderButtons.mark(order());
    context.show(now.context);
    batch.show(now.batch);

    const it = models[chosen()];
    const { weights, cache, total } = parts[chosen()];
    const most = Math.max(total, room);
    const fits = total <= room;
    detailTitle.replaceChildren(make("b", "", it.title), make("span", "num", gigabytes(total)));
    partWeights.style.width = `${(100 * weights) / most}%`;
    partCache.style.width = `${(100 * cache) / most}%`;
    partFree.style.width = fits ? `${(100 * (room - total)) / room}%` : "0";
    mark.style.left = `${(100 * room) / most}%`;
    const read = Math.min(now.context, it.limit ?? now.context);
    const limited = it.perToken && read < now.context ? `, at most ${spell(read)} tokens` : "";
    sum.textContent = `${gigabytes(weights)} of weights + ${it.perToken ? `${gigabytes(cache)} of cache${limited}` : "no cache"}`;
    const [says, more] = fits
      ? [`${gigabytes(room - total)} left`, "for working space, the system and other programs."]
      : [total < 2 * room ? `${gigabytes(total - room)} too much.` : `${spell(Math.ceil(total / room))} such machines.`, remedy(it, gb, now)];
    advice.replaceChildren(make("b", "", says), ` ${more}`);
    advice.classList.toggle("fits", fits);
    speak(`${loud.textContent}${loudWords.textContent}. ${it.title}: ${gigabytes(total)}. ${advice.textContent}`);
    arrange();
    travel();
  }

  // Drag the machine's corner
  function fromPointer(event) {
    const box = shelf.getBoundingClientRect();
    const length = Math.max(event.clientX - box.left, box.bottom - event.clientY, 1);
    const gb = length ** 2 / scale;
    const step = gb < 32 ? 1 : gb < 128 ? 2 : gb < 320 ? 8 : 16;
    return Math.max(STEPS[0], Math.min(STEPS.at(-1), Math.round(gb / step) * step));
  }
  const begin = () => el.classList.add("known");
  onDrag(el, handle, (event) => keep({ memory: fromPointer(event) }), { ready: () => true, begin });
  handle.addEventListener("keydown", (event) => {
    const above = STEPS.findIndex((gb) => gb > memory());
    const below = STEPS.findLastIndex((gb) => gb < memory());
    const goes = {
      ArrowRight: above, ArrowUp: above, ArrowLeft: below, ArrowDown: below,
      PageUp: above + 2, PageDown: below - 2, Home: 0, End: STEPS.length - 1,
    }[event.key];
    if (goes === undefined) return;
    event.preventDefault();
    begin();
    const up = ["ArrowRight", "ArrowUp", "PageUp"].includes(event.key);
    if (up && above < 0) return;
    keep({ memory: STEPS[Math.max(0, Math.min(STEPS.length - 1, goes))] });
  });

  const fit = () => {
    const { width } = el.getBoundingClientRect();
    const wanted = width < 620 ? 20 : 22; // at this scale all models are in sight
    if (wanted === scale || !width) return;
    scale = wanted;
    if (shown) paint();
  };
  const watcher = new ResizeObserver(fit);
  watcher.observe(el);
  fit();
  const keys = ["memory", "bits", "context", "batch", "order", "plan"];
  for (const key of keys) model.on(`change:${key}`, update);
  update();
  return () => {
    hush();
    stopTravel();
    watcher.disconnect();
    for (const key of keys) model.off(`change:${key}`, update);
  };
}

export default { render };
