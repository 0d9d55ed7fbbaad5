// A model card that is checked while the visitor writes it. The view marks what it found, and lists the card's parts.
// The view's `data` is {cards: {title: text}}, perhaps with offers {title: {part: sentences}}: the sentences that can
// be chosen for a part of that card.
// The visitor chooses `card` (a title) and `text` (the visitor's; "" for the card's own).
// If the host is live, its linter gets `want` {text} and sends `said` {want, parts, weak, people}. Otherwise the linter
// below checks the text.
import { adopt, announcer, capital, headline, make, shape } from "./view.js";

// The linter of lesson 15 (card_check.py) in JavaScript. Of YAML, the format of the block for machines, it reads only
// what cards use.
const FIELDS = ["license", "language"];
const NAMES = {
  license: ["license", "licence"],
  language: ["language", "languages"],
  "intended use": ["intended use", "intended uses", "uses", "direct use", "evaluated use", "purpose"],
  "training data": ["training data", "training dataset", "training datasets", "pretraining data"],
  evaluation: ["evaluation", "evaluations", "benchmarks", "results", "performance"],
  limitations: ["limitations", "limits"],
  bias: ["bias", "biases", "fairness", "ethical considerations"],
  "environmental impact": ["environmental impact", "carbon footprint", "emissions", "energy"],
  contact: ["contact", "questions or comments", "feedback"],
};
const PRAISE = /\b(?:best|finest|greatest|perfect|unmatched|leading|world-class|state[- ]of[- ]the[- ]art)\b/i;
const PEOPLE = /(?<![\p{L}\p{N}_])(?:knows?|thinks?|wants?|believes?|understands?|feels?|loves?)(?![\p{L}\p{N}_])/giu;
// Each pattern finds a line whose number says enough. A number in an evaluation must come with what was counted (after
// "of" or "on"), or have a table cell of its own. A number for the environmental impact must have a unit.
const FIGURES = {
  evaluation: /\| *[0-9][0-9.,]*%? *\||^[^|]*(?:[0-9].*\b(?:of|on)\b|\b(?:of|on)\b.*[0-9])/,
  "environmental impact": /[0-9].*(?:Wh\b|CO2|CO₂|\bhours\b|\bkg\b|\btonnes\b)/,
};
const HEADING = /^ {0,3}#{1,6} +(.*)$/;
const BOLD = /^(?:[-*] )?\*\*([^*]+)\*\*:?(.*)$/;
const ROW = /^\| *([^|]*[^| ]) *\|([^|]*)\|/;
const EMPTY = /^(?:\[more information needed\]|<!--.*|\|[-:| ]*|[^0-9a-z]*)$/i;
const WORD = /\p{L}{2,}/gu;
const QUESTIONS = /[0-9a-z_.]+@[0-9a-z_.]+|\bquestions (?:to|or)\b/i;
const BLOCK = /^(\s*---(?:\r\n|\r|\n))([\s\S]*?)((?:\r\n|\r|\n)---[ \t]*(?:\r\n|\n|$))/;

/** A value of YAML as Python writes it: "" for no value, True or False for words such as "yes", lists in brackets. */
function scalar(text, inList = false) {
  const plain = text.replace(/(^|\s)#.*$/, "").trim();
  const quoted = /^"(.*)"$|^'(.*)'$/.exec(plain);
  if (/^["'][^"']*$/.test(plain)) throw new Error("A quotation mark in the block for machines is not closed.");
  const value = quoted ? quoted[1] ?? quoted[2].replaceAll("''", "'") : plain;
  if (!quoted && /^(~|null)?$/i.test(plain)) return inList ? "None" : "";
  if (!quoted && /^(true|yes|on)$/i.test(plain)) return "True";
  if (!quoted && /^(false|no|off)$/i.test(plain)) return "False";
  if (!quoted && plain.startsWith("[")) {
    if (!plain.endsWith("]")) throw new Error("A bracket in the block for machines is not closed.");
    return `[${plain.slice(1, -1).split(",").filter((part) => part.trim()).map((part) => scalar(part, true)).join(", ")}]`;
  }
  return inList && (quoted || !/^[-+]?[\d.]+$/.test(plain)) ? `'${value}'` : value;
}

/** The keys of a block of YAML, with their values as Python writes them. */
function readBlock(block) {
  const found = {};
  let key = "";
  let items = [];
  const store = () => {
    if (items.length) found[key] = `[${items.join(", ")}]`;
    items = [];
  };
  for (const line of block.split(/\r\n|\r|\n/)) {
    const item = /^\s*-\s+(.*)$/.exec(line);
    const pair = /^([^\s#:][^:]*):(?:\s+(.*))?$/.exec(line);
    if (!line.trim() || /^\s*#/.test(line)) continue;
    if (item && key) items.push(scalar(item[1], true));
    else if (pair) {
      store();
      key = pair[1];
      found[key] = scalar(pair[2] ?? "");
    } else if (!/^\s/.test(line) || !key) throw new Error(`The block for machines has a line that is no “key: value”: ${line}`);
  }
  store();
  return found;
}

/** The reason why a line is no fact on a part, or "" if it may be a fact. */
function weakness(part, line) {
  const praise = PRAISE.exec(line);
  if (praise && (part in FIGURES || !/[0-9]/.test(line))) return `“${praise[0]}” says nothing`;
  if (part in FIGURES && !FIGURES[part].test(line)) return /[0-9]/.test(line) ? "a figure without its measure" : "no figure";
  if (!FIELDS.includes(part) && (line.match(WORD) ?? []).length < 2 && !/[0-9]|@|:\/\//.test(line)) return "too few words";
  return "";
}

/** A text that names the part for which the same line was already found below another heading; "" if there is no such part. */
function repeats(taken, heading, line) {
  const [part, place] = taken.get(line) ?? ["", heading];
  return place === heading ? "" : `as for “${part}”, word for word`;
}

/** A card's text as a list of [heading, the lines below it that have any content]. */
function sectionsOf(body) {
  const sections = [["", []]];
  for (let line of body.split(/\r\n|\r|\n/)) {
    const heading = HEADING.exec(line);
    const bold = !heading && BOLD.exec(line);
    const row = !heading && !bold && ROW.exec(line);
    if (heading) sections.push([heading[1], []]);
    else if (bold) {
      sections.push([bold[1], []]);
      line = bold[2];
    } else if (row) sections.splice(-1, 0, [row[1], [row[2].trim()]]);
    if (!heading && !EMPTY.test(line.trim())) sections.at(-1)[1].push(line.trim());
  }
  return sections;
}

/** Whether a heading has one of the names as whole words, or is "Data", as in our own cards. */
function isCalled(heading, names) {
  const words = ` ${heading.toLowerCase().replace(/[^a-z]+/g, " ").trim()} `;
  return names.some((name) => words.includes(` ${name} `)) || (words === " data " && names.includes("training data"));
}

/**
 * Check a card. Returns the line found for each part ("" if there is none), the reasons why such a line is no fact, and
 * the words that describe the model as if it were a person.
 * @param {string} text
 * @returns {{ parts: Object<string, string>, weak: Object<string, string>, people: string[] }}
 */
export function lint(text) {
  const block = BLOCK.exec(text);
  const fields = block ? readBlock(block[2]) : {};
  const body = block ? text.slice(block[0].length) : text;
  const sections = sectionsOf(body);
  const parts = {};
  const weak = {};
  const taken = new Map(); // from each line that was found to [its part, the heading above the line]
  for (const [part, names] of Object.entries(NAMES)) {
    if (FIELDS.includes(part) && fields[part]) {
      parts[part] = fields[part];
      if (part === "license" && /^[^[].*\s/.test(parts[part])) weak[part] = "no licence has such a name";
      continue;
    }
    let lines = sections.flatMap(([heading, found]) => (isCalled(heading, names) ? found.map((line) => [heading, line]) : []));
    if (part === "contact" && !lines.length) {
      lines = sections.flatMap(([, found]) => found).filter((line) => QUESTIONS.test(line)).map((line) => ["", line]);
    }
    const reasons = lines.map(([heading, line]) => weakness(part, line) || repeats(taken, heading, line));
    const best = Math.max(0, reasons.indexOf(""));
    const [heading, words] = lines[best] ?? ["", ""];
    parts[part] = words;
    if (reasons[best]) weak[part] = reasons[best];
    else if (lines.length && !taken.has(words)) taken.set(words, [part, heading]);
  }
  return { parts, weak, people: body.match(PEOPLE) ?? [] };
}

/** The index of a part's words in the text: below the part's own heading, or else where the words first occur. */
function placeOf(text, part, words, from) {
  const lines = text.slice(from).split(/(?<=\n|\r(?!\n))/);
  let at = from;
  let below = false;
  for (const line of lines) {
    const heading = HEADING.exec(line.trimEnd());
    if (heading) below = isCalled(heading[1], NAMES[part] ?? []);
    else if (below && line.includes(words)) return at + line.indexOf(words);
    at += line.length;
  }
  return text.indexOf(words, from);
}

/**
 * The places of the found words in a card, in the order of the text and without overlaps.
 * @returns {{ start: number, end: number, part: string, also?: string[] }[]} `part` is "" for a word that describes people
 */
export function marksOf(text, { parts, people }) {
  const from = BLOCK.exec(text)?.[0].length ?? 0;
  const marks = [];
  for (const [part, words] of Object.entries(parts)) {
    if (!words) continue;
    const line = new RegExp(`^${part}:.*$`, "m").exec(text.slice(0, from));
    const start = line ? line.index : placeOf(text, part, words, from);
    if (start >= 0) marks.push({ start, end: start + (line ? line[0] : words.trimEnd()).length, part });
  }
  let at = from;
  for (const word of people) {
    at = text.indexOf(word, at);
    if (at < 0) break;
    marks.push({ start: at, end: (at += word.length), part: "" });
  }
  marks.sort((one, other) => one.start - other.start);
  // If two marks overlap, the later mark gets what the earlier one leaves. But a word that describes people is marked
  // whole, and divides the mark of a part.
  const free = [];
  for (const mark of marks) {
    const before = free.at(-1);
    if (before && mark.start < before.end) {
      if (mark.part === "" && before.part !== "") {
        const rest = { ...before, start: mark.end };
        before.end = mark.start;
        free.push(mark);
        if (rest.start < rest.end) free.push({ ...rest, again: true });
        continue;
      }
      // One line can belong to two parts.
      if (mark.end <= before.end && mark.part) before.also = [...(before.also ?? []), mark.part];
      mark.start = before.end;
    }
    if (mark.start < mark.end) free.push(mark);
  }
  return free;
}

// {part: [what the view writes into the card if the visitor presses this missing part, the question that the view asks]}
const LABEL = 8; // px: how far a label stands out above its line
const STUBS = {
  license: ["license: ", "under which terms?"],
  language: ["language: ", "which ones?"],
  "intended use": ["## Intended use\n\n", "meant for what?"],
  "training data": ["## Training data\n\n", "trained on what?"],
  evaluation: ["## Evaluation\n\n", "how many right, of which test?"],
  limitations: ["## Limitations\n\n", "where does it fail?"],
  bias: ["## Bias\n\n", "whom does it treat worse?"],
  "environmental impact": ["## Environmental impact\n\n", "how much energy?"],
  contact: ["## Contact\n\n", "whom to ask?"],
};

export function render({ model, el }) {
  const { cards, offers = {} } = model.get("data");
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const titles = Object.keys(cards);
  let found = null; // what the linter found last: { parts, people }
  let before = new Set(); // the parts that the card had when it was last drawn
  let slot = null; // where a chosen sentence goes: {part, start, end}

  adopt(el, "ck");
  const { head, loud, loudWords } = headline("ck");
  const paper = make("div", "ck-paper");
  const behind = make("div", "ck-behind");
  behind.setAttribute("aria-hidden", "true");
  const area = make("textarea", "ck-area");
  area.spellcheck = false;
  area.setAttribute("aria-label", "The model card");
  const sheet = make("div", "ck-sheet");
  sheet.append(behind, area);
  paper.append(sheet);
  const side = make("section", "ck-side");
  side.setAttribute("aria-label", "Parts of a good card");
  const box = make("div", "ck-box");
  box.innerHTML = '<svg viewBox="2 4 60 58" aria-hidden="true"><g class="ck-sparks"></g><circle class="ck-ball" cx="32" cy="46" r="9"/><path d="M14 32v24h36V32"/><path class="ck-lid ck-left" d="M14 32h18"/><path class="ck-lid ck-right" d="M50 32H32"/></svg>';
  const sparks = box.querySelector(".ck-sparks");
  for (let index = 0; index < 11; index++) {
    sparks.append(shape("line", { x1: 0, x2: 0, y1: -15, y2: -23, transform: `translate(32 8) rotate(${-100 + 20 * index})` }));
  }
  const list = make("ul", "ck-list");
  const verdict = make("p", "ck-verdict");
  const goal = make("div", "ck-goal");
  const choices = make("div", "ck-choices");
  choices.setAttribute("role", "group");
  goal.append(box, verdict);
  side.append(goal, list);
  const shelf = make("div", "ck-shelf");
  shelf.setAttribute("role", "group");
  shelf.setAttribute("aria-label", "Load a card");
  shelf.append(make("span", "", "Or check another:"));
  const loads = titles.map((title) => {
    const button = make("button", "", title);
    button.addEventListener("click", () => {
      model.set("card", title);
      slot = null;
      write("");
      paper.scrollTop = 0;
    });
    shelf.append(button);
    return button;
  });
  const { live, speak, hush } = announcer(900);
  const desk = make("div", "ck-desk");
  desk.append(side, paper, shelf);
  el.append(head, desk, live);

  const card = () => (cards[model.get("card")] === undefined ? titles[0] : model.get("card"));
  const text = () => model.get("text") || cards[card()];

  let saving = 0;
  /** Keep the visitor's text, but save it only when the visitor pauses, because the page's address and the kernel don't
   * need every keystroke. */
  function write(words) {
    model.set("text", words);
    clearTimeout(saving);
    saving = setTimeout(save, 250);
    check();
  }
  function save() {
    if (model.get("live")) model.set("want", { text: text() });
    model.save_changes();
  }
  function check() {
    if (area.value !== text()) area.value = text();
    if (model.get("live")) return paint();
    try {
      found = lint(text());
      model.set("said", null);
    } catch (error) {
      model.set("said", { error: error.message });
    }
    draw();
  }
  function listen() {
    const said = model.get("said");
    if (said?.parts && said.want.text === text()) found = said;
    draw();
  }

  function fill(part) {
    const [words] = STUBS[part] ?? [`## ${part}\n`];
    let value = text().trimEnd();
    let at = value.length;
    if (FIELDS.includes(part)) {
      const there = BLOCK.exec(value);
      if (!there) value = `---\n${words}\n---\n${value}`;
      const line = new RegExp(`^${part}:.*$`, "m").exec(there?.[2] ?? "");
      if (line) at = there[1].length + line.index + line[0].length;
      else if (there) {
        at = there[1].length + there[2].length;
        value = `${value.slice(0, at)}\n${words}${value.slice(at)}`;
        at += 1 + words.length;
      } else at = 4 + words.length;
    } else {
      // `value` may already have the part's heading, for example because the visitor pressed the part's button before.
      const heading = new RegExp(`^${words.trimEnd()}[ \t]*$`, "m").exec(value);
      const above = heading ? value.slice(0, heading.index + heading[0].length) : `${value}\n\n${words.trimEnd()}`;
      const rest = heading ? value.slice(above.length).trimStart() : "";
      at = above.length + 2;
      value = `${above}\n\n${rest && `\n\n${rest}`}`;
    }
    slot = { part, start: at, end: at };
    area.value = value;
    write(value);
    const offered = offersFor(part).length > 0;
    // On a touch screen the keyboard would cover the sentences that are offered.
    if (!offered || !matchMedia("(pointer: coarse)").matches) area.focus({ preventScroll: true });
    area.setSelectionRange(at, at);
    // Scroll the paper to the new line; without offers, also scroll the page as far as is needed to see the paper.
    behind.replaceChildren(value.slice(0, at), make("i"), `${value.slice(at)}\n`);
    const line = behind.querySelector("i").offsetTop;
    paint();
    scrollTo(line);
    if (!offered && paper.getBoundingClientRect().top > 0.5 * window.innerHeight) paper.scrollIntoView({ block: "end", behavior: still.matches ? "auto" : "smooth" });
  }
  /** Scroll the paper until a place stands in its middle. The first line in sight, with its label, is not cut. */
  function scrollTo(place) {
    const { paddingTop, lineHeight } = getComputedStyle(behind);
    const [edge, tall] = [Number.parseFloat(paddingTop), Number.parseFloat(lineHeight)];
    const most = Math.floor((paper.scrollHeight - paper.clientHeight - edge + LABEL) / tall);
    const lines = Math.min(most, Math.round((place - paper.clientHeight / 2 - edge) / tall));
    paper.scrollTo({ top: lines > 0 ? edge + lines * tall - LABEL : 0, behavior: still.matches ? "auto" : "smooth" });
  }
  /** Offer sentences that can replace a part's line, if that line is no fact or is one of these sentences. */
  function reopen(part, words) {
    slot = null;
    if (!found.weak[part] && !offersFor(part).includes(words)) return draw();
    const from = BLOCK.exec(text())?.[0].length ?? 0;
    const line = new RegExp(`^(${part}: *)(.*)$`, "m").exec(text().slice(0, from));
    const start = line ? line.index + line[1].length : placeOf(text(), part, words, from);
    slot = { part, start, end: start + (line ? line[2] : words).length };
    draw();
  }
  const offersFor = (part) => offers[card()]?.[part] ?? [];
  /** Write the chosen sentence into the card, in place of an earlier choice, and let the linter judge it. */
  function choose(sentence) {
    const { part, start, end } = slot;
    slot = { part, start, end: start + sentence.length };
    write(text().slice(0, start) + sentence + text().slice(end));
    show(part, false);
    [...choices.children].find((button) => button.textContent === sentence)?.focus({ preventScroll: true });
  }
  /** Show the sentences to choose from. Returns the linter's verdict on the chosen sentence, or a question, or "". */
  function drawChoices() {
    const sentences = slot ? offersFor(slot.part) : [];
    const chosen = slot && text().slice(slot.start, slot.end);
    choices.replaceChildren(
      ...sentences.map((sentence) => {
        const button = make("button", "", sentence);
        button.setAttribute("aria-pressed", String(sentence === chosen));
        button.addEventListener("click", () => choose(sentence));
        return button;
      }),
    );
    if (!sentences.length) {
      choices.remove();
      return "";
    }
    // Show the sentences for the part `slot.part` below the row that holds this part's tile.
    const tiles = [...list.querySelectorAll("li[data-part]")];
    const tile = tiles.findIndex((each) => each.dataset.part === slot.part);
    const across = getComputedStyle(list).gridTemplateColumns.split(" ").length;
    const row = make("li", "ck-answers");
    row.append(choices);
    tiles[tile].classList.add("open");
    tiles[Math.min(tiles.length - 1, tile - (tile % across) + across - 1)].after(row);
    choices.setAttribute("aria-label", `Sentences for ${slot.part}`);
    if (!chosen && across < 3) row.scrollIntoView({ block: "nearest", behavior: still.matches ? "auto" : "smooth" });
    if (!chosen) return `${capital(STUBS[slot.part][1])} Choose, or write your own.`;
    const people = chosen.match(PEOPLE);
    if (found.weak[slot.part]) return `No fact: ${found.weak[slot.part]}. Choose another.`;
    if (people) return `“${people[0]}” fits people, not programs. Choose another.`;
    return "A fact, says the linter. Is it true? That it cannot see.";
  }
  function show(part, scrolls = true) {
    const mark = [...behind.querySelectorAll("mark")].find((each) => each.dataset.parts.split("|").includes(part));
    if (!mark) return;
    scrollTo(mark.offsetTop);
    if (scrolls && paper.getBoundingClientRect().top > 0.5 * window.innerHeight) paper.scrollIntoView({ block: "end", behavior: still.matches ? "auto" : "smooth" });
    behind.querySelectorAll(".here").forEach((each) => each.classList.remove("here"));
    mark.classList.add("here");
  }

  /** Draw the text with its marks behind the text field, so that the same letters lie on each other. */
  function paint() {
    const words = text();
    behind.replaceChildren();
    let at = 0;
    // While the kernel checks the text, words that were found before may be gone. They get no marks.
    for (const { start, end, part, again, also = [] } of found ? marksOf(words, found) : []) {
      behind.append(words.slice(at, start));
      const boast = part && found.weak[part];
      const mark = make("mark", boast ? "boast" : part ? "" : "people", words.slice(start, end));
      mark.dataset.parts = [part, ...also].join("|");
      if (!again) mark.dataset.label = boast ? `${part}? ${boast}` : [part, ...also].join(", ") || "for people?";
      behind.append(mark);
      at = end;
    }
    behind.append(`${words.slice(at)}\n`);
    area.defaultValue = words; // a copy of the field, in print or in a saved picture, shows this value
  }

  function draw() {
    paint();
    const error = model.get("said")?.error;
    loads.forEach((button, index) => button.setAttribute("aria-pressed", String(titles[index] === card() && !model.get("text"))));
    el.classList.toggle("broken", Boolean(error));
    if (error) {
      choices.replaceChildren();
      loud.textContent = "?";
      loudWords.textContent = error;
      speak(error);
      return;
    }
    if (!found) return;
    const parts = Object.entries(found.parts);
    const missing = parts.filter(([part, words]) => !words || found.weak[part]).map(([part]) => part);
    const done = !missing.length && !found.people.length;
    loud.textContent = String(missing.length);
    loud.classList.toggle("ember", missing.length > 0);
    const faults = [];
    if (found.people.length) faults.push(found.people.length === 1 ? "a word fits people, not programs" : `${found.people.length} words fit people, not programs`);
    loudWords.textContent = `of ${parts.length} parts ${missing.length === 1 ? "is" : "are"} missing or without a fact${faults.length ? `; ${faults.join(", ")}` : ""}`;
    const focused = list.contains(document.activeElement) ? document.activeElement.closest("li").dataset.part : undefined;
    list.replaceChildren();
    for (const [part, words] of parts) {
      const boast = found.weak[part];
      const item = make("li", boast ? "boast" : words ? "there" : "");
      item.dataset.part = part;
      const button = make("button");
      const whole = words.replace(/\s+/g, " ");
      const short = whole.length > 36 ? `${whole.slice(0, 36).replace(/\S*$/, "").trim() || whole.slice(0, 34)}…` : whole; // at most two lines in a tile
      button.append(make("i", "ck-tick", boast ? "?" : words ? "✓" : "+"), make("b", "", part.replace("environmental", "environ\u00admental")), make("span", "", boast ? boast : words ? short : STUBS[part]?.[1] ?? "missing"));
      button.setAttribute("aria-label", words ? `${part}: ${whole.slice(0, 90)}. ${boast ? `No fact: ${boast}. ` : ""}Show it` : `${part} is missing. Write it`);
      button.addEventListener("click", () => {
        if (!words) return fill(part);
        reopen(part, words);
        show(part);
      });
      if (words && !boast && before.size && !before.has(part)) item.classList.add("new");
      item.append(button);
      list.append(item);
    }
    const people = make("li", found.people.length ? "person" : "there");
    const line = make("button");
    const said = found.people.join(", ");
    line.append(make("i", "ck-tick", said ? "?" : "✓"), make("b", "", "words for people"), make("span", "", said ? found.people.map((word) => `“${word}”`).join(", ") : "none"));
    line.setAttribute("aria-label", said ? `Words for people: ${said}. Show the first` : "No words for people");
    line.addEventListener("click", () => show(""));
    people.append(line);
    people.hidden = missing.length > 0 && !said;
    list.append(people);
    if (focused !== undefined) list.querySelector(`[data-part="${focused}"] > button`)?.focus({ preventScroll: true });
    const filled = (parts.length - missing.length) / parts.length;
    box.style.setProperty("--filled", String(filled));
    if (list.querySelector(".new") && !still.matches) {
      box.animate([{ transform: "scale(1)" }, { transform: "scale(1.12) rotate(-2deg)" }, { transform: "scale(1)" }], { duration: 300, easing: "ease-out" });
    }
    el.classList.toggle("done", done);
    before = new Set(parts.filter(([part, words]) => words && !found.weak[part]).map(([part]) => part));
    const asked = drawChoices();
    verdict.textContent = done ? "Complete, says the linter. Is it true? That it cannot see." : asked ? asked : missing.length ? (Object.keys(found.weak).length ? "Press a part that is missing, or mend what is striped." : "Press a part that is missing, or write in the card.") : "Nothing is missing. Now mend what is marked.";
    speak(`${missing.length} of ${parts.length} parts are missing or without a fact${missing.length ? `: ${missing.join(", ")}` : ""}. ${said ? `Words for people: ${said}.` : ""} ${verdict.textContent}`);
  }

  area.addEventListener("input", () => {
    slot = null;
    write(area.value || "\n"); // "" would show the card's own text again
  });
  model.on("change:said", listen);
  const keys = ["card", "text"];
  for (const key of keys) model.on(`change:${key}`, check);
  check();
  if (model.get("live")) save();
  return () => {
    clearTimeout(saving);
    hush();
    model.off("change:said", listen);
    for (const key of keys) model.off(`change:${key}`, check);
  };
}

export default { render };
