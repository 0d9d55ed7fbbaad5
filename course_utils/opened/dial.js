// This view shows a query and a key as the hands of a clock. Each position further on in the text turns a hand by the same angle. How
// well the hands match depends on the angle between them, and so only on the distance between the hands' positions. The
// words of a text are written around the clock face, each where a hand at the word's position points.
// The view's `data` is {degrees: the angle by which each position turns a hand, limit: the last position}.
// The visitor chooses `query` and `key` (their positions), `front` (the number of words in front of the text) and
// `slow` (whether there is a second clock, whose hands turn more slowly). `plain` is true on a page of the website, where the
// view does not use the words "query" and "key". There the text stands beside the clock, and the better a word matches the
// query, the deeper its colour. In a lesson, bars show the match at each distance instead.
import { adopt, announcer, atOnce, glide, headline, keeper, make, onDrag, rove, shape } from "./view.js";

const FAR = 24; // the strip of bars shows the match at each distance from 0 to this one
const FURTHER = 100; // positions by which the button moves the whole text
const SPIN = 1600; // ms for a turn of both hands that goes more than once around the clock
const KNOB = 21; // px from the middle of the query's knob to the hint beside the knob
const SLOWER = 4; // how many times more slowly the second clock turns
const HUB = 12; // px: a pointer that is nearer to the clock's middle than this turns no hand, because its angle means little there
const WORDS = "Our little black cat often slept all day because it had hunted mice all night and nobody in the house ever woke it up again".split(" ");
const steps = (distance) => `${Math.abs(distance)} position${Math.abs(distance) === 1 ? "" : "s"} apart`;
const spell = (value) => (Math.abs(value) < 0.005 ? "0" : String(Math.round(100 * value) / 100).replace("-", "\u2212"));

/**
 * How well two hands of length 1 match at a distance.
 * @param {number} distance in positions
 * @param {number} degrees the turn for each position
 */
export const match = (distance, degrees) => Math.cos((distance * degrees * Math.PI) / 180);

/** Where the tip of a hand of length 1 is, if the hand stands at a position: [how far up, how far right] from the clock's middle. */
export const hand = (position, degrees) => [match(position, degrees), Math.sin((position * degrees * Math.PI) / 180)];

/** The point at an angle, in degrees clockwise from 12 o'clock, and at a distance from the clock's middle. */
const point = (radius, angle) => [radius * Math.sin((angle * Math.PI) / 180), -radius * Math.cos((angle * Math.PI) / 180)];

/** The path of an arc around the clock's middle, from one angle to another. */
const arc = (radius, from, to) => `M${point(radius, from)}A${radius} ${radius} 0 0 1 ${point(radius, to)}`;

/** The path of the head of an arrow that bends clockwise around the clock's middle and ends at an angle. */
const arrowhead = (radius, angle) => `M${point(radius - 7, angle - 5)}L${point(radius, angle)}L${point(radius + 7, angle - 5)}`;

export function render({ model, el }) {
  const { degrees, limit } = model.get("data");
  const round = 360 / degrees; // positions in one turn of a hand
  const furthest = limit - WORDS.length + 1; // the last position at which the text can begin
  const plain = Boolean(model.get("plain"));
  adopt(el, "dl");
  el.classList.toggle("plain", plain);
  const { head, loud, loudWords } = headline("dl");
  const take = make("p", "dl-take");
  const sum = make("p", "dl-sum num");
  const folded = make("details", "dl-numbers");
  folded.append(make("summary", "", "The match in numbers"), sum);

  // The clock's face and hands
  const clock = make("div", "dl-clock");
  const face = clock.appendChild(shape("svg", { viewBox: "-150 -150 300 300" }));
  const plate = face.appendChild(shape("g", { "aria-hidden": "true" }));
  const ridges = shape("circle", { r: 146, class: "dl-ridges" }); // the rim's edge, which turns with the text
  plate.append(shape("circle", { r: 121.5, class: "dl-band" }), ridges, shape("circle", { r: 94, class: "dl-face" }));
  for (let hour = 1; hour <= 12; hour++) {
    const angle = (hour * Math.PI) / 6;
    const [x, y] = [Math.sin(angle), -Math.cos(angle)];
    plate.append(shape("line", { x1: 87 * x, y1: 87 * y, x2: 94 * x, y2: 94 * y, class: "dl-tick" }));
  }
  const wedge = plate.appendChild(shape("path", { class: "dl-wedge" })); // fills the angle between the hands
  // A drag of the rim moves the whole text: both hands turn, and with them the words around the clock face.
  const rim = face.appendChild(shape("circle", { r: 121.5, class: "dl-rim", role: "slider", tabindex: 0, "aria-label": "The whole text: position of its first word", "aria-valuemin": 0, "aria-valuemax": furthest }));
  rim.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: FURTHER, PageDown: -FURTHER, Home: -front(), End: furthest - front() }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    shift(step);
  });
  // A sign on the rim, until the visitor has turned the rim: an arrow that bends along the rim, and words in the corner of the picture.
  const bend = face.appendChild(shape("g", { class: "dl-bend", "aria-hidden": "true" }));
  bend.append(shape("path", { d: arc(158, -64, -26) }), shape("path", { d: arrowhead(158, -26) }), shape("path", { d: arc(158, -68, -22), class: "dl-bend-grip" }));
  let grabbed = null; // while the rim is dragged: the angle of the pointer when the text was last moved
  /** How far right of the clock's middle a pointer is, and how far below it, in px. */
  const fromHub = (event) => {
    const box = face.getBoundingClientRect();
    return [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
  };
  /** The angle of a pointer around the clock's middle, in degrees clockwise from 12 o'clock. */
  const angleOf = (event) => {
    const [right, down] = fromHub(event);
    return (Math.atan2(right, -down) * 180) / Math.PI;
  };
  let dragged = false; // whether the pointer has moved the text since it was pressed
  const turnMe = clock.appendChild(make("span", "dl-turn-me", "turn me"));
  turnMe.setAttribute("aria-hidden", "true");
  // The arrow and the words "turn me" can be dragged like the rim.
  for (const handle of [rim, bend, turnMe]) onDrag(el, handle, (event) => {
    const by = ((angleOf(event) - grabbed + 540) % 360) - 180;
    if (Math.abs(by) < degrees / 2) return;
    dragged = true;
    grabbed += Math.sign(by) * degrees;
    if (hasRoom(Math.sign(by))) return shift(Math.sign(by));
    take.textContent = by < 0 ? `The text begins at position ${front()}: turn the rim the other way.` : `The last word is at ${limit}, the last position here: turn the rim the other way.`;
    speak(take.textContent);
  }, {
    ready: () => true,
    begin(event) {
      grabbed = angleOf(event);
      dragged = false;
      begin();
    },
  });
  rim.addEventListener("click", (event) => dragged || turn("query", event)); // a press on the rim, without a drag, turns the query's hand to the word that is pressed
  const ring = clock.appendChild(make("div", "dl-ring"));
  ring.setAttribute("aria-hidden", "true");
  const slots = Array.from({ length: round }, (_, hour) => {
    const slot = ring.appendChild(make("span", "dl-word"));
    const [right, down] = point(41, hour * degrees);
    slot.classList.toggle("side", Math.abs(right) > 20.5);
    slot.style.left = `${50 + right}%`;
    slot.style.top = `${50 + down}%`;
    return slot;
  });
  const hands = {};
  for (const name of ["key", "query"]) {
    const drawn = face.appendChild(shape("g", { class: `dl-hand ${name}`, role: "slider", tabindex: 0, "aria-label": `Position of the ${name}` }));
    const tip = name === "key" ? -80 : -56;
    drawn.append(shape("line", { y2: tip }), shape("circle", { cy: tip, r: 10 }), shape("circle", { cy: tip, r: 22, class: "dl-grip" }));
    hands[name] = drawn;
    onDrag(el, drawn, (event) => turn(name, event), { ready: () => true, begin });
    drawn.addEventListener("keydown", (event) => {
      const [low, high] = [front(), last()];
      const now = model.get(name);
      const goal = { ArrowRight: now + 1, ArrowUp: now + 1, ArrowLeft: now - 1, ArrowDown: now - 1, Home: low, End: high }[event.key];
      if (goal === undefined) return;
      event.preventDefault();
      if (goal >= low && goal <= high) keep({ [name]: goal });
    });
  }
  const hint = clock.appendChild(make("span", "dl-hint", "drag me"));
  hint.setAttribute("aria-hidden", "true");
  // The words of the query and of the key, each in the colour of its hand
  const who = make("div", "dl-who");
  const shows = Object.fromEntries(["query", "key"].map((name) => [name, make("span", `chip dl-named ${name}`)]));
  if (plain) who.appendChild(make("p")).append("How much of ", shows.key, " goes into ", shows.query, "?");
  else {
    for (const [name, does] of [["query", " looks for a word. Its hand: the "], ["key", " may be that word. Its hand: the "]]) {
      who.appendChild(make("p")).append(shows[name], does, make("b", name, name));
    }
  }
  const apart = make("span", "dl-apart");
  loudWords.append("is how well they match, ", apart);
  // A second clock, whose hands turn a quarter as fast
  const second = shape("svg", { viewBox: "-104 -104 208 208" });
  second.append(shape("circle", { r: 94, class: "dl-face" }));
  const secondClock = make("div", "dl-second");
  secondClock.setAttribute("aria-hidden", "true");
  secondClock.append(second, make("span", "", `${SLOWER} times slower:\n${round} apart is not 0 here`));
  const slowHands = Object.fromEntries(["key", "query"].map((name) => [name, second.appendChild(shape("line", { y2: name === "key" ? -78 : -58, class: `dl-slow ${name}` }))]));
  const add = make("button");
  add.addEventListener("click", () => keep({ slow: !model.get("slow") }));
  // On a page of the website: a scale from the worst match to the best, in the colours of the text's words.
  const gauge = make("div", "dl-gauge");
  gauge.setAttribute("aria-hidden", "true"); // the headline and the announcer say the match
  const pointer = make("i", "dl-pointer");
  for (const [at, words] of [[-1, "least"], [0, ""], [1, "most"]]) {
    const mark = gauge.appendChild(make("span", "dl-mark"));
    mark.style.left = `${50 + 50 * at}%`;
    mark.append(make("b", "num", spell(at)), words);
  }
  gauge.append(make("i", "dl-line"), pointer);
  // On a page of the website: the text. A press on a word makes it the key.
  const text = make("div", "dl-text");
  text.setAttribute("role", "group");
  text.setAttribute("aria-label", "The text: how well each word matches");
  const inText = (plain ? WORDS : []).map((word, index) => {
    const button = text.appendChild(make("button", "", word));
    button.tabIndex = index ? -1 : 0;
    button.addEventListener("click", () => keep({ key: front() + index }));
    rove(button, () => inText);
    return button;
  });
  const act = make("div", "dl-act");
  const both = act.appendChild(make("div", "dl-both"));
  const further = make("button", "", `${FURTHER} on`);
  further.addEventListener("click", () => shift(FURTHER));
  both.append(make("span", "", "Move all words"), further);

  // In a lesson: a strip of bars shows how well the hands match at each distance.
  const strip = make("div", "dl-strip");
  const slower = (distance) => match(distance, degrees / SLOWER);
  /** How well the hands match at a distance; if there are two clocks, the mean of their matches. */
  const matched = (distance) => (model.get("slow") ? (match(distance, degrees) + slower(distance)) / 2 : match(distance, degrees));
  const bars = Array.from({ length: plain ? 0 : FAR + 1 }, (_, distance) => {
    const bar = strip.appendChild(make("button"));
    bar.append(make("i"));
    bar.append(make("span", `num${distance % 3 ? " between" : ""}`, String(distance)));
    if (distance % 3 === 0) bar.append(small(distance));
    bar.addEventListener("click", () => {
      const key = Math.min(model.get("key"), last() - distance);
      keep({ query: key + distance, key });
    });
    return bar;
  });
  const stripWords = make("p", "dl-legend");
  if (plain) both.append(add);
  else {
    const foot = act.appendChild(make("div", "dl-foot"));
    foot.append(stripWords, add);
    act.append(strip);
  }
  act.append(folded);
  clock.append(secondClock);
  const scene = make("div", "dl-scene");
  scene.append(who, head, clock, ...(plain ? [gauge, text] : []), take, act);
  const { live, speak, hush } = announcer();
  el.append(scene, live);

  const draw = atOnce(update); // if several values change together, the view is drawn only one time
  const keep = keeper(model, draw);
  let drawnLast = null; // the hands' positions, their match and other values that were drawn last
  let begun = null; // `drawnLast` when the last drag began
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let turnedBoth = false; // whether the visitor has turned both hands together, by moving the whole text
  let turnedOne = false; // whether the visitor has turned a single hand
  let opened = null; // the angle that the wedge shows, in degrees
  let stopWedge = () => {};
  let spinning = 0;
  let shown = 0; // the index, in WORDS, of the first word that is shown around the clock face

  function begin() {
    begun = drawnLast;
  }
  /** The position of the text's first word. If a hand is outside the stored text, the text starts at the hand with the lower
   * position. */
  function front() {
    const [first, second] = [model.get("query"), model.get("key")].sort((a, b) => a - b);
    const stored = model.get("front") ?? 0;
    return first >= stored && second < stored + WORDS.length ? stored : first;
  }
  const last = () => Math.min(limit, front() + WORDS.length - 1);
  /** Whether `step` words can be put in front of the text or, if `step` is negative, taken away. */
  const hasRoom = (step) => front() + step >= 0 && front() + step <= furthest;
  /** Put `step` words in front of the text or, if `step` is negative, take them away. */
  function shift(step) {
    if (!step || !hasRoom(step)) return; // the visitor may press twice before the button is drawn as disabled
    const [query, key, now] = [model.get("query"), model.get("key"), front()];
    clearTimeout(spinning);
    el.classList.toggle("spinning", Math.abs(step) > round && !still.matches); // while the hands spin, the words are pale
    spinning = setTimeout(() => el.classList.remove("spinning"), SPIN);
    keep({ query: query + step, key: key + step, front: now + step });
  }
  /** The path of a sector of the clock face that begins at 12 o'clock. `open` is its angle in degrees. */
  function wedgeOf(open, radius) {
    return open ? `M0 0V${-radius}A${radius} ${radius} 0 0 ${open > 0 ? 1 : 0} ${point(radius, open)}Z` : "";
  }
  /** Returns a small clock for the strip, with a key at 12 o'clock and a query `distance` positions further on. */
  function small(distance) {
    const drawn = shape("svg", { viewBox: "-11 -11 22 22", class: "dl-small", "aria-hidden": "true" });
    const angle = distance * degrees;
    drawn.append(shape("circle", { r: 10 }), shape("path", { d: wedgeOf(((angle % 360) + 540) % 360 - 180, 10), class: "dl-wedge" }));
    for (const [name, turned, length] of [["slower", angle / SLOWER, 9], ["key", 0, 9], ["query", angle, 7]]) drawn.append(shape("line", { y2: -length, class: name, transform: `rotate(${turned})` }));
    return drawn;
  }
  /** Turn a hand to the pointer's hour: to the position at this hour that is nearest to the hand's position. */
  function turn(name, event) {
    if (Math.hypot(...fromHub(event)) < HUB) return;
    const now = model.get(name);
    const step = ((((Math.round(angleOf(event) / degrees) - now) % round) + round + round / 2) % round) - round / 2; // positions from `now` to the hour, the shorter way round the clock
    const goals = [0, round, -round].map((turns) => now + step + turns).filter((goal) => goal >= front() && goal <= last());
    if (goals.length) keep({ [name]: goals.reduce((best, goal) => (Math.abs(goal - now) < Math.abs(best - now) ? goal : best)) });
  }
  /** Write a word of the text at each hour of the clock face, in the order of the text, from the word with the index `shown`
   * on. If the hands are a turn or more apart, the word of one hand is not among these words, and so this hand's word replaces
   * the word at its hour. If both hands point to the same hour, the words of both hands stand there. */
  function stand(query, key, start) {
    const [low, high] = [Math.min(query, key) - start, Math.max(query, key) - start];
    if (low < shown && high - low < round) shown = low;
    if (high >= shown + round || low < shown) shown = high - round + 1;
    shown = Math.max(0, Math.min(WORDS.length - 1, shown));
    slots.forEach((slot, index) => {
      const place = shown + ((((index - shown - start) % round) + round) % round); // the index of the word at this hour
      const here = [key, query].filter((position) => (position - index) % round === 0); // the positions of the hands that point to this hour
      const position = here.length && !here.includes(place + start) ? here[0] : place + start;
      const written = (at) => [make("b", "", WORDS[at - start]), make("span", "num", String(at))];
      slot.replaceChildren(...(WORDS[position - start] ? written(position) : []));
      const other = here.find((at) => at !== position);
      if (other !== undefined) slot.appendChild(make("span", `dl-too ${other === key ? "key" : "query"}`)).append(...written(other));
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
    apart.textContent = steps(distance);
    const [asked, answers] = [hand(query, degrees).map(spell), hand(key, degrees).map(spell)];
    const factor = (number) => (number.startsWith("\u2212") ? `(${number})` : number);
    const terms = asked.map((number, index) => `${factor(number)}\u00d7${factor(answers[index])}`);
    sum.textContent = `query [${asked.join(", ")}], key [${answers.join(", ")}]: ${terms.join(" + ")} = ${spell(match(distance, degrees))}${slow ? `; slower clock: ${spell(slower(distance))}; mean: ${spell(found)}` : ""}`;
    el.classList.toggle("slow", slow);
    add.textContent = slow ? "One clock alone" : "Add a slower clock";
    stripWords.textContent = slow ? "The mean match of both clocks at each distance" : "The match at each distance";
    pointer.style.left = `${50 + 50 * found}%`;
    bars.forEach((bar, index) => {
      const found = matched(index);
      bar.setAttribute("aria-label", `${steps(index)}: match ${spell(found)}`);
      bar.setAttribute("aria-pressed", index === Math.abs(distance));
      bar.style.setProperty("--match", found);
      bar.classList.toggle("below", found < 0);
    });
    const start = front();
    inText.forEach((button, index) => {
      const position = start + index;
      const found = matched(query - position);
      button.style.setProperty("--count", ((found + 1) / 2).toFixed(3));
      button.classList.toggle("query", position === query);
      button.classList.toggle("key", position === key);
      button.setAttribute("aria-pressed", String(position === key));
      button.setAttribute("aria-label", `${WORDS[index]}, ${steps(query - position)}: match ${spell(found)}`);
    });
    ridges.style.transform = `rotate(${start * degrees}deg)`;
    further.disabled = !hasRoom(FURTHER);
    rim.setAttribute("aria-valuenow", String(start));
    rim.setAttribute("aria-valuetext", `${WORDS[0]}, position ${start}`);
    for (const name of ["query", "key"]) {
      const position = model.get(name);
      const word = WORDS[position - start];
      shows[name].textContent = word;
      const drawn = hands[name];
      drawn.style.transform = `rotate(${position * degrees}deg)`; // an angle may be above 360°, so that a hand goes past 12 o'clock without turning back
      slowHands[name].style.transform = `rotate(${(position * degrees) / SLOWER}deg)`;
      for (const [key, value] of Object.entries({ valuemin: start, valuemax: last(), valuenow: position, valuetext: `${word}, position ${position}` })) {
        drawn.setAttribute(`aria-${key}`, String(value));
      }
    }
    stand(query, key, start);
    // The hint stands beside the query's knob, on the side away from the key, so that the hint covers neither the hands nor
    // the words around the clock face.
    const angle = (query * degrees * Math.PI) / 180;
    const away = Math.sin((distance * degrees * Math.PI) / 180) < 0 ? -1 : 1;
    const [right, down] = [away * Math.cos(angle), away * Math.sin(angle)];
    const off = `${KNOB}px + ${Math.abs(right).toFixed(3)} * 1.9em + ${Math.abs(down).toFixed(3)} * 0.7em`;
    hint.style.left = `calc(${50 + 18.7 * Math.sin(angle)}% + ${right.toFixed(3)} * (${off}))`;
    hint.style.top = `calc(${50 - 18.7 * Math.cos(angle)}% + ${down.toFixed(3)} * (${off}))`;
    const open = ((distance * degrees) % 360 + 540) % 360 - 180; // the angle from the key to the query, in degrees
    const drags = el.classList.contains("dragging");
    wedge.style.transform = `rotate(${key * degrees}deg)`;
    stopWedge();
    const [from, to] = [opened ?? open, open];
    opened = open;
    if (from === to || still.matches || drags || Math.abs(from - to) > 180) wedge.setAttribute("d", wedgeOf(open, 93));
    else stopWedge = glide(280, (part) => wedge.setAttribute("d", wedgeOf(from + part * (to - from), 93)));
    // During a drag, the sentence tells of the whole drag, not only of its last position.
    const before = drags ? begun : drawnLast;
    const both = before && before.distance === distance && before.query !== query;
    const one = before && !both && (before.query !== query || before.key !== key);
    turnedBoth ||= Boolean(both);
    turnedOne ||= Boolean(one);
    if (!before) take.textContent = `Turn the rim, and all words move on. What becomes of ${spell(found)}?`;
    else if (before.slow !== slow) {
      take.textContent = slow
        ? `${spell(found)} is the mean match of both clocks. ${round} apart, the slower one has not gone round yet: that no longer looks like 0.`
        : `With one clock, ${round} apart looks like 0 again.`;
    } else if (both) take.textContent = `Both hands moved, the angle between them did not: still ${spell(found)}.`;
    else if (one) take.textContent = `${plain ? "One hand" : before.query !== query ? "The query" : "The key"} moved, and with it the angle: from ${spell(before.found)} to ${spell(found)}.`;
    else if (drags) take.textContent = `Back where the drag began: ${spell(found)}.`;
    if (!slow && before && Math.abs(distance) >= round && before.distance !== distance) take.textContent += ` ${Math.abs(distance)} apart looks like ${Math.abs(distance) % round}.`;
    if (before && before.query !== query && !hasRoom(1)) take.textContent += ` The last word is at ${limit}, the last position here.`;
    const then = plain && turnedBoth && !slow ? `${round} apart looks like 0. A slower clock tells them apart.` : "";
    const next = turnedBoth === turnedOne ? then : turnedBoth ? "Now drag one hand." : "Now turn the rim.";
    if (next && !take.querySelector(".dl-next")) take.append(" ", make("span", "dl-next", next));
    el.classList.toggle("unturned", !turnedBoth);
    hint.hidden = !turnedBoth || turnedOne;
    if (both && !still.matches) loud.animate([{}, { color: "var(--ember)" }, {}], { duration: 500 });
    drawnLast = { query, key, distance, found, slow };
    if (take.textContent) speak(`${shows.query.textContent} and ${shows.key.textContent}: ${loud.textContent} ${loudWords.textContent}. ${take.textContent}`);
  }
  model.on("change:query change:key change:slow", draw);
  update();
  return () => {
    hush();
    clearTimeout(spinning);
    stopWedge();
    model.off("change:query change:key change:slow", draw);
  };
}

export default { render };
