// A web page as host of a view: what anywidget gives it in a notebook. The state that a visitor chose is kept in the
// page's address, so that a link brings it back.

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

/** What a view asks its host (`want`) is answered here: the answer becomes `said`. An answer that comes in parts
 * hands each part but the last to `tell`.
 * @typedef {(want: any, tell: (part: any) => void) => Promise<any> | any} Answer */

/**
 * A model for a view.
 * @param {object} options
 * @param {Object<string, any>} options.values what the view starts with
 * @param {string[]} [options.kept] the keys whose values stand in the address
 * @param {string} [options.prefix] in front of each key in the address, if a page shows several views
 * @param {Answer} [options.answer] computes; without it the view has stored states only
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
      // An address that somebody typed: the view starts as usual.
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
 * @param {string} [options.data] the address of its stored states
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
