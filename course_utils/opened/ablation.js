// A view in which the visitor switches attention heads off, and sees what the model then says.
// The view's `data` is {layers, heads, offers (texts), answers, words}.
// The view sends `want` {text, off}, and the host answers with `said` {want, pieces, attention, top}.
// attention[layer][head] is the lower triangle of the head's shares, row by row in one list; `top` has the likeliest
// next tokens as [text, share].
// The visitor chooses `text`, `off` (names of heads such as "0.3") and `guess` (the head that was switched off first).
import { LOOKS, adopt, announcer, chipClass, headline, keeper, make, ownText, shape } from "./view.js";

const PACE = 320; // ms for which each head is shown when all are tried one after another
const ROWS = 5;
const percent = (share) => (share < 0.005 ? "<1%" : `${Math.round(100 * share)}%`);

/**
 * The share of a token in an answer; 0 if the token is not among the likeliest ones.
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
  const swatch = make("i", "ab-swatch");
  head.prepend(swatch);
  const answer = make("div", "ab-answer");
  answer.setAttribute("aria-hidden", "true");
  const board = make("div", "ab-board");
  board.setAttribute("role", "group");
  board.setAttribute("aria-label", "All heads; a press switches one off or on");
  board.style.setProperty("--heads", String(heads));
  const legend = make("p", "ab-legend");
  const swatches = make("span", "ab-legend-alone");
  swatches.append(make("i", "ab-swatch ab-any"), " what the model says without this head alone, and its share");
  legend.append("Each box is a head, 0.3 is head 3 of layer 0. Its bars: how much it looks from the last word back at each word.", swatches);
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
  el.append(stage, looking, head, answer, board, tools, take, wake, own, live);

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
      const bars = make("span", "ab-bars");
      tile.append(bars, make("span", "ab-name num", name), make("span", "ab-share num"), make("i", "ab-swatch"));
      tile.addEventListener("click", () => {
        stop();
        const names = off();
        if (!names.delete(name)) names.add(name);
        if (!guess()) keepState({ guess: name });
        ask(text(), [...names]);
      });
      const show = (to) => () => {
        hovered = to;
        update();
      };
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
      tiles.push({ name, layer, number, tile, bars });
    }
  }
  board.append(legend);

  /** Show the model's answer with some heads off. Ask the host for it if it is not stored. */
  function ask(words, names) {
    if (answers.has(key(words, names))) return show(words, names);
    el.classList.toggle("waiting", model.get("live"));
    model.set("want", { text: words, off: names });
    model.save_changes();
  }
  function show(words, names) {
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
    show(words, names);
  }

  // Switch off every head alone, one after another
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
  /** Draw the shares of each head as bars, one for each word. The bar of a word for a colour has that colour. */
  function paint() {
    const now = whole();
    if (!now) return;
    for (const one of tiles) {
      one.bars.replaceChildren(
        ...looksOf(one, now).map((share, index) => {
          const bar = make("i");
          bar.style.height = `${Math.max(2, 100 * share)}%`;
          const piece = now.pieces[index + 1];
          if (LOOKS[piece.trim()]) {
            tint(bar, piece);
            bar.className = "ab-colour";
          }
          return bar;
        }),
      );
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
    sentence.replaceChildren(
      ...before.pieces.slice(1).map((piece, index) => {
        const chip = make("span", chipClass(piece, index), piece.trim());
        if (LOOKS[piece.trim()]) {
          tint(chip, piece);
          chip.classList.add("ab-colour");
        }
        if (looks) {
          chip.append(make("u"));
          chip.lastChild.style.transform = `scaleX(${seen[index] < 0.05 ? 0 : seen[index]})`; // a smaller share has no arc, either
          chip.classList.toggle("looked", seen[index] > 0.2);
        }
        return chip;
      }),
      make("span", `chip ab-next${changed ? " ember" : ""}`, first.trim()),
    );
    tint(sentence.lastChild, first);
    looking.textContent = looks
      ? `Head ${looks.name} looks from “${before.pieces[last].trim()}” most at “${before.pieces[most + 1].trim()}”: ${percent(seen[most])}`
      : `${matchMedia("(hover: hover)").matches ? "Point at" : "Press"} a head: here you see to which words it looks back.`;
    drawArcs(seen, looks && names.has(looks.name));

    const gone = names.size;
    if (gone === 1) tried.add(key(text(), names));
    const alone = tiles.map(({ name }) => (tried.has(key(text(), [name])) ? said([name]) : undefined));
    const known = alone.filter(Boolean).length;
    const breaking = alone.filter((one) => one && one.top[0][0] !== favourite).length;
    tint(swatch, first);
    if (!gone && known) {
      loud.textContent = `${breaking} of ${known}`;
      const which = `${known < tiles.length ? " tried" : ""} ${known === 1 ? "head, when" : "heads, each"} switched off alone,`;
      loudWords.textContent = `${which} ${known === 1 || breaking === 1 ? "changes" : "change"} the answer “${favourite.trim()}” (${percent(sure)})`;
    } else {
      loud.textContent = percent(share);
      loudWords.textContent = gone
        ? ` “${first.trim()}”, with ${gone === 1 ? `head ${[...names][0]}` : `${gone} of ${tiles.length} heads`} off${changed ? `: not “${favourite.trim()}” any more` : ""}`
        : ` “${first.trim()}”, with all ${tiles.length} heads on. Which one does it need? Press your guess.`;
    }
    take.textContent = known === tiles.length ? summary(alone, before) : guess() && said([guess()]) ? ownGuess(said([guess()]), before) : "";
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
      share.textContent = without ? percent(without.top[0][1]) : "";
      look.hidden = !without;
      if (without) tint(look, without.top[0][0]);
      tile.setAttribute("aria-label", `Head ${name}, ${down ? "off" : "on"}${without ? `; without it ${without.top[0][0].trim()} ${share.textContent}` : ""}`);
    });
    speak(`${loud.textContent}${loudWords.textContent}`);
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

  /** Draw an arc from the last word to each word that a head looks at: as wide as the share, dashed if the head is off. */
  function drawArcs(seen, gone) {
    const around = stage.getBoundingClientRect();
    const place = (chip) => {
      const box = chip.getBoundingClientRect();
      return { x: box.left + box.width / 2 - around.left, top: box.top - around.top, bottom: box.bottom - around.top };
    };
    const from = seen.length ? place(sentence.children[seen.length - 1]) : null;
    const first = seen.length ? place(sentence.children[0]) : null;
    arcs.replaceChildren(
      ...seen.flatMap((share, index) => {
        if (share < 0.05 || index === seen.length - 1) return [];
        const goal = place(sentence.children[index]);
        // Above the first line an arc has room; between two lines it must be flat.
        // An arc to a word in a line above ends below that word.
        const same = Math.abs(goal.top - from.top) < 4;
        const room = from.top - first.top < 4 ? 44 : 16;
        const high = from.top - Math.min(room, 10 + Math.abs(goal.x - from.x) / 12) / 0.75;
        const middle = (from.top + goal.bottom) / 2;
        const path = shape("path", {
          d: same
            ? `M${from.x} ${from.top}C${from.x} ${high} ${goal.x} ${high} ${goal.x} ${goal.top}`
            : `M${from.x} ${from.top}C${from.x} ${middle} ${goal.x} ${middle} ${goal.x} ${goal.bottom}`,
        });
        path.style.strokeWidth = `${1 + 9 * share}px`;
        return [path];
      }),
    );
    arcs.classList.toggle("gone", Boolean(gone));
  }

  const watcher = new ResizeObserver(() => whole() && update());
  watcher.observe(stage);
  const follow = () => whole() && update();
  model.on("change:said", listen);
  model.on("change:off", follow);
  const start = { text: model.get("text") || data.offers[0], off: model.get("off") ?? [] };
  if (!answers.has(key(start.text, start.off)) && data.answers) show(data.answers[0].want.text, data.answers[0].want.off);
  ask(start.text, start.off);
  paint();

  return () => {
    stop();
    hush();
    watcher.disconnect();
    model.off("change:said", listen);
    model.off("change:off", follow);
  };
}

export default { render };
