// This view shows which licences allow what the visitor plans. Each licence is a ball on a lane, and each plan (a use) is a gate
// across all lanes. The road is free at first. The visitor puts plans on it, and the balls roll: a ball stops at the first gate
// whose use its licence does not allow. A press on a stopped ball, a wall or a name shows the clauses that decide. If the visitor
// puts all nine gates on the road at once, they look like closed walls until the visitor guesses how many balls get home.
// The view's `data` is what states() of may_use.py returns.
// The visitor chooses:
//   plans: the indexes of the uses whose gates are on the road, from the left to the right
//   licence, use: the name of the licence, and the index of the use, whose clauses are shown; `use` is -1 if none are shown
//   asked: "all" while the visitor is asked for a guess, otherwise ""
//   guess: the visitor's guess of how many licences get through all nine gates, or -1
//   clause: the clause's index, or -1 for the weightiest clause
import { adopt, announcer, capital, keeper, make, onCarry } from "./view.js";

// A use in a few words, which go on after "I want to …".
const SHORT = {
  "study and modify it": "change it",
  "sell a product built on it": "sell a product",
  "serve it to a billion monthly users": "serve a billion users",
  "offer it to others as a hosted service": "host it for others",
  "train another large model of its kind on its outputs": "train on outputs",
  "ship it without naming it": "hide its name",
  "use it for medical advice": "give medical advice",
  "have a revenue of over a million dollars a year": "earn over $1M",
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
// The word at a gate, for each answer but "yes".
const SIGNS = { "yes, with conditions": "if", "ask first": "ask", no: "no", "cannot know": "?" };
const GOES_ON = { "ask first": ":", no: ":" }; // what stands between this word and the reason, if the gate has room for the reason
// Reasons that read as a sentence only in other words
const PLAIN = { "if pass bans on": "you pass bans on", "if use policy": "policy is kept", "if 11 bans": "11 bans are kept", "? not read": "policy not read" };
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
  const every = uses.map((_, at) => at);

  adopt(el, "mu");
  const ask = make("div", "mu-ask");
  const sentence = make("p", "mu-sentence");
  const guesses = make("div", "mu-guesses");
  guesses.setAttribute("role", "group");
  guesses.setAttribute("aria-label", "Your guess");
  const hint = make("p", "mu-hint");
  ask.append(sentence, guesses, hint);

  // The plans that the visitor can put on the road. A plan that is on the road leaves its outline here.
  const tray = make("div", "mu-tray");
  tray.setAttribute("role", "group");
  tray.setAttribute("aria-label", "I want to …");
  tray.append(make("span", "mu-want", "I want to …"));
  const chips = uses.map((use, at) => {
    const chip = tray.appendChild(make("button", "mu-plan"));
    chip.append(make("i"), short(use));
    chip.setAttribute("aria-label", use);
    letDrag(chip, at);
    chip.addEventListener("click", () => toggle(at));
    return chip;
  });
  const all = tray.appendChild(make("button", "mu-all"));
  all.addEventListener("click", () => (plans().length ? set([]) : keep({ plans: every, asked: "all", use: -1, clause: -1, guess: -1 })));

  const board = make("div", "mu-board");
  board.setAttribute("role", "group");
  board.setAttribute("aria-label", "Licences and gates");
  const road = make("div", "mu-road");
  const cells = new Map(); // for each "row column", the button there; column -1 has the names of the licences
  const places = licences.map(({ later }, row) => `calc(var(--head) + ${row} * var(--row)${later && !licences[0].later ? " + var(--later)" : ""})`);
  board.style.setProperty("--rows", String(licences.length));
  const firstLater = licences.findIndex(({ later }) => later);
  board.classList.toggle("has-later", firstLater > 0);
  if (firstLater > 0) {
    const label = board.appendChild(make("span", "mu-later", "later models"));
    label.style.setProperty("--y", places[firstLater]);
  }
  const lanes = licences.map((licence, row) => {
    const name = addButton(board, row, -1, [licence.title, ...licence.models].join(", "));
    name.className = "mu-name";
    name.append(make("b", "", licence.short));
    const [lane, trail, ball] = ["mu-lane", "mu-trail", "mu-ball"].map((each) => road.appendChild(make("i", each)));
    for (const each of [lane, trail, ball]) {
      each.style.setProperty("--y", places[row]);
      each.style.setProperty("--turn", String(row));
      each.addEventListener("click", () => sealed() || show(row, decisive(row)));
    }
    return { name, lane, trail, ball };
  });
  const gates = uses.map((use, column) => {
    const gate = road.appendChild(make("div", "mu-gate"));
    gate.setAttribute("role", "group");
    gate.setAttribute("aria-label", use);
    const head = gate.appendChild(make("div", "mu-head"));
    head.setAttribute("aria-hidden", "true"); // for keys and screen readers, the plan in the tray lifts the gate
    head.append(make("b", "num"), make("span", "", short(use)));
    letDrag(head, column);
    head.addEventListener("click", () => toggle(column));
    licences.forEach((licence, row) => {
      const { answer, word } = licence.verdicts[column];
      const cell = addButton(gate, row, column, `${licence.short}, ${use}: ${answer}${word ? `, ${word}` : ""}`);
      const plate = cell.appendChild(make("span", "mu-plate"));
      if (SIGNS[answer]) plate.append(make("b", "", SIGNS[answer]), make("span", "", word ? `${GOES_ON[answer] ?? ""} ${PLAIN[`${SIGNS[answer]} ${word}`] ?? word}` : ""));
    });
    return gate;
  });
  const drop = road.appendChild(make("i", "mu-drop"));
  board.append(road);

  function addButton(parent, row, column, name) {
    const button = parent.appendChild(make("button"));
    button.style.setProperty("--y", places[row]);
    button.setAttribute("aria-label", name);
    button.addEventListener("click", () => press(row, column));
    button.addEventListener("keydown", (event) => {
      const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
      if (!step || sealed()) return;
      event.preventDefault();
      const order = [-1, ...plans()]; // the columns as they stand on the road
      const [toRow, toColumn] = [row + step[0], order[order.indexOf(column) + step[1]]];
      const next = cells.get(`${toRow} ${toColumn}`);
      if (!next) return;
      focused = [toRow, toColumn];
      if (toColumn >= 0) show(toRow, toColumn);
      else update();
      next.focus();
    });
    cells.set(`${row} ${column}`, button);
    return button;
  }

  const answerBox = make("section", "mu-answer");
  answerBox.setAttribute("aria-label", "The answer");
  const question = make("p", "mu-question");
  const verdictLine = make("p", "mu-verdict");
  const why = make("p", "mu-why");
  const quote = make("figure", "mu-quote");
  const fold = make("details", "mu-fold");
  const foldName = make("summary");
  const topics = make("div", "mu-chips");
  topics.setAttribute("role", "group");
  topics.setAttribute("aria-label", "The clauses");
  const source = make("p", "mu-source");
  fold.append(foldName, topics, source);
  const summed = make("div", "mu-said");
  const more = make("button", "mu-more", "The whole answer ↓"); // shown only on a phone, where the answer stands below the board
  more.addEventListener("click", () => why.scrollIntoView({ block: "center", behavior: still.matches ? "auto" : "smooth" }));
  summed.append(question, verdictLine, more);
  answerBox.append(summed, why, quote, fold);

  const [left, side, scene] = ["mu-left", "mu-side", "mu-scene"].map((name) => make("div", name));
  left.append(tray, board);
  side.append(ask, answerBox);
  scene.append(side, left);
  const { live, speak, hush } = announcer();
  el.append(scene, live);

  // The visitor's choices now
  const row = () => Math.max(0, licences.findIndex(({ name }) => name === model.get("licence")));
  const column = () => (plans().includes(model.get("use")) ? model.get("use") : -1);
  const plans = () => {
    const chosen = model.get("plans");
    return Array.isArray(chosen) ? [...new Set(chosen)].filter((at) => uses[at] !== undefined) : [];
  };
  const sealed = () => model.get("asked") === "all" && plans().length === uses.length;
  /** How many of the gates on the road a licence lets the visitor through on a condition. */
  const conditionsOf = ({ verdicts }) => plans().filter((at) => verdicts[at].answer === "yes, with conditions").length;
  let focused = [0, -1]; // the row and the column of the board's button that the key Tab reaches
  let before = null; // the plans that were drawn last

  const keep = keeper(model, update);
  /** Put the gates of the uses in `chosen` (a list of indexes) on the road. */
  function set(chosen) {
    keep({ plans: chosen, asked: "", use: -1, clause: -1 });
  }
  /** Put a plan's gate at the end of the road, or lift it. */
  function toggle(at) {
    const now = plans();
    set(now.includes(at) ? now.filter((each) => each !== at) : [...now, at]);
  }
  function show(atRow, atColumn) {
    if (atColumn < 0) return;
    keep({ licence: licences[atRow].name, use: atColumn, clause: -1, asked: "" });
    cells.get(`${atRow} ${atColumn}`).scrollIntoView({ block: "nearest" }); // on a phone, the answer would otherwise cover a cell in one of the lowest rows
  }
  function press(atRow, atColumn) {
    focused = [atRow, atColumn];
    show(atRow, atColumn < 0 ? decisive(atRow) : atColumn);
  }
  /** The use whose gate stops the licence's ball or, if the ball gets home, the first gate that it passes on a condition, otherwise the
   * first gate. -1 if the road is free. */
  function decisive(atRow) {
    const now = plans();
    const { verdicts } = licences[atRow];
    const stop = stopOf(licences[atRow], now);
    return stop >= 0 ? stop : now.find((at) => verdicts[at].answer !== "yes") ?? now[0] ?? -1;
  }

  /** Let a mouse or a pen carry a plan onto the road, to another place on the road, or off the road. */
  function letDrag(handle, at) {
    let ghost = null;
    let place = -1; // the place among the gates where the plan would stand now; -1 if it is not over the road
    const others = () => plans().filter((each) => each !== at);
    onCarry(el, handle, {
      begin() {
        ghost = el.appendChild(make("div", "mu-ghost", short(uses[at])));
      },
      move(event) {
        const [home, area, way] = [el, board, road].map((one) => one.getBoundingClientRect());
        ghost.style.translate = `${event.clientX - home.left}px ${event.clientY - home.top}px`;
        const over = event.clientX > area.left && event.clientX < area.right + 30 && event.clientY > area.top && event.clientY < area.bottom + 20;
        const many = others().length;
        place = over ? Math.round(Math.min(1, Math.max(0, (event.clientX - way.left) / way.width)) * many) : -1;
        drop.style.setProperty("--at", String(many ? place / many : 0.5));
        drop.classList.toggle("on", over);
      },
      end(event) {
        ghost.remove();
        drop.classList.remove("on");
        if (!event) return;
        const next = place < 0 ? others() : [...others().slice(0, place), at, ...others().slice(place)];
        if (next.join() !== plans().join()) set(next);
      },
    });
  }

  function update() {
    const set = plans();
    const closed = sealed();
    el.classList.toggle("sealed", closed);
    el.classList.toggle("free", !set.length);
    board.inert = closed;
    road.style.setProperty("--n", String(Math.max(1, set.length)));
    if (focused[1] >= 0 && !set.includes(focused[1])) focused = [focused[0], -1];
    const flown = before ? set.filter((at) => !before.includes(at)) : [];
    chips.forEach((chip, at) => {
      const place = set.indexOf(at);
      chip.setAttribute("aria-pressed", String(place >= 0));
      chip.firstChild.textContent = place >= 0 ? String(place + 1) : "+";
    });
    gates.forEach((gate, at) => {
      const place = set.indexOf(at);
      gate.hidden = place < 0;
      if (place < 0) return;
      gate.style.setProperty("--i", String(place));
      gate.querySelector(".num").textContent = String(place + 1);
      if (flown.includes(at)) fly(at, gate);
    });
    licences.forEach((licence, index) => {
      const stop = stopOf(licence, set);
      const through = stop < 0 && !closed;
      const iffy = through && conditionsOf(licence) > 0;
      const here = index === row() && column() >= 0 && !closed;
      const { name, lane, trail, ball } = lanes[index];
      for (const each of [name, lane, trail, ball]) {
        each.classList.toggle("through", through);
        each.classList.toggle("iffy", iffy);
        each.classList.toggle("here", here);
      }
      set.forEach((at) => {
        const button = cells.get(`${index} ${at}`);
        const { answer } = licence.verdicts[at];
        button.className = `mu-cell ${kind(answer)}${answer.startsWith("yes") ? "" : " wall"}${through ? " through" : ""}${here ? " row" : ""}`;
        const open = here && at === column();
        button.classList.toggle("here", open);
        button.setAttribute("aria-pressed", String(open));
      });
      roll(lanes[index], closed ? "start" : through ? "home" : set.indexOf(stop), flown.length > 0 && !closed);
    });
    for (const [name, button] of cells) button.tabIndex = name === focused.join(" ") ? 0 : -1;
    all.textContent = set.length ? "clear the road" : "all nine at once";
    before = set;
    drawCount();
    drawAnswer();
  }
  /** Let a plan's name fly from the tray to its gate, whose walls then come down. */
  function fly(at, gate) {
    if (still.matches) return;
    const head = gate.firstChild;
    const [from, to] = [chips[at], head].map((one) => one.getBoundingClientRect());
    if (!to.width) return;
    gate.classList.add("new"); // its place and width change without a transition
    head.animate([{ translate: `${from.left + from.width / 2 - to.left - to.width / 2}px ${from.top - to.top}px` }, { translate: "0" }], { duration: 280, easing: "cubic-bezier(.2,.7,.2,1)" });
    for (const cell of gate.querySelectorAll(".mu-cell")) {
      cell.animate([{ scale: "1 0", opacity: 0 }, { scale: "1 1", opacity: 1 }], { duration: 200, delay: 120, fill: "backwards", easing: "ease-out" });
    }
    setTimeout(() => gate.classList.remove("new"), 300);
  }
  /** Send a ball home, to the gate at the place `to`, or to the start. `again`: a ball that was home starts once more. */
  function roll({ trail, ball }, to, again) {
    const goes = to === "home" ? "calc(100% + 0.9rem)" : to === "start" ? "0.4rem" : `calc(var(--lead) + (100% - var(--lead)) * ${to + 0.5} / var(--n) - min((100% - var(--lead)) * 0.46 / var(--n), 5.6rem) - var(--ball) / 2 - 1px)`;
    for (const each of [trail, ball]) {
      if (again && ball.dataset.at === "home" && !still.matches) {
        each.classList.add("resting");
        each.style.setProperty("--x", "0.4rem");
        void each.offsetWidth; // reading `offsetWidth` puts the ball at the start before it rolls
        each.classList.remove("resting");
      }
      each.style.setProperty("--x", goes);
    }
    ball.dataset.at = typeof to === "string" ? to : "gate";
  }
  /** Write how many licences get through the gates, or ask for a guess. */
  function drawCount() {
    const set = plans();
    const passing = licences.filter((licence) => stopOf(licence, set) < 0);
    const many = passing.length;
    const what = make("b", "", set.length === 1 ? uses[set[0]] : set.length === 2 ? "do both" : `do all ${NUMBERS[set.length] ?? set.length}`);
    const words = make("span", "", set.length ? `of ${licences.length} licences let you ` : "licences, and a free road.");
    if (set.length) words.append(what, sealed() ? "?" : "");
    sentence.replaceChildren(make("b", "loud", sealed() ? "?" : String(many)), words);
    const focus = guesses.contains(document.activeElement);
    const numbers = [...new Set([2, many, 11, 14])].filter((number) => number <= licences.length).sort((a, b) => a - b);
    guesses.replaceChildren(
      ...(sealed() ? numbers : []).map((number) => {
        const button = make("button", "num", String(number));
        button.addEventListener("click", () => {
          road.classList.add("show");
          setTimeout(() => road.classList.remove("show"), 2500);
          keep({ guess: number, asked: "" });
        });
        return button;
      }),
    );
    if (focus && !sealed()) chips[0].focus({ preventScroll: true });
    const guess = model.get("guess") ?? -1;
    const said = guess < 0 || set.length !== uses.length ? "" : guess === many ? "As you guessed. " : `You guessed ${guess}. `;
    const free = passing.filter((licence) => !conditionsOf(licence)).length;
    const ifs = set.length && many ? `${capital(NUMBERS[free] ?? String(free))} without an “if”. ` : "";
    const act = !set.length ? `What do you plan? ${matchMedia("(hover: hover)").matches ? "Press it, or drag it onto the road." : "Press it."}` : many < licences.length ? "Press a stopped ball: why?" : "All get home. Put another plan in their way.";
    hint.textContent = sealed() ? "" : `${said}${ifs}${act}`;
  }
  /** Show the answer of a cell, and its clauses. */
  function drawAnswer() {
    answerBox.hidden = sealed() || column() < 0;
    el.classList.toggle("answered", !answerBox.hidden);
    const counted = `${sentence.textContent} ${hint.textContent}`;
    if (answerBox.hidden) return speak(counted);
    const licence = licences[row()];
    const verdict = licence.verdicts[column()];
    question.replaceChildren(make("b", "", licence.short), make("span", "", `May I ${uses[column()]}?`));
    verdictLine.replaceChildren(make("b", "loud", WORDS[verdict.answer] ?? verdict.answer));
    why.textContent = verdict.why;
    const spoken = drawClauses(licence, verdict);
    speak(`${counted} ${question.textContent} ${verdictLine.textContent} ${why.textContent} ${spoken}`);
  }
  /** Show the clauses of an answer, with the weightiest or the chosen clause open. Returns the open clause as text. */
  function drawClauses(licence, { clauses }) {
    const chosen = model.get("clause") ?? -1;
    const open = clauses[chosen] ? chosen : weightiest(clauses);
    const focus = topics.contains(document.activeElement);
    const labels = namesOf(clauses);
    topics.hidden = clauses.length < 2;
    topics.replaceChildren(
      ...clauses.map((clause, index) => {
        const button = make("button", clause.kind);
        button.append(draw("mu-icon", ICONS[clause.topic] ?? PAGE), labels[index]);
        button.setAttribute("aria-pressed", String(index === open));
        button.addEventListener("click", () => keep({ clause: index }));
        return button;
      }),
    );
    if (focus) topics.children[open].focus();
    foldName.textContent = clauses.length === 1 ? "The source" : `${clauses.length === 2 ? "Both" : `All ${NUMBERS[clauses.length] ?? clauses.length}`} clauses, and the source`;
    const clause = clauses[open];
    const link = make("a", "", "the text");
    link.href = licence.url;
    const section = make("figcaption", "");
    section.append(make("b", "", /^(\d|[IV]+\b)/.test(clause.section) ? `Section ${clause.section}` : clause.section));
    quote.replaceChildren(make("blockquote", "", `“${clause.quote}”`), section);
    const models = licence.models.filter((title) => title !== licence.short);
    const others = models.length > 3 ? ` and ${models.length - 3} more` : "";
    // If there is only one clause, its summary is left out, because the sentence in `why` says the same.
    source.replaceChildren(
      clauses.length > 1 ? `${clause.summary} · ` : "",
      `${licence.title}${licence.date ? `, ${licence.date}` : ""} · `, link, ` · ${licence.basis} · one reading, not legal advice`,
      models.length ? ` · models: ${models.slice(0, 3).join(", ")}${others}` : "",
    );
    return `${clause.section}: ${clause.quote}`;
  }

  const keys = ["licence", "use", "plans", "asked", "guess", "clause"];
  const listen = () => keep.storing || update();
  for (const key of keys) model.on(`change:${key}`, listen);
  update();
  return () => {
    hush();
    for (const key of keys) model.off(`change:${key}`, listen);
  };
}

/** A name for each clause: its topic. If several clauses have the same topic, a verb for what the clause does is added, and its section
 * if that is still not enough. */
export function namesOf(clauses) {
  const twice = (names, name) => names.filter((each) => each === name).length > 1;
  const topics = clauses.map(({ topic }) => topic);
  const verbs = clauses.map(({ topic, kind }) => (twice(topics, topic) && DOES[kind] ? `${topic}: ${DOES[kind]}` : topic));
  return verbs.map((name, index) => (twice(verbs, name) ? `${name} (${clauses[index].section})` : name));
}

export default { render };
