// A view in which the visitor switches attention heads off, and sees what the model then says.
// The view's `data` is {layers, heads, offers (texts to choose from), answers (stored answers of the host, in the form of
// `said`), words (the texts of the model's tokens)}.
// The view sends `want` {text, off}, and the host answers with `said` {want, pieces, attention, top}.
// attention[layer][head] is the lower triangle of the head's attention weights, row by row in one list. `top` is
// [[token, probability], …] for the likeliest next tokens.
// The visitor chooses `text` and `off` (names of heads such as "0.3", which is head 3 of layer 0).
// Arcs run from the last word to the words that heads look at. The large arcs stand above the sentence, and each head has
// a box with small arcs of its own.
import { LOOKS, adopt, announcer, capital, chipClass, fitLine, headline, keeper, make, onSize, ownText, shape } from "./view.js";

const PACE = 320; // ms for which each head is shown when all are tried one after another
const LEAST = 0.05; // no arc is drawn to a word that gets a smaller share of one head's attention
const LEAST_MEAN = 0.04; // no large arc is drawn to a word if the mean of all heads' shares for it is smaller
const LEAST_SMALL = 0.12; // in a head's box, no arc is drawn to a word that gets a smaller share, unless it gets the largest
const CLEAR = 0.2; // a word that gets a larger share of the shown head's attention is framed
const NAMED = 0.04; // a part of the bar has no label if it shows a smaller probability
const LETTERS = [26, 14]; // px: the largest and the smallest font size of a sentence in one line
const percent = (share) => (share < 0.005 ? "<1%" : `${Math.round(100 * share)}%`);

/**
 * A token's probability in an answer's list `top`; 0 if the token is not in the list.
 * @param {[string, number][]} top
 * @param {string} token
 */
export const shareOf = (top, token) => top.find(([text]) => text === token)?.[1] ?? 0;

/**
 * The parts of the bar that shows an answer. The first two parts are always the two words that are likeliest with all
 * heads on. If another word is likeliest now, this word is the third part.
 * @param {[string, number][]} before `top` with all heads on
 * @param {[string, number][]} now `top` as it is now
 * @returns {{ token: string, share: number, from: number }[]} `from`: where the part begins, between 0 and 1
 */
export function partsOf(before, now) {
  const tokens = [...new Set([before[0][0], before[1][0], now[0][0]])];
  let from = 0;
  return tokens.map((token) => {
    const part = { token, share: shareOf(now, token), from };
    from += part.share;
    return part;
  });
}

/**
 * The head without which the answer is farthest from the word that is likeliest with all heads on. Undefined if no head
 * turns the answer.
 * @param {{ top: [string, number][] }} before the answer with all heads on
 * @param {{ want: { off: string[] }, top: [string, number][] }[]} alone the answers with one head off
 * @returns {string | undefined} the head's name
 */
export function needed(before, alone) {
  const favourite = before.top[0][0];
  const turned = alone.filter(({ top }) => top[0][0] !== favourite);
  turned.sort((a, b) => shareOf(a.top, favourite) - shareOf(b.top, favourite));
  return turned[0]?.want.off[0];
}

export function render({ model, el }) {
  const data = model.get("data");
  const { layers, heads } = data;
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  /** @type {Map<string, any>} the host's answers, by `key(text, heads that are off)` */
  const answers = new Map();
  let clock = 0;
  let hovered = null;
  let queue = []; // names of the heads that “Try each alone” still has to switch off
  let missed = ""; // the `key` of what the visitor asked before the page had loaded the model
  let base = ""; // the head that stays off while the visitor presses a second one, or ""
  let several = (model.get("off") ?? []).length > 1; // whether more than one head may be off
  let wrong = ""; // why the host refused the last request

  adopt(el, "ab");
  const sentence = make("p", "ab-sentence");
  const next = make("span", "chip ab-next"); // the likeliest next word, written after the sentence
  const arcs = shape("svg", { class: "ab-arcs", "aria-hidden": "true" });
  const whose = make("span", "ab-whose"); // a label above the arcs, which says to which head or heads the arcs belong
  const ticks = make("div", "ab-ticks"); // the most looked-at words, written below the arcs if the sentence has several lines
  const stage = make("div", "ab-stage");
  const field = make("div", "ab-field");
  field.append(arcs, whose, ticks);
  stage.append(field, sentence);
  const { head, loud, loudWords } = headline("ab");
  const bar = make("div", "ab-bar");
  const labels = make("div", "ab-labels");
  const answer = make("div", "ab-answer");
  answer.append(head, bar, labels);
  for (const drawing of [ticks, bar, labels]) drawing.setAttribute("aria-hidden", "true");
  const take = make("p", "ab-take");
  const each = make("button", "ab-each", "▶ Try each alone");
  const second = make("button", "ab-second", "Now two at once →");
  const allOn = make("button", "", "All on");
  const tools = make("div", "ab-tools");
  tools.append(allOn, each, second);
  const lead = make("div", "ab-lead");
  lead.append(take, tools);
  const board = make("div", "ab-board");
  board.setAttribute("role", "group");
  board.setAttribute("aria-label", "All heads; a press switches one off or on");
  board.style.setProperty("--heads", String(heads));
  const wake = make("div");
  wake.dataset.wake = "to switch off several";
  const words = { placeholder: "Begin your own sentence", label: "Your own sentence", button: "Read it", offer: "Or take" };
  const own = ownText(words, data, (text) => {
    stop();
    base = "";
    ask(text, []);
  });
  const fold = make("details", "ab-fold");
  const more = make("button", "ab-several", "Switch off several heads");
  more.addEventListener("click", () => {
    several = !several;
    base = "";
    if (!several && off().size > 1) return finish();
    update();
  });
  fold.append(make("summary", "", "Several heads, or another sentence"), more, own, wake);
  const { live, speak, hush } = announcer();
  el.append(stage, answer, lead, board, fold, live);

  const off = () => new Set(model.get("off") ?? []);
  const text = () => model.get("text");
  const key = (words, names) => `${words}|${[...names].sort().join(" ")}`;
  const said = (names) => answers.get(key(text(), names));
  const whole = () => said([]);
  for (const one of data.answers ?? []) answers.set(key(one.want.text, one.want.off), one);
  const keepState = keeper(model, update);
  const tried = new Set(); // the `key` of each answer that the visitor has seen with one head off, or with `base` and a second one
  const nameOf = (name) => `layer ${name.split(".")[0]}, head ${name.split(".")[1]}`;

  const tiles = [];
  for (let number = -1; number < heads; number++) board.append(make("span", "ab-edge", number < 0 ? "" : `head ${number}`));
  for (let layer = 0; layer < layers; layer++) {
    board.append(make("span", "ab-edge", `layer ${layer}`));
    for (let number = 0; number < heads; number++) {
      const name = `${layer}.${number}`;
      const tile = make("button", "ab-tile");
      tile.dataset.name = name;
      const words = make("span", "ab-name");
      words.append(make("span", "", `layer ${layer}, `), make("span", "", `head ${number}`));
      const glyph = make("span", "ab-glyph");
      const result = make("span", "ab-bar ab-result");
      const most = make("span", "ab-most"); // where the head looks most
      tile.append(words, most, glyph, result);
      tile.addEventListener("click", () => turn(name));
      tile.addEventListener("mouseenter", show(name));
      tile.addEventListener("mouseleave", show(null));
      tile.addEventListener("focus", show(name));
      tile.addEventListener("blur", show(null));
      tile.addEventListener("keydown", (event) => {
        const row = tiles.filter((one) => one.tile.offsetTop === tiles[0].tile.offsetTop).length;
        const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: row, ArrowUp: -row }[event.key];
        if (!step) return;
        event.preventDefault();
        tiles[(tiles.findIndex((one) => one.tile === tile) + step + tiles.length) % tiles.length].tile.focus();
      });
      board.append(tile);
      tiles.push({ name, layer, number, tile, most, glyph, result });
    }
  }

  /** Switch a head off, or on again if it is off. Unless `several` is true, switching a head off switches all others on, except
   * `base`. */
  function turn(name) {
    stop();
    const names = off();
    if (base && name === base) return finish();
    if (names.delete(name)) return ask(text(), [...names]);
    ask(text(), base ? [base, name] : several ? [...names, name] : [name]);
  }
  /** Return an event listener that shows where the head `to` looks or, if `to` is null, stops showing it. */
  function show(to) {
    return () => {
      hovered = to;
      look();
    };
  }
  /** Show the model's answer to the text `words` with the heads `names` off. If no such answer is stored, ask the host for it. */
  function ask(words, names) {
    if (answers.has(key(words, names))) return present(words, names);
    el.classList.toggle("waiting", model.get("live"));
    model.set("want", { text: words, off: names });
    model.save_changes();
  }
  function present(words, names) {
    const other = words !== text();
    if (!answers.has(key(words, []))) return ask(words, []);
    wrong = "";
    keepState({ text: words, off: names });
    if (other) paint();
  }
  function listen() {
    const heard = model.get("said");
    el.classList.remove("waiting");
    if (!heard) return;
    const { text: words, off: names } = heard.want;
    if (heard.asleep) {
      missed = key(words, names);
      return stop();
    }
    if (heard.error) {
      wrong = heard.error;
      stop();
      return update();
    }
    answers.set(key(words, names), heard);
    if (queue.length) return advance();
    if (missed && key(words, names) !== missed && !names.length) return ask(words, missed.split("|").at(-1).split(" "));
    missed = "";
    present(words, names);
  }

  /** End the run of “Try each alone”, in which only one head is off at a time. */
  function stop() {
    clearTimeout(clock);
    queue = [];
    each.textContent = "▶ Try each alone";
  }
  function advance() {
    const name = queue[0];
    if (!said([name])) return ask(text(), [name]);
    keepState({ off: [name] });
    queue.shift();
    clock = setTimeout(() => (queue.length ? advance() : finish()), still.matches ? 0 : PACE);
  }
  function finish() {
    stop();
    base = "";
    keepState({ off: [] });
  }
  each.addEventListener("click", () => {
    if (queue.length) return finish();
    stop();
    base = "";
    each.textContent = "■ Stop";
    queue = tiles.map(({ name }) => name);
    advance();
  });
  allOn.addEventListener("click", finish);
  second.addEventListener("click", () => {
    stop();
    several = false;
    base = needed(whole(), tiles.map(({ name }) => said([name])).filter(Boolean)) ?? "";
    if (base) keepState({ off: [base] });
  });

  /** A head's attention weights from the last token to all tokens except the first, which only marks where the text begins. */
  function looksOf({ layer, number }, { pieces, attention }) {
    const last = pieces.length - 1;
    return attention[layer][number].slice((last * (last + 1)) / 2 + 1, ((last + 1) * (last + 2)) / 2);
  }
  /** The token to which a head's attention weight from the last token is largest. */
  function mostSeen(tile, now) {
    const shares = looksOf(tile, now);
    return now.pieces[shares.indexOf(Math.max(...shares)) + 1];
  }
  /** The mean over all heads of the weights that `looksOf` returns. A head that is off counts as 0. */
  function looksOfAll(now, names) {
    const mean = now.pieces.slice(1).map(() => 0);
    for (const one of tiles) {
      if (names.has(one.name)) continue;
      looksOf(one, now).forEach((share, index) => (mean[index] += share / tiles.length));
    }
    return mean;
  }
  const tint = (thing, token, plain = "var(--mark)") => thing.style.setProperty("--look", LOOKS[token.trim()] ?? plain);
  /** Two paths along `line`. `ab-over` has the colour that the token names. `ab-under` lies below it as a border, so that
   * `ab-over` is visible on any background. */
  function twoLines(line, token) {
    const lines = ["ab-under", "ab-over"].map((name) => shape("path", { class: name, d: line }));
    tint(lines[1], token);
    return lines;
  }
  function widen([under, over], token, width) {
    under.style.strokeWidth = `${width && width + (LOOKS[token.trim()] ? 2 : 0)}px`;
    over.style.strokeWidth = `${width}px`;
  }
  /** Draw in each head's box a small arc from the last word to each word that the head looks at. The larger the word's share,
   * the wider the arc. */
  function paint() {
    const now = whole();
    if (!now) return;
    const words = now.pieces.slice(1);
    const at = (index) => 5 + (90 * index) / (words.length - 1);
    for (const one of tiles) {
      const picture = shape("svg", { viewBox: "0 0 100 40", preserveAspectRatio: "none", "aria-hidden": "true" });
      const seen = looksOf(one, now);
      const most = Math.max(...seen.slice(0, -1));
      const order = seen.map((share, index) => [share, index]).filter(([share, index]) => share >= Math.min(most, LEAST_SMALL) && index < words.length - 1);
      for (const [share, index] of order.sort((a, b) => a[0] - b[0])) {
        const [from, goal] = [at(words.length - 1), at(index)];
        const high = 40 - (8 + 0.3 * (from - goal)) / 0.75;
        const lines = twoLines(`M${goal} 40C${goal} ${high} ${from} ${high} ${from} 40`, words[index]);
        widen(lines, words[index], 1.5 + 8 * share);
        picture.append(...lines);
      }
      const marks = words.flatMap((piece, index) => {
        if (!LOOKS[piece.trim()]) return [];
        const mark = make("i", "ab-colour");
        mark.style.left = `${at(index)}%`;
        tint(mark, piece);
        return [mark];
      });
      one.glyph.replaceChildren(picture, ...marks);
      one.most.replaceChildren(make("span", "", `${percent(most)} at `), `“${words[seen.indexOf(most)].trim()}”`);
    }
  }

  /** Draw the bar `element` with a piece for each of `parts`, as wide as the part's share. */
  function fill(element, parts) {
    while (element.children.length < parts.length) element.append(make("i"));
    [...element.children].forEach((piece, index) => {
      const part = parts[index];
      piece.style.width = `${100 * (part?.share ?? 0)}%`;
      if (part) tint(piece, part.token, index ? "var(--mark)" : "var(--ink)");
    });
  }

  /** Show where the head under the pointer looks or, if there is none, where the head that is off looks. If no head or several
   * are off, show where all heads look on average. */
  function look() {
    const before = whole();
    const names = off();
    if (!before || !said(names)) return;
    const gone = names.size;
    const shown = hovered ?? (gone === 1 ? [...names][0] : base ? [...names].find((name) => name !== base) : null);
    const one = tiles.find(({ name }) => name === shown);
    write(before.pieces);
    const seen = one ? looksOf(one, before) : looksOfAll(before, names);
    const others = seen.slice(0, -1);
    const most = others.indexOf(Math.max(...others));
    before.pieces.slice(1).forEach((_, index) => {
      sentence.children[index].classList.toggle("looked", Boolean(one) && seen[index] > CLEAR);
    });
    arcs.classList.toggle("gone", Boolean(one) && names.has(shown));
    for (const { lines, word, index } of drawn) {
      const least = one ? LEAST : LEAST_MEAN;
      const wide = one ? 1 + (names.has(shown) ? 3 : 8) * seen[index] : Math.min(11, 1 + 26 * seen[index]); // what a removed head saw is drawn thin
      widen(lines, word, seen[index] < least ? 0 : wide);
    }
    whose.textContent = one
      ? `${names.has(shown) ? "off: " : ""}${nameOf(shown)} looks ${percent(seen[most])} at “${before.pieces[most + 1].trim()}”`
      : gone
        ? `where the other ${tiles.length - gone} heads look`
        : `where all ${tiles.length} heads look, together`;
    whose.classList.toggle("off", Boolean(one) && names.has(shown));
    place(one ? seen : null, most);
  }

  function update() {
    const now = said(off());
    const before = whole();
    if (!now || !before) return;
    const names = off();
    const gone = names.size;
    const favourite = before.top[0][0];
    const [first, share] = now.top[0];
    const changed = first !== favourite;

    look();

    // Show the model's answer.
    const parts = partsOf(before.top, now.top);
    const rest = 1 - parts.reduce((sum, part) => sum + part.share, 0);
    fill(bar, parts);
    next.textContent = first.trim();
    next.classList.toggle("ab-colour", Boolean(LOOKS[first.trim()]));
    tint(next, first);
    loud.textContent = percent(share);
    const without = gone === 1 ? "without this head" : `without ${gone} heads`;
    loudWords.replaceChildren(make("b", "", first.trim()), gone ? ` ${without}` : ` with all ${tiles.length} heads on`);
    labels.replaceChildren(
      ...parts.flatMap((part) => {
        if (part.token === first || part.share < NAMED) return [];
        const label = make("span", "", `${part.token.trim()} ${percent(part.share)}`);
        label.style.left = `${100 * part.from}%`;
        return [label];
      }),
    );
    if (rest >= NAMED) labels.append(make("span", "ab-rest", `other words ${percent(rest)}`));
    const lead = parts.find((part) => part.token === first);
    head.style.translate = `${Math.max(0, Math.min(answer.clientWidth - head.offsetWidth, lead.from * answer.clientWidth))}px`;

    // Count the heads that change the answer, among those that the visitor has seen switched off alone.
    const isPair = Boolean(base) && gone === 2;
    if (gone === 1 || isPair) tried.add(key(text(), names));
    const alone = tiles.map(({ name }) => (tried.has(key(text(), [name])) ? said([name]) : undefined));
    const known = alone.filter(Boolean).length;
    const breaking = alone.filter((one) => one && one.top[0][0] !== favourite).length;
    const paired = tiles.map(({ name }) => (base && name !== base && tried.has(key(text(), [base, name])) ? said([base, name]) : undefined));
    take.replaceChildren();
    take.classList.toggle("asks", ((!known && gone < 2) || (Boolean(base) && gone === 1)) && !wrong);
    const named = `“${favourite.trim()}”`;
    if (wrong) take.textContent = wrong;
    else if (!known && gone < 2) take.append(make("span", "ab-box", "Each box is a head. "), `Press one that ${named} needs.`);
    else if (base && gone === 1) take.textContent = `${capital(nameOf(base))} stays off. Press a second one: can you get ${named} back?`;
    else if (isPair) {
      const back = paired.filter((one) => one?.top[0][0] === favourite).length;
      const other = tiles.find(({ name }) => names.has(name) && name !== base);
      const seen = mostSeen(other, before).trim();
      take.append(make("b", "loud", `${back} of ${paired.filter(Boolean).length}`), make("span", "", changed ? ` brings ${named} back. Press another.` : ` brings ${named} back: it looked most at “${seen}”.`));
    } else if (gone > 1) take.textContent = `Without these ${gone} heads the answer ${changed ? "turns" : "stays"}.`;
    else if (known === 1) take.textContent = breaking ? `Without it the answer turns: ${named} needs this head.` : "Without it the answer stays. Try another.";
    else {
      const looking = tiles.filter((tile) => mostSeen(tile, before) === favourite).length;
      const verb = breaking === 1 ? "turns" : "turn";
      const words = known < tiles.length ? `tried so far ${verb} the answer.` : `heads ${verb} the answer when off. ${looking} ${looking === 1 ? "looks" : "look"} most at ${named}.`;
      take.append(make("b", "loud", `${breaking} of ${known}`), make("span", "", ` ${words}`));
    }

    allOn.hidden = gone < 2 && !base;
    each.hidden = Boolean(base);
    second.hidden = Boolean(base) || queue.length > 0 || known < tiles.length || !breaking;
    each.classList.toggle("plain", !second.hidden);
    more.setAttribute("aria-pressed", String(several));
    tiles.forEach(({ name, layer, number, tile, result }, index) => {
      // The model's answer without this head or, while `base` stays off, without these two. While several heads are off, the view
      // does not show such answers.
      const without = base ? paired[index] : gone > 1 ? null : alone[index];
      const down = names.has(name);
      tile.classList.toggle("off", down);
      tile.classList.toggle("tried", Boolean(without));
      tile.classList.toggle("breaks", Boolean(without) && (without.top[0][0] !== favourite) === !base); // with `base` off, those that mend it
      tile.dataset.word = without ? `answer: ${without.top[0][0].trim()}` : "";
      tile.setAttribute("aria-pressed", String(down));
      fill(result, without ? partsOf(before.top, without.top) : []);
      const told = without ? `; without it ${without.top[0][0].trim()} ${percent(without.top[0][1])}` : "";
      tile.setAttribute("aria-label", `Layer ${layer}, head ${number}, ${down ? "off" : "on"}${told}`);
    });
    speak(`${loud.textContent} ${loudWords.textContent}. ${take.textContent}`);
  }

  let written = "";
  /** @type {{ lines: SVGElement[], word: string, index: number, top: number }[]} an arc for each word except the last; `top`
   * is the y of the arc's highest point, in px */
  let drawn = [];
  let places = []; // the point { x, top } of each word, in px, where the word's arc ends
  /** Write the sentence and draw its arcs, unless this sentence is already written. */
  function write(pieces) {
    if (pieces.join("") === written) return;
    written = pieces.join("");
    const chips = pieces.slice(1).map((piece, index) => {
      const chip = make("span", chipClass(piece, index), piece.trim());
      if (LOOKS[piece.trim()]) {
        tint(chip, piece);
        chip.classList.add("ab-colour");
      }
      return chip;
    });
    sentence.replaceChildren(...chips, next);
    drawArcs(pieces.slice(1));
  }
  function drawArcs(words) {
    fitLine(sentence, stage, LETTERS, (several) => el.classList.toggle("lines", several));
    const around = field.getBoundingClientRect();
    const floor = around.height;
    places = words.map((_, index) => {
      if (el.classList.contains("lines")) return { x: around.width * (0.02 + (0.96 * index) / (words.length - 1)), top: floor };
      const box = sentence.children[index].getBoundingClientRect();
      return { x: box.left + box.width / 2 - around.left, top: floor };
    });
    const from = places.at(-1);
    const room = floor - 26; // 26 px above the arcs are kept free for the label `whose`
    drawn = words.slice(0, -1).map((word, index) => {
      const goal = places[index];
      const rise = Math.max(12, room * Math.min(1, 0.25 + (0.75 * (from.x - goal.x)) / (from.x - places[0].x || 1))) - 6;
      const high = floor - rise / 0.75;
      const lines = twoLines(`M${goal.x} ${floor}C${goal.x} ${high} ${from.x} ${high} ${from.x} ${floor}`, word);
      return { lines, word, index, top: floor - rise };
    });
    const inColour = ({ word }) => Boolean(LOOKS[word.trim()]);
    arcs.replaceChildren(...[...drawn].sort((a, b) => inColour(a) - inColour(b)).flatMap(({ lines }) => lines)); // draw the arcs of colour words last, so that they lie above the other arcs
  }
  /** Put the label `whose` above the arcs' middle, and above the highest arc that there can be. If the sentence has several lines, write the most looked-at
   * words below the arcs, too. */
  function place(seen, most) {
    const width = field.clientWidth;
    const middle = (places[most].x + places.at(-1).x) / 2;
    whose.style.left = `${Math.max(0, Math.min(width - whose.offsetWidth, middle - whose.offsetWidth / 2))}px`;
    if (!el.classList.contains("lines")) return ticks.replaceChildren();
    const words = whole().pieces.slice(1);
    const order = words.map((word, index) => ({ word, index, share: seen ? seen[index] : LOOKS[word.trim()] ? 1 : 0 }));
    const named = [];
    for (const one of order.filter(({ share }) => share > CLEAR).sort((a, b) => b.share - a.share)) {
      if (named.every(({ index }) => Math.abs(places[index].x - places[one.index].x) > 60)) named.push(one);
    }
    ticks.replaceChildren(
      ...named.map(({ word, index }) => {
        const tick = make("span", "", word.trim());
        tick.style.left = `${places[index].x}px`;
        return tick;
      }),
    );
  }

  const forget = onSize(stage, () => {
    written = "";
    if (whole()) update();
  });
  const follow = () => whole() && update();
  model.on("change:said", listen);
  model.on("change:off", follow);
  const start = { text: model.get("text") || data.offers[0], off: model.get("off") ?? [] };
  // If no answer to `start` is stored, open `fold`, because the button that loads the model is in it.
  fold.open = Boolean(data.answers) && !answers.has(key(start.text, start.off));
  if (!answers.has(key(start.text, start.off)) && data.answers) present(data.answers[0].want.text, data.answers[0].want.off);
  ask(start.text, start.off);
  paint();

  return () => {
    stop();
    hush();
    forget();
    model.off("change:said", listen);
    model.off("change:off", follow);
  };
}

export default { render };
