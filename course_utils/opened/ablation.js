// A view in which the visitor switches attention heads off, and sees what the model then says.
// The view's `data` is {layers, heads, offers (texts), answers, words}.
// The view sends `want` {text, off}, and the host answers with `said` {want, pieces, attention, top}.
// attention[layer][head] is the lower triangle of the head's attention weights, row by row in one list. `top` is
// [[token, probability], …] for the likeliest next tokens.
// The visitor chooses `text`, `off` (names of heads such as "0.3") and `guess` (the head that was switched off first).
// An arc runs from the last word to a word that a head looks at: over the sentence for all heads, and small in each box.
import { LOOKS, adopt, announcer, chipClass, headline, keeper, make, onSize, ownText, shape } from "./view.js";

const PACE = 320; // ms for which each head is shown when all are tried one after another
const ROWS = 3;
const LEAST = 0.05; // a smaller share has no arc
const STRONG = 3; // arcs that are drawn strongly while no head is pointed at: those of the largest shares
const CLEAR = 0.2; // while no head is pointed at, only arcs of at least this share are drawn
const percent = (share) => (share < 0.005 ? "<1%" : `${Math.round(100 * share)}%`);

/**
 * A token's probability in an answer's list `top`; 0 if the token is not in the list.
 * @param {[string, number][]} top
 * @param {string} token
 */
export const shareOf = (top, token) => top.find(([text]) => text === token)?.[1] ?? 0;

export function render({ model, el }) {
  const data = model.get("data");
  const { layers, heads } = data;
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  /** @type {Map<string, any>} the host's answers, by `key(text, heads that are off)` */
  const answers = new Map();
  let clock = 0;
  let hovered = null;
  let queue = []; // The heads with these names are still to be switched off, each of them alone.
  let missed = ""; // the `key` of what the visitor asked before the page had loaded the model

  adopt(el, "ab");
  const sentence = make("p", "ab-sentence");
  const looking = make("p", "ab-looking");
  const arcs = shape("svg", { class: "ab-arcs", "aria-hidden": "true" });
  const stage = make("div", "ab-stage");
  stage.append(arcs, sentence);
  const { head, loud, loudWords } = headline("ab");
  const next = make("span", "chip ab-next"); // the answer: it goes on with the sentence
  head.replaceChildren(loud, next, loudWords);
  const answer = make("div", "ab-answer");
  answer.setAttribute("aria-hidden", "true");
  const board = make("div", "ab-board");
  board.setAttribute("role", "group");
  board.setAttribute("aria-label", "All heads; a press switches one off or on");
  board.style.setProperty("--heads", String(heads));
  const legend = make("p", "ab-legend");
  legend.append("A box is a head: 0.3 is head 3 of layer 0. Its arcs show where it looks from the last word.");
  const tools = make("div", "ab-tools");
  const each = make("button", "ab-each", "▶ Try each alone");
  const allOn = make("button", "", "All on");
  tools.append(each, allOn);
  const wake = make("div");
  wake.dataset.wake = "to switch off several";
  const labels = { placeholder: "Begin your own sentence", label: "Your own sentence", button: "Read it", offer: "Or take" };
  const own = ownText(labels, data, (words) => {
    stop();
    ask(words, []);
  });
  const take = make("p", "ab-take");
  const { live, speak, hush } = announcer();
  const side = make("div", "ab-side");
  side.append(answer, tools, take);
  el.append(stage, head, looking, board, side, wake, own, live);

  const off = () => new Set(model.get("off") ?? []);
  const text = () => model.get("text");
  const guess = () => model.get("guess") ?? "";
  const key = (words, names) => `${words}|${[...names].sort().join(" ")}`;
  const said = (names) => answers.get(key(text(), names));
  const whole = () => said([]);
  for (const one of data.answers ?? []) answers.set(key(one.want.text, one.want.off), one);
  const keepState = keeper(model, update);
  const tried = new Set(); // `key(text, [head])` for each head that the visitor has seen switched off alone

  const tiles = [];
  for (let layer = 0; layer < layers; layer++) {
    board.append(make("span", "ab-layer", `layer ${layer}`));
    for (let number = 0; number < heads; number++) {
      const name = `${layer}.${number}`;
      const tile = make("button", "ab-tile");
      tile.dataset.name = name;
      const glyph = make("span", "ab-glyph");
      tile.append(glyph, make("span", "ab-name num", name), make("span", "ab-share num"), make("i", "ab-swatch"));
      tile.addEventListener("click", () => turn(name));
      tile.addEventListener("mouseenter", show(name));
      tile.addEventListener("mouseleave", show(null));
      tile.addEventListener("focus", show(name));
      tile.addEventListener("blur", show(null));
      tile.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: heads, ArrowUp: -heads }[event.key];
        if (!step) return;
        event.preventDefault();
        tiles[(tiles.findIndex((one) => one.tile === tile) + step + tiles.length) % tiles.length].tile.focus();
      });
      board.append(tile);
      tiles.push({ name, layer, number, tile, glyph });
    }
  }
  board.append(legend);

  /** Switch a head off, or on again. */
  function turn(name) {
    stop();
    const names = off();
    if (!names.delete(name)) names.add(name);
    if (!guess()) keepState({ guess: name });
    ask(text(), [...names]);
  }
  /** Return a function that shows where a head looks, or stops showing that if `to` is null. */
  function show(to) {
    return () => {
      hovered = to;
      update();
    };
  }
  /** Show the model's answer with some heads off. If that answer is not stored, ask the host. */
  function ask(words, names) {
    if (answers.has(key(words, names))) return present(words, names);
    el.classList.toggle("waiting", model.get("live"));
    model.set("want", { text: words, off: names });
    model.save_changes();
  }
  function present(words, names) {
    const other = words !== text();
    if (!answers.has(key(words, []))) return ask(words, []);
    keepState({ text: words, off: names, ...(other && text() ? { guess: "" } : {}) });
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
      loudWords.textContent = heard.error;
      return stop();
    }
    answers.set(key(words, names), heard);
    if (queue.length) return advance();
    if (missed && key(words, names) !== missed && !names.length) return ask(words, missed.split("|").at(-1).split(" "));
    missed = "";
    present(words, names);
  }

  // The button “Try each alone” starts and stops a run in which one head after another is switched off, each of them alone
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
    keepState({ off: [] });
  }
  each.addEventListener("click", () => {
    if (queue.length) return finish();
    stop();
    each.textContent = "■ Stop";
    queue = tiles.map(({ name }) => name);
    advance();
  });
  allOn.addEventListener("click", finish);

  /** A head's shares from the last token to every token but the first, which marks the beginning of the text. */
  function looksOf({ layer, number }, { pieces, attention }) {
    const last = pieces.length - 1;
    return attention[layer][number].slice((last * (last + 1)) / 2 + 1, ((last + 1) * (last + 2)) / 2);
  }
  /** A line in a colour that is seen on any ground: a second, wider line lies below it. */
  function twoLines(line, token, width) {
    const lines = ["ab-under", "ab-over"].map((name) => shape("path", { class: name, d: line, pathLength: 1 }));
    lines[0].style.strokeWidth = `${width + (LOOKS[token.trim()] ? 2 : 0)}px`;
    lines[1].style.strokeWidth = `${width}px`;
    tint(lines[1], token);
    return lines;
  }
  /** Draw in each box a small arc from the last word to each word that the head looks at, as wide as its share. */
  function paint() {
    const now = whole();
    if (!now) return;
    const words = now.pieces.slice(1);
    const at = (index) => 3 + (94 * index) / (words.length - 1);
    for (const one of tiles) {
      const picture = shape("svg", { viewBox: "0 0 100 40", preserveAspectRatio: "none", "aria-hidden": "true" });
      const seen = looksOf(one, now);
      const order = seen.map((share, index) => [share, index]).filter(([share, index]) => share >= LEAST && index < words.length - 1);
      for (const [share, index] of order.sort((a, b) => a[0] - b[0])) {
        const [from, goal] = [at(words.length - 1), at(index)];
        const high = 40 - (8 + 0.3 * (from - goal)) / 0.75;
        picture.append(...twoLines(`M${goal} 40C${goal} ${high} ${from} ${high} ${from} 40`, words[index], 1 + 4 * share));
      }
      const marks = words.flatMap((piece, index) => {
        if (!LOOKS[piece.trim()]) return [];
        const mark = make("i", "ab-colour");
        mark.style.left = `${at(index)}%`;
        tint(mark, piece);
        return [mark];
      });
      one.glyph.replaceChildren(picture, ...marks);
    }
  }

  const tint = (thing, token) => thing.style.setProperty("--look", LOOKS[token.trim()] ?? "var(--mark)");
  const rows = new Map();
  function update() {
    const now = said(off());
    const before = whole();
    if (!now || !before) return;
    const names = off();
    const [favourite, sure] = before.top[0];
    const [first, share] = now.top[0];
    const changed = first !== favourite;

    const shown = hovered ?? (names.size === 1 ? [...names][0] : null); // the head whose shares are drawn
    const looks = shown ? tiles.find(({ name }) => name === shown) : null;
    const last = before.pieces.length - 1;
    const seen = looks ? looksOf(looks, before) : [];
    const most = seen.indexOf(Math.max(...seen));
    write(before.pieces);
    before.pieces.slice(1).forEach((_, index) => {
      const chip = sentence.children[index];
      chip.lastChild.style.transform = `scaleX(${!looks || seen[index] < LEAST ? 0 : seen[index]})`;
      chip.classList.toggle("looked", Boolean(looks) && seen[index] > CLEAR);
    });
    next.textContent = first.trim();
    next.classList.toggle("ember", changed);
    next.classList.toggle("ab-colour", Boolean(LOOKS[first.trim()]));
    tint(next, first);
    looking.textContent = looks
      ? `Head ${looks.name} looks from “${before.pieces[last].trim()}” most at “${before.pieces[most + 1].trim()}”: ${percent(seen[most])}`
      : guess()
        ? `${matchMedia("(hover: hover)").matches ? "Point at" : "Press"} a head: here you see where it looks.`
        : `Which head does “${favourite.trim()}” need? Press your guess.`;
    looking.classList.toggle("asks", !looks);
    for (const { group, name, share } of drawn) {
      group.classList.toggle("lit", name === shown);
      group.classList.toggle("faint", Boolean(looks) && name !== shown);
      group.classList.toggle("weak", share < CLEAR);
      group.classList.toggle("gone", names.has(name));
    }

    const gone = names.size;
    if (gone === 1) tried.add(key(text(), names));
    const alone = tiles.map(({ name }) => (tried.has(key(text(), [name])) ? said([name]) : undefined));
    const known = alone.filter(Boolean).length;
    const breaking = alone.filter((one) => one && one.top[0][0] !== favourite).length;
    loud.textContent = percent(share);
    loudWords.textContent = gone ? `without ${gone === 1 ? `head ${[...names][0]}` : `${gone} of ${tiles.length} heads`}${changed ? `: not “${favourite.trim()}”` : ""}` : `all ${tiles.length} heads on`;
    take.replaceChildren();
    if (known && gone < 2) {
      if (known > 1) {
        const heads = known < tiles.length ? "tried so far" : "heads, each off alone,";
        const count = make("span", "ab-count", ` ${heads} ${breaking === 1 ? "turns" : "turn"} the answer.`);
        take.append(make("b", "loud", `${breaking} of ${known}`), count);
      }
      const more = known === tiles.length ? summary(alone, before) : guess() && said([guess()]) ? ownGuess(said([guess()]), before) : "";
      take.append(make("span", "ab-more", more));
    }
    loud.classList.toggle("ember", changed);

    const list = now.top.slice(0, ROWS);
    for (const [token, row] of rows) {
      if (list.some(([other]) => other === token)) continue;
      row.remove();
      rows.delete(token);
    }
    list.forEach(([token, chance], index) => {
      let row = rows.get(token);
      if (!row) {
        row = make("p", "ab-row");
        const track = make("span", "ab-track");
        track.append(make("i"), make("span", "num ab-chance"));
        row.append(make("span", "ab-word", token.trim()), track);
        tint(row, token);
        rows.set(token, row);
        answer.append(row);
      }
      row.style.transform = `translateY(${100 * index}%)`;
      const [bar, number] = row.lastChild.children;
      bar.style.width = `${Math.max(0.5, 84 * chance)}%`;
      number.style.left = `calc(${84 * chance}% + 0.5rem)`;
      number.textContent = percent(chance);
      row.classList.toggle("first", token === favourite);
    });

    allOn.hidden = !gone;
    el.classList.toggle("several", gone > 1 || !known);
    tiles.forEach(({ name, tile }, index) => {
      // The result without this head; null while several heads are off, because it is not shown then.
      const without = gone > 1 ? null : alone[index];
      const down = names.has(name);
      const [, , share, look] = tile.children;
      tile.classList.toggle("guess", name === guess());
      tile.classList.toggle("off", down);
      tile.classList.toggle("tried", Boolean(without));
      tile.classList.toggle("breaks", Boolean(without) && without.top[0][0] !== favourite);
      tile.setAttribute("aria-pressed", String(down));
      share.replaceChildren(...(without ? [make("span", "ab-says", `${without.top[0][0].trim()} `), percent(without.top[0][1])] : []));
      look.hidden = !without;
      if (without) tint(look, without.top[0][0]);
      tile.setAttribute("aria-label", `Head ${name}, ${down ? "off" : "on"}${without ? `; without it ${without.top[0][0].trim()} ${share.textContent}` : ""}`);
    });
    speak(`${loud.textContent} ${next.textContent}, ${loudWords.textContent}. ${take.textContent}`);
  }

  /** A sentence on whether the answer changes without the head that the visitor guessed. */
  function ownGuess(without, { top: [[favourite]] }) {
    const turned = without.top[0][0] !== favourite;
    return `Your guess, ${guess()}: ${turned ? "without it the answer turns." : `without it the answer stays “${favourite.trim()}”.`}`;
  }
  /** Sentences on the results of all heads, once each of them was switched off alone. */
  function summary(alone, before) {
    const [favourite, sure] = before.top[0];
    const breaking = tiles.filter((_, index) => alone[index].top[0][0] !== favourite);
    const [most, risen] = alone
      .map((one, index) => [tiles[index], shareOf(one.top, favourite)])
      .reduce((a, b) => (b[1] > a[1] ? b : a));
    const seen = looksOf(most, before);
    const at = seen.indexOf(Math.max(...seen));
    const parts = [];
    if (guess()) parts.push(ownGuess(said([guess()]), before));
    if (breaking.length) parts.push(`The answer turns without ${breaking.map(({ name }) => name).join(" or ")}.`);
    if (risen > sure + 0.05) parts.push(`Without ${most.name}, which looks ${percent(seen[at])} at “${before.pieces[at + 1].trim()}”, “${favourite.trim()}” even rises, to ${percent(risen)}.`);
    return parts.join(" ");
  }

  /** Write the sentence, and draw its arcs, unless both are there as they should be. */
  let written = "";
  /** @type {{ group: SVGElement, name: string, share: number }[]} */
  let drawn = [];
  function write(pieces) {
    if (pieces.join("") === written) return;
    written = pieces.join("");
    sentence.replaceChildren(
      ...pieces.slice(1).map((piece, index) => {
        const chip = make("span", chipClass(piece, index), piece.trim());
        if (LOOKS[piece.trim()]) {
          tint(chip, piece);
          chip.classList.add("ab-colour");
        }
        chip.append(make("u"));
        return chip;
      }),
    );
    drawArcs(pieces.slice(1));
  }
  /**
   * Draw an arc from the last word to each word that a head looks at, as wide as the share. An arc can be pressed, like
   * the head's box. If the sentence takes several lines, an arc is seen only while its head is pointed at.
   */
  function drawArcs(words) {
    const measure = () => {
      const around = stage.getBoundingClientRect();
      return [...sentence.children].map((chip) => {
        const box = chip.getBoundingClientRect();
        return { x: box.left + box.width / 2 - around.left, top: box.top - around.top, bottom: box.bottom - around.top, width: box.width };
      });
    };
    el.classList.remove("lines");
    let places = measure();
    const oneLine = Math.abs(places[0].top - places.at(-1).top) < 4;
    el.classList.toggle("lines", !oneLine);
    if (!oneLine) places = measure(); // there is less room above several lines
    const from = places.at(-1);
    const found = tiles.flatMap((one) =>
      looksOf(one, whole()).flatMap((share, index) => (share < LEAST || index === words.length - 1 ? [] : [{ name: one.name, share, index }])),
    );
    found.sort((a, b) => a.index - b.index || b.share - a.share);
    drawn = found.map(({ name, share, index }, rank) => {
      const goal = places[index];
      const bundle = found.filter((other) => other.index === index && other.share >= CLEAR);
      const place = bundle.findIndex((other) => other.name === name); // -1 for a small share
      let line;
      if (oneLine) {
        // The arcs to one word lie inside each other; the widest is outside.
        const inside = place < 0 ? bundle.length : place;
        const spread = place < 0 ? 0 : place - (bundle.length - 1) / 2;
        const to = goal.x + spread * Math.min(11, (goal.width - 14) / bundle.length);
        const start = from.x + from.width * 0.4 * (1 - (2 * rank) / found.length);
        const high = from.top - Math.max(14, 16 + (from.top - 30) * ((start - to) / from.x) - 9 * inside) / 0.75;
        line = `M${to} ${goal.top}C${to} ${high} ${start} ${high} ${start} ${from.top}`;
      } else if (Math.abs(goal.top - from.top) < 4) {
        const high = from.top - Math.min(16, 10 + Math.abs(goal.x - from.x) / 12) / 0.75;
        line = `M${goal.x} ${goal.top}C${goal.x} ${high} ${from.x} ${high} ${from.x} ${from.top}`;
      } else if (from.top - goal.bottom > 50) {
        line = ""; // it would cross the words of the lines between; the word is marked all the same
      } else {
        const middle = (from.top + goal.bottom) / 2; // between two lines an arc must be flat, and end below its word
        line = `M${goal.x} ${goal.bottom}C${goal.x} ${middle} ${from.x} ${middle} ${from.x} ${from.top}`;
      }
      const strong = found.filter((other) => other.share > share).length < STRONG;
      const group = shape("g", { class: `ab-arc${strong ? " strong" : ""}${LOOKS[words[index].trim()] ? "" : " other"}` });
      group.append(...twoLines(line, words[index], 1 + 8 * share), shape("path", { class: "ab-reach", d: line }));
      group.addEventListener("mouseenter", show(name));
      group.addEventListener("mouseleave", show(null));
      group.addEventListener("click", () => turn(name));
      return { group, name, share };
    });
    const inColour = ({ group }) => !group.classList.contains("other");
    arcs.replaceChildren(...[...drawn].sort((a, b) => inColour(a) - inColour(b)).map(({ group }) => group)); // colours lie above
  }

  const forget = onSize(stage, () => {
    written = "";
    if (whole()) update();
  });
  const follow = () => whole() && update();
  model.on("change:said", listen);
  model.on("change:off", follow);
  const start = { text: model.get("text") || data.offers[0], off: model.get("off") ?? [] };
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
