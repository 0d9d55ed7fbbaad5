// A matrix of licences and uses that can be asked. Model: data (what may_use.py's states() returns), and what the
// visitor chose: licence (a name), use (an index), clause (an index, or -1 for the weightiest), family ("" for all),
// answer (the one that is pointed out, or ""), sort (the use by which the rows are sorted, or -1).
import { adopt, announcer, arrowStep, headline, keeper, make } from "./view.js";

// A use in two or three words, for the head of a column.
const SHORT = {
  "study and modify it": "study, modify",
  "sell a product built on it": "sell a product",
  "serve it to a billion monthly users": "a billion users",
  "offer it to others as a hosted service": "host it for others",
  "train another large model of its kind on its outputs": "train on outputs",
  "ship it without naming it": "leave its name out",
  "use it for medical advice": "medical advice",
  "have a revenue of over a million dollars a year": "over $1M a year",
};
const WORDS = {
  yes: "Yes.",
  "yes, with conditions": "Yes, if …",
  "ask first": "Ask first.",
  no: "No.",
  "cannot know": "Unclear.",
};
// The mark of an answer, in a box of 24 by 24: the fuller, the freer.
const MARKS = {
  yes: '<circle cx="12" cy="12" r="9" class="full"/>',
  "yes, with conditions": '<circle cx="12" cy="12" r="8"/><path d="M12 4a8 8 0 0 0 0 16z" class="full"/>',
  "ask first": '<circle cx="12" cy="12" r="8"/><path d="M12 12V4a8 8 0 0 0-8 8z" class="full"/>',
  no: '<circle cx="12" cy="12" r="9" class="full"/><path d="M8.5 8.5l7 7M15.5 8.5l-7 7" class="cut"/>',
  "cannot know": '<path d="M8.5 9.5c0-5 7-5 7-.8 0 3-3.5 2.8-3.5 6M12 18.5v.1"/>',
};
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
const WEIGHT = ["prohibition", "termination", "condition", "disclaimer", "definition", "permission"];

/** An element with an icon drawn in it. */
function draw(className, inner) {
  const element = make("span", className);
  element.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true">${inner}</svg>`;
  return element;
}

/**
 * Count the answers of some licences.
 * @param {{ verdicts: { answer: string }[] }[]} licences
 * @returns {Record<string, number>}
 */
export function count(licences) {
  const counts = {};
  for (const { verdicts } of licences) for (const { answer } of verdicts) counts[answer] = (counts[answer] ?? 0) + 1;
  return counts;
}

/**
 * Sort licences from the freest: by their plain yeses, then by how many answers are neither no nor a request.
 * @template {{ verdicts: { answer: string }[] }} L
 * @param {L[]} licences
 * @returns {L[]}
 */
export function freestFirst(licences) {
  const score = (licence) => {
    const { yes = 0, "yes, with conditions": conditional = 0 } = count([licence]);
    return 10 * (yes + conditional) + yes;
  };
  return [...licences].sort((a, b) => score(b) - score(a));
}

/** The clause that decides, as an index: the last prohibition, for a list of forbidden uses stands at the end, or the
 * first of the next weightiest kind. */
export function weightiest(clauses) {
  const kinds = clauses.map(({ kind }) => kind);
  const kind = WEIGHT.find((one) => kinds.includes(one));
  return kind === "prohibition" ? kinds.lastIndexOf(kind) : kinds.indexOf(kind);
}

export function render({ model, el }) {
  const { uses, answers, licences: given } = model.get("data");
  const licences = freestFirst(given);
  const families = [...new Set(licences.flatMap((licence) => licence.families))];
  families.sort((a, b) => a.localeCompare(b));

  adopt(el, "mu");
  const { head, loud, loudWords } = headline("mu");
  const asks = make("div", "mu-asks");
  asks.setAttribute("role", "radiogroup");
  asks.setAttribute("aria-label", "What may I do with");
  const familyButtons = ["", ...families].map((family) => {
    const button = asks.appendChild(make("button", "", family || `all ${licences.length}`));
    button.setAttribute("role", "radio");
    button.addEventListener("click", () => chooseFamily(family));
    button.addEventListener("keydown", (event) => {
      const step = arrowStep(event);
      if (!step) return;
      event.preventDefault();
      const at = (familyButtons.indexOf(button) + step + familyButtons.length) % familyButtons.length;
      chooseFamily(["", ...families][at]);
      familyButtons[at].focus();
    });
    return button;
  });
  const lead = make("p", "mu-lead", "What may I do with");
  lead.setAttribute("aria-hidden", "true");
  const bar = make("div", "mu-bar");
  bar.append(lead, asks);

  // The matrix: row 0 has the uses, column -1 the licences
  const board = make("table", "mu-board");
  board.setAttribute("role", "grid");
  board.setAttribute("aria-label", "Licences by uses");
  const cells = new Map(); // "row column" -> button
  const rows = [];
  const top = board.createTHead().insertRow();
  top.append(make("td", "mu-corner"));
  uses.forEach((use, column) => {
    const cell = top.appendChild(make("th"));
    cell.scope = "col";
    addButton(cell, -1, column, `May I ${use}?`, make("span", "", SHORT[use] ?? use));
  });
  const body = board.createTBody();
  licences.forEach((licence, row) => {
    const line = body.insertRow();
    rows.push(line);
    const cell = line.appendChild(make("th"));
    cell.scope = "row";
    const label = make("span", "mu-name");
    label.append(make("b", "", licence.short), make("span", "", licence.models.filter((title) => title !== licence.short).join(", ")));
    addButton(cell, row, -1, [licence.title, ...licence.models].join(", "), label);
    licence.verdicts.forEach(({ answer }, column) => {
      const name = `${licence.short}, ${uses[column]}: ${answer}`;
      addButton(line.appendChild(make("td")), row, column, name, draw(`mu-mark ${answer.replaceAll(/\W+/g, "-")}`, MARKS[answer]));
    });
  });
  function addButton(cell, row, column, name, inner) {
    const button = cell.appendChild(make("button"));
    button.append(inner);
    button.title = name;
    button.setAttribute("aria-label", name);
    if (row >= 0 && column >= 0 && matchMedia("(hover: hover)").matches) {
      button.addEventListener("mouseenter", () => preview([row, column]));
      button.addEventListener("mouseleave", () => preview(null));
    }
    button.addEventListener("click", () => ask(row, column, row < 0 ? { sort: sort() === column ? -1 : column } : {}));
    button.addEventListener("keydown", (event) => {
      const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
      if (!step) return;
      event.preventDefault();
      const at = order.indexOf(row) + step[0];
      const nextRow = at < 0 ? -1 : order[at];
      const next = cells.get(`${nextRow} ${column + step[1]}`);
      if (!next) return;
      next.focus();
      ask(nextRow, column + step[1]);
    });
    cells.set(`${row} ${column}`, button);
  }

  const legend = make("div", "mu-legend");
  legend.setAttribute("role", "group");
  legend.setAttribute("aria-label", "Point out an answer");
  const counts = new Map();
  const legendButtons = new Map();
  for (const answer of answers) {
    const item = legend.appendChild(make("button"));
    const number = make("b", "num");
    item.append(draw(`mu-mark ${answer.replaceAll(/\W+/g, "-")}`, MARKS[answer]), number, ` ${answer}`);
    item.addEventListener("click", () => keep({ answer: model.get("answer") === answer ? "" : answer }));
    counts.set(answer, number);
    legendButtons.set(answer, item);
  }
  const left = make("div", "mu-left");
  left.append(board, legend);

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
  const said = make("div", "mu-said");
  said.append(question, verdictLine);
  answerBox.append(said, why, chips, quote, source);
  const scene = make("div", "mu-scene");
  scene.append(left, answerBox);
  const { live, speak, hush } = announcer();
  el.append(head, bar, scene, live);

  // What holds now
  const family = () => (families.includes(model.get("family")) ? model.get("family") : "");
  const row = () => Math.max(0, licences.findIndex(({ name }) => name === model.get("licence")));
  const column = () => Math.max(0, Math.min(uses.length - 1, model.get("use") ?? 0));
  const inFamily = (licence) => !family() || licence.families.includes(family());

  const sort = () => (uses[model.get("sort")] ? model.get("sort") : -1);
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let order = licences.map((_, index) => index); // the rows, from the top

  const keep = keeper(model, update);
  function ask(atRow, atColumn, changes = {}) {
    changes.clause = -1;
    if (atRow >= 0) changes.licence = licences[atRow].name;
    if (atColumn >= 0) changes.use = atColumn;
    if (atRow >= 0 && !inFamily(licences[atRow])) changes.family = "";
    focused = [atRow, atColumn];
    previewed = null;
    answerBox.classList.remove("preview");
    keep(changes);
  }
  function chooseFamily(chosen) {
    const changes = { family: chosen };
    if (chosen && !licences[row()].families.includes(chosen)) {
      Object.assign(changes, { licence: licences.find((licence) => licence.families.includes(chosen)).name, clause: -1 });
    }
    keep(changes);
  }
  let previewed = null; // the cell under the pointer
  let focused = [row(), column()]; // the cell that the Tab key leads to

  function update() {
    const shown = licences.filter(inFamily);
    const counted = count(shown);

    if (family()) {
      loud.textContent = String(counted.no ?? 0);
      loudWords.textContent = ` of ${shown.length * uses.length} answers for ${family()} ${counted.no === 1 ? "is" : "are"} a plain no`;
    } else {
      loud.textContent = String(licences.filter((one) => !count([one]).no).length);
      loudWords.textContent = ` of ${licences.length} licences never say no`;
    }
    familyButtons.forEach((button, index) => {
      const on = ["", ...families][index] === family();
      button.setAttribute("aria-checked", on);
      button.tabIndex = on ? 0 : -1;
    });
    for (const answer of answers) counts.get(answer).textContent = String(counted[answer] ?? 0);
    for (const [name, button] of cells) {
      const [atRow, atColumn] = name.split(" ").map(Number);
      const here = atRow === row() && atColumn === column();
      button.parentElement.classList.toggle("here", here);
      button.parentElement.classList.toggle("band", atRow === row() || atColumn === column());
      button.tabIndex = atRow === focused[0] && atColumn === focused[1] ? 0 : -1;
      if (atRow >= 0 && atColumn >= 0) button.parentElement.setAttribute("aria-selected", here);
    }
    rows.forEach((line, index) => line.classList.toggle("out", !inFamily(licences[index])));
    const pointed = answers.includes(model.get("answer")) ? model.get("answer") : "";
    board.classList.toggle("pointing", pointed !== "");
    for (const answer of answers) legendButtons.get(answer).setAttribute("aria-pressed", answer === pointed);
    licences.forEach(({ verdicts }, index) =>
      verdicts.forEach(({ answer }, at) => cells.get(`${index} ${at}`).classList.toggle("pointed", answer === pointed)),
    );
    arrange();
    drawAnswer();
  }
  /** Show the answer of a cell while the pointer is over it, or again that of the chosen one. */
  function preview(at) {
    previewed = at;
    answerBox.classList.toggle("preview", at !== null);
    drawAnswer();
  }
  function drawAnswer() {
    const [atRow, atColumn] = previewed ?? [row(), column()];
    const licence = licences[atRow];
    const verdict = licence.verdicts[atColumn];
    question.replaceChildren("May I ", make("b", "", uses[atColumn]), "? ", make("span", "", licence.title));
    verdictLine.className = `mu-verdict ${verdict.answer.replaceAll(/\W+/g, "-")}`;
    verdictLine.replaceChildren(draw("mu-mark", MARKS[verdict.answer]), make("b", "loud", WORDS[verdict.answer] ?? verdict.answer));
    why.textContent = verdict.why;
    const { clauses } = verdict;
    const given = previewed ? -1 : (model.get("clause") ?? -1);
    const open = clauses[given] ? given : weightiest(clauses);
    const focus = chips.contains(document.activeElement);
    chips.replaceChildren(
      ...clauses.map((clause, index) => {
        const button = make("button", clause.kind);
        button.append(draw("mu-icon", `<path d="${ICONS[clause.topic] ?? PAGE}"/>`), clause.topic);
        button.setAttribute("aria-pressed", index === open);
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
    section.append(make("b", "num", clause.section), ` ${clause.summary}`);
    quote.replaceChildren(words, section);
    source.replaceChildren(
      `${licence.title}${licence.date ? `, ${licence.date}` : ""} · `, link, ` · ${licence.basis} · one reading, not legal advice`,
    );
    if (!previewed) speak(`${licence.short}. May I ${uses[atColumn]}? ${WORDS[verdict.answer] ?? verdict.answer} ${verdict.why} ${clause.section}: ${clause.quote}`);
  }

  /** Sort the rows: the chosen family first, then by the answers to one use. Each travels to its new position. */
  function arrange() {
    const rank = (index) =>
      (inFamily(licences[index]) ? 0 : 100) + (sort() < 0 ? 0 : answers.indexOf(licences[index].verdicts[sort()].answer));
    const next = licences.map((_, index) => index).sort((a, b) => rank(a) - rank(b) || a - b);
    [...top.cells].slice(1).forEach((cell, index) => {
      cell.classList.toggle("sorted", index === sort());
      cell.setAttribute("aria-sort", index === sort() ? "ascending" : "none");
    });
    if (String(next) === String(order)) return;
    const before = rows.map((line) => line.offsetTop);
    const active = document.activeElement;
    order = next;
    body.append(...order.map((index) => rows[index]));
    if (el.contains(active)) active.focus();
    if (still.matches) return;
    rows.forEach((line, index) => {
      const way = before[index] - line.offsetTop;
      if (way) line.animate([{ transform: `translateY(${way}px)` }, { transform: "none" }], { duration: 280, easing: "cubic-bezier(.2,.7,.2,1)" });
    });
  }

  const keys = ["licence", "use", "clause", "family", "answer", "sort"];
  for (const key of keys) model.on(`change:${key}`, update);
  update();
  return () => {
    hush();
    for (const key of keys) model.off(`change:${key}`, update);
  };
}

export default { render };
