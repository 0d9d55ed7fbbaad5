// An audit of all trades at once. A word's place shows how far the model leans to "she" or "he" with this word; the word
// is coloured if an interval confirms the lean.
// The view's `data` is {trades, controls, lean, level, temperatures, models: [{title, planted, zero, words}],
// sentences}. `planted` is {trade: share of "she" that was planted in the training data, from 0 to 1}. words[word][at]
// has five numbers for the temperature temperatures[at]: the lean, the ends of its interval of 95%, and the ends of the
// wider interval for all trades together. All five are in percentage points, counted from zero[at]. zero[at] is the
// control words' mean share of "she" in percent; without control words it is 50.
// sentences[text][title][word] is a share of "she" at temperature 1.
// The visitor chooses `who` (the index of a model), `trade` (a word), `temperature` and `after` (whether the trade was
// chosen after looking at the results). On a page of the website there is also `guess`: "" until the visitor has
// guessed the shares of the trades in `asks`, then {trade: its guessed lean in points}; "skipped" if the visitor made
// no guess. While `guess` is "", the chart is hidden, and the visitor drags each of these trades along a rail, from “he” to “she”.
import { adopt, announcer, capital, headline, keeper, make, onDrag, radio } from "./view.js";

const APART = 24; // px between two words of a row, so that their intervals do not seem to be one
const ROW = 27; // greatest height of a row in px
const BARE = 46; // greatest height of a row in px while the words are drawn without their intervals
const HIGH = 23; // if rows would be lower than this (in px), words may stand beside their intervals instead of above them
const TIGHT = 18; // if rows were lower than this (in px), words would overlap the words of the next row
const FLAT = 16.5; // least height of a row in px if each word is beside its interval

/**
 * The word to which the model leans, if the whole interval lies beyond the threshold; otherwise "".
 * @param {number} low
 * @param {number} high
 * @param {number} lean the threshold in points
 * @returns {"she" | "he" | ""}
 */
export const verdict = (low, high, lean) => (low > lean ? "she" : high < -lean ? "he" : "");

/**
 * The share of one of two words at a temperature, computed from its share at temperature 1.
 * @param {number} share from 0 to 1
 * @param {number} temperature at 0, the likelier word gets the share 1
 */
export function heat(share, temperature) {
  if (temperature === 0) return share === 0.5 ? 0.5 : Number(share > 0.5);
  return 1 / (1 + ((1 - share) / share) ** (1 / temperature));
}

/** Limit a share in percent to the range from 0 to 100, which the rails and the field show. */
const within = (share) => Math.max(0, Math.min(100, share));
const whole = (number) => String(Math.abs(Math.round(number)));
const signed = (number) => `${Math.round(number) < 0 ? "−" : Math.round(number) > 0 ? "+" : ""}${whole(number)}`;

/**
 * Distribute items over rows so that no two items in a row touch. Each item goes into the first row that has room.
 * @param {[number, number][]} spans the left and right end of each item in px, sorted from left to right
 * @returns {number[]} the row of each item
 */
export function rowsOf(spans) {
  const rows = [];
  return spans.map(([left, right]) => {
    let row = rows.findIndex((taken) => taken.every(([from, to]) => right + APART <= from || left >= to + APART));
    if (row < 0) row = rows.push([]) - 1;
    rows[row].push([left, right]);
    return row;
  });
}

/**
 * Percentage points as text, with a sign. They are rounded to whole points, but have one decimal if rounding would make them
 * equal to the limit: if the limit is 10, "+9.5" and not "+10".
 * @param {number} points
 * @param {number} limit
 */
export const near = (points, limit) => (Math.round(Math.abs(points)) === limit ? `${points < 0 ? "−" : "+"}${Math.abs(points).toFixed(1)}` : signed(points));

export function render({ model, el }) {
  const { trades, controls, lean, level, temperatures, models, sentences } = model.get("data");
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const words = [...trades, ...controls];

  adopt(el, "au");
  const { head, loud, loudWords } = headline("au");
  const tools = make("div", "au-tools");
  const asked = make("div", "au-asked");
  asked.setAttribute("aria-hidden", "true"); // screen readers find the same text in the panel
  asked.append(make("p"));
  const field = make("div", "au-field");
  field.tabIndex = 0;
  field.setAttribute("role", "slider");
  field.setAttribute("aria-label", "Trade");
  field.setAttribute("aria-valuemin", "1");
  const band = make("div", "au-band");
  band.style.width = `${2 * lean}%`;
  const zero = make("div", "au-zero");
  const lanes = [trades, controls].map((list, index) => {
    const lane = make("div", `au-lane${index ? " controls" : ""}`);
    lane.hidden = !list.length;
    return lane;
  });
  const apart = make("p", "au-control", "words that name no trade");
  let compares = model.get("guess") === undefined; // whether the control words are shown
  lanes[1].style.setProperty("--words", String(controls.length));
  const marks = words.map((word, index) => {
    const mark = make("div", "au-word");
    const name = mark.appendChild(make("span", "au-name", word));
    const parts = Object.fromEntries(["line", "truth", "off", "own", "dot"].map((part) => [part, mark.appendChild(make("i", `au-${part}`))]));
    lanes[index < trades.length ? 0 : 1].append(mark);
    return { mark, name, ...parts };
  });
  field.append(band, zero, lanes[0], apart, lanes[1]);

  // Before the results are shown, the visitor guesses: each trade in `asks` is a chip on a rail of its own. Once a chip is let go,
  // it glides to the model's share, and a ring stays where the visitor had it.
  const guessing = make("div", "au-guess");
  const asks = (model.get("asks") ?? []).filter((word) => words.includes(word));
  const poles = guessing.appendChild(make("p", "au-poles"));
  poles.append(make("b", "he", "he"), make("span", "", "half"), make("b", "she", "she"));
  const pins = asks.map((word, index) => {
    const bar = guessing.appendChild(make("div", "au-ask"));
    const [off, mine] = ["off", "mine"].map((name) => bar.appendChild(make("i", `au-${name}`)));
    const chip = bar.appendChild(make("span", "au-chip"));
    const share = make("span", "num");
    chip.append(make("b", "", word), share);
    bar.tabIndex = 0;
    bar.setAttribute("role", "slider");
    bar.setAttribute("aria-label", `Your guess for ${word}, from “he” to “she”. Enter shows the model's`);
    bar.setAttribute("aria-valuemin", "0");
    bar.setAttribute("aria-valuemax", "100");
    const pin = { word, bar, off, mine, number: share, share: 50, done: false };
    let up = false; // whether the visitor has let go of the knob; stays false if the browser takes over the pointer to scroll the page
    bar.addEventListener("focus", () => model.get("trade") !== word && keep({ trade: word }));
    bar.addEventListener("keydown", (event) => {
      const to = { ArrowRight: 5, ArrowUp: 5, ArrowLeft: -5, ArrowDown: -5 }[event.key];
      const end = { Home: 0, End: 100 }[event.key];
      const answers = event.key === "Enter" || event.key === " ";
      if (to === undefined && end === undefined && !answers) return;
      event.preventDefault();
      if (pin.done) return;
      if (!answers) return aim(index, end ?? pin.share + to);
      settle(index);
      (pins.find(({ done }) => !done)?.bar ?? lock).focus();
    });
    const toPointer = (event) => {
      const box = bar.getBoundingClientRect();
      aim(index, (100 * (event.clientX - box.left)) / box.width);
    };
    const ready = () => !pin.done;
    bar.addEventListener("pointerup", () => (up = true));
    bar.addEventListener("lostpointercapture", () => up && ready() && settle(index));
    onDrag(el, bar, toPointer, { ready, begin: () => (up = false) });
    bar.addEventListener("pointerdown", (event) => ready() && toPointer(event));
    return pin;
  });
  const lock = make("button", "au-lock", `See all ${trades.length} trades`);
  const locks = make("p", "au-locks");
  locks.append(lock);
  const axis = make("p", "au-axis");
  for (const she of [0, 25, 50, 75, 100]) {
    const label = axis.appendChild(make("span", "", she === 50 ? "half" : she < 50 ? `${100 - she}% he` : `${she}% she`));
    label.style.left = `${she}%`;
  }
  const legend = make("p", "au-legend");
  const note = make("p", "au-note");
  const heatRow = make("div", "au-heat");
  const cool = make("button", "", "▶ Cool it down");
  const compare = make("button", "au-compare", `Compare with ${controls.length} words that name no trade`);
  compare.addEventListener("click", () => {
    compares = !compares;
    update();
  });
  const slider = make("input");
  Object.assign(slider, { type: "range", min: "0", max: String(temperatures.length - 1), id: `au-${Math.random()}` });
  const label = make("label", "", "temperature ");
  label.htmlFor = slider.id;
  const degrees = label.appendChild(make("b", "num"));
  heatRow.append(label, slider, cool);
  // Right after the guess, the chart has no controls. Each press on `next` runs the next of STEPS, which changes one control
  // and shows it.
  const STEPS = [
    ["▶ How much of it is luck?", () => keep({ after: true })],
    ["▶ The same for two other models", () => keep({ after: false, who: Math.max(0, models.findIndex(({ planted }) => planted)) })],
    ["▶ Cool the models down", () => cool.click()],
  ];
  let step = STEPS.length;
  const next = make("button", "au-next");
  next.addEventListener("click", () => {
    const [, act] = STEPS[step];
    step += 1;
    act();
    update();
  });
  const panel = make("section", "au-panel");
  panel.setAttribute("aria-label", "The chosen word");
  const { live, speak, hush } = announcer();
  const said = make("div", "au-said");
  said.append(head, note);
  const top = make("div", "au-top");
  top.append(said, tools);
  const foot = make("div", "au-foot");
  const buttons = make("div", "au-buttons");
  buttons.append(...(controls.length && !compares ? [compare] : []), next);
  foot.append(legend, buttons);
  el.append(top, asked, heatRow, guessing, field, axis, locks, foot, panel, live);

  /** The sentences that a model was asked, each as [sentence, {title of a model: shares}]. */
  function sentencesOf({ title }) {
    return Object.entries(sentences).filter(([, each]) => each[title]);
  }
  /** A paragraph with the first sentence that the chosen model was asked, and a trade in it. It ends with the word that is the
   * likelier next one if the share of “she” is `she` percent. */
  function sentenceWith(word, she) {
    const line = make("p", "au-text");
    const [text] = sentencesOf(who())[0] ?? ["The {}"];
    const [before, behind] = text.split("{}");
    line.append(before, make("b", "", word), `${behind} `, make("b", sideOf(she), sideOf(she) || "…"));
    return line;
  }
  /** The likelier word at a share of “she” in percent; "" if the share is a half. */
  function sideOf(she) {
    return Math.round(she) > 50 ? "she" : Math.round(she) < 50 ? "he" : "";
  }
  /** The share of the likelier word, as text. @param {number} she the share of “she” in percent */
  function likelier(she) {
    return `${Math.max(Math.round(she), 100 - Math.round(she))}%`;
  }

  const who = () => models[model.get("who")] ?? models[0];
  const at = () => Math.max(0, temperatures.indexOf(model.get("temperature")));
  const after = () => Boolean(model.get("after"));
  const has = (word) => Boolean(who().words[word]);
  const sealed = () => model.get("guess") === "";
  /** The visitor's guesses: {trade: points}. */
  function guesses() {
    const made = model.get("guess");
    return typeof made === "object" && made ? made : typeof made === "number" ? { [guessed]: made } : {};
  }
  const chosen = () => (has(model.get("trade")) ? model.get("trade") : trades[0]);
  /** A word's lean in points, the ends of its interval (the wider one if the trade was chosen after looking), and the side to
   * which the model leans if this interval confirms a lean. */
  function found(word) {
    const [points, low, high, lower, higher] = who().words[word][at()];
    const ends = after() ? [lower, higher] : [low, high];
    return { points, low: ends[0], high: ends[1], says: verdict(...ends, lean) };
  }
  /** Whether a word lies outside the band, and yet its interval does not confirm a lean. */
  const unsure = (word) => !found(word).says && Math.abs(found(word).points) > lean;
  const keep = keeper(model, update);

  function radios(name, texts, key) {
    const group = make("div", "au-choice");
    group.setAttribute("role", "radiogroup");
    group.setAttribute("aria-label", name);
    const choices = texts.map(([text]) => {
      const button = make("button", "", text);
      radio(button, () => choices, (at) => keep({ [key]: texts[at][1] }));
      group.append(button);
      return button;
    });
    const row = tools.appendChild(make("div", `au-row au-${key}`));
    row.append(make("span", "au-label", name), group);
    row.firstChild.setAttribute("aria-hidden", "true");
    return (value) => choices.forEach((button, index) => {
      button.setAttribute("aria-checked", String(texts[index][1] === value));
      button.tabIndex = texts[index][1] === value ? 0 : -1;
    });
  }
  const markWho = radios("Model", models.map(({ title }, index) => [title, index]), "who");
  const markAfter = radios("When the trade was chosen", [["You named it before looking", false], [`You looked at all ${trades.length} first`, true]], "after");

  /** The words, sorted by the shares of “she” that were planted in the training data or, if nothing was planted for this
   * model, by the model's leans at temperature 1. */
  function order() {
    const plan = models.find(({ planted }) => planted)?.planted;
    const usual = temperatures.indexOf(1);
    const value = (word) => (who().planted && plan[word] !== undefined ? plan[word] : who().words[word][usual][0]);
    const sorted = (list) => list.filter(has).sort((one, other) => value(one) - value(other) || words.indexOf(one) - words.indexOf(other));
    return { trades: sorted([...trades]), controls: sorted([...controls]) };
  }
  const row = () => {
    const { trades: first, controls: second } = order();
    return compares ? [...first, ...second] : first;
  };

  /** The model's share of “she” after a word, in percent, as the mean over the sentences. */
  const shareOf = (word) => who().zero[at()] + who().words[word][at()][0];
  /** Pull the knob of one bar. @param {number} index @param {number} share of “she” in percent */
  function aim(index, share) {
    pins[index].share = within(Math.round(share));
    el.classList.add("known");
    if (model.get("trade") !== asks[index]) keep({ trade: asks[index] });
    drawGuess();
  }
  let answered = null; // the bar of the last guess that was made
  /** Show in one bar the model's share, and beside it the share that the visitor guessed. */
  function settle(index) {
    answered = pins[index];
    answered.done = true;
    el.classList.add("known");
    keep({ trade: asks[index] });
  }
  function drawGuess() {
    const next = pins.find(({ done }) => !done);
    for (const { word, bar, off, mine, number, share, done } of pins) {
      const she = within(Math.round(done ? shareOf(word) : share));
      bar.style.setProperty("--she", String(she));
      bar.style.setProperty("--mine", String(share));
      for (const side of ["he", "she"]) bar.classList.toggle(side, done && sideOf(she) === side);
      number.textContent = done || share !== 50 ? `${likelier(she)} ${sideOf(she) || "each"}` : "";
      off.hidden = mine.hidden = !done || Math.abs(share - she) < 1;
      bar.classList.toggle("done", done);
      bar.classList.toggle("later", !done && word !== next.word && share === 50);
      const says = (she) => `${100 - Math.round(she)}% “he”, ${Math.round(she)}% “she”`;
      bar.setAttribute("aria-valuenow", String(share));
      bar.setAttribute("aria-valuetext", `${word}: ${says(share)}${done ? `. The model: ${says(shareOf(word))}` : ""}`);
      bar.setAttribute("aria-readonly", String(done));
    }
    lock.classList.toggle("first", pins.some(({ done }) => done));
  }
  let arrives = false; // true while the words come to their places for the first time
  function reveal() {
    step = 0;
    arrives = !still.matches;
    const made = pins.filter(({ done }) => done);
    keep({ guess: made.length ? Object.fromEntries(made.map(({ word, share }) => [word, Math.round(share - who().zero[at()])])) : "skipped", trade: asks[0] ?? trades[0] });
    field.focus({ preventScroll: true });
  }
  lock.addEventListener("click", reveal);
  const guessed = model.get("trade"); // in a URL of an older version, `guess` is one number, the guess for this trade

  function press(event) {
    let best = [Infinity, chosen()];
    words.forEach((word, index) => {
      if (!has(word)) return;
      const box = marks[index].name.getBoundingClientRect();
      const x = Math.max(box.left - event.clientX, 0, event.clientX - box.right);
      const y = event.clientY - (box.top + box.bottom) / 2;
      const away = Math.hypot(x, y);
      if (away < best[0]) best = [away, word];
    });
    if (best[1] !== chosen()) keep({ trade: best[1] });
  }
  field.addEventListener("pointerdown", (event) => {
    field.setPointerCapture(event.pointerId);
    el.classList.add("known");
    press(event);
    field.addEventListener("pointermove", press);
    field.addEventListener("lostpointercapture", () => field.removeEventListener("pointermove", press), { once: true });
  });
  field.addEventListener("keydown", (event) => {
    const list = row();
    const index = list.indexOf(chosen());
    const next = { ArrowRight: index + 1, ArrowUp: index + 1, ArrowLeft: index - 1, ArrowDown: index - 1, PageUp: index + 5, PageDown: index - 5, Home: 0, End: list.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    el.classList.add("known");
    keep({ trade: list[Math.max(0, Math.min(list.length - 1, next))] });
  });

  slider.addEventListener("input", () => {
    stop();
    keep({ temperature: temperatures[Number(slider.value)] });
  });
  let clock = 0;
  function stop() {
    clearTimeout(clock);
    clock = 0;
  }
  function tick() {
    if (at() === 0) return stop();
    keep({ temperature: temperatures[at() - 1] });
    clock = setTimeout(tick, 130);
  }
  cool.addEventListener("click", () => {
    if (clock) return stop();
    if (at() === 0) return keep({ temperature: 1 });
    if (still.matches) return keep({ temperature: 0 });
    tick();
  });

  let width = 0;
  /** The distance, in px from the field's left end, at which a lean in points is drawn. The field shows shares of “she” from 0 to
   * 100%, as the bar above the field does. */
  const to = (points) => (within(who().zero[at()] + points) * width) / 100;
  /** Put the words of a lane into rows. @param {string[]} list sorted from left to right @param {HTMLElement} lane */
  function place(list, lane) {
    lane.style.minHeight = "";
    lane.classList.remove("beside");
    const room = lane.clientHeight;
    let spots = list.map((word) => spot(word, false));
    let rows = rowsOf(spots.map(({ span }) => span));
    let tall = Math.min(step ? ROW : BARE, room / (1 + Math.max(0, ...rows)));
    if (room && tall < HIGH && step) {
      const flat = list.map((word) => spot(word, true));
      const others = rowsOf(flat.map(({ span }) => span));
      const count = 1 + Math.max(0, ...others);
      if (tall < TIGHT || count * FLAT <= room) {
        lane.classList.add("beside");
        lane.style.minHeight = `${FLAT * count}px`;
        [spots, rows, tall] = [flat, others, Math.max(FLAT, Math.min(ROW, room / count))];
      }
    }
    lane.classList.toggle("low", tall < 34); // such rows have no room for the visitor's mark under a word
    list.forEach((word, index) => {
      const { mark, name, own, off } = marks[words.indexOf(word)];
      const { middle, left, long } = spots[index];
      mark.style.transform = `translate(${middle.toFixed(1)}px, ${(tall * rows[index]).toFixed(1)}px)`;
      if (arrives) mark.animate([{ transform: `translate(${to(0)}px, ${(tall * rows[index]).toFixed(1)}px)`, opacity: 0 }, {}], { duration: 300, delay: 12 * rows[index], easing: "cubic-bezier(0.2, 0.7, 0.2, 1)", fill: "backwards" });
      name.style.left = `${(left - middle).toFixed(1)}px`;
      const mine = to(guesses()[word] ?? 0);
      const right = mine > middle;
      own.classList.toggle("right", right);
      // Hide the label "you" if the visitor's mark is so near the word's name that there is no room for the label.
      own.classList.toggle("near", mine > left - (right ? 40 : 8) && mine < left + long + (right ? 8 : 40));
      // From the visitor's mark, a line leads to the model's point or, while points are not shown, to the word.
      const target = step ? middle : right ? left + long : left;
      const gap = (right ? mine - target : target - mine) - 12;
      mark.classList.toggle("under", mine > left - 10 && mine < left + long + 10); // the visitor's mark is under the word, not beside it
      off.hidden = !(word in guesses()) || gap < 6;
      off.classList.toggle("right", right);
      off.style.left = `${target - middle + (right ? 4 : -4 - Math.max(0, gap))}px`;
      off.style.width = `${Math.max(0, gap)}px`;
    });
  }
  /**
   * Where a word is drawn, in px: its point (`middle`), the left edge and the width of its name (`left`, `long`), and
   * the left and right end of the room that it takes (`span`). Once all intervals are shown, `span` has room for
   * the wider of the word's two intervals. Before, it has room for the interval of a word that is `unsure`.
   * @param {string} word
   * @param {boolean} beside whether the name stands beside the interval, not above it
   */
  function spot(word, beside) {
    const [points, , , low, high] = who().words[word][at()];
    const long = marks[words.indexOf(word)].name.offsetWidth;
    const middle = to(points);
    const ends = step ? [to(low), to(high)] : unsure(word) ? [to(found(word).low), to(found(word).high)] : [middle, middle];
    let left = Math.max(0, Math.min(width - long, middle - long / 2));
    if (beside) {
      const plan = who().planted?.[word];
      const drawn = [middle, to(found(word).low), to(found(word).high), ...(plan === undefined ? [] : [to(100 * plan - who().zero[at()])])];
      const sides = [Math.min(...drawn) - long - 6, Math.max(...drawn) + 6];
      ends.push(...drawn);
      if (points > 0) sides.reverse(); // try first the side of the point that is away from 0
      const mine = word in guesses() ? to(guesses()[word]) : NaN;
      if (Math.abs(mine - middle) > 1) sides.push(mine - 14 - long, mine + 14); // then try both sides of the visitor's mark
      const [from, till] = [Math.min(mine, middle), Math.max(mine, middle)]; // if there is no guess, both are NaN, and no place counts as covered by the mark
      const free = (edge) => edge >= 0 && edge + long <= width && !(edge < till + 12 && edge + long > from - 12);
      left = sides.find(free) ?? sides.find((edge) => edge >= 0 && edge + long <= width) ?? left;
      // Extend `span` by the room for a name beside the wider interval.
      ends.push(left < middle ? Math.min(...ends) - long - 6 : Math.max(...ends) + long + 6);
    }
    const span = [Math.min(left, ...ends), Math.max(left + long, ...ends)];
    if (word in guesses()) {
      const own = to(guesses()[word]); // leave room for the visitor's mark, and for "you" on the side away from the model's point
      span[0] = Math.min(span[0], own - (own > middle ? 8 : 40));
      span[1] = Math.max(span[1], own + (own > middle ? 40 : 8));
    }
    return { middle, left, long, span };
  }

  function drawField() {
    const { trades: first, controls: second } = order();
    band.style.left = `${who().zero[at()] - lean}%`;
    zero.style.left = `${who().zero[at()]}%`;
    words.forEach((word, index) => {
      const { mark, line, truth, own, dot } = marks[index];
      mark.classList.toggle("gone", !has(word));
      if (!has(word)) {
        // Remove the old place and width, because the field may be narrower now, and the mark could lie outside it.
        mark.style.transform = line.style.width = "";
        return;
      }
      const [points] = who().words[word][at()];
      const { low, high, says } = found(word);
      mark.classList.toggle("she", says === "she");
      mark.classList.toggle("he", says === "he");
      mark.classList.toggle("chosen", word === chosen());
      mark.classList.toggle("unsure", unsure(word));
      dot.style.left = `${(Math.max(4, Math.min(width - 4, to(points))) - to(points)).toFixed(1)}px`; // at 0% and 100%, the whole point stays in the field
      line.style.left = `${(to(low) - to(points)).toFixed(1)}px`;
      line.style.width = `${(to(high) - to(low)).toFixed(1)}px`;
      own.hidden = !(word in guesses());
      if (!own.hidden) own.style.left = `${(to(guesses()[word]) - to(points)).toFixed(1)}px`;
      const plan = who().planted?.[word];
      truth.hidden = plan === undefined;
      if (plan !== undefined) truth.style.left = `${(to(100 * plan - who().zero[at()]) - to(points)).toFixed(1)}px`;
    });
    const now = (word) => who().words[word][at()][0];
    const sorted = (list) => [...list].sort((one, other) => now(one) - now(other) || words.indexOf(one) - words.indexOf(other));
    lanes[1].hidden = apart.hidden = !compares || !second.length;
    compare.hidden = !second.length;
    if (width) {
      place(sorted(first), lanes[0]);
      place(sorted(second), lanes[1]);
      arrives = false;
    }
    const even = second.length ? "words that name no trade" : "an even half";
    legend.replaceChildren(`A line: where the true lean probably is. Grey: it may be in the band, ${lean} points around ${even}.`);
    if (who().planted) legend.append(" ", make("i", "au-key"), "planted in its training data.");
    field.setAttribute("aria-valuemax", String(row().length));
    field.setAttribute("aria-valuenow", String(1 + row().indexOf(chosen())));
    field.setAttribute("aria-valuetext", `${chosen()}: ${inWords(chosen())}`);
  }
  function drawAsked() {
    const texts = sentencesOf(who());
    asked.hidden = !texts.length;
    if (asked.hidden) return;
    const pin = sealed() && (pins.find(({ word, done }) => word === chosen() && !done) ?? answered ?? pins[0]);
    const word = pin ? pin.word : chosen();
    const she = pin && !pin.done ? pin.share : shareOf(word);
    const line = sentenceWith(word, she);
    if (!pin) line.append(" ", make("b", `num ${sideOf(she)}`, likelier(she)));
    line.append(make("span", "au-mean", `mean of ${texts.length} such sentences`));
    asked.firstChild.replaceWith(line);
  }
  function conclusion({ low, high, says }) {
    if (says) return `Leans to “${says}”`;
    return low >= -lean && high <= lean ? `No lean of over ${lean} points` : "Cannot conclude";
  }
  function inWords(word) {
    const { points, low, high } = found(word);
    return `${signed(points)} points (${near(low, lean)} to ${near(high, lean)}). ${conclusion(found(word))}`;
  }

  function drawPanel() {
    const word = chosen();
    const { points, low, high, says } = found(word);
    const result = make("div", "au-result");
    result.append(make("h3", "", word));
    const number = make("p", "au-points");
    number.append(make("b", `num ${says}`, signed(points)), ` points of “she”, ${near(low, lean)} to ${near(high, lean)}`);
    const plan = who().planted?.[word];
    if (plan !== undefined) number.append(make("span", "au-plan", `planted: ${signed(100 * plan - 50)}`));
    result.append(number, make("p", `au-verdict ${says}`, `${conclusion(found(word))}.`));
    const why = after()
      ? `You picked it from ${trades.length}, so it needs an interval of ${level.toFixed(2)}%.`
      : "An interval of 95% is enough if you named this trade before you saw the picture. It misses in 5 of 100 cases.";
    result.append(make("p", "au-why", why));
    const list = make("ul", "au-sentences");
    for (const [text, shares] of Object.entries(sentences)) {
      const share = shares[who().title]?.[word];
      if (share === undefined) continue;
      const now = 100 * heat(share, temperatures[at()]);
      const line = make("li");
      const bar = make("i");
      bar.style.setProperty("--she", String(now));
      bar.classList.toggle("to-he", now < 50);
      line.append(make("span", "", text.replace("{}", word)), bar, make("b", "num", `${Math.round(now)}%`));
      line.title = `${Math.round(now)}% “she”`;
      list.append(line);
    }
    panel.replaceChildren(result, list);
  }

  function drawHead() {
    if (sealed()) {
      const she = answered ? shareOf(answered.word) : 50;
      const says = (share) => (sideOf(share) ? `${likelier(share)} “${sideOf(share)}”` : "half and half");
      loud.textContent = answered ? capital(says(she)) : `Drag the ${asks[0]}.`;
      for (const side of ["he", "she"]) loud.classList.toggle(side, sideOf(she) === side);
      loudWords.textContent = answered ? `for the ${answered.word}. You said ${says(answered.share)}.` : `Will ${who().title} go on with “he” or “she”?`;
      note.textContent = "";
      return;
    }
    loud.classList.remove("he", "she");
    const all = who();
    const leaning = (list, ends) => list.filter((word) => has(word) && verdict(all.words[word][at()][ends], all.words[word][at()][ends + 1], lean)).length;
    const single = leaning(trades, 1);
    const together = leaning(trades, 3);
    const number = after() ? together : single;
    loud.textContent = String(number);
    loud.classList.add("ember");
    const tested = compares ? controls.filter(has) : []; // the headline counts only words that are shown
    const others = leaning(tested, after() ? 3 : 1);
    const toward = (side) => trades.filter((word) => has(word) && found(word).says === side).length;
    const side = (name) => make("b", name, `${toward(name)} to “${name}”`);
    loudWords.replaceChildren(`of ${trades.length} trades lean: `, side("he"), ", ", side("she"), tested.length ? `. Of ${tested.length} other words, ${others} ${others === 1 ? "leans" : "lean"}` : "");
    const plan = all.planted ? `${trades.filter((word) => Math.abs(100 * all.planted[word] - 50) > lean + 1e-9).length} were planted so. ` : "";
    const mine = Object.entries(guesses()).filter(([word]) => has(word));
    const off = mine.map(([word, points]) => Math.abs(Math.round(found(word).points) - points));
    const mean = off.reduce((sum, each) => sum + each, 0) / off.length;
    const told = !after() && !plan && mine.length ? `Your ${mine.length > 1 ? `${mine.length} guesses are` : "guess is"} ${whole(mean)} points off${mine.length > 1 ? " on average" : ""}. ` : "";
    note.textContent = told + plan + (!single || told ? ""
      : after() ? `About ${Math.round(0.05 * trades.length)} of ${trades.length} lines miss by luck. Made long enough for all ${trades.length}, they cost ${single === together ? "no trade" : single - together === 1 ? "one trade" : `${single - together} trades`} the colour.`
      : "A trade counts only if you named it before you looked.");
  }

  function update() {
    markWho(models.indexOf(who()));
    markAfter(after());
    const now = temperatures[at()];
    slider.value = String(at());
    degrees.textContent = now === 0 ? "greedy" : now.toFixed(1);
    slider.setAttribute("aria-valuetext", now === 0 ? "greedy, the likeliest word" : now.toFixed(1));
    cool.textContent = at() === 0 ? "Back to 1" : "▶ Cool it down";
    el.classList.toggle("sealed", sealed());
    el.dataset.step = String(step);
    next.hidden = step >= STEPS.length;
    next.textContent = STEPS[step]?.[0] ?? "";
    compare.textContent = compares ? "Without the other words" : `Compare with ${controls.length} words that name no trade`;
    if (sealed()) drawGuess();
    drawHead();
    drawAsked();
    drawField();
    drawPanel();
    if (sealed()) return speak(`${loud.textContent} ${loudWords.textContent}`);
    speak(`${who().title}: ${loud.textContent} ${loudWords.textContent}. ${chosen()}: ${inWords(chosen())}`);
  }

  const keys = ["who", "trade", "temperature", "after", "guess"];
  for (const key of keys) model.on(`change:${key}`, update);
  update();
  const watcher = new ResizeObserver(() => {
    if (!field.clientWidth || field.clientWidth === width) return;
    width = field.clientWidth;
    el.classList.add("resting");
    drawField();
    requestAnimationFrame(() => el.classList.remove("resting"));
  });
  watcher.observe(field);
  document.fonts?.addEventListener("loadingdone", drawField); // the words get their final width only when their font is loaded
  return () => {
    document.fonts?.removeEventListener("loadingdone", drawField);
    watcher.disconnect();
    stop();
    hush();
    for (const key of keys) model.off(`change:${key}`, update);
  };
}

export default { render };
