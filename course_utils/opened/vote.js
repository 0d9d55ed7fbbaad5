// Each model has a face and a lane on a track. The visitor sees two answers without their models' names and presses the better
// one, or drags it onto the story or the track. Each answer flies to the face of its model, and the two faces move to their
// new ratings. A bar around each face shows where the rating may really be, and the headline says how many models could still
// be first. One press pours in another voter's votes, each a dot in the colour of the model that won it.
// The view's `data` is {models, contests: [[prompt, left model, left answer, right model, right answer], …], voter: the name
// of the voter "rule", votes: {rule, length}, ratings: {rule, length}, student: values of Student's t}. The voter "length"
// always votes for the longer answer.
// The visitor chooses `picks` (a letter for each vote: l, r, or n for neither), `voter` (you, rule or length), `count` (how
// many of the voter's votes are counted) and `order` (0 is the order in which the votes were cast; any other number is the
// seed of a random order).
// A host that can compute gets `want` {picks}, and answers with `said` {ratings}: the models' ratings after these votes.
import { adopt, announcer, capital, glide, headline, keeper, make, onCarry, radio, shape } from "./view.js";

const FEW = 30; // with fewer votes, an interval that leaves out one story at a time says little, and `doubts` gives the interval
const OWN = 10; // after this many votes of the visitor, they are enough to show what their order does
const ENOUGH = 3; // after this many votes, the button that pours in another voter's votes is drawn strongly
const LONG = 220; // a story with more characters than this is set in smaller letters
const HALF = 500; // the scale of ratings reaches at least from 1,000 - HALF to 1,000 + HALF
const SPACED = 8; // the number of other stories between two votes on the same story
const ORDERS = 200;
const SETTLE = 500; // ms after a vote in which no press of a pointer votes, because nobody has read the next pair yet
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

/** What is drawn on a model's disk, by the model's place in the list. `var(--on)` is the colour of the drawing. */
const FACES = [
  // a bird of prey: slanted brows and a beak
  '<path d="M14 20 27 26M50 20 37 26" fill="none" stroke="var(--on)" stroke-width="4" stroke-linecap="round"/><circle cx="21" cy="31" r="4.5"/><circle cx="43" cy="31" r="4.5"/><path d="M24 37h16L33 53Q31 46 24 37z"/>',
  // a llama: long ears and a muzzle
  '<path class="vt-ears" d="M12 14Q10-12 17-12 25-10 25 8zM52 14Q54-12 47-12 39-10 39 8z"/><circle cx="19" cy="28" r="4.5"/><circle cx="45" cy="28" r="4.5"/><path d="M24 10q4 7 8 0 4 7 8 0" fill="none" stroke="var(--on)" stroke-width="4" stroke-linecap="round"/><ellipse cx="32" cy="43" rx="10" ry="11"/><path d="M29 38h6l-3 4v5M26 49q6 3 12 0" fill="none" stroke="var(--own)" stroke-width="3" stroke-linecap="round" stroke-linejoin="round"/>',
  // a wind: eyes shut, and a gust that leaves the disk
  '<path d="M14 27q5 5 10 0M34 27q5 5 10 0" fill="none" stroke="var(--on)" stroke-width="4" stroke-linecap="round"/><circle cx="36" cy="44" r="6"/><path class="vt-gust" d="M50 38q8-5 15 0M50 46q9 5 18 0" fill="none" stroke-width="4" stroke-linecap="round"/>',
  // a mixture of experts: many eyes
  '<circle cx="22" cy="22" r="5.5"/><circle cx="42" cy="22" r="5.5"/><circle cx="22" cy="38" r="5.5"/><circle cx="42" cy="38" r="5.5"/><path d="M25 52h14" stroke="var(--on)" stroke-width="4" stroke-linecap="round"/>',
];
/** A model's face: a disk with a drawing, in the colour that `--own` is where the face stands. */
function face(index) {
  const whole = make("i", "vt-face");
  whole.innerHTML = `<svg viewBox="0 0 64 64" aria-hidden="true"><circle class="vt-disk" cx="32" cy="32" r="30"/>${FACES[index % FACES.length]}</svg>`;
  return whole;
}

/**
 * How far each model's rating may be from its fitted rating while few votes are cast: 1.96 standard errors, from the bend of
 * the likelihood at the fitted ratings.
 * @param {Cast[]} votes
 * @param {Rating[]} found
 * @returns {number[]} for each model
 */
export function doubts(votes, found) {
  const strengths = found.map((each) => (each ? (each[0] - 1000) / ELO : 0));
  const bends = strengths.map((own, row) => strengths.map((_, column) => {
    const alone = 1 / (1 + Math.exp(-own));
    return row === column ? 0.1 * alone * (1 - alone) : 0;
  }));
  for (const [left, right] of votes) {
    const chance = 1 / (1 + Math.exp(strengths[right] - strengths[left]));
    const weight = chance * (1 - chance);
    for (const [row, column] of [[left, right], [right, left]]) {
      bends[row][row] += weight;
      bends[row][column] -= weight;
    }
  }
  return strengths.map((_, model) => {
    const toward = strengths.map((_, other) => Number(other === model) - 1 / strengths.length); // a rating is measured from the mean of all
    const answer = solve(bends.map((row) => [...row]), [...toward]);
    return 1.96 * ELO * Math.sqrt(toward.reduce((sum, each, other) => sum + each * answer[other], 0));
  });
}

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

  let half = HALF; // the scale reaches from 1,000 - half to 1,000 + half, so that it has room for all ratings
  const across = (rating) => 50 + (50 * Math.max(-half, Math.min(half, rating - 1000))) / half;
  const seen = new Set(); // the other voters whose votes the visitor has seen
  const watched = () => seen.size > 0;

  /** A story as HTML elements. Its first and its last sentence are large, because most endings can be judged by them alone. */
  const told = (story) => splitStory(story).flatMap((part, index) => (part ? [make(index === 1 ? "span" : "b", "", part), " "] : []));

  adopt(el, "vt");
  const { head, loud, loudWords } = headline("vt");
  const take = make("p", "vt-take");

  // The track: a lane for each model. The model's face stands at its rating, in the middle of a bar that covers the interval.
  const track = make("section", "vt-track");
  track.setAttribute("aria-label", "Ratings");
  const lanes = make("div", "vt-lanes");
  const key = make("span", "vt-key-of-bar");
  key.append(make("i"), make("span", "vt-who", "a model "), "may stand anywhere in its bar", make("span", "vt-line-words", ", and could be first if the bar reaches the dashed line"));
  const better = make("span", "vt-end-of-scale");
  better.append(make("span", "vt-who", "higher rating: "), "wins more often →");
  lanes.append(key, better);
  const field = lanes.appendChild(make("div", "vt-field"));
  const goal = field.appendChild(make("i", "vt-goal")); // where the first model's bar begins: who does not reach this line can't be first
  const rows = models.map((name, index) => {
    const row = make("div", `vt-lane of-${index % FACES.length}`);
    const called = make("span", "vt-name");
    called.append(make("b", "", name));
    const rated = called.appendChild(make("span", "vt-rated"));
    rated.append(make("span", "vt-who", "rating "));
    const rating = rated.appendChild(make("span", "vt-rating num"));
    const lane = make("span", "vt-run");
    const band = lane.appendChild(make("i", "vt-band"));
    band.append(make("span", "", "last?"), make("span", "", "first?")); // what the ends of the bar mean, as long as the model has no vote
    band.setAttribute("aria-hidden", "true");
    const mark = lane.appendChild(make("span", "vt-mark"));
    mark.append(face(index));
    const said = mark.appendChild(make("span", "vt-said")); // the ending of this model in the visitor's last vote
    row.append(called, lane);
    lanes.append(row);
    return { row, rating, mark, said, band };
  });
  // A dot for each vote, in the colour of the model that won it. Of another voter's votes, the visitor chooses how many count.
  const tally = make("div", "vt-tally");
  const counted = make("span", "vt-counted");
  const strip = make("div", "vt-strip");
  const dots = contests.map(() => strip.appendChild(make("i")));
  const handle = strip.appendChild(make("b", "vt-handle"));
  const slider = strip.appendChild(make("input"));
  Object.assign(slider, { type: "range", min: "2", max: String(contests.length) });
  slider.setAttribute("aria-label", "Votes that are counted");
  slider.addEventListener("input", () => {
    stop();
    keep({ count: Number(slider.value) });
  });
  const play = make("button", "vt-play");
  tally.append(counted, strip, play);
  track.append(lanes, tally);

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
    card.append(make("span", "vt-answer"), make("span", "vt-of"), key); // the answer, its model (only on another voter's votes), and the arrow key to press
    card.addEventListener("click", () => vote(pick));
    movable(card, () => vote(pick));
    // After a vote the pointer still rests on a card. Fill the gap in the next story with this card's answer only if the pointer moves.
    card.addEventListener("pointermove", ({ pointerType }) => {
      cards.classList.remove("rests");
      if (pointerType !== "touch") fill(2 + 2 * index);
    });
    card.addEventListener("focus", () => card.matches(":focus-visible") && fill(2 + 2 * index));
    for (const event of ["pointerleave", "blur"]) card.addEventListener(event, () => fill());
    card.addEventListener("pointerleave", () => cards.classList.contains("settling") || cards.classList.remove("rests"));
    cards.append(card);
    return card;
  });
  const neither = make("button", "vt-neither");
  const upKey = make("span", "vt-up", "↑ ");
  upKey.setAttribute("aria-hidden", "true");
  neither.append(upKey, "No difference");
  neither.addEventListener("click", () => vote("n"));
  cards.append(neither);
  ring.append(prompt, cards);

  const acts = make("div", "vt-acts");
  const choice = make("div", "vt-voters");
  choice.setAttribute("role", "radiogroup");
  choice.setAttribute("aria-label", "Whose votes");
  const names = Object.keys(voters);
  const buttons = names.map((name) => {
    const button = choice.appendChild(make("button", "", voters[name]));
    radio(button, () => buttons, (at) => choose(names[at]));
    return button;
  });
  const back = make("button", "vt-back", "Take it back");
  back.addEventListener("click", takeBack);
  acts.append(choice, back);

  const steps = make("details", "vt-steps");
  const title = make("summary", "", "Does the order of the votes count?");
  const orderWords = make("p", "vt-order-words");
  const svg = shape("svg", { class: "vt-chart", role: "img", preserveAspectRatio: "none", viewBox: "0 0 1000 300" });
  const lines = models.map((_, index) => svg.appendChild(shape("path", { class: `of-${index % FACES.length}` })));
  const margin = make("div", "vt-ends");
  const endRows = models.map((name, index) => {
    const end = make("span", `vt-end of-${index % FACES.length}`);
    end.append(make("b", "", name), " ", make("span", "num"));
    margin.append(end);
    return { end, range: margin.appendChild(make("i", "vt-range")) };
  });
  const plot = make("div", "vt-plot");
  const begin = make("span", "vt-begin", "all begin at 1,000");
  const inAll = make("span", "vt-number");
  plot.append(svg, margin, begin, inAll);
  const tools = make("div", "vt-tools");
  const shuffle = make("button", "vt-shuffle", "Shuffle the votes");
  const asCast = make("button", "", "As they were cast");
  tools.append(shuffle, asCast);
  steps.append(title, orderWords, plot, tools);
  const { live, speak, hush } = announcer();
  el.append(head, take, track, ring, acts, steps, live);

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
  /** The ratings with their intervals. From few votes the interval is the one of `doubts`. A model without a vote may be anywhere. */
  function withDoubt(found) {
    const few = results().length < FEW;
    const half = few ? doubts(asVotes(results()), found) : [];
    return found.map((each, index) => {
      if (!each) return [1000, -Infinity, Infinity];
      const [rating, low, high] = each;
      return few || low === null ? [rating, rating - (half[index] ?? Infinity), rating + (half[index] ?? Infinity)] : [rating, low, high];
    });
  }
  const keep = keeper(model, update);

  const easing = "cubic-bezier(.2,.7,.2,1)";
  /** Let the visitor drag an ending. `dropped` is called if the ending is dropped on the story or on the track. */
  function movable(card, dropped) {
    let start = null;
    onCarry(el, card, {
      begin(down) {
        start = down;
        card.setPointerCapture(down.pointerId); // so that no other card gets the pointer's events
      },
      move({ clientX, clientY }) {
        card.style.transform = `translate(${clientX - start.clientX}px, ${clientY - start.clientY}px) rotate(-2deg)`;
      },
      end(event) {
        const on = event && [prompt, track].some((place) => {
          const { left: from, right: to, top, bottom } = place.getBoundingClientRect();
          return event.clientX >= from && event.clientX <= to && event.clientY >= top && event.clientY <= bottom;
        });
        if (on) dropped(); // before the card goes back, because the ending flies from where it was dropped
        card.style.transform = "";
      },
    });
  }
  let settles = 0;
  function vote(pick) {
    if (picks().length >= contests.length || voter() !== "you") return;
    stop();
    const [, one, , other] = asks(picks().length);
    const from = [left, right].map((card) => card.getBoundingClientRect());
    cards.classList.add("rests", "settling");
    clearTimeout(settles);
    settles = setTimeout(() => cards.classList.remove("settling"), SETTLE);
    keep({ picks: picks() + pick });
    if (lanes.getBoundingClientRect().top < 0) lanes.scrollIntoView({ block: "nearest", behavior: still.matches ? "auto" : "smooth" });
    if (still.matches) return;
    // Each ending flies to the face of the model that wrote it.
    [one, other].forEach((name, side) => {
      const { said } = rows[models.indexOf(name)];
      const to = said.getBoundingClientRect();
      const start = `translate(${from[side].left + 16 - to.left}px, ${from[side].top + from[side].height / 3 - to.top}px) scale(1.5)`;
      said.animate([{ transform: start }, { transform: "none" }], { duration: 450, easing });
    });
    asked.animate([{ opacity: 0 }, { opacity: 1 }], { duration: 300, easing });
    for (const card of [left, right]) card.animate([{ opacity: 0, transform: "translateY(14px)" }, { opacity: 1, transform: "none" }], { duration: 280, delay: 120, fill: "backwards", easing });
  }
  function takeBack() {
    keep({ picks: picks().slice(0, -1) });
  }
  function press(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return; // leave these keys to the browser
    if (event.repeat && cards.contains(event.target)) event.preventDefault(); // a key that is held votes once, Enter on a card, too
    if (event.repeat) return;
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
    const inSight = bottom > 0 && top < innerHeight;
    if (event.target !== document.body || ring.inert || !inSight || (event.key === "ArrowUp" && scrollY > 0)) return;
    press(event);
  }
  document.addEventListener("keydown", pressPage);

  let clock = 0;
  function stop() {
    clearTimeout(clock);
    clock = 0;
    ring.inert = voter() !== "you"; // the visitor can't vote while the cards show another voter's votes
    play.textContent = unseen() === "rule" || (unseen() === "none" && voter() === "you") ? `▶ Pour in ${contests.length} votes` : unseen() === "length" ? "▶ Let the longer win" : "▶ Vote by vote";
    play.classList.toggle("early", !watched() && picks().length < ENOUGH);
  }
  /** The voter whose votes the visitor is to see next, or "none". */
  const unseen = () => (!watched() ? "rule" : seen.has("length") ? "none" : "length");
  function tick() {
    keep({ count: count() + 1 });
    pour(count() - 1);
    if (count() >= contests.length) {
      stop();
      return update();
    }
    clock = setTimeout(tick, Math.max(25, 220 - 12 * count()));
  }
  /** Let the dot of a vote jump to the face of the model that won this vote. */
  function pour(index) {
    const won = winner(index, results()[index]);
    if (won < 0) return;
    const [from, to] = [dots[index], rows[won].mark].map((each) => each.getBoundingClientRect());
    const [x, y] = [to.left + to.width / 2 - from.left - from.width / 2, to.top + to.height / 2 - from.top - from.height / 2];
    dots[index].animate([
      { transform: `translate(${x}px, ${y}px) scale(2, 0.7)`, opacity: 0.2 },
      { transform: `translate(${0.4 * x}px, ${0.6 * y}px) scale(2, 0.7)`, opacity: 1 },
      { transform: "none" },
    ], { duration: 300, easing: "ease-in", direction: "reverse" });
  }
  /** The index of the model that won a vote of the chosen voter with this result, or -1 for a vote for neither. */
  function winner(index, result) {
    const [, one, , other] = voter() === "you" ? asks(index) : contests[index];
    return result === 0.5 ? -1 : models.indexOf(result ? one : other);
  }
  function watch() {
    if (clock) {
      stop();
      return update();
    }
    const { top, bottom } = track.getBoundingClientRect();
    if (top < 0 || bottom > innerHeight) head.scrollIntoView({ behavior: still.matches ? "auto" : "smooth" });
    if (unseen() === "length") return choose("length"); // all its votes at once, so that the bars travel from one voter's to the other's
    if (voter() === "you") choose("rule");
    else if (still.matches) return keep({ count: count() < contests.length ? contests.length : FEW });
    if (still.matches) return;
    clock = setTimeout(tick, 300);
    keep({ count: 2 });
    play.textContent = "■ Stop";
  }
  play.addEventListener("click", watch);
  function choose(name) {
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

  function drawRing() {
    const done = picks().length;
    const own = voter() === "you";
    const contest = own ? asks(done) : contests[count() - 1];
    const theirs = own ? null : cast[voter()][count() - 1];
    el.classList.toggle("counting", clock !== 0);
    el.classList.toggle("theirs", !own);
    el.classList.toggle("unread", voter() === "length"); // the voter "length" does not read the story
    neither.classList.toggle("won", theirs === 0.5);
    for (const button of [left, right, neither]) button.disabled = !contest;
    // While votes pour in, no story could be read before the next one.
    asked.replaceChildren(...(clock ? [make("b", "", `Each block is a vote, in the colour of the model that got it. Grey: no difference.${done ? " Your own votes are kept under “You”." : ""}`)] : contest ? [...told(contest[0]), gap] : ["That was the last pair."]));
    asked.classList.toggle("long", !clock && (contest?.[0].length ?? 0) > LONG);
    fill(own ? 0 : { 1: 2, 0: 4 }[theirs], contest);
    [[left, 2, "Left", 1], [right, 4, "Right", 0]].forEach(([card, index, side, wins]) => {
      card.firstChild.textContent = contest ? contest[index] : "";
      const length = voter() === "length" ? `, ${contest[index].length} characters` : "";
      const wrote = contest ? models.indexOf(contest[index - 1]) : 0;
      card.querySelector(".vt-of").className = `vt-of of-${wrote % FACES.length}`;
      card.querySelector(".vt-of").replaceChildren(...(own ? [] : [face(wrote), `${models[wrote]}${length}`]));
      card.classList.toggle("won", theirs === wins);
      card.setAttribute("aria-label", contest ? `${side}: ${contest[index]}` : side);
    });
    back.style.visibility = done && own ? "visible" : "hidden";
  }
  /** A sentence on the visitor's last vote: which model got it, and how likely this was by the ratings before. */
  function why() {
    const pick = picks().at(-1);
    const [, one, , other] = asks(picks().length - 1);
    if (pick === "n") return `No difference between ${one} and ${other}.`;
    const before = rated.get(picks().slice(0, -1));
    const [won, lost] = (pick === "r" ? [other, one] : [one, other]).map((name) => models.indexOf(name));
    if (!before?.[won] || !before[lost]) return `You picked ${models[won]}, not ${models[lost]}.`;
    const chance = 1 / (1 + 10 ** ((before[lost][0] - before[won][0]) / 400));
    return `You picked ${models[won]}${chance < 0.4 ? ": a surprise so far" : `, not ${models[lost]}`}.`;
  }

  function drawTrack(found, ranges) {
    half = Math.max(HALF, ...ranges.map(([rating]) => 100 * Math.ceil((1.25 * Math.abs(rating - 1000)) / 100)));
    const first = ranges[ranked(found)[0]];
    goal.style.left = `${across(first[1])}%`;
    goal.classList.toggle("idle", first[1] <= 1000 - half);
    key.classList.toggle("lined", first[1] > 1000 - half);
    const last = voter() === "you" && picks() ? asks(picks().length - 1) : null;
    rows.forEach(({ row, rating, mark, said, band }, index) => {
      const [now, low, high] = ranges[index];
      const out = high < first[1];
      rating.textContent = found[index] ? points(now) : "";
      row.classList.toggle("out", out);
      row.classList.toggle("unvoted", !found[index]);
      band.style.left = `${across(low)}%`;
      band.style.width = `${across(high) - across(low)}%`;
      band.parentElement.title = found[index] ? `${points(now)}, 95% interval ${points(low)} to ${points(high)}` : "no vote yet";
      mark.style.left = `${across(now)}%`;
      // The model's ending in the visitor's last vote
      const side = last ? [last[1], last[3]].indexOf(models[index]) : -1;
      said.textContent = side < 0 ? "" : last[2 + 2 * side];
      said.classList.toggle("took", side >= 0 && picks().at(-1) === "lr"[side]);
      said.classList.toggle("before", across(now) > 52);
    });
    const list = results();
    dots.forEach((dot, index) => {
      const won = index < list.length ? winner(index, list[index]) : null;
      dot.className = won === null ? "" : won < 0 ? "neither" : `of-${won % FACES.length}`;
    });
    counted.textContent = inVotes(list.length);
    handle.style.left = `${(100 * list.length) / contests.length}%`;
    buttons[0].textContent = picks() ? `${voters.you}: ${inVotes(picks().length)}` : voters.you;
    buttons.forEach((button, index) => {
      button.setAttribute("aria-checked", String(names[index] === voter()));
      button.tabIndex = names[index] === voter() ? 0 : -1;
    });
    slider.style.visibility = voter() === "you" ? "hidden" : "visible";
    if (!clock) stop();
    slider.value = String(count());
    slider.setAttribute("aria-valuetext", `${count()} votes`);
  }

  const inVotes = (number) => `${number} vote${number === 1 ? "" : "s"}`;
  /** The models' indices, the model with the highest rating first. */
  const ranked = (list) => models.map((_, index) => index).sort((one, other) => (list[other]?.[0] ?? 1000) - (list[one]?.[0] ?? 1000));
  function drawHead(found, ranges) {
    const number = results().length;
    if (voter() === "you" && number && !rated.has(picks())) return; // the host still computes the ratings
    const votes = inVotes(number);
    const [first] = ranked(found);
    // The model with the highest rating could be first, and each model whose interval reaches into the interval of that model.
    const many = ranges.filter(([, , high]) => high >= ranges[first][1]).length;
    const of = { you: number ? `after your ${votes}` : "", rule: `after ${votes}`, length: "if the longer wins" }[voter()];
    loud.textContent = many > 1 ? `${many} of ${models.length}` : `${models[first]} is first`;
    loudWords.textContent = many > 1 ? `could be first${of ? ` ${of}` : ": no vote yet"}` : of;
    if (voter() === "you" && !number) take.textContent = "Press what fits, and see whose it is.";
    else if (voter() === "you" && !watched()) take.textContent = why();
    else if (voter() === "you" && found.every((each) => !each || Math.round(each[0]) === 1000)) take.textContent = "Your votes put nobody first.";
    else if (voter() === "you") {
      const [theirs] = ranked(stored.rule.at(-1));
      take.textContent = `You put ${models[first]} first, ${first === theirs ? `as do the ${contests.length} votes` : `${contests.length} votes put ${models[theirs]}`}.`;
    } else if (voter() === "rule") take.textContent = many === 1 ? "No other bar reaches the line." : "More votes make the bars shorter.";
    else {
      const other = results().filter((result, index) => result !== cast.rule[index]).length;
      take.textContent = `It reads nothing: ${other} of ${number} votes differ from ${theirName}'s.`;
    }
  }

  let drawn = null; // the paths that are on the screen: for each vote, the ratings of all models
  let stopTravel = () => {};
  let ends = [600, 1400]; // the lowest and the highest rating on the upright axis
  const height = (rating) => 300 - (300 * (Math.max(ends[0], Math.min(ends[1], rating)) - ends[0])) / (ends[1] - ends[0]);
  function drawPaths(paths) {
    drawn = paths;
    const longest = clock ? contests.length : paths.length - 1;
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
    const own = results().length >= OWN || voter() !== "you";
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
    inAll.textContent = `${clock ? contests.length : votes.length} votes →`;
    svg.setAttribute("aria-label", `Elo's ratings after each of ${votes.length} votes: ${models.map((name, index) => `${name} ends at ${points(last[index])}`).join(", ")}`);
    asCast.disabled = !seed;
  }

  let shown = models.map(() => null);
  function update() {
    const found = ratings();
    if (found) shown = found;
    if (voter() !== "you") seen.add(voter());
    choice.hidden = !watched();
    steps.hidden = !watched();
    const ranges = withDoubt(shown);
    drawRing();
    drawHead(shown, ranges);
    if (found) drawTrack(shown, ranges);
    if (watched()) drawSteps();
    const summary = models.map((name, index) => (shown[index] ? `${name} ${points(shown[index][0])}` : "")).filter(Boolean).join(", ");
    const named = voter() === "you" && picks() ? `Left was ${asks(picks().length - 1)[1]}, right was ${asks(picks().length - 1)[3]}. ` : "";
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
    clearTimeout(settles);
    hush();
    stopTravel();
    document.removeEventListener("keydown", pressPage);
    model.off("change:said", listen);
    for (const key of keys) model.off(`change:${key}`, update);
  };
}

export default { render };
