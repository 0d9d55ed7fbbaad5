// The key-value cache of a text that grows, for each way to share heads. Model: data {plans, pieces} (see cache.py; in
// place of plans it may have {heads, kinds}, for one layer alone), and what the visitor chose: plan (a title), tokens,
// memory (GB), shared (key-value heads of the middle design; 0 for the published ones).
import { adopt, announcer, arrowStep, colour, headline, keeper, make, onDrag, onTheme } from "./view.js";

const MEMORY = [1, 2, 4, 8, 16, 24, 48, 80, 160, 640];
const MOST_TOKENS = 131_072;
const MOST_CELLS = 6000; // more texts than this are too small to draw

const spell = (number) => number.toLocaleString("en-US");
const counted = (number, noun) => `${spell(number)} ${noun}${number === 1 ? "" : "s"}`;

/**
 * Bytes in decimal units, as course_utils/units.py writes them.
 * @param {number} count
 */
export function size(count) {
  for (const [unit, each] of [["TB", 1e12], ["GB", 1e9], ["MB", 1e6], ["kB", 1e3]]) {
    if (count < 0.9995 * each) continue;
    const amount = count / each;
    return `${amount >= 99.95 ? spell(Math.round(amount)) : amount.toFixed(1)} ${unit}`;
  }
  return `${count} B`;
}

/**
 * The bytes of keys and values of a text, at 16 bits a number, if `count` key-value heads are kept.
 * @param {{ perToken: number, window: number | null, keyValueHeads: number }} plan
 * @param {number} tokens
 * @param {number} [count] by default as published
 */
export function cacheBytes(plan, tokens, count = plan.keyValueHeads) {
  const published = plan.perToken * Math.min(tokens, plan.window ?? tokens);
  return Math.floor((published * count) / plan.keyValueHeads);
}

/** All numbers of heads in which `heads` can be shared evenly. */
export const evenShares = (heads) => Array.from({ length: heads }, (_, index) => index + 1).filter((count) => heads % count === 0);

/**
 * The grid that cuts a box into `count` texts, of which `room` would fill it exactly: [columns, rows, share of the height].
 * Cells are as square as they can be.
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

export function render({ model, el }) {
  const { plans = null, pieces = [], heads: ownHeads, kinds = {} } = model.get("data");
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const stops = [];
  for (let tokens = 1; tokens <= (plans ? MOST_TOKENS : pieces.length); tokens = tokens < pieces.length ? tokens + 1 : 2 ** (Math.floor(Math.log2(tokens)) + 1)) {
    stops.push(tokens);
  }
  // Where a length stands on the ruler, from 0 to 1: each doubling takes as much room, or each token in a short text
  const along = (tokens) => (plans ? Math.log2(tokens) / Math.log2(stops.at(-1)) : (tokens - 1) / Math.max(1, stops.at(-1) - 1));

  adopt(el, "ca");
  const { head, loud, loudWords } = headline("ca");
  const models = make("div", "ca-models");
  models.setAttribute("role", "radiogroup");
  models.setAttribute("aria-label", "Model");
  const modelButtons = (plans ?? []).map(({ title }, index) => {
    const button = models.appendChild(make("button", "", title));
    button.setAttribute("role", "radio");
    const choose = (at) => {
      stop();
      keep({ plan: plans[at].title, shared: 0 });
      modelButtons[at].focus();
    };
    button.addEventListener("click", () => choose(index));
    button.addEventListener("keydown", (event) => {
      const step = arrowStep(event);
      if (!step) return;
      event.preventDefault();
      choose((index + step + plans.length) % plans.length);
    });
    return button;
  });

  const text = make("p", "ca-text");
  text.setAttribute("aria-hidden", "true");
  text.hidden = !pieces.length;
  const chips = pieces.map((piece, index) => {
    const chip = text.appendChild(make("span", "chip", piece.trim()));
    chip.addEventListener("click", () => {
      stop();
      keep({ tokens: index + 1 });
    });
    return chip;
  });
  const more = text.appendChild(make("span", "ca-more num"));

  // The ruler: the text's length
  const ruler = make("div", "ca-ruler");
  const rail = make("div", "ca-rail");
  const fill = rail.appendChild(make("i", "ca-fill"));
  for (const tokens of stops) {
    const tick = rail.appendChild(make("span", "ca-tick num", tokens < 1024 ? String(tokens) : `${tokens / 1024}k`));
    tick.style.left = `${100 * along(tokens)}%`;
    const round = Math.log2(tokens) % 1 === 0;
    if (plans && !round) tick.textContent = "";
    if (!plans || Math.log2(tokens) % 2 === 0) tick.classList.add("second");
    if (!plans || Math.log2(tokens) % 4 === 0) tick.classList.add("fourth");
  }
  const limits = rail.appendChild(make("i", "ca-limit"));
  const limitText = limits.appendChild(make("span"));
  const handle = rail.appendChild(make("div", "ca-handle"));
  handle.tabIndex = 0;
  handle.setAttribute("role", "slider");
  handle.setAttribute("aria-label", "Tokens in the cache");
  handle.setAttribute("aria-valuemin", "1");
  handle.setAttribute("aria-valuemax", String(stops.at(-1)));
  handle.append(make("i"), make("b", "num"), make("span", "ca-hint", "drag me"));
  ruler.append(rail);
  const play = make("button", "ca-play", "▶ Let the text grow");
  const topLine = make("div", "ca-top");
  topLine.append(play, text);

  const board = make("div", "ca-board");
  const key = make("p", "ca-key");
  const entries = { kept: "a key and a value, kept", newest: plans ? "this text, enlarged below" : "the newest token’s", shares: "shares the one above" };
  for (const [name, words] of Object.entries(entries)) {
    const entry = key.appendChild(make("span"));
    entry.append(make("i", name), words);
  }

  const memoryLine = make("label", "ca-memory-line");
  const memorySlider = make("input");
  Object.assign(memorySlider, { type: "range", min: 0, max: MEMORY.length - 1, step: 1 });
  const memoryText = make("b", "num");
  memoryLine.append(make("span", "", "Memory for caches"), memorySlider, memoryText);
  memorySlider.addEventListener("input", () => keep({ memory: MEMORY[memorySlider.value] }));
  const { live, speak, hush } = announcer();
  const setup = make("div", "ca-setup");
  setup.append(models, memoryLine);
  el.append(head, ...(plans ? [setup] : []), topLine, ruler, board, key, live);

  // What holds now
  const plan = () => plans && (plans.find(({ title }) => title === model.get("plan")) ?? plans[0]);
  const stopIndex = () => {
    const tokens = model.get("tokens") ?? 1;
    const over = stops.findIndex((stop) => stop >= tokens);
    return over < 0 ? stops.length - 1 : over;
  };
  const tokens = () => stops[stopIndex()];
  const gigabytes = () => (MEMORY.includes(model.get("memory")) ? model.get("memory") : 16);
  const heads = () => plan()?.heads ?? ownHeads;
  function shares() {
    return evenShares(heads()).filter((count) => count > 1 && count < heads());
  }
  function middle() {
    const { keyValueHeads } = plan();
    const chosen = model.get("shared");
    if (shares().includes(chosen)) return chosen;
    if (keyValueHeads > 1 && keyValueHeads < heads()) return keyValueHeads;
    return shares().filter((count) => count <= 8).at(-1);
  }
  /** The designs to compare: [name, key-value heads]. */
  function designs() {
    if (!plans) return Object.entries(kinds);
    const all = [["multi-head", heads()], ["grouped-query", middle()], ["multi-query", 1]];
    return all.filter(([, count]) => count);
  }

  const keep = keeper(model, update);
  let cards = [];
  function build() {
    const list = designs();
    if (cards.length === list.length) return;
    board.replaceChildren();
    board.style.setProperty("--designs", String(list.length));
    cards = list.map(([name]) => {
      const card = board.appendChild(make("section", "ca-design"));
      const title = card.appendChild(make("h3", "", name));
      const about = card.appendChild(make("p", "ca-about"));
      const line = make("div", "ca-line");
      const result = line.appendChild(make("p", "ca-result"));
      const bytes = line.appendChild(make("p", "ca-bytes"));
      const blocks = make("canvas", "ca-blocks");
      const [box, zoom] = plans ? [make("canvas", "ca-box"), make("canvas", "ca-zoom")] : [null, null];
      for (const canvas of [blocks, box, zoom]) canvas?.setAttribute("aria-hidden", "true");
      card.append(...(plans ? [line, box, zoom, blocks] : [blocks, line]));
      if (!plans) blocks.style.height = `${20 + Math.min(24 * heads(), 116)}px`;
      return { card, title, about, blocks, bytes, result, box, zoom };
    });
  }

  let falling = 1; // how far the newest token's blocks have fallen, from 0 to 1
  let clock = 0;
  let before = tokens();
  function update() {
    build();
    const now = tokens();
    if (now === before + 1 && now <= columns() && !still.matches) fall();
    else if (now !== before) falling = 1;
    before = now;
    const list = designs();
    const published = plan()?.keyValueHeads;
    const memory = gigabytes() * 1e9;
    const texts = (count) => Math.floor(memory / cacheBytes(plan(), now, count));

    list.forEach(([name, count], index) => {
      const { card, title, about, bytes, result } = cards[index];
      const ours = count === published;
      card.classList.toggle("published", ours);
      title.textContent = name;
      const where = plans ? `, in each of ${plan().layers} layers` : "";
      about.replaceChildren(make("span", "", `${spell(count)} of ${counted(heads(), "head")} ${count === 1 ? "keeps" : "keep"} a pair${where}`));
      if (plans && name === "grouped-query" && shares().length > 1) about.append(stepper(count));
      if (plans) {
        const used = cacheBytes(plan(), now, count);
        bytes.replaceChildren(make("b", "num", size(used)), " a text");
        const fit = texts(count);
        const unit = make("span", "", fit ? (fit === 1 ? " text fits" : " texts fit") : ` needs ${(used / memory).toFixed(1)} ×`);
        result.replaceChildren(make("b", "loud", fit ? spell(fit) : "none"), unit);
      } else {
        bytes.textContent = "";
        result.replaceChildren(make("b", "loud", spell(count * now)), make("span", "", count * now === 1 ? " pair is kept" : " pairs are kept"));
      }
    });

    if (plans) {
      const fit = texts(published);
      const most = texts(heads());
      loud.textContent = fit ? spell(fit) : "Not one";
      const unshared = published < heads() ? `, ${most ? spell(most) : "none"} if no head shared` : ": no head shares";
      loudWords.textContent = ` text${fit > 1 ? "s" : ""} of ${counted(now, "token")} fit${fit > 1 ? "" : "s"} in ${gigabytes()} GB as published${unshared}`;
      modelButtons.forEach((button, index) => {
        const on = plans[index] === plan();
        button.setAttribute("aria-checked", on);
        button.tabIndex = on ? 0 : -1;
      });
      memorySlider.value = String(MEMORY.indexOf(gigabytes()));
      memoryText.textContent = `${gigabytes()} GB`;
      memorySlider.setAttribute("aria-valuetext", `${gigabytes()} GB`);
      const { window, limit } = plan();
      const at = stops.indexOf(window ?? limit);
      limits.hidden = at < 0;
      limits.className = `ca-limit${window ? " window" : ""}${along(stops[at]) > 0.5 ? "" : " left"}`;
      limits.style.left = `${100 * along(stops[at])}%`;
      limitText.textContent = window ? `a sliding window: only the last ${spell(window)} are kept` : `made for ${spell(limit)}`;
    } else {
      limits.hidden = true;
      const [most, least] = [list[0], list.at(-1)];
      loud.textContent = spell(least[1] * now);
      loudWords.textContent = ` ${least[1] * now === 1 ? "pair is" : "pairs are"} kept with ${least[0]}, where ${most[0]} keeps ${spell(most[1] * now)}`;
    }

    chips.forEach((chip, index) => {
      chip.classList.toggle("read", index < now);
      chip.classList.toggle("ember", !plans && index === now - 1);
    });
    const rest = now - pieces.length;
    more.textContent = rest > 0 && pieces.length ? `+ ${spell(rest)} more` : "";
    const x = 100 * along(now);
    handle.style.left = `${x}%`;
    fill.style.width = `${x}%`;
    handle.children[1].textContent = spell(now);
    handle.classList.toggle("last", x > 90);
    handle.setAttribute("aria-valuenow", String(now));
    const words = list.map(([name], index) => `${name} ${cards[index].result.textContent}`).join(", ");
    handle.setAttribute("aria-valuetext", `${counted(now, "token")}: ${words}`);
    speak(`${loud.textContent}${loudWords.textContent} ${words}`);
    paint();
  }

  function stepper(count) {
    const steps = make("span", "ca-steps");
    const all = shares();
    for (const [sign, step, name] of [["−", -1, "Fewer key-value heads"], ["+", 1, "More key-value heads"]]) {
      const button = steps.appendChild(make("button", "", sign));
      const next = all[all.indexOf(count) + step];
      button.setAttribute("aria-label", name);
      button.disabled = next === undefined;
      button.addEventListener("click", () => {
        keep({ shared: next });
        const again = [...board.querySelectorAll(".ca-steps button")].find((other) => other.getAttribute("aria-label") === name);
        (again?.disabled ? again.parentElement.querySelector(":not(:disabled)") : again)?.focus();
      });
    }
    return steps;
  }

  // The pictures
  const columns = () => Math.max(pieces.length, plans ? 12 : 1);
  let tints = null;
  function sized(canvas) {
    const box = canvas.getBoundingClientRect();
    const ratio = Math.min(2, devicePixelRatio || 1);
    canvas.width = Math.round(box.width * ratio);
    canvas.height = Math.round(box.height * ratio);
    const brush = canvas.getContext("2d");
    brush.scale(ratio, ratio);
    return { brush, width: box.width, height: box.height };
  }
  function paint() {
    tints ??= Object.fromEntries(["ink", "ember", "ember-tint", "line", "paper"].map((name) => [name, `rgb(${colour(el, `--${name}`).join(" ")})`]));
    tints.tint ??= tints["ember-tint"];
    designs().forEach(([, count], index) => {
      paintBlocks(sized(cards[index].blocks), count);
      if (plans) paintZoom(sized(cards[index].zoom), paintBox(sized(cards[index].box), count));
    });
  }
  /** From this text in the memory, `cell` wide, to its blocks below. */
  function paintZoom({ brush, width, height }, cell) {
    brush.fillStyle = tints.tint;
    brush.strokeStyle = tints.ember;
    brush.beginPath();
    for (const [x, y] of [[0, 0], [cell, 0], [width, height], [0, height]]) brush.lineTo(x, y);
    brush.fill();
    brush.beginPath();
    brush.moveTo(cell, 0);
    brush.lineTo(width, height);
    brush.moveTo(0.5, 0);
    brush.lineTo(0.5, height);
    brush.stroke();
  }
  function paintBlocks({ brush, width, height }, count) {
    const all = heads();
    const number = columns();
    const ratio = Math.min(2, devicePixelRatio || 1);
    const top = plans ? 6 : 20; // room for the newest blocks to fall from
    const [wide, high] = [width / number, Math.min(24, (height - top) / all)];
    const edge = (length) => Math.round(length * ratio) / ratio; // whole pixels, or the picture would shimmer
    const gap = (side) => (side > 9 ? 2 : side > 3 ? 1 : 0);
    const rows = Array.from({ length: all }, (_, row) => [row, row === 0 || Math.floor((row * count) / all) !== Math.floor(((row - 1) * count) / all)]);
    const sequence = [...rows.filter(([, keeps]) => !keeps), ...rows.filter(([, keeps]) => keeps)];
    const shown = Math.min(number, tokens());
    for (let column = 0; column < shown; column++) {
      const newest = column === tokens() - 1;
      const drop = newest ? (1 - falling) * top : 0;
      brush.globalAlpha = newest ? falling : tokens() > number && column > number - 4 ? 0.25 * (number - column) : 1;
      // Rows of a pixel lie on each other: those that are kept come last.
      for (const [row, keeps] of sequence) {
        brush.fillStyle = keeps ? (newest && !plans ? tints.ember : tints.ink) : tints.line;
        const [x, y] = [edge(column * wide), edge(row * high)];
        const [right, bottom] = [edge((column + 1) * wide) - gap(wide), edge((row + 1) * high) - gap(high)];
        if (bottom <= y && (count === all || !keeps)) continue; // less than a pixel, beside its like
        brush.fillRect(x, top + y - drop, Math.max(1, right - x), Math.max(1 / ratio, bottom - y));
      }
    }
    brush.globalAlpha = 1;
  }
  function paintBox({ brush, width, height }, count) {
    const used = cacheBytes(plan(), tokens(), count);
    const room = (gigabytes() * 1e9) / used;
    const fit = Math.floor(room);
    brush.fillStyle = fit ? tints.ink : tints.ember;
    if (fit > MOST_CELLS || !fit) {
      brush.fillRect(0, 0, width, height);
      brush.fillStyle = tints.paper;
      brush.font = `13px ${getComputedStyle(el).fontFamily}`;
      brush.textAlign = "center";
      const words = fit ? "each too small to draw" : `${(used / (gigabytes() * 1e9)).toFixed(1)} such memories`;
      brush.fillText(words, width / 2, height / 2, width - 8);
      return fit ? 0 : width;
    }
    const [across, down, part] = grid(fit, room, width / height);
    const [wide, high] = [width / across, (height * part) / down];
    const gap = Math.min(2, Math.min(wide, high) * 0.25);
    for (let cell = 0; cell < fit; cell++) {
      brush.fillStyle = cell ? tints.ink : tints.ember;
      const [x, y] = [(cell % across) * wide, height - (Math.floor(cell / across) + 1) * high];
      brush.fillRect(x, y, wide - gap, high - gap);
    }
    return wide - gap;
  }
  function fall() {
    cancelAnimationFrame(clock);
    const start = performance.now();
    const frame = (now) => {
      falling = Math.min(1, (now - start) / 220);
      paint();
      if (falling < 1) clock = requestAnimationFrame(frame);
    };
    falling = 0;
    clock = requestAnimationFrame(frame);
  }

  // Drag the length
  function fromPointer(event) {
    const box = rail.getBoundingClientRect();
    const at = (event.clientX - box.left) / box.width;
    return stops.reduce((best, stop) => (Math.abs(along(stop) - at) < Math.abs(along(best) - at) ? stop : best));
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
      PageUp: at + 4, PageDown: at - 4, Home: 0, End: stops.length - 1,
    }[event.key];
    if (goes === undefined) return;
    event.preventDefault();
    begin();
    keep({ tokens: stops[Math.max(0, Math.min(stops.length - 1, goes))] });
  });

  let playing = 0;
  function stop() {
    clearTimeout(playing);
    playing = 0;
    play.textContent = "▶ Let the text grow";
  }
  function last() {
    if (!plans) return stops.length - 1;
    const { window, limit } = plan();
    const at = stops.indexOf(Math.min(MOST_TOKENS, window ? 4 * window : limit));
    return at < 0 ? stops.length - 1 : at;
  }
  function tick() {
    if (stopIndex() >= last()) return stop();
    keep({ tokens: stops[stopIndex() + 1] });
    playing = setTimeout(tick, tokens() < pieces.length ? 300 : 520);
  }
  play.addEventListener("click", () => {
    if (playing) return stop();
    begin();
    keep({ tokens: 1 });
    play.textContent = "■ Stop";
    playing = setTimeout(tick, 500);
  });

  const watcher = new ResizeObserver(() => cards.length && paint());
  watcher.observe(board);
  const endTheme = onTheme(el, () => {
    tints = null;
    paint();
  });
  const keys = ["plan", "tokens", "memory", "shared"];
  for (const name of keys) model.on(`change:${name}`, update);
  update();
  return () => {
    stop();
    hush();
    cancelAnimationFrame(clock);
    watcher.disconnect();
    endTheme();
    for (const name of keys) model.off(`change:${name}`, update);
  };
}

export default { render };
