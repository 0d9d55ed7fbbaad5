// A sum, the steps that the tiny reasoner writes before its answer, and what becomes of the answer if a step is changed.
// Each number is drawn as a strand; the larger the number, the thicker the strand. The numbers of the sum fall into the steps
// that add them. A result flows into the next step if this step adds the result.
// The view's `data` is {offers, answers}: the sums to choose from, as texts, and stored answers of the host, each
// {want: {text}, written}.
// The visitor chooses:
//   sum: a text such as "25+31+40"
//   edits: the changed results, {index of the step: result}
//   on: whether the language model writes on after the last changed step; otherwise the later steps stay as they were
//     before the change
//   stop: the number of steps after which the language model must answer, or "all"
// The view asks with `want` {text}. The host answers with `said` {written}: what the language model writes after this text.
import { adopt, announcer, atOnce, headline, keeper, make, onDrag, ownWords, shape } from "./view.js";

const OPEN = "<think>";
const CLOSE = "</think>";
const [FEWEST, MOST] = [2, 8]; // the limits for the number of terms in a sum
const [LEAST_TERM, MOST_TERM] = [10, 99]; // the limits for a term
const LONGEST = 24; // how many letters of a refused text are shown
const MOST_DIGITS = 3;
const MOST_RESULT = 10 ** MOST_DIGITS - 1;
const TALL = 250; // px: the greatest height of a bar
const ROOM = 1.3; // how many times as high as the largest number of the unchanged text a bar can be. A higher one is cut off
const FALL = 92; // px from the top of the picture to the top of the tallest bar
const WAVE = 110; // ms from one bar to the next while a change runs through the bars
const [LIFT, WORD] = [43, 36]; // px: how far the answer's number rises above the answer's bar, and the number's greatest height
const FADE = 90; // px after which a strand that fades out is no longer visible
const LEAST = 26; // px: the answer's number is put between the answer's bar and the line at the right sum only if there is at least this much room
const GOAL = 38; // px from the top of the picture to the lower edge of the words "right: …", which name the right sum
const RISE = 280; // ms that a bar takes to get its new height

/** The terms of a sum. @param {string} sum @returns {number[]} */
export const terms = (sum) => (sum.match(/\d+/g) ?? []).map(Number);

/** What the numbers in a sum, or on the left of a step's equals sign, add up to. @param {string} sum @returns {number} */
const total = (sum) => terms(sum).reduce((all, term) => all + term, 0);

/** The steps in a text, each with the sum on the left of its equals sign, and its result. @param {string} written */
export function stepsOf(written) {
  const steps = written.split(CLOSE)[0].split(";").slice(0, -1);
  return steps.map((step) => {
    const [left, result] = step.split("=");
    return { left, result: result ?? "" };
  });
}

/** Steps as a text, such as "25+31=56;". @param {{ left: string, result: string }[]} steps */
const textOf = (steps) => steps.map(({ left, result }) => `${left}=${result};`).join("");

/**
 * The text on the screen: the steps, of which some may have been changed, and the answer. `goesOn` returns what the model
 * writes after a text. If `goesOn` returns undefined, so does this function.
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

/** Whether a step's result is the sum of the numbers that the step adds. */
export const addsUp = ({ left, result }) => total(left) === Number(result);

/**
 * Where each number in the steps comes from. From the second step on, a step's first number comes from the result of the step
 * before ("before") or, if it differs, from "nowhere". Any other number comes from an equal number in the sum ("term") or, if
 * there is none left, from "nowhere".
 * @param {string} sum
 * @param {{ steps: { left: string, result: string, by: string }[], answer: string }} shown
 * @returns {{
 *   bars: { parts: { value: number, from: "term" | "before" | "nowhere", term: number }[], result: number, lit: boolean, off: boolean, column: number }[],
 *   loose: number[], carried: boolean, lit: boolean }} `parts`: the numbers that a step adds; `term`: the index of the
 *   equal number in the sum, or -1; `off`: whether the result was changed, and is not the sum of
 *   the parts; `column`: the column in which the step's bar stands; `loose`: the indices of the sum's
 *   numbers that no step added; `carried`: whether the answer is the last result; `lit`: whether a change has affected the
 *   bar, or the answer
 */
export function flow(sum, { steps, answer }) {
  const numbers = terms(sum);
  const used = new Set();
  const bars = [];
  let last = -1;
  for (const { left, result, by } of steps) {
    const before = bars.at(-1);
    const parts = terms(left).map((value, index) => {
      if (before && index === 0) return { value, from: value === before.result ? "before" : "nowhere", term: -1 };
      const rest = [...numbers.keys()].filter((term) => !used.has(term) && numbers[term] === value);
      const term = rest.find((place) => place > last) ?? rest[0] ?? -1;
      if (term >= 0) used.add(term);
      if (term > last) last = term;
      return { value, from: term >= 0 ? "term" : "nowhere", term };
    });
    const lit = by === "you" || (by === "model" && Boolean(before?.lit) && parts[0]?.from === "before");
    const off = by === "you" && !addsUp({ left, result });
    bars.push({ parts, result: Number(result), lit, off, column: Math.max(...parts.map(({ term }) => term)) });
  }
  // A bar stands in the column of the rightmost number that its step adds. If the bar before stands there or farther right,
  // the bar moves to the next column right of it. If the later bars would then have too few columns, the bar moves left.
  bars.forEach((bar, index) => (bar.column = Math.max(bar.column, (bars[index - 1]?.column ?? 0) + 1)));
  for (let index = bars.length - 1, most = numbers.length - 1; index >= 0; index--, most--) {
    bars[index].column = Math.min(bars[index].column, most);
  }
  const carried = bars.length > 0 && Number(answer) === bars.at(-1).result;
  const loose = [...numbers.keys()].filter((term) => !used.has(term));
  return { bars, loose, carried, lit: carried && bars.at(-1).lit };
}

/** Numbers joined as in a sentence, such as "12, 41 and 86". @param {(number | string)[]} numbers */
const listed = (numbers) => (numbers.length > 1 ? `${numbers.slice(0, -1).join(", ")} and ${numbers.at(-1)}` : String(numbers[0]));

/**
 * Sentences to show below the picture, about steps that don't go on with the result of the step before, steps that are wrong,
 * and an answer that is not the last result.
 * @param {string} sum
 * @param {{ steps: { left: string, result: string, by: string }[], answer: string }} shown
 * @param {boolean} tells whether the remarks also name numbers that no step adds, and added numbers that are not in the sum
 */
export function remarks(sum, shown, tells) {
  const { bars, loose, carried } = flow(sum, shown);
  const said = [];
  const strange = [];
  shown.steps.forEach((step, at) => {
    const { parts } = bars[at];
    if (at && parts[0]?.from === "nowhere") {
      const [before, many] = [bars[at - 1].result, at + 1]; // `many`: how many terms the result of the step before is the sum of, in a text without a mistake
      const never = before < many * LEAST_TERM || before > many * MOST_TERM;
      if (step.by === "kept") said.push(`Step ${at + 1} still has ${parts[0].value}: the change ends there.`);
      else if (shown.steps[at - 1].by !== "you") said.push(`Step ${at + 1} goes on with ${parts[0].value}, not with ${before}.`);
      else said.push(`The model did not take your ${before}: step ${at + 1} goes on with ${parts[0].value}.${never ? ` (It has learned to add numbers from ${LEAST_TERM} to ${MOST_TERM}, and ${many} of them never make ${before}.)` : ""}`);
    }
    strange.push(...parts.filter(({ from }, index) => from === "nowhere" && (!at || index)).map(({ value }) => value));
    if (!addsUp(step)) said.push(`Step ${at + 1}: ${step.left} is ${total(step.left)}, not ${step.result}.`);
  });
  if (bars.length && !carried) said.push(`The answer is not the last result, ${bars.at(-1).result}.`);
  if (tells && strange.length) said.push(`${listed(strange)} ${strange.length > 1 ? "are" : "is"} none of the sum's numbers.`);
  if (tells && loose.length) said.push(`No step added ${listed(loose.map((term) => terms(sum)[term]))}.`);
  return said;
}

/**
 * The words that follow the answer in the headline.
 * @param {string} sum
 * @param {{ steps: { left: string, result: string, by: string }[], answer: string }} shown
 * @param {boolean} short whether the model had to answer before its last step
 * @param {boolean} tells whether the words may tell that the answer is, or is not, the last step's result
 */
export function verdict(sum, { steps, answer }, short, tells) {
  const right = total(sum);
  const off = Number(answer) - right;
  const by = `${Math.abs(off)} too ${off > 0 ? "many" : "few"}`;
  const changed = steps.some((step) => step.by === "you");
  if (!/^\d+$/.test(answer)) return "is no number.";
  const after = steps.length === 1 ? "after 1 step" : `after ${steps.length} steps`;
  if (short) return `${off ? `is wrong, ${by}` : "is right"}: answered ${steps.length ? after : "at once"}.`;
  if (!changed || !tells) return off ? `is wrong, ${by}.` : changed ? "is right all the same." : "is right.";
  const judged = off ? `is wrong, ${by}` : "is right all the same";
  if (answer !== steps.at(-1).result) return `${judged}, and is not the result of the last step.`;
  const { lit } = flow(sum, { steps, answer });
  if (lit) return `${judged}. Your change ran through to the answer.`;
  return `${judged}. ${steps.at(-1).by === "kept" ? "Your change did not reach the answer." : "It is the result of the last step."}`;
}

/** The points of a torn edge: a zigzag line at `x`, from the height `from` to the height `to`. */
function torn(x, from, to) {
  const teeth = Math.max(2, Math.round(Math.abs(to - from) / 9));
  return Array.from({ length: teeth + 1 }, (_, index) => `${x + (index % 2 ? 5 : -2)} ${from + ((to - from) * index) / teeth}`);
}

let views = 0; // counts the views on a page, so that their ids are unique

export function render({ model, el }) {
  const data = model.get("data");
  const fading = `th-fading-${(views += 1)}`;
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  /** @type {Map<string, string>} from a text to what the model writes after it */
  const known = new Map((data.answers ?? []).map(({ want, written }) => [want.text, written]));
  let asked = null; // the text after which the host is writing
  let shown = null; // the text on the screen, as `writeOut` returns it; edits appear in it before the host has answered
  let chosen = { sum: data.offers[0], edits: {}, on: true, stop: "all" }; // the visitor's latest choices for which `writeOut` returned a text
  let touched = false; // whether the visitor has changed a step
  const looked = new Set(); // the sums for which the visitor has looked which numbers no step added
  const guesses = new Map(); // from a sum to the index of the number that the visitor has pressed

  adopt(el, "th");
  const { head, loud, loudWords } = headline("th");
  const scene = make("div", "th-scene");
  const drawing = shape("svg", { class: "th-strands", "aria-hidden": "true" });
  const sum = make("p", "th-sum");
  const list = make("ol", "th-steps");
  const answer = make("p", "th-answer");
  scene.append(drawing, sum, list, answer);
  const notes = make("ul", "th-notes");
  const look = make("button", "th-look", "Show me");
  const reveal = () => {
    looked.add(model.get("sum"));
    draw();
    (list.querySelector("input") ?? head).focus({ preventScroll: true });
  };
  look.addEventListener("click", reveal);
  // The button `more` chooses a sum with more numbers than the model was trained to add. Once the visitor has looked which of
  // them no step added, the button chooses the same sum without its last number.
  const longest = data.offers.reduce((long, offer) => (terms(offer).length > terms(long).length ? offer : long));
  const more = make("button", "th-more");
  more.addEventListener("click", () => {
    turnTo(model.get("sum") === longest ? terms(longest).slice(0, -1).join("+") : longest);
    head.tabIndex = -1;
    head.focus({ preventScroll: true });
    head.scrollIntoView({ block: "nearest" }); // on a phone the button stands below the picture
  });
  const stops = make("div", "th-stops");
  const stopWords = make("h3", "", "What if it must answer early?");
  stops.setAttribute("role", "group");
  stops.setAttribute("aria-label", "After how many steps the model must answer");
  // This button switches `on`: whether the model writes on after a changed step, or the later steps stay.
  const mode = choice("", () => choose({ on: !model.get("on") }));
  const back = choice("Put all back", () => choose({ edits: {}, on: true, stop: "all" }));
  back.className = "th-back";
  const acts = make("div", "th-acts");
  acts.append(look, more, back);
  const under = make("div", "th-under");
  under.append(notes, acts);
  const wake = make("div");
  wake.dataset.wake = "for other changes, and for sums of your own";
  wake.dataset.wakeOnNeed = "";
  const labels = { placeholder: "Numbers 10 to 99: 12+34", label: "Your own sum", button: "Add it up" };
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
  mine.append(make("h3", "", "And with a sum of yours?"), own, offers);
  const fold = make("details", "th-fold");
  fold.open = model.get("stop") !== "all" || model.get("on") === false;
  const modes = make("div", "th-stops");
  modes.append(make("h3", "", "What if the later steps stay after a change?"), mode);
  const folded = make("summary", "", "More to try");
  folded.append(make("span", "", ": keep its later steps, let it answer early, add up your own sum"));
  const trials = make("div");
  trials.append(modes, stops, mine);
  fold.append(folded, trials);
  el.append(head, scene, under, note, fold, wake, live);
  const soon = atOnce(update);
  const keep = keeper(model, soon);

  function choose(changes) {
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
    if (numbers.length < FEWEST || numbers.length > MOST || numbers.some((number) => number < LEAST_TERM || number > MOST_TERM)) {
      return refuse(text, `It has learned to add numbers from ${LEAST_TERM} to ${MOST_TERM}. Write ${FEWEST} to ${MOST} of them, with + between.`);
    }
    turnTo(numbers.join("+"));
  }
  /** Say in the headline, in place of the answer, that a text was not accepted. The note says why. */
  function refuse(text, why) {
    note.textContent = why;
    loud.textContent = "";
    loudWords.textContent = `“${text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text}” was not taken. Below is still ${model.get("sum")}.`;
    head.classList.remove("wrong");
    head.classList.add("refused");
  }
  /** Return what the model writes after a text. If that is not known yet, return undefined, and ask the host unless the
   * host is busy. */
  function goesOn(text) {
    if (!known.has(text) && asked === null) {
      asked = text;
      model.set("want", { text });
      model.save_changes();
    }
    return known.get(text);
  }
  function listen() {
    const said = model.get("said");
    if (!said) return;
    asked = null;
    if (said.error) {
      choose(chosen);
      note.textContent = said.error;
    } else {
      known.set(said.want.text, said.written);
      soon();
    }
  }
  function change(at, result) {
    const edits = { ...model.get("edits") };
    const digits = String(result).replace(/\D/g, "").slice(0, MOST_DIGITS);
    if (digits === "" || digits === shown.steps[at].result) {
      draw(); // show the step's old result in the field again
      if (digits === "") refuse(String(result), "A step's result is a whole number of up to three digits.");
      return;
    }
    edits[at] = String(Number(digits));
    touched = true;
    if (model.get("on")) for (const later of Object.keys(edits)) if (Number(later) > at) delete edits[later];
    choose({ edits });
  }

  const state = () => ({ sum: model.get("sum"), edits: model.get("edits") ?? {}, on: model.get("on"), stop: model.get("stop") });
  const whole = () => stepsOf(known.get(`${model.get("sum")}=${OPEN}`) ?? "");
  function update() {
    const now = state();
    const found = writeOut(now.sum, now, goesOn);
    el.classList.toggle("waiting", !found);
    if (found) [shown, chosen] = [found, now];
    else if (shown && now.sum === chosen.sum) {
      // Show the visitor's changed results at once, before the host has answered with what the model writes after them.
      const steps = shown.steps.map((step, at) => (at in now.edits ? { ...step, result: now.edits[at], by: "you" } : step));
      shown = { ...shown, steps };
    }
    if (shown && (found || now.sum === chosen.sum)) draw();
  }

  function draw() {
    const text = model.get("sum");
    const stop = model.get("stop");
    const steps = shown.steps;
    const short = steps.length === stop && stop < whole().length;
    const right = total(text);
    const changed = steps.some(({ by }) => by === "you");
    const differs = hides(text, shown); // whether the steps add other numbers than those of the sum
    const riddle = !short && !looked.has(text) && hides(text, { steps: whole() }) && differs; // a changed step keeps the riddle
    loud.textContent = shown.answer;
    // The finding, whether the answer is the last step's result, stands out.
    const [sentence, finding] = verdict(text, shown, short, touched).split(/(?<=\. )/);
    loudWords.replaceChildren(` ${sentence}`, ...(finding ? [make("b", "", finding)] : []));
    head.classList.remove("refused");
    head.classList.toggle("wrong", Number(shown.answer) !== right);
    while (list.children.length > steps.length) list.lastChild.remove();
    steps.forEach((step, at) => {
      const row = list.children[at] ?? list.appendChild(newRow(at));
      const [left, field] = row.children;
      left.replaceChildren(...step.left.split("+").flatMap((term, index) => [...(index ? [make("wbr")] : []), `${index ? "+" : ""}${term}`]), make("wbr"), make("span", "", `=${step.result};`));
      if (document.activeElement !== field || !row.classList.contains("typing")) field.value = step.result;
      row.classList.toggle("you", step.by === "you");
      row.classList.toggle("first", !touched && !changed && !short && !riddle && at === 0);
      field.setAttribute("aria-label", `Step ${at + 1}: ${step.left} equals`);
      field.setAttribute("aria-valuenow", step.result);
    });
    answer.replaceChildren(make("b", "num", shown.answer), make("span", "", "answer"));
    answer.classList.toggle("wrong", Number(shown.answer) !== right);
    const said = riddle ? [] : short && !steps.length ? [Number(shown.answer) === right ? "Right without a single step." : "Without a step, it is wrong."] : remarks(text, shown, looked.has(text) || short || !differs);
    if (riddle) said.push(riddleOf(flow(text, shown).loose.length));
    else if (guesses.has(text)) said.unshift(verdictOn(text, guesses.get(text)));
    if (!said.length && !changed && !short) said.push(`Drag ${steps[0].result} up or down: how far does the change run?`);
    notes.replaceChildren(...said.map((words) => make("li", "", words)));
    look.hidden = !riddle;
    more.hidden = riddle || terms(longest).length < 7 || (text === longest ? !looked.has(longest) : looked.has(longest));
    more.classList.toggle("next", touched || text === longest);
    more.textContent = text === longest ? "One number less →" : `Now a sum of ${terms(longest).length} numbers →`;
    drawTools(text, stop, changed);
    travel(plan(text, riddle));
    speak(`${shown.answer}${loudWords.textContent} ${said.join(" ")}`);
  }
  /** What the visitor is asked while it is hidden which numbers the steps add. `many` is how many of them no step adds. */
  const riddleOf = (many) => (many > 1 ? `The steps left out ${many} of the numbers. Which? Press one.` : many ? "The steps left out one of the numbers. Which? Press it." : "One number in the steps is none of the sum's.");
  /** Whether the visitor has pressed a number that no step adds. */
  function verdictOn(text, term) {
    const { bars, loose } = flow(text, shown);
    const number = terms(text)[term];
    if (loose.includes(term)) return `${number}: right.`;
    return `${number} was added, in step ${1 + bars.findIndex(({ parts }) => parts.some((part) => part.term === term))}.`;
  }
  /** Whether the steps leave out numbers of the sum, or add numbers that are not in it. From the second step on, a step's first
   * number, which should be the result of the step before, does not count. */
  function hides(text, found) {
    const { bars, loose } = flow(text, found);
    return loose.length > 0 || bars.some(({ parts }, at) => parts.some(({ from }, index) => from === "nowhere" && (!at || index)));
  }
  function drawTools(text, stop, changed) {
    const steps = whole();
    if (stops.children.length !== steps.length + 2) {
      stops.replaceChildren(stopWords);
      for (let number = 0; number <= steps.length; number++) {
        const words = number === steps.length ? "after all steps" : number ? `after ${number}` : "at once";
        stops.append(choice(words, () => choose({ stop: number === steps.length ? "all" : number })));
      }
    }
    [...stops.querySelectorAll("button")].forEach((button, number) => {
      button.setAttribute("aria-pressed", String(number === (stop === "all" ? steps.length : Math.min(stop, steps.length))));
    });
    mode.textContent = model.get("on") ? "Keep the later steps" : "Let the model write on";
    mode.disabled = stop === 0;
    back.classList.toggle("gone", !changed && stop === "all" && Boolean(model.get("on")));
  }
  function newRow(at) {
    const row = make("li", "th-step");
    const field = make("input", "num");
    Object.assign(field, { inputMode: "numeric", autocomplete: "off", maxLength: MOST_DIGITS });
    field.setAttribute("role", "spinbutton");
    field.setAttribute("aria-valuemin", "0");
    field.setAttribute("aria-valuemax", String(MOST_RESULT));
    field.title = "Drag it up or down, or type";
    field.addEventListener("input", () => row.classList.add("typing"));
    const done = () => {
      row.classList.remove("typing");
      change(at, field.value);
    };
    field.addEventListener("change", done);
    field.addEventListener("keydown", (event) => {
      const step = { ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
      if (event.key === "Enter") done();
      if (!step) return;
      event.preventDefault();
      row.classList.remove("typing");
      change(at, Math.max(0, Math.min(MOST_RESULT, Number(shown.steps[at].result) + step)));
    });
    let from = null; // the pointer's height and the result when the field was pressed
    const pull = (event) => {
      const result = Math.round(from.result + (from.y - event.clientY) / drawn.scale);
      if (Math.abs(from.y - event.clientY) > 3 || row.classList.contains("pulled")) {
        row.classList.add("pulled");
        change(at, Math.max(0, Math.min(MOST_RESULT, result)));
      }
    };
    onDrag(el, field, pull, {
      ready: () => !row.classList.contains("typing"),
      begin: (event) => (from = { y: event.clientY, result: Number(shown.steps[at].result) }),
      end() {
        if (!row.classList.contains("pulled")) return field.select();
        row.classList.remove("pulled");
      },
    });
    row.append(make("span", "th-left num"), field);
    return row;
  }

  // The picture. `drawn` holds the values from which the picture was drawn, so that a change can travel from bar to bar.
  let drawn = null;
  let frame = 0;
  let width = 0;
  /** All values that are needed to draw the picture of the text that is now on the screen. */
  function plan(text, riddle) {
    const { bars, loose, carried, lit } = flow(text, shown);
    const numbers = terms(text);
    // The scale depends on the sum and the model's own steps alone, so that no bar moves unless its number changes.
    const scale = TALL / (ROOM * Math.max(total(text), ...whole().map(({ result }) => Number(result))));
    return {
      key: `${text}|${bars.length}|${riddle}`, text, numbers, bars, loose, riddle, scale,
      heights: bars.map(({ result }) => result), answer: Number(shown.answer) || 0, carried, lit,
    };
  }
  function travel(goal) {
    cancelAnimationFrame(frame);
    const start = drawn;
    if (!start || start.key !== goal.key || still.matches || el.classList.contains("dragging")) return paint((drawn = goal));
    const moves = goal.heights.findIndex((height, at) => height !== start.heights[at] || goal.bars[at].lit !== start.bars[at].lit);
    const origin = Math.max(0, moves);
    const begun = performance.now();
    const last = goal.heights.length;
    const step = (now) => {
      const part = (at) => {
        const share = Math.max(0, Math.min(1, (now - begun - WAVE * Math.max(0, at - origin)) / RISE));
        return 1 - (1 - share) ** 3;
      };
      const mix = (from, to, share) => from + (to - from) * share;
      drawn = {
        ...goal,
        bars: goal.bars.map((bar, at) => (part(at) > 0 ? bar : start.bars[at])),
        heights: goal.heights.map((height, at) => mix(start.heights[at], height, part(at))),
        answer: mix(start.answer, goal.answer, part(last)),
        carried: part(last) > 0 ? goal.carried : start.carried,
        lit: part(last) > 0 ? goal.lit : start.lit,
      };
      paint(drawn);
      if (part(last) < 1) frame = requestAnimationFrame(step);
    };
    frame = requestAnimationFrame(step);
  }
  function paint({ text, numbers, bars, heights, loose, riddle, scale, answer: value, carried, lit }) {
    width = scene.clientWidth || width || 700;
    const floor = FALL + TALL;
    const unit = width / (numbers.length + 1.5);
    const thick = Math.max(8, Math.min(30, 0.16 * unit));
    const fall = Math.min(scale, (0.62 * unit) / 99); // a number's strand is `number * fall` px wide, and at least 2 px
    const roof = 34;
    const chipAt = (term) => (term + 0.5) * unit;
    // In a `riddle`, the visitor is to find out which numbers are added, so the bars stand at equal distances and give no hint.
    const barAt = (bar) => ((riddle ? ((bars.indexOf(bar) + 1) * (numbers.length - 1)) / bars.length : bar.column) + 1) * unit;
    const answerAt = (numbers.length + 0.95) * unit;
    const high = (number) => Math.min(number * scale, TALL + 12); // the limit keeps the bars below the numbers of the sum
    const parts = [];
    const strange = []; // numbers that are added, but are not in the sum
    const lost = []; // the places for the words "not added" beside the numbers that no step adds, if there is room for these words
    const put = (className, d) => parts.push(shape("path", { class: className, d }));
    /** An arrow near the top of a bar. It shows that the bar goes on, because it would reach up to the numbers of the sum. */
    const cutOff = (left) => put("th-gap", `M${left + thick / 2} ${floor - TALL + 34}v-22m-6 7l6 -7l6 7`);
    const band = (className, left, right, top, edges = "") => {
      const start = edges.includes("l") ? torn(left, floor, floor - top) : [`${left} ${floor}`, `${left} ${floor - top}`];
      const end = edges.includes("r") ? torn(right, floor - top, floor) : [`${right} ${floor - top}`, `${right} ${floor}`];
      put(className, `M${[...start, ...end].join("L")}Z`);
    };
    parts.push(shape("path", { class: "th-floor", d: `M0 ${floor}H${width}` }));
    const level = floor - high(total(text));
    const mark = shape("path", { class: "th-level" }); // a line that runs at the height of the right sum, and then up to the words "right: …"
    parts.push(mark);
    const halfOf = (number) => Math.max(1, (number * fall) / 2); // px: half of the width of a number's strand
    /** Draw a number as a strand that falls from its place in the sum into a bar. If `bar` is null, the strand's end is torn. */
    const strand = (className, x, number, bar, base, from = roof) => {
      const half = halfOf(number);
      if (!bar) {
        const end = roof + 56;
        if (unit > 90) lost.push({ x: x - half - 6, y: (roof + end) / 2 });
        return put(className, `M${x - half} ${roof}L${torn(0, x - half, x + half).map((point) => point.split(" ")).map(([y, across]) => `${across} ${end + Number(y)}`).join("L")}L${x + half} ${roof}Z`);
      }
      const right = barAt(bar) - thick / 2;
      const [low, top] = [floor - high(base), floor - high(base + number)];
      const curve = (across, to) => `C${across} ${to} ${across} ${to} ${right} ${to}`;
      put(className, `M${x - half} ${from}${curve(x - half, low)}L${right} ${top}C${x + half} ${top} ${x + half} ${top} ${x + half} ${from}Z`);
    };
    bars.forEach((bar, at) => {
      const left = barAt(bar) - thick / 2;
      let base = 0;
      bar.parts.forEach(({ value: number, from, term }, index) => {
        if (from === "term" && !riddle) strand(bar.off ? "th-fall off" : "th-fall", chipAt(term), number, bar, base);
        else if (index && from === "nowhere" && !riddle) {
          // The strand of a number that is not in the sum starts in the air, below the numbers of the sum.
          const [x, y] = [left - 0.45 * unit, Math.max(roof + 10, Math.min(roof + 96, floor - high(base + number) - 64))];
          strand("th-strange", x, number, bar, base, y);
          strange.push({ x, y, number });
        }
        base += number;
      });
      if (at) {
        const before = bars[at - 1];
        const start = barAt(before) + thick / 2;
        if (bar.parts[0]?.from === "before" || riddle) band(`th-band${before.lit && bar.lit ? " lit" : ""}`, start, left, high(heights[at - 1]));
        else {
          band(`th-band${before.lit ? " lit" : ""}`, start, start + 0.34 * (left - start), high(heights[at - 1]), "r");
          band("th-band", left - 0.42 * (left - start), left, high(bar.parts[0]?.value ?? 0), "l");
        }
      }
    });
    if (riddle) {
      // The strand of each number fades out, so that the visitor does not see where it goes.
      const fade = shape("linearGradient", { id: fading, gradientUnits: "userSpaceOnUse", x1: 0, y1: roof, x2: 0, y2: roof + FADE });
      fade.append(shape("stop"), shape("stop", { offset: 1, "stop-opacity": 0 }));
      parts.push(fade);
      numbers.forEach((number, term) => {
        const [left, right] = [chipAt(term) - halfOf(number), chipAt(term) + halfOf(number)];
        parts.push(shape("path", { fill: `url(#${fading})`, d: `M${left} ${roof}H${right}V${roof + FADE}H${left}Z` }));
      });
    } else for (const term of loose) strand("th-loose", chipAt(term), numbers[term], null, 0);
    const box = answerAt - thick / 2;
    if (bars.length) {
      const start = barAt(bars.at(-1)) + thick / 2;
      if (carried) band(`th-band${lit ? " lit" : ""}`, start, box, high(value));
      else band(`th-band${bars.at(-1).lit ? " lit" : ""}`, start, start + 0.3 * (box - start), high(heights.at(-1)), "r");
    }
    bars.forEach((bar, at) => {
      parts.push(shape("rect", { class: `th-bar${bar.lit ? " lit" : ""}`, x: barAt(bar) - thick / 2, width: thick, y: floor - high(heights[at]), height: high(heights[at]) }));
      if (heights[at] * scale > TALL + 12) cutOff(barAt(bar) - thick / 2);
      const row = list.children[at];
      if (!row) return;
      row.style.left = `${barAt(bar)}px`;
      row.style.setProperty("--up", `${high(heights[at])}px`);
    });
    parts.push(shape("rect", { class: `th-bar th-end${lit ? " lit" : ""}${Math.round(value) === total(text) ? "" : " wrong"}`, x: box, width: thick, y: floor - high(value), height: high(value) }));
    if (value * scale > TALL + 12) cutOff(box);
    drawing.setAttribute("viewBox", `0 0 ${width} ${floor + 2}`);
    drawing.replaceChildren(...parts);
    el.style.setProperty("--unit", `${unit}px`);
    el.classList.toggle("tight", unit < 46);
    answer.style.left = `${answerAt}px`;
    answer.style.setProperty("--up", `${high(value)}px`);
    // If the line at the right sum would cross the answer's number, put the number below the line, in smaller letters if
    // need be. If there is too little room between the line and the answer's bar, put the number above the line.
    const room = high(total(text)) - high(value);
    const free = room <= LIFT - WORD || room >= LIFT + 4;
    const below = !free && room >= LEAST;
    answer.style.setProperty("--most", below ? `${(room - 6) / 1.15}px` : "99px");
    const lift = free ? LIFT : below ? room - 3 : room + (answer.firstChild?.offsetHeight || WORD) + 3;
    answer.style.setProperty("--lift", `${Math.min(lift, floor - high(value) - GOAL)}px`);
    const chips = numbers.flatMap((number, term) => {
      const chip = make(riddle && loose.length ? "button" : "span", `chip${!riddle && loose.includes(term) ? " loose" : ""}`, String(number));
      chip.style.left = `${chipAt(term)}px`;
      if (riddle) {
        chip.addEventListener("click", () => {
          guesses.set(text, term);
          reveal();
        });
      }
      const plus = make("i", "", term < numbers.length - 1 ? "+" : "=");
      plus.style.left = `${(term + 1) * unit}px`;
      return [chip, plus];
    });
    const goal = make("b", "num", String(total(text)));
    const goalWords = make("span", "th-right", "right: ");
    goalWords.append(goal);
    goalWords.style.left = `${answerAt}px`;
    for (const { x, y, number } of strange) {
      const chip = make("span", "chip strange", String(number));
      Object.assign(chip.style, { left: `${x}px`, top: `${y - 22}px` });
      chips.push(chip);
    }
    for (const { x, y } of lost) {
      const label = make("span", "th-lost", "not added");
      Object.assign(label.style, { left: `${x}px`, top: `${y}px` });
      chips.push(label);
    }
    sum.replaceChildren(...chips, goalWords);
    const end = Math.min(answerAt + goalWords.offsetWidth / 2 + 5, width - 1);
    mark.setAttribute("d", `M0 ${level}H${width - 1}V15H${end}`);
  }

  const watcher = new ResizeObserver(() => {
    if (drawn && scene.clientWidth !== width) paint(drawn);
  });
  watcher.observe(scene);
  model.on("change:said", listen);
  update();
  return () => {
    hush();
    cancelAnimationFrame(frame);
    watcher.disconnect();
    model.off("change:said", listen);
  };
}

export default { render };
