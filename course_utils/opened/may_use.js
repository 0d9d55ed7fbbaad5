// Two pictures of the same answers. A page begins with the uses and a tile for each licence: a press on a use sorts the
// tiles by their answers. A lesson begins with a board, a row for each licence and a column for each use: a press on a
// row, a column or a cell shows its answers. A button leads from one picture to the other.
// The view's `data` is what states() of may_use.py returns.
// The visitor chooses:
//   licence: the licence's name
//   use: the use's index
//   asked: "" (does the licence allow the use?), "row" (which uses does the licence allow?), "column" (which licences
//     allow the use?) or "start" (nothing is chosen yet, and the tiles are not sorted)
//   clause: the clause's index, or -1 for the weightiest clause
//   answer: the answer whose cells are highlighted, or ""
import { adopt, announcer, keeper, make, onSize, radio } from "./view.js";

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
// The icon of each answer: SVG in a box of 24 by 24.
const MARKS = {
  yes: '<path d="M5 13l4.5 4.5L19 7.5"/>',
  "yes, with conditions": '<path d="M6.5 10.5l3.8 3.8L17.5 6M6 20h.1M12 20h.1M18 20h.1"/>',
  "ask first": '<path d="M4 5h16v11h-9l-5 4v-4H4z"/>',
  no: '<path d="M6 6l12 12M18 6L6 18"/>',
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
// What a clause does, as a verb. The verb is shown if two clauses have the same topic.
const DOES = { permission: "permits", condition: "asks", prohibition: "forbids", termination: "ends" };
const HEAVY = ["no", "ask first", "cannot know", "yes, with conditions", "yes"];
const SORTED = ["yes", "yes, with conditions", "ask first", "cannot know", "no"]; // the order of the groups of tiles
const FLIGHT = 450; // ms: how long a tile flies to its group
const WEIGHT = ["prohibition", "termination", "condition", "disclaimer", "definition", "permission"];

/** The CSS class of an answer. */
const kind = (answer) => answer.replaceAll(/\W+/g, "-");

/** The reason for a verdict, in two or three words. */
const said = ({ answer, word }) => (answer === "no" && !/^not? /.test(word) ? `No: ${word}` : word);

/** An element with an icon drawn in it. */
function draw(className, inner) {
  const element = make("span", className);
  element.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true">${inner}</svg>`;
  return element;
}

/**
 * Count, for each answer such as "yes", how many verdicts on some licences have this answer. A result is, for example,
 * { yes: 3, no: 1 }.
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
 * newest, so that one sees what a new version changed. Licences of models that came after the article's models (`later`)
 * stand at the end.
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

/** The index of the clause that decides. If there are prohibitions, it is the last one, because licences list the forbidden
 * uses at their end. Otherwise it is the first clause of the kind that stands highest in WEIGHT. */
export function weightiest(clauses) {
  const kinds = clauses.map(({ kind }) => kind);
  const first = WEIGHT.find((one) => kinds.includes(one));
  return first === "prohibition" ? kinds.lastIndexOf(first) : kinds.indexOf(first);
}

export function render({ model, el }) {
  const { uses, answers, licences: given } = model.get("data");
  const licences = inOrder(given);

  adopt(el, "mu");
  // In the table, row -1 has the names of the uses, and column -1 has the names of the licences.
  const board = make("table", "mu-board");
  board.setAttribute("role", "grid");
  board.setAttribute("aria-label", "Licences by uses");
  const cells = new Map(); // {"row column": button}
  const top = board.createTHead().insertRow();
  top.setAttribute("role", "row");
  const corner = top.appendChild(make("td", "mu-corner", "May I …"));
  corner.setAttribute("role", "gridcell");
  uses.forEach((use, column) => {
    const cell = top.appendChild(make("th"));
    cell.scope = "col";
    cell.setAttribute("role", "columnheader");
    addButton(cell, -1, column, `May I ${use}?`, make("span", "", short(use)));
  });
  const body = board.createTBody();
  licences.forEach((licence, row) => {
    const line = body.insertRow();
    line.setAttribute("role", "row");
    line.classList.toggle("first", row > 0 && licence.author !== licences[row - 1].author);
    line.classList.toggle("later", row > 0 && licence.later && !licences[row - 1].later);
    const cell = line.appendChild(make("th"));
    cell.scope = "row";
    cell.setAttribute("role", "rowheader");
    const label = make("span", "mu-name");
    label.append(make("b", "", licence.short), " ", make("span"));
    addButton(cell, row, -1, [licence.title, ...licence.models].join(", "), label);
    licence.verdicts.forEach(({ answer, word }, column) => {
      const name = `${licence.short}, ${uses[column]}: ${answer}${word ? `, ${word}` : ""}`;
      const inner = make("span", `mu-cell ${kind(answer)}`);
      inner.append(draw("mu-mark", MARKS[answer]));
      if (word) inner.append(make("span", "mu-word", said({ answer, word })));
      const place = line.appendChild(make("td"));
      place.setAttribute("role", "gridcell");
      addButton(place, row, column, name, inner);
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
    button.addEventListener("click", () => ask(row, column));
    button.addEventListener("keydown", (event) => {
      const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
      if (!step) return;
      event.preventDefault();
      const next = cells.get(`${row + step[0]} ${column + step[1]}`);
      if (!next) return;
      ask(row + step[0], column + step[1]);
      next.focus();
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
    const sign = make("span", `mu-cell ${kind(answer)}`);
    sign.append(draw("mu-mark", MARKS[answer]));
    item.append(sign, number, ` ${answer}`);
    item.addEventListener("click", () => keep({ answer: model.get("answer") === answer ? "" : answer }));
    counts.set(answer, number);
    legendButtons.set(answer, item);
  }
  const left = make("div", "mu-left");
  left.append(board, legend);

  const answerBox = make("section", "mu-answer");
  answerBox.setAttribute("aria-label", "The answer");
  const question = make("p", "mu-question");
  const counted = make("p", "mu-count"); // how many licences allow the use, or how many uses the licence allows
  const verdictLine = make("p", "mu-verdict");
  const why = make("p", "mu-why");
  const list = make("div", "mu-list");
  const chips = make("div", "mu-chips");
  chips.setAttribute("role", "group");
  chips.setAttribute("aria-label", "The clauses");
  const quote = make("figure", "mu-quote");
  const source = make("p", "mu-source");
  const summed = make("div", "mu-said");
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const more = make("button", "mu-more", "The whole answer ↓"); // shown only on a phone, where the answer stands below the board
  more.addEventListener("click", () => (el.dataset.asked ? list : why).scrollIntoView({ block: "center", behavior: still.matches ? "auto" : "smooth" }));
  summed.append(question, counted, verdictLine, more);
  answerBox.append(summed, why, list, chips, quote, source);
  const scene = make("div", "mu-scene");
  // The picture with tiles
  const sorter = make("div", "mu-sorter");
  const plans = make("div", "mu-plans");
  plans.setAttribute("role", "radiogroup");
  plans.setAttribute("aria-label", "May I …");
  const planButtons = uses.map((use) => {
    const button = plans.appendChild(make("button", "", short(use)));
    button.setAttribute("aria-label", `May I ${use}?`);
    radio(button, () => planButtons, (at) => ask(-1, at));
    return button;
  });
  const sentence = make("p", "mu-sentence");
  const groups = make("div", "mu-groups");
  const tiles = licences.map((licence, index) => {
    const tile = make("button", "mu-tile");
    tile.append(make("b", "", licence.short), make("span"));
    tile.addEventListener("click", () => {
      if (sealed()) return;
      ask(index, column());
      tile.scrollIntoView({ block: "nearest", behavior: still.matches ? "auto" : "smooth" }); // on a phone, out from under the strip
    });
    return tile;
  });
  sorter.append(sentence, plans, groups);
  const swap = make("button", "mu-swap");
  swap.addEventListener("click", () => {
    sorting = !sorting;
    if (sealed()) return ask(-1, column());
    update();
    fit();
  });
  scene.append(sorter, left, answerBox, swap);
  const { live, speak, hush } = announcer();
  el.append(scene, live);

  // The visitor's choices now
  const row = () => Math.max(0, licences.findIndex(({ name }) => name === model.get("licence")));
  const column = () => Math.max(0, Math.min(uses.length - 1, model.get("use") ?? 0));
  const asked = () => (["row", "column", "start"].includes(model.get("asked")) ? model.get("asked") : "");
  const sealed = () => asked() === "start";
  let sorting = ["start", "column"].includes(asked()); // whether the tiles are shown, not the board

  const keep = keeper(model, update);
  function ask(atRow, atColumn) {
    const changes = { clause: -1, asked: atRow < 0 ? "column" : atColumn < 0 ? "row" : "" };
    if (atRow >= 0) changes.licence = licences[atRow].name;
    if (atColumn >= 0) changes.use = atColumn;
    focused = [atRow, atColumn];
    previewed = null;
    answerBox.classList.remove("preview");
    keep(changes);
  }
  let previewed = null; // the cell under the pointer
  // [row, column] of the button that the Tab key reaches
  let focused = sealed() ? [-1, 0] : [asked() === "column" ? -1 : row(), asked() === "row" ? -1 : column()];

  function update() {
    const totals = count(licences);
    for (const answer of answers) counts.get(answer).textContent = String(totals[answer] ?? 0);
    el.classList.toggle("sealed", sealed());
    el.classList.toggle("sorting", sorting);
    el.classList.toggle("picked", asked() === "");
    swap.textContent = sorting ? `All ${licences.length * uses.length} answers` : "Sort by one plan";
    for (const [name, button] of cells) {
      const [atRow, atColumn] = name.split(" ").map(Number);
      const [inRow, inColumn] = [atRow === row() && asked() !== "column" && !sealed(), atColumn === column() && asked() !== "row" && !sealed()];
      const here = asked() === "" && inRow && inColumn;
      button.parentElement.classList.toggle("here", here);
      button.parentElement.classList.toggle("lit", inRow || inColumn);
      button.tabIndex = atRow === focused[0] && atColumn === focused[1] ? 0 : -1;
      if (atRow >= 0 && atColumn >= 0) button.parentElement.setAttribute("aria-selected", here || (asked() !== "" && (inRow || inColumn))); // no cell is selected while the board is covered
    }
    const pointed = answers.includes(model.get("answer")) ? model.get("answer") : "";
    board.classList.toggle("pointing", pointed !== "");
    for (const answer of answers) legendButtons.get(answer).setAttribute("aria-pressed", answer === pointed);
    licences.forEach(({ verdicts }, index) =>
      verdicts.forEach(({ answer }, at) => cells.get(`${index} ${at}`).classList.toggle("pointed", answer === pointed)),
    );
    fitWords();
    drawAnswer();
  }
  /** Show the reason in each lit cell, or only the cell's mark if the reason has no room. */
  function fitWords() {
    const lit = [...board.querySelectorAll("td.lit .mu-word")];
    for (const word of lit) word.parentElement.classList.remove("tight");
    const tight = lit.filter((word) => {
      const { clientWidth, clientHeight } = word.closest("button");
      return word.offsetWidth > clientWidth || word.offsetHeight > clientHeight + 1;
    });
    for (const word of tight) word.parentElement.classList.add("tight");
  }
  /** Write the names of a licence's models beside the licence. If some have no room, write how many more there are. */
  function nameModels() {
    licences.forEach(({ short, models }, index) => {
      const label = cells.get(`${index} -1`).firstChild;
      const titles = models.filter((title) => title !== short);
      for (let shown = titles.length; shown >= 0; shown--) {
        const others = shown && shown < titles.length ? ` +${titles.length - shown}` : "";
        label.lastChild.textContent = titles.slice(0, shown).join(", ") + others;
        if (label.scrollWidth <= label.clientWidth) break;
      }
    });
  }
  function fit() {
    nameModels();
    fitWords();
  }
  /** Show the answer of the cell under the pointer, `at`. If `at` is null, show again what the visitor chose. */
  function preview(at) {
    if (sealed()) return;
    const chosen = at && asked() === "" && at[0] === row() && at[1] === column();
    previewed = chosen ? null : at;
    answerBox.classList.toggle("preview", previewed !== null);
    drawAnswer();
  }
  /** Show the answer of a cell, or all answers of a row or a column. The clauses shown are those of a single answer: the one
   * that HEAVY lists first. */
  function drawAnswer() {
    const whole = previewed ? "" : asked();
    list.replaceChildren();
    answerBox.hidden = sealed();
    if (sorting) sort();
    if (sealed()) return speak(sentence.textContent);
    const places = {
      row: uses.map((_, index) => [row(), index]),
      column: licences.map((_, index) => [index, column()]),
      "": [previewed ?? [row(), column()]],
    }[whole];
    const answerAt = ([atRow, atColumn]) => licences[atRow].verdicts[atColumn];
    const heaviest = [...places].sort((a, b) => HEAVY.indexOf(answerAt(a).answer) - HEAVY.indexOf(answerAt(b).answer))[0];
    const licence = licences[heaviest[0]];
    tiles.forEach((tile, index) => tile.classList.toggle("shown", index === heaviest[0]));
    const single = sorting || whole === ""; // the tiles say already what all licences answer
    el.dataset.asked = single ? "" : whole;
    why.hidden = chips.hidden = !single;
    counted.hidden = single;
    if (single) drawVerdict(licence, heaviest);
    else sumUp(whole, places, answerAt);
    const spoken = drawClauses(licence, heaviest, whole);
    if (!previewed) speak(`${sorting ? `${sentence.textContent}. ` : ""}${question.textContent} ${counted.hidden ? "" : counted.textContent} ${verdictLine.textContent} ${why.hidden ? "" : why.textContent} ${spoken}`);
  }
  /** Sort the tiles by the licences' answers to the chosen use. Each tile flies to its new place. */
  function sort() {
    const before = groups.hasChildNodes() ? tiles.map((tile) => tile.getBoundingClientRect()) : null;
    const focus = groups.contains(document.activeElement) ? document.activeElement : null;
    const verdicts = licences.map((licence) => licence.verdicts[column()]);
    const places = licences.map((_, index) => index);
    planButtons.forEach((button, index) => {
      button.setAttribute("aria-checked", !sealed() && index === column());
      button.tabIndex = index === (sealed() ? 0 : column()) ? 0 : -1;
    });
    const found = sealed() ? [["", places]] : SORTED.map((answer) => [answer, places.filter((at) => verdicts[at].answer === answer)]).filter(([, those]) => those.length);
    groups.replaceChildren(
      ...found.map(([answer, those]) => {
        const group = make("section", `mu-group ${kind(answer)}`);
        const title = make("h3");
        if (answer) title.append(draw("mu-mark", MARKS[answer]), make("b", "", String(those.length)), WORDS[answer].replace(/\.$/, ""));
        else title.textContent = "Not asked yet";
        const row = make("div");
        row.append(...those.map((at) => tiles[at]));
        group.append(title, row);
        return group;
      }),
    );
    tiles.forEach((tile, index) => {
      const { short: name, models } = licences[index];
      const others = models.filter((title) => title !== name);
      const some = others.slice(0, 1).join("") + (others.length > 1 ? ` +${others.length - 1}` : "");
      tile.lastChild.textContent = sealed() ? some : verdicts[index].word;
      tile.setAttribute("aria-pressed", asked() === "" && index === row());
      tile.disabled = sealed();
    });
    const allowed = verdicts.filter(({ answer }) => answer.startsWith("yes")).length;
    sentence.replaceChildren(
      make("b", "loud", String(sealed() ? licences.length : allowed)),
      sealed() ? make("span", "", "licences of open models. What do you want to do?") : make("span", "", `of ${licences.length} licences let you `),
    );
    if (!sealed()) sentence.lastChild.append(make("b", "", uses[column()]));
    focus?.focus({ preventScroll: true });
    if (still.matches || !before) return;
    tiles.forEach((tile, index) => {
      const box = tile.getBoundingClientRect();
      const [x, y] = [before[index].left - box.left, before[index].top - box.top];
      if (x || y) tile.animate([{ transform: `translate(${x}px, ${y}px)` }, { transform: "none" }], { duration: FLIGHT, easing: "cubic-bezier(.2,.7,.2,1)" });
    });
  }
  function drawVerdict(licence, place) {
    const verdict = licence.verdicts[place[1]];
    const about = make("span", "", [licence.title, ...licence.models.slice(0, 3)].join(" · "));
    if (sorting) question.replaceChildren(make("b", "", licence.short), " ", about);
    else question.replaceChildren("May I ", make("b", "", uses[place[1]]), "? ", about);
    verdictLine.className = `mu-verdict ${kind(verdict.answer)}`;
    verdictLine.replaceChildren(draw("mu-mark", MARKS[verdict.answer]), make("b", "loud", WORDS[verdict.answer] ?? verdict.answer));
    why.textContent = verdict.why;
  }
  /** List the answers of a row or a column, grouped by kind. */
  function sumUp(whole, places, answerAt) {
    const groups = HEAVY.map((answer) => [answer, places.filter((place) => answerAt(place).answer === answer)]).filter(([, those]) => those.length);
    if (whole === "row") question.replaceChildren("What may I do under ", make("b", "", licences[row()].title), "? ", make("span", "", licences[row()].models.join(", ")));
    else question.replaceChildren("May I ", make("b", "", uses[column()]), "? ", make("span", "", `asked of ${licences.length} licences`));
    const allowed = places.filter((place) => answerAt(place).answer.startsWith("yes")).length;
    counted.replaceChildren(make("b", "loud num", String(allowed)), whole === "row" ? ` of ${uses.length} plans are allowed` : ` of ${licences.length} licences let you`);
    verdictLine.className = "mu-verdict sum";
    verdictLine.replaceChildren(
      ...groups.map(([answer, those]) => {
        const part = make("span", `mu-part ${kind(answer)}`);
        part.append(draw("mu-mark", MARKS[answer]), make("b", "loud", String(those.length)), ` ${answer}`);
        return part;
      }),
    );
    list.replaceChildren(
      ...groups.map(([answer, those]) => {
        const group = make("p", kind(answer));
        for (const place of those) {
          const name = whole === "row" ? short(uses[place[1]]) : licences[place[0]].short;
          const button = make("button", "", name);
          if (answerAt(place).word) button.append(make("span", "", ` ${said(answerAt(place))}`));
          button.addEventListener("click", () => ask(...place));
          group.append(button);
        }
        return group;
      }),
    );
  }
  /** Show the clauses of an answer, with the weightiest or the chosen clause open. Returns the open clause as text. */
  function drawClauses(licence, [, atColumn], whole) {
    const { clauses } = licence.verdicts[atColumn];
    const given = previewed || whole ? -1 : (model.get("clause") ?? -1);
    const open = clauses[given] ? given : weightiest(clauses);
    const focus = chips.contains(document.activeElement);
    chips.replaceChildren(
      ...clauses.map((clause, index) => {
        const button = make("button", clause.kind);
        const twice = clauses.filter(({ topic }) => topic === clause.topic).length > 1;
        const label = twice && DOES[clause.kind] ? `${clause.topic}: ${DOES[clause.kind]}` : clause.topic;
        button.append(draw("mu-icon", `<path d="${ICONS[clause.topic] ?? PAGE}"/>`), label);
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
    const of = whole === "column" ? `${licence.short}, ` : whole === "row" ? `${short(uses[atColumn])}: ` : "";
    section.append(make("b", "num", `${of}${clause.section}`), ` ${clause.summary}`);
    quote.replaceChildren(words, section);
    source.replaceChildren(
      `${licence.title}${licence.date ? `, ${licence.date}` : ""} · `, link, ` · ${licence.basis} · one reading, not legal advice`,
    );
    return `${clause.section}: ${clause.quote}`;
  }

  const keys = ["licence", "use", "asked", "clause", "answer"];
  for (const key of keys) model.on(`change:${key}`, update);
  update();
  const endSize = onSize(board, fit);
  return () => {
    endSize();
    hush();
    for (const key of keys) model.off(`change:${key}`, update);
  };
}

export default { render };
