// What the views of the explorables share. A view is a module of course_utils/opened with render({ model, el }).

/** Create an element with a class and a text. */
export function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

/** Create an element of an SVG drawing with attributes and a text. */
export function shape(tag, attributes = {}, text = "") {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  if (text) element.textContent = text;
  return element;
}

/** Empty the host's element and mark it as a view of the course. `name` is the class that the view's CSS refers to. */
export function adopt(el, name) {
  el.classList.add("otb", name);
  el.dataset.lmSuppressShortcuts = "true"; // while the view has the focus, JupyterLab takes no key as a shortcut
  if (!window.otbMovesSliders) window.addEventListener("keydown", moveSlider, true);
  window.otbMovesSliders = true;
  el.replaceChildren();
}

const SLIDER_KEYS = ["ArrowRight", "ArrowUp", "ArrowLeft", "ArrowDown", "PageUp", "PageDown", "Home", "End"];

/** Move a slider when a key is pressed. The window calls this listener first, before Jupyter can use an arrow key. */
function moveSlider(event) {
  const [slider] = event.composedPath();
  if (!SLIDER_KEYS.includes(event.key) || !slider.closest?.(".otb") || !event.isTrusted) return;
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (slider.getAttribute("role") === "slider") {
    // This slider is not the browser's own, so it must get the key itself. Pass the key on to the slider, but not to Jupyter.
    event.preventDefault();
    event.stopImmediatePropagation();
    slider.dispatchEvent(new KeyboardEvent("keydown", { key: event.key, shiftKey: event.shiftKey }));
    return;
  }
  if (slider.type !== "range") return;
  const [low, high] = [Number(slider.min || 0), Number(slider.max || 100)];
  const [now, step] = [Number(slider.value), Number(slider.step) || 1];
  const page = Math.max(step, Math.round((high - low) / 10 / step) * step);
  const goes = {
    ArrowRight: now + step, ArrowUp: now + step, ArrowLeft: now - step, ArrowDown: now - step,
    PageUp: now + page, PageDown: now - page, Home: low, End: high,
  }[event.key];
  event.preventDefault();
  event.stopImmediatePropagation();
  slider.value = String(Math.max(low, Math.min(high, goes)));
  for (const type of ["input", "change"]) slider.dispatchEvent(new Event(type, { bubbles: true }));
}

/** Make a view's headline from an emphasised part (`loud`), such as the most important number, and the words after it. */
export function headline(name) {
  const head = make("p", `${name}-head`);
  const loud = make("b", "loud");
  const loudWords = make("span", `${name}-loud-words`);
  head.append(loud, " ", loudWords);
  return { head, loud, loudWords };
}

/** Make an element (`live`) whose text a screen reader reads aloud. `speak` gives the element a text, but only after `pause`
 * ms in which no further call of `speak` replaces that text. `hush` drops a text that still waits. */
export function announcer(pause = 500) {
  const live = make("p", "unseen");
  live.setAttribute("aria-live", "polite");
  let clock = 0;
  return {
    live,
    speak(text) {
      clearTimeout(clock);
      clock = setTimeout(() => (live.textContent = text), pause);
    },
    hush: () => clearTimeout(clock),
  };
}

/**
 * A field for the visitor's own words.
 * @param {string} className
 * @param {{ placeholder: string, label: string, button: string }} words
 * @param {(text: string) => void} read is called with the text, unless the text is empty
 */
export function ownWords(className, { placeholder, label, button }, read) {
  const form = make("form", className);
  const field = form.appendChild(make("input"));
  field.placeholder = placeholder;
  field.setAttribute("aria-label", label);
  form.append(make("button", "", button));
  const submit = (event) => {
    event.preventDefault();
    const text = field.value.trim();
    field.value = "";
    if (text) read(text);
  };
  form.addEventListener("submit", submit);
  field.addEventListener("keydown", (event) => event.key === "Enter" && submit(event)); // JupyterLab blocks Enter in forms
  return form;
}

/** Return 1 if an arrow key asks for the next radio button, -1 if it asks for the one before, and 0 for any other key. */
export const arrowStep = (event) => ({ ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 })[event.key] ?? 0;

/**
 * Make a button one of several radio buttons. A press chooses the button. An arrow key chooses and focuses the button
 * beside it.
 * @param {HTMLElement} button
 * @param {() => ArrayLike<HTMLElement>} group returns all the buttons in order. It is called again after a choice,
 *   because `choose` may replace the buttons
 * @param {(index: number) => void} choose
 */
export function radio(button, group, choose) {
  const index = () => Array.prototype.indexOf.call(group(), button);
  button.setAttribute("role", "radio");
  button.addEventListener("click", () => choose(index()));
  button.addEventListener("keydown", (event) => {
    const step = arrowStep(event);
    if (!step) return;
    event.preventDefault();
    const next = (index() + step + group().length) % group().length;
    choose(next);
    group()[next].focus();
  });
}

/**
 * Let an arrow key move the focus from a button to the button beside it. Only the last one that had the focus can be reached with Tab.
 * @param {HTMLElement} button
 * @param {() => ArrayLike<HTMLElement>} group returns all the buttons in order
 */
export function rove(button, group) {
  button.addEventListener("keydown", (event) => {
    const step = arrowStep(event);
    const next = step && group()[Array.prototype.indexOf.call(group(), button) + step];
    if (!next) return;
    event.preventDefault();
    button.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
}

/**
 * Make an element a slider for keyboards and screen readers. The view sets "aria-valuenow", and what is left out here because it changes.
 * @param {HTMLElement} element
 * @param {{ label?: string, min?: number, max?: number }} words the slider's name, and the ends of its scale
 */
export function asSlider(element, { label, min, max }) {
  element.tabIndex = 0;
  element.setAttribute("role", "slider");
  const given = { "aria-label": label, "aria-valuemin": min, "aria-valuemax": max };
  for (const [name, value] of Object.entries(given)) if (value !== undefined) element.setAttribute(name, String(value));
  return element;
}

/** Return a function that stores changes in the model, informs the host, and draws. While the function stores changes, its
 * property `storing` is true, so that listeners in the view can wait with drawing until all changes are stored. */
export function keeper(model, draw = () => {}) {
  const keep = (changes) => {
    keep.storing = true;
    for (const [key, value] of Object.entries(changes)) model.set(key, value);
    keep.storing = false;
    model.save_changes();
    draw();
  };
  keep.storing = false;
  return keep;
}

/** Return a function that calls `draw` as soon as the running script ends. Several calls of this function in one script lead
 * to one call of `draw`. */
export function atOnce(draw) {
  let due = false;
  return () => {
    if (due) return;
    due = true;
    queueMicrotask(() => {
      due = false;
      draw();
    });
  };
}

/** The text with a capital first letter. */
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** The CSS class of a token's chip. A token without a space at its start is drawn without a gap after the token before. */
export const chipClass = (piece, index) => `chip${piece.startsWith(" ") || index === 0 ? "" : " glued"}`;

/** The colour that a CSS custom property has in this element in the current theme, as [red, green, blue]. */
export function colour(el, name) {
  const probe = make("i");
  probe.style.color = `var(${name})`;
  // Notebook 7 may draw a view before the view's element is on the page. Outside the page, an element has no colour.
  const nowhere = el.isConnected ? null : document.body.appendChild(make("div", "otb"));
  (nowhere ?? el).append(probe);
  const found = getComputedStyle(probe).color.match(/[\d.]+/g).slice(0, 3).map(Number);
  probe.remove();
  nowhere?.remove();
  return found;
}

/** Call `repaint` whenever the theme changes. Returns a function that stops this. */
export function onTheme(el, repaint) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", repaint);
  const observer = new MutationObserver(repaint);
  for (const node of [document.documentElement, document.body, el]) {
    observer.observe(node, { attributes: true, attributeFilter: ["data-theme", "data-jp-theme-light"] });
  }
  return () => {
    observer.disconnect();
    dark.removeEventListener("change", repaint);
  };
}

/**
 * Call `draw` once a frame for `duration` ms, with a number that rises from 0 to 1, at first fast, then more slowly.
 * @param {number} duration
 * @param {(part: number) => void} draw
 * @returns {() => void} a function that stops the calls
 */
export function glide(duration, draw) {
  const begun = performance.now();
  let due = 0;
  const frame = (time) => {
    const part = Math.min(1, Math.max(0, (time - begun) / duration));
    draw(1 - (1 - part) ** 3);
    if (part < 1) due = requestAnimationFrame(frame);
  };
  due = requestAnimationFrame(frame);
  return () => cancelAnimationFrame(due);
}

/** Call `fit` whenever an element's size changes, and when the fonts are loaded. Returns a function that stops this. */
export function onSize(element, fit) {
  const watcher = new ResizeObserver(fit);
  watcher.observe(element);
  document.fonts?.ready.then(fit); // the words have their final widths only when the fonts are loaded
  return () => watcher.disconnect();
}

/**
 * Set the largest font size at which a text fits into one line. If this size is too small, the text takes several lines, in the
 * font size of the style sheet.
 * @param {HTMLElement} line the element with the text
 * @param {HTMLElement} within the element whose width the line may take
 * @param {[number, number]} sizes the largest and the smallest font size of one line, in px
 * @param {(several: boolean) => void} wrap lets the text take several lines, or only one
 */
export function fitLine(line, within, [largest, smallest], wrap) {
  wrap(false);
  line.style.fontSize = `${largest}px`;
  const size = Math.min(largest, (largest * 0.99 * within.clientWidth) / line.scrollWidth);
  wrap(size < smallest);
  line.style.fontSize = size < smallest ? "" : `${size}px`;
}

/** The bytes that a base64 text stands for. */
export const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** While a pointer drags `handle`, call `move` once a frame with the latest event, and give `el` the class "dragging". A drag
 * starts only if `ready` is true. `ready` and `begin` get the event that starts the drag. `end` is called once the drag has ended, with
 * true if the pointer was let go, or with false if the browser ended the drag. */
export function onDrag(el, handle, move, { ready, begin = () => {}, end = () => {} }) {
  let last = null;
  let due = 0;
  const now = () => {
    if (due) move(last);
    cancelAnimationFrame(due);
    due = 0;
  };
  const moved = (event) => {
    last = event;
    due ||= requestAnimationFrame(now);
  };
  handle.addEventListener("pointerdown", (event) => {
    if (!ready(event)) return;
    handle.setPointerCapture(event.pointerId);
    el.classList.add("dragging");
    begin(event);
    handle.addEventListener("pointermove", moved);
    let letGo = false;
    const lift = () => {
      now(); // make the last move before the event `lostpointercapture`
      letGo = true;
    };
    handle.addEventListener("pointerup", lift, { once: true });
    const drop = () => {
      now();
      el.classList.remove("dragging");
      handle.removeEventListener("pointermove", moved);
      handle.removeEventListener("pointerup", lift);
      end(letGo);
    };
    handle.addEventListener("lostpointercapture", drop, { once: true });
  });
}

/**
 * Let a mouse or a pen carry `handle`. A finger cannot carry it, because a finger's move scrolls the page. `begin` is called once the
 * pointer has moved by 6 px, `move` for each move after that, and `end` when the pointer is let go, or with null if the browser ends the
 * move. Meanwhile `el` has the class "dragging", and `handle` the class "held". The press on `handle` that ends a move does not count as
 * a click.
 * @param {HTMLElement} el
 * @param {HTMLElement} handle
 * @param {{ begin: (down: PointerEvent) => void, move: (event: PointerEvent) => void, end: (event: PointerEvent | null) => void }} hand
 */
export function onCarry(el, handle, { begin, move, end }) {
  let carried = false;
  const hold = (held) => {
    el.classList.toggle("dragging", held);
    handle.classList.toggle("held", held);
  };
  handle.addEventListener("click", (event) => {
    if (carried && event.detail) event.stopImmediatePropagation(); // a click by a key has no `detail`
    carried = false;
  }, true);
  handle.addEventListener("pointerdown", (down) => {
    carried = false;
    if (down.pointerType === "touch" || down.button) return;
    const moved = (event) => {
      if (!carried && Math.hypot(event.clientX - down.clientX, event.clientY - down.clientY) < 6) return;
      if (!carried) {
        hold(true);
        begin(down);
      }
      carried = true;
      move(event);
    };
    const ended = (event) => {
      removeEventListener("pointermove", moved);
      removeEventListener("pointerup", ended);
      removeEventListener("pointercancel", ended);
      if (!carried) return;
      hold(false);
      end(event.type === "pointerup" ? event : null);
    };
    addEventListener("pointermove", moved);
    addEventListener("pointerup", ended);
    addEventListener("pointercancel", ended);
  });
}

/**
 * Decode stored numbers. `stored` is an array of the numbers, or it has 16-bit whole numbers as base64 in `sixteen`.
 * A whole number n in `sixteen` stands for low + step * n.
 * @param {ArrayLike<number> | { low: number, step: number, sixteen: string }} stored
 * @returns {Float64Array}
 */
export function numbers(stored) {
  if (!("sixteen" in stored)) return Float64Array.from(stored);
  const sixteen = new Uint16Array(bytes(stored.sixteen).buffer);
  return Float64Array.from(sixteen, (value) => stored.low + stored.step * value);
}

/**
 * Return `many` random numbers from 0 to 1. The same seed always gives the same numbers (mulberry32).
 * @param {number} seed
 * @param {number} many
 * @returns {number[]}
 */
export function lots(seed, many) {
  let state = Math.imul(seed + 1, 0x9e3779b9);
  return Array.from({ length: many }, () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  });
}

/**
 * Places for round dots in a field, so that no dot lies on another. Each dot keeps its y, and is moved along x as little as possible.
 * @param {[number, number][]} goals the x and y at which the middle of each dot should be, in px
 * @param {number[]} sizes the diameter of each dot in px
 * @param {number} width the width of the field in px
 * @returns {(number | null)[]} the x of each dot; null if there is no room for it
 */
export function beside(goals, sizes, width) {
  const placed = [];
  const found = goals.map(() => null);
  const order = goals.map((_, index) => index).sort((one, other) => sizes[other] - sizes[one] || goals[one][0] - goals[other][0]);
  for (const index of order) {
    const [goal, y] = goals[index];
    const half = sizes[index] / 2;
    const near = placed.filter((other) => Math.abs(other.y - y) < half + other.half);
    const ends = near.flatMap((other) => {
      const reach = Math.sqrt((half + other.half) ** 2 - (other.y - y) ** 2) + 0.01;
      return [other.x - reach, other.x + reach];
    });
    const free = (x) => x >= half && x <= width - half && near.every((other) => Math.hypot(other.x - x, other.y - y) >= half + other.half);
    const places = [Math.max(half, Math.min(width - half, goal)), ...ends].filter(free);
    if (!places.length) continue;
    const x = places.reduce((best, each) => (Math.abs(each - goal) < Math.abs(best - goal) ? each : best));
    placed.push({ x, y, half });
    found[index] = x;
  }
  return found;
}

/** The CSS colours of the colour words in TinyWorld, the invented world whose texts the tiny models were trained on. */
export const LOOKS = {
  black: "#15181f", blue: "#2f6fe0", brown: "#7a4a24", golden: "#e0a818", green: "#2f9e4f", grey: "#8b9099", orange: "#f2811d",
  pink: "#f48fb6", purple: "#7e3fb8", red: "#d42a2a", silver: "#c3c8d1", white: "#ffffff", yellow: "#f5dc33",
};

/** Finds the pieces of a text that are tokens in the TinyWorld models: words (which may contain hyphens), endings such as
 * 's, and single marks. */
const PIECE = /'[\p{L}\p{M}\p{N}_]+|[\p{L}\p{M}\p{N}_]+(?:-[\p{L}\p{M}\p{N}_]+)*|[^\p{L}\p{M}\p{N}_\s]/gu;

/** @param {string} text @returns {string[]} the pieces of a text, each of which a TinyWorld model reads as one token */
export const piecesOf = (text) => text.match(PIECE) ?? [];

/** Up to `most` words of a vocabulary that are like `word`: words that differ only in capital letters, then words that begin
 * with the same letters. */
export function wordsLike(word, vocabulary, most = 4) {
  const lower = word.toLowerCase();
  const like = [...vocabulary].filter((other) => other.toLowerCase() === lower);
  for (let length = Math.min(4, lower.length); length > 1 && like.length < most; length--) {
    for (const other of vocabulary) {
      if (like.length < most && other.toLowerCase().startsWith(lower.slice(0, length)) && !like.includes(other)) like.push(other);
    }
  }
  return like.slice(0, most);
}

/**
 * A field for the visitor's own words, for a model that has tokens only for some words. While the visitor types, the first
 * word without a token is named, with similar words to choose from. Buttons below the field offer whole texts.
 * @param {{ placeholder: string, label: string, button: string, offer?: string, rest?: string }} labels `rest`: the
 *   end of a sentence about the tokens that are no words, such as "cannot be typed"
 * @param {{ words?: string[], offers?: (string | [string, string])[], unknown?: boolean }} options `words`: the model's tokens. If there are
 *   none, any text is accepted. `offers`: each is a text, or [name, text]. `unknown`: whether words without a token are
 *   accepted, too, which the model reads as unknown words
 * @param {(text: string) => void} read is called with each text that is accepted, or chosen from the offers
 */
export function ownText({ offer = "Or take", rest = "", ...labels }, { words = [], offers = [], unknown = false }, read) {
  const vocabulary = new Set(words.map((word) => word.trim()).filter((word) => !/^<.+>$/.test(word)));
  const whole = make("div", "own");
  const form = make("form", "own-form");
  const field = form.appendChild(make("input"));
  Object.assign(field, { placeholder: labels.placeholder, autocomplete: "off", spellcheck: false });
  field.setAttribute("aria-label", labels.label);
  form.append(make("button", "", labels.button));
  const note = make("p", "own-note");
  note.setAttribute("aria-live", "polite");
  const lacking = () => (vocabulary.size ? [...new Set(piecesOf(field.value).filter((piece) => !vocabulary.has(piece)))] : []);

  function check() {
    const [word] = lacking();
    whole.classList.toggle("lacks", word !== undefined && !unknown);
    note.replaceChildren();
    if (word === undefined) {
      if (unknown) note.textContent = `It knows ${vocabulary.size.toLocaleString("en-US")} words, and reads any other as an unknown one.`;
      else if (vocabulary.size) note.textContent = `Only words that the model has a token for: ${vocabulary.size.toLocaleString("en-US")} in all.${rest && ` Its ${words.length - vocabulary.size} other tokens ${rest}.`}`;
      return;
    }
    if (unknown) note.append(`It reads “${word}” as an unknown word`, ". It knows ");
    else note.append("It has no token for ", make("s", "", word), ". It has ");
    for (const other of wordsLike(word, vocabulary)) {
      const chip = make("button", "chip", other);
      chip.type = "button";
      chip.addEventListener("click", () => {
        field.value = field.value.replace(new RegExp(`(?<![\\p{L}\\p{N}_-])${word.replace(/[^\p{L}\p{N}_]/gu, "\\$&")}(?![\\p{L}\\p{N}_-])`, "gu"), other);
        check();
        field.focus();
      });
      note.append(chip, " ");
    }
    if (!note.querySelector("button")) note.lastChild.textContent = ".";
  }
  const submit = (event) => {
    event.preventDefault();
    const text = field.value.trim();
    if (!text) return;
    if (lacking().length && !unknown) {
      whole.classList.remove("refused");
      void whole.offsetWidth; // reading `offsetWidth` lets the animation start again
      whole.classList.add("refused");
      return;
    }
    field.value = "";
    read(text);
  };
  form.addEventListener("submit", submit);
  field.addEventListener("input", check);
  field.addEventListener("keydown", (event) => event.key === "Enter" && submit(event)); // JupyterLab blocks Enter in forms
  check();
  whole.append(form, note);
  if (offers.length) {
    const list = make("p", "own-offers", offer);
    for (const offered of offers) {
      const [name, text] = typeof offered === "string" ? [offered, offered] : offered;
      const chip = make("button", "chip", name);
      chip.title = text;
      chip.addEventListener("click", () => read(text));
      list.append(chip);
    }
    whole.append(list);
  }
  return whole;
}
