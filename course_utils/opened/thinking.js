// A sum, the steps that the tiny reasoner writes before its answer, and what becomes of the answer if a step is changed.
// Model: `data` {offers (sums as texts), answers}, `said` {written} from the host, and what the visitor chose: sum (a
// text such as "25+31+40"), edits (the results that were changed, by the number of their step), on (whether the model
// writes on after the last changed step; else its own later steps stay), stop (after so many steps it must answer, or
// "all"). The view asks with `want` {text}, and gets what the model writes after this text.
import { adopt, announcer, headline, keeper, make, ownWords } from "./view.js";

const OPEN = "<think>";
const CLOSE = "</think>";
const [FEWEST, MOST] = [2, 8]; // terms
const MOST_DIGITS = 3;

/** The terms of a sum. @param {string} sum @returns {number[]} */
export const terms = (sum) => (sum.match(/\d+/g) ?? []).map(Number);

/** What terms add up to, as in a sum or left of an equals sign. @param {string} sum @returns {number} */
const total = (sum) => terms(sum).reduce((all, term) => all + term, 0);

/** The steps in a text, each with what stands left of its equals sign, and its result. @param {string} written */
export function stepsOf(written) {
  const steps = written.split(CLOSE)[0].split(";").slice(0, -1);
  return steps.map((step) => {
    const [left, result] = step.split("=");
    return { left, result: result ?? "" };
  });
}

/** The text of steps. @param {{ left: string, result: string }[]} steps */
const textOf = (steps) => steps.map(({ left, result }) => `${left}=${result};`).join("");

/**
 * The text on the screen: the steps, those that were changed among them, and the answer. What the model writes is asked
 * for with `goesOn`; as long as it returns undefined, this does, too.
 * @param {string} sum
 * @param {{ edits: Object<string, string>, on: boolean, stop: number | "all" }} chosen
 * @param {(text: string) => string | undefined} goesOn
 * @returns {{ steps: { left: string, result: string, by: "you" | "model" | "kept" }[], answer: string } | undefined}
 */
export function writeOut(sum, { edits, on, stop }, goesOn) {
  const start = `${sum}=${OPEN}`;
  let written = goesOn(start);
  if (written === undefined) return undefined;
  let steps = stepsOf(written).map((step) => ({ ...step, by: "model" }));
  for (const at of Object.keys(edits).map(Number).sort((a, b) => a - b)) {
    if (at >= steps.length) continue;
    const changed = { ...steps[at], result: edits[at], by: "you" };
    const before = steps.slice(0, at);
    if (on) {
      written = goesOn(start + textOf([...before, changed]));
      if (written === undefined) return undefined;
      steps = [...before, changed, ...stepsOf(written).map((step) => ({ ...step, by: "model" }))];
    } else {
      steps = [...before, changed, ...steps.slice(at + 1).map((step) => ({ ...step, by: "kept" }))];
    }
  }
  const short = stop !== "all" && stop < steps.length;
  if (short) steps = steps.slice(0, stop);
  const whole = !short && (on || !steps.some(({ by }) => by === "you"));
  if (!whole) {
    written = goesOn(`${start}${textOf(steps)}${CLOSE}`);
    if (written === undefined) return undefined;
  }
  return { steps, answer: written.split(CLOSE).at(-1) };
}

/** Whether a step adds up. */
export const addsUp = ({ left, result }) => total(left) === Number(result);

/**
 * What is to be said of an answer, after the answer itself.
 * @param {string} sum
 * @param {{ steps: { left: string, result: string, by: string }[], answer: string }} shown
 * @param {boolean} short whether the model had to answer before its last step
 */
export function verdict(sum, { steps, answer }, short) {
  const right = total(sum);
  const off = Number(answer) - right;
  const by = `${Math.abs(off)} too ${off > 0 ? "many" : "few"}`;
  const changed = steps.some((step) => step.by === "you");
  if (!/^\d+$/.test(answer)) return "is no number.";
  if (short) return `${off ? `is wrong, ${by}` : "is right"}: answered ${steps.length ? `after ${steps.length} of its steps` : "at once"}.`;
  if (!changed) return off ? `is wrong, ${by}.` : "is right.";
  if (answer === steps.at(-1).result) return off ? `is wrong, ${by}. It is the result of the last step.` : "is right all the same. It is the result of the last step.";
  return `${off ? `is wrong, ${by}` : "is right"}, and is not the result of the last step.`;
}

export function render({ model, el }) {
  const data = model.get("data");
  /** @type {Map<string, string>} what the model writes after a text */
  const known = new Map((data.answers ?? []).map(({ want, written }) => [want.text, written]));
  let asked = null; // the text after which the host is writing
  let shown = null; // what stands on the screen
  let chosen = { sum: data.offers[0], edits: {}, on: true, stop: "all" }; // with what it was chosen
  let missed = null; // what was chosen while the model was asleep

  adopt(el, "th");
  const { head, loud, loudWords } = headline("th");
  const sum = make("p", "th-sum");
  const list = make("ol", "th-steps");
  const answer = make("p", "th-answer");
  const tools = make("div", "th-tools");
  const modes = make("div", "th-modes");
  const writesOn = choice("After my change the model writes on", () => choose({ on: true }));
  const staysPut = choice("Its later steps stay as they were", () => choose({ on: false }));
  modes.setAttribute("role", "group");
  modes.setAttribute("aria-label", "What follows a step that you changed");
  modes.append(writesOn, staysPut);
  const stops = make("div", "th-stops", "It must answer");
  stops.setAttribute("role", "group");
  stops.setAttribute("aria-label", "After how many steps the model must answer");
  const back = make("button", "th-back", "Put all back");
  back.addEventListener("click", () => choose({ edits: {}, on: true, stop: "all" }));
  tools.append(modes, stops, back);
  const wake = make("div");
  wake.dataset.wake = "for any change, and sums of your own";
  const labels = { placeholder: "Your own sum, such as 12+34+56", label: "Your own sum", button: "Add it up" };
  const note = make("p", "th-note");
  note.setAttribute("aria-live", "polite");
  const own = ownWords("th-own own-form", labels, read);
  const offers = make("p", "own-offers th-offers", "Or take");
  for (const offer of data.offers) {
    const chip = make("button", "chip", offer);
    chip.addEventListener("click", () => turnTo(offer));
    offers.append(chip);
  }
  const { live, speak, hush } = announcer();
  const mine = make("div", "own");
  mine.append(own, note, offers);
  el.append(head, sum, list, answer, tools, wake, mine, live);
  const keep = keeper(model, update);

  function choose(changes) {
    missed = null;
    note.textContent = "";
    keep(changes);
  }
  function choice(words, press) {
    const button = make("button", "", words);
    button.addEventListener("click", press);
    return button;
  }
  function turnTo(text) {
    choose({ sum: text, edits: {}, on: true, stop: "all" });
  }
  function read(text) {
    const numbers = terms(text);
    if (numbers.length < FEWEST || numbers.length > MOST || numbers.some((number) => number < 10 || number > 99)) {
      note.textContent = `It has learned to add numbers from 10 to 99. Write ${FEWEST} to ${MOST} of them, with + between.`;
      return;
    }
    turnTo(numbers.join("+"));
  }
  /** What the model writes after a text: what is known, or a question to the host. */
  function goesOn(text) {
    if (!known.has(text) && asked !== text) {
      asked = text;
      el.classList.add("waiting");
      model.set("want", { text });
      model.save_changes();
    }
    return known.get(text);
  }
  function listen() {
    const said = model.get("said");
    if (!said) return;
    asked = null;
    el.classList.remove("waiting");
    if (said.asleep) {
      const now = state();
      keep(chosen);
      missed = now;
      note.textContent = "That answer is not in store. Wake the model, and it writes it.";
    } else if (said.error) {
      loudWords.textContent = said.error;
    } else {
      known.set(said.want.text, said.written);
      choose(missed ?? {});
    }
  }
  function change(at, result) {
    const edits = { ...model.get("edits") };
    const digits = String(result).replace(/\D/g, "").slice(0, MOST_DIGITS);
    if (digits === "") note.textContent = "A step's result is a whole number of up to three digits.";
    if (digits === "" || digits === shown.steps[at].result) return draw(); // nothing was changed
    edits[at] = String(Number(digits));
    if (model.get("on")) for (const later of Object.keys(edits)) if (Number(later) > at) delete edits[later];
    choose({ edits });
  }

  const state = () => ({ sum: model.get("sum"), edits: model.get("edits") ?? {}, on: model.get("on"), stop: model.get("stop") });
  function update() {
    const now = state();
    const found = writeOut(now.sum, now, goesOn);
    if (!found) return;
    el.classList.remove("waiting");
    shown = found;
    chosen = now;
    draw();
  }
  function draw() {
    const text = model.get("sum");
    const stop = model.get("stop");
    const short = shown.steps.length === stop;
    const right = total(text);
    const changed = shown.steps.some(({ by }) => by === "you");
    loud.textContent = shown.answer;
    loudWords.textContent = ` ${verdict(text, shown, short)}`;
    head.classList.toggle("wrong", Number(shown.answer) !== right);
    sum.replaceChildren(...terms(text).flatMap((term, index) => [...(index ? [make("i", "", "+")] : []), make("span", "chip", String(term))]), make("i", "th-right", "right:"), make("b", "num", String(right)));
    while (list.children.length > shown.steps.length) list.lastChild.remove();
    shown.steps.forEach((step, at) => {
      const row = list.children[at] ?? list.appendChild(newRow(at));
      const [left, less, field, more, mark] = row.children;
      left.textContent = `${step.left.replaceAll("+", " + ")} =`;
      if (document.activeElement !== field || !row.classList.contains("typing")) field.value = step.result;
      row.className = `th-step ${step.by}`;
      const sound = addsUp(step);
      const whose = { you: "you wrote this", model: "", kept: "left as it was" }[step.by];
      mark.textContent = [whose, sound ? "" : `${step.left.replaceAll("+", " + ")} is ${total(step.left)}`].filter(Boolean).join("; ");
      row.classList.toggle("false", !sound);
      less.setAttribute("aria-label", `Step ${at + 1}: ten less`);
      more.setAttribute("aria-label", `Step ${at + 1}: ten more`);
      field.setAttribute("aria-label", `Step ${at + 1}: ${step.left} equals`);
    });
    answer.replaceChildren(make("span", "", "The answer:"), make("b", "num", shown.answer));
    answer.classList.toggle("wrong", Number(shown.answer) !== right);
    const whole = stepsOf(known.get(`${text}=${OPEN}`)).length;
    drawStops(whole, stop);
    writesOn.setAttribute("aria-pressed", String(Boolean(model.get("on"))));
    staysPut.setAttribute("aria-pressed", String(!model.get("on")));
    back.disabled = !changed && stop === "all" && Boolean(model.get("on"));
    speak(`${shown.answer}${loudWords.textContent}`);
  }
  function drawStops(whole, stop) {
    if (stops.querySelectorAll("button").length !== whole + 1) {
      stops.replaceChildren("It must answer");
      for (let number = 0; number <= whole; number++) {
        const words = number === whole ? "after all steps" : number ? `after ${number}` : "at once";
        stops.append(choice(words, () => choose({ stop: number === whole ? "all" : number })));
      }
    }
    [...stops.querySelectorAll("button")].forEach((button, number) => {
      button.setAttribute("aria-pressed", String(number === (stop === "all" ? whole : stop)));
    });
  }
  function newRow(at) {
    const row = make("li", "th-step");
    const left = make("span", "th-left num");
    const less = make("button", "th-ten", "−10");
    const more = make("button", "th-ten", "+10");
    const field = make("input", "num");
    Object.assign(field, { inputMode: "numeric", autocomplete: "off", maxLength: MOST_DIGITS, size: MOST_DIGITS });
    less.addEventListener("click", () => change(at, Math.max(0, Number(shown.steps[at].result) - 10)));
    more.addEventListener("click", () => change(at, Number(shown.steps[at].result) + 10));
    field.addEventListener("input", () => row.classList.add("typing"));
    const done = () => {
      row.classList.remove("typing");
      change(at, field.value);
    };
    field.addEventListener("change", done);
    field.addEventListener("keydown", (event) => event.key === "Enter" && done());
    row.append(left, less, field, more, make("span", "th-mark"));
    return row;
  }

  model.on("change:said", listen);
  update();
  return () => {
    hush();
    model.off("change:said", listen);
  };
}

export default { render };
