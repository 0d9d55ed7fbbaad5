// An audit of all trades at once: a dot for each word. A dot's place shows how far the model leans to "she" or "he" with this
// word; the dot is coloured if an interval confirms the lean. Above the dots, the stage shows the chosen word and its interval.
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
import { adopt, announcer, asSlider, beside, capital, headline, keeper, make, onDrag, radio } from "./view.js";

const DOT = [[34, 18], [17, 11]]; // the largest and the smallest diameter of a dot in px, in a wide field and in a narrow one
const NAMED = [22, 8]; // how many words have their name beside their dot, in a wide field and in a narrow one

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
  asSlider(field, { label: "Trade", min: 1 });
  const band = make("div", "au-band");
  band.style.width = `${2 * lean}%`;
  const lanes = [trades, controls].map((list, index) => {
    const lane = make("div", `au-lane${index ? " controls" : ""}`);
    lane.hidden = !list.length;
    return lane;
  });
  const bandName = make("p", "au-band-name");
  const stage = make("div", "au-stage");
  const [line, truth, off, own, dot, stem] = ["line", "truth", "off", "own", "dot", "stem"].map((part) => stage.appendChild(make("i", `au-${part}`)));
  const pill = stage.appendChild(make("p", "au-pill"));
  const apart = make("p", "au-control", "words that name no trade");
  let compares = model.get("guess") === undefined; // whether the control words are shown
  const marks = words.map((word, index) => {
    const mark = make("div", "au-word");
    mark.dataset.word = word;
    const tail = make("i", "au-tail");
    const ball = mark.appendChild(make("i", "au-ball"));
    const name = make("span", "au-name", word);
    lanes[index < trades.length ? 0 : 1].append(tail, mark, name);
    return { mark, tail, ball, name };
  });
  field.append(band, stage, lanes[0], bandName, apart, lanes[1]);

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
    asSlider(bar, { label: `Your guess for ${word}, from “he” to “she”. Enter shows the model's`, min: 0, max: 100 });
    const pin = { word, bar, off, mine, number: share, share: 50, done: false };
    bar.addEventListener("focus", () => !handingOn && model.get("trade") !== word && keep({ trade: word }));
    bar.addEventListener("keydown", (event) => {
      const to = { ArrowRight: 5, ArrowUp: 5, ArrowLeft: -5, ArrowDown: -5 }[event.key];
      const end = { Home: 0, End: 100 }[event.key];
      const answers = event.key === "Enter" || event.key === " ";
      if (to === undefined && end === undefined && !answers) return;
      event.preventDefault();
      if (pin.done) return;
      if (!answers) return aim(index, end ?? pin.share + to);
      settle(index);
    });
    const toPointer = (event) => {
      const box = bar.getBoundingClientRect();
      aim(index, (100 * (event.clientX - box.left)) / box.width);
    };
    const ready = () => !pin.done;
    onDrag(el, bar, toPointer, { ready, begin: toPointer, end: (letGo) => letGo && ready() && settle(index) });
    return pin;
  });
  const lock = make("button", "au-lock", `See all ${trades.length} trades`);
  const locks = make("p", "au-locks");
  locks.append(lock);
  const axis = make("p", "au-axis");
  axis.append(make("b", "he", "he"), make("b", "she", "she"));
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
    ["▶ How much of it is luck?", luck],
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
  const fold = make("details", "au-fold");
  const foldName = fold.appendChild(make("summary"));
  const panel = fold.appendChild(make("section", "au-panel"));
  panel.setAttribute("aria-label", "The chosen word");
  fold.open = compares;
  const { live, speak, hush } = announcer();
  const said = make("div", "au-said");
  said.append(head, note);
  const foot = make("div", "au-foot");
  const buttons = make("div", "au-buttons");
  buttons.append(...(controls.length && !compares ? [compare] : []), next);
  foot.append(buttons);
  el.append(said, asked, guessing, field, axis, locks, foot, heatRow, tools, fold, live);

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
    return { trades: sorted(trades), controls: sorted(controls) };
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
    drawAsked();
  }
  let answered = null; // the bar of the last guess that was made
  let handingOn = false; // whether the focus is moving on to the next bar, while the sentence of the last guess stays
  /** Show in one bar the model's share, and beside it the share that the visitor guessed. */
  function settle(index) {
    answered = pins[index];
    answered.done = true;
    el.classList.add("known");
    keep({ trade: asks[index] });
    handingOn = true;
    (pins.find(({ done }) => !done)?.bar ?? lock).focus({ preventScroll: true });
    handingOn = false;
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
    for (const pin of made) {
      const { left, top, width, height } = pin.bar.getBoundingClientRect();
      pin.from = [left + (width * shareOf(pin.word)) / 100, top + height / 2];
    }
    const miss = (pin) => Math.abs(pin.share - shareOf(pin.word));
    const [worst] = [...made].sort((one, other) => miss(other) - miss(one));
    keep({ guess: made.length ? Object.fromEntries(made.map(({ word, share }) => [word, Math.round(share - who().zero[at()])])) : "skipped", trade: worst?.word ?? asks[0] ?? trades[0] });
    field.focus({ preventScroll: true });
  }
  /** Judge all trades as if they were chosen after looking: a line grows from each coloured dot to the nearer end of its wider
   * interval, and the dots whose line reaches the band turn hollow. */
  function luck() {
    const leaning = trades.filter((word) => has(word) && found(word).says);
    keep({ after: true });
    if (still.matches) return;
    el.classList.add("lucky");
    const shows = leaning.map((word) => marks[words.indexOf(word)].tail.animate(
      [{ transform: "scaleX(0)", opacity: 1 }, { transform: "none", opacity: 1, offset: 0.4 }, { transform: "none", opacity: 1, offset: 0.85 }, { transform: "none", opacity: 0 }],
      { duration: 2600, easing: "cubic-bezier(0.2, 0.7, 0.2, 1)" },
    ).finished);
    Promise.allSettled(shows).then(() => el.classList.remove("lucky"));
  }
  lock.addEventListener("click", reveal);
  const guessed = model.get("trade"); // in a URL of an older version, `guess` is one number, the guess for this trade

  let peeked = ""; // the word whose dot is under the pointer, or ""
  /** The word that the stage shows. */
  const shown = () => (peeked && has(peeked) ? peeked : chosen());
  /** The word whose dot is nearest to the pointer. */
  function nearest(event) {
    if (!width) return chosen(); // no word has a place yet
    const box = field.getBoundingClientRect();
    let best = [Infinity, chosen()];
    for (const word of row()) {
      const { x, y } = places.get(word);
      const away = Math.hypot(box.left + x - event.clientX, box.top + y - event.clientY);
      if (away < best[0]) best = [away, word];
    }
    return best[1];
  }
  field.addEventListener("pointerdown", (event) => {
    el.classList.add("known");
    peeked = "";
    keep({ trade: nearest(event) });
  });
  field.addEventListener("pointermove", (event) => {
    if (event.pointerType === "touch") return;
    const word = nearest(event);
    if (word === peeked) return;
    peeked = word;
    drawStage();
  });
  field.addEventListener("pointerleave", () => {
    if (!peeked) return;
    peeked = "";
    drawStage();
  });
  field.addEventListener("keydown", (event) => {
    const list = row();
    const index = list.indexOf(chosen());
    const next = { ArrowRight: index + 1, ArrowUp: index + 1, ArrowLeft: index - 1, ArrowDown: index - 1, PageUp: index + 5, PageDown: index - 5, Home: 0, End: list.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    el.classList.add("known");
    peeked = "";
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
  let radius = 0; // of the dots, in px
  const places = new Map(); // the middle of each word's dot in the field, in px
  /** Put the dots of a lane around its middle, and names beside some of them. @param {string[]} list sorted from left to right @param {HTMLElement} lane */
  function place(list, lane) {
    const [tall, top] = [lane.clientHeight, lane.offsetTop];
    const narrow = Number(width < 600);
    const inside = (word, half) => Math.max(half, Math.min(width - half, to(who().words[word][at()][0])));
    let [size, least] = DOT[narrow];
    let heights = [null];
    const shift = list.map(() => 0);
    const goals = () => list.map((word, index) => [tall / 2, inside(word, size / 2) + shift[index] * (size + 2)]);
    // If there is no room for all dots, make them smaller. If the smallest are still too many in one place, some stand one column nearer to the middle, or two.
    for (let turn = 0; turn < 60; turn++) {
      heights = beside(goals(), list.map(() => size + 2), tall);
      if (!heights.includes(null)) break;
      if (size > least) size -= 1;
      else heights.forEach((height, index) => (shift[index] += height === null ? (inside(list[index], 0) < width / 2 ? 1 : -1) : 0));
    }
    radius = size / 2;
    list.forEach((word, index) => {
      const { mark, tail, ball } = marks[words.indexOf(word)];
      const [x, y] = [inside(word, radius) + shift[index] * (size + 2), heights[index] ?? tall / 2];
      places.set(word, { x, y: top + y });
      mark.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`;
      ball.style.width = ball.style.height = `${size}px`;
      ball.style.margin = `${-radius}px`;
      const [points, , , low, high] = who().words[word][at()];
      const end = to(points < 0 ? high : low);
      tail.style.left = `${Math.min(x, end).toFixed(1)}px`;
      tail.style.top = `${y.toFixed(1)}px`;
      tail.style.width = `${Math.abs(end - x).toFixed(1)}px`;
      tail.style.transformOrigin = points < 0 ? "left" : "right";
    });
    nameSome(list, lane, narrow);
    if (!arrives) return;
    el.classList.add("arriving");
    setTimeout(() => el.classList.remove("arriving"), 1000);
    const around = lane.getBoundingClientRect();
    list.forEach((word) => {
      const { mark } = marks[words.indexOf(word)];
      const from = pins.find((pin) => pin.word === word)?.from;
      const { x, y } = places.get(word);
      const start = from ? [from[0] - around.left, from[1] - around.top] : [x, y - top - 70];
      mark.animate([{ transform: `translate(${start[0]}px, ${start[1]}px)`, opacity: from ? 1 : 0 }, {}], { duration: 500, delay: from ? 0 : 300 + 0.4 * x, easing: "cubic-bezier(0.2, 0.7, 0.2, 1)", fill: "backwards" });
    });
  }
  /** Write names above or below dots (or beside them, if they are stacked), if there they lie neither on a dot nor on another name: first the words whose
   * dots turned hollow, and those that the visitor guessed, then from the outermost to the inner ones. */
  function nameSome(list, lane, narrow) {
    const top = lane.offsetTop;
    const apart = (word) => Math.abs(who().words[word][at()][0]);
    const rank = (word) => Number(lost(word)) * 200 + Number(word in guesses()) * 400 + apart(word);
    const taken = list.map((word) => {
      const { x, y } = places.get(word);
      return [x - radius, x + radius, y - top - radius, y - top + radius];
    });
    const stem = list.includes(chosen()) && places.get(chosen());
    if (stem) taken.push([stem.x - 4, stem.x + 4, 0, stem.y - top]); // the line from the stage to the chosen dot
    let rest = NAMED[narrow]; // how many names may still be written
    const stacked = 2 * radius <= DOT[narrow][1];
    for (const word of [...list].sort((one, other) => rank(other) - rank(one))) {
      const { name } = marks[words.indexOf(word)];
      const [long, high] = [name.offsetWidth, name.offsetHeight];
      const { x, y } = places.get(word);
      const edge = Math.max(0, Math.min(width - long, x - long / 2));
      const upper = y - top - high / 2;
      const spot = rest && [[edge, upper - radius - high / 2 + 1], [edge, upper + radius + high / 2 - 1], ...(stacked ? [[x + radius + 6, upper], [x - radius - 6 - long, upper]] : [])]
        .map(([l, t]) => [l - 4, l + long + 4, t, t + high])
        .find(([l, r, t, b]) => l >= -4 && r <= width + 4 && t >= 0 && b <= lane.clientHeight && taken.every((box) => r <= box[0] || l >= box[1] || b <= box[2] + 2 || t >= box[3] - 2));
      name.classList.toggle("named", Boolean(spot));
      if (!spot) {
        name.style.transform = ""; // where it stood may lie outside a narrower page
        continue;
      }
      rest -= 1;
      taken.push(spot);
      name.style.transform = `translate(${(spot[0] + 4).toFixed(1)}px, ${spot[2].toFixed(1)}px)`;
    }
  }
  /** Whether a word's lean is confirmed by its own interval, but not by the wider one, which counts now. */
  const lost = (word) => after() && !found(word).says && Boolean(verdict(who().words[word][at()][1], who().words[word][at()][2], lean));

  function drawField() {
    const { trades: first, controls: second } = order();
    band.style.left = `${who().zero[at()] - lean}%`;
    field.style.setProperty("--zero", `${who().zero[at()]}%`);
    bandName.textContent = second.length ? `within ${lean} points of words that name no trade` : `within ${lean} points of half`;
    words.forEach((word, index) => {
      const { mark, tail, name } = marks[index];
      const here = has(word) && (index < trades.length || compares);
      mark.classList.toggle("gone", !here);
      if (!here) {
        // Remove the old place, because the field may be narrower now, and the mark could lie outside it.
        mark.style.transform = "";
        name.classList.remove("named");
        return;
      }
      const { says } = found(word);
      const [points] = who().words[word][at()];
      for (const each of [mark, tail, name]) {
        each.classList.toggle("she", says === "she" || (lost(word) && points > 0));
        each.classList.toggle("he", says === "he" || (lost(word) && points < 0));
      }
      mark.classList.toggle("lost", lost(word));
    });
    const now = (word) => who().words[word][at()][0];
    const sorted = (list) => [...list].sort((one, other) => now(one) - now(other) || words.indexOf(one) - words.indexOf(other));
    lanes[1].hidden = apart.hidden = !compares || !second.length;
    compare.hidden = !second.length;
    if (width) {
      if (!lanes[1].hidden) place(sorted(second), lanes[1]);
      place(sorted(first), lanes[0]);
      arrives = false;
      drawStage();
    }
    field.setAttribute("aria-valuemax", String(row().length));
    field.setAttribute("aria-valuenow", String(1 + row().indexOf(chosen())));
    field.setAttribute("aria-valuetext", `${chosen()}: ${inWords(chosen())}`);
  }
  /** Show one word above the dots: its name and share, its interval as a line, and what the visitor guessed. A stem leads to its dot. */
  function drawStage() {
    const word = shown();
    const spot = places.get(word);
    if (!width || !spot) return;
    const { points, low, high, says } = found(word);
    const x = Math.max(7, Math.min(width - 7, to(points))); // the dot itself may stand a little beside this place
    const she = shareOf(word);
    stage.className = `au-stage ${says}`;
    pill.replaceChildren(make("b", "", word), ` ${likelier(she)} ${sideOf(she) || "each"}`);
    pill.style.left = `${Math.max(0, Math.min(width - pill.offsetWidth, x - pill.offsetWidth / 2))}px`;
    dot.style.left = stem.style.left = `${x}px`;
    const [across, down] = [spot.x - x, spot.y - stem.offsetTop];
    stem.style.height = `${Math.hypot(across, down)}px`;
    stem.style.rotate = `${-Math.atan2(across, down)}rad`;
    line.style.left = `${to(low)}px`;
    line.style.width = `${to(high) - to(low)}px`;
    const plan = who().planted?.[word];
    truth.hidden = plan === undefined;
    if (plan !== undefined) {
      const planted = plan * width;
      truth.style.left = `${planted}px`;
      truth.classList.toggle("right", planted < 80 || (planted > x && planted < width - 80));
    }
    own.hidden = !(word in guesses()) || Boolean(who().planted); // the visitor's guess was about the model that was not trained here
    const mine = to(guesses()[word] ?? 0);
    const right = mine > x;
    const gap = Math.abs(mine - x) - 24;
    off.hidden = own.hidden || gap < 6;
    own.style.left = `${Math.max(6, Math.min(width - 6, mine))}px`;
    own.classList.toggle("right", right !== (right ? mine > width - 40 : mine < 40));
    off.classList.toggle("right", right);
    off.style.left = `${right ? x + 14 : mine + 10}px`;
    off.style.width = `${Math.max(0, gap)}px`;
    marks.forEach(({ mark, name }, index) => {
      mark.classList.toggle("chosen", words[index] === word);
      name.classList.toggle("shown", words[index] === word);
    });
  }
  function drawAsked() {
    const texts = sentencesOf(who());
    asked.hidden = !texts.length || !sealed();
    if (asked.hidden) return;
    const { word, done, share } = pins.find(({ word, done }) => word === chosen() && !done) ?? answered ?? pins[0];
    const line = sentenceWith(word, done ? shareOf(word) : share);
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
    const told = !after() && !plan && temperatures[at()] && mine.length ? `Your ${mine.length > 1 ? `${mine.length} guesses are` : "guess is"} ${whole(mean)} points off${mine.length > 1 ? " on average" : ""}. ` : "";
    const cost = single - together;
    const costs = cost ? `${cost} more ${cost === 1 ? "reaches into the band: its dot turns" : "reach into the band: their dots turn"} hollow` : "no more of them reach into the band";
    const rule = single && temperatures[at()] === 0 ? "Always the likeliest word: a lean becomes a rule. " : "";
    const pointing = plan ? "" : "Choose a dot: chance could move it along its line, a grey one into the band.";
    note.textContent = told + plan + rule + (after() ? single ? `Of ${trades.length} lines, about ${Math.round(0.05 * trades.length)} are wrong by chance. So all are made longer, and ${costs}.` : "" : rule ? "" : pointing);
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
    foldName.textContent = `The numbers and the sentences of \u201c${chosen()}\u201d`;
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
