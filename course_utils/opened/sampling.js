// Write with a language model: every token that could come next, as a bar that can be clicked and pulled.
// Model: `vocabulary` (each token's text, with a space in front where it stands apart), `said` {ids, logits} from the
// host, and what the visitor chose: ids (the text so far), temperature, keep (how many tokens may be drawn).
// The view asks with `want` {text} or {ids}.
import { adopt, announcer, chipClass, headline, keeper, make, onDrag, ownWords } from "./view.js";

const ROWS = 12;
const PACE = 420; // ms between two tokens while the model writes
const LONGEST = 60; // tokens

const percent = (share) => (share < 0.001 ? "<0.1%" : `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)}%`);

/**
 * The share of each token at a temperature, in the order of `logits`.
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
 * The temperature at which the likeliest token has a share.
 * @param {ArrayLike<number>} logits
 * @param {number} share
 * @param {[number, number]} limits the lowest and the highest temperature
 */
export function temperatureFor(logits, share, [low, high]) {
  let [from, to] = [low, high];
  for (let round = 0; round < 40; round++) {
    const middle = Math.sqrt(from * to);
    if (Math.max(...shares(logits, middle)) > share) from = middle;
    else to = middle;
  }
  return Math.sqrt(from * to);
}

/**
 * Draw one of the likeliest `keep` tokens, each as often as its share says.
 * @param {Float64Array} share of each token
 * @param {number[]} order ids, the likeliest first
 * @param {number} keep
 * @param {number} lot from 0 to 1
 */
export function draw(share, order, keep, lot) {
  const kept = order.slice(0, keep);
  let rest = lot * kept.reduce((sum, id) => sum + share[id], 0);
  for (const id of kept) {
    rest -= share[id];
    if (rest <= 0) return id;
  }
  return kept.at(-1);
}

const LIMITS = /** @type {[number, number]} */ ([0.1, 4]);

export function render({ model, el }) {
  const vocabulary = model.get("vocabulary");
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let said = null;
  let writing = 0;
  let waiting = false;
  let added = false; // whether the last token is the visitor's or the model's

  adopt(el, "sp");
  const scene = make("div", "sp-scene");
  const paper = make("div", "sp-paper");
  paper.setAttribute("role", "group");
  paper.setAttribute("aria-label", "The text so far; a token can be clicked to go back to it");
  const { head, loud, loudWords } = headline("sp");
  const board = make("div", "sp-board");
  board.setAttribute("role", "group");
  board.setAttribute("aria-label", "Tokens that could come next");
  const list = make("div", "sp-list");
  const handle = make("div", "sp-handle");
  handle.tabIndex = 0;
  handle.setAttribute("role", "slider");
  handle.setAttribute("aria-label", "Temperature");
  handle.setAttribute("aria-valuemin", String(LIMITS[0]));
  handle.setAttribute("aria-valuemax", String(LIMITS[1]));
  handle.append(make("i"), make("span", "sp-hint", "pull me"));
  const cut = make("div", "sp-cut");
  cut.tabIndex = 0;
  cut.setAttribute("role", "slider");
  cut.setAttribute("aria-label", "How many tokens may be drawn");
  cut.setAttribute("aria-valuemin", "1");
  cut.setAttribute("aria-valuemax", String(ROWS));
  const cutLabel = make("span", "sp-cut-label");
  cut.append(cutLabel);
  const others = make("p", "sp-others");
  board.append(list, handle, cut);
  const tools = make("div", "sp-tools");
  const write = make("button", "sp-write", "▶ Let it write");
  const one = make("button", "", "Draw one");
  const back = make("button", "", "Take one back");
  const reset = make("button", "", "As it was");
  const own = ownWords("sp-own", { placeholder: "Begin with your own words", label: "Your own beginning", button: "Begin" }, begin);
  tools.append(write, one, back, reset);
  const { live, speak, hush } = announcer();
  scene.append(paper, head, board, others);
  el.append(scene, tools, own, live);

  const temperature = () => model.get("temperature") ?? 1;
  const keep = () => Math.max(1, Math.min(ROWS, model.get("keep") ?? ROWS));
  const order = () => said.order;
  const word = (id) => vocabulary[id];

  const keepState = keeper(model);

  function ask(want) {
    waiting = true;
    el.classList.add("waiting");
    model.set("want", want);
    model.save_changes();
  }

  function add(id) {
    if (!said || waiting) return;
    ask({ ids: [...said.ids, id] });
  }

  function listen() {
    const answer = model.get("said");
    waiting = false;
    el.classList.remove("waiting");
    if (!answer || answer.error) {
      stop();
      others.textContent = answer?.error ?? "";
      return;
    }
    const logits = Array.from(answer.logits);
    const ranked = logits.map((_, id) => id).sort((a, b) => logits[b] - logits[a]);
    added = Boolean(said) && answer.ids.length === said.ids.length + 1;
    said = { ids: answer.ids, logits, order: ranked };
    keepState({ ids: answer.ids });
    update();
  }

  /** @type {Map<number, HTMLElement>} the bars on the board, by token */
  const rows = new Map();
  function update() {
    if (!said) return;
    const share = shares(said.logits, temperature());
    const top = order().slice(0, ROWS);
    const kept = top.slice(0, keep());
    const drawable = keep() < ROWS ? kept.reduce((sum, id) => sum + share[id], 0) : 1;
    const largest = share[top[0]];

    const chips = said.ids.slice(1).map((id, index) => {
      const text = word(id);
      const chip = make("button", chipClass(text, index), text.trim());
      const last = index === said.ids.length - 2;
      if (last && added) chip.classList.add("ember");
      chip.title = "Go back to here";
      chip.addEventListener("click", () => {
        stop();
        ask({ ids: said.ids.slice(0, index + 2) });
      });
      return chip;
    });
    const cursor = make("i", "sp-cursor");
    paper.replaceChildren(...chips, cursor);

    loud.textContent = percent(largest / (keep() < ROWS ? drawable : 1));
    loudWords.textContent = ` for “${word(top[0]).trim()}”, the likeliest of ${vocabulary.length.toLocaleString("en-US")} tokens`;
    for (const [id, row] of rows) {
      if (top.includes(id)) continue;
      row.remove();
      rows.delete(id);
    }
    top.forEach((id, index) => {
      let row = rows.get(id);
      if (!row) {
        row = make("button", "sp-row");
        row.append(make("span", "sp-word"), make("i", "sp-bar"), make("span", "sp-share num"));
        row.addEventListener("click", () => {
          stop();
          add(id);
        });
        rows.set(id, row);
        list.append(row);
        if (!still.matches) row.animate([{ opacity: 0 }, { opacity: 1 }], { duration: 280 });
      }
      const out = index >= keep();
      const shown = out ? 0 : share[id] / (keep() < ROWS ? drawable : 1);
      const [text, bar, number] = row.children;
      text.textContent = word(id).trim() || "␣";
      bar.style.transform = `scaleX(${Math.max(0.002, shown)})`;
      number.textContent = out ? "out" : percent(shown);
      row.style.transform = `translateY(${index * 100}%)`;
      row.style.order = String(index);
      row.classList.toggle("out", out);
      row.setAttribute("aria-label", `Add ${word(id).trim()}, ${out ? "not to be drawn" : percent(shown)}`);
    });
    // The reading order follows the picture.
    for (const id of top) list.append(rows.get(id));

    const first = rows.get(top[0]);
    const bar = first.children[1];
    const start = bar.offsetLeft;
    handle.style.transform = `translateX(${start + bar.offsetWidth * Math.min(1, largest / (keep() < ROWS ? drawable : 1))}px)`;
    handle.classList.toggle("far", bar.offsetWidth * (1 - largest) < 90);
    handle.setAttribute("aria-valuenow", temperature().toFixed(2));
    handle.setAttribute("aria-valuetext", `temperature ${temperature().toFixed(2)}, ${word(top[0]).trim()} ${percent(largest)}`);
    cut.style.transform = `translateY(${keep() * (first.offsetHeight || 34)}px)`;
    cut.setAttribute("aria-valuenow", String(keep()));
    cut.setAttribute("aria-valuetext", keep() < ROWS ? `only the first ${keep()}` : "all tokens");
    cutLabel.textContent = keep() < ROWS ? `only the first ${keep()}` : "all tokens";
    const rest = 1 - top.reduce((sum, id) => sum + share[id], 0);
    others.textContent = keep() < ROWS
      ? `${(vocabulary.length - keep()).toLocaleString("en-US")} tokens are out.`
      : `The other ${(vocabulary.length - ROWS).toLocaleString("en-US")} share ${percent(Math.max(0, rest))}. Temperature ${temperature().toFixed(2)}.`;
    speak(`${word(top[0]).trim()} ${percent(largest)}, then ${top.slice(1, 4).map((id) => `${word(id).trim()} ${percent(share[id])}`).join(", ")}`);
  }

  // Writing
  function stop() {
    clearTimeout(writing);
    writing = 0;
    write.textContent = "▶ Let it write";
    write.setAttribute("aria-pressed", "false");
  }
  function drawOne() {
    if (!said || waiting) return false;
    const share = shares(said.logits, temperature());
    const id = draw(share, order(), keep() < ROWS ? keep() : order().length, Math.random());
    const row = rows.get(id);
    if (row && !still.matches) {
      row.animate([{ background: "var(--ember-tint)" }, { background: "transparent" }], { duration: 500 });
    }
    if (id === model.get("end") || said.ids.length >= LONGEST) return false;
    add(id);
    return true;
  }
  function tick() {
    if (!waiting && !drawOne()) return stop();
    writing = setTimeout(tick, still.matches ? 120 : PACE);
  }
  write.addEventListener("click", () => {
    if (writing) return stop();
    write.textContent = "■ Stop";
    write.setAttribute("aria-pressed", "true");
    tick();
  });
  one.addEventListener("click", () => {
    stop();
    drawOne();
  });
  back.addEventListener("click", () => {
    stop();
    if (said && said.ids.length > 2) ask({ ids: said.ids.slice(0, -1) });
  });
  reset.addEventListener("click", () => {
    stop();
    keepState({ temperature: 1, keep: ROWS });
    update();
  });
  function begin(text) {
    stop();
    ask({ text });
  }

  // Pulling the longest bar sets the temperature
  function pull(share) {
    const drawable = keep() < ROWS ? shares(said.logits, temperature()) : null;
    const total = drawable ? order().slice(0, keep()).reduce((sum, id) => sum + drawable[id], 0) : 1;
    const wanted = Math.max(1.2 / said.logits.length, Math.min(0.9995, share * total));
    keepState({ temperature: Number(temperatureFor(said.logits, wanted, LIMITS).toFixed(3)) });
    update();
  }
  const ready = () => said !== null;
  const pullTo = (event) => {
    const bar = rows.get(order()[0]).children[1];
    pull((event.clientX - list.getBoundingClientRect().left - bar.offsetLeft) / bar.offsetWidth);
  };
  onDrag(el, handle, pullTo, { ready, begin: () => el.classList.add("known") });
  handle.addEventListener("keydown", (event) => {
    const factor = { ArrowLeft: 1.08, ArrowDown: 1.08, ArrowRight: 1 / 1.08, ArrowUp: 1 / 1.08, PageDown: 1.5, PageUp: 1 / 1.5 }[event.key];
    if (!factor && event.key !== "Escape") return;
    event.preventDefault();
    el.classList.add("known");
    const next = factor ? temperature() * factor : 1;
    keepState({ temperature: Number(Math.max(LIMITS[0], Math.min(LIMITS[1], next)).toFixed(3)) });
    update();
  });
  const cutAt = (event) => {
    const box = list.getBoundingClientRect();
    keepState({ keep: Math.max(1, Math.min(ROWS, Math.round((event.clientY - box.top) / (box.height / ROWS)))) });
    update();
  };
  onDrag(el, cut, cutAt, { ready });
  cut.addEventListener("keydown", (event) => {
    const step = { ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1, Home: -ROWS, End: ROWS, Escape: ROWS }[event.key];
    if (!step) return;
    event.preventDefault();
    keepState({ keep: Math.max(1, Math.min(ROWS, keep() + step)) });
    update();
  });

  const watcher = new ResizeObserver(update);
  watcher.observe(list);
  model.on("change:said", listen);
  for (const key of ["temperature", "keep"]) model.on(`change:${key}`, update);
  const ids = model.get("ids");
  ask(ids?.length ? { ids } : { text: model.get("text") });

  return () => {
    stop();
    hush();
    watcher.disconnect();
    model.off("change:said", listen);
    for (const key of ["temperature", "keep"]) model.off(`change:${key}`, update);
  };
}

export default { render };
