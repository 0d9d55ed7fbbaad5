// A window that can be dragged over a text. In each layer, a token attends only to the tokens in its window.
// The view's `data` is {layers, offers (texts to choose from), answers (stored answers of the host), words (the texts of the
// model's tokens)}. In a notebook, `data` also has texts: {offer: {pieces, target}}, where `target` is the index of the token
// on which the answer depends, and an offer is the distance from the last token back to that token.
// The visitor chooses `text` (one of the offers, or an own text), `size` (the number of tokens in the window) and, on a page,
// `guess` (the index of the token at which the visitor expects the answer to change; 0 before the guess, -1 if no guess was
// made).
// The view asks with `want` {text, size}. The host answers with `said` {pieces, top}; `top` has the likeliest next tokens, as
// [text, share].
// On a page, a stripe under a token has the colour of the answer that came when the window began at that token. In a
// notebook, bars below the text show the answers.
import { LOOKS, adopt, announcer, chipClass, headline, keeper, make, onDrag, ownText, piecesOf, shape } from "./view.js";

const HOP = 300; // ms for each layer, in the animation of a fact that is passed from token to token
const BARS = 56; // px: the height of a bar of 100%
const LETTER = 8; // px: about the width of a letter in a label
const OTHERS = "others"; // the label that neighbouring answers share if their bars are too narrow for their own labels
const MOST = 128; // the most tokens in a text

const percent = (share) => (share < 0.005 ? "<1%" : `${Math.round(100 * share)}%`);
const several = (number, thing) => `${number} ${thing}${number === 1 ? "" : "s"}`;

/**
 * The number of layers after which information from a token can reach the last token, if each layer moves information
 * by at most `size` - 1 tokens.
 * @param {number} back the distance from the last token back to the token
 * @param {number} size the number of tokens in the window, including the token that attends
 */
export const layersNeeded = (back, size) => (back === 0 ? 1 : size < 2 ? Infinity : Math.ceil(back / (size - 1)));

/**
 * After each layer, the index of the furthest token that a fact can have reached. The list begins with the token that the
 * fact is in at first.
 * @param {number} from the index of the token that the fact is in at first
 * @param {number} last the index of the last token
 * @param {number} size the number of tokens in the window, including the token that attends
 * @param {number} layers
 * @returns {number[]}
 */
export function relay(from, last, size, layers) {
  const stops = [from];
  while (stops.length <= layers && stops.at(-1) < last) stops.push(Math.min(last, stops.at(-1) + size - 1));
  return stops;
}

export function render({ model, el }) {
  const data = model.get("data");
  const { layers } = data;
  const fog = () => model.get("guess") !== undefined; // true on a page, where an answer is shown only for a size of the window that was tried
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const answers = new Map(); // from the string `${text}|${size}` to the host's answer
  const sizesOf = new Map(); // from a text to the sizes of the window at which the answer is known
  let asked = null; // the request {text, size} that the host is answering, or null
  let playing = 0;
  let passed = false; // whether “Pass it on” has been pressed; from then on, the tokens that the fact can reach are tinted
  let passing = 0; // the timer that ends the animation of “Pass it on”
  const seen = new Map(); // from a text to the sizes of the window that the visitor has tried
  let turned = 0; // the index of the first token in the window when the answer first changed; 0 as long as it has not changed

  adopt(el, "wd");
  const { head, loud, loudWords } = headline("wd");
  const take = make("p", "wd-take");
  // A pail with paint of the colour that the model names
  const pail = shape("svg", { class: "wd-pail", viewBox: "0 0 120 128", "aria-hidden": "true" });
  pail.append(
    shape("path", { d: "M14 40C14 -8 106 -8 106 40", class: "wd-bail" }),
    shape("path", { d: "M12 40 24 120Q60 130 96 120L108 40Z", class: "wd-tin" }),
    shape("path", { d: "M13 44C20 58 40 54 44 56V84a6 6 0 0 0 12 0V62a5 5 0 0 1 10 0v8a6 6 0 0 0 12 0V55C92 54 104 52 107 44Z", class: "wd-paint wd-drip" }),
    shape("ellipse", { cx: 60, cy: 40, rx: 48, ry: 14, class: "wd-paint" }),
  );
  pail.append(shape("text", { x: 60, y: 102, class: "wd-unknown" }, "?"));
  const top = make("div", "wd-top");
  const told = make("div");
  told.append(head, take);
  top.append(pail, told);
  const paper = make("div", "wd-text");
  const handle = make("div", "wd-handle");
  handle.tabIndex = 0;
  handle.setAttribute("role", "slider");
  handle.setAttribute("aria-label", "Tokens that the window holds");
  handle.setAttribute("aria-valuemin", "2");
  handle.append(make("i"), make("span", "wd-hint", "drag me"));
  const stage = make("div", "wd-stage");
  stage.setAttribute("aria-hidden", "true");
  const tools = make("div", "wd-tools");
  const sweep = make("button", "wd-sweep", "▶ Close it slowly");
  const pass = make("button", "", "▶ Pass it on");
  tools.append(sweep, pass);
  if (fog()) tools.append(make("span", "wd-legend", "a stripe: the answer, when the window began at this word"));
  const wake = make("div");
  wake.dataset.wake = "for your own text";
  const { live, speak, hush } = announcer();
  el.append(top, paper, tools);
  const fold = make("details", "wd-fold");
  if (data.words) {
    const labels = { placeholder: "Your own text, up to the word that is asked for", label: "Your own text", button: "Read it" };
    fold.append(make("summary", "", "Read a text of your own"), wake, ownText(labels, { ...data, unknown: true }, turnTo));
    el.append(fold);
  } else {
    el.append(stage, distances());
  }
  el.append(live);

  const text = () => model.get("text");
  const count = (words) => data.texts?.[words].pieces.length ?? Math.min(MOST, piecesOf(words).length + 1);
  const key = (words, number) => `${words}|${number}`;
  function store(answer) {
    const { text: words, size: number } = answer.want;
    answers.set(key(words, number), answer);
    sizesOf.set(words, (sizesOf.get(words) ?? new Set()).add(number));
  }
  for (const one of data.answers ?? []) store(one);
  const whole = () => answers.get(key(text(), count(text())));
  const size = () => Math.max(2, Math.min(count(text()), model.get("size") ?? Infinity));
  const keepState = keeper(model, update);
  const asking = () => model.get("guess") === 0;
  /** Store changes. If the visitor moves the window's edge before guessing, set `guess` to -1, so that no guess is asked for. */
  const keep = (changes) => keepState(asking() && "size" in changes && !("guess" in changes) ? { ...changes, guess: -1 } : changes);
  let before = 0; // the last size that the visitor tried; 0 for no size yet
  /** Note that the visitor has tried all sizes from `before` to `number`. */
  function note(number) {
    const known = seen.get(text()) ?? seen.set(text(), new Set()).get(text());
    const from = before || number;
    for (let each = Math.min(from, number); each <= Math.max(from, number); each++) known.add(each);
    before = number;
  }

  /** Ask for the answer at a size, unless it is known or another answer is being computed. */
  function ask(words, number) {
    if (asked || answers.has(key(words, number))) return;
    asked = { text: words, size: number };
    el.classList.toggle("waiting", model.get("live") && number === size());
    model.set("want", asked);
    model.save_changes();
  }
  function turnTo(words) {
    stop();
    if (answers.has(key(words, count(words)))) return show(words);
    asked = null;
    ask(words, count(words));
  }
  function show(words) {
    before = turned = 0;
    keep({ text: words, size: data.texts ? size() : count(words), ...(fog() ? { guess: -1 } : {}) });
    build();
    complete();
  }
  function listen() {
    const said = model.get("said");
    asked = null;
    el.classList.remove("waiting");
    if (!said || said.asleep) return stop();
    if (said.error) {
      take.textContent = said.error;
      speak(said.error);
      return stop();
    }
    store(said);
    if (said.want.text !== text() && said.want.size === count(said.want.text)) show(said.want.text);
    else update();
    complete();
  }
  /** Ask in advance for the sizes that have no answer yet, one at a time, beginning with the nearest size. */
  function complete() {
    if (asked || !model.get("live")) return;
    const far = (number) => Math.abs(number - size());
    let next = null;
    for (let number = 2; number <= count(text()); number++) {
      if (!answers.has(key(text(), number)) && (next === null || far(number) < far(next))) next = number;
    }
    if (next !== null) ask(text(), next);
  }

  // In a notebook, buttons choose the distance from the last token back to the word on which the answer depends.
  function distances() {
    const row = make("div", "wd-distances", "tokens back:");
    row.setAttribute("role", "group");
    for (const offer of data.offers) {
      const button = make("button", "num", offer);
      button.addEventListener("click", () => turnTo(offer));
      row.append(button);
    }
    return row;
  }

  function tint(chip, word) {
    chip.classList.toggle("coloured", word in LOOKS);
    chip.style.setProperty("--look", LOOKS[word] ?? "transparent");
  }

  let painted = "";
  /** Fill the pail with the colour that `word` names. If `word` is no colour, empty the pail. */
  function paint(word) {
    if (word === painted) return;
    pail.style.setProperty("--look", LOOKS[word] ?? "transparent");
    pail.classList.toggle("empty", !(word in LOOKS));
    if (painted && !still.matches) pail.animate([{ rotate: "0deg" }, { rotate: "-14deg" }, { rotate: "6deg" }, { rotate: "0deg" }], { duration: 300 });
    painted = word;
  }

  const chips = []; // the elements of the text's tokens
  let part = null; // the elements of the picture that an update changes, or null before the first `build`
  /** Make the chips, cells and axes for this text and this width. */
  function build() {
    if (!whole()) return;
    const { pieces } = whole();
    const own = data.texts ? [] : piecesOf(text()); // the words as the visitor wrote them, also those that the model has no token for
    const right = data.texts ? data.texts[text()].target : pieces.lastIndexOf(whole().top[0][0]);
    chips.length = 0;
    paper.replaceChildren();
    pieces.forEach((piece, index) => {
      const chip = make("span", chipClass(piece, index), own[index - 1] ?? piece.trim());
      chip.hidden = index === 0; // hide the start token, with which every text begins
      chip.classList.toggle("in", index >= pieces.length - size()); // set before the chip is on the page, so that its colour is there from the start
      chips.push(chip);
      paper.append(chip);
    });
    paper.append(make("span", "chip wd-next"), handle);
    handle.setAttribute("aria-valuemax", String(pieces.length));
    const fact = right > 0 ? pieces[right].trim() : "";
    pass.textContent = fact && fog() ? `▶ Pass it on: how far does “${fact}” get?` : "▶ Pass it on"; // a lesson explains the button in its text
    el.style.setProperty("--fact", LOOKS[fact] ?? "var(--against)");
    part = { pieces, right, last: pieces.length - 1, ...(fog() ? {} : chart(pieces)) };
    update();
  }

  /** Draw the chart of the answers, without its bars. A notebook shows it; a page has stripes under the words instead. */
  function chart(pieces) {
    const width = stage.clientWidth || 600;
    const left = width < 480 ? 60 : 62;
    const last = pieces.length - 1;
    const column = (width - left - 8) / last;
    const x = (index) => left + (index - 0.5) * column;
    const base = 52 + BARS; // y of the foot of the bars
    const height = base + 54;
    const picture = shape("svg", { width, height, viewBox: `0 0 ${width} ${height}` });
    const graph = shape("g");
    graph.append(shape("line", { x1: left, x2: width - 8, y1: base, y2: base, class: "wd-grid" }));
    graph.append(shape("text", { x: left - 6, y: base - BARS + 8, class: "wd-label wd-last" }, "100%"));
    const every = [5, 10, 20, 40].find((step) => column * step > 44) ?? 40;
    for (let number = every; number < last; number += every) {
      graph.append(shape("text", { x: x(last - number), y: base + 32, class: "wd-label wd-middle" }, String(number)));
    }
    graph.append(shape("text", { x: left, y: base + 50, class: "wd-label" }, "← tokens back"));
    const [bars, edge, knob] = [shape("g"), shape("path", { class: "wd-edge" }), shape("circle", { r: 7, class: "wd-knob" })];
    const says = shape("text", { x: width < 480 ? 0 : left, y: 16, class: "wd-label wd-over" }, "the answer, if the window begins at this token");
    graph.append(bars, knob, says);
    picture.append(graph, edge);
    stage.replaceChildren(picture);
    return { x, base, left, column, bars, edge, knob };
  }

  function update() {
    if (!part || !whole() || part.pieces !== whole().pieces) return;
    const { pieces, right, last } = part;
    const number = size();
    const first = pieces.length - number;
    const said = answers.get(key(text(), number));
    note(number);
    const favourite = pieces[right] ?? whole().top[0][0];
    const needed = right > 0 ? layersNeeded(last - right, number) : 1;
    const stops = right > 0 ? relay(right, last, number, layers) : [];

    chips.forEach((chip, index) => {
      chip.classList.toggle("in", index >= first);
      chip.classList.toggle("told", index === right);
      chip.classList.toggle("guess", index === model.get("guess"));
      const after = stops.findIndex((stop) => stop >= index); // after how many layers the fact can have reached this token; -1 if it cannot
      chip.classList.toggle("reached", after > 0);
      chip.style.setProperty("--after", String(after));
      if (after > 0 && stops[after] === index) chip.dataset.layer = after === 1 ? "layer 1" : String(after);
      else delete chip.dataset.layer;
      if (index === right) tint(chip, favourite.trim());
    });
    const corner = chips[Math.max(1, first)];
    handle.style.transform = `translate(${corner.offsetLeft}px, ${corner.offsetTop}px)`;
    handle.style.setProperty("--chip", `${corner.offsetHeight}px`);
    handle.setAttribute("aria-valuenow", String(number));
    for (const button of el.querySelectorAll(".wd-distances button")) {
      button.setAttribute("aria-pressed", String(button.textContent === text()));
    }

    // The sizes of the window whose answers are shown: on a page, only those that the visitor has tried
    const tried = [...(sizesOf.get(text()) ?? [])].filter((each) => each < pieces.length && (!fog() || seen.get(text()).has(each))).sort((a, b) => b - a);
    if (fog()) stripe(tried, favourite);
    else drawBars(tried, favourite, first);

    const next = paper.querySelector(".wd-next");
    if (said) {
      const [now, sure] = said.top[0];
      const other = now !== favourite;
      el.classList.toggle("asking", asking());
      const never = !pieces.includes(now);
      next.replaceChildren(now.trim(), make("b", "num", percent(sure)));
      tint(next, now.trim());
      paint(now.trim());
      next.classList.toggle("ember", other);
      loud.textContent = percent(sure);
      loud.classList.toggle("ember", other);
      loudWords.textContent = `“${now.trim()}”${!other ? "" : never ? ", which the text never says" : `, not “${favourite.trim()}”`}`;
      const sees = number === pieces.length ? `all ${number - 1} tokens` : several(number, "token");
      take.classList.toggle("result", Boolean(!asking() && other && (passed || model.get("guess") > 0)));
      if (other && !turned) turned = Math.max(1, first);
      const guess = model.get("guess") > 0 ? pieces[model.get("guess")]?.trim() : "";
      if (asking()) take.textContent = "The window closes from the left. Press the underlined word at which the answer turns.";
      else if (guess && turned && other && !passed) take.textContent = `You said “${guess}”. The answer turned once the window began at “${pieces[turned].trim()}”.`;
      else if (passed && right > 0) take.textContent = arrival(favourite.trim(), last - right, needed, other);
      else take.textContent = `Each layer sees ${sees}${right > 0 ? `: “${favourite.trim()}” is ${needed === 1 ? "in sight" : "out of sight"}` : ""}.`;
      handle.setAttribute("aria-valuetext", `${number} tokens: ${now.trim()}, ${percent(sure)}`);
      speak(`${loud.textContent} ${loudWords.textContent}. ${take.textContent}`);
    } else {
      ask(text(), number);
    }
  }
  /** Draw a bar for each size of the window in `tried`. Its height is the answer's share. If the answer is a colour, the bar
   * has this colour. Neighbouring bars with the same answer (a run) have one label. `first` is the window's first token. */
  function drawBars(tried, favourite, first) {
    const { pieces, x, base, column } = part;
    const runs = [];
    const bars = tried.map((each) => {
      const [token, sure] = answers.get(key(text(), each)).top[0];
      const word = token.trim();
      const index = pieces.length - each;
      const bar = shape("rect", { x: x(index) - column / 2 + 1, y: base - BARS * sure, width: Math.max(1, column - 2), height: BARS * sure });
      bar.setAttribute("class", `wd-bar${token === favourite ? " right" : ""}${index === Math.max(1, first) ? " now" : ""}`);
      if (word in LOOKS) bar.style.fill = word === "black" ? `light-dark(${LOOKS.black}, #555c70)` : LOOKS[word]; // a black bar could not be seen on the dark theme's background
      if (runs.at(-1)?.word === word) runs.at(-1).until = index;
      else runs.push({ word, from: index, until: index, right: token === favourite });
      return bar;
    });
    // If neighbouring runs are too narrow for their words, they share the label OTHERS.
    const spans = [];
    for (const run of runs) {
      const wide = (run.until - run.from + 1) * column;
      if (wide > LETTER * (run.word.length + 1)) spans.push({ ...run, label: `“${run.word}”` });
      else if (spans.at(-1)?.label === OTHERS && spans.at(-1).until + 1 === run.from) spans.at(-1).until = run.until;
      else spans.push({ ...run, label: OTHERS });
    }
    const labels = spans
      .filter(({ label, from, until }) => label !== OTHERS || (until - from + 1) * column > LETTER * OTHERS.length)
      .map(({ label, from, until, right: ok }) => {
        const kind = label === OTHERS ? "" : ok ? " wd-right" : " wd-wrong";
        return shape("text", { x: (x(from) + x(until)) / 2, y: base - BARS - 5, class: `wd-label wd-middle${kind}` }, label);
      });
    part.bars.replaceChildren(...bars, ...labels);
    const here = x(Math.max(1, first)) - column / 2;
    part.edge.setAttribute("d", `M${here} ${base - BARS}V${base}`);
    part.knob.setAttribute("cx", String(here));
    part.knob.setAttribute("cy", String(base + 9)); // put the knob below the bars, so that it hides none of them
  }
  /** Under each token at which a tried window began, draw a stripe in the colour of the answer. */
  function stripe(tried, favourite) {
    chips.forEach((chip) => chip.classList.remove("tried", "right"));
    for (const each of tried) {
      const [token] = answers.get(key(text(), each)).top[0];
      const chip = chips[chips.length - each];
      chip.classList.add("tried");
      chip.classList.toggle("right", token === favourite);
      chip.style.setProperty("--said", LOOKS[token.trim()] ?? "var(--mark)");
    }
  }
  /** Words that say whether the layers can carry the fact, `back` tokens before the last token, to the last token. */
  function arrival(word, back, needed, other) {
    if (needed === 1) return `“${word}”, ${several(back, "token")} back, is in sight.`;
    if (needed > layers) return `“${word}” is out of reach: ${layers} layers carry it ${several(layers * (size() - 1), "token")} of ${back}.`;
    return `${needed} layers could carry “${word}” to the end${other ? ", but this model never learned to" : ""}.`;
  }

  // The edge of the window can be dragged in the text and in the chart
  let lift = 0; // px: how far below the middle of a line of words the pointer took hold of the handle
  handle.addEventListener("pointerdown", (event) => {
    const box = chips[Math.max(1, chips.length - size())].getBoundingClientRect();
    lift = event.clientY - (box.top + box.bottom) / 2;
  });
  function fromText(event, lifted = 0) {
    // The token under the pointer, or the nearest token, becomes the first token in the window.
    const y = event.clientY - lifted;
    let best = [Infinity, 0];
    chips.forEach((chip, index) => {
      const box = chip.getBoundingClientRect();
      const across = Math.max(box.left - event.clientX, 0, event.clientX - box.right);
      const down = Math.max(box.top - y, 0, y - box.bottom);
      const distance = across * across + 9 * down * down;
      if (index > 0 && distance < best[0]) best = [distance, index];
    });
    return Math.max(2, chips.length - best[1]);
  }
  function fromStage(event) {
    const across = event.clientX - stage.getBoundingClientRect().left;
    const index = Math.round((across - part.left) / part.column) + 1;
    return Math.max(2, Math.min(chips.length, chips.length - index));
  }
  const begin = () => {
    stop();
    el.classList.add("known");
  };
  /** Store the visitor's guess, and let the window become smaller until the answer changes. */
  function guessAt(index) {
    begin();
    keep({ guess: index });
    sweepOn();
  }
  const ready = () => part !== null;
  onDrag(el, handle, (event) => keep({ size: fromText(event, lift) }), { ready, begin });
  onDrag(el, stage, (event) => keep({ size: fromStage(event) }), { ready, begin });
  stage.addEventListener("click", (event) => part && keep({ size: fromStage(event) }));
  paper.addEventListener("click", (event) => {
    if (!part || handle.contains(event.target)) return;
    if (asking()) return guessAt(chips.length - fromText(event));
    begin();
    keep({ size: fromText(event) });
  });
  handle.addEventListener("keydown", (event) => {
    const number = size();
    const all = chips.length;
    const goes = {
      ArrowLeft: number + 1, ArrowUp: number + 1, ArrowRight: number - 1, ArrowDown: number - 1,
      PageUp: number + 5, PageDown: number - 5, Home: all, End: 2, Escape: all,
    }[event.key];
    if (goes === undefined) return;
    event.preventDefault();
    begin();
    keep({ size: Math.max(2, Math.min(all, goes)) });
  });

  function stop() {
    clearTimeout(playing);
    playing = 0;
    sweep.textContent = "▶ Close it slowly";
  }
  function tick() {
    if (size() <= 2 || (model.get("guess") > 0 && turned)) return stop();
    if (!asked) keep({ size: size() - 1 });
    playing = setTimeout(tick, still.matches ? 300 : 220);
  }
  sweep.addEventListener("click", () => {
    if (playing) return stop();
    begin();
    if (model.get("guess") > 0 || asking()) keep({ guess: -1 });
    sweepOn();
  });
  function sweepOn() {
    sweep.textContent = "■ Stop";
    if (size() <= 2) keep({ size: chips.length });
    tick();
  }
  // Tint the tokens that the fact can reach, layer by layer. The style sheet delays each tint by the chip's `--after`.
  pass.addEventListener("click", () => {
    if (!part || part.right <= 0) return;
    stop();
    passed = true;
    if (asking()) keep({ guess: -1 }); // no longer ask for a guess, because from now on `take` says what the layers can do
    el.classList.remove("passed", "passing");
    void el.offsetWidth; // the tints are gone before they come again
    el.style.setProperty("--hop", `${HOP}ms`);
    el.classList.toggle("passing", !still.matches);
    el.classList.add("passed");
    clearTimeout(passing);
    passing = setTimeout(() => el.classList.remove("passing"), HOP * (layers + 1));
    update();
  });

  document.fonts?.ready.then(update); // the words have their final widths only when the fonts are loaded
  let width = 0;
  const watcher = new ResizeObserver(() => {
    if (paper.clientWidth === width) return;
    width = paper.clientWidth;
    build();
  });
  watcher.observe(paper);
  model.on("change:said", listen);
  const changed = () => keepState.storing || update();
  for (const name of ["size", "guess"]) model.on(`change:${name}`, changed);
  const start = model.get("text") || data.offers[0];
  model.set("text", start);
  fold.open = data.words && !answers.has(key(start, count(start))); // if `start` has no stored answer, open the box, because its button loads the model that computes the answer
  if (!whole()) {
    if (data.answers?.length && !model.get("live")) model.set("text", data.answers[0].want.text);
    ask(start, count(start));
  }
  build();

  return () => {
    stop();
    clearTimeout(passing);
    hush();
    watcher.disconnect();
    model.off("change:said", listen);
    for (const name of ["size", "guess"]) model.off(`change:${name}`, changed);
  };
}

export default { render };
