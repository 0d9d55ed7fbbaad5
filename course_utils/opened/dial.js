// A query and a key as the hands of a clock. Each position further on in the text turns a hand by the same angle. How
// well the hands match depends on the angle between them, and so only on the distance between the hands' positions. The
// words of a text are written around the clock face, each where a hand at the word's position points.
// The view's `data` is {degrees, limit}.
// The visitor chooses `query` and `key` (their positions), `front` (the number of words in front of the text) and
// `slow` (whether there is a second clock, whose hands turn more slowly).
import { adopt, announcer, atOnce, headline, keeper, make, onDrag, shape } from "./view.js";

const FAR = 24; // the strip of bars shows the match at each distance from 0 to this one
const SLOWER = 4; // how many times more slowly the second clock turns
const WORDS = "Our little black cat often slept all day because it had hunted mice all night and nobody in the house ever woke it up again".split(" ");
const spell = (value) => (Math.abs(value) < 0.005 ? "0" : String(Math.round(100 * value) / 100).replace("-", "\u2212"));

/**
 * How well two hands of length 1 match at a distance.
 * @param {number} distance in positions
 * @param {number} degrees the turn for each position
 */
export const match = (distance, degrees) => Math.cos((distance * degrees * Math.PI) / 180);

/** The two numbers of a hand of length 1 at a position: how far its tip is up, and how far to the right. */
export const hand = (position, degrees) => [match(position, degrees), Math.sin((position * degrees * Math.PI) / 180)];

export function render({ model, el }) {
  const { degrees, limit } = model.get("data");
  const names = { query: "Query", key: "Key" };
  const round = 360 / degrees; // positions in one turn of a hand
  adopt(el, "dl");
  const { head, loud, loudWords } = headline("dl");
  const take = make("p", "dl-take");
  const sum = make("p", "dl-sum num");
  const folded = make("details", "dl-numbers");
  folded.append(make("summary", "", "The match in numbers"), sum);

  // The clock's face and hands
  const clock = make("div", "dl-clock");
  const face = clock.appendChild(shape("svg", { viewBox: "-150 -150 300 300" }));
  const plate = face.appendChild(shape("g", { "aria-hidden": "true" }));
  plate.append(shape("circle", { r: 94, class: "dl-face" }));
  for (let hour = 1; hour <= 12; hour++) {
    const angle = (hour * Math.PI) / 6;
    const [x, y] = [Math.sin(angle), -Math.cos(angle)];
    plate.append(shape("line", { x1: 87 * x, y1: 87 * y, x2: 94 * x, y2: 94 * y, class: "dl-tick" }));
  }
  const arc = plate.appendChild(shape("path", { class: "dl-arc" }));
  // The rim turns the whole text: both hands, and the words round them.
  const rim = face.appendChild(shape("circle", { r: 116.5, class: "dl-rim" }));
  let grabbed = null; // while the rim is dragged: the angle of the pointer when the text was last moved
  const angleOf = (event) => {
    const box = face.getBoundingClientRect();
    return (Math.atan2(event.clientX - box.left - box.width / 2, -(event.clientY - box.top - box.height / 2)) * 180) / Math.PI;
  };
  rim.addEventListener("pointerdown", (event) => (grabbed = angleOf(event)));
  onDrag(el, rim, (event) => {
    const by = ((angleOf(event) - grabbed + 540) % 360) - 180;
    if (Math.abs(by) < degrees / 2) return;
    grabbed += Math.sign(by) * degrees;
    if (hasRoom(Math.sign(by))) return shift(Math.sign(by));
    take.textContent = by < 0 ? `The text begins at position ${front()}: turn the rim the other way.` : `The last word is at ${limit}, the last position here: turn the rim the other way.`;
    speak(take.textContent);
  }, { ready: () => true });
  const ring = clock.appendChild(make("div", "dl-ring"));
  ring.setAttribute("aria-hidden", "true");
  const slots = Array.from({ length: round }, () => ring.appendChild(make("span", "dl-word")));
  const hands = {};
  const shows = {};
  const controls = make("div", "dl-controls");
  for (const name of ["key", "query"]) {
    const drawn = face.appendChild(shape("g", { class: `dl-hand ${name}`, role: "slider", tabindex: 0, "aria-label": `Position of the ${name}` }));
    const tip = name === "key" ? -80 : -56;
    drawn.append(shape("line", { y2: tip }), shape("circle", { cy: tip, r: 10 }), shape("circle", { cy: tip, r: 22, class: "dl-grip" }));
    hands[name] = drawn;
    onDrag(el, drawn, (event) => turn(name, event), { ready: () => true });
    drawn.addEventListener("keydown", (event) => {
      const [low, high] = [front(), last()];
      const now = model.get(name);
      const goal = { ArrowRight: now + 1, ArrowUp: now + 1, ArrowLeft: now - 1, ArrowDown: now - 1, Home: low, End: high }[event.key];
      if (goal === undefined) return;
      event.preventDefault();
      if (goal >= low && goal <= high) keep({ [name]: goal });
    });
  }
  const rimHint = clock.appendChild(make("span", "dl-hint dl-turn", "now turn the rim ↻"));
  rimHint.setAttribute("aria-hidden", "true");
  rimHint.hidden = true;
  const hint = clock.appendChild(make("span", "dl-hint", "drag me"));
  hint.setAttribute("aria-hidden", "true");
  for (const name of ["query", "key"]) {
    const row = controls.appendChild(make("div", `dl-row ${name}`));
    const label = row.appendChild(make("span", "dl-name", names[name]));
    label.prepend(make("i"));
    const word = row.appendChild(make("b", "chip"));
    const at = row.appendChild(make("span", "num"));
    const fewer = row.appendChild(make("button", "", "\u2212"));
    const more = row.appendChild(make("button", "", "+"));
    fewer.setAttribute("aria-label", `${names[name]} one position back`);
    more.setAttribute("aria-label", `${names[name]} one position on`);
    fewer.addEventListener("click", () => move(name, -1));
    more.addEventListener("click", () => move(name, 1));
    shows[name] = { at, word };
  }
  // A second clock, whose hands turn a quarter as fast
  const second = shape("svg", { viewBox: "-104 -104 208 208", class: "dl-second", "aria-hidden": "true" });
  second.append(shape("circle", { r: 94, class: "dl-face" }));
  second.appendChild(shape("text", { y: 24, class: "dl-empty" })).textContent = "+";
  const slowHands = Object.fromEntries(["key", "query"].map((name) => [name, second.appendChild(shape("line", { y2: name === "key" ? -78 : -58, class: `dl-slow ${name}` }))]));
  const add = make("button");
  add.addEventListener("click", () => keep({ slow: !model.get("slow") }));
  const both = controls.appendChild(make("div", "dl-both"));
  both.append(make("span", "", "Whole text"));
  const shifts = [-1, 1, 100].map((step) => {
    const button = both.appendChild(make("button", "", step === 1 ? "one on" : step > 1 ? "100 on" : "one back"));
    button.addEventListener("click", () => shift(step));
    return { step, button };
  });

  // How well hands match, by distance
  const strip = make("div", "dl-strip");
  const slower = (distance) => match(distance, degrees / SLOWER);
  /** How well the hands match at a distance; if there are two clocks, the mean of their matches. */
  const matched = (distance) => (model.get("slow") ? (match(distance, degrees) + slower(distance)) / 2 : match(distance, degrees));
  const bars = Array.from({ length: FAR + 1 }, (_, distance) => {
    const bar = strip.appendChild(make("button"));
    bar.append(make("i"));
    if (distance % 3 === 0) bar.append(make("span", "num", String(distance)));
    bar.addEventListener("click", () => {
      const key = Math.min(model.get("key"), last() - distance);
      keep({ query: key + distance, key });
    });
    return bar;
  });
  const stripWords = make("p", "dl-legend");
  const right = make("div", "dl-right");
  const desk = make("div", "dl-desk");
  const aside = make("div", "dl-aside");
  aside.append(second, add);
  desk.append(controls, aside);
  right.append(desk, strip, stripWords);
  const scene = make("div", "dl-scene");
  scene.append(clock, right);
  const { live, speak, hush } = announcer();
  el.append(head, take, scene, folded, live);

  const draw = atOnce(update); // if several values change together, the view is drawn only one time
  const keep = keeper(model, draw);
  let before = null; // the distance and the match that were drawn last
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let turnedBoth = false; // whether the visitor has moved the whole text
  let shown = 0; // the index, in WORDS, of the first word that is shown around the clock face

  /** The position of the text's first word. If a hand is outside the text, the text starts at the first hand. */
  function front() {
    const [first, second] = [model.get("query"), model.get("key")].sort((a, b) => a - b);
    const stored = model.get("front") ?? 0;
    return first >= stored && second < stored + WORDS.length ? stored : first;
  }
  const last = () => Math.min(limit, front() + WORDS.length - 1);
  function move(name, by) {
    const goal = model.get(name) + by;
    if (goal >= front() && goal <= last()) keep({ [name]: goal });
  }
  /** Whether `step` words can be put in front of the text or, if `step` is negative, taken away. */
  const hasRoom = (step) => front() + step >= 0 && front() + step + WORDS.length - 1 <= limit;
  /** Put `step` words in front of the text or, if `step` is negative, take them away. */
  function shift(step) {
    if (!hasRoom(step)) return; // the visitor may press twice before the button is drawn as disabled
    const [query, key, now] = [model.get("query"), model.get("key"), front()];
    keep({ query: query + step, key: key + step, front: now + step });
  }
  function turn(name, event) {
    const box = face.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
    const hour = Math.round((Math.atan2(x, -y) * 180) / Math.PI / degrees);
    const now = model.get(name);
    const step = ((((hour - now) % round) + round + round / 2) % round) - round / 2; // the step goes the shorter way round the clock
    move(name, step);
  }
  /** Write the words of one turn around the clock face, one at each hour. If the hands are less than a turn apart, this turn
   * has the words of both hands. */
  function stand(query, key, start) {
    const [low, high] = [Math.min(query, key) - start, Math.max(query, key) - start];
    if (low < shown && high - low < round) shown = low;
    if (high >= shown + round || low < shown) shown = high - round + 1;
    shown = Math.max(0, Math.min(WORDS.length - 1, shown));
    slots.forEach((slot, index) => {
      const place = shown + ((((index - shown - start) % round) + round) % round); // the index of the word at this hour
      const word = WORDS[place];
      const position = place + start;
      slot.replaceChildren(...(word ? [make("b", "", word), make("span", "num", String(position))] : []));
      const angle = (index * degrees * Math.PI) / 180;
      slot.style.left = `${50 + 41 * Math.sin(angle)}%`;
      slot.style.top = `${50 - 41 * Math.cos(angle)}%`;
      slot.classList.toggle("query", position === query);
      slot.classList.toggle("key", position === key);
    });
  }

  function update() {
    const [query, key] = [model.get("query"), model.get("key")];
    const distance = query - key;
    const slow = Boolean(model.get("slow"));
    const found = matched(distance);
    loud.textContent = spell(found);
    loudWords.textContent = ` is the match at ${Math.abs(distance)} position${Math.abs(distance) === 1 ? "" : "s"} apart`;
    const [asks, answers] = [hand(query, degrees).map(spell), hand(key, degrees).map(spell)];
    const factor = (number) => (number.startsWith("\u2212") ? `(${number})` : number);
    const terms = asks.map((number, index) => `${factor(number)}\u00d7${factor(answers[index])}`);
    sum.textContent = `query [${asks.join(", ")}], key [${answers.join(", ")}]: ${terms.join(" + ")} = ${spell(match(distance, degrees))}${slow ? `; slower clock: ${spell(slower(distance))}; mean: ${spell(found)}` : ""}`;
    el.classList.toggle("slow", slow);
    add.textContent = slow ? "One clock alone" : "Add a slower clock";
    stripWords.textContent = `The match by distance${slow ? ", the mean of both clocks" : ""}: how many positions the query stands after the key`;
    bars.forEach((bar, index) => {
      bar.setAttribute("aria-label", `${index} positions apart: match ${spell(matched(index))}`);
      bar.style.setProperty("--match", matched(index));
    });
    const start = front();
    for (const { step, button } of shifts) button.disabled = !hasRoom(step);
    for (const name of ["query", "key"]) {
      const position = model.get(name);
      const word = WORDS[position - start];
      shows[name].word.textContent = word;
      shows[name].at.textContent = `position ${position}`;
      const drawn = hands[name];
      drawn.style.transform = `rotate(${position * degrees}deg)`; // an angle may be above 360°, so that a hand goes past 12 o'clock without turning back
      slowHands[name].style.transform = `rotate(${(position * degrees) / SLOWER}deg)`;
      for (const [key, value] of Object.entries({ valuemin: start, valuemax: last(), valuenow: position, valuetext: `${word}, position ${position}` })) {
        drawn.setAttribute(`aria-${key}`, String(value));
      }
    }
    stand(query, key, start);
    const angle = (query * degrees * Math.PI) / 180;
    hint.style.left = `${50 + 27 * Math.sin(angle)}%`;
    hint.style.top = `${50 - 27 * Math.cos(angle)}%`;
    hint.hidden = Boolean(before);
    const open = ((distance * degrees) % 360 + 540) % 360 - 180; // the angle from the key to the query, in degrees
    const point = (angle, radius) => `${radius * Math.sin((angle * Math.PI) / 180)} ${-radius * Math.cos((angle * Math.PI) / 180)}`;
    const begin = key * degrees;
    arc.setAttribute("d", open ? `M${point(begin, 34)}A34 34 0 0 ${open > 0 ? 1 : 0} ${point(begin + open, 34)}` : "");
    if (before && before.slow !== slow) {
      take.textContent = slow
        ? `A slower clock as well: ${round} apart no longer looks like 0. The match there is ${spell(matched(round))}, no longer 1.`
        : `With one clock, ${round} apart looks like 0 again.`;
    } else if (before && before.distance === distance && before.query !== query) take.textContent = `Both hands moved, the angle between them did not: still ${spell(found)}.`;
    else if (before && before.query !== query) take.textContent = `The query moved, and with it the angle: from ${spell(before.found)} to ${spell(found)}.`;
    else if (before && before.key !== key) take.textContent = `The key moved, and with it the angle: from ${spell(before.found)} to ${spell(found)}.`;
    else if (!before) take.textContent = "The query looks for a word, the key is looked at. Same direction: 1. A right angle: 0. Opposite: \u22121.";
    if (!slow && before && Math.abs(distance) >= round && before.distance !== distance) take.textContent += ` ${Math.abs(distance)} apart looks like ${Math.abs(distance) % round}.`;
    if (before && before.query !== query && !hasRoom(1)) take.textContent += ` The last word is at ${limit}, the last position here.`;
    const both = before && before.distance === distance && before.query !== query;
    if (both) turnedBoth = true;
    rimHint.hidden = !before || turnedBoth;
    if (both && !still.matches) loud.animate([{ scale: 1 }, { scale: 1.25, color: "var(--ember)" }, { scale: 1 }], { duration: 500 });
    bars.forEach((bar, index) => bar.setAttribute("aria-pressed", index === distance));
    if (!before || before.query !== query || before.key !== key || before.slow !== slow) before = { query, key, distance, found, slow };
    if (take.textContent) speak(`${loud.textContent}${loudWords.textContent}. ${take.textContent}`);
  }
  model.on("change:query change:key change:slow", draw);
  update();
  return () => {
    hush();
    model.off("change:query change:key change:slow", draw);
  };
}

export default { render };
