// A window that can be dragged over a text: the model sees only what lies inside, in each layer.
// Model: `said` {pieces, top} from the host (top: the likeliest next tokens as [text, share]), `layers`, and what the
// visitor chose: text, size (tokens that the window holds). The view asks with `want` {text, size}.
import { adopt, announcer, chipClass, headline, keeper, make, onDrag, ownText, piecesOf } from "./view.js";

const percent = (share) => (share < 0.005 ? "<1%" : `${Math.round(100 * share)}%`);

/**
 * The number of layers that a token needs to reach the last one: each layer carries it on by `size` - 1 tokens.
 * @param {number} back how many tokens before the last one it stands
 * @param {number} size tokens that the window holds, the looking one included
 */
export const layersNeeded = (back, size) => (back === 0 ? 1 : size < 2 ? Infinity : Math.ceil(back / (size - 1)));

export function render({ model, el }) {
  const data = model.get("data");
  const { layers } = data;
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const answers = new Map(); // "text|size" -> what the host said
  let pieces = [];
  let asked = null; // the size that the host is computing

  adopt(el, "wd");
  const { head, loud, loudWords } = headline("wd");
  const text = make("div", "wd-text");
  const handle = make("div", "wd-handle");
  handle.tabIndex = 0;
  handle.setAttribute("role", "slider");
  handle.setAttribute("aria-label", "Tokens that the window holds");
  handle.setAttribute("aria-valuemin", "2");
  handle.append(make("i"), make("span", "wd-hint", "drag me"));
  const track = make("div", "wd-track");
  track.setAttribute("aria-hidden", "true");
  const axis = make("p", "wd-axis", "each dot is a window that you tried; the higher, the surer of the first answer");
  const tools = make("div", "wd-tools");
  const sweep = make("button", "", "▶ Close it slowly");
  const open = make("button", "", "Open it");
  tools.append(sweep, open);
  const labels = { placeholder: "Your own text, up to the word that is asked for", label: "Your own text", button: "Read it" };
  const own = ownText(labels, data, read);
  const wake = make("div");
  wake.dataset.wake = "for your own text";
  const { live, speak, hush } = announcer();
  el.append(head, text, track, axis, tools, wake, own, live);

  const words = () => model.get("text") ?? data.offers[0];
  const largest = () => pieces.length;
  const size = () => Math.max(2, Math.min(largest() || 2, model.get("size") ?? Infinity));
  const key = (number) => `${words()}|${number}`;
  const whole = () => answers.get(key(largest()));

  const keep = keeper(model, update);
  /** Ask for the answer at a size, unless it is there or another one is being computed. */
  function ask(number) {
    if (asked !== null || answers.has(key(number))) return;
    asked = number;
    el.classList.toggle("waiting", model.get("live"));
    model.set("want", { text: words(), size: number });
    model.save_changes();
  }
  function listen() {
    const said = model.get("said");
    asked = null;
    el.classList.remove("waiting");
    if (!said) return;
    if (said.asleep) return;
    if (said.error) {
      loudWords.textContent = said.error;
      return;
    }
    const first = said.pieces.length !== pieces.length || !whole();
    pieces = said.pieces;
    answers.set(`${said.want.text}|${Math.min(said.want.size, pieces.length)}`, said);
    if (said.want.text !== words()) return ask(piecesOf(words()).length + 1);
    if (first) build();
    if (!whole()) return ask(largest());
    update();
    ask(size());
  }

  const chips = [];
  function build() {
    chips.length = 0;
    text.replaceChildren();
    pieces.forEach((piece, index) => {
      const chip = make("span", chipClass(piece, index), piece.trim());
      chip.append(make("i"));
      chip.hidden = index === 0; // the token that begins every text
      chips.push(chip);
      text.append(chip);
    });
    text.append(make("span", "chip wd-next"), handle);
    track.replaceChildren();
    handle.setAttribute("aria-valuemax", String(largest()));
  }

  function update() {
    if (!pieces.length || !whole()) return;
    const number = size();
    const last = pieces.length - 1;
    const said = answers.get(key(number));
    const [favourite, sure] = whole().top[0];
    const first = pieces.length - number;
    chips.forEach((chip, index) => {
      const needed = layersNeeded(last - index, number);
      chip.classList.toggle("in", index >= first);
      chip.classList.toggle("far", needed > layers);
      chip.classList.toggle("told", pieces[index] === favourite);
      chip.lastChild.textContent = needed === 1 ? "" : needed > layers ? "–" : String(needed);
    });
    const edge = chips[Math.max(1, first)];
    const box = { left: edge.offsetLeft, top: edge.offsetTop };
    handle.style.transform = `translate(${box.left}px, ${box.top}px)`;
    handle.setAttribute("aria-valuenow", String(number));
    const next = text.querySelector(".wd-next");
    if (said) {
      const [now, share] = said.top[0];
      const changed = now !== favourite;
      next.textContent = now.trim();
      next.classList.toggle("ember", changed);
      loud.textContent = percent(share);
      loud.classList.toggle("ember", changed);
      loudWords.textContent = ` “${now.trim()}”, when each layer sees ${number} tokens`;
      handle.setAttribute("aria-valuetext", `${number} tokens: ${now.trim()}, ${percent(share)}`);
      speak(`${loud.textContent}${loudWords.textContent}`);
    }
    track.replaceChildren(
      ...[...answers]
        .filter(([name]) => name.startsWith(`${words()}|`))
        .map(([name, answer]) => {
          const tried = Number(name.split("|").at(-1));
          const left = answer.top.find(([token]) => token === favourite)?.[1] ?? 0;
          const dot = make("i", answer.top[0][0] === favourite ? "" : "ember");
          dot.style.left = `${(100 * (largest() - tried)) / largest()}%`;
          dot.style.bottom = `${100 * left}%`;
          if (tried === number) dot.classList.add("now");
          return dot;
        }),
    );
    if (sure && !said) ask(number);
  }

  function fromPointer(event) {
    // The token under the pointer, or the nearest one, becomes the first inside.
    let best = [Infinity, 0];
    chips.forEach((chip, index) => {
      const box = chip.getBoundingClientRect();
      const x = Math.max(box.left - event.clientX, 0, event.clientX - box.right);
      const y = Math.max(box.top - event.clientY, 0, event.clientY - box.bottom);
      const distance = x * x + 9 * y * y;
      if (index > 0 && distance < best[0]) best = [distance, index];
    });
    return Math.max(2, pieces.length - best[1]);
  }
  onDrag(el, handle, (event) => keep({ size: fromPointer(event) }), {
    ready: () => pieces.length > 0,
    begin() {
      stop();
      el.classList.add("known");
    },
  });
  text.addEventListener("click", (event) => {
    if (!pieces.length || handle.contains(event.target)) return;
    stop();
    keep({ size: fromPointer(event) });
  });
  handle.addEventListener("keydown", (event) => {
    const number = size();
    const goes = {
      ArrowLeft: number + 1, ArrowUp: number + 1, ArrowRight: number - 1, ArrowDown: number - 1,
      PageUp: number + 5, PageDown: number - 5, Home: largest(), End: 2, Escape: largest(),
    }[event.key];
    if (goes === undefined) return;
    event.preventDefault();
    stop();
    el.classList.add("known");
    keep({ size: Math.max(2, Math.min(largest(), goes)) });
  });

  let sweeping = 0;
  function stop() {
    clearTimeout(sweeping);
    sweeping = 0;
    sweep.textContent = "▶ Close it slowly";
  }
  function tick() {
    if (size() <= 2) return stop();
    if (asked === null) keep({ size: size() - 1 });
    sweeping = setTimeout(tick, still.matches ? 400 : 260);
  }
  sweep.addEventListener("click", () => {
    if (sweeping) return stop();
    el.classList.add("known");
    sweep.textContent = "■ Stop";
    if (size() <= 2) keep({ size: largest() });
    tick();
  });
  open.addEventListener("click", () => {
    stop();
    keep({ size: largest() });
  });
  function read(given) {
    stop();
    pieces = [];
    model.set("size", 1000);
    model.set("text", given);
    asked = null;
    ask(piecesOf(words()).length + 1);
  }

  const watcher = new ResizeObserver(update);
  watcher.observe(text);
  model.on("change:said", listen);
  model.on("change:size", update);
  ask(piecesOf(words()).length + 1);

  return () => {
    stop();
    hush();
    watcher.disconnect();
    model.off("change:said", listen);
    model.off("change:size", update);
  };
}

export default { render };
