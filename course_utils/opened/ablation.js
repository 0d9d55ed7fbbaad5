// Switch attention heads off, and see what the model then says.
// Model: `said` {pieces, attention, top} from the host (attention[layer][head]: a flat lower triangle of shares, row by
// row; top: the likeliest next tokens as [text, share]), and what the visitor chose: text, off (names such as "0.3").
// The view asks with `want` {text, off}.
import { adopt, announcer, chipClass, colour, headline, make, onTheme, ownText } from "./view.js";

const WAIT = 60; // ms between two heads that are tried one after another

const percent = (share) => (share < 0.005 ? "<1%" : `${Math.round(100 * share)}%`);

/**
 * The share of a token in an answer, and 0 if it is not among the likeliest.
 * @param {[string, number][]} top
 * @param {string} token
 */
export const shareOf = (top, token) => top.find(([text]) => text === token)?.[1] ?? 0;

export function render({ model, el }) {
  const data = model.get("data");
  const { layers, heads } = data;
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const answers = new Map(); // "text|off" -> what the host said
  let pieces = [];
  let clock = 0;
  let hovered = null;
  let queue = []; // names of heads that are still to be tried alone

  adopt(el, "ab");
  const own = ownText({ placeholder: "Begin your own sentence", label: "Your own sentence", button: "Read it" }, data, read);
  const sentence = make("p", "ab-sentence");
  const { head, loud, loudWords } = headline("ab");
  const answer = make("div", "ab-answer");
  answer.setAttribute("aria-hidden", "true");
  const board = make("div", "ab-board");
  board.setAttribute("role", "group");
  board.setAttribute("aria-label", "All heads; a press switches one off or on");
  board.style.setProperty("--heads", String(heads));
  const tools = make("div", "ab-tools");
  const each = make("button", "against", "Try each alone");
  const allOn = make("button", "", "All on");
  const wake = make("div");
  wake.dataset.wake = "to switch off several";
  tools.append(allOn, each, wake);
  const { live, speak, hush } = announcer();
  el.append(own, sentence, head, answer, board, tools, live);

  const off = () => new Set(model.get("off") ?? []);
  const text = () => model.get("text") ?? data.offers[0];
  const key = (names) => `${text()}|${[...names].sort().join(" ")}`;
  const whole = () => answers.get(key([]));

  const tiles = [];
  for (let layer = 0; layer < layers; layer++) {
    board.append(make("span", "ab-layer", `layer ${layer}`));
    for (let number = 0; number < heads; number++) {
      const name = `${layer}.${number}`;
      const tile = make("button", "ab-tile");
      tile.dataset.name = name;
      const map = make("canvas");
      tile.append(map, make("span", "ab-name num", name), make("span", "ab-share num"));
      tile.addEventListener("click", () => toggle(name));
      tile.addEventListener("mouseenter", () => show(name));
      tile.addEventListener("mouseleave", () => show(null));
      tile.addEventListener("focus", () => show(name));
      tile.addEventListener("blur", () => show(null));
      tile.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: heads, ArrowUp: -heads }[event.key];
        if (!step) return;
        event.preventDefault();
        tiles[(tiles.findIndex((one) => one.tile === tile) + step + tiles.length) % tiles.length].tile.focus();
      });
      board.append(tile);
      tiles.push({ name, layer, number, tile, map });
    }
  }

  function show(name) {
    hovered = name;
    update();
  }
  function toggle(name) {
    const names = off();
    if (!names.delete(name)) names.add(name);
    queue = [];
    model.set("off", [...names]);
    model.save_changes();
    ask([...names]);
  }
  function ask(names) {
    if (answers.has(key(names))) return update();
    el.classList.toggle("waiting", model.get("live"));
    model.set("want", { text: text(), off: names });
    model.save_changes();
  }
  function listen() {
    const said = model.get("said");
    el.classList.remove("waiting");
    if (!said) return;
    if (said.asleep) return;
    if (said.error) {
      loudWords.textContent = said.error;
      queue = [];
      return;
    }
    answers.set(`${said.want.text}|${[...said.want.off].sort().join(" ")}`, said);
    if (said.want.text !== text()) return;
    pieces = whole()?.pieces ?? said.pieces;
    if (!whole()) return ask([]);
    if (!answers.has(key(off()))) return ask([...off()]);
    if (!said.want.off.length) paint();
    update();
    if (queue.length) clock = setTimeout(next, still.matches ? 0 : WAIT);
  }
  function next() {
    while (queue.length) {
      const name = queue.shift();
      if (!answers.has(key([name]))) return ask([name]);
    }
    update();
  }

  /** Draw the small map of each head: a row for each token, from which it looks back at the ones before. */
  function paint() {
    const said = whole();
    if (!said) return;
    const ink = colour(el, "--ink");
    const size = pieces.length;
    for (const { layer, number, map } of tiles) {
      map.width = map.height = size;
      const brush = map.getContext("2d");
      const image = brush.createImageData(size, size);
      const shares = said.attention[layer][number];
      for (let row = 0; row < size; row++) {
        for (let column = 0; column <= row; column++) {
          const share = shares[(row * (row + 1)) / 2 + column];
          const offset = 4 * (row * size + column);
          image.data.set([...ink, Math.round(255 * (0.06 + 0.94 * Math.sqrt(share)))], offset);
        }
      }
      brush.putImageData(image, 0, 0);
    }
  }

  const rows = new Map();
  function update() {
    const said = answers.get(key(off()));
    const before = whole();
    if (!said || !before) return;
    const names = off();
    const [favourite] = before.top[0];
    const [now, share] = said.top[0];
    const changed = now !== favourite;

    const looks = hovered ? tiles.find(({ name }) => name === hovered) : null;
    const last = pieces.length - 1;
    sentence.replaceChildren(
      ...pieces.slice(1).map((piece, index) => {
        const chip = make("span", chipClass(piece, index), piece.trim());
        if (looks) {
          const seen = before.attention[looks.layer][looks.number][(last * (last + 1)) / 2 + index + 1];
          const bar = make("i");
          bar.style.transform = `scaleX(${seen})`;
          chip.append(bar);
          chip.classList.toggle("looked", seen > 0.2);
        }
        return chip;
      }),
      make("span", `chip ab-next${changed ? " ember" : ""}`, now.trim()),
    );
    loud.textContent = percent(share);
    loud.classList.toggle("ember", changed);
    const gone = names.size;
    loudWords.textContent = gone
      ? ` “${now.trim()}”, with ${gone} of ${tiles.length} heads off${changed ? `: not “${favourite.trim()}” any more` : ""}`
      : ` “${now.trim()}”, with all ${tiles.length} heads on`;

    const list = said.top.slice(0, 5);
    for (const [token, row] of rows) {
      if (list.some(([other]) => other === token)) continue;
      row.remove();
      rows.delete(token);
    }
    list.forEach(([token, chance], index) => {
      let row = rows.get(token);
      if (!row) {
        row = make("p", "ab-row");
        row.append(make("span", "ab-word", token.trim()), make("i"), make("span", "num ab-chance"));
        rows.set(token, row);
        answer.append(row);
      }
      row.style.transform = `translateY(${100 * index}%)`;
      row.children[1].style.transform = `scaleX(${Math.max(0.003, chance)})`;
      row.children[2].textContent = percent(chance);
      row.classList.toggle("first", token === favourite);
    });

    for (const { name, tile } of tiles) {
      const alone = answers.get(key([name]));
      const label = tile.children[2];
      const down = names.has(name);
      tile.classList.toggle("off", down);
      tile.setAttribute("aria-pressed", String(down));
      let words = "";
      if (alone) {
        const left = shareOf(alone.top, favourite);
        words = percent(left);
        tile.style.setProperty("--left", String(left / before.top[0][1]));
        tile.classList.toggle("breaks", alone.top[0][0] !== favourite);
      }
      tile.classList.toggle("tried", Boolean(alone));
      label.textContent = words;
      tile.setAttribute("aria-label", `Head ${name}, ${down ? "off" : "on"}${words ? `; without it ${favourite.trim()} has ${words}` : ""}`);
    }
    speak(`${loud.textContent}${loudWords.textContent}`);
  }

  allOn.addEventListener("click", () => {
    queue = [];
    model.set("off", []);
    model.save_changes();
    update();
  });
  each.addEventListener("click", () => {
    model.set("off", []);
    model.save_changes();
    update();
    queue = tiles.map(({ name }) => name);
    next();
  });
  function read(words) {
    queue = [];
    model.set("text", words);
    model.set("off", []);
    model.save_changes();
    ask([]);
  }
  const endTheme = onTheme(el, paint);
  model.on("change:said", listen);
  ask([]);

  return () => {
    clearTimeout(clock);
    hush();
    endTheme();
    model.off("change:said", listen);
  };
}

export default { render };
