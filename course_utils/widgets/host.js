// Shows a view in a web page. The page gives the view a model, as anywidget does in a notebook. The visitor's choices are kept
// in the page's address, so that a link restores them.

/**
 * The part of anywidget's model that views use.
 * @typedef {{
 *   get(key: string): any,
 *   set(key: string, value: any): void,
 *   on(event: string, listener: () => void): void,
 *   off(event: string, listener: () => void): void,
 *   save_changes(): void,
 * }} Model
 */

/** A function that answers a view's request `want`. The host stores the answer in the model as `said`. If the answer has
 * several parts, the function calls `tell` with each part except the last, and returns the last.
 * @typedef {(want: any, tell: (part: any) => void) => Promise<any> | any} Answer */

/**
 * A model for a view.
 * @param {object} options
 * @param {Object<string, any>} options.values the initial values in the model, by their keys
 * @param {string[]} [options.kept] the keys whose values are kept in the address
 * @param {string} [options.prefix] put before each key in the address, if a page shows several views
 * @param {Answer} [options.answer] answers requests; without this function the view has only its stored states
 * @returns {Model}
 */
export function createModel({ values, kept = [], prefix = "", answer }) {
  const current = { live: Boolean(answer), ...values };
  const inAddress = new URLSearchParams(location.hash.slice(1));
  for (const key of kept) {
    if (!inAddress.has(prefix + key)) continue;
    try {
      current[key] = JSON.parse(inAddress.get(prefix + key));
    } catch {
      // The value in the address is no JSON, for example because somebody typed it. Keep the value from `values`.
    }
  }
  /** @type {Map<string, (() => void)[]>} */
  const listeners = new Map();
  const model = {
    get: (key) => current[key],
    set(key, value) {
      if (current[key] === value) return;
      current[key] = value;
      for (const listener of [...(listeners.get(`change:${key}`) ?? [])]) listener();
      if (key === "want" && answer) respond(value);
    },
    on: (event, listener) => void listeners.set(event, [...(listeners.get(event) ?? []), listener]),
    off: (event, listener) => void listeners.set(event, (listeners.get(event) ?? []).filter((other) => other !== listener)),
    save_changes() {
      if (!kept.length) return;
      const address = new URLSearchParams(location.hash.slice(1));
      for (const key of kept) address.set(prefix + key, JSON.stringify(current[key]));
      history.replaceState(null, "", `#${address}`);
    },
  };
  async function respond(want) {
    try {
      const tell = (part) => model.set("said", { want, ...part });
      tell(await answer(want, tell));
    } catch (error) {
      console.error(error);
      model.set("said", { want, error: String(error.message ?? error) });
    }
  }
  return model;
}

/**
 * Show a view in an element.
 * @param {HTMLElement} el
 * @param {object} options as for `createModel`, and:
 * @param {string} options.view the address of the view's module
 * @param {string} [options.data] the address of the view's stored states
 * @returns {Promise<Model>}
 */
export async function show(el, { view, data, values = {}, ...options }) {
  const [module, stored] = await Promise.all([import(view), data ? fetchJson(data) : undefined]);
  const model = createModel({ values: { data: stored, ...values }, ...options });
  module.default.render({ model, el });
  return model;
}

/** @param {string} address */
export async function fetchJson(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address} could not be loaded (${answer.status}): load the page again.`);
  return answer.json();
}
