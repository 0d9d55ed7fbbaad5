// A mixture of experts at work: each token goes to two of eight experts, in every layer.
// The view's `data` is {experts (their number), offers (texts to choose from, or [name, text]), answers (stored answers of
// the host, in the form of `said`), words (the texts of the model's tokens)}.
// The visitor chooses `text`, `layer`, `expert` (or -1) and `sender`, which chooses the experts: "trained" (the model's
// routers), "random" (routers whose weights are random numbers) or "dice" (the view draws experts by lot).
// On a page of the website there is also `sent`: false until the visitor has sent the words. Until then the boxes are empty.
// The view asks with `want` {text}, and the host answers with `said` {pieces, routes} and perhaps `random`.
// routes[position][layer] = {experts, shares}, the first choice first. `random` has the choices of the random routers:
// random[router][position][layer] = [first expert, second expert, share of the first].
// A block with a token's word lies in the box of each of the token's experts, and a thread leads from the token to the block.
// The larger the expert's share, the wider the thread. The blocks of a pressed word have the share as a number, too.
import { adopt, announcer, chipClass, fitLine, headline, keeper, lots, make, onSize, ownText, radio, rove, shape } from "./view.js";

const STEP = 300; // ms after which the next token is sent to its experts; less if there are many tokens
const SHOW = 6000; // ms: the longest time in which all tokens are sent
const RUN = 560; // ms that a word takes to run along its thread
const TALLEST = 27; // px: the greatest height of a block
const SMALLEST = 9; // px: the smallest font size of a word on a block
const LARGEST = { wide: 16, narrow: 11 }; // px: the largest font size of a word on a block
const NARROW = 608; // px: router.css makes the words smaller in views up to this width (38rem)
const APART = 44; // px: the largest distance between two words in one line
const LETTERS = [24, 15]; // px: the largest and the smallest font size of a text in one line

const percent = (share) => `${Math.round(100 * share)}%`;

/** @typedef {{ experts: number[], shares: number[] }[][]} Routes indexed by the token's position, then by the layer */

/**
 * The tokens that chose each expert in a layer.
 * @param {Routes} routes
 * @param {number} layer
 * @param {number} experts
 * @returns {{ position: number, share: number }[][]} for each expert, the tokens in the order of the text
 */
export function byExpert(routes, layer, experts) {
  const taken = Array.from({ length: experts }, () => []);
  routes.forEach((layers, position) => {
    layers[layer].experts.forEach((expert, order) => taken[expert].push({ position, share: layers[layer].shares[order] }));
  });
  return taken;
}

/**
 * How often the router of a layer makes the same first choice for equal words.
 * @param {string[]} pieces
 * @param {Routes} routes
 * @param {number} layer
 * @returns {{ pairs: number, same: number, best: { word: string, times: number, of: number, expert: number } | null }}
 *   the number of pairs of equal words; how many of these pairs have the same first choice; and the word for which one
 *   expert is the first choice most often
 */
export function faithfulness(pieces, routes, layer) {
  const firsts = new Map();
  routes.forEach((layers, position) => {
    const word = pieces[position].trim();
    firsts.set(word, [...(firsts.get(word) ?? []), layers[layer].experts[0]]);
  });
  const found = { pairs: 0, same: 0, best: null };
  for (const [word, experts] of firsts) {
    found.pairs += (experts.length * (experts.length - 1)) / 2;
    for (const expert of new Set(experts)) {
      const times = experts.filter((other) => other === expert).length;
      found.same += (times * (times - 1)) / 2;
      const better = !found.best || times > found.best.times || (times === found.best.times && experts.length < found.best.of);
      if (experts.length > 1 && better) found.best = { word, times, of: experts.length, expert };
    }
  }
  return found;
}

/**
 * Routes drawn by lot: each token gets as many experts as in `routes`, with the same shares.
 * @param {Routes} routes
 * @param {number} experts
 * @param {number} seed
 * @returns {Routes}
 */
export function dice(routes, experts, seed) {
  return routes.map((layers, position) =>
    layers.map((route, layer) => {
      const keys = lots(seed + 1000 * position + layer, experts);
      const order = keys.map((_, expert) => expert).sort((a, b) => keys[a] - keys[b]);
      return { experts: order.slice(0, route.experts.length), shares: route.shares };
    }),
  );
}

export function render({ model, el }) {
  const data = model.get("data");
  const { experts } = data;
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let said = null;
  /** @type {{ [sender: string]: Routes[] }} for each way to choose experts ("trained", "random" or "dice"), a list of
   * `Routes`, with one entry for "trained" and several for the others */
  let senders = {};
  let turn = 0; // the index, modulo the list's length, of the `Routes` that the view shows from the chosen list in `senders`
  let clocks = [];
  let sent = 0; // how many tokens have been sent off
  let sending = false; // whether tokens are being sent off; if so, the view shows the experts of the token that was sent last
  const untrained = () => !["trained", undefined].includes(model.get("sender"));
  let races = untrained(); // whether the view compares the trained router with random routers and with dice
  let wrong = ""; // why the host refused the last text

  adopt(el, "rt");
  const sentence = make("div", "rt-sentence");
  sentence.setAttribute("role", "group");
  sentence.setAttribute("aria-label", "The text");
  const threads = shape("svg", { class: "rt-threads", "aria-hidden": "true" });
  const { head, loud, loudWords } = headline("rt");
  const top = make("div", "rt-lead");
  const take = make("p", "rt-take");
  const race = make("div", "rt-race");
  race.setAttribute("role", "radiogroup");
  race.setAttribute("aria-label", "What sends the tokens");
  const chance = make("button", "rt-chance");
  chance.addEventListener("click", () => {
    races = !races;
    update();
    if (races) race.scrollIntoView({ block: "nearest", behavior: still.matches ? "auto" : "smooth" });
  });
  const layers = make("div", "rt-layers");
  layers.setAttribute("role", "radiogroup");
  layers.setAttribute("aria-label", "Layer");
  const boxes = make("div", "rt-boxes");
  boxes.setAttribute("role", "group");
  boxes.setAttribute("aria-label", "The experts of this layer, with the tokens that each takes");
  const piles = make("div", "rt-piles");
  piles.setAttribute("aria-hidden", "true");
  const room = make("div", "rt-room");
  room.style.setProperty("--experts", String(experts));
  room.append(boxes, piles);
  const stage = make("div", "rt-stage");
  stage.append(threads, sentence, room);
  const play = make("button", "rt-play", "▶");
  play.append(make("span", "", " Send the words"));
  top.append(head, play);
  const wake = make("div");
  if (data.words) wake.dataset.wake = "for your own sentence"; // makes the page put a button here that loads the model; a notebook needs no such button
  const own = ownText({ placeholder: "Send your own sentence", label: "Your own sentence", button: "Send", offer: "Or send" }, data, ask);
  const fold = make("details", "rt-fold");
  fold.append(make("summary", "", "Another text"), own, wake);
  const tools = make("div", "rt-tools");
  tools.append(make("span", "rt-same", "layer"), layers, chance);
  const { live, speak, hush } = announcer();
  const meant = make("p", "rt-meant", "Random numbers: a router that has learned nothing. Dice: each word’s two experts by lot. Both are means of five tries."); // what the comparison compares with
  race.hidden = meant.hidden = true; // until the first answer
  el.append(top, stage, tools, take, meant, race, fold, live);

  const text = () => model.get("text") || data.offers[0];
  const layer = () => Math.min(model.get("layer") ?? 0, said.routes[0].length - 1);
  const picked = () => model.get("expert") ?? -1;
  /** Whether the page asks the visitor to send the words. */
  const fresh = () => model.get("sent") === false && picked() < 0 && !model.get("layer") && !untrained();
  const sender = () => (senders[model.get("sender")] ? model.get("sender") : "trained");
  const routes = () => senders[sender()][turn % senders[sender()].length];
  let pointed = -1; // the token under the pointer or with the focus
  let chosen = -1; // the token that was clicked
  const word = (position) => said.pieces[position].trim();
  const paint = (element, expert) => element.style.setProperty("--expert", `var(--e${expert % 8})`);

  const keepState = keeper(model, update);
  function ask(words) {
    el.classList.toggle("waiting", model.get("live") && said !== null);
    model.set("want", { text: words });
    model.save_changes();
  }
  function listen() {
    const answer = model.get("said");
    el.classList.remove("waiting");
    if (!answer) return;
    wrong = answer.error ?? "";
    if (answer.asleep) {
      fold.open = true; // the folded part has the button that loads the model
      if (!said) read(data.answers[0]);
    } else if (answer.error) {
      take.textContent = wrong;
      take.hidden = false;
      speak(wrong);
    } else {
      const first = !said;
      read(answer);
      if (answer.want.text !== text()) keepState({ text: answer.want.text, expert: -1 });
      if (first) return;
      top.scrollIntoView({ block: "nearest" }); // the visitor typed the text in a form far below, so scroll up to the words
      start();
    }
  }
  function read(answer) {
    said = answer;
    senders = { trained: [said.routes] };
    if (said.random) {
      const expand = ([first, second, share]) => ({ experts: [first, second], shares: [share, 1 - share] });
      senders.random = said.random.map((routes) => routes.map((layers) => layers.map(expand)));
      senders.dice = [0, 1, 2, 3, 4].map((seed) => dice(said.routes, experts, seed));
    }
    drawRace();
    chosen = pointed = -1;
    sending = false;
    sent = fresh() ? 0 : said.pieces.length;
    if (layers.children.length !== said.routes[0].length) buildLayers(said.routes[0].length);
    drawSentence();
    buildThreads();
    update();
  }

  // A line from 0 to the number of pairs of equal words. On it, each sender has a dot at the number of pairs that it sends to the
  // same expert, and below the dot a button.
  const NAMES = { trained: ["the ", "trained router", "", "the trained router"], random: ["", "random", " numbers", "5 routers of random numbers"], dice: ["", "dice", "", "5 throws of dice"] }; // in a narrow view, only the second part is shown
  const scale = shape("svg", { class: "rt-scale", "aria-hidden": "true" });
  const [low, high] = [make("span", "rt-low", "0"), make("span", "rt-high")];
  function drawRace() {
    race.replaceChildren();
    const names = Object.keys(senders);
    if (names.length < 2) return;
    scale.replaceChildren(shape("path", { class: "rt-axis" }), ...names.flatMap((name) => [shape("path", { class: `rt-stem ${name}` }), shape("circle", { class: name, r: 7 })]));
    race.append(scale, low, high, ...names.map((name) => {
      const row = make("button", `rt-sender ${name}`);
      row.dataset.sender = name;
      const [before, always, after] = NAMES[name];
      row.append(make("b", "num"), " ", make("span", "rt-wide", before), always, make("span", "rt-wide", after));
      const rows = () => race.querySelectorAll(".rt-sender");
      radio(row, rows, (at) => {
        const next = rows()[at].dataset.sender;
        finish();
        turn = sender() === next ? turn + 1 : 0;
        keepState({ sender: next });
      });
      return row;
    }));
  }
  /** Draw the comparison. `means` has for each sender how many of the `pairs` it sends to the same expert, on average. */
  function updateRace(means, pairs) {
    const rows = [...race.querySelectorAll(".rt-sender")];
    for (const row of rows) {
      const name = row.dataset.sender;
      const here = name === sender();
      row.firstChild.textContent = means[name] % 1 ? means[name].toFixed(1) : String(means[name]);
      row.setAttribute("aria-checked", String(here));
      row.tabIndex = here ? 0 : -1;
      row.setAttribute("aria-label", `${NAMES[name][3]}: ${row.firstChild.textContent} of ${pairs} pairs of equal words meet the same expert`);
    }
    high.textContent = `${pairs} pairs`;
    const width = race.clientWidth;
    scale.setAttribute("viewBox", `0 0 ${width} 56`);
    scale.firstChild.setAttribute("d", `M8 10H${width - 8}`);
    // Each button stands below its dot, or beside the buttons of the dots to its left.
    let free = 0;
    const inOrder = rows.map((row) => ({ row, at: (means[row.dataset.sender] / pairs) * (width - 16) + 8, wide: row.offsetWidth })).sort((a, b) => a.at - b.at);
    for (const one of inOrder) {
      one.left = Math.max(free, one.at - one.wide / 2);
      free = one.left + one.wide + 6;
    }
    let end = width;
    for (const one of inOrder.toReversed()) {
      one.left = Math.max(0, Math.min(one.left, end - one.wide));
      end = one.left - 6;
      one.row.style.translate = `${one.left}px 0`;
      const name = one.row.dataset.sender;
      scale.querySelector(`circle.${name}`).setAttribute("transform", `translate(${one.at} 10)`);
      scale.querySelector(`.rt-stem.${name}`).setAttribute("d", `M${one.at} 10L${one.left + one.wide / 2} 54`);
    }
  }

  function buildLayers(count) {
    layers.replaceChildren(
      ...Array.from({ length: count }, (_, index) => {
        const button = make("button", "rt-layer num", String(index));
        button.setAttribute("aria-label", `layer ${index}`);
        radio(button, () => layers.children, (at) => {
          finish();
          keepState({ layer: at });
        });
        return button;
      }),
    );
  }

  const boxList = Array.from({ length: experts }, (_, expert) => {
    const box = make("button", "rt-box");
    paint(box, expert);
    const name = make("span", "rt-foot");
    name.append(make("span", "", "expert "), make("b", "num", String(expert)));
    box.append(name);
    box.addEventListener("click", () => {
      finish();
      chosen = -1;
      keepState({ expert: picked() === expert ? -1 : expert });
    });
    boxes.append(box);
    return box;
  });

  /** Send the tokens off one after another. Each token's word runs along its thread to each of its two experts. */
  function start() {
    clocks.forEach(clearTimeout);
    clocks = [];
    if (still.matches) return finish();
    if (fresh()) keepState({ sent: true });
    sent = 0;
    update();
    const step = Math.min(STEP, SHOW / said.pieces.length);
    for (let position = 0; position < said.pieces.length; position++) {
      const go = () => {
        sent = position + 1;
        sending = true;
        update();
        run(position);
      };
      clocks.push(setTimeout(go, 200 + step * position));
    }
    clocks.push(setTimeout(finish, 200 + step * said.pieces.length + RUN));
  }
  function finish() {
    clocks.forEach(clearTimeout);
    clocks = [];
    sending = false;
    if (!said) return;
    sent = said.pieces.length;
    if (fresh()) keepState({ sent: true });
    update();
  }
  function run(position) {
    threadList.forEach((path, index) => {
      if (tokens[index] !== position || !path.getAttribute("d")) return;
      const dot = make("i", "rt-dot", word(position));
      dot.style.offsetPath = `path("${path.getAttribute("d")}")`;
      dot.style.setProperty("--expert", path.style.getPropertyValue("--expert"));
      stage.append(dot);
      dot.animate([{ offsetDistance: "0%" }, { offsetDistance: "100%" }], { duration: RUN, easing: "ease-in-out" }).onfinish = () => dot.remove();
    });
  }

  function drawSentence() {
    sentence.replaceChildren(
      ...said.pieces.map((piece, position) => {
        const chip = make("button", chipClass(piece, position), piece.trim());
        chip.tabIndex = position === 0 ? 0 : -1;
        const point = (to) => () => {
          pointed = to;
          update();
        };
        chip.addEventListener("mouseenter", point(position));
        chip.addEventListener("mouseleave", point(-1));
        chip.addEventListener("focus", point(position));
        chip.addEventListener("blur", point(-1));
        chip.addEventListener("click", () => {
          finish();
          chosen = chosen === position ? -1 : position;
          keepState({ expert: -1 });
        });
        rove(chip, () => sentence.children);
        return chip;
      }),
    );
    fit();
  }
  /** Set the text into one line if it fits. The words of a short text stay together, in the middle of the line. */
  function fit() {
    sentence.style.paddingInline = "";
    fitLine(sentence, sentence, LETTERS, (several) => sentence.classList.toggle("one", !several));
    if (!sentence.classList.contains("one")) return;
    const chips = [...sentence.children];
    const words = chips.reduce((sum, chip) => sum + chip.offsetWidth, 0);
    sentence.style.paddingInline = `${Math.max(0, (sentence.clientWidth - words - APART * chips.length) / 2)}px`;
  }

  function update() {
    if (!said) return;
    const all = routes();
    const here = all.slice(0, sent);
    const taken = byExpert(here, layer(), experts);
    const expert = picked();
    const asking = fresh();
    const looked = asking ? -1 : sending ? sent - 1 : pointed >= 0 ? pointed : chosen;
    const route = looked >= 0 ? all[looked][layer()] : null;
    const { pairs, same, best } = faithfulness(said.pieces, all, layer());
    const comparable = race.children.length > 0 && pairs > 0; // without equal words there is nothing to compare
    const compares = races && comparable;
    race.hidden = meant.hidden = !compares;
    el.classList.toggle("compares", compares); // the boxes are lower then, so that they and the comparison are in sight together
    const mean = (list) => list.reduce((sum, one) => sum + faithfulness(said.pieces, one, layer()).same, 0) / list.length;
    const means = compares && Object.fromEntries(Object.entries(senders).map(([name, list]) => [name, mean(list)]));
    if (compares) updateRace(means, pairs);

    const spot = route ? word(looked) : expert < 0 ? best?.word : undefined; // the word whose threads are lit, if any
    const lit = (position) => (sending ? position > looked - 2 : expert >= 0 && !route ? all[position][layer()].experts.includes(expert) : word(position) === spot);
    /** Whether a token's thread to an expert is lit. If an expert was pressed, and no token is pointed at or was clicked, only
     * the threads to this expert are lit. */
    const shines = (position, to) => position < sent && lit(position) && (sending || expert < 0 || route !== null || expert === to);
    [...sentence.children].forEach((chip, position) => {
      const { experts: two, shares } = all[position][layer()];
      chip.classList.toggle("away", !sending && (expert >= 0 || looked >= 0) && !lit(position));
      chip.classList.toggle("lit", (asking || position < sent) && lit(position));
      chip.classList.toggle("here", position === looked);
      chip.setAttribute("aria-label", asking ? word(position) : `${word(position)}: ${two.map((one, order) => `expert ${one} ${percent(shares[order])}`).join(", ")}`);
    });
    const heights = stack(all, shines);
    drawThreads(all, shines, heights);

    const even = (here.length * (all[0]?.[0].experts.length ?? 2)) / experts;
    boxList.forEach((box, number) => {
      const list = taken[number];
      box.setAttribute("aria-pressed", String(expert === number));
      box.classList.toggle("takes", Boolean(route?.experts.includes(number)));
      box.classList.toggle("on", list.some(({ position }) => shines(position, number)));
      const names = new Set(list.map(({ position }) => word(position)));
      box.setAttribute("aria-label", `Expert ${number}: ${list.length} token${list.length === 1 ? "" : "s"}, ${[...names].join(", ") || "none"}`);
    });
    [...layers.children].forEach((button, index) => {
      button.setAttribute("aria-checked", String(index === layer()));
      button.tabIndex = index === layer() ? 0 : -1;
    });

    const who = { trained: "first choice", random: "first choice of random numbers", dice: "first choice of dice" }[sender()];
    paint(head, route ? route.experts[0] : expert >= 0 ? expert : (best?.expert ?? 0));
    el.classList.toggle("sending", sending);
    el.classList.toggle("fresh", asking);
    tools.inert = asking;
    el.classList.toggle("asked", route !== null);
    if (asking) {
      loud.textContent = best ? `${best.of} × “${best.word}”` : `2 of ${experts}`;
      loudWords.textContent = best ? " Do they meet the same expert? Send the words." : " experts take each token. Send the words.";
    } else if (sending) {
      loud.textContent = `${all[0][0].experts.length} of ${experts}`;
      loudWords.textContent = " experts take each word";
    } else if (route) {
      loud.textContent = `${route.experts.length > 1 ? "Experts" : "Expert"} ${route.experts.join(" and ")}`;
      loudWords.textContent = ` ${route.experts.length > 1 ? "take" : "takes"} “${word(looked)}”${route.experts.length > 1 ? `, and mix their results: ${route.shares.map(percent).join(" and ")}` : ""}`;
    } else if (expert >= 0) {
      loud.textContent = `Expert ${expert}`;
      loudWords.textContent = ` takes ${taken[expert].length} of ${here.length} tokens in layer ${layer()}; an even share is ${even.toFixed(even % 1 ? 1 : 0)}`;
    } else if (best) {
      loud.textContent = `Expert ${best.expert}`;
      loudWords.textContent = ` is the ${who} for “${best.word}”, ${best.times} of ${best.of} times`;
    } else {
      loud.textContent = `2 of ${experts}`;
      loudWords.textContent = " experts take each token";
    }
    chance.hidden = !comparable;
    chance.textContent = races ? "Hide the comparison" : "By chance? Compare with dice";
    chance.setAttribute("aria-expanded", String(races));
    const others = !compares ? "." : sender() !== "trained" ? ": one try of five. Below is their mean." : means.trained <= means.random ? ". Here routers of random numbers do as well:" : ".";
    const met = pairs === 1 ? `The one pair of equal words ${same ? "meets" : "does not meet"}` : `Of ${pairs} pairs of equal words, ${same} meet`;
    const counted = pairs
      ? `${met} the same first expert in layer ${layer()}${others}`
      : "No word stands here twice. In a text with equal words, see whether they meet the same expert.";
    take.textContent = wrong || counted;
    take.hidden = !wrong && pairs > 0 && !compares;
    speak(`${loud.textContent}${loudWords.textContent}. ${take.hidden ? "" : take.textContent}`);
  }

  /**
   * Pile up the blocks of the tokens that were sent, in each expert's box. While tokens are sent, a new block is put on top of
   * its pile. Once all are sent, each pile has the lit blocks at the bottom, the other first choices above them, and the other
   * second choices at the top.
   * @returns {number[]} the height of each pile, in px
   */
  function stack(all, shines) {
    const most = Math.max(...byExpert(all, layer(), experts).map((list) => list.length)); // the number of blocks in the highest pile
    const high = Math.min(TALLEST, (piles.clientHeight - 6) / most);
    const letters = Math.min(high - 2, LARGEST[stage.clientWidth > NARROW ? "wide" : "narrow"]);
    piles.style.fontSize = `${Math.max(SMALLEST, letters)}px`;
    piles.classList.toggle("mute", letters < SMALLEST);
    const heights = Array(experts).fill(0);
    const order = [...blocks.keys()].map((index) => ({ index, position: tokens[index], rank: ranks[index] }));
    const to = ({ position, rank }) => all[position][layer()].experts[rank];
    for (const one of order) one.lit = shines(one.position, to(one));
    if (!sending) order.sort((a, b) => b.lit - a.lit || a.rank - b.rank || a.position - b.position);
    for (const one of order) {
      const block = blocks[one.index];
      const expert = to(one);
      const out = one.position >= sent;
      block.classList.toggle("unsent", out);
      block.classList.toggle("lit", one.lit);
      block.dataset.share = percent(all[one.position][layer()].shares[one.rank]);
      paint(block, expert);
      block.style.height = `${high}px`;
      block.style.translate = `calc(${expert} * (100% + var(--between))) ${-heights[expert]}px`;
      if (!out) heights[expert] += high;
    }
    return heights;
  }

  // A thread leads from each word to each of its two experts. For each thread, a block stands on the expert's pile.
  let threadList = []; // the paths of all threads
  let blocks = []; // for each thread, its block
  let tokens = []; // for each thread, the position of its token in the text
  let ranks = []; // for each thread, 0 if its expert is the token's first choice, 1 if it is the second
  function buildThreads() {
    threads.replaceChildren();
    piles.replaceChildren();
    tokens = said.pieces.flatMap((_, position) => said.routes[position][0].experts.map(() => position));
    ranks = said.pieces.flatMap((_, position) => said.routes[position][0].experts.map((_, rank) => rank));
    threadList = tokens.map(() => threads.appendChild(shape("path")));
    blocks = tokens.map((position) => {
      const block = piles.appendChild(make("i", "rt-block"));
      block.append(make("span", "", word(position)));
      return block;
    });
  }
  function drawThreads(all, shines, heights) {
    const home = stage.getBoundingClientRect();
    const ends = boxList.map((box) => box.getBoundingClientRect());
    const floor = piles.getBoundingClientRect().bottom - home.top;
    const beneath = ends[0].top - home.top;
    // A thread from an upper line of words passes between the words of the lines below, so that it crosses no word.
    const lines = [];
    for (const chip of sentence.children) {
      const box = chip.getBoundingClientRect();
      const [left, right, top, bottom] = [box.left - home.left, box.right - home.left, box.top - home.top, box.bottom - home.top];
      let line = lines.at(-1);
      if (!line || top > line.top + 4) lines.push((line = { top, bottom, gaps: [left - 5] }));
      else line.gaps[line.gaps.length - 1] = (line.end + left) / 2;
      line.end = right;
      line.gaps.push(right + 5);
      line.bottom = Math.max(line.bottom, bottom);
    }
    const through = (x, y) =>
      lines.filter(({ top }) => top > y).map(({ top, bottom, gaps }) => ({ top, bottom, x: gaps.reduce((best, gap) => (Math.abs(gap - x) < Math.abs(best - x) ? gap : best)) }));
    // All places are read before a path is written, because after a write the browser would have to lay out the page again.
    const ways = threadList.map((path, index) => {
      const [position, rank] = [tokens[index], ranks[index]];
      const { experts: two, shares } = all[position][layer()];
      const expert = two[rank];
      const on = shines(position, expert);
      if (!on) return { path };
      const from = sentence.children[position].getBoundingClientRect();
      const apart = (rank - (two.length - 1) / 2) * Math.min(14, from.width / 3);
      const [x, y] = [from.left + from.width / 2 + apart - home.left, from.bottom - home.top];
      const end = ends[expert].left + ends[expert].width / 2 - home.left;
      let [way, lastX, lastY] = [`M${x} ${y}`, x, y];
      for (const gap of through(x, y)) {
        way += `C${lastX} ${(lastY + gap.top) / 2} ${gap.x} ${(lastY + gap.top) / 2} ${gap.x} ${gap.top}L${gap.x} ${gap.bottom}`;
        [lastX, lastY] = [gap.x, gap.bottom];
      }
      const middle = (lastY + beneath) / 2;
      return { path, expert, width: 1 + 5 * shares[rank], way: `${way}C${lastX} ${middle} ${end} ${middle} ${end} ${beneath}L${end} ${floor - heights[expert]}` };
    });
    for (const { path, expert, width, way } of ways) {
      path.setAttribute("class", way ? "lit" : "");
      path.style.display = way ? "" : "none";
      if (!way) continue;
      path.setAttribute("d", way);
      path.style.strokeWidth = `${width}px`;
      paint(path, expert);
    }
  }
  const forget = onSize(stage, () => {
    if (!said) return;
    fit();
    update();
  });

  play.addEventListener("click", () => said && start());
  model.on("change:said", listen);
  const keys = ["layer", "expert", "sender"];
  const changed = () => keepState.storing || update();
  for (const key of keys) model.on(`change:${key}`, changed);
  if (!model.get("text")) model.set("text", text());
  const stored = data.answers?.find(({ want }) => want.text === text());
  if (stored) read(stored);
  else ask(text());
  return () => {
    clocks.forEach(clearTimeout);
    forget();
    hush();
    model.off("change:said", listen);
    for (const key of keys) model.off(`change:${key}`, changed);
  };
}

export default { render };
