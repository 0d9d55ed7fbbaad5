// The visitor sees two answers without their models' names and presses the better one. The vote moves the ratings of the two
// models. The votes of other voters stay hidden until the visitor has cast ten votes. From then on, a band shows the interval
// around each rating, so that the visitor sees which models could still be first. Another voter's votes can be counted one by
// one, and each vote is shown with the two answers that it compares.
// The view's `data` is {models, contests: [[prompt, left model, left answer, right model, right answer], …], voter: the name
// of the voter "rule", votes: {rule, length}, ratings: {rule, length}, student: values of Student's t}. The voter "length"
// always votes for the longer answer.
// The visitor chooses `picks` (a letter for each vote: l, r, or n for neither), `voter` (you, rule or length), `count` (how
// many of the voter's votes are counted) and `order` (0 is the order in which the votes were cast; any other number is the
// seed of a random order).
// A host that can compute gets `want` {picks}, and answers with `said` {ratings}: the models' ratings after these votes.
import { adopt, announcer, capital, glide, headline, keeper, make, radio, shape } from "./view.js";

const FEW = 10; // after this many votes, the ratings' intervals are shown, and the visitor can open the other voters' votes
const LONG = 220; // a story with more characters than this is set in smaller letters
const HALF = 500; // the scale of ratings reaches at least from 1,000 - HALF to 1,000 + HALF
const SPACED = 8; // the number of other stories between two votes on the same story
const ORDERS = 200;
const RESULTS = { l: 1, n: 0.5, r: 0 };
const ELO = 400 / Math.log(10);

/** @typedef {[left: number, right: number, result: number, item: number]} Cast - `left`, `right`: indices of models; `result`: 1 if `left` won, 0 if `right` won, 0.5 for neither; `item`: index of a story */
/** @typedef {[rating: number, low: number | null, high: number | null] | null} Rating - `low`, `high`: the ends of the interval, or null if it is unknown; the Rating is null for a model without votes */

/** Solve a system of linear equations in place, by Gaussian elimination. */
function solve(rows, right) {
  const size = right.length;
  for (let column = 0; column < size; column++) {
    let pivot = column;
    for (let row = column; row < size; row++) if (Math.abs(rows[row][column]) > Math.abs(rows[pivot][column])) pivot = row;
    [rows[column], rows[pivot]] = [rows[pivot], rows[column]];
    [right[column], right[pivot]] = [right[pivot], right[column]];
    for (let row = column + 1; row < size; row++) {
      const factor = rows[row][column] / rows[column][column];
      for (let other = column; other < size; other++) rows[row][other] -= factor * rows[column][other];
      right[row] -= factor * right[column];
    }
  }
  for (let row = size - 1; row >= 0; row--) {
    for (let other = row + 1; other < size; other++) right[row] -= rows[row][other] * right[other];
    right[row] /= rows[row][row];
  }
  return right;
}

/** Compute by Newton's method the ratings that make the votes most likely. A weak pull toward 0 keeps all `strengths` finite.
 * `won[row][column]` counts the wins of model `row` over model `column`. */
function fit(won) {
  const strengths = won.map(() => 0);
  for (let round = 0; round < 100; round++) {
    const slope = strengths.map((own) => 0.1 * (0.5 - 1 / (1 + Math.exp(-own))));
    const bends = strengths.map((own, row) => {
      const alone = 1 / (1 + Math.exp(-own));
      const line = won.map(() => 0);
      line[row] = 0.1 * alone * (1 - alone);
      strengths.forEach((rival, column) => {
        const met = won[row][column] + won[column][row];
        const expected = 1 / (1 + Math.exp(rival - own));
        slope[row] += won[row][column] - met * expected;
        line[column] -= met * expected * (1 - expected);
        line[row] += met * expected * (1 - expected);
      });
      return line;
    });
    const step = solve(bends, slope).map((each) => Math.max(-1, Math.min(1, each)));
    step.forEach((each, row) => (strengths[row] += each));
    if (Math.max(...step.map(Math.abs)) < 1e-10) break;
  }
  const mean = strengths.reduce((sum, each) => sum + each, 0) / strengths.length;
  return strengths.map((each) => 1000 + ELO * (each - mean));
}

/**
 * Bradley and Terry's ratings, computed from all votes at once, as course.statistics.bradley_terry does. For the intervals,
 * the ratings are computed again for each item (a story), without the votes on this item.
 * @param {Cast[]} votes
 * @param {number} models the number of models
 * @param {number[]} student Student's t at 97.5% for 1, 2, 3 … degrees of freedom
 * @returns {Rating[]} for each model
 */
export function bradleyTerry(votes, models, student) {
  const present = [...Array(models).keys()].filter((model) => votes.some((vote) => vote[0] === model || vote[1] === model));
  const items = [...new Set(votes.map((vote) => vote[3]))];
  const table = (left) => {
    const won = present.map(() => present.map(() => 0));
    for (const [one, other, result, item] of votes) {
      if (item === left) continue;
      won[present.indexOf(one)][present.indexOf(other)] += result;
      won[present.indexOf(other)][present.indexOf(one)] += 1 - result;
    }
    return won;
  };
  const ratings = votes.length ? fit(table()) : [];
  const without = items.length > 1 ? items.map((item) => fit(table(item))) : [];
  const found = Array(models).fill(null);
  present.forEach((model, index) => {
    if (!without.length) return (found[model] = [ratings[index], null, null]);
    const squares = without.reduce((sum, each) => sum + (each[index] - ratings[index]) ** 2, 0);
    const half = student[items.length - 2] * Math.sqrt(((items.length - 1) / items.length) * squares);
    found[model] = [ratings[index], ratings[index] - half, ratings[index] + half];
  });
  return found;
}

/**
 * Elo's ratings. Each vote moves the ratings of its two models a step toward the result of the vote.
 * @param {Cast[]} votes
 * @param {number} models the number of models
 * @returns {number[][]} the ratings of all models before the first vote, and after each vote
 */
export function elo(votes, models, step = 16) {
  const path = [Array(models).fill(1000)];
  for (const [left, right, result] of votes) {
    const now = [...path.at(-1)];
    const expected = 1 / (1 + 10 ** ((now[right] - now[left]) / 400));
    now[left] += step * (result - expected);
    now[right] -= step * (result - expected);
    path.push(now);
  }
  return path;
}

/**
 * Return the votes in a random order that depends only on `seed`. With the seed 0 the order stays.
 * @param {Cast[]} votes
 * @param {number} seed
 */
export function shuffled(votes, seed) {
  const list = [...votes];
  let state = seed;
  const random = () => { // the random number generator mulberry32
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  for (let last = seed ? list.length - 1 : 0; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [list[last], list[other]] = [list[other], list[last]];
  }
  return list;
}

/**
 * Return the order in which contests are judged. It is the order of `stories`, except that a contest waits while its story is
 * among the last `apart` stories, as long as there is a contest with another story to take its place.
 * @param {string[]} stories the story of each contest
 * @returns {number[]} indices
 */
export function spaced(stories, apart = SPACED) {
  const rest = stories.map((_, index) => index);
  const order = [];
  while (rest.length) {
    const last = order.slice(-apart).map((index) => stories[index]);
    const at = Math.max(0, rest.findIndex((index) => !last.includes(stories[index])));
    order.push(...rest.splice(at, 1));
  }
  return order;
}

/**
 * Split a story at the ends of its sentences: [its first sentence, the sentences between, its last sentence, which the models go
 * on with]. Either of the first two may be "".
 * @param {string} story
 */
export function splitStory(story) {
  const sentences = story.split(/(?<=[.?!][”"]?) (?=[“"A-Z])/u);
  return [sentences.length > 1 ? sentences[0] : "", sentences.slice(1, -1).join(" "), sentences.at(-1) ?? ""];
}

const points = (number) => Math.round(number).toLocaleString("en-US").replace("-", "−");

export function render({ model, el }) {
  const { models, contests, voter: theirName, votes: cast, ratings: stored, student } = model.get("data");
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const items = [...new Set(contests.map(([prompt]) => prompt))];
  /** @type {Map<string, Rating[]>} from the visitor's picks, such as "lrn", to the models' ratings after these votes */
  const rated = new Map([["", models.map(() => null)]]);
  // In a notebook, ask for the votes in the given order of the contests, because the kernel takes the visitor's first vote
  // for a vote on the first contest, and so on. On a page, put short stories before long stories, and among stories of the same
  // kind put those in which the voter "rule" prefers one ending before the others. Then keep contests on the same story apart.
  const given = contests.map((_, index) => index);
  const hard = (index) => 2 * Number(contests[index][0].length > LONG) + Number(cast.rule[index] === 0.5);
  const easyFirst = [...given].sort((one, other) => hard(one) - hard(other));
  const turns = model.get("live") ? given : spaced(easyFirst.map((index) => contests[index][0])).map((at) => easyFirst[at]);
  const asks = (vote) => contests[turns[vote]]; // the contest for the visitor's vote number `vote`, counted from 0
  const voters = { you: "You", rule: capital(theirName), length: "The longer answer" };

  const need = Math.min(FEW, contests.length);
  let half = HALF; // the scale reaches from 1,000 - half to 1,000 + half, so that it has room for all ratings and bands that are shown
  const across = (rating) => 50 + (50 * Math.max(-half, Math.min(half, rating - 1000))) / half;
  let opened = false; // whether the box with the other voters' votes is open
  const seen = new Set(); // the other voters whose votes the visitor has seen
  const watched = () => seen.size > 0;

  /** A story as HTML elements. Its first and its last sentence are large, because most endings can be judged by them alone. */
  const told = (story) => splitStory(story).flatMap((part, index) => (part ? [make(index === 1 ? "span" : "b", "", part), " "] : []));

  adopt(el, "vt");
  const { head, loud, loudWords } = headline("vt");
  const take = make("p", "vt-take");
  const ring = make("section", "vt-ring");
  ring.setAttribute("aria-label", "Two answers");
  const prompt = make("div", "vt-prompt");
  const endings = contests.flatMap(([story, , one, , other]) => [[story, one], [story, other]]);
  for (const [name, fits] of [["", (story) => story.length <= LONG], [" long", (story) => story.length > LONG]]) {
    // For short stories, and again for long ones, an invisible paragraph with the longest story and its ending reserves the height.
    const whole = endings.filter(([story]) => fits(story));
    const [story, ending] = whole.reduce((most, each) => (each.join().length > most.join().length ? each : most), ["", ""]);
    const room = prompt.appendChild(make("p", `vt-room${name}`));
    room.append(...told(story), ending);
    room.setAttribute("aria-hidden", "true");
  }
  const asked = make("p", "vt-asked");
  const gap = make("span", "vt-gap");
  gap.setAttribute("aria-hidden", "true");
  prompt.append(asked);
  const cards = make("div", "vt-cards");
  cards.tabIndex = -1;
  cards.setAttribute("role", "group");
  cards.setAttribute("aria-label", "The two endings");
  const [left, right] = ["l", "r"].map((pick, index) => {
    const card = make("button", "vt-card");
    const key = make("span", "vt-key", pick === "l" ? "←" : "→");
    key.setAttribute("aria-hidden", "true");
    card.append(make("span", "vt-answer"), make("span", "vt-of"), key); // the answer, its model's name (only on another voter's votes), and the arrow key to press
    card.addEventListener("click", () => vote(pick));
    // After a vote the pointer still rests on a card. Fill the gap in the next story with this card's answer only if the pointer moves.
    card.addEventListener("pointermove", ({ pointerType }) => {
      cards.classList.remove("rests");
      if (pointerType !== "touch") fill(2 + 2 * index);
    });
    card.addEventListener("focus", () => card.matches(":focus-visible") && fill(2 + 2 * index));
    for (const event of ["pointerleave", "blur"]) card.addEventListener(event, () => fill());
    card.addEventListener("pointerleave", () => cards.classList.remove("rests"));
    cards.append(card);
    return card;
  });
  const neither = make("button", "vt-neither", "↑ No difference");
  neither.addEventListener("click", () => vote("n"));
  const past = make("div", "vt-past");
  const last = past.appendChild(make("p", "vt-last"));
  const [pastLeft, pastRight] = ["l", "r"].map(() => past.appendChild(make("p", "vt-was")));
  const verdict = make("p", "vt-verdict");
  const back = make("button", "vt-back", "Take it back");
  back.addEventListener("click", takeBack);
  const under = make("div", "vt-under");
  under.append(verdict, back);
  const sheet = make("div", "vt-sheet");
  sheet.append(prompt, cards, neither);
  ring.append(sheet, past, under);

  const scale = make("section", "vt-scale");
  scale.setAttribute("aria-label", "Ratings");
  // A bead for each vote that the visitor must cast to open the box, and after the beads the box with the other voters' votes
  const seal = make("div", "vt-seal");
  const box = make("span", "vt-box");
  box.innerHTML = '<svg viewBox="6 18 52 44" aria-hidden="true"><path d="M14 32v24h36V32M9 31h46"/><circle cx="32" cy="44" r="5"/></svg>';
  const pips = make("span", "vt-pips");
  const beads = Array.from({ length: need }, () => pips.appendChild(make("i")));
  seal.append(pips, box, make("span", "vt-inside", `${contests.length} votes inside`));
  const choice = make("div", "vt-voters");
  choice.setAttribute("role", "radiogroup");
  choice.setAttribute("aria-label", "Whose votes");
  const names = Object.keys(voters);
  const buttons = names.map((name) => {
    const button = make("button");
    button.append(make("span", "", voters[name]), make("span", "vt-rivals"));
    radio(button, () => buttons, (at) => choose(names[at]));
    choice.append(button);
    return button;
  });
  const lanes = make("div", "vt-lanes");
  const rows = models.map((name) => {
    const row = make("div", "vt-lane");
    const track = make("span", "vt-track");
    const parts = Object.fromEntries(["band", "trail", "dot"].map((part) => [part, track.appendChild(make("i", `vt-${part}`))]));
    const rating = track.appendChild(make("span", "vt-rating num")); // the rating as a number, which moves along with the dot
    const called = make("b", "", name);
    const could = called.appendChild(make("small", "vt-first")); // whether this model could be first
    row.append(called, track);
    lanes.append(row);
    return { row, rating, could, ...parts };
  });
  // The range of the best model's band, drawn through the lanes of all models. A model whose band reaches into it could be first.
  const field = make("div", "vt-field");
  const zone = field.appendChild(make("i", "vt-zone"));
  lanes.prepend(field);
  const note = make("p", "vt-note");
  const counter = make("div", "vt-counter");
  const play = make("button", "vt-play", "▶ Vote by vote");
  const slider = make("input");
  Object.assign(slider, { type: "range", min: "2", max: String(contests.length) });
  slider.setAttribute("aria-label", "Votes that are counted");
  slider.addEventListener("input", () => {
    stop();
    keep({ count: Number(slider.value) });
  });
  counter.append(play, slider);
  const top = make("div", "vt-top");
  top.append(seal, choice);
  scale.append(top, lanes, note, counter);

  const steps = make("details", "vt-steps");
  const title = make("summary", "", "Does the order of the votes count?");
  const orderWords = make("p", "vt-order-words");
  const svg = shape("svg", { class: "vt-chart", role: "img", preserveAspectRatio: "none", viewBox: "0 0 1000 300" });
  const lines = models.map(() => svg.appendChild(shape("path")));
  const margin = make("div", "vt-ends");
  const endRows = models.map((name) => {
    const end = make("span", "vt-end");
    end.append(make("b", "", name), " ", make("span", "num"));
    margin.append(end);
    return { end, range: margin.appendChild(make("i", "vt-range")) };
  });
  const plot = make("div", "vt-plot");
  const begin = make("span", "vt-begin", "all begin at 1,000");
  const counted = make("span", "vt-number");
  plot.append(svg, margin, begin, counted);
  const tools = make("div", "vt-tools");
  const shuffle = make("button", "vt-shuffle", "Shuffle the votes");
  const asCast = make("button", "", "As they were cast");
  tools.append(shuffle, asCast);
  steps.append(title, orderWords, plot, tools);
  const { live, speak, hush } = announcer();
  const stage = make("div", "vt-stage");
  stage.append(ring, scale);
  el.append(head, take, stage, steps, live);

  const picks = () => model.get("picks") ?? "";
  const voter = () => (voters[model.get("voter")] ? model.get("voter") : "you");
  const results = () => (voter() === "you" ? [...picks()].map((pick) => RESULTS[pick]) : cast[voter()].slice(0, count()));
  const count = () => Math.min(contests.length, Math.max(2, model.get("count") ?? contests.length));
  /** @returns {Cast[]} */
  const asVotes = (list, name = voter()) => list.map((result, index) => {
    const [text, one, , other] = name === "you" ? asks(index) : contests[index];
    return [models.indexOf(one), models.indexOf(other), result, items.indexOf(text)];
  });
  /** The models' ratings after the chosen voter's votes, or null while the host computes them. */
  function ratings() {
    if (voter() !== "you") return stored[voter()][count() - 1];
    if (!picks()) return models.map(() => null);
    if (!model.get("live")) {
      for (const list of [picks().slice(0, -1), picks()]) {
        if (!rated.has(list)) rated.set(list, bradleyTerry(asVotes([...list].map((pick) => RESULTS[pick])), models.length, student));
      }
    }
    else if (!rated.has(picks()) && model.get("want")?.picks !== picks()) model.set("want", { picks: picks() });
    return rated.get(picks()) ?? null;
  }
  const keep = keeper(model, update);

  const easing = "cubic-bezier(.2,.7,.2,1)";
  /** The two answers of the visitor's last vote with their models' names, shown until the visitor goes on to the next story. */
  const turned = make("div", "vt-turned");
  turned.addEventListener("click", next);
  const onward = make("button", "vt-next");
  const covered = [prompt, cards, neither]; // what `turned` covers
  function vote(pick) {
    if (turned.isConnected) return next();
    if (picks().length >= contests.length) return;
    stop();
    const contest = asks(picks().length);
    cards.classList.add("rests");
    keep({ picks: picks() + pick, voter: "you" });
    // On a narrow screen the ratings are below the story: scroll until they are in sight.
    if (getComputedStyle(ring).display === "contents") lanes.scrollIntoView({ block: "nearest", behavior: still.matches ? "auto" : "smooth" });
    if (still.matches) return;
    const story = make("p", "vt-asked");
    story.classList.toggle("long", contest[0].length > LONG);
    story.append(...told(contest[0]), make("span", "vt-gap"));
    const room = make("div", "vt-prompt");
    room.append(...[...prompt.querySelectorAll(".vt-room")].map((one) => one.cloneNode(true)), story);
    const backs = make("div", "vt-cards");
    for (const [at, side] of [[1, "l"], [3, "r"]]) {
      const card = backs.appendChild(make("div", "vt-card"));
      card.classList.toggle("won", pick === side);
      card.append(make("b", "", contest[at]), make("span", "", contest[at + 1]));
      card.animate([{ transform: "perspective(60rem) rotateY(90deg)" }, { transform: "none" }], { duration: 320, easing });
    }
    onward.textContent = picks().length < contests.length ? "Next story →" : "Go on →";
    turned.replaceChildren(room, backs, onward);
    const focused = sheet.contains(document.activeElement);
    sheet.append(turned);
    el.classList.add("turning");
    for (const part of covered) part.inert = true;
    if (focused) onward.focus({ preventScroll: true });
  }
  /** Move the two turned answers from the cards to the place for past answers, and show the next contest. */
  function next() {
    if (!turned.isConnected) return;
    const focused = turned.contains(document.activeElement);
    const from = [...turned.querySelectorAll(".vt-card")].map((card) => card.getBoundingClientRect());
    turned.remove();
    for (const part of covered) part.inert = false;
    if (focused) cards.focus({ preventScroll: true });
    cards.classList.add("rests");
    el.classList.remove("turning");
    [pastLeft, pastRight].forEach((was, index) => {
      const to = was.getBoundingClientRect();
      const start = `translate(${from[index].left - to.left}px, ${from[index].top - to.top}px)`;
      was.animate([{ transform: start, opacity: 0.6 }, { transform: "none", opacity: 1 }], { duration: 280, easing });
    });
    for (const card of [left, right]) {
      card.animate([{ opacity: 0, transform: "translateY(-10px)" }, { opacity: 1, transform: "none" }], { duration: 280, easing });
    }
  }
  function takeBack() {
    next();
    keep({ picks: picks().slice(0, -1) });
  }
  function press(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return; // leave these keys to the browser
    const pick = { ArrowLeft: "l", ArrowRight: "r", ArrowUp: "n" }[event.key];
    // Take the focus from a card that was clicked, because with the focus it would look preselected in the next story.
    if (pick && cards.contains(document.activeElement)) cards.focus({ preventScroll: true });
    if (pick) vote(pick);
    else if (event.key === "Backspace" && picks()) takeBack();
    else return;
    event.preventDefault();
  }
  ring.addEventListener("keydown", press);
  /** While the answers are in sight and no other element has the focus, the arrow keys vote, too. But in a page that
   * was scrolled down, the up arrow scrolls. */
  function pressPage(event) {
    const { top, bottom } = cards.getBoundingClientRect();
    const seen = bottom > 0 && top < innerHeight;
    if (event.target !== document.body || ring.inert || !seen || (event.key === "ArrowUp" && scrollY > 0)) return;
    press(event);
  }
  document.addEventListener("keydown", pressPage);

  let clock = 0;
  function stop() {
    clearTimeout(clock);
    clock = 0;
    ring.inert = voter() !== "you"; // the visitor can't vote while the cards show another voter's votes
    play.textContent = { rule: `▶ Watch ${contests.length} votes`, length: "▶ What if the longer always wins?", none: "▶ Vote by vote" }[unseen()];
  }
  /** The voter whose votes the visitor is to see next, or "none". */
  const unseen = () => (!watched() ? "rule" : seen.has("length") ? "none" : "length");
  function tick() {
    keep({ count: count() + 1 });
    if (count() >= contests.length) return stop();
    clock = setTimeout(tick, Math.max(25, 220 - 12 * count()));
  }
  function watch() {
    if (clock) return stop();
    if (unseen() === "length") return choose("length"); // all its votes at once, so that the bars travel from one voter's to the other's
    if (voter() === "you") choose("rule");
    else if (still.matches) return keep({ count: count() < contests.length ? contests.length : FEW });
    if (still.matches) return;
    keep({ count: 2 });
    play.textContent = "■ Stop";
    clock = setTimeout(tick, 300);
  }
  play.addEventListener("click", watch);
  function choose(name) {
    next();
    stop();
    keep({ voter: name, count: contests.length });
  }
  shuffle.addEventListener("click", () => keep({ order: 1 + ((model.get("order") ?? 0) % 999) }));
  asCast.addEventListener("click", () => keep({ order: 0 }));

  /** Fill the story's gap. `answer` is 2 for the left answer, 4 for the right answer, and 0 for an empty gap. */
  function fill(answer = 0, contest = asks(picks().length)) {
    gap.textContent = contest && answer ? contest[answer] : "";
    gap.classList.toggle("filled", Boolean(contest && answer));
  }

  let explained = ""; // a sentence about the visitor's last vote, or ""
  function drawRing() {
    const done = picks().length;
    const own = voter() === "you";
    const contest = own ? asks(done) : contests[count() - 1];
    const theirs = own ? null : cast[voter()][count() - 1];
    el.classList.toggle("theirs", !own);
    el.classList.toggle("unread", voter() === "length"); // the voter "length" does not read the story
    neither.classList.toggle("won", theirs === 0.5);
    for (const button of [left, right, neither]) button.disabled = !contest;
    asked.replaceChildren(...(contest ? [...told(contest[0]), gap] : ["That was the last pair."]));
    asked.classList.toggle("long", (contest?.[0].length ?? 0) > LONG);
    fill(own ? 0 : { 1: 2, 0: 4 }[theirs], contest);
    [[left, 2, "Left", 1], [right, 4, "Right", 0]].forEach(([card, index, side, wins]) => {
      card.firstChild.textContent = contest ? contest[index] : "";
      const length = voter() === "length" ? `, ${contest[index].length} characters` : "";
      card.querySelector(".vt-of").textContent = own ? "" : `${contest[index - 1]}${length}`;
      card.classList.toggle("won", theirs === wins);
      card.setAttribute("aria-label", contest ? `${side}: ${contest[index]}` : side);
    });
    back.style.visibility = done && own ? "visible" : "hidden";
    past.classList.toggle("empty", !done);
    const again = Boolean(done && contest) && contest[0] === asks(done - 1)[0];
    last.textContent = again ? "The same story comes again, for another pair of models." : "";
    explained = "";
    if (!done) {
      for (const was of [pastLeft, pastRight]) was.replaceChildren();
      verdict.textContent = "";
      return;
    }
    const [, one, text, other, second] = asks(done - 1);
    const pick = picks().at(-1);
    [[pastLeft, one, text, "l"], [pastRight, other, second, "r"]].forEach(([was, name, answer, side]) => {
      was.replaceChildren(make("b", "", name), make("span", "", answer));
      was.classList.toggle("ember", pick === side);
    });
    const rule = cast.rule[turns[done - 1]];
    const took = rule === 0.5 ? "neither" : rule ? one : other;
    const same = [...picks()].filter((each, index) => RESULTS[each] === cast.rule[turns[index]]).length;
    verdict.textContent = watched() ? `${capital(theirName)} took ${took}. You agree on ${same} of ${done}.` : "";
    if (!opened) explained = why(pick, one, other);
  }
  /** A sentence on which model the visitor picked, and on how likely this was by the ratings before this vote. */
  function why(pick, one, other) {
    if (voter() !== "you" || !rated.has(picks()) || !rated.has(picks().slice(0, -1))) return "";
    const before = rated.get(picks().slice(0, -1));
    const [won, lost] = (pick === "r" ? [other, one] : [one, other]).map((name) => models.indexOf(name));
    if (pick === "n") return "You saw no difference.";
    const first = !before[won] || !before[lost];
    if (first) return `You picked ${models[won]}. A first vote moves a rating far.`;
    const chance = 1 / (1 + 10 ** ((before[lost][0] - before[won][0]) / 400));
    const share = `${Math.min(99, Math.max(1, Math.round(100 * chance)))}%`;
    return `You picked ${models[won]}. By your earlier votes its chance was ${share}${chance < 0.4 ? ": a surprise" : ""}.`;
  }

  function drawSeal() {
    if (voter() !== "you") seen.add(voter());
    opened ||= watched() || picks().length >= need;
    el.classList.toggle("sealed", !opened);
    el.classList.toggle("unwatched", !watched());
    el.classList.toggle("hosted", Boolean(model.get("live")));
    beads.forEach((bead, index) => bead.classList.toggle("cast", index < picks().length));
    choice.inert = !watched();
    steps.hidden = !watched();
  }

  function drawScale(found) {
    const few = results().length < FEW;
    half = Math.max(HALF, ...found.filter(Boolean).flatMap(([rating, ...ends]) => [rating, ...(few ? [] : ends.slice(0, 2).filter((end) => end !== null))]).map((end) => 100 * Math.ceil((1.4 * Math.abs(end - 1000)) / 100)));
    const first = few ? null : found[ranked(found)[0]];
    const mark = rivals(found) === 1 ? "first" : "first?"; // at each model that could be first
    zone.hidden = first?.[1] == null;
    if (!zone.hidden) {
      zone.style.left = `${across(first[1])}%`;
      zone.style.width = `${across(first[2]) - across(first[1])}%`;
    }
    const order = models.map((_, index) => index).sort((one, other) => (found[other]?.[0] ?? 1000) - (found[one]?.[0] ?? 1000) || one - other);
    el.classList.toggle("counting", clock !== 0);
    el.classList.toggle("blank", !found.some(Boolean));
    rows.forEach(({ row, rating, could, band, trail, dot }, index) => {
      const now = found[index];
      const known = now && !few && now[1] !== null;
      const rank = order.indexOf(index);
      row.style.transform = `translateY(${100 * rank}%)`;
      const was = voter() === "you" && picks() ? rated.get(picks().slice(0, -1))?.[index] : null;
      const step = now && was ? Math.round(now[0]) - Math.round(was[0]) : 0;
      const moved = step ? ` ${step > 0 ? "▲" : "▼"}${Math.abs(step)}` : "";
      rating.replaceChildren(now ? points(now[0]) : "", make("small", step > 0 ? "up" : "", !now ? "no vote yet" : known ? "" : moved));
      const out = Boolean(known && first?.[1] > now[2]);
      row.classList.toggle("out", out);
      could.textContent = !known || out ? "" : mark;
      const [low, high] = known ? [across(now[1]), across(now[2])] : [0, 100];
      band.style.left = `${low}%`;
      band.style.width = `${high - low}%`;
      band.classList.toggle("unknown", !known);
      band.parentElement.title = known ? `${points(now[0])}, 95% interval ${points(now[1])} to ${points(now[2])}` : "";
      // Until the next vote, a trail shows where the dot came from.
      const [to, from] = [now, was ?? (picks().length === 1 && now ? [1000] : now)].map((each) => across(each?.[0] ?? 1000));
      trail.style.left = `${Math.min(from, to)}%`;
      trail.style.width = `${Math.abs(to - from)}%`;
      trail.classList.toggle("left", to < from);
      trail.hidden = voter() !== "you" || from === to;
      dot.style.left = rating.style.left = `${to}%`;
      rating.classList.toggle("far", to > 70); // far to the right, the step stands on the left of the rating
      dot.classList.toggle("unknown", !now);
      dot.classList.toggle("small", Boolean(known));
      rating.classList.toggle("none", !now);
    });
    note.textContent = !found.some(Boolean) ? "All start level. Each vote moves two of them." : few ? "Further right: wins more often." : "Further right: wins more often. Bar: where the rating may really be.";
    buttons.forEach((button, index) => {
      button.setAttribute("aria-checked", String(names[index] === voter()));
      button.tabIndex = names[index] === voter() ? 0 : -1;
      const many = names[index] === "you" || seen.has(names[index]) ? rivalsOf(names[index]) : null;
      button.lastChild.replaceChildren(make("b", "", many === null ? "?" : String(many)), many === null ? "" : many > 1 ? " could be first" : " is first");
    });
    slider.style.visibility = voter() === "you" ? "hidden" : "visible";
    if (!clock) stop();
    slider.value = String(count());
    slider.setAttribute("aria-valuetext", `${count()} votes`);
  }

  const place = (list, index) => 1 + list.filter((each) => (each?.[0] ?? 0) > (list[index]?.[0] ?? 0)).length;
  const ranked = (list) => models.map((_, index) => index).sort((one, other) => place(list, one) - place(list, other));
  /** How many models could be first by all votes of a voter, or null if too few votes are cast. */
  function rivalsOf(name) {
    const found = name === "you" ? rated.get(picks()) : stored[name].at(-1);
    return found ? rivals(found, name === "you" ? picks().length : contests.length) : null;
  }
  /** How many models could be first: the model with the highest rating, and each model whose interval reaches into the
   * interval of that model. Null as long as no intervals are shown. `number` is the number of votes. */
  function rivals(found, number = results().length) {
    const lowest = found[ranked(found)[0]]?.[1];
    if (number < FEW || found.some((each) => each?.[1] == null)) return null;
    return found.filter(([, , high]) => high >= lowest).length;
  }
  function drawHead(found) {
    const number = results().length;
    if (voter() === "you" && number && !rated.has(picks())) return; // the host still computes the ratings
    const votes = `${number} vote${number === 1 ? "" : "s"}`;
    const [first, second] = ranked(found);
    const tied = !found[first] || (found[second] && Math.round(found[first][0]) === Math.round(found[second][0]));
    const many = rivals(found);
    const leads = tied ? "Nobody leads" : `${models[first]} leads`;
    const of = { you: `after your ${votes}`, rule: `after ${votes} of ${theirName}`, length: `if the longer answer always wins` }[voter()];
    loud.textContent = many === null ? leads : many > 1 ? `${many} of ${models.length}` : `${models[first]} is first`;
    loudWords.textContent = many > 1 ? `could be first ${of}` : of;
    loud.classList.toggle("ember", opened || number > 0);
    take.textContent = "";
    if (!opened) {
      loud.textContent = number ? leads : "Press what fits.";
      loudWords.textContent = number ? `after ${number} of ${need} votes` : "";
      take.textContent = number ? explained : `Then you see whose it is. ${need} votes open the box.`;
    } else if (!watched()) {
      take.textContent = many === 1 ? `Do ${contests.length} votes of ${theirName} say the same?` : `Too few votes to tell. Now watch ${contests.length} of ${theirName}.`;
    } else if (voter() === "you") {
      const [theirs] = ranked(stored.rule.at(-1));
      const others = `the ${contests.length} votes of ${theirName}`;
      if (tied) return;
      take.textContent = `You put ${models[first]} first${first === theirs ? `, as ${others} do` : `, but ${others} put ${models[theirs]} first`}.`;
    } else if (voter() === "rule") {
      take.textContent = many === 1 ? "No other bar reaches its own. Would any voter say so?" : many ? "More votes make the bars shorter." : "";
    } else {
      const other = results().filter((result, index) => result !== cast.rule[index]).length;
      const before = stored.rule[number - 1];
      const moved = models.map((name, index) => [name, place(before, index), place(found, index)]).filter(([, was, is]) => is < was);
      take.textContent = `This voter reads nothing: ${other} of ${number} votes differ. ${moved.length ? moved.map(([name, was, is]) => `${name} rises from place ${was} to ${is}`).join(", ") : "The order stays"}.`;
    }
  }

  let drawn = null; // the paths that are on the screen: for each vote, the ratings of all models
  let stopTravel = () => {};
  let ends = [600, 1400]; // the lowest and the highest rating on the upright axis
  const height = (rating) => 300 - (300 * (Math.max(ends[0], Math.min(ends[1], rating)) - ends[0])) / (ends[1] - ends[0]);
  function drawPaths(paths) {
    drawn = paths;
    const longest = voter() === "you" ? paths.length - 1 : contests.length;
    lines.forEach((line, index) => {
      line.setAttribute("d", paths.map((each, at) => `${at ? "L" : "M"}${((1000 * at) / longest).toFixed(1)} ${height(each[index]).toFixed(1)}`).join(""));
    });
  }
  let ranged = ["", []];
  /** The lowest and the highest final rating of each model over many orders of the votes. While the votes are counted one by
   * one, both are the final rating in `path`. */
  function rangesOf(votes, path) {
    if (clock) return path.at(-1).map((rating) => [rating, rating]);
    const name = `${voter()} ${voter() === "you" ? picks() : count()} ${votes.length}`;
    if (ranged[0] !== name) {
      const lasts = [path.at(-1)];
      for (let seed = 1; votes.length && seed <= ORDERS; seed++) lasts.push(elo(shuffled(votes, seed), models.length).at(-1));
      ranged = [name, models.map((_, index) => [Math.min(...lasts.map((each) => each[index])), Math.max(...lasts.map((each) => each[index]))])];
    }
    return ranged[1];
  }
  function drawSteps() {
    // As long as the visitor has cast few votes, use the votes of the voter "rule" to show the effect of the order.
    const own = results().length >= FEW || voter() !== "you";
    const votes = own ? asVotes(results()) : asVotes(cast.rule, "rule");
    const seed = model.get("order") ?? 0;
    const path = elo(shuffled(votes, seed), models.length);
    const spans = rangesOf(votes, path);
    const whole = clock ? elo(asVotes(cast[voter()]), models.length) : path; // counts all votes, so that the scale stays the same while the votes are counted one by one
    const all = [...whole.flat(), ...spans.flat()];
    ends = [Math.min(...all, 970) - 8, Math.max(...all, 1030) + 8];
    stopTravel();
    const from = drawn;
    if (from?.length === path.length && path.length > 1 && !still.matches && !clock) {
      stopTravel = glide(280, (part) => {
        drawPaths(path.map((each, at) => each.map((rating, index) => from[at][index] + part * (rating - from[at][index]))));
      });
    } else drawPaths(path);
    const last = path.at(-1);
    // Each label stands at the end of its line or, if it would overlap the label above, directly below that label.
    let free = -Infinity;
    const by = models.map((_, index) => index).sort((one, other) => last[other] - last[one]);
    for (const index of by) {
      const { end, range } = endRows[index];
      const top = Math.max(free, height(last[index]) / 3);
      free = top + 9;
      end.style.top = `${top}%`;
      end.querySelector(".num").textContent = points(last[index]);
      range.style.top = `${height(spans[index][1]) / 3}%`;
      range.style.height = `${(height(spans[index][0]) - height(spans[index][1])) / 3}%`;
    }
    const widest = spans.map(([low, high]) => high - low).reduce((best, width, index, all) => (width > all[best] ? index : best), 0);
    const [low, high] = spans[widest];
    const whose = own ? "" : ` Here are ${theirName}'s.`;
    const ranges = clock ? "" : ` ${models[widest]} ends at ${points(last[widest])}, in ${ORDERS} orders from ${points(low)} to ${points(high)}.`;
    orderWords.textContent = `Elo moves two ratings a step with each vote.${whose}${ranges} Fitted at once, as above, the order does not count.`;
    counted.textContent = `${votes.length} votes →`;
    svg.setAttribute("aria-label", `Elo's ratings after each of ${votes.length} votes: ${models.map((name, index) => `${name} ends at ${points(last[index])}`).join(", ")}`);
    asCast.disabled = !seed;
  }

  let shown = models.map(() => null);
  function update() {
    const found = ratings();
    if (found) shown = found;
    drawSeal();
    drawRing();
    drawHead(shown);
    drawScale(shown);
    if (watched()) drawSteps();
    const summary = models.map((name, index) => (shown[index] ? `${name} ${points(shown[index][0])}` : "")).filter(Boolean).join(", ");
    const named = voter() === "you" && picks() ? `Left was ${asks(picks().length - 1)[1]}, right was ${asks(picks().length - 1)[3]}. ${verdict.textContent} ` : "";
    speak(`${named}${loud.textContent} ${loudWords.textContent}. ${take.textContent} ${summary}`);
  }
  function listen() {
    const said = model.get("said");
    if (said?.error) loudWords.textContent = said.error;
    if (!said?.ratings) return;
    rated.set(said.want.picks, said.ratings);
    update();
  }

  model.on("change:said", listen);
  const keys = ["picks", "voter", "count", "order"];
  for (const key of keys) model.on(`change:${key}`, update);
  update();
  return () => {
    stop();
    hush();
    stopTravel();
    document.removeEventListener("keydown", pressPage);
    model.off("change:said", listen);
    for (const key of keys) model.off(`change:${key}`, update);
  };
}

export default { render };
