// Starts the explorable of a page: <div id="view" data-…>. A page that is embedded (?embed) shows the picture alone.
import { show } from "./host.js";

if (new URLSearchParams(location.search).has("embed")) document.body.classList.add("embedded");

const theme = document.getElementById("theme");
theme?.addEventListener("click", () => {
  const dark = getComputedStyle(document.body).colorScheme === "dark" ||
    (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "light" : "dark";
});

const el = /** @type {HTMLElement} */ (document.getElementById("view") ?? document.createElement("div"));
const { view, data, weights, start } = el.dataset;
const kept = (el.dataset.kept ?? "").split(" ").filter(Boolean);
const values = JSON.parse(start ?? "{}");

if (weights) wake();
else if (view) show(el, { view, data, values, kept });

/** A model that runs in the page is loaded on a press, and its size is said before. */
async function wake() {
  const box = document.createElement("div");
  box.className = "wake";
  const button = document.createElement("button");
  button.textContent = `Wake the model (${el.dataset.size})`;
  const note = document.createElement("p");
  note.setAttribute("aria-live", "polite");
  note.textContent = "It runs in this page, on your machine. Nothing that you type leaves it.";
  box.append(button, note);
  el.replaceChildren(box);
  button.addEventListener("click", async () => {
    button.disabled = true;
    const progress = document.createElement("progress");
    progress.setAttribute("aria-label", "Loading the model");
    box.append(progress);
    try {
      const { answerFor } = await import(`./${el.dataset.answers}.js`);
      const { answer, more } = await answerFor(weights, (share) => (progress.value = share));
      el.replaceChildren();
      const inner = el.appendChild(document.createElement("div"));
      await show(inner, { view, data, values: { ...values, ...more }, kept, answer });
    } catch (error) {
      console.error(error);
      progress.remove();
      button.disabled = false;
      note.textContent = `${error.message}`;
    }
  });
}
