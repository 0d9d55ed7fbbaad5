// A model card that is checked while the visitor mends it. The view draws a line for each part that a good card has. A
// missing part is drawn as a hole. A press on a line opens the line, and the visitor chooses a sentence for it, or writes
// one. The other side of the card shows the card's file, the text that a hub stores; there the visitor can change all of it.
// The view's `data` is {cards: {title: text}}, perhaps with offers {title: {part: sentences}}: the sentences that can
// be chosen for a part of that card, or in place of its opening line ("people"). It may also have holes {title: {parts, slips,
// letters}}: for that card, the view begins with a first act. A few parts are holes torn out of a paper card, and slips of paper
// lie beside it. A slip that answers the hole's question, and that the linter accepts, stays in the hole. Any other falls out. Once all holes are filled, the visitor may open
// the test letters, and sees whether the card is true.
// The visitor chooses `card` (a title), `text` (the card's text with the visitor's changes; "" if nothing was changed) and `act`:
// "slips" in the first act, "letters" once the letters are open, and otherwise "" for the whole card with its nine parts.
// If the host is live, its linter gets `want` {text} and sends `said` {want, parts, weak, people}. Otherwise the linter
// below checks the text.
import { adopt, announcer, capital, glide, headline, lots, make, onCarry, onSize, shape } from "./view.js";

// The linter of lesson 15 (card_check.py) in JavaScript. The block for machines at a card's top is YAML. The linter reads
// only those forms of YAML that cards use.
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
const PRAISE = /\b(?:good|best|finest|greatest|perfect|unmatched|unrivalled|leading|world-class|state[- ]of[- ]the[- ]art|cutting[- ]edge|excellent|outstanding|amazing|superb|revolutionary)\b/i;
// Names of licences that the Hugging Face hub takes in a card's block, without "other", "unknown" and
// the names of families ("cc").
const LICENCES = `afl-3.0 agpl-3.0 apache-2.0 apple-amlr apple-ascl artistic-2.0 bigcode-openrail-m bigscience-bloom-rail-1.0
  bigscience-openrail-m bsd-2-clause bsd-3-clause bsd-3-clause-clear bsl-1.0 c-uda cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0
  cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0
  cc-by-nd-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc0-1.0 cdla-permissive-1.0 cdla-permissive-2.0 cdla-sharing-1.0
  creativeml-openrail-m deepfloyd-if-license ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 gemma gfdl gpl-2.0 gpl-3.0 isc
  lgpl-2.1 lgpl-3.0 lgpl-lr llama2 llama3 llama3.1 llama3.2 llama3.3 llama4 lppl-1.3c mit mpl-2.0 ms-pl ncsa odbl odc-by
  ofl-1.1 openrail openrail++ osl-3.0 pddl postgresql unlicense wtfpl zlib`.split(/\s+/);
const LINK = /:\/\/|\blinks?\b|\bLICEN[SC]E\b/; // a line on the licence may say where its text is
const CODE = /^(?:[a-z]{2,3}(?:-[A-Za-z]+)?|multilingual)$/; // a language's name in the block, such as pt-BR
const ADDRESS = /@|:\/\/|\b(?:repository|README|forum|issues)\b/;
const PEOPLE = /(?<![\p{L}\p{N}_])(?:knows?|thinks?|wants?|believes?|understands?|feels?|loves?)(?![\p{L}\p{N}_])/giu;
const PEOPLE_WORD = new RegExp(PEOPLE.source, "iu"); // like PEOPLE, but finds only the first word
// {part: what the linter tested in a line that passes}. A part that is not listed needs two words, or a word and a number.
const TESTED = {
  license: "A known licence, or a link to one.",
  language: "A language is named.",
  evaluation: "A figure, and of how many.",
  "environmental impact": "A figure with its unit.",
  contact: "An address.",
};
const saysOf = (part) => `${TESTED[part] ?? "At least two words, and no praise that the linter knows."} Is it true? That the linter cannot see.`;
// {part that needs a number: [pattern of a line whose number says enough, what is said of any other number]}. In an
// evaluation a second number must say of how many ("99 of 100", "0.91 on 200 letters"), or the test must have a name with
// capital letters ("66.6 on MMLU"), or the number must have a table cell of its own. A number for the environmental impact
// must have a unit, at most two words later.
const FIGURES = {
  evaluation: [/\| *[0-9][0-9.,]*%? *\||^[^|]*[0-9]%?(?:[^|0-9]*[^|0-9A-Za-z])?(?:of|on) (?:[a-z]+ ){0,2}(?:[0-9]|(?<=on )[A-Z]{3})/, "of how many?"],
  "environmental impact": [/[0-9][0-9.,]* *(?:[A-Za-z]+ ){0,2}(?:[kMG]?Wh\b|CO2|CO₂|hours?\b|kg\b|tonnes\b|minutes\b)/, "a figure without its unit"],
};
const HEADING = /^ {0,3}#{1,6} +(.*)$/;
const BOLD = /^(?:[-*] )?\*\*([^*]+)\*\*:?(.*)$/;
const ROW = /^\| *([^|]*[^| ]) *\|([^|]*)\|/;
const EMPTY = /^(?:\[more information needed\]|<!--.*|\|[-:| ]*|[^0-9a-z]*)$/i;
const WORD = /\p{L}{2,}/gu;
const QUESTIONS = /[0-9a-z_.]+@[0-9a-z_.]+|\bquestions (?:to|or)\b/i;
const BLOCK = /^(\s*---(?:\r\n|\r|\n))([\s\S]*?)((?:\r\n|\r|\n)---[ \t]*(?:\r\n|\n|$))/;
const blockEnd = (text) => BLOCK.exec(text)?.[0].length ?? 0; // 0 if the text has no block

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

/** The reason why a line does not count as a fact about a part, or "" if it may be a fact. */
function weakness(part, line) {
  const praise = PRAISE.exec(line);
  if (praise) return `“${praise[0]}” says nothing`;
  if (part in FIGURES) {
    const [enough, elseSaid] = FIGURES[part];
    if (!/[0-9]/.test(line)) return "no figure";
    return enough.test(line) ? "" : elseSaid;
  }
  if (part === "license") {
    // "The Apache License, version 2.0" becomes " apache 2 0 ", as does the name "apache-2.0".
    const words = spaced(spaced(line).replace(/\b(?:the|licen[sc]e|version|v)\b/g, " "));
    return LICENCES.some((name) => words.includes(spaced(name))) || LINK.test(line) ? "" : "no known licence";
  }
  if (part === "contact") return ADDRESS.test(line) ? "" : "no address";
  const words = (line.match(WORD) ?? []).length;
  if (part === "language") return words ? "" : "no word";
  return words + Number(/[0-9]/.test(line)) < 2 ? "too few words" : ""; // a number counts as a word
}

/** The reason why a value in the block names no licence or language, or "" if it may name one. */
function misnamed(part, value) {
  const names = value.startsWith("[") ? [...value.matchAll(/'([^']*)'/g)].map(([, name]) => name) : [value];
  if (part === "license") return names.length && names.every((name) => LICENCES.includes(name.toLowerCase())) ? "" : "no known licence";
  return names.length && names.every((name) => CODE.test(name)) ? "" : "no code such as en";
}

/** The words of a text in small letters, each with one space before and after. */
const spaced = (text) => ` ${text.toLowerCase().replace(/[^a-z0-9+]+/g, " ").trim()} `;

/** A text that names the part for which `line` was already found, if that was below another heading; otherwise "". */
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

/** Whether a heading has one of the names as whole words. The heading "Data" counts as "training data". */
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
      const reason = misnamed(part, parts[part]);
      if (reason) weak[part] = reason;
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
 * Where in a card's text the words stand that the linter found. The places are sorted and don't overlap.
 * @returns {{ start: number, end: number, part: string, also?: string[] }[]} `part` is "" for a word that
 * describes people. `also` lists further parts for which the same line was found.
 */
export function marksOf(text, { parts, people }) {
  const from = blockEnd(text);
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
  // If two marks overlap, the mark that begins later keeps only the letters outside the earlier mark. But the mark of a word
  // that describes people keeps all its letters, and divides the mark of a part in two.
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
      // If the same line stands for two parts, its mark names the second part in `also`.
      if (mark.end <= before.end && mark.part) before.also = [...(before.also ?? []), mark.part];
      mark.start = before.end;
    }
    if (mark.start < mark.end) free.push(mark);
  }
  return free;
}

// {part: the question above its hole in the first act}
const QUESTIONS_OF = { "intended use": "What is it for?", evaluation: "How often is it right?", limitations: "Where does it fail?" };
// {part: [what the view writes into the card if the visitor presses this missing part, the question shown in its hole]}
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

/** The card's text with `words` as the line of a part. If the card lacks the part's heading, the heading is added at its end. */
export function withPart(text, part, words) {
  const now = lint(text).parts[part];
  if (now) {
    const at = placeOf(text, part, now, blockEnd(text));
    return text.slice(0, at) + words + text.slice(at + now.length);
  }
  const heading = STUBS[part][0].trimEnd();
  const there = new RegExp(`^${heading}[ \t]*$`, "m").exec(text);
  const above = there ? text.slice(0, there.index + there[0].length) : `${text.trimEnd()}\n\n${heading}`;
  const rest = there ? text.slice(above.length).trim() : "";
  return `${above}\n\n${words}${words && "\n"}${rest && `\n${rest}\n`}`;
}

/** A line as it is read, without the signs of Markdown: a row of a table becomes "first cell: other cells". */
export function plain(line) {
  const cells = line.startsWith("|") ? line.split("|").map((cell) => cell.trim()).filter(Boolean) : [];
  const words = cells.length > 1 ? `${cells[0]}: ${cells.slice(1).join(", ")}` : cells[0] ?? line;
  return words.replace(/\[([^\]]+)\]\([^)]*\)/g, "$1").replace(/\*\*|`/g, "").replace(/\s+/g, " ");
}

/** A drawing of the box: a custom property `--filled` from 0 to 1 on it says how far it is open. */
function makeBox() {
  const box = make("div", "ck-box");
  box.innerHTML = '<svg viewBox="2 4 60 58" aria-hidden="true"><g class="ck-sparks"></g><circle class="ck-ball" cx="32" cy="46" r="9"/><path d="M14 32v24h36V32"/><path class="ck-lid ck-left" d="M14 32h18"/><path class="ck-lid ck-right" d="M50 32H32"/></svg>';
  const sparks = box.querySelector(".ck-sparks");
  for (let index = 0; index < 11; index++) {
    sparks.append(shape("line", { x1: 0, x2: 0, y1: -15, y2: -23, transform: `translate(32 8) rotate(${-100 + 20 * index})` }));
  }
  return box;
}

/** A CSS polygon with a torn edge on all sides. The same seed gives the same edge. */
function torn(seed) {
  const [across, down] = [26, 4];
  const bits = lots(seed, 2 * (across + down));
  const edge = (bit) => `${(bit * 5).toFixed(1)}px`;
  const part = (index, many) => `${((100 * index) / many).toFixed(1)}%`;
  const points = [];
  for (let at = 0; at < across; at++) points.push(`${part(at, across)} ${edge(bits.pop())}`);
  for (let at = 0; at < down; at++) points.push(`calc(100% - ${edge(bits.pop())}) ${part(at, down)}`);
  for (let at = across; at > 0; at--) points.push(`${part(at, across)} calc(100% - ${edge(bits.pop())})`);
  for (let at = down; at > 0; at--) points.push(`${edge(bits.pop())} ${part(at, down)}`);
  return `polygon(${points.join(", ")})`;
}

/** What follows the block of keys and values at a card's top. */
const bodyOf = (text) => text.slice(blockEnd(text));

/** The card's opening line: the first line of text that is no heading. "" if a smaller heading, bold title or table row comes first. */
export function openingOf(text) {
  for (const line of bodyOf(text).split(/\r\n|\r|\n/)) {
    if (/^ {0,3}#{2,6} /.test(line) || BOLD.test(line) || ROW.test(line)) return "";
    if (!HEADING.test(line) && !EMPTY.test(line.trim())) return line.trim();
  }
  return "";
}

export function render({ model, el }) {
  const { cards, offers = {}, holes = {} } = model.get("data");
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const titles = Object.keys(cards);
  let found = null; // what the linter found last: { parts, weak, people }
  let before = null; // the parts that passed the check when the card was last drawn
  let slot = null; // the line that is open for editing: its part, and the indices in the text where its words start and end; null if no line is open
  let told = ""; // what the view says about the sentence that the visitor has just chosen

  adopt(el, "ck");
  const { head, loud, loudWords } = headline("ck");
  const card = make("section", "ck-card");
  card.setAttribute("aria-label", "The card");
  const title = make("p", "ck-title");
  const turn = make("button", "ck-turn");
  turn.addEventListener("click", () => {
    slot = null;
    card.classList.toggle("turned");
    if (!still.matches) card.animate([{ transform: "perspective(90rem) rotateY(-35deg)", opacity: 0.4 }, { transform: "none", opacity: 1 }], { duration: 280, easing: "cubic-bezier(.2,.7,.2,1)" });
    draw();
  });
  const top = make("div", "ck-top");
  top.append(title, turn);
  const list = make("ul", "ck-list");
  const file = make("div", "ck-file");
  const behind = make("div", "ck-behind");
  behind.setAttribute("aria-hidden", "true");
  const area = make("textarea", "ck-area");
  area.spellcheck = false;
  area.setAttribute("aria-label", "The model card");
  file.append(behind, area);
  card.append(top, list, file);

  const side = make("div", "ck-side");
  const box = makeBox();
  const verdict = make("p", "ck-verdict");
  side.append(head, box, verdict);

  // An open line has a field for its words, and sentences to choose from.
  const opened = make("div", "ck-open");
  const field = make("input", "ck-field");
  field.autocomplete = "off";
  field.spellcheck = false;
  const choices = make("div", "ck-choices");
  choices.setAttribute("role", "group");
  const under = make("div", "ck-under");
  under.append(choices);
  opened.append(field, under);
  field.addEventListener("input", () => {
    const { start, end } = slot;
    slot.end = start + field.value.length;
    write(text().slice(0, start) + field.value + text().slice(end));
  });
  opened.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" && !(event.key === "Enter" && event.target === field)) return;
    event.preventDefault();
    close();
  });
  // A press beside the open line closes the line. Presses on other lines are handled by those lines.
  el.addEventListener("pointerdown", ({ target }) => {
    if (!slot || target.closest(".open, .ck-line")) return;
    slot = null;
    draw();
  });

  const shelf = make("div", "ck-shelf");
  shelf.setAttribute("role", "group");
  shelf.setAttribute("aria-label", "Load a card");
  shelf.append(make("span", "", "Check another card:"));
  const loads = titles.map((name) => {
    const button = make("button", "", name);
    button.addEventListener("click", () => {
      model.set("text", ""); // a press on the open card takes the visitor's changes back
      go(name, "");
    });
    shelf.append(button);
    return button;
  });
  const { live, speak, hush } = announcer(900);
  const desk = make("div", "ck-desk");
  const back = make("button", "", "Back to the slips");
  back.addEventListener("click", () => {
    if (model.get("said")?.error) model.set("text", ""); // a slip cannot be laid into a card that cannot be read
    go(Object.keys(holes)[0], "slips");
  });
  if (Object.keys(holes).length) shelf.append(back);
  desk.append(side, card, shelf);
  const stage = makeStage();
  el.append(desk, live);
  el.classList.toggle("slips", Object.keys(holes).length > 0); // a fact is drawn as a slip of paper, as in the first act

  const chosen = () => (cards[model.get("card")] === undefined ? titles[0] : model.get("card"));
  const text = () => model.get("text") || cards[chosen()];
  const offersFor = (part) => offers[chosen()]?.[part || "people"] ?? [];

  /** The first act of the open card: { parts, slips, letters }. Null if the card has none, or if the whole card is shown. */
  const act = () => (["slips", "letters"].includes(model.get("act")) ? holes[chosen()] ?? null : null);
  /** Show a card: its first act, or the whole card (`next` is ""). The changes to another card are dropped. */
  function go(name, next) {
    if (name !== chosen()) model.set("text", "");
    model.set("card", name);
    if (Object.keys(holes).length) model.set("act", next);
    slot = null;
    told = "";
    before = null;
    card.classList.remove("turned"); // show the front of the newly chosen card
    write(model.get("text"));
    if (el.getBoundingClientRect().top < 0) el.scrollIntoView({ block: "start" });
  }

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
    if (model.get("live")) {
      paint();
      if (slot) drawOpen();
      return;
    }
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

  /** Open the line of a missing part. If the card lacks the part's heading or key, write this heading or key into the card. */
  function fill(part) {
    const [words] = STUBS[part] ?? [`## ${part}\n`];
    let value = text().trimEnd();
    let at = value.length;
    if (FIELDS.includes(part)) {
      const there = BLOCK.exec(value);
      if (!there) value = `---\n${words}\n---\n${value}`;
      const line = new RegExp(`^${part}:.*$`, "m").exec(there?.[2] ?? "");
      if (line) {
        at = there[1].length + line.index + line[0].length;
        if (line[0].endsWith(":")) value = `${value.slice(0, at)} ${value.slice(at++)}`;
      } else if (there) {
        at = there[1].length + there[2].length;
        value = `${value.slice(0, at)}\n${words}${value.slice(at)}`;
        at += 1 + words.length;
      } else at = 4 + words.length;
    } else {
      // `value` may already have the part's heading, for example because the visitor pressed the part's line before.
      const heading = new RegExp(`^${words.trimEnd()}[ \t]*$`, "m").exec(value);
      const above = heading ? value.slice(0, heading.index + heading[0].length) : `${value}\n\n${words.trimEnd()}`;
      const rest = heading ? value.slice(above.length).trimStart() : "";
      at = above.length + 2;
      value = `${above}\n\n${rest && `\n\n${rest}`}`;
    }
    slot = { part, start: at, end: at };
    write(value);
  }
  /** Open a line that has words, or the card's opening line (`part` is ""). */
  function reopen(part, words) {
    const from = blockEnd(text());
    const line = new RegExp(`^(${part}: *)(.*)$`, "m").exec(FIELDS.includes(part) ? text().slice(0, from) : "");
    if (line && !line[2].trim()) return; // the key's value is a list on the next lines, which a field can't hold
    const start = line ? line.index + line[1].length : part ? placeOf(text(), part, words, from) : text().indexOf(words, from);
    if (start >= 0) slot = { part, start, end: start + (line ? line[2] : words).length };
    draw();
  }
  function press(part, words) {
    told = "";
    if (slot?.part === part) return close();
    if (words) reopen(part, words);
    else fill(part);
    if (!slot) return;
    // If sentences are offered, don't focus the field on a touch screen, because the keyboard would cover the sentences.
    if (!offersFor(part).length || !matchMedia("(pointer: coarse)").matches) field.focus({ preventScroll: true });
    field.select(); // what the visitor types replaces the old words
    under.scrollIntoView({ block: "nearest", behavior: still.matches ? "auto" : "smooth" });
  }
  function close() {
    const row = rows.get(slot.part);
    slot = null;
    draw();
    row.button.focus({ preventScroll: true });
  }
  /** Write a sentence into the open line, in place of what was there. Close the line if the linter accepts the sentence as a
   * fact and the sentence has no word that describes people. */
  function choose(sentence, from) {
    const { part, start, end } = slot;
    slot = { part, start, end: start + sentence.length };
    write(text().slice(0, start) + sentence + text().slice(end));
    if (found.weak[part] || PEOPLE_WORD.test(sentence)) {
      [...choices.children].find((button) => button.textContent === sentence)?.focus({ preventScroll: true });
      if (!still.matches) rows.get(part).item.animate([{ translate: "0" }, { translate: "-6px" }, { translate: "5px" }, { translate: "0" }], { duration: 240 });
      return;
    }
    told = saysOf(part);
    close();
    fly(part, from);
  }
  /** Let the chosen sentence fly into its line, and a ball, which stands for the fact, fly from the line into the box
   * beside the card. */
  function fly(part, from) {
    if (still.matches) return;
    const { words, tick } = rows.get(part);
    const to = words.getBoundingClientRect();
    words.animate([{ transform: `translate(${from.left - to.left}px, ${from.top - to.top}px)` }, { transform: "none" }], { duration: 280, easing: "cubic-bezier(.2,.7,.2,1)" });
    send(tick, box);
  }
  /** Let a ball, which stands for a fact, fly into a box. `part` says where it starts, as a part of the width of `from`. */
  function send(from, into, part = 0.5) {
    const ball = el.appendChild(make("i", "ck-fact"));
    const [home, begin, end] = [el, from, into.querySelector(".ck-ball")].map((one) => one.getBoundingClientRect());
    const at = (rect, along) => `translate(${rect.left + rect.width * along - home.left}px, ${rect.top + rect.height / 2 - home.top}px)`;
    ball.animate([{ transform: at(begin, part) }, { transform: at(end, 0.5) }], { duration: 300, easing: "ease-in" }).finished.finally(() => ball.remove());
  }

  /** Write the card's text once more, exactly behind the text in the field, with marks on the words that the linter found. */
  function paint() {
    const words = text();
    behind.replaceChildren();
    let at = 0;
    // While the kernel checks the text, words that were found before may be gone. They get no marks.
    for (const { start, end, part, again, also = [] } of found ? marksOf(words, found) : []) {
      behind.append(words.slice(at, start));
      const boast = part && found.weak[part];
      const mark = make("mark", boast ? "boast" : part ? "" : "people", words.slice(start, end));
      if (!again) mark.dataset.label = boast ? `${part}? ${boast}` : [part, ...also].join(", ") || "for people?";
      behind.append(mark);
      at = end;
    }
    behind.append(`${words.slice(at)}\n`);
    area.defaultValue = words; // a copy of the field, in print or in a saved picture, shows `defaultValue`
  }

  /** Whether a part passes the check. In this view a part also fails if its line has a word for people, because the line is then
   * marked as one to mend. */
  const passes = ([part, words]) => words && !found.weak[part] && !PEOPLE_WORD.test(words);
  const rows = new Map(); // from a part, or "" for the opening line, to the elements of its line
  function addRow(part) {
    const item = list.appendChild(make("li"));
    item.dataset.part = part;
    const button = item.appendChild(make("button", "ck-line"));
    const [words, reason, tick] = [make("span", "ck-words"), make("span", "ck-reason"), make("i", "ck-tick")];
    words.style.setProperty("--torn-slip", torn(rows.size + 60));
    if (part) button.append(make("b", "", part));
    button.append(words, reason, tick);
    const row = { item, button, words, reason, tick, now: "" };
    button.addEventListener("click", () => press(part, row.now));
    rows.set(part, row);
    return row;
  }
  /** Show a line's words, with a mark on each word that describes people. */
  function drawWords(element, words) {
    element.replaceChildren();
    let at = 0;
    for (const { index, 0: word } of words.matchAll(PEOPLE)) {
      element.append(words.slice(at, index), make("mark", "people", word));
      at = index + word.length;
    }
    element.append(words.slice(at));
  }
  function drawRow(part, words) {
    const row = rows.get(part) ?? addRow(part);
    const boast = found.weak[part];
    const people = words.match(PEOPLE) ?? [];
    const fact = passes([part, words]);
    row.now = words;
    row.item.className = [boast ? "boast" : !words ? "hole" : part && !fact ? "" : "there", people.length ? "person" : ""].join(" ");
    if (part && before && fact && !before.has(part)) row.item.classList.add("new");
    row.item.hidden = !part && !words;
    // A line below a heading such as "Bias and limitations" counts for both parts. It is shown only once.
    const other = part && words && Object.keys(found.parts).find((each) => found.parts[each] === words);
    const again = other && other !== part && !boast;
    if (again) row.words.textContent = `the same line as for ${other}`;
    else drawWords(row.words, plain(words) || (STUBS[part]?.[1] ?? "missing"));
    row.item.classList.toggle("again", Boolean(again));
    row.reason.textContent = boast || (people.length ? `${people.length === 1 ? "fits" : "fit"} people, not programs` : "");
    row.tick.textContent = boast || people.length ? "?" : !words ? "+" : part ? "✓" : "";
    const line = plain(words).slice(0, 90);
    const name = part || "opening line";
    row.button.setAttribute("aria-label", words ? `${name}: ${line}${boast ? `. No fact: ${boast}` : ""}${people.length ? `. Words for people: ${people.join(", ")}` : ""}. Change it` : `${name} is missing. Write it`);
  }
  /** Show the open line: its field, its sentences, and what the linter says of it. */
  function drawOpen() {
    for (const [part, { item, button }] of rows) {
      item.classList.toggle("open", slot?.part === part);
      button.setAttribute("aria-expanded", String(slot?.part === part));
    }
    if (!slot) {
      opened.remove();
      side.append(verdict);
      return;
    }
    const { part, start, end } = slot;
    const { item } = rows.get(part);
    if (opened.parentElement !== item) {
      item.append(opened);
      under.append(verdict);
      choices.replaceChildren(
        ...offersFor(part).map((sentence) => {
          const button = make("button", "", sentence);
          button.addEventListener("click", () => choose(sentence, button.getBoundingClientRect()));
          return button;
        }),
      );
      choices.hidden = !choices.children.length;
      choices.setAttribute("aria-label", `Sentences for ${part || "the opening line"}`);
      field.setAttribute("aria-label", `${capital(part || "the opening line")}, in your words`);
    }
    const now = text().slice(start, end);
    if (field.value !== now) field.value = now;
    for (const button of choices.children) button.setAttribute("aria-pressed", String(button.textContent === now));
  }
  /** If there is room beside the card, put the sentences of the open line level with the line, but below the box. */
  function settle() {
    if (!slot) return;
    const [line, above, below] = [opened, box, card].map((one) => one.getBoundingClientRect());
    const at = Math.min(Math.max(above.bottom + 12 - line.top, 0), below.bottom - line.top - under.offsetHeight);
    under.style.setProperty("--at", `${at}px`);
  }
  function sayOfOpen() {
    const { part } = slot;
    const offered = offersFor(part).length > 0;
    const people = field.value.match(PEOPLE);
    if (!field.value) return `${capital(STUBS[part]?.[1] ?? "in which words?")} ${offered ? "Choose, or write your own." : "Write it."}`;
    if (found.weak[part]) return `No fact: ${found.weak[part]}${found.weak[part].endsWith("?") ? "" : "."}${offered ? " Choose another." : ""}`;
    if (people) return `“${people[0]}” fits people, not programs.${offered ? " Choose another." : ""}`;
    return part ? saysOf(part) : "No word here fits people alone.";
  }

  /** The first act: a paper card with holes, slips that may fit, the box and, at the end, the test letters. */
  function makeStage() {
    const whole = make("div", "ck-stage");
    const paper = make("section", "ck-card ck-paper");
    paper.setAttribute("aria-label", "The card");
    const name = make("p", "ck-title");
    const opening = make("p", "ck-opening");
    paper.append(name, opening);
    const count = headline("ck");
    const chest = makeBox();
    const says = make("p", "ck-verdict");
    const above = make("div", "ck-side");
    above.append(count.head, chest, says);
    const pile = make("div", "ck-pile");
    const slips = make("div", "ck-slips");
    slips.setAttribute("role", "group");
    slips.setAttribute("aria-label", "Slips of paper");
    const post = make("div", "ck-post");
    const letters = make("div", "ck-letters");
    letters.setAttribute("role", "img");
    letters.tabIndex = -1;
    const openPost = make("button", "ck-open-post", "Open the test letters");
    openPost.addEventListener("click", () => {
      model.set("act", "letters");
      model.save_changes();
      draw();
      if (document.activeElement === document.body) letters.focus({ preventScroll: true }); // the button that had the focus is hidden now
      if (still.matches) return;
      countLetters(0);
      stopCount = glide(1600, countLetters);
    });
    post.append(openPost, letters);
    pile.append(slips, post);
    const next = make("div", "ck-shelf ck-next");
    next.setAttribute("role", "group");
    next.setAttribute("aria-label", "Go on");
    next.append(make("span", "", "Go on with:"));
    for (const title of titles) {
      const button = next.appendChild(make("button", "", holes[title] ? "all nine parts" : title));
      button.addEventListener("click", () => go(title, ""));
    }
    whole.append(above, paper, pile, next);

    const gaps = new Map(); // from a part to the elements of its hole
    const papers = []; // the slips
    let drawn = ""; // the title of the card whose holes and slips were made
    let stopCount = () => {};
    let marks = []; // for each letter, whether its town is right

    /** The part's line, if it passes the check; otherwise "". */
    const filled = (part) => (passes([part, found.parts[part]]) ? found.parts[part] : "");
    /** Make the holes and the slips of the open card. */
    function build() {
      drawn = chosen();
      for (const { gap } of gaps.values()) gap.remove();
      gaps.clear();
      const { parts, slips: given, letters: { right, all } } = act();
      parts.forEach((part, index) => {
        const gap = paper.appendChild(make("div", "ck-gap"));
        gap.dataset.part = part;
        gap.append(make("b", "", QUESTIONS_OF[part] ?? part));
        const hole = gap.appendChild(make("button", "ck-hole"));
        hole.style.setProperty("--torn", torn(index));
        hole.style.setProperty("--torn-slip", torn(index + 20));
        const [words, tick] = [make("span"), make("i", "ck-stamp", "✓")];
        hole.append(words, tick);
        hole.addEventListener("click", () => (filled(part) ? take(part) : beckon(part)));
        gaps.set(part, { gap, hole, words, tick });
      });
      slips.replaceChildren();
      papers.length = 0;
      given.forEach(([part, words], index) => {
        const slip = slips.appendChild(make("button", "ck-slip"));
        slip.style.setProperty("--torn-slip", torn(index + 40));
        slip.style.setProperty("--lean", `${[-1.6, 1.1, 1.8, -1, -2, 0.8][index % 6]}deg`);
        const stamp = make("i", "ck-why");
        slip.append(make("span", "", words), stamp);
        const one = { slip, part, words, stamp };
        papers.push(one);
        letCarry(one);
        slip.addEventListener("click", () => lay(one, part));
      });
      const order = lots(7, all).map((key, index) => [key, index]).sort((a, b) => a[0] - b[0]).map(([, index]) => index);
      marks = order.map((place) => place < right);
      letters.replaceChildren(...marks.map((good) => make("i", good ? "" : "wrong")));
    }
    /** Lift the slips that were written for a part. */
    function beckon(part) {
      says.textContent = "Which slip fits in?";
      if (still.matches) return;
      for (const { slip, part: own } of papers) {
        if (own === part) slip.animate([{ translate: "0" }, { translate: "-10px -3px" }, { translate: "0" }], { duration: 300, iterations: 2 });
      }
    }
    /** Let a mouse or a pen carry a slip into a hole. */
    function letCarry(one) {
      const { slip } = one;
      let from = null;
      const under = (event) => [...gaps].find(([, { hole }]) => {
        const { left, right, top, bottom } = hole.getBoundingClientRect();
        return event.clientX > left - 20 && event.clientX < right + 20 && event.clientY > top - 25 && event.clientY < bottom + 25;
      })?.[0];
      onCarry(el, slip, {
        begin: (down) => (from = down),
        move(event) {
          slip.style.translate = `${event.clientX - from.clientX}px ${event.clientY - from.clientY}px`;
          const part = under(event);
          for (const [each, { hole }] of gaps) hole.classList.toggle("near", each === part);
        },
        end(event) {
          for (const { hole } of gaps.values()) hole.classList.remove("near");
          const part = event && under(event);
          const at = slip.getBoundingClientRect();
          slip.style.translate = "";
          if (part) lay(one, part, at);
          else if (!still.matches) slip.animate([{ translate: `${event ? event.clientX - from.clientX : 0}px ${event ? event.clientY - from.clientY : 0}px` }, { translate: "0" }], { duration: 250, easing: "ease-out" });
        },
      });
    }
    /** Lay a slip into a part's hole. It stays there if it was written for this part, and the linter accepts its words as the part's
     * line; otherwise it falls out. The linter does not read what a sentence means, so the view says so if only a reader can tell. */
    function lay({ slip, words, stamp, part: own }, part, at = slip.getBoundingClientRect()) {
      const tried = withPart(text(), part, words);
      const result = lint(tried);
      const people = words.match(PEOPLE);
      const refused = result.weak[part] ?? (people ? `“${people[0]}” fits people` : "");
      const reason = refused || (own === part ? "" : "no answer to that");
      const { hole, words: line, tick } = gaps.get(part);
      // On a phone the slips stand below the card.
      hole.scrollIntoView({ block: "nearest", behavior: still.matches ? "auto" : "smooth" });
      if (reason) {
        stamp.textContent = reason;
        slip.classList.add("refused");
        slip.setAttribute("aria-label", `${words} Falls out: ${reason}`);
        says.textContent = refused ? `It falls out: ${reason}${reason.endsWith("?") ? "" : "."}` : "It falls out: no answer to that. A reader sees it. The linter does not.";
        speak(`${words} ${says.textContent}`);
        fall(slip, hole, at);
        return;
      }
      told = `It fits: ${part in TESTED ? TESTED[part].charAt(0).toLowerCase() + TESTED[part].slice(1) : "the linter asks only for two words or more, without praise."}`;
      write(tried);
      if (slip === document.activeElement) hole.focus({ preventScroll: true });
      if (still.matches) return;
      const to = hole.getBoundingClientRect();
      line.animate([{ translate: `${at.left - to.left}px ${at.top - to.top}px`, rotate: "-2deg" }, { translate: "0", rotate: "0deg" }], { duration: 280, easing: "cubic-bezier(.2,.7,.2,1)" });
      tick.animate([{ scale: 2.2, opacity: 0 }, { scale: 1, opacity: 1 }], { duration: 260, delay: 240, fill: "backwards", easing: "ease-out" });
      send(hole, chest, 0.9);
    }
    /** Show how a slip is laid into a hole and falls out of it, back to its place. */
    function fall(slip, hole, at) {
      if (still.matches) return;
      const [home, to] = [slip, hole].map((one) => one.getBoundingClientRect());
      const [x, y] = [to.left + 8 - home.left, to.top + to.height / 2 - home.top - home.height / 2];
      slip.animate(
        [
          { translate: `${at.left - home.left}px ${at.top - home.top}px`, zIndex: 9 },
          { translate: `${x}px ${y}px`, rotate: "0deg", zIndex: 9, offset: 0.3 },
          { translate: `${x}px ${y}px`, rotate: "0deg", zIndex: 9, offset: 0.5, easing: "ease-in" },
          { translate: `${0.8 * x}px ${y + 90}px`, rotate: "14deg", zIndex: 9, offset: 0.78 },
          { translate: "0px 0px", rotate: "0deg", zIndex: 9 },
        ],
        { duration: 900 },
      );
    }
    /** Take the words out of a part's hole. */
    function take(part) {
      told = "A hole again.";
      model.set("act", "slips");
      write(withPart(text(), part, ""));
    }
    /** How many of the first `many` letters have the wrong town. */
    const wrongOf = (many) => marks.slice(0, many).filter((good) => !good).length;
    /** Draw the first `many` letters as open, and the others as closed. */
    function openLetters(many) {
      [...letters.children].forEach((letter, index) => letter.classList.toggle("open", index < many));
    }
    /** Open the first letters, and count those with the wrong town; `part` of 1 stands for all letters. */
    function countLetters(part) {
      const many = Math.round(part * marks.length);
      openLetters(many);
      count.loud.textContent = String(wrongOf(many));
    }
    function drawStage() {
      if (drawn !== chosen()) build();
      stopCount();
      const { parts } = act();
      const empty = parts.filter((part) => !filled(part));
      const complete = !empty.length;
      const open = complete && model.get("act") === "letters";
      name.textContent = chosen();
      opening.textContent = openingOf(text());
      for (const [part, { gap, hole, words }] of gaps) {
        const line = filled(part);
        gap.classList.toggle("full", Boolean(line));
        words.textContent = plain(line);
        hole.setAttribute("aria-label", line ? `${QUESTIONS_OF[part] ?? part} ${line} Take it out` : `${QUESTIONS_OF[part] ?? part} A hole. Which slip fits?`);
      }
      for (const { slip, words } of papers) {
        const used = parts.some((part) => filled(part) === words);
        slip.classList.toggle("used", used);
        if (used) {
          slip.classList.remove("refused");
          slip.removeAttribute("aria-label");
        }
      }
      slips.inert = complete;
      post.inert = !complete;
      openPost.hidden = open;
      el.classList.toggle("done", complete);
      whole.classList.toggle("complete", complete);
      whole.classList.toggle("letters", open);
      chest.style.setProperty("--filled", String((parts.length - empty.length) / parts.length));
      const wrong = wrongOf(marks.length);
      letters.setAttribute("aria-label", open ? `${marks.length} letters: ${wrong} with the wrong town` : `${marks.length} closed letters`);
      count.loud.textContent = String(open ? wrong : empty.length);
      count.loudWords.textContent = open ? `of ${marks.length} letters: the wrong town` : empty.length === 1 ? "hole left" : "holes left";
      openLetters(open ? marks.length : 0);
      says.textContent = open ? "Still complete, says the linter. It reads the card, never a letter."
        : complete ? "Complete, says the linter. Is it true?"
        : told || (matchMedia("(hover: hover)").matches ? "Drag a slip into a hole." : "Press a slip: does it fit?");
      speak(`${count.head.textContent}. ${says.textContent}`);
    }
    return { all: whole, draw: drawStage, stop: () => stopCount() };
  }

  function draw() {
    const staged = act() && found;
    const [shown, other] = staged ? [stage.all, desk] : [desk, stage.all];
    if (shown.parentElement !== el) other.replaceWith(shown);
    if (staged) return stage.draw();
    paint();
    const error = model.get("said")?.error;
    // The open card is offered only if the visitor has changed it.
    loads.forEach((button, index) => {
      const open = titles[index] === chosen();
      button.classList.toggle("own", open);
      button.classList.toggle("unchanged", open && text() === cards[chosen()]);
      button.textContent = open ? `${titles[index]}, as it was` : titles[index];
    });
    turn.textContent = card.classList.contains("turned") ? "Turn back to the card" : "Turn it over: the file";
    el.classList.toggle("broken", Boolean(error));
    if (error) {
      loud.textContent = "?";
      loudWords.textContent = error;
      speak(error);
      return;
    }
    if (!found) return;
    const parts = Object.entries(found.parts);
    const missing = parts.filter((each) => !passes(each)).map(([part]) => part);
    const done = !missing.length && !found.people.length;
    loud.textContent = String(missing.length || found.people.length);
    loudWords.textContent = missing.length || done
      ? `of ${parts.length} parts ${missing.length === 1 ? "fails" : "fail"} the check`
      : found.people.length === 1 ? "word fits people, not programs" : "words fit people, not programs";
    title.textContent = /^# +(.+)$/m.exec(bodyOf(text()))?.[1] ?? chosen();
    drawRow("", openingLine());
    for (const [part, words] of parts) drawRow(part, words);
    box.style.setProperty("--filled", String((parts.length - missing.length) / parts.length));
    el.classList.toggle("done", done);
    before = new Set(parts.filter(passes).map(([part]) => part));
    drawOpen();
    const next = missing.some((part) => !found.parts[part]) ? "Press a hole in the card."
      : missing.some((part) => found.weak[part]) ? "Press a striped line." : "Now mend the words that fit people.";
    verdict.textContent = done && !slot ? "Complete, says the linter. Is it true? That it cannot see." : slot ? sayOfOpen() : told || next;
    settle();
    speak(`${missing.length} of ${parts.length} parts fail the check${missing.length ? `: ${missing.join(", ")}` : ""}. ${found.people.length ? `Words for people: ${found.people.join(", ")}.` : ""} ${verdict.textContent}`);
  }
  /**
   * The line to show above the parts: the first line of the card that has a word for people and is not a part's line. If
   * there is no such line, it is the card's opening line. While the visitor edits the line, return what the field has.
   */
  function openingLine() {
    if (slot && slot.part === "") return text().slice(slot.start, slot.end);
    const shown = Object.values(found.parts);
    const lines = bodyOf(text()).split(/\r\n|\r|\n/).filter((line) => PEOPLE_WORD.test(line) && !shown.some((words) => words && line.includes(words)));
    return lines[0]?.trim() ?? openingOf(text());
  }

  area.addEventListener("input", () => {
    slot = null;
    write(area.value || "\n"); // with the text "", the view would show the card's own text again
  });
  model.on("change:said", listen);
  const keys = ["card", "text", "act"];
  for (const key of keys) model.on(`change:${key}`, check);
  check();
  if (model.get("live")) save();
  const endSize = onSize(under, settle);
  return () => {
    endSize();
    stage.stop();
    clearTimeout(saving);
    hush();
    model.off("change:said", listen);
    for (const key of keys) model.off(`change:${key}`, check);
  };
}

export default { render };
