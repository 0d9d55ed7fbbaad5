// Starts the explorable of a page, <div id="view" data-…>. A page that is embedded (?embed) shows nothing but the view.
//
// A view is an interactive picture. It writes each request into its field `want`, and this script writes the answer
// into the field `said`. Some views ask a model that runs in the page. The model is "asleep" until it is loaded, and to
// "wake" the model is to load it. While the model is asleep, requests are answered from `data.answers`, a list of
// { want, … }, each with the model's answer to `want`. A request without a stored answer gets { want, asleep: true }, and
// the last such request is repeated when the model is awake. If the visitor caused the request with a button, a model of
// at most 10 MB is loaded at once, and that button shows how much has arrived (`data-waking`). Otherwise the wake button
// pulses.
//
// The wake button is put into the view's element with the attribute data-wake, whose value says what the model is for.
// A view that has an element with data-wake-on-need gets no wake button. There, the first request without a stored answer
// loads the model, and the model then answers the request. A view with a wake button of its own (`wakes = "itself"`)
// looks up the stored answers itself, and requests only what the model must compute.
import { fetchJson, show } from "./host.js";

if (new URLSearchParams(location.search).has("embed")) document.body.classList.add("embedded");

const el = /** @type {HTMLElement} */ (document.getElementById("view") ?? document.createElement("div"));
const { view, data, weights, start, answers, size, wakes } = el.dataset;
const LARGE = 10; // MB; a larger model is loaded only if the wake button is pressed, or if the view has data-wake-on-need
const kept = (el.dataset.kept ?? "").split(" ").filter(Boolean);
const values = JSON.parse(start ?? "{}");

let loading = null; // a promise, once the loading of the model has begun
/** Load the model if it is not loaded yet, and return what `answerFor` returns. During the loading, `arrived` is called with
 * the share of the bytes that has arrived, from 0 to 1. */
function load(arrived) {
  loading ??= import(`./${answers}.js`)
    .then(({ answerFor }) => answerFor(weights, arrived))
    .catch((error) => {
      loading = null;
      throw error;
    });
  return loading;
}

if (wakes === "itself") showWithItsOwnButton();
else if (weights) showAsleep();
else if (view) show(el, { view, data, values, kept });

async function showAsleep() {
  const stored = data ? await fetchJson(data) : { answers: [] };
  const known = new Map(stored.answers.map((answer) => [JSON.stringify(answer.want), answer]));
  let compute = null; // the function that asks the model; null until the model is loaded
  let missed = null; // the last request before the model was loaded, if no answer to it is stored
  let pressed = null; // the button that the visitor has just pressed, or whose form got Enter
  for (const type of ["pointerdown", "input", "keydown"]) {
    el.addEventListener(type, (event) => {
      const own = event.key === "Enter" && event.target.closest?.(".own-form");
      pressed = own ? own.querySelector("button") : null;
    }, true);
  }
  el.addEventListener("click", (event) => {
    pressed = event.target.closest("button");
    if (pressed?.matches("[data-waking]")) event.stopImmediatePropagation(); // ignore the press, because the model is being loaded for an earlier press
  }, true);
  const answer = (want, tell) => {
    const found = known.get(JSON.stringify(want));
    if (found) missed = null;
    if (found ?? compute) return found ?? compute(want, tell);
    const slot = el.querySelector("[data-wake-on-need]");
    if (slot) return onNeed(slot).then(() => compute(want, tell));
    missed = want;
    if (pressed && Number.parseFloat(size) <= LARGE && !document.body.matches(".from-folder")) wake(pressed);
    else pulse();
    return { asleep: true };
  };
  /** Load the model if it is not loaded yet, and show the progress in the element `slot`. */
  async function onNeed(slot) {
    const say = (words) => (slot.textContent = words);
    say(`Loading the model (${size})…`);
    try {
      compute = (await load((share) => say(`Loading the model (${size}): ${Math.round(100 * share)}%`))).answer;
      say("The model is awake. It runs in this page, on your machine. Nothing that you type leaves it.");
    } catch (error) {
      say(`The model (${size}) was not loaded.`);
      throw new Error("The model could not be loaded. Try again once there is a connection.", { cause: error });
    }
  }
  const model = await show(el, { view, values: { ...values, data: stored, live: false }, kept, answer });
  const patient = el.querySelector("[data-wake-on-need]");
  if (patient) {
    patient.className = "wake wake-note";
    patient.setAttribute("aria-live", "polite");
    if (!loading) patient.textContent = `The model is ${size}, and is loaded ${patient.dataset.wake}. It then runs in this page, on your machine. Nothing that you type leaves it.`;
    return;
  }
  const slot = el.querySelector("[data-wake]") ?? el.appendChild(document.createElement("div"));
  const { button, note } = wakeButton(slot);

  function pulse() {
    if (!el.querySelector(".wake-button:enabled")) return;
    button.classList.remove("pulse");
    void button.offsetWidth; // when the width is read, the browser notices the removal, so the animation starts again
    button.classList.add("pulse");
  }
  button.addEventListener("click", () => wake(button));

  /** Load the model. `by` is the button that was pressed: the wake button, or a button of the view. */
  async function wake(by) {
    if (button.disabled) return;
    const { width, height } = button.getBoundingClientRect();
    Object.assign(button.style, { minWidth: `${width}px`, minHeight: `${height}px` }); // keep the button's size
    button.disabled = true;
    const words = button.textContent;
    note.textContent = `Loading the model: ${size}.`;
    arrived(0);
    try {
      const found = await load(arrived);
      compute = found.answer;
      for (const [key, value] of Object.entries(found.more ?? {})) model.set(key, value);
      button.textContent = "The model is awake";
      button.classList.add("awake");
      note.textContent = "It runs in this page, on your machine. Nothing that you type leaves it.";
      model.set("live", true);
      if (missed) model.set("want", { ...missed });
    } catch (error) {
      console.error(error);
      button.disabled = false;
      button.textContent = words;
      button.style.removeProperty("--share");
      note.textContent = String(error.message ?? error);
    } finally {
      by.removeAttribute("data-waking");
    }

    function arrived(share) {
      const part = `${Math.round(100 * share)}%`;
      button.textContent = `Loading the model: ${part}`;
      for (const one of [button, by]) one.style.setProperty("--share", String(share));
      if (by !== button) by.dataset.waking = by.offsetWidth < 150 ? part : `Loading ${size}: ${part}`;
    }
  }
}

function showWithItsOwnButton() {
  const answer = async (want, tell) => (await load()).answer(want, tell);
  return show(el, { view, data, values: { ...values, size, live: false }, kept, answer });
}

/** Put the wake button and a note into the element `slot`. */
function wakeButton(slot) {
  slot.classList.add("wake");
  const button = document.createElement("button");
  button.className = "wake-button";
  button.textContent = `Wake the model (${size}) ${slot.dataset.wake || "to change it"}`;
  const note = document.createElement("span");
  note.className = "wake-note";
  note.setAttribute("aria-live", "polite");
  note.textContent = "It will run in this page, on your machine. Nothing that you type leaves it.";
  slot.replaceChildren(button, note);
  return { button, note };
}
