// What the views of the explorables share. A view is a module of course_utils/opened with render({ model, el }).

/** Create an element with a class and a text. */
export function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

/** Empty the host's element and mark it as a view of ours. `name` is the class that the view's CSS hangs on. */
export function adopt(el, name) {
  el.classList.add("otb", name);
  el.dataset.lmSuppressShortcuts = "true"; // JupyterLab: the keys are ours while we have the focus
  el.replaceChildren();
}

/** The line with the number that matters. */
export function headline(name) {
  const head = make("p", `${name}-head`);
  const loud = make("b", "loud");
  const loudWords = make("span", `${name}-loud-words`);
  head.append(loud, loudWords);
  return { head, loud, loudWords };
}

/** An element that a screen reader reads aloud, once the visitor has rested for `pause` ms. */
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
 * @param {(text: string) => void} read gets the text, unless it is empty
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
  field.addEventListener("keydown", (event) => event.key === "Enter" && submit(event)); // JupyterLab takes Enter from a form
  return form;
}

/** A function that stores changes in the model, lets the host know, and draws. */
export const keeper = (model, draw = () => {}) => (changes) => {
  for (const [key, value] of Object.entries(changes)) model.set(key, value);
  model.save_changes();
  draw();
};

/** The class of a token's chip: a token without a space in front is glued to the one before. */
export const chipClass = (piece, index) => `chip${piece.startsWith(" ") || index === 0 ? "" : " glued"}`;

/** The colour that a custom property has here and now, as [red, green, blue]. */
export function colour(el, name) {
  const probe = make("i");
  probe.style.color = `var(${name})`;
  el.append(probe);
  const found = getComputedStyle(probe).color.match(/[\d.]+/g).slice(0, 3).map(Number);
  probe.remove();
  return found;
}

/** Call `repaint` when the theme changes. Returns a function that ends it. */
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

/** Stored bytes, as base64. */
export const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** Call `move` with each event while a pointer drags an element; `el` has the class "dragging" meanwhile. */
export function onDrag(el, handle, move, { ready, begin = () => {} }) {
  handle.addEventListener("pointerdown", (event) => {
    if (!ready()) return;
    handle.setPointerCapture(event.pointerId);
    el.classList.add("dragging");
    begin();
    handle.addEventListener("pointermove", move);
    const drop = () => {
      el.classList.remove("dragging");
      handle.removeEventListener("pointermove", move);
    };
    handle.addEventListener("lostpointercapture", drop, { once: true });
  });
}
