// An audit of all trades at once: how far each stands from the control words, and which ones an interval can name.
// Model: data {trades, controls, lean, level, temperatures, models: [{title, planted, zero, words}], sentences}, and
// what the visitor chose: who (the index of a model), trade (a word), temperature, after (whether the trade was chosen
// after looking). `words[word][at]` is [points, low, high, low together, high together] at a temperature, in points
// from `zero[at]`, the percentage that the control words have. `sentences[text][title][word]` is a share at 1.
import { adopt, announcer, arrowStep, headline, keeper, make } from "./view.js";

const TOP = 75; // points at the upper end of the field; −75 at the lower one

/**
 * What an interval in points says of a lean: a whole interval has to lie beyond the threshold.
 * @param {number} low
 * @param {number} high
 * @param {number} lean the threshold in points
 * @returns {"she" | "he" | ""}
 */
export const verdict = (low, high, lean) => (low > lean ? "she" : high < -lean ? "he" : "");

/**
 * The share of one of two words at a temperature, from its share at 1.
 * @param {number} share from 0 to 1
 * @param {number} temperature 0: greedy
 */
export function heat(share, temperature) {
  if (temperature === 0) return share === 0.5 ? 0.5 : Number(share > 0.5);
  return 1 / (1 + ((1 - share) / share) ** (1 / temperature));
}

const clamp = (points) => Math.max(-TOP, Math.min(TOP, points));
const up = (points) => `${((100 * (clamp(points) + TOP)) / (2 * TOP)).toFixed(2)}%`;
const whole = (number) => String(Math.abs(Math.round(number)));
const signed = (number) => `${Math.round(number) < 0 ? "−" : Math.round(number) > 0 ? "+" : ""}${whole(number)}`;

export function render({ model, el }) {
  const { trades, controls, lean, level, temperatures, models, sentences } = model.get("data");
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const words = [...trades, ...controls];
  const columns = words.length + (controls.length ? 1 : 0);

  adopt(el, "au");
  const { head, loud, loudWords } = headline("au");
  const tools = make("div", "au-tools");
  const field = make("div", "au-field");
  field.tabIndex = 0;
  field.setAttribute("role", "slider");
  field.setAttribute("aria-label", "Trade");
  field.setAttribute("aria-valuemin", "1");
  field.style.setProperty("--n", String(columns));
  const band = make("div", "au-band");
  band.style.bottom = up(-lean);
  band.style.height = `${(100 * lean) / TOP}%`;
  const zero = make("div", "au-zero");
  zero.append(make("span"));
  field.append(make("b", "au-she", "more “she” ↑"), make("b", "au-he", "more “he” ↓"), band, zero);
  const marks = words.map((word, index) => {
    const mark = make("div", `au-word${index < trades.length ? "" : " control"}`);
    const parts = Object.fromEntries(["wide", "narrow", "truth", "dot"].map((part) => [part, mark.appendChild(make("i", `au-${part}`))]));
    const name = mark.appendChild(make("span", "au-name", word));
    field.append(mark);
    return { mark, name, ...parts };
  });
  const flag = field.appendChild(make("b", "au-flag"));
  const control = field.appendChild(make("span", "au-control", "control words"));
  const legend = field.appendChild(make("span", "au-legend", "planted in its training data"));
  const note = make("p", "au-note");
  const heatRow = make("div", "au-heat");
  const cool = make("button", "", "▶ Cool it down");
  const slider = make("input");
  Object.assign(slider, { type: "range", min: "0", max: String(temperatures.length - 1), id: `au-${Math.random()}` });
  const label = make("label", "", "temperature ");
  label.htmlFor = slider.id;
  const degrees = label.appendChild(make("b", "num"));
  heatRow.append(label, slider, cool);
  const panel = make("section", "au-panel");
  panel.setAttribute("aria-label", "The chosen word");
  const { live, speak, hush } = announcer();
  el.append(head, tools, field, note, heatRow, panel, live);

  const who = () => models[model.get("who")] ?? models[0];
  const at = () => Math.max(0, temperatures.indexOf(model.get("temperature")));
  const after = () => Boolean(model.get("after"));
  const has = (word) => Boolean(who().words[word]);
  const chosen = () => (has(model.get("trade")) ? model.get("trade") : trades[0]);
  /** Points of a word, the ends of its interval at the chosen level, and what they say. */
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
    const choices = texts.map(([text, value]) => {
      const button = make("button", "", text);
      button.setAttribute("role", "radio");
      button.addEventListener("click", () => keep({ [key]: value }));
      button.addEventListener("keydown", (event) => {
        const step = arrowStep(event);
        if (!step) return;
        event.preventDefault();
        const next = (texts.findIndex(([, other]) => other === value) + step + texts.length) % texts.length;
        keep({ [key]: texts[next][1] });
        choices[next].focus();
      });
      group.append(button);
      return button;
    });
    tools.append(group);
    return (value) => choices.forEach((button, index) => {
      button.setAttribute("aria-checked", String(texts[index][1] === value));
      button.tabIndex = texts[index][1] === value ? 0 : -1;
    });
  }
  const markWho = radios("Model", models.map(({ title }, index) => [title, index]), "who");
  const markAfter = radios("When the trade was chosen", [["named before looking", false], [`picked from ${trades.length} after looking`, true]], "after");

  /** The words from left to right: by what was planted, or by what the model says at temperature 1. */
  function order() {
    const plan = models.find(({ planted }) => planted)?.planted;
    const usual = temperatures.indexOf(1);
    const value = (word) => (who().planted && plan[word] !== undefined ? plan[word] : who().words[word][usual][0]);
    const sorted = (list) => list.filter(has).sort((one, other) => value(one) - value(other) || words.indexOf(one) - words.indexOf(other));
    return { trades: sorted([...trades]), controls: sorted([...controls]) };
  }
  const row = () => {
    const { trades: first, controls: second } = order();
    return [...first, ...second];
  };

  function near(event) {
    const box = field.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * columns;
    let best = [Infinity, chosen()];
    words.filter(has).forEach((word) => {
      const away = Math.abs(Number(marks[words.indexOf(word)].mark.style.getPropertyValue("--i")) + 0.5 - x);
      if (away < best[0]) best = [away, word];
    });
    keep({ trade: best[1] });
  }
  field.addEventListener("pointerdown", (event) => {
    field.setPointerCapture(event.pointerId);
    el.classList.add("known");
    near(event);
    field.addEventListener("pointermove", near);
    field.addEventListener("lostpointercapture", () => field.removeEventListener("pointermove", near), { once: true });
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

  function drawField() {
    const { trades: first, controls: second } = order();
    const places = new Map([...first.map((word, index) => [word, index]), ...second.map((word, index) => [word, columns - second.length + index])]);
    words.forEach((word, index) => {
      const { mark, wide, narrow, truth, dot } = marks[index];
      mark.classList.toggle("gone", !has(word));
      if (!has(word)) return;
      const [points, low, high, lower, higher] = who().words[word][at()];
      const says = found(word).says;
      mark.style.setProperty("--i", String(places.get(word)));
      mark.classList.toggle("she", says === "she");
      mark.classList.toggle("he", says === "he");
      mark.classList.toggle("chosen", word === chosen());
      dot.style.bottom = up(points);
      for (const [line, bottom, top] of [[narrow, low, high], [wide, lower, higher]]) {
        line.style.bottom = up(bottom);
        line.style.height = `${(100 * (clamp(top) - clamp(bottom))) / (2 * TOP)}%`;
      }
      const plan = who().planted?.[word];
      truth.hidden = plan === undefined;
      if (plan !== undefined) truth.style.bottom = up(100 * plan - who().zero[at()]);
    });
    el.classList.toggle("after", after());
    zero.firstChild.textContent = second.length ? `control words: ${whole(who().zero[at()])}% “she”` : "50% “she”";
    control.hidden = !second.length;
    control.style.left = `${(100 * (columns - second.length)) / columns}%`;
    legend.hidden = !who().planted;
    legend.style.bottom = up(who().planted ? 100 * who().planted[first.at(-1)] - who().zero[at()] : 0);
    legend.style.right = `${(100 * (columns - first.length)) / columns}%`;
    flag.textContent = `${chosen()} ${signed(found(chosen()).points)}`;
    const share = (places.get(chosen()) + 0.5) / columns;
    flag.style.left = `${100 * share}%`;
    flag.style.transform = `translateX(${-100 * share}%)`;
    field.setAttribute("aria-valuemax", String(row().length));
    field.setAttribute("aria-valuenow", String(1 + row().indexOf(chosen())));
    field.setAttribute("aria-valuetext", `${chosen()}: ${inWords(chosen())}`);
  }
  function conclusion({ low, high, says }) {
    if (says) return `Leans to “${says}”`;
    return low >= -lean && high <= lean ? `No lean of over ${lean} points` : "Cannot conclude";
  }
  function inWords(word) {
    const { points, low, high } = found(word);
    return `${signed(points)} points (${signed(low)} to ${signed(high)}). ${conclusion(found(word))}`;
  }

  function drawPanel() {
    const word = chosen();
    const { points, low, high, says } = found(word);
    const result = make("div", "au-result");
    result.append(make("h3", "", word));
    const number = make("p", "au-points");
    number.append(make("b", `num ${says}`, signed(points)), ` points of “she”, ${signed(low)} to ${signed(high)}`);
    const plan = who().planted?.[word];
    if (plan !== undefined) number.append(make("span", "au-plan", `planted: ${signed(100 * plan - 50)}`));
    result.append(number, make("p", `au-verdict ${says}`, `${conclusion(found(word))}.`));
    const why = after()
      ? `You picked it from ${trades.length}, so it needs an interval of ${level.toFixed(2)}%.`
      : "An interval of 95% is enough only if you named this trade before you saw the picture.";
    result.append(make("p", "au-why", why));
    const list = make("ul", "au-sentences");
    for (const [text, shares] of Object.entries(sentences)) {
      const share = shares[who().title]?.[word];
      if (share === undefined) continue;
      const now = 100 * heat(share, temperatures[at()]);
      const line = make("li");
      const bar = make("i");
      bar.style.width = `${now}%`;
      line.append(make("span", "", text.replace("{}", word)), bar, make("b", "num", `${Math.round(now)}%`));
      list.append(line);
    }
    panel.replaceChildren(result, list);
  }

  function drawHead() {
    const all = who();
    const leaning = (list, ends) => list.filter((word) => has(word) && verdict(all.words[word][at()][ends], all.words[word][at()][ends + 1], lean)).length;
    const single = leaning(trades, 1);
    const together = leaning(trades, 3);
    const number = after() ? together : single;
    loud.textContent = String(number);
    loud.classList.add("ember");
    const tested = controls.filter(has);
    let beside = "";
    if (all.planted) beside = `; ${trades.filter((word) => Math.abs(100 * all.planted[word] - 50) > lean + 1e-9).length} were planted so`;
    else if (tested.length) beside = `; and ${leaning(tested, after() ? 3 : 1)} of ${tested.length} control words, which name no trade`;
    loudWords.textContent = `of ${trades.length} trades lean more than ${lean} points${beside}`;
    const cost = single - together;
    note.textContent = after()
      ? `Picked from ${trades.length}, luck gets ${trades.length} chances: the wider intervals cost ${cost} ${cost === 1 ? "trade" : "trades"}.`
      : `Each interval misses in 5 of 100 cases, half on the far side: of ${trades.length}, up to ${(trades.length * 0.025).toFixed(1)} by luck alone.`;
  }

  function update() {
    markWho(models.indexOf(who()));
    markAfter(after());
    const now = temperatures[at()];
    slider.value = String(at());
    degrees.textContent = now === 0 ? "greedy" : now.toFixed(1);
    slider.setAttribute("aria-valuetext", now === 0 ? "greedy, the likeliest word" : now.toFixed(1));
    cool.textContent = at() === 0 ? "Back to 1" : "▶ Cool it down";
    drawHead();
    drawField();
    drawPanel();
    speak(`${who().title}: ${loud.textContent} ${loudWords.textContent}. ${chosen()}: ${inWords(chosen())}`);
  }

  const keys = ["who", "trade", "temperature", "after"];
  for (const key of keys) model.on(`change:${key}`, update);
  update();
  return () => {
    stop();
    hush();
    for (const key of keys) model.off(`change:${key}`, update);
  };
}

export default { render };
