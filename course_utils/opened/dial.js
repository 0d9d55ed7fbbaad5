// A query and a key as the hands of a clock. Each turns with its position; how well they match depends on the angle
// between them, and so on their distance alone. Model: data {degrees, limit}, and the positions that the visitor
// chose: query and key.
import { adopt, announcer, atOnce, headline, keeper, make, onDrag, shape } from "./view.js";

const FAR = 24; // distances in the strip
const spell = (value) => (Math.abs(value) < 0.005 ? "0" : String(Math.round(100 * value) / 100).replace("-", "\u2212"));

/**
 * How well two hands of length 1 match at a distance.
 * @param {number} distance in positions
 * @param {number} degrees the turn for each position
 */
export const match = (distance, degrees) => Math.cos((distance * degrees * Math.PI) / 180);

/** A hand of length 1 at a position, as its two numbers: how far up, and how far to the right. */
export const hand = (position, degrees) => [match(position, degrees), Math.sin((position * degrees * Math.PI) / 180)];

export function render({ model, el }) {
  const { degrees, limit } = model.get("data");
  const names = { query: "Query", key: "Key" };
  const round = 360 / degrees; // positions
  adopt(el, "dl");
  const { head, loud, loudWords } = headline("dl");
  const take = make("p", "dl-take");
  const sum = make("p", "dl-sum num");

  // The clock. Up is the first number, right the second.
  const clock = make("div", "dl-clock");
  const face = clock.appendChild(shape("svg", { viewBox: "-132 -132 264 264", "aria-hidden": "true" }));
  face.append(shape("circle", { r: 108, class: "dl-face" }));
  for (let hour = 1; hour <= 12; hour++) {
    const angle = (hour * Math.PI) / 6;
    const [x, y] = [Math.sin(angle), -Math.cos(angle)];
    face.append(shape("line", { x1: 99 * x, y1: 99 * y, x2: 108 * x, y2: 108 * y, class: "dl-tick" }));
    if (hour % 3 === 0) face.append(shape("text", { x: 121 * x, y: 121 * y + 5, class: "dl-hour" }, hour));
  }
  const arc = face.appendChild(shape("path", { class: "dl-arc" }));
  const hands = {};
  const steppers = {};
  const controls = make("div", "dl-controls");
  for (const name of ["key", "query"]) {
    const drawn = face.appendChild(shape("g", { class: `dl-hand ${name}` }));
    const tip = name === "key" ? -92 : -66;
    drawn.append(shape("line", { y2: tip }), shape("circle", { cy: tip, r: 9 }), shape("circle", { cy: tip, r: 24, class: "dl-grip" }));
    hands[name] = drawn;
    onDrag(el, drawn, (event) => turn(name, event), { ready: () => true });
  }
  for (const name of ["query", "key"]) {
    const row = controls.appendChild(make("div", `dl-row ${name}`));
    const label = row.appendChild(make("span", "dl-name", names[name]));
    label.prepend(make("i"));
    const fewer = row.appendChild(make("button", "", "\u2212"));
    const slider = row.appendChild(make("input"));
    Object.assign(slider, { type: "range", min: "0", max: String(limit), step: "1" });
    slider.setAttribute("aria-label", `Position of the ${name}`);
    const more = row.appendChild(make("button", "", "+"));
    fewer.setAttribute("aria-label", `${names[name]} one position back`);
    more.setAttribute("aria-label", `${names[name]} one position on`);
    const at = row.appendChild(make("b", "num"));
    fewer.addEventListener("click", () => move({ [name]: -1 }));
    more.addEventListener("click", () => move({ [name]: 1 }));
    slider.addEventListener("input", () => keep({ [name]: Number(slider.value) }));
    steppers[name] = { slider, at };
  }
  const both = controls.appendChild(make("div", "dl-both"));
  both.append(make("span", "", "Both hands"));
  for (const step of [-1, 1, 100]) {
    const button = both.appendChild(make("button", "", step === 1 ? "one on" : step > 1 ? "100 on" : "one back"));
    button.addEventListener("click", () => move({ query: step, key: step }));
  }

  // How well hands match, by distance
  const strip = make("div", "dl-strip");
  const bars = Array.from({ length: FAR + 1 }, (_, distance) => {
    const bar = strip.appendChild(make("button"));
    bar.append(make("i"));
    bar.setAttribute("aria-label", `${distance} positions apart: match ${spell(match(distance, degrees))}`);
    bar.style.setProperty("--match", match(distance, degrees));
    if (distance % 3 === 0) bar.append(make("span", "num", String(distance)));
    bar.addEventListener("click", () => keep({ query: Math.min(limit, model.get("key") + distance), key: Math.min(model.get("key"), limit - distance) }));
    return bar;
  });
  const stripWords = make("p", "dl-legend", "The match by distance: how many positions the query stands after the key");
  const right = make("div", "dl-right");
  right.append(controls, strip, stripWords);
  const scene = make("div", "dl-scene");
  scene.append(clock, right);
  const { live, speak, hush } = announcer();
  el.append(head, take, scene, sum, live);

  const draw = atOnce(update); // both hands may move at a time
  const keep = keeper(model, draw);
  let before = null; // distance and match of the last state

  function move(steps) {
    const goal = Object.fromEntries(Object.entries(steps).map(([name, step]) => [name, model.get(name) + step]));
    const over = Math.max(0, ...Object.values(goal).map((value) => value - limit));
    const under = Math.max(0, ...Object.values(goal).map((value) => -value));
    const shift = Math.max(...Object.values(steps)) > 1 ? over : 0;
    if (under || (over && !shift)) return;
    keep(Object.fromEntries(Object.entries(goal).map(([name, value]) => [name, value - shift])));
  }
  function turn(name, event) {
    const box = face.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
    const hour = Math.round((Math.atan2(x, -y) * 180) / Math.PI / degrees);
    const now = model.get(name);
    const step = ((((hour - now) % round) + round + round / 2) % round) - round / 2; // the shorter way round
    const goal = now + step;
    if (step && goal >= 0 && goal <= limit) keep({ [name]: goal });
  }

  function update() {
    const [query, key] = [model.get("query"), model.get("key")];
    const distance = query - key;
    const found = match(distance, degrees);
    loud.textContent = spell(found);
    loudWords.textContent = ` is the match at ${Math.abs(distance)} position${Math.abs(distance) === 1 ? "" : "s"} apart`;
    const [asks, answers] = [hand(query, degrees).map(spell), hand(key, degrees).map(spell)];
    const factor = (number) => (number.startsWith("\u2212") ? `(${number})` : number);
    const terms = asks.map((number, index) => `${factor(number)}\u00d7${factor(answers[index])}`);
    sum.textContent = `query [${asks.join(", ")}], key [${answers.join(", ")}]: ${terms.join(" + ")} = ${spell(found)}`;
    for (const name of ["query", "key"]) {
      const { slider, at } = steppers[name];
      slider.value = String(model.get(name));
      at.textContent = model.get(name);
      hands[name].style.transform = `rotate(${model.get(name) * degrees}deg)`; // on past 12, never back over it
    }
    const open = ((distance * degrees) % 360 + 540) % 360 - 180; // from the key to the query
    const point = (angle, radius) => `${radius * Math.sin((angle * Math.PI) / 180)} ${-radius * Math.cos((angle * Math.PI) / 180)}`;
    const start = key * degrees;
    arc.setAttribute("d", open ? `M${point(start, 34)}A34 34 0 0 ${open > 0 ? 1 : 0} ${point(start + open, 34)}` : "");
    if (before && before.distance === distance && before.query !== query) take.textContent = `Both hands moved, the angle between them did not: still ${spell(found)}.`;
    else if (before && before.query !== query) take.textContent = `The query moved, and with it the angle: from ${spell(before.found)} to ${spell(found)}.`;
    else if (before && before.key !== key) take.textContent = `The key moved, and with it the angle: from ${spell(before.found)} to ${spell(found)}.`;
    else if (!before) take.textContent = "Same direction: 1. A right angle: 0. Opposite: \u22121.";
    if (before && Math.abs(distance) >= round && before.distance !== distance) take.textContent += ` ${Math.abs(distance)} apart looks like ${Math.abs(distance) % round}.`;
    bars.forEach((bar, index) => bar.setAttribute("aria-pressed", index === distance));
    if (!before || before.query !== query || before.key !== key) before = { query, key, distance, found };
    if (take.textContent) speak(`${loud.textContent}${loudWords.textContent}. ${take.textContent}`);
  }
  model.on("change:query change:key", draw);
  update();
  return () => {
    hush();
    model.off("change:query change:key", draw);
  };
}

export default { render };
