// A window that can be dragged over a text. In each layer, a token attends only to the tokens in its window.
// The view's `data` is {layers, offers (texts to choose from), answers (stored answers of the host), words (the texts of the
// model's tokens)}. In a notebook, `data` also has texts: {offer: {pieces, target}}, where `target` is the index of the token
// on which the answer depends, and an offer is the distance from the last token back to that token.
// The visitor chooses `text` (one of the offers, or an own text), `size` (the number of tokens in the window) and, on a page,
// `stops`: once the word on which the answer depends is out of sight, the visitor carries it on as a drop, layer by layer.
// `stops` has the index of the token at which the drop lay after each layer.
// The view asks with `want` {text, size}. The host answers with `said` {pieces, top}; `top` has the likeliest next tokens, as
// [text, share].
// In a notebook, bars below the text show the answers.
import { LOOKS, adopt, announcer, asSlider, chipClass, headline, keeper, make, onDrag, ownText, piecesOf, shape } from "./view.js";

const HOP = 320; // ms: how long a layer takes to hand a dragged drop on to the next layer
const FALL = 600; // ms: how long the drop takes from the last token to the pail
const KNOB = 18; // px: half of the width of the edge's knob and of the dashed drop, with some room
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

/** The index of the furthest token to which one layer can carry information from the token at index `at`. `last` is the index
 * of the last token. */
export const reach = (at, last, size) => Math.min(last, at + Math.max(0, size - 1));

/**
 * The first of `stops` that layers can have reached one after the other: each layer carries the information further, by at
 * most `size` - 1 tokens.
 * @param {number[]} stops for each layer, the index of a token
 * @param {number} from the index of the token that the information is in at first
 * @param {number} last the index of the last token
 * @param {number} size the number of tokens in the window, including the token that attends
 * @param {number} layers
 * @returns {number[]}
 */
export function possible(stops, from, last, size, layers) {
  const fine = stops.slice(0, layers).findIndex((stop, layer) => {
    const before = layer ? stops[layer - 1] : from;
    return !(stop > before && stop <= reach(before, last, size));
  });
  return stops.slice(0, fine < 0 ? layers : fine);
}

export function render({ model, el }) {
  const data = model.get("data");
  const { layers } = data;
  const onPage = !data.texts;
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const answers = new Map(); // from the string `${text}|${size}` to the host's answer
  const sizesOf = new Map(); // from a text to the sizes of the window at which the answer is known
  let asked = null; // the request {text, size} that the host is answering, or null
  let playing = 0;
  let carries = onPage; // whether a drop can be carried, if the fact is out of sight; in a notebook only after “Pass it on”
  let stops = model.get("stops") ?? [];
  let held = 0; // the index of the token under the drop while it is dragged; 0 while it is not

  adopt(el, "wd");
  const { head, loud, loudWords } = headline("wd");
  const take = make("p", "wd-take");
  // A pail with paint of the colour that the model names
  const pail = shape("svg", { class: "wd-pail", viewBox: "0 0 120 128", "aria-hidden": "true" });
  pail.append(
    shape("ellipse", { cx: 60, cy: 124, rx: 72, ry: 11, class: "wd-puddle" }),
    shape("path", { d: "M14 40C14 -8 106 -8 106 40", class: "wd-bail" }),
    shape("path", { d: "M12 40 24 120Q60 130 96 120L108 40Z", class: "wd-tin" }),
    shape("path", { d: "M13 44C20 58 40 54 44 56V84a6 6 0 0 0 12 0V62a5 5 0 0 1 10 0v8a6 6 0 0 0 12 0V55C92 54 104 52 107 44Z", class: "wd-paint wd-drip" }),
    shape("ellipse", { cx: 60, cy: 40, rx: 48, ry: 14, class: "wd-paint" }),
    shape("text", { x: 60, y: 102, class: "wd-unknown" }, "?"),
  );
  const top = make("div", "wd-top");
  const told = make("div");
  told.append(head, take);
  top.append(pail, told);
  const paper = make("div", "wd-text");
  const handle = make("div", "wd-handle");
  asSlider(handle, { label: "Tokens that the window holds", min: 2 });
  handle.append(make("i"), make("span", "wd-hint", "drag me"));
  const stage = make("div", "wd-stage");
  stage.setAttribute("aria-hidden", "true");
  const tools = make("div", "wd-tools");
  const sweep = make("button", "wd-sweep", "▶ Close it slowly");
  const pass = make("button", "", "▶ Pass it on");
  tools.append(sweep, pass);
  const drop = dropShape("button", "wd-drop");
  const dropHint = drop.appendChild(make("span", "wd-hint", "drag me on"));
  const goal = dropShape("div", "wd-goal"); // shows how far the next layer can carry the drop
  goal.setAttribute("aria-hidden", "true");
  const goalLayer = goal.firstChild.appendChild(shape("text", { x: 12, y: 23 }));
  const wake = make("div");
  wake.dataset.wake = "for your own text";
  const { live, speak, hush } = announcer();
  el.append(top, paper);
  const fold = make("details", "wd-fold");
  if (data.words) {
    const labels = { placeholder: "Your own text, up to the word that is asked for", label: "Your own text", button: "Read it" };
    fold.append(make("summary", "", "Read a text of your own"), wake, ownText(labels, { ...data, unknown: true }, turnTo));
    el.append(fold);
  } else {
    el.append(tools, stage, distances());
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
  /** A drop of paint, as a button or as a drawing. */
  function dropShape(tag, name) {
    const whole = make(tag, name);
    const svg = shape("svg", { viewBox: "0 0 24 30", "aria-hidden": "true" });
    svg.append(shape("path", { d: "M12 2C15 8 21 13 21 19a9 9 0 0 1-18 0C3 13 9 8 12 2Z" }));
    whole.append(svg);
    return whole;
  }
  const whole = () => answers.get(key(text(), count(text())));
  const size = () => Math.max(2, Math.min(count(text()), model.get("size") ?? Infinity));
  /** The chip at the window's edge: that of the first token in the window, or of the first word if the start token is in it. */
  const corner = () => chips[Math.max(1, chips.length - size())];
  /** The index of the token to which the drop has been carried. */
  const reached = () => stops.at(-1) ?? part.right;
  /** Whether no layer can carry the drop any further. */
  const over = () => reached() === part.last || stops.length === layers;
  const keepState = keeper(model, update);
  /** Store changes. Another size or text takes the drop back to its beginning. */
  function keep(changes) {
    stops = changes.stops ?? [];
    keepState(onPage ? { ...changes, stops } : changes);
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
    keep({ text: words, size: data.texts ? size() : count(words) });
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
    const next = make("span", "chip wd-next");
    paper.append(next, handle, goal, drop);
    handle.setAttribute("aria-valuemax", String(pieces.length));
    const fact = right > 0 ? pieces[right].trim() : "";
    el.style.setProperty("--fact", LOOKS[fact] ?? "var(--against)");
    part = { pieces, next, right, last: pieces.length - 1, ...(onPage ? {} : chart(pieces)) };
    update();
  }

  /** Draw the chart of the answers, without its bars. Only a notebook shows it. */
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
    const { pieces, next, right, last } = part;
    const number = size();
    const first = pieces.length - number;
    const said = answers.get(key(text(), number));
    const favourite = pieces[right] ?? whole().top[0][0];
    const hidden = right > 0 && right < first;
    stops = hidden && carries ? possible(stops, right, last, number, layers) : [];
    el.classList.toggle("carries", hidden && carries);

    chips.forEach((chip, index) => {
      chip.classList.toggle("in", index >= first);
      chip.classList.toggle("told", index === right);
      if (index === right) tint(chip, favourite.trim());
    });
    const { offsetLeft, offsetTop, offsetHeight } = corner();
    handle.style.transform = `translate(${offsetLeft}px, ${offsetTop}px)`;
    handle.style.setProperty("--chip", `${offsetHeight}px`);
    handle.setAttribute("aria-valuenow", String(number));
    for (const button of el.querySelectorAll(".wd-distances button")) {
      button.setAttribute("aria-pressed", String(button.textContent === text()));
    }

    if (!onPage) drawBars([...(sizesOf.get(text()) ?? [])].filter((each) => each < pieces.length).sort((a, b) => b - a), favourite, first);

    if (said) {
      const [now, sure] = said.top[0];
      const other = now !== favourite;
      const never = !pieces.includes(now);
      next.replaceChildren(now.trim(), make("b", "num", percent(sure)));
      tint(next, now.trim());
      paint(now.trim());
      next.classList.toggle("ember", other);
      loud.textContent = percent(sure);
      loud.classList.toggle("ember", other);
      loudWords.textContent = `“${now.trim()}”${!other ? "" : never ? (onPage ? ", a guess: the text never says it" : ", which the text never says") : `, not “${favourite.trim()}”`}`;
      const arrived = stops.at(-1) === last;
      pail.classList.toggle("spilt", arrived && other);
      const sees = number === pieces.length ? `all ${number - 1} tokens` : several(number, "token");
      const invites = onPage && number === pieces.length && !el.classList.contains("known");
      take.classList.toggle("result", invites || (hidden && carries));
      if (hidden && carries) take.textContent = carried(favourite.trim(), now.trim());
      else if (invites) take.textContent = `The model answers “${now.trim()}”. Drag the edge, and hide the beginning from it.`;
      else take.textContent = `Each layer sees ${sees}${right > 0 ? `: “${favourite.trim()}” is ${hidden ? "out of sight" : "in sight"}` : ""}.`;
      handle.setAttribute("aria-valuetext", `${number} tokens: ${now.trim()}, ${percent(sure)}`);
      speak(`${loud.textContent} ${loudWords.textContent}. ${take.textContent}`);
    } else {
      ask(text(), number);
    }
    drawDrop();
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
  /** Words that say how far the visitor has carried the fact `word`, and that the model answers `now`. */
  function carried(word, now) {
    const { right, last } = part;
    const [at, back] = [reached(), last - right];
    const used = stops.length;
    if (!used) return `“${word}” is out of sight. But ${layers} layers can carry it, one after the other: drag the drop.`;
    const needed = layersNeeded(back, size());
    if (at === last && now === word) return `${several(used, "layer")} can carry “${word}” to the end.`;
    if (at === last) return `“${word}” can arrive in ${several(used, "layer")}, yet “${now}” stays: this model never learned to carry it.`;
    if (used < layers) return `Layer ${used} carried “${word}” ${several(at - right, "token")} of ${back}. Layer ${used + 1} carries it on: drag it.`;
    if (needed > layers) return `“${word}” is out of reach: ${layers} layers carried it ${several(at - right, "token")} of ${back}.`;
    return `All ${layers} layers are used, and “${word}” is ${several(last - at, "token")} short. Press the drop: once more.`;
  }
  /** Draw the drop, its trail, the stops on its way, and how far the next layer can carry it. */
  function drawDrop() {
    const { right, last } = part;
    const shown = el.classList.contains("carries");
    const at = held || reached();
    chips.forEach((chip, index) => {
      chip.classList.toggle("reached", shown && index > right && index <= at);
      const layer = shown && index !== at ? stops.indexOf(index) + 1 : 0;
      if (layer) chip.dataset.layer = layer === 1 ? "layer 1" : String(layer);
      else delete chip.dataset.layer;
    });
    drop.hidden = !shown;
    goal.hidden = !shown || over();
    if (!shown) return;
    const put = (element, chip) => (element.style.transform = `translate(${chip.offsetLeft + chip.offsetWidth / 2}px, ${chip.offsetTop + chip.offsetHeight}px)`);
    put(drop, chips[at]);
    const furthest = reach(reached(), last, size());
    put(goal, chips[furthest]);
    goalLayer.textContent = String(stops.length + 1);
    drop.classList.toggle("new", !stops.length && !held);
    placeHint(chips[at], chips[furthest]);
    const word = chips[right].textContent.trim();
    drop.setAttribute("aria-label", over() ? `Take “${word}” back to its beginning` : `Carry “${word}” on with layer ${stops.length + 1} of ${layers}, as far as “${chips[furthest].textContent.trim()}”`);
  }
  /** Put the drop's hint to the right of the drop or, if the edge's knob or the dashed drop is there, to the left. If the left
   * has no room, show no hint. The drop is below the word `from`, and the dashed drop is below the word `to`. */
  function placeHint(from, to) {
    drop.classList.remove("before", "hintless");
    if (!dropHint.offsetWidth) return;
    const middle = from.offsetLeft + from.offsetWidth / 2;
    const begin = middle + drop.offsetLeft + dropHint.offsetLeft;
    const end = begin + dropHint.offsetWidth;
    const taken = (chip, x) => chip.offsetTop === from.offsetTop && x + KNOB > begin && x - KNOB < end;
    const edge = corner();
    if (end <= paper.clientWidth && !taken(edge, edge.offsetLeft) && !taken(to, to.offsetLeft + to.offsetWidth / 2)) return;
    drop.classList.add(2 * middle - end >= 0 ? "before" : "hintless");
  }
  /** Carry the drop to the token at this index, or as far as the next layer can carry it. A place at or before the drop's beginning takes it back there. */
  function carryTo(index) {
    const { right, last } = part;
    held = 0;
    if (index <= right) stops = [];
    else if (index > reached() && !over()) stops = [...stops, Math.min(index, reach(reached(), last, size()))];
    else return drawDrop();
    if (stops.at(-1) === last) fall();
    if (onPage) keepState({ stops });
    else update();
  }
  /** Let a copy of the drop fly from the last token to the pail. */
  function fall() {
    if (still.matches || !drop.getClientRects().length) return;
    const [from, to, paperBox] = [chips.at(-1), pail, paper].map((each) => each.getBoundingClientRect());
    const ghost = drop.cloneNode(true);
    ghost.className = "wd-drop wd-falls";
    ghost.setAttribute("aria-hidden", "true");
    ghost.tabIndex = -1;
    paper.append(ghost);
    const start = [from.left + from.width / 2 - paperBox.left, from.bottom - paperBox.top];
    const end = [to.left + to.width / 2 - paperBox.left, to.top + to.height * 0.3 - paperBox.top];
    const middle = [(start[0] + end[0]) / 2, Math.min(start[1], end[1]) - 60];
    const at = ([x, y], scale) => ({ transform: `translate(${x}px, ${y}px) scale(${scale})` });
    ghost.animate([at(start, 1), { ...at(middle, 1.6), easing: "ease-in" }, { ...at(end, 1.6) }], { duration: FALL, easing: "ease-out" }).onfinish = () => {
      ghost.remove();
      pail.animate([{ rotate: "0deg" }, { rotate: "10deg" }, { rotate: "-5deg" }, { rotate: "0deg" }], { duration: 300 });
    };
  }

  // The edge of the window can be dragged in the text and in the chart
  let lift = 0; // px: how far below the middle of its line of words the pointer took hold of the handle or of the drop
  function takeHold(event, chip) {
    const box = chip.getBoundingClientRect();
    lift = event.clientY - (box.top + box.bottom) / 2;
  }
  /** The index of the token under the pointer, or of the nearest token. `lifted` is how far below that place the pointer is, in px. */
  function tokenAt(event, lifted = 0) {
    const y = event.clientY - lifted;
    let best = [Infinity, 0];
    [...chips, part.next].forEach((chip, index) => {
      const box = chip.getBoundingClientRect();
      const across = Math.max(box.left - event.clientX, 0, event.clientX - box.right);
      const down = Math.max(box.top - y, 0, y - box.bottom);
      const distance = across * across + 9 * down * down;
      if (index > 0 && distance < best[0]) best = [distance, Math.min(index, chips.length - 1)]; // the answer stands for the last token
    });
    return best[1];
  }
  // The token under the pointer becomes the first token in the window.
  const fromText = (event) => Math.max(2, chips.length - tokenAt(event));
  /** While the edge is dragged, it goes to the nearer end of the word under the pointer. */
  function fromEdge(event) {
    const index = tokenAt(event, lift);
    const [{ left, right }, next] = [chips[index].getBoundingClientRect(), chips[index + 1]];
    const beyond = event.clientX > (left + right) / 2 && next?.offsetTop === chips[index].offsetTop;
    return Math.max(2, chips.length - index - Number(beyond));
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
  const ready = () => part !== null;
  onDrag(el, handle, (event) => keep({ size: fromEdge(event) }), {
    ready,
    begin(event) {
      takeHold(event, corner());
      begin();
    },
  });
  onDrag(el, stage, (event) => keep({ size: fromStage(event) }), { ready, begin });
  stage.addEventListener("click", (event) => part && keep({ size: fromStage(event) }));
  paper.addEventListener("click", (event) => {
    if (!part || handle.contains(event.target) || drop.contains(event.target)) return;
    begin();
    keep({ size: fromText(event) });
  });
  // The drop goes with the pointer, at most as far as the next layer can carry it
  let aim = 0; // the index of the token under the pointer while the drop is dragged
  let hopping = 0; // the timer after which the next layer takes the dragged drop on
  /** Let the drop follow the pointer. If the pointer is further than the layer can carry the drop, the next layer takes it on
   * soon after, so that one drag goes through all layers. */
  function follow() {
    const from = reached();
    const most = over() ? from : reach(from, part.last, size());
    held = Math.max(part.right, Math.min(most, aim));
    drawDrop();
    if (aim <= most || most === from || most === part.last) {
      clearTimeout(hopping);
      hopping = 0;
    } else hopping ||= setTimeout(() => {
      hopping = 0;
      if (!held) return;
      stops = [...stops, most];
      keepState({ stops });
      follow();
    }, HOP);
  }
  function release() {
    clearTimeout(hopping);
    hopping = 0;
    if (held) carryTo(held);
  }
  onDrag(el, drop, (event) => {
    aim = tokenAt(event, lift);
    if (aim !== reached() || held) drop.dataset.dragged = "yes";
    follow();
  }, {
    ready,
    begin(event) {
      takeHold(event, chips[reached()]);
      delete drop.dataset.dragged;
      stop();
    },
    end: release,
  });
  drop.addEventListener("click", () => {
    if (drop.dataset.dragged) return void delete drop.dataset.dragged;
    carryTo(over() ? part.right : part.last);
  });
  drop.addEventListener("keydown", (event) => {
    if (event.key === "ArrowRight") carryTo(part.last);
    else if (event.key === "ArrowLeft") carryTo(part.right);
    else return;
    event.preventDefault();
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
    if (size() <= 2) return stop();
    if (!asked) keep({ size: size() - 1 });
    playing = setTimeout(tick, still.matches ? 300 : 220);
  }
  sweep.addEventListener("click", () => {
    if (playing) return stop();
    begin();
    sweep.textContent = "■ Stop";
    if (size() <= 2) keep({ size: chips.length });
    tick();
  });
  pass.addEventListener("click", () => {
    stop();
    carries = true;
    stops = [];
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
  model.on("change:size", changed);
  const start = model.get("text") || data.offers[0];
  model.set("text", start);
  fold.open = data.words && !answers.has(key(start, count(start))); // if `start` has no stored answer, open the box, because its button loads the model that computes the answer
  if (!whole()) {
    if (data.answers?.length && !model.get("live")) model.set("text", data.answers[0].want.text);
    ask(start, count(start));
  }
  el.classList.toggle("known", onPage && size() < count(start));
  build();

  return () => {
    stop();
    hush();
    watcher.disconnect();
    model.off("change:said", listen);
    model.off("change:size", changed);
  };
}

export default { render };
