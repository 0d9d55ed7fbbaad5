// This view shows which licences allow which uses. Each licence is a ball on a row, and each use is a gate across all rows. The visitor sets
// gates. A ball rolls to the first set gate whose use its licence does not allow. A press on a cell shows the clauses that decide
// the answer in the cell. A page begins with a question: all gates are set, each looks like a closed wall, and the visitor
// guesses how many licences get through.
// The view's `data` is what states() of may_use.py returns.
// The visitor chooses:
//   plans: the indexes of the uses whose gates are set
//   licence, use: the name of the licence, and the index of the use, whose clauses are shown; `use` is -1 if none are shown
//   asked: "start" until the visitor guesses or sets a gate, then ""
//   guess: the visitor's guess of how many licences get through, or -1
//   clause: the clause's index, or -1 for the weightiest clause
import { adopt, announcer, capital, keeper, make, onSize } from "./view.js";

// A use in a few words, for the head of a column. The head goes on after "I want to …".
const SHORT = {
  "study and modify it": "study and change it",
  "sell a product built on it": "sell a product",
  "serve it to a billion monthly users": "serve a billion users",
  "offer it to others as a hosted service": "host it for others",
  "train another large model of its kind on its outputs": "train on outputs",
  "ship it without naming it": "hide its name",
  "use it for medical advice": "give medical advice",
  "have a revenue of over a million dollars a year": "earn over $1M a year",
  "build on it in the European Union": "build in the EU",
};
const short = (use) => SHORT[use] ?? use;
const WORDS = {
  yes: "Yes.",
  "yes, with conditions": "Yes, if …",
  "ask first": "Ask first.",
  no: "No.",
  "cannot know": "Unclear.",
};
// The word in a cell, for each answer. The answer "yes" has no word, because its cell is drawn as a gap in the wall.
const SIGNS = { "yes, with conditions": "if", "ask first": "ask", no: "no", "cannot know": "?" };
const MEANINGS = { no: "it forbids this", "ask first": "only if its maker agrees", "yes, with conditions": "yes, on a condition" };
const PAGE = "M6 3h9l4 4v14H6zM14 3v5h5M9 13h7M9 17h7";
const ICONS = {
  "use and share": "M5 13l5 5 9-12",
  "commercial use": "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M15 9c-1-2.2-6-2-6 .5S15 12 15 14.5 10 17 9 15M12 6v12",
  "revenue cap": "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M15 9c-1-2.2-6-2-6 .5S15 12 15 14.5 10 17 9 15M12 6v12",
  "users cap": "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7M3 20c0-4 3-6 6-6s6 2 6 6M16 11a3.5 3.5 0 0 0 0-7M18 14c2 .7 3 3 3 6",
  "where you are": "M12 21c-4-5-6-8-6-11a6 6 0 0 1 12 0c0 3-2 6-6 11M12 12a2 2 0 1 0 0-4 2 2 0 0 0 0 4",
  "use restrictions": "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M6 6l12 12",
  "policy may change": "M20 11a8 8 0 0 0-14-5L4 8M4 3v5h5M4 13a8 8 0 0 0 14 5l2-2M20 21v-5h-5",
  "improve other models": "M4 12v8h16v-8M12 15V4M8 8l4-4 4 4",
  outputs: "M4 12v8h16v-8M12 15V4M8 8l4-4 4 4",
  notices: "M4 4h8l9 9-8 8-9-9zM8 8v.1",
  naming: "M4 5h16v11h-9l-5 4v-4H4zM8 10.5h8",
  "pass restrictions on": "M4 12h15M13 6l6 6-6 6",
  hosting: "M4 5h16v5H4zM4 14h16v5H4zM8 7.5v.1M8 16.5v.1",
};
// For each kind of clause, a verb for what the clause does. The verb is shown if two clauses have the same topic.
const DOES = { permission: "permits", condition: "asks", prohibition: "forbids", termination: "ends" };
const WALL = 0.4; // half of a wall's width, as a part of its column's width; may_use.css draws walls from 10% to 90% of a column
const NUMBERS = ["none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
const WEIGHT = ["prohibition", "termination", "condition", "disclaimer", "definition", "permission"];

/** The CSS class of an answer. */
const kind = (answer) => answer.replaceAll(/\W+/g, "-");

/** An element with an icon drawn in it: an SVG path in a box of 24 by 24. */
function draw(className, path) {
  const element = make("span", className);
  element.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${path}"/></svg>`;
  return element;
}

/**
 * Count the verdicts on some licences by their answers. A result is, for example, { yes: 3, no: 1 }.
 * @param {{ verdicts: { answer: string }[] }[]} licences
 * @returns {Record<string, number>}
 */
export function count(licences) {
  const counts = {};
  for (const { verdicts } of licences) for (const { answer } of verdicts) counts[answer] = (counts[answer] ?? 0) + 1;
  return counts;
}

/**
 * Sort licences. The makers whose best licence allows most come first. A maker's licences stand from the oldest to the
 * newest, so that one sees what a new version changed. The licences with `later` come last. Their models are newer than the
 * models in the magazine article that the course checks.
 * @template {{ author: string, date: string, later: boolean, verdicts: { answer: string }[] }} L
 * @param {L[]} licences
 * @returns {L[]}
 */
export function inOrder(licences) {
  const best = {};
  for (const licence of licences) {
    const { yes = 0, "yes, with conditions": conditional = 0 } = count([licence]);
    best[licence.author] = Math.max(best[licence.author] ?? 0, 10 * (yes + conditional) + yes);
  }
  return [...licences].sort(
    (a, b) => Number(a.later) - Number(b.later) || best[b.author] - best[a.author] || a.author.localeCompare(b.author) || a.date.localeCompare(b.date),
  );
}

/** The index of the clause that decides. If there are prohibitions, the last prohibition decides, because licences list the
 * forbidden uses at their end. Otherwise the first clause of the kind that comes first in WEIGHT decides. */
export function weightiest(clauses) {
  const kinds = clauses.map(({ kind }) => kind);
  const first = WEIGHT.find((one) => kinds.includes(one));
  return first === "prohibition" ? kinds.lastIndexOf(first) : kinds.indexOf(first);
}

/** The index of the first use in `plans` (a list of indexes) that a licence does not allow; -1 if it allows all of them. */
export function stopOf({ verdicts }, plans) {
  return plans.find((at) => !verdicts[at].answer.startsWith("yes")) ?? -1;
}

export function render({ model, el }) {
  const { uses, licences: given } = model.get("data");
  const licences = inOrder(given);
  const still = matchMedia("(prefers-reduced-motion: reduce)");

  adopt(el, "mu");
  const ask = make("div", "mu-ask");
  const sentence = make("p", "mu-sentence");
  const guesses = make("div", "mu-guesses");
  guesses.setAttribute("role", "group");
  guesses.setAttribute("aria-label", "Your guess");
  const hint = make("p", "mu-hint");
  ask.append(sentence, guesses, hint);

  // In the table, row -1 has the names of the uses, and column -1 has the names of the licences.
  const board = make("table", "mu-board");
  board.setAttribute("role", "grid");
  board.setAttribute("aria-label", "Licences by plans");
  const cells = new Map(); // for each "row column", the button in this cell
  const top = board.createTHead().insertRow();
  top.setAttribute("role", "row");
  const corner = top.appendChild(make("td", "mu-corner", "I want to …"));
  corner.setAttribute("role", "gridcell");
  uses.forEach((use, column) => {
    const cell = top.appendChild(make("th"));
    cell.scope = "col";
    cell.setAttribute("role", "columnheader");
    addButton(cell, -1, column, use, make("span", "", short(use)));
    cell.firstChild.dataset.number = String(column + 1);
  });
  // On a phone, the columns are too narrow for the names of the uses. There each column has a number, and this list above the
  // board has the names. A name can be pressed as the head of its column can; for keys and screen readers the head serves.
  const names = make("ol", "mu-plans");
  names.setAttribute("aria-hidden", "true");
  names.append(make("li", "mu-want", "I want to …"));
  const labels = uses.map((use, column) => {
    const name = names.appendChild(make("li"));
    name.append(make("b", "num", String(column + 1)), short(use));
    name.addEventListener("click", () => press(-1, column));
    return name;
  });
  const last = top.appendChild(make("td", "mu-end"));
  last.setAttribute("role", "gridcell");
  const body = board.createTBody();
  const ends = []; // for each licence: the words at the end of its row
  licences.forEach((licence, row) => {
    const line = body.insertRow();
    line.setAttribute("role", "row");
    line.classList.toggle("first", row > 0 && licence.author !== licences[row - 1].author);
    line.classList.toggle("later", row > 0 && licence.later && !licences[row - 1].later);
    const cell = line.appendChild(make("th"));
    cell.scope = "row";
    cell.setAttribute("role", "rowheader");
    const label = make("span", "mu-name");
    label.append(make("b", "", licence.short));
    addButton(cell, row, -1, [licence.title, ...licence.models].join(", "), label);
    licence.verdicts.forEach(({ answer, word }, column) => {
      const place = line.appendChild(make("td", kind(answer)));
      place.setAttribute("role", "gridcell");
      addButton(place, row, column, `${licence.short}, ${uses[column]}: ${answer}${word ? `, ${word}` : ""}`, make("span", "mu-plate", SIGNS[answer]));
      place.classList.toggle("wall", !answer.startsWith("yes"));
    });
    const end = line.appendChild(make("td", "mu-end"));
    end.setAttribute("role", "gridcell");
    ends.push(end.appendChild(make("span")));
  });
  function addButton(cell, row, column, name, ...inner) {
    const button = cell.appendChild(make("button"));
    button.append(...inner);
    button.title = name;
    button.setAttribute("aria-label", name);
    if (row >= 0 && column >= 0 && matchMedia("(hover: hover)").matches) {
      button.addEventListener("mouseenter", () => preview([row, column]));
      button.addEventListener("mouseleave", () => preview(null));
    }
    button.addEventListener("click", () => press(row, column));
    button.addEventListener("keydown", (event) => {
      const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
      if (!step) return;
      event.preventDefault();
      const [toRow, toColumn] = [row + step[0], column + step[1]];
      const next = cells.get(`${toRow} ${toColumn}`);
      if (!next || (sealed() && toRow >= 0)) return;
      focused = [toRow, toColumn];
      if (toRow >= 0 && toColumn >= 0) show(toRow, toColumn);
      else update();
      next.focus();
    });
    cells.set(`${row} ${column}`, button);
  }
  // The balls and their trails lie over the table.
  const track = make("div", "mu-track");
  const run = make("div", "mu-run");
  run.setAttribute("aria-hidden", "true");
  const balls = licences.map((_, row) => {
    const [trail, ball] = [make("i", "mu-trail"), make("i", "mu-ball")];
    for (const each of [trail, ball]) each.style.setProperty("--row", String(row));
    run.append(trail, ball);
    return { trail, ball };
  });
  track.append(board, run);

  const all = make("button", "mu-all");
  all.addEventListener("click", () => set(plans().length ? [] : uses.map((_, at) => at)));
  const left = make("div", "mu-left");
  left.append(names, track, all);

  // Until an answer is shown, what the words on the board mean, each drawn as on the board.
  const key = make("ul", "mu-key");
  for (const [answer, meaning] of Object.entries(MEANINGS)) {
    const line = key.appendChild(make("li", kind(answer)));
    line.append(make("i", "", SIGNS[answer]), meaning);
  }
  const beyond = key.appendChild(make("li", "beyond"));
  beyond.append(make("i"), "a wall further on");

  const answerBox = make("section", "mu-answer");
  answerBox.setAttribute("aria-label", "The answer");
  const question = make("p", "mu-question");
  const verdictLine = make("p", "mu-verdict");
  const why = make("p", "mu-why");
  const chips = make("div", "mu-chips");
  chips.setAttribute("role", "group");
  chips.setAttribute("aria-label", "The clauses");
  const quote = make("figure", "mu-quote");
  const source = make("p", "mu-source");
  const summed = make("div", "mu-said");
  const more = make("button", "mu-more", "The whole answer ↓"); // shown only on a phone, where the answer stands below the board
  more.addEventListener("click", () => why.scrollIntoView({ block: "center", behavior: still.matches ? "auto" : "smooth" }));
  summed.append(question, verdictLine, more);
  answerBox.append(summed, why, chips, quote, source);
  const scene = make("div", "mu-scene");
  scene.append(ask, left, key, answerBox);
  const { live, speak, hush } = announcer();
  el.append(scene, live);

  // The visitor's choices now
  const row = () => Math.max(0, licences.findIndex(({ name }) => name === model.get("licence")));
  const column = () => (uses[model.get("use")] === undefined ? -1 : model.get("use"));
  const plans = () => {
    const chosen = model.get("plans");
    return uses.map((_, at) => at).filter((at) => Array.isArray(chosen) && chosen.includes(at));
  };
  const sealed = () => model.get("asked") === "start";
  /** How many of the set gates a licence lets the visitor through on a condition. */
  const conditionsOf = ({ verdicts }) => plans().filter((at) => verdicts[at].answer === "yes, with conditions").length;

  const keep = keeper(model, update);
  /** Set the gates of the uses in `chosen` (a list of indexes), and lift all others. */
  function set(chosen) {
    run.classList.remove("first");
    keep({ plans: chosen, asked: "", use: chosen.length && column() >= 0 ? decisive(row(), chosen) : -1, clause: -1 });
  }
  function show(atRow, atColumn) {
    previewed = null;
    keep({ licence: licences[atRow].name, use: atColumn, clause: -1, asked: "" });
    cells.get(`${atRow} ${atColumn}`).scrollIntoView({ block: "nearest" }); // on a phone, the answer would otherwise cover a cell in one of the lowest rows
  }
  function press(atRow, atColumn) {
    focused = [atRow, atColumn];
    if (atRow >= 0) return show(atRow, atColumn < 0 ? decisive(atRow) : atColumn);
    const before = plans();
    set(before.includes(atColumn) ? before.filter((at) => at !== atColumn) : [...before, atColumn]);
  }
  /** The index of the use whose answer is shown for a licence. This is the use whose gate stops the licence's ball or, if the
   * ball passes, the first use whose gate is set or, if no gate is set, the use 0. */
  function decisive(atRow, chosen = plans()) {
    const stop = stopOf(licences[atRow], chosen);
    return stop < 0 ? (chosen[0] ?? 0) : stop;
  }
  let previewed = null; // [row, column] of the cell under the pointer, whose answer is shown for now; otherwise null
  let focused = column() < 0 ? [-1, 0] : [row(), column()]; // [row, column] of the button that the Tab key reaches

  function update() {
    el.classList.toggle("sealed", sealed());
    el.classList.toggle("gated", plans().length > 0);
    body.inert = sealed();
    const set = plans();
    for (const [name, button] of cells) {
      const [atRow, atColumn] = name.split(" ").map(Number);
      const here = atRow === row() && atColumn >= 0 && atColumn === column() && !sealed();
      button.parentElement.classList.toggle("here", here);
      button.parentElement.classList.toggle("set", set.includes(atColumn));
      button.tabIndex = atRow === focused[0] && atColumn === focused[1] ? 0 : -1;
      if (atRow >= 0 && atColumn >= 0) button.parentElement.setAttribute("aria-selected", String(here));
      if (atRow < 0) button.setAttribute("aria-pressed", String(set.includes(atColumn)));
    }
    labels.forEach((label, at) => label.classList.toggle("set", set.includes(at)));
    licences.forEach((licence, index) => {
      const stop = stopOf(licence, set);
      const passes = stop < 0;
      body.rows[index].classList.toggle("through", passes && !sealed());
      body.rows[index].classList.toggle("here", index === row() && column() >= 0 && !sealed());
      // At the end of a row stands the `word` of the verdict on the use that stops the ball or, if the ball passes the only
      // gate that is set, of the verdict on this gate's use. If the ball passes several gates, their conditions are counted.
      const decides = passes && set.length === 1 ? set[0] : stop;
      const conditions = passes && set.length > 1 ? conditionsOf(licence) : 0;
      const counted = conditions ? `${conditions} ${conditions === 1 ? "if" : "ifs"}` : "through";
      const said = licence.verdicts[decides]?.word || (set.length ? counted : "");
      ends[index].textContent = sealed() ? "" : said;
      licence.verdicts.forEach((_, at) => cells.get(`${index} ${at}`).parentElement.classList.toggle("stop", at === stop));
    });
    all.textContent = set.length ? "Lift all gates" : "Set all gates";
    all.inert = sealed();
    drawCount();
    place();
    drawAnswer();
  }
  /** Write how many licences get through the gates, or ask for a guess. */
  function drawCount() {
    const set = plans();
    const passing = licences.filter((licence) => stopOf(licence, set) < 0);
    const many = passing.length;
    const what = make("b", "", set.length === 1 ? uses[set[0]] : set.length === 2 ? "do both" : `do all ${NUMBERS[set.length] ?? set.length}`);
    const words = make("span", "", sealed() || set.length ? `of ${licences.length} licences let you ` : "licences, and no plan in their way");
    if (set.length) words.append(what, sealed() ? "?" : "");
    sentence.replaceChildren(make("b", "loud", sealed() ? "?" : String(many)), words);
    const focus = guesses.contains(document.activeElement);
    const numbers = [...new Set([2, many, 11, 14])].sort((a, b) => a - b);
    guesses.replaceChildren(
      ...(sealed() ? numbers : []).map((number) => {
        const button = make("button", "num", String(number));
        button.addEventListener("click", () => {
          run.classList.add("first");
          keep({ guess: number, asked: "" });
        });
        return button;
      }),
    );
    if (focus && !sealed()) cells.get("-1 0").focus({ preventScroll: true });
    const guess = model.get("guess") ?? -1;
    const said = guess < 0 || set.length !== uses.length ? "" : guess === many ? "As you guessed. " : `You guessed ${guess}. `;
    const free = passing.filter((licence) => !conditionsOf(licence)).length;
    const ifs = set.length > 1 && many ? `${capital(NUMBERS[free] ?? String(free))} without an “if”. ` : "";
    hint.textContent = sealed() ? "" : `${said}${ifs}${set.length ? "Press a plan to lift its gate, a wall to read its clause." : "Press a plan to set its gate."}`;
  }
  /** Put each ball where it starts, at the gate that stops it, or behind the last gate. */
  function place() {
    const home = track.getBoundingClientRect();
    if (!home.width) return;
    const set = plans();
    const narrow = home.width < 480;
    const middle = (box) => box.left + box.width / 2 - home.left;
    const from = cells.get("0 0").getBoundingClientRect().left - home.left - (narrow ? 5 : 9);
    const finish = ends[0].parentElement.getBoundingClientRect().left - home.left + (narrow ? 10 : 14);
    licences.forEach((licence, index) => {
      const stop = stopOf(licence, set);
      const gate = cells.get(`${index} ${Math.max(0, stop)}`).getBoundingClientRect();
      const x = sealed() ? from : stop < 0 ? finish : middle(gate) - WALL * gate.width - (narrow ? 5 : 9);
      const y = gate.top + gate.height / 2 - home.top;
      const { trail, ball } = balls[index];
      ball.classList.toggle("through", stop < 0 && !sealed());
      trail.classList.toggle("through", stop < 0 && !sealed());
      ball.style.transform = `translate(${x}px, ${y}px)`;
      trail.style.transform = `translate(${from}px, ${y}px) scaleX(${Math.max(0, x - from)})`;
    });
  }
  /** Adapt the balls' places to the size of the view. The balls change their places without rolling. */
  function fit() {
    run.classList.add("resting");
    place();
    void run.offsetWidth; // reading `offsetWidth` lets the balls take their places before they may roll again
    run.classList.remove("resting");
  }
  /** Show the answer of the cell under the pointer, `at`. If `at` is null, show again what the visitor chose. */
  function preview(at) {
    if (sealed()) return;
    previewed = at && at[0] === row() && at[1] === column() ? null : at;
    drawAnswer();
  }
  /** Show the answer of a cell, and its clauses. */
  function drawAnswer() {
    const place = previewed ?? (column() < 0 ? null : [row(), column()]);
    answerBox.hidden = sealed() || !place;
    key.hidden = sealed() || !answerBox.hidden;
    el.classList.toggle("answered", !answerBox.hidden);
    const counted = `${sentence.textContent} ${hint.textContent}`;
    if (answerBox.hidden) return speak(counted);
    const licence = licences[place[0]];
    drawVerdict(licence, place);
    const spoken = drawClauses(licence, place);
    if (!previewed) speak(`${counted} ${question.textContent} ${verdictLine.textContent} ${why.textContent} ${spoken}`);
  }
  function drawVerdict(licence, place) {
    const verdict = licence.verdicts[place[1]];
    question.replaceChildren(make("b", "", licence.short), make("span", "", `May I ${uses[place[1]]}?`));
    verdictLine.replaceChildren(make("b", "loud", WORDS[verdict.answer] ?? verdict.answer));
    why.textContent = verdict.why;
  }
  /** Show the clauses of an answer, with the weightiest or the chosen clause open. Returns the open clause as text. */
  function drawClauses(licence, [, atColumn]) {
    const { clauses } = licence.verdicts[atColumn];
    const given = previewed ? -1 : (model.get("clause") ?? -1);
    const open = clauses[given] ? given : weightiest(clauses);
    const focus = chips.contains(document.activeElement);
    chips.hidden = clauses.length < 2;
    chips.replaceChildren(
      ...clauses.map((clause, index) => {
        const button = make("button", clause.kind);
        const twice = clauses.filter(({ topic }) => topic === clause.topic).length > 1;
        const label = twice && DOES[clause.kind] ? `${clause.topic}: ${DOES[clause.kind]}` : clause.topic;
        button.append(draw("mu-icon", ICONS[clause.topic] ?? PAGE), label);
        button.setAttribute("aria-pressed", String(index === open));
        button.addEventListener("click", () => keep({ clause: index }));
        return button;
      }),
    );
    if (focus) chips.children[open].focus();
    const clause = clauses[open];
    const link = make("a", "", "the text");
    link.href = licence.url;
    const words = make("blockquote", "", `“${clause.quote}”`);
    const section = make("figcaption", "");
    // If there is only one clause, its summary is left out, because the sentence in `why` says the same.
    section.append(make("b", "", /^(\d|[IV]+\b)/.test(clause.section) ? `Section ${clause.section}` : clause.section), clauses.length > 1 ? ` ${clause.summary}` : "");
    quote.replaceChildren(words, section);
    const models = licence.models.filter((title) => title !== licence.short);
    const others = models.length > 3 ? ` and ${models.length - 3} more` : "";
    source.replaceChildren(
      `${licence.title}${licence.date ? `, ${licence.date}` : ""} · `, link, ` · ${licence.basis} · one reading, not legal advice`,
      models.length ? ` · models: ${models.slice(0, 3).join(", ")}${others}` : "",
    );
    return `${clause.section}: ${clause.quote}`;
  }

  const keys = ["licence", "use", "plans", "asked", "guess", "clause"];
  const listen = () => keep.storing || update();
  for (const key of keys) model.on(`change:${key}`, listen);
  update();
  const endSize = onSize(board, fit);
  return () => {
    endSize();
    hush();
    for (const key of keys) model.off(`change:${key}`, listen);
  };
}

export default { render };
