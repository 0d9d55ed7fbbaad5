// This view shows which model fits which machine. The machine and all models are drawn to scale, as squares with one corner
// in common. The area of the machine's square is its memory, and a model that fits lies inside it. The scale follows the machine:
// a machine whose square would be small, or would leave the picture, is drawn to another scale once its corner is let go.
// The view's `data` is {models, machines}, see fits.py.
// The visitor chooses `memory` (GB), `bits`, `context`, `batch` and `plan` (the title of the
// model whose needs are shown in detail).
import { adopt, announcer, glide, headline, keeper, make, onDrag, radio, shape } from "./view.js";

const BITS = [16, 8, 4];
const CONTEXT = Array.from({ length: 9 }, (_, index) => 512 * 2 ** index);
const BATCH = [1, 2, 4, 8, 16, 32, 64];
const BAND = 17; // px: the least distance between the upper edges of two squares that leaves room for a name
const SCALE = 16 / 32; // the bits that scales add for each weight: a GGUF file of type Q8_0 or Q4_0 has a scale of 16 bits for each block of 32 weights
// Shares of the picture's side. If the machine's square has a share below SMALL or above LARGE, it is drawn to a new scale, with
// MIDDLE as its share. While its corner is dragged, only a share above MOST changes the scale, so that the corner stays inside.
const [SMALL, MIDDLE, LARGE, MOST] = [0.3, 0.55, 0.9, 0.94];
const TAG = 32; // px from the middle of the handle to the number of GB beside it
const LETTER = 7; // px: about the width of a letter of a name in the drawing
// Sizes of a machine's memory, in GB. An arrow key goes to the next of these sizes.
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

  // The drawing has a square for the machine, and a square for each model.
  const stage = make("div", "ft-stage");
  const drawing = stage.appendChild(shape("svg"));
  drawing.setAttribute("aria-hidden", "true"); // the list has the same facts
  const square = drawing.appendChild(shape("rect", { class: "machine" }));
  const squares = models.map(() => drawing.appendChild(shape("rect", { class: "model" })));
  const edge = drawing.appendChild(shape("rect", { class: "edge" }));
  const names = models.map(({ title }) => {
    const name = stage.appendChild(make("span", "ft-label", title));
    name.setAttribute("aria-hidden", "true");
    return name;
  });
  const beyond = stage.appendChild(make("p", "ft-beyond"));
  const handle = stage.appendChild(make("div", "ft-handle"));
  handle.tabIndex = 0;
  handle.setAttribute("role", "slider");
  handle.setAttribute("aria-label", "Memory of your machine, in GB");
  handle.setAttribute("aria-valuemin", String(STEPS[0]));
  handle.setAttribute("aria-valuemax", String(STEPS.at(-1)));
  const tag = make("span", "ft-tag");
  const size = tag.appendChild(make("b"));
  tag.append(make("span", "ft-hint", " drag me"));
  handle.append(make("i"), tag);

  // The list begins with the largest model. A line separates the models that fit from those that don't.
  const list = make("div", "ft-list");
  const cut = list.appendChild(make("p", "ft-cut"));
  cut.setAttribute("aria-hidden", "true");
  const rows = models.map(({ title }, index) => {
    const row = make("button", "ft-row");
    const amount = make("span", "ft-amount");
    row.append(make("i"), make("span", "ft-name", title), amount);
    row.addEventListener("click", () => {
      el.classList.add("asked"); // on a phone the details then stay at the foot of the screen, below the list
      keep({ plan: title });
    });
    for (const [event, on] of [["pointerenter", true], ["pointerleave", false]]) {
      row.addEventListener(event, () => squares[index].classList.toggle("pointed", on));
    }
    return { row, amount };
  });

  const presets = radios("ft-presets", "Machine", machines.map(({ name, gigabytes: gb }) => [gb, `${gb} GB`, name]), (gb) => {
    begin();
    keep({ memory: gb });
  });
  const bitButtons = radios("ft-bits", "Bits of a weight", BITS.map((bits) => [bits, `${bits} bits`]), (bits) => keep({ bits }));
  const context = slider("Text, in tokens", CONTEXT, "context");
  const batch = slider("Texts at once", BATCH, "batch");
  const more = make("details", "ft-more");
  more.append(make("summary", "", "Longer texts, more at once"), context.label, batch.label);
  const detail = make("section", "ft-detail");
  detail.setAttribute("aria-label", "The chosen model");
  const detailTitle = make("p", "ft-title");
  const split = make("div", "ft-split");
  split.setAttribute("aria-hidden", "true");
  const [partWeights, partCache, partFree, mark] = ["weights", "cache", "free", "mark"].map((name) => split.appendChild(make("i", name)));
  const sum = make("p", "ft-sum");
  const advice = make("p", "ft-advice");
  const file = make("p", "ft-file");
  detail.append(detailTitle, split, sum, advice, file);
  const controls = make("div", "ft-controls");
  controls.append(presets.group, bitButtons.group);
  const scene = make("div", "ft-scene");
  scene.append(head, stage, list, controls, detail, more);
  const { live, speak, hush } = announcer();
  el.append(scene, live);

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
  const chosen = () => Math.max(0, models.findIndex(({ title }) => title === model.get("plan")));
  const keep = keeper(model, () => update());

  let tagWidth = 0; // px: the width of the number of GB beside the handle
  let wide = 0; // px: the width of the drawing
  let scale = 0; // GB: the size of a square that fills the picture
  const side = (gb) => wide * Math.sqrt(gb / shown.scale);
  let shown = null; // the drawn values: the scale, the memory, and each model's bytes; they glide to the values of `target`
  let stopTravel = () => {};
  function target() {
    const { bits, context: tokens, batch: texts } = settings();
    const share = Math.sqrt(memory() / scale);
    const most = STEPS.at(-1);
    const dragged = el.classList.contains("dragging");
    if (dragged && share > MOST) scale = Math.min(most, memory() / MOST ** 2);
    else if (!dragged && (!scale || share < SMALL || (share > LARGE && scale < most))) scale = Math.min(most, memory() / MIDDLE ** 2);
    return { scale, memory: memory(), parts: models.map((each) => needs(each, bits, tokens, texts)) };
  }
  function travel(to) {
    stopTravel();
    const from = shown;
    if (!from || still.matches || el.classList.contains("dragging")) {
      shown = to;
      return paint();
    }
    stopTravel = glide(400, (part) => {
      const mix = (a, b) => a + (b - a) * part;
      const parts = to.parts.map((end, index) => ({ total: mix(from.parts[index].total, end.total) }));
      shown = part === 1 ? to : { scale: mix(from.scale, to.scale), memory: mix(from.memory, to.memory), parts };
      paint();
    });
  }

  /** Draw the machine and all models with the values in `shown`. */
  function paint() {
    if (!wide || !shown) return;
    const room = shown.memory * 1e9;
    const box = side(shown.memory);
    const place = (rect, length) => {
      for (const [key, value] of Object.entries({ x: 0, y: wide - length, width: length, height: length })) rect.setAttribute(key, value);
    };
    place(square, box);
    place(edge, box);
    handle.style.transform = `translate(${box}px, ${wide - box}px)`;
    const large = box + TAG + tagWidth > wide;
    handle.classList.toggle("large", large); // if there is too little room right of the handle, the number of GB stands to its left
    const sides = shown.parts.map(({ total }) => side(total / 1e9));
    shown.parts.forEach(({ total }, index) => {
      place(squares[index], sides[index]);
      squares[index].classList.toggle("fits", total <= room);
      squares[index].classList.toggle("away", sides[index] > wide);
    });
    const falling = models.map((_, index) => index).sort((a, b) => sides[b] - sides[a]);
    const outside = sides.filter((length) => length > wide).length;
    beyond.textContent = outside ? `${outside} larger than this picture ↗` : "";
    // The name of a square stands below the square's upper edge, if the next edge below leaves room for the name.
    falling.forEach((index, rank) => {
      const next = Math.max(sides[falling[rank + 1]] ?? 0, box < sides[index] ? box : 0);
      const long = 12 + LETTER * models[index].title.length;
      const inside = box - sides[index]; // px from the machine's upper edge down to the square's
      const covered = (Math.abs(inside + 10) < 26 && long > box - 26) || (large && inside >= 0 && inside < 36 && long > box - TAG - 20 - tagWidth); // the handle or its tag would cover the name
      const has = sides[index] <= wide && sides[index] - next >= BAND && sides[index] > long && !covered;
      names[index].classList.toggle("away", !has);
      names[index].classList.toggle("fits", shown.parts[index].total <= room);
      if (has) names[index].style.transform = `translateY(${wide - sides[index]}px)`;
    });
  }

  let arranged = "";
  /** Put the rows in the order of their models' sizes, the largest first. Each row that moves glides to its new place. */
  function arrange(parts) {
    const sequence = models.map((_, index) => index).sort((a, b) => parts[b].total - parts[a].total);
    if (arranged === String(sequence)) return;
    const before = arranged ? rows.map(({ row }) => row.offsetTop) : null;
    const focused = document.activeElement;
    arranged = String(sequence);
    list.append(...sequence.map((index) => rows[index].row));
    if (el.contains(focused)) focused.focus();
    if (still.matches || !before) return;
    rows.forEach(({ row }, index) => {
      const away = before[index] - row.offsetTop;
      if (away) row.animate([{ top: `${away}px` }, { top: 0 }], { duration: 300, easing: "cubic-bezier(.2,.7,.2,1)" });
    });
  }

  function update() {
    const to = target();
    const { memory: gb, parts } = to;
    const room = gb * 1e9;
    const now = settings();
    const fitting = parts.filter(({ total }) => total <= room).length;
    loud.textContent = spell(fitting);
    const fewest = BITS.at(-1);
    const atFewest = models.filter((each) => needs(each, fewest, now.context, now.batch).total <= room).length;
    const instead = el.classList.contains("known") && now.bits !== fewest && atFewest > fitting ? `. At ${fewest} bits: ${atFewest}` : "";
    loudWords.textContent = ` of ${models.length} models fit in ${spell(gb)}\u00a0GB, one at a time${instead}`;
    parts.forEach(({ total }, index) => {
      const { row, amount } = rows[index];
      const fits = total <= room;
      row.classList.toggle("fits", fits);
      row.setAttribute("aria-pressed", index === chosen());
      squares[index].classList.toggle("chosen", index === chosen());
      amount.textContent = gigabytes(total);
      row.setAttribute("aria-label", `${models[index].title}: ${gigabytes(total)}, ${fits ? "fits" : `does not fit, ${spell(Math.ceil(total / room))} such machines`}`);
    });
    drawing.append(squares[chosen()], edge); // draw the chosen model's square, and the machine's edge, in front of the other squares
    cut.textContent = fitting ? `fit in ${spell(gb)} GB ↓` : `nothing fits in ${spell(gb)} GB`;
    cut.style.setProperty("--above", String(models.length - fitting));
    size.textContent = `${spell(gb)} GB`;
    tagWidth = tag.offsetWidth;
    handle.setAttribute("aria-valuenow", String(gb));
    handle.setAttribute("aria-valuetext", `${spell(gb)} GB: ${fitting} of ${models.length} models fit`);
    presets.mark(gb);
    bitButtons.mark(now.bits);
    context.show(now.context);
    batch.show(now.batch);

    const it = models[chosen()];
    const { weights, cache, total } = parts[chosen()];
    const most = Math.max(total, room);
    const fits = total <= room;
    detailTitle.replaceChildren(make("b", "", it.title), make("span", "", gigabytes(total)));
    partWeights.style.width = `${(100 * weights) / most}%`;
    partCache.style.width = `${(100 * cache) / most}%`;
    partFree.style.width = fits ? `${(100 * (room - total)) / room}%` : "0";
    mark.style.left = `${(100 * room) / most}%`;
    const read = Math.min(now.context, it.limit ?? now.context);
    const limited = it.perToken && read < now.context ? `, at most ${spell(read)} tokens` : "";
    const cached = make("span", it.perToken ? "cache" : "", it.perToken ? `${gigabytes(cache)} of cache` : "no cache");
    sum.replaceChildren(`${gigabytes(weights)} of weights + `, cached, limited);
    file.textContent = now.bits < 16 ? `In a GGUF file (Q${now.bits}_0) each block of 32 weights also has a scale of 16 bits: at least ${gigabytes(needs(it, now.bits + SCALE, now.context, now.batch).weights)} of weights.` : "";
    const [says, then] = fits
      ? [`${gigabytes(room - total)} left`, "for working space, the system and other programs."]
      : [total < 2 * room ? `${gigabytes(total - room)} too much.` : `${spell(Math.ceil(total / room))} such machines.`, remedy(it, gb, now)];
    advice.replaceChildren(make("b", "", says), ` ${then}`);
    advice.classList.toggle("fits", fits);
    speak(`${loud.textContent}${loudWords.textContent}. ${it.title}: ${gigabytes(total)}. ${advice.textContent}`);
    arrange(parts);
    travel(to);
  }

  /** The memory, in GB, of a machine whose square has its corner at the pointer. */
  function fromPointer(event) {
    const box = drawing.getBoundingClientRect();
    const length = Math.max(event.clientX - box.left, box.bottom - event.clientY, 1);
    const gb = held * (length / wide) ** 2;
    const step = gb < 32 ? 1 : gb < 128 ? 2 : gb < 320 ? 8 : 16;
    return Math.max(STEPS[0], Math.min(STEPS.at(-1), Math.round(gb / step) * step));
  }
  let held = 0; // the scale when the drag began. It says how many GB the pointer points at, even if the scale changes meanwhile
  const begin = () => {
    el.classList.add("known");
    held = scale;
  };
  onDrag(el, handle, (event) => keep({ memory: fromPointer(event) }), { ready: () => true, begin, end: update }); // when the drag has ended, `update` may choose a new scale
  drawing.addEventListener("click", (event) => {
    begin();
    keep({ memory: fromPointer(event) });
  });
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

  const watcher = new ResizeObserver(() => {
    const { width } = stage.getBoundingClientRect();
    if (!width || width === wide) return;
    wide = width;
    drawing.setAttribute("viewBox", `0 0 ${wide} ${wide}`);
    paint();
  });
  watcher.observe(stage);
  const keys = ["memory", "bits", "context", "batch", "plan"];
  const changed = () => keep.storing || update();
  for (const key of keys) model.on(`change:${key}`, changed);
  more.open = settings().context !== 2048 || settings().batch !== 1;
  update();
  return () => {
    hush();
    stopTravel();
    watcher.disconnect();
    for (const key of keys) model.off(`change:${key}`, changed);
  };
}

export default { render };
