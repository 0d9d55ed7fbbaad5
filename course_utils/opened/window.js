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

const HOP = 340; // ms for each layer, in the animation of a fact that is passed from token to token
const ROW = 22; // px: the height of a layer's row
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
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const answers = new Map(); // from the string `${text}|${size}` to the host's answer
  const sizesOf = new Map(); // from a text to the sizes of the window at which the answer is known
  let asked = null; // the request {text, size} that the host is answering, or null
  let playing = 0;
  let passed = false; // whether “Pass it on” has been pressed; from then on, the layers are shown
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
  const over = shape("svg", { class: "wd-over-words", "aria-hidden": "true" });
  const hops = over.appendChild(shape("path"));
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
  const wake = make("div");
  wake.dataset.wake = "for your own text";
  const { live, speak, hush } = announcer();
  el.append(top, paper, tools, stage);
  const fold = make("details", "wd-fold");
  if (data.words) {
    const labels = { placeholder: "Your own text, up to the word that is asked for", label: "Your own text", button: "Read it" };
    fold.append(make("summary", "", "Read a text of your own"), wake, ownText(labels, data, turnTo));
    el.append(fold);
  } else {
    el.append(distances());
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
  const fog = () => model.get("guess") !== undefined;
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
    const right = data.texts ? data.texts[text()].target : pieces.lastIndexOf(whole().top[0][0]);
    chips.length = 0;
    paper.replaceChildren();
    pieces.forEach((piece, index) => {
      const chip = make("span", chipClass(piece, index), piece.trim());
      chip.hidden = index === 0; // hide the start token, with which every text begins
      chip.classList.toggle("in", index >= pieces.length - size()); // set before the chip is on the page, so that its colour is there from the start
      chips.push(chip);
      paper.append(chip);
    });
    paper.append(make("span", "chip wd-next"), handle, over);
    handle.setAttribute("aria-valuemax", String(pieces.length));

    const width = stage.clientWidth || 600;
    const left = width < 480 ? 60 : 62;
    const last = pieces.length - 1;
    const column = (width - left - 8) / last;
    const x = (index) => left + (index - 0.5) * column;
    const top = passed ? 26 : 0;
    const rows = passed ? top + ROW * (layers + 1) : 0;
    const base = rows + 52 + BARS; // y of the foot of the bars
    const height = fog() ? rows : base + 54;
    const picture = shape("svg", { width, height, viewBox: `0 0 ${width} ${height}` });
    const fact = right > 0 ? pieces[right].trim() : "";
    if (fact in LOOKS) picture.style.setProperty("--look", LOOKS[fact]);
    if (passed) picture.append(shape("text", { x: left, y: 12, class: "wd-label" }, fact ? `where “${fact}” can be after so many layers${width < 480 ? "" : " (pale: out of the last token’s sight)"}` : ""));
    const cells = [];
    for (let row = 0; passed && row <= layers; row++) {
      picture.append(shape("text", { x: 0, y: top + ROW * row + 12, class: "wd-label" }, row ? several(row, "layer") : "text"));
      for (let index = 1; index <= last; index++) {
        const cell = shape("rect", { x: x(index) - column / 2 + 0.5, y: top + ROW * row, width: Math.max(1, column - 1.5), height: ROW - 6, rx: 2, class: "wd-cell" });
        cells.push({ cell, row, index });
        picture.append(cell);
      }
    }
    const shade = picture.appendChild(shape("rect", { class: "wd-shade" }));
    if (!passed) shade.setAttribute("visibility", "hidden");
    const graph = shape("g");
    graph.append(shape("line", { x1: left, x2: width - 8, y1: base, y2: base, class: "wd-grid" }));
    graph.append(shape("text", { x: left - 6, y: base - BARS + 8, class: "wd-label wd-last" }, "100%"));
    const every = [5, 10, 20, 40].find((step) => column * step > 44) ?? 40;
    for (let number = every; number < last; number += every) {
      graph.append(shape("text", { x: x(last - number), y: base + 32, class: "wd-label wd-middle" }, String(number)));
    }
    graph.append(shape("text", { x: left, y: base + 50, class: "wd-label" }, "← tokens back"));
    const [path, dot] = [shape("polyline", { class: "wd-path" }), shape("circle", { r: 6, class: "wd-dot" })];
    const [bars, edge, knob] = [shape("g"), shape("path", { class: "wd-edge" }), shape("circle", { r: 7, class: "wd-knob" })];
    const says = shape("text", { x: width < 480 ? 0 : left, y: rows + 16, class: "wd-label wd-over" }, "the answer, if the window begins at this token");
    if (!fog()) graph.append(bars, knob, says);
    if (!fog()) picture.append(graph);
    picture.append(...(passed ? [path, dot] : []), edge);
    stage.replaceChildren(picture);
    part = { pieces, right, last, x, top, rows, base, left, column, cells, shade, path, dot, bars, edge, knob };
    update();
  }

  function update() {
    if (!part || !whole() || part.pieces !== whole().pieces) return;
    const { pieces, right, last, x, top, rows, base, column } = part;
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
      chip.classList.toggle("stop", stops.includes(index) && index !== right && index !== last);
      if (index === right) tint(chip, favourite.trim());
    });
    drawHops(stops, needed > layers);
    const corner = chips[Math.max(1, first)];
    handle.style.transform = `translate(${corner.offsetLeft}px, ${corner.offsetTop}px)`;
    handle.style.setProperty("--chip", `${corner.offsetHeight}px`);
    handle.setAttribute("aria-valuenow", String(number));
    for (const button of el.querySelectorAll(".wd-distances button")) {
      button.setAttribute("aria-pressed", String(button.textContent === text()));
    }

    // The cells show which tokens can have the fact after each layer. The path shows the way on which the fact gets furthest.
    for (const { cell, row, index } of part.cells) {
      const reach = right > 0 ? Math.min(last, right + row * (number - 1)) : -1;
      const look = `wd-cell${right > 0 && index >= right && index <= reach ? " has" : ""}${index === last && row === layers ? " end" : ""}`;
      if (cell.getAttribute("class") !== look) cell.setAttribute("class", look);
    }
    const middle = (row) => top + ROW * row + (ROW - 6) / 2;
    const way = stops.map((index, row) => [x(index), middle(row)]);
    part.path.setAttribute("points", way.map((point) => point.join(",")).join(" "));
    part.path.classList.toggle("lost", needed > layers);
    if (way.length) {
      part.dot.setAttribute("cx", String(way.at(-1)[0]));
      part.dot.setAttribute("cy", String(way.at(-1)[1]));
    }
    part.dot.classList.toggle("lost", needed > layers);
    part.dot.setAttribute("visibility", way.length ? "visible" : "hidden");

    // There is a bar for each size of the window that has an answer. Its height is the answer's share. If the answer is a
    // colour, the bar has this colour. Neighbouring bars with the same answer (a run) have one label.
    const tried = [...(sizesOf.get(text()) ?? [])].filter((each) => each < pieces.length && (!fog() || seen.get(text()).has(each))).sort((a, b) => b - a);
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
    stage.classList.toggle("untried", fog() && !passed);
    if (fog()) stripe(tried, favourite);
    const here = x(Math.max(1, first)) - part.column / 2;
    // The line `edge` leaves out the height between the cells and the bars, so that it crosses no label.
    part.edge.setAttribute("d", `${passed ? `M${here} ${top - 6}V${rows}` : ""}${fog() ? "" : `M${here} ${base - BARS}V${base}`}`);
    part.knob.setAttribute("cx", String(here));
    part.knob.setAttribute("cy", String(base + 9)); // put the knob below the bars, so that it hides none of them
    for (const [name, value] of Object.entries({ x: part.left, y: top - 6, width: Math.max(0, here - part.left), height: rows - top + 6 })) part.shade.setAttribute(name, String(value));

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
      take.classList.toggle("result", Boolean(!asking() && model.get("guess") > 0 && (turned || other) && other));
      if (other && !turned) turned = Math.max(1, first);
      const guess = model.get("guess") > 0 ? pieces[model.get("guess")]?.trim() : "";
      if (asking()) take.textContent = "The window closes from the left. At which word does the answer turn? Press it.";
      else if (guess && turned && other) take.textContent = `You said “${guess}”. The answer turned once the window began at “${pieces[turned].trim()}”.`;
      else take.textContent = `Each layer sees ${sees}. ${arrival(favourite.trim(), last - right, needed, other)}`;
      handle.setAttribute("aria-valuetext", `${number} tokens: ${now.trim()}, ${percent(sure)}`);
      speak(`${loud.textContent} ${loudWords.textContent}. ${take.textContent}`);
    } else {
      ask(text(), number);
    }
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
  function arrival(word, back, needed, other) {
    if (part.right <= 0) return "";
    if (needed === 1) return `“${word}”, ${several(back, "token")} back, is in sight.`;
    if (needed > layers) return `“${word}” is out of reach: ${layers} layers carry it ${several(layers * (size() - 1), "token")} of ${back}.`;
    const stops = relay(part.right, part.last, size(), layers).slice(1, -1).map((index) => `“${part.pieces[index].trim()}”`);
    const way = stops.join(", ").replace(/, ([^,]*)$/, " and $1");
    return `${needed} layers could hand “${word}” on${fog() ? "" : `, by way of ${way}`}${other ? ". The answer shows nothing of it" : ""}.`;
  }

  /**
   * Draw how the fact is handed on: a hop for each layer. A hop within a line of words is an arc above it. A hop to the next
   * line runs between the two lines. A hop to a later line goes around the lines in between, at their left.
   */
  function drawHops(stops, lost) {
    const between = Number.parseFloat(getComputedStyle(paper).rowGap) || 16;
    const edge = -7; // px: the x at which a hop goes around lines, in the margin of the text
    const spots = stops.map((index) => {
      const { offsetLeft, offsetTop, offsetWidth, offsetHeight } = chips[index];
      return { x: offsetLeft + offsetWidth / 2, top: offsetTop, bottom: offsetTop + offsetHeight };
    });
    const ways = spots.slice(1).map((to, index) => {
      const from = spots[index];
      const [below, above] = [from.bottom + between / 2, to.top - between / 2];
      if (Math.abs(from.top - to.top) < 4) return `M${from.x} ${from.top}Q${(from.x + to.x) / 2} ${from.top - 1.5 * between} ${to.x} ${to.top}`;
      if (above - below < 4) return `M${from.x} ${from.bottom}V${below}H${to.x}V${to.top}`;
      return `M${from.x} ${from.bottom}V${below}H${edge}V${above}H${to.x}V${to.top}`;
    });
    hops.setAttribute("d", ways.join(""));
    over.classList.toggle("lost", lost);
  }

  // The edge of the window can be dragged in the text and in the picture
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
  onDrag(el, stage, (event) => keep({ size: fromStage(event) }), { ready: () => ready() && !asking(), begin });
  stage.addEventListener("click", (event) => {
    if (!part) return;
    if (asking()) guessAt(Math.max(1, chips.length - fromStage(event)));
    else keep({ size: fromStage(event) });
  });
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
  pass.addEventListener("click", () => {
    if (!part || part.right <= 0) return;
    if (!passed) {
      passed = true;
      el.classList.add("passed");
      if (asking()) keep({ guess: -1 }); // no longer ask for a guess, because from now on `take` says what the layers show
      build();
    }
    if (!still.matches) for (const { cell, row } of part.cells) cell.animate([{ opacity: 0.15 }, { opacity: 1 }], { duration: HOP, delay: HOP * Math.max(0, row - 1), fill: "backwards" });
    const points = part.path.getAttribute("points").split(" ").map((point) => point.split(",").map(Number));
    const [endX, endY] = points.at(-1);
    if (still.matches || points.length < 2) return;
    const frames = points.map(([across, down]) => ({ transform: `translate(${across - endX}px, ${down - endY}px)`, easing: "cubic-bezier(.5,0,.2,1)" }));
    const options = { duration: HOP * (points.length - 1) };
    const long = hops.getTotalLength();
    hops.animate([{ strokeDasharray: `0 ${long}` }, { strokeDasharray: `${long} 0` }], options);
    part.dot.animate(frames, options);
    const length = part.path.getTotalLength();
    part.path.animate([{ strokeDasharray: `0 ${length}` }, { strokeDasharray: `${length} 0` }], options);
  });

  document.fonts?.ready.then(update); // the words have their final widths only when the fonts are loaded
  let width = 0;
  const watcher = new ResizeObserver(() => {
    if (stage.clientWidth === width) return;
    width = stage.clientWidth;
    build();
  });
  watcher.observe(stage);
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
    hush();
    watcher.disconnect();
    model.off("change:said", listen);
    for (const name of ["size", "guess"]) model.off(`change:${name}`, changed);
  };
}

export default { render };
