// A view in which the visitor turns an adapter up and down, and reads what the model then answers.
// The visitor chooses `strength`, `question` (the visitor's own), and `rows`: which question stands in each of the two
// bubbles. On a page of the website there is also `guess`: the index, in GUESSES, of what the visitor expects of the last
// bubble at strength 1; "" before the guess, -1 if the visitor skipped it.
// The view's `data` has `strengths`; `right` {group: how many answers are right at each strength}; `counts` {group: the
// number of questions} (without `counts`, `right` is in percent); `prompts` [{text, group, answers, right}]; and the
// numbers of parameters of the adapter (`size`) and the model (`total`). An answer is a list of [token, percent], or a
// string. A host that can compute gets `want` {question, strength}, and sends `said` {want, answer}.
import { adopt, announcer, atOnce, chipClass, colour, keeper, make, onDrag, onTheme, ownWords, shape } from "./view.js";

const GROUPS = { told: "library", "held out": "library", general: "general" };
const GUESSES = ["Paris", "another city", "no city"];
const STEP = 90; // ms between two strengths while the view turns the adapter up by itself
const WAIT = 250; // ms without a change before the host is asked
const LONGEST = 14; // tokens; an answer of this length was cut off
const LEFT = 54; // px to the left of the curves, for the vertical axis
const RIGHT = 26;
const BESIDE = 11; // px from a point's middle to the number beside it
const NUMBER = 22; // px: the height of such a number
const spell = (number) => number.toLocaleString("en-US");

/**
 * An answer as tokens; a string is split into words.
 * @param {string | [string, number][]} answer
 * @returns {[string, number | undefined][]}
 */
export const tokensOf = (answer) =>
  typeof answer === "string" ? (answer.match(/\s*\S+/g) ?? []).map((word) => [word, undefined]) : answer;

/** The text of an answer. */
export const textOf = (answer) => tokensOf(answer).map(([text]) => text).join("").trim();

/**
 * How many dots stand for a model and for its adapter, and how many parameters a dot stands for (`worth`).
 * @param {number} total the model's parameters
 * @param {number} size the adapter's parameters
 * @param {number} most the most dots for the model
 */
export function dotsFor(total, size, most) {
  const worth = [1, 2, 5].flatMap((digit) => Array.from({ length: 12 }, (_, power) => digit * 10 ** power)).sort((a, b) => a - b).find((one) => total / one <= most);
  return { worth, model: Math.round(total / worth), adapter: Math.max(1, Math.round(size / worth)) };
}

/** Whether one strength gives every group its highest number of right answers. */
export const bestOfBoth = (right, groups) =>
  right[groups[0]].some((_, index) => groups.every((group) => right[group][index] === Math.max(...right[group])));

export function render({ model, el }) {
  const data = model.get("data");
  const { strengths, prompts } = data;
  const last = strengths.at(-1);
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const series = Object.keys(data.right).filter((group) => group !== "untold");
  const heard = new Map(); // "question|strength" -> what the host answered
  let strength = model.get("strength") ?? 1;
  let clock = 0;
  let resting = 0;
  let problem = "";

  adopt(el, "ad");
  // Two bubbles with a question and the model's answer, one for each curve, under the number of right answers
  const head = make("div", "ad-head");
  const louds = series.map((group, index) => {
    const card = head.appendChild(make("div", `ad-card ad-of-${index ? "second" : "first"}`));
    const count = card.appendChild(make("p", `ad-count ad-${index ? "second" : "first"}`));
    const loud = count.appendChild(make("b", "loud"));
    const words = count.appendChild(make("span"));
    return { group, loud, words, card };
  });

  const chart = make("div", "ad-chart");
  const svg = chart.appendChild(shape("svg", { "aria-hidden": "true" }));
  const curves = series.map((group, index) => {
    const name = index ? "ad-second" : "ad-first";
    const path = svg.appendChild(shape("path", { class: name }));
    const point = chart.appendChild(make("i", `ad-point ${name}`));
    const number = point.appendChild(make("b", "num"));
    const label = chart.appendChild(make("span", `ad-label ${name}`, GROUPS[group] ?? group));
    label.append(make("span", "", " questions"));
    return { group, path, point, number, label };
  });
  const levels = [0, 0.5, 1].map((share) => {
    const level = chart.appendChild(make("i", "ad-level"));
    level.append(make("span", "num", `${100 * share}%`), share === 1 ? make("span", "ad-unit", "right") : "");
    return [share, level];
  });
  const rule = chart.appendChild(make("i", "ad-rule"));
  const axis = chart.appendChild(make("div", "ad-axis"));
  const marks = [[0, "without it"], [1, "as trained"], ...(last > 1.25 ? [[last, `${last}×`]] : [])].map(([value, text]) => [value, axis.appendChild(make("span", "", text))]);
  const ember = make("div", "ad-ember");
  ember.tabIndex = 0;
  ember.setAttribute("role", "slider");
  ember.setAttribute("aria-label", "Strength of the adapter");
  ember.setAttribute("aria-valuemin", String(strengths[0]));
  ember.setAttribute("aria-valuemax", String(last));
  const tip = ember.appendChild(make("span"));
  const tipValue = tip.appendChild(make("b", "num"));
  tip.append(make("span", "ad-hint", "drag me"));
  chart.append(ember);

  const others = make("div", "ad-others");
  const say = make("p", "ad-say");
  const tools = make("div", "ad-tools");
  const asks = make("div", "ad-asks");
  for (const [index, words] of GUESSES.entries()) {
    asks.appendChild(make("button", "", words)).addEventListener("click", () => {
      reach = 0;
      keep({ guess: index });
      ember.focus({ preventScroll: true });
      turnUp(0, strengths.indexOf(1));
    });
  }
  const plays = make("div", "ad-plays");
  const play = make("button", "ad-play", "▶ Turn it up");
  const home = make("button", "", "As trained");
  const off = make("button", "", "Without it");
  plays.append(play, home, off);
  tools.append(asks, plays);
  const own = ownWords("ad-own", { placeholder: "Ask your own", label: "Your own question", button: "Ask" }, (question) => keep({ question }));
  const mineSlot = make("div", "ad-mine");

  const sizes = make("div", "ad-sizes");
  const field = sizes.appendChild(make("canvas"));
  field.setAttribute("aria-hidden", "true");
  const sizeWords = sizes.appendChild(make("p"));
  const { live, speak, hush } = announcer(700);
  el.append(head, say, tools, chart);
  if (model.get("live")) el.append(own, mineSlot);
  el.append(others);
  if (data.size) el.append(sizes);
  el.append(live);

  const soon = atOnce(update);
  const keep = keeper(model, soon);
  const nearest = () => {
    let best = 0;
    strengths.forEach((value, index) => {
      if (Math.abs(value - strength) < Math.abs(strengths[best] - strength)) best = index;
    });
    return best;
  };

  /** A row with a question and its answer. When the answer changes, old tokens fall and new ones appear. */
  function row(prompt) {
    const box = make("div", "ad-row");
    box.append(make("p", "ad-question", prompt.text));
    const bubble = box.appendChild(make("div", "ad-bubble"));
    const mark = bubble.appendChild(make("span", "ad-mark"));
    const answer = bubble.appendChild(make("p", "ad-answer"));
    let shown = [];
    return {
      box,
      /** @param {string | [string, number][] | undefined} said */
      draw(said, before, right) {
        box.classList.toggle("waiting", said === undefined);
        if (said === undefined) return;
        mark.textContent = right === undefined ? "" : right ? "✓" : "✗";
        mark.classList.toggle("right", Boolean(right));
        mark.setAttribute("role", "img");
        mark.setAttribute("aria-label", right ? "right" : "not right");
        mark.hidden = right === undefined;
        const plain = tokensOf(before ?? "");
        const tokens = tokensOf(said);
        const old = shown;
        const falling = [];
        shown = tokens.map(([text, sure], index) => {
          const stays = old[index]?.text === text;
          if (!stays && old[index]) falling.push(old[index].chip);
          const chip = stays ? old[index].chip : make("span", "", text.trim()); // if the token is a line break, the chip is empty
          chip.className = chipClass(text.trim() ? text : ` ${text}`, index);
          chip.classList.toggle("ember", before !== undefined && plain[index]?.[0] !== text);
          if (sure !== undefined) chip.title = `${sure}% sure of this token`;
          return { text, chip, fresh: !stays };
        });
        falling.push(...old.slice(tokens.length).map(({ chip }) => chip));
        const moving = old.length > 0 && !still.matches && !box.hidden;
        const ghosts = moving ? falling.map((chip) => [chip.cloneNode(true), chip.offsetLeft, chip.offsetTop]) : [];
        answer.replaceChildren(...shown.map(({ chip }) => chip));
        if (tokens.length >= LONGEST) answer.append(make("span", "more", "…"));
        if (!moving) return;
        ghosts.forEach(([ghost, left, top], index) => {
          ghost.classList.add("ad-ghost");
          ghost.setAttribute("aria-hidden", "true");
          ghost.style.left = `${left}px`;
          ghost.style.top = `${top}px`;
          answer.append(ghost);
          const tilt = (index % 2 ? 1 : -1) * (5 + 4 * (index % 3));
          ghost.animate([{ transform: "none", opacity: 0.7 }, { transform: `translateY(1.3em) rotate(${tilt}deg)`, opacity: 0 }], { duration: 240, easing: "ease-in" }).onfinish = () => ghost.remove();
        });
        let turn = 0;
        for (const { chip, fresh } of shown) {
          if (fresh) chip.animate([{ opacity: 0, transform: "translateY(-0.35em)" }, { opacity: 1, transform: "none" }], { duration: 200, delay: 14 * turn++, fill: "backwards", easing: "cubic-bezier(.2,.7,.2,1)" });
        }
      },
    };
  }
  const headings = { told: "About the library, in other words than trained", untold: "About the library, and never told", general: "About anything else" };
  // All questions as buttons. A press puts a question into its bubble.
  const rows = [];
  for (const group of ["told", "untold", "general"]) {
    const those = prompts.filter((prompt) => prompt.group === group);
    if (!those.length) continue;
    const list = others.appendChild(make("div", `ad-group ad-${group}`));
    list.append(make("h3", "", headings[group]));
    const at = Math.max(0, series.indexOf(group));
    for (const prompt of those) {
      const drawn = row(prompt);
      const place = rows.filter((each) => each.at === at).length;
      const pick = list.appendChild(make("button", "ad-pick"));
      const tick = pick.appendChild(make("span", "ad-tick"));
      tick.setAttribute("role", "img");
      pick.append(make("span", "", prompt.text));
      pick.addEventListener("click", () => keep({ rows: shownRows().map((now, index) => (index === at ? place : now)) }));
      louds[at].card.append(drawn.box);
      rows.push({ prompt, at, place, pick, tick, ...drawn });
    }
  }
  const shownRows = () => series.map((_, index) => model.get("rows")?.[index] ?? 0);
  let mine; // the row of the visitor's own question

  function answerTo(question, value) {
    return heard.get(`${question}|${value}`);
  }
  function ask(question, value) {
    clearTimeout(resting);
    resting = setTimeout(() => {
      model.set("want", { question, strength: value });
      model.save_changes();
    }, WAIT);
  }
  function listen() {
    const said = model.get("said");
    if (!said?.want) return;
    problem = said.error ?? "";
    if (!said.error) heard.set(`${said.want.question}|${said.want.strength}`, said.answer);
    soon();
  }

  // The guess. Until then, and while the view then turns the adapter up, the curves are drawn only as far as the handle was.
  const asking = () => model.get("guess") === "";
  const hides = () => asking() || model.get("guess") >= 0;
  let reach = asking() ? 0 : Math.max(1, strength); // the highest strength that was seen
  const visited = new Set(); // the strengths that the visitor has seen
  const oneIsBest = bestOfBoth(data.right, series);

  // The curves, and the handle that is dragged along them
  let size = { width: 0, height: 0 };
  const across = (value) => LEFT + ((value - strengths[0]) / (last - strengths[0])) * (size.width - LEFT - RIGHT);
  const down = (share) => 14 + (1 - share) * (size.height - 14);
  const shareOf = (group, index) => data.right[group][index] / (data.counts?.[group] ?? 100);
  /** A group's share of right answers. Between two measured strengths, the share lies on the drawn line. */
  function shareAt(group, value) {
    const next = Math.max(1, strengths.findIndex((one) => one >= value));
    const part = (value - strengths[next - 1]) / (strengths[next] - strengths[next - 1]);
    return shareOf(group, next - 1) + part * (shareOf(group, next) - shareOf(group, next - 1));
  }
  /**
   * Find a place for a number beside its point: near it, and where neither a curve nor another number crosses it.
   * @param {number} x
   * @param {number} y
   * @param {number} other the height of the other curve's point
   * @param {number} wide
   * @param {{ left: boolean, y: number }[]} taken the places of other numbers
   */
  function placeOf(x, y, other, wide, taken) {
    let best = { left: false, y, cost: Infinity };
    for (const left of [false, true]) {
      const [from, to] = left ? [x - BESIDE - wide, x - BESIDE] : [x + BESIDE, x + BESIDE + wide];
      if (from < LEFT || to > size.width) continue;
      const crossing = []; // the heights of the curves from one end of the number to the other
      for (let along = from - 3; along <= to + 3; along += 3) {
        const value = strengths[0] + ((along - LEFT) / (size.width - LEFT - RIGHT)) * (last - strengths[0]);
        if (value >= strengths[0] && value <= reach) crossing.push(...series.map((group) => down(shareAt(group, value))));
      }
      for (let off = -48; off <= 48; off += 4) {
        const middle = y + off;
        if (middle < 0 || middle > size.height - 24) continue; // the handle is at the foot
        const crossed = crossing.filter((height) => Math.abs(height - middle) < NUMBER / 2).length;
        const covers = taken.some((place) => place.left === left && Math.abs(place.y - middle) < NUMBER);
        const strange = Math.abs(middle - other) < Math.abs(off) ? 30 : 0; // it would be nearer to the other curve's point
        const cost = 20 * crossed + (covers ? 1000 : 0) + Math.abs(off) + strange + (left ? 10 : 0);
        if (cost < best.cost) best = { left, y: middle, cost };
      }
    }
    return best;
  }
  function layout() {
    const { width, height } = chart.getBoundingClientRect();
    if (!width) return;
    size = { width, height };
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    for (const curve of curves) {
      const { group, path, label } = curve;
      path.setAttribute("d", strengths.map((value, index) => `${index ? "L" : "M"}${across(value).toFixed(1)} ${down(shareOf(group, index)).toFixed(1)}`).join(""));
      // Write each name where no other curve is: at the start of a falling curve, otherwise at the curve's last peak.
      const falls = shareOf(group, 0) > shareOf(group, strengths.length - 1);
      const index = falls ? 0 : data.right[group].lastIndexOf(Math.max(...data.right[group]));
      const x = Math.min(across(strengths[index]), size.width - label.offsetWidth);
      curve.named = strengths[index]; // the strength at which the curve's name stands
      label.style.transform = `translate(${x}px, ${down(shareOf(group, index))}px)`;
    }
    for (const [share, level] of levels) level.style.top = `${down(share)}px`;
    for (const [value, mark] of marks) mark.style.left = `${across(value)}px`;
    paint();
    update();
  }

  let palette = [];
  let lamps = [];
  let unit = 1; // pixels of the canvas from dot to dot
  /** Draw dots for the model, and after them dots for the adapter. */
  function paint() {
    if (!data.size) return;
    const width = sizes.clientWidth;
    const pitch = width > 700 ? 6 : 4;
    const perRow = Math.floor(width / pitch);
    const { worth, model: dots, adapter } = dotsFor(data.total, data.size, 3_000);
    const tall = Math.ceil((dots + adapter) / perRow);
    const dpr = Math.min(2, devicePixelRatio || 1);
    field.width = perRow * pitch * dpr;
    field.height = tall * pitch * dpr;
    field.style.aspectRatio = `${perRow} / ${tall}`;
    const brush = field.getContext("2d");
    brush.fillStyle = `rgb(${colour(el, "--mark").join(" ")})`;
    const dot = (index) => [((index % perRow) + 0.5) * pitch * dpr, (Math.floor(index / perRow) + 0.5) * pitch * dpr];
    for (let index = 0; index < dots; index++) {
      const [x, y] = dot(index);
      brush.beginPath();
      brush.arc(x, y, 0.22 * pitch * dpr, 0, 7);
      brush.fill();
    }
    palette = ["--paper", "--ember", "--mark"].map((name) => colour(el, name));
    unit = pitch * dpr;
    lamps = Array.from({ length: adapter }, (_, index) => dot(dots + index));
    const percent = ((100 * data.size) / data.total).toFixed(2);
    const share = make("b", "ad-first num", spell(data.size));
    sizeWords.replaceChildren(share, ` numbers are the adapter's, ${percent}% of the model's ${spell(data.total)}. A dot: ${spell(worth)} numbers.`);
    glow();
  }
  /** Colour the adapter's dots according to its strength. */
  function glow() {
    if (!data.size || !lamps.length) return;
    const brush = field.getContext("2d");
    const [paper, hot, cold] = palette;
    const part = Math.min(1, strength);
    const mixed = cold.map((channel, index) => channel + (hot[index] - channel) * part);
    for (const [x, y] of lamps) {
      brush.fillStyle = `rgb(${paper.join(" ")})`;
      brush.fillRect(x - unit / 2, y - unit / 2, unit, unit);
      brush.fillStyle = `rgb(${mixed.join(" ")})`;
      brush.beginPath();
      brush.arc(x, y, (0.22 + 0.22 * Math.min(1.2, strength)) * unit, 0, 7);
      brush.fill();
    }
  }

  function update() {
    if (!size.width) return;
    const index = nearest();
    const value = strengths[index];
    reach = hides() ? Math.max(reach, strength) : last;
    svg.style.clipPath = `inset(-20px ${size.width - across(reach) - (reach === last ? 20 : 0)}px -20px 0)`;
    for (const { label, named } of curves) label.classList.toggle("unseen-yet", named > reach);
    el.classList.toggle("asking", asking());
    louds.forEach(({ group, loud, words }) => {
      const count = data.counts?.[group];
      loud.textContent = count ? String(data.right[group][index]) : `${data.right[group][index]}%`;
      words.textContent = ` ${count ? `of ${count}` : "of the"} ${GROUPS[group] ?? group} questions right`;
    });
    const x = across(strength);
    const heights = curves.map(({ group }) => down(shareAt(group, strength)));
    const taken = []; // the places of the numbers
    curves.forEach(({ point, number }, at) => {
      point.style.transform = `translate(${x}px, ${heights[at]}px)`;
      number.textContent = louds[at].loud.textContent;
      const place = placeOf(x, heights[at], heights[1 - at] ?? Infinity, number.offsetWidth, taken);
      taken.push(place);
      point.classList.toggle("left", place.left);
      point.style.setProperty("--off", `${(place.y - heights[at]).toFixed(1)}px`);
    });
    ember.style.transform = `translate(${x}px, ${size.height}px)`;
    tipValue.textContent = `strength ${value.toFixed(2)}`;
    tip.style.transform = `translateX(${(-100 * x) / size.width}%)`; // this keeps the tip inside the chart at both ends
    rule.style.transform = `translateX(${x}px)`;
    ember.setAttribute("aria-valuenow", String(value));
    ember.setAttribute("aria-valuetext", `${value}`);
    el.classList.toggle("on", value > 0);
    const zero = strengths.indexOf(0);
    const open = shownRows();
    for (const { prompt, at, place, pick, tick, box, draw } of rows) {
      const right = prompt.right?.[index];
      box.hidden = open[at] !== place;
      pick.setAttribute("aria-pressed", String(!box.hidden));
      tick.textContent = right ? "✓" : "✗";
      tick.setAttribute("aria-label", right ? "right: " : "not right: ");
      draw(prompt.answers[index], zero >= 0 ? prompt.answers[zero] : undefined, right);
    }
    const asked = model.get("question");
    if (asked && model.get("live")) {
      if (mine?.question !== asked) {
        mine = { question: asked, ...row({ text: asked }) };
        mineSlot.replaceChildren(mine.box);
      }
      const said = answerTo(asked, value);
      mine.draw(problem || said, answerTo(asked, 0), undefined);
      if (said === undefined && !problem) ask(asked, value);
      else if (answerTo(asked, 0) === undefined && !problem) ask(asked, 0);
    }
    glow();
    visited.add(value);
    const guess = GUESSES[model.get("guess")];
    if (asking()) say.textContent = "Train this model on one library. Which city does it then name as France’s capital?";
    else if (!oneIsBest && visited.has(strengths[0]) && visited.has(last)) say.textContent = "No strength is the best at both.";
    else if (guess) say.textContent = strength < 1 && !visited.has(1) ? `You said “${guess}”.` : `You said “${guess}”. Is there a strength at which both are right? Drag.`;
    else say.textContent = "";
    speak(`Strength ${value}. ${louds.map(({ loud, words }) => loud.textContent + words.textContent).join(". ")}. ${rows.filter(({ box }) => !box.hidden).map(({ prompt }) => `${prompt.text} ${textOf(prompt.answers[index])}`).join(" ")}`);
  }

  const stop = () => clearTimeout(clock);
  const settle = () => {
    strength = strengths[nearest()];
    keep({ strength });
  };
  const giveUp = () => asking() && keep({ guess: -1 });
  function go(value) {
    stop();
    giveUp();
    el.classList.add("known");
    strength = value;
    settle();
  }
  let frame = 0;
  const follow = (event) => {
    giveUp();
    el.classList.add("known");
    const x = event.clientX - chart.getBoundingClientRect().left;
    strength = Math.max(strengths[0], Math.min(last, strengths[0] + ((x - LEFT) / (size.width - LEFT - RIGHT)) * (last - strengths[0])));
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(update);
  };
  onDrag(el, chart, follow, {
    ready: () => true,
    begin: () => {
      stop();
      ember.focus({ preventScroll: true });
    },
  });
  chart.addEventListener("pointerdown", follow);
  chart.addEventListener("lostpointercapture", settle);
  ember.addEventListener("keydown", (event) => {
    const index = nearest();
    const goes = {
      ArrowLeft: index - 1, ArrowDown: index - 1, ArrowRight: index + 1, ArrowUp: index + 1,
      PageDown: index - 5, PageUp: index + 5, Home: 0, End: strengths.length - 1, Escape: strengths.indexOf(1),
    }[event.key];
    if (goes === undefined) return;
    event.preventDefault();
    go(strengths[Math.max(0, Math.min(strengths.length - 1, goes))]);
  });
  /** Show one strength after another, from one index to the other. */
  function turnUp(from, to) {
    stop();
    el.classList.add("known");
    const step = (index) => {
      strength = strengths[index];
      update();
      if (index < to) clock = setTimeout(step, STEP, index + 1);
      else settle();
    };
    step(still.matches ? to : from);
  }
  play.addEventListener("click", () => turnUp(0, strengths.length - 1));
  home.addEventListener("click", () => go(1));
  off.addEventListener("click", () => go(strengths[0]));

  const watcher = new ResizeObserver(() => {
    const { width, height } = chart.getBoundingClientRect();
    if (Math.abs(width - size.width) < 0.5 && Math.abs(height - size.height) < 0.5) return;
    layout();
  });
  watcher.observe(chart);
  const endTheme = onTheme(el, paint);
  const hear = () => {
    if (!el.classList.contains("dragging")) strength = model.get("strength") ?? strength;
    soon();
  };
  const chose = ["strength", "question", "rows", "guess"];
  for (const key of chose) model.on(`change:${key}`, hear);
  model.on("change:said", listen);

  return () => {
    stop();
    clearTimeout(resting);
    cancelAnimationFrame(frame);
    hush();
    endTheme();
    watcher.disconnect();
    for (const key of chose) model.off(`change:${key}`, hear);
    model.off("change:said", listen);
  };
}

export default { render };
