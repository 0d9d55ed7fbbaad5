// The claims of the magazine article that the course examines.
// On the website they are a wall of tiles. A tile that is pressed grows to a card, which the visitor throws into one of four
// corners. The card turns, shows the course's verdict with its reasons, and goes back to its tile, which then has the
// verdict's colour. One press turns all tiles and sorts them by verdict.
// In a notebook a card shows one claim. The visitor drags the card onto one of four shelves, and chooses a verdict of that
// shelf and a confidence. Below is a wall with a tile for each claim.
// The view's `data` is {verdicts, claims}, in a notebook also `confidences` and `summary`.
// The visitor chooses `claim` (the number of the claim on the card; on the website 0 if no claim is open) and `guesses` (from a
// claim's number to a group of verdicts, in a notebook to a verdict); on the website also `all` (whether all tiles are turned
// and sorted), and in a notebook `lesson` (two digits, or "" for all).
// A notebook's view sends `want` {evidence: number} to ask the host for the evidence on a claim, and sends `want` {decide:
// number, verdict, confidence} when the visitor decides a claim. The host records the decision, and only then sends the
// course's verdict on the claim and the grounds for that verdict, as `key`. The data of an undecided claim has no key.
import { adopt, announcer, arrowStep, capital, headline, keeper, make, onDrag, radio } from "./view.js";

/** The groups of verdicts on a claim. Each group has a shelf, and covers some of the nine verdicts. */
export const GROUPS = {
  holds: { sign: "\u2713", title: "It holds", meaning: "as it stands, or nearly", verdicts: ["true", "mostly true"] },
  part: { sign: "~", title: "In part", meaning: "partly true, or it misleads", verdicts: ["partly true", "misleading"] },
  fails: { sign: "\u2717", title: "It fails", meaning: "false, or no longer so", verdicts: ["false", "outdated"] },
  open: { sign: "?", title: "Nobody outside can say", meaning: "not public, or an opinion", verdicts: ["cannot know", "held once", "opinion"] },
};
// The signs of some verdicts, as in the lessons. A verdict that is not listed has the sign "~".
const SIGNS = { true: "\u2713", "mostly true": "\u2713", false: "\u2717", "cannot know": "?" };
const TURN = 280; // ms in which a card or tile turns
const SMALL = 0.3; // the scale at which a card is drawn while it is dragged
const SHORT = 34; // the most letters of a claim on its tile
const AREAS = { holds: "hold", part: "in part", fails: "fail", open: "nobody outside can say" };
/** What the claims are about, each with the number of the last claim of a run. */
const TOPICS = [[3, "open source"], [11, "Llama"], [16, "Falcon"], [21, "Mistral"], [26, "Stable Diffusion"], [27, "Midjourney"], [31, "Whisper"], [32, "OpenAI"], [41, "open or closed"], [42, "Hugging Face"], [43, "the article"], [44, "training data"], [45, "Llama"], [49, "open or closed"], [50, "Falcon"]];
/** The words of a long claim that its tile shows. Each is a part of the claim, word for word. */
export const KEYWORDS = {
  1: "code, data, and often weights", 2: "Key models like Llama", 3: "freely available, modifiable", 5: "released in early 2026", 6: "comparable to proprietary models",
  7: "research and commercial use", 8: "enhanced reasoning", 12: "Technology Innovation Institute", 13: "often surpassing models", 14: "efficient architecture",
  17: "efficient and performant models", 20: "significantly faster", 21: "more constrained hardware", 22: "developed by Stability AI", 26: "consumer-grade hardware",
  27: "proprietary models", 28: "massive dataset of diverse audio", 29: "various accents and languages", 32: "contributed significantly", 33: "surpassing closed source AI",
  34: "larger parameter counts", 35: "mitigation of biases", 37: "a few tech giants", 38: "download a pre-trained model", 39: "immense costs", 40: "full weights vs. API access",
  41: "who is responsible", 44: "high-quality data curation", 45: "State-of-the-art performance", 46: "components are kept secret", 48: "advanced AI accessible to all", 49: "used and fine-tuned",
};
const FLY = 300; // ms in which a claim grows out of its tile, flies into a corner, or goes back
const FAR = 60; // the card is thrown if it is let go so many px from its place; less if it is still moving
const THROW = 140; // ms of its last speed that are added to the way of a card that is let go

const WORDED = 2; // on each shelf, this many of the claims judged last show words; the others show only their numbers

/** @param {string} verdict */
export const groupOf = (verdict) => Object.keys(GROUPS).find((name) => GROUPS[name].verdicts.includes(verdict));

/** The first words of a text, and an ellipsis if there are more. */
export function beginning(text, most = SHORT) {
  if (text.length <= most) return text;
  return `${text.slice(0, text.lastIndexOf(" ", most)).replace(/[,;:]$/, "")}\u2026`;
}

/** Whether a guess is the course's verdict on a claim, if `exact`, or else the group of this verdict. */
const agreed = (claim, guess, exact) => guess === (exact ? claim.verdict : groupOf(claim.verdict));

/**
 * Compare guesses with the course's verdicts. Returns the number of guesses (`made`) and the number that agree (`same`).
 * @param {Object<string, string>} guesses groups, or verdicts if `exact`
 * @param {{ number: number, verdict: string }[]} claims
 * @param {boolean} [exact]
 */
export function score(guesses, claims, exact = false) {
  const made = claims.filter(({ number }) => guesses[number]);
  return { made: made.length, same: made.filter((claim) => agreed(claim, guesses[claim.number], exact)).length };
}

/** Show the claims: in a notebook, where the visitor also gives confidences, as a desk, and on the website as a wall. */
export function render(options) {
  return options.model.get("data").confidences ? renderDesk(options) : renderWall(options);
}

/** The website's view: a wall of tiles. A tile grows to a card, which is thrown into one of four corners. */
function renderWall({ model, el }) {
  const { verdicts, claims } = model.get("data");
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const easing = "cubic-bezier(.2,.7,.2,1)";
  const names = Object.keys(GROUPS);

  adopt(el, "cw");
  el.classList.add("wall");
  const { head, loud, loudWords } = headline("cw");
  const take = make("p", "cw-take");
  const stage = make("div", "cw-stage");
  const wall = stage.appendChild(make("div", "cw-mosaic"));
  wall.setAttribute("role", "group");
  wall.setAttribute("aria-label", `${claims.length} claims of the article`);
  const sheet = stage.appendChild(make("section", "cw-sheet"));
  sheet.setAttribute("aria-label", "The claim");
  sheet.tabIndex = -1;
  const all = make("button", "cw-all-button");
  const copy = make("button", "cw-plain", "Copy my result");
  const again = make("button", "cw-plain", "Start again");
  const copied = make("span", "cw-copied");
  copied.setAttribute("role", "status");
  const acts = make("div", "cw-acts");
  acts.append(all);
  const more = make("div", "cw-more");
  const { live, speak, hush } = announcer(300);
  const whole = el.appendChild(make("div", "cw-whole"));
  whole.append(head, take, stage, acts);
  const numbers = claims.map(({ number }) => number);
  const missing = Array.from({ length: Math.max(...numbers) }, (_, index) => index + 1).filter((number) => !numbers.includes(number));
  if (missing.length) more.append(make("p", "cw-left-out", missing.length === 1 ? `Number ${missing[0]} is not on the wall: no lesson can settle it.` : `Numbers ${missing.join(", ")} are not on the wall: no lesson can settle them.`));
  more.append(copied, copy, again);
  whole.append(more);
  el.append(live);

  const keep = keeper(model, update);
  /** The guesses that name a known group. The address of an older version may have guesses with other names. */
  const guesses = () => Object.fromEntries(Object.entries(model.get("guesses") ?? {}).filter(([, made]) => GROUPS[made]));
  const sorted = () => model.get("all") === true;
  const shown = () => claims.find(({ number }) => number === model.get("claim"));
  const turned = (claim) => sorted() || Boolean(guesses()[claim.number]);
  const tileOf = (claim) => tiles[claims.indexOf(claim)];

  const tiles = claims.map((claim) => {
    const tile = make("button", "cw-piece");
    const words = make("span", "cw-piece-words");
    const run = TOPICS.findIndex(([last]) => claim.number <= last);
    const about = make("span", "cw-about");
    about.append(make("span", "num", String(claim.number)), " ", make("span", "cw-topic", TOPICS[run]?.[1] ?? ""));
    words.textContent = `\u201c${KEYWORDS[claim.number] ?? claim.words}\u201d`;
    tile.append(about, words, make("span", "cw-piece-number num", String(claim.number)));
    tile.addEventListener("click", () => keep({ claim: claim.number }));
    tile.addEventListener("keydown", (event) => {
      const order = [...wall.querySelectorAll(".cw-piece")];
      const at = order.indexOf(tile);
      const row = order.filter(({ offsetTop, parentElement }) => offsetTop === tile.offsetTop && parentElement === tile.parentElement).length;
      const step = { ArrowRight: 1, ArrowDown: row, ArrowLeft: -1, ArrowUp: -row }[event.key];
      if (!step || !order[at + step]) return;
      event.preventDefault();
      order[at + step].focus();
    });
    tile.addEventListener("focus", () => tiles.forEach((other) => (other.tabIndex = other === tile ? 0 : -1)));
    tile.tabIndex = claim === claims[0] ? 0 : -1;
    return tile;
  });
  const areas = Object.fromEntries(names.map((name) => {
    const area = make("div", `cw-area ${name}`);
    const label = area.appendChild(make("p", "cw-area-label"));
    const number = claims.filter(({ verdict }) => groupOf(verdict) === name).length;
    label.append(make("b", "num", String(number)), make("span", "", AREAS[name]));
    return [name, { area, pieces: area.appendChild(make("div", "cw-pieces")) }];
  }));

  let laid = null; // whether the wall is sorted, or null if it isn't laid out yet
  /** Put the tiles in the article's order, or sort them by verdict. Each tile travels to its new place. */
  function layOut() {
    if (laid === sorted()) return;
    const travel = laid !== null && !still.matches;
    const places = () => tiles.map((tile) => tile.getBoundingClientRect());
    const from = travel ? places() : [];
    laid = sorted();
    wall.classList.toggle("sorted", laid);
    wall.replaceChildren(...(laid ? names.map((name) => areas[name].area) : tiles));
    if (laid) claims.forEach((claim, index) => areas[groupOf(claim.verdict)].pieces.append(tiles[index]));
    if (!travel) return;
    const to = places();
    tiles.forEach((tile, index) => {
      tile.animate([{ transform: between(to[index], from[index]) }, { transform: "none" }], { duration: 600, delay: 12 * index, fill: "backwards", easing });
    });
  }

  function drawTiles() {
    claims.forEach((claim, index) => {
      const tile = tiles[index];
      const group = turned(claim) ? groupOf(claim.verdict) : "";
      const verdict = group && `${GROUPS[group].title.toLowerCase()}, ${claim.verdict}`;
      tile.setAttribute("aria-label", `Claim ${claim.number}: \u201c${claim.words}\u201d${group ? `: ${verdict}` : ""}`);
      tile.title = group ? `${verdict}: \u201c${claim.words}\u201d` : `\u201c${claim.words}\u201d`;
      tile.dataset.group = group;
    });
  }

  /** The transform that moves an element from its place on the screen to another place, and gives it the size of that place or
   * the scale `scaled`.
   * @param {DOMRect} now
   * @param {DOMRect} to */
  function between(now, to, scaled = `scale(${to.width / now.width}, ${to.height / now.height})`) {
    return `translate(${to.left + to.width / 2 - now.left - now.width / 2}px, ${to.top + to.height / 2 - now.top - now.height / 2}px) ${scaled}`;
  }
  /** The transform that puts an element onto another. */
  const onto = (element, other, scaled) => between(element.getBoundingClientRect(), other.getBoundingClientRect(), scaled);

  let begun = false; // whether the view is drawn for the first time already
  let open = ""; // what the sheet shows: a claim's number and, if the claim is turned, its verdict
  let corners = {}; // the four corners of an open claim that is not judged yet
  function drawSheet() {
    const claim = shown();
    const state = claim ? `${claim.number} ${turned(claim) ? claim.verdict : ""}` : "";
    if (state === open) return;
    const [before, judged] = [open.split(" ")[0], claim && turned(claim)];
    const thrown = Boolean(before) && before === String(claim?.number);
    const from = thrown ? corners[guesses()[claim.number]] : claim && tileOf(claim);
    const last = claims.find(({ number }) => String(number) === before);
    open = state;
    wall.inert = Boolean(claim);
    el.classList.toggle("open", Boolean(claim));
    if (!claim) return close(last);
    const fill = () => {
      sheet.className = `cw-sheet${judged ? " judged" : ""}`;
      sheet.dataset.group = judged ? groupOf(claim.verdict) : "";
      sheet.replaceChildren(...(judged ? result(claim) : question(claim)));
      if (begun) sheet.focus({ preventScroll: true });
    };
    if (thrown && from && !still.matches) {
      const card = sheet.querySelector(".cw-thrown");
      const there = card.style.transform;
      const { transform } = getComputedStyle(card);
      card.style.transform = "";
      const corner = onto(card, from, "scale(0.3) rotateY(90deg)");
      card.style.transform = there;
      card.animate([{ transform }, { transform: corner }], { duration: 220, fill: "forwards", easing: "ease-in" }).onfinish = () => {
        if (open !== state) return;
        const start = from.getBoundingClientRect(); // before `fill` removes the corner
        fill();
        show(); // before the animation, which moves the sheet's top
        const begins = between(sheet.getBoundingClientRect(), start, "scale(0.25) rotateY(-90deg)");
        sheet.animate([{ transform: begins }, { transform: "none" }], { duration: FLY, easing });
      };
      return;
    }
    fill();
    if (begun) show();
    if (still.matches || !from || !begun) return;
    const grown = judged ? sheet : sheet.querySelector(".cw-thrown");
    grown.animate([{ transform: onto(grown, from) }, { transform: "none" }], { duration: FLY, easing });
    for (const corner of Object.values(judged ? {} : corners)) corner.animate([{ opacity: 0, scale: 0.8 }, { opacity: 1, scale: 1 }], { duration: FLY, easing });
  }
  /** Scroll until the sheet's top is in sight. */
  function show() {
    const { top } = sheet.getBoundingClientRect();
    if (top < 0 || top > innerHeight / 2) head.scrollIntoView({ behavior: still.matches ? "auto" : "smooth" });
  }
  /** Let the sheet shrink to its tile. */
  function close(claim) {
    const tile = claim && tileOf(claim);
    tile?.focus({ preventScroll: true });
    const end = () => {
      if (shown()) return;
      sheet.replaceChildren();
      sheet.className = "cw-sheet";
      sheet.dataset.group = "";
      const { bottom, top } = tile?.getBoundingClientRect() ?? {};
      if (tile && (top < 0 || bottom > innerHeight)) tile.scrollIntoView({ block: "center", behavior: still.matches ? "auto" : "smooth" });
    };
    corners = {};
    if (still.matches || !tile) return end();
    sheet.animate([{ transform: "none" }, { transform: onto(sheet, tile), opacity: 0.4 }], { duration: FLY, easing }).onfinish = end;
  }

  /** The card of a claim, between the four corners. */
  function question(claim) {
    corners = Object.fromEntries(Object.entries(GROUPS).map(([name, { sign, title, meaning }]) => {
      const corner = make("button", `cw-corner ${name}`);
      const words = make("span", "cw-corner-words");
      words.append(make("b", "", title), make("span", "", meaning));
      corner.append(make("b", "cw-corner-sign", sign), words);
      corner.addEventListener("click", () => guess(claim, name));
      corner.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowDown: 2, ArrowLeft: -1, ArrowUp: -2 }[event.key];
        const next = names[names.indexOf(name) + step];
        if (!next) return;
        event.preventDefault();
        corners[next].focus();
      });
      return [name, corner];
    }));
    const card = make("div", "cw-thrown");
    const quote = make("p", "cw-quote", `\u201c${claim.words}\u201d`);
    quote.classList.toggle("long", claim.words.length > 45);
    const reading = make("p", "cw-reading");
    reading.append(make("b", "", "As we read it: "), claim.reading);
    const shut = make("button", "cw-shut", "\u2715");
    shut.setAttribute("aria-label", "Back to the wall");
    shut.addEventListener("click", () => keep({ claim: 0 }));
    card.append(make("p", "cw-number num", `claim ${claim.number}`), quote, reading);
    throwable(card, claim);
    return [...Object.values(corners), card, shut];
  }
  /** Let the visitor throw the card. The corner in whose direction it flies is lit. */
  function throwable(card, claim) {
    let start = null;
    let trail = []; // the last events, for the card's speed
    const aim = () => {
      const last = trail.at(-1);
      if (!last) return null;
      const first = trail.find(({ timeStamp }) => last.timeStamp - timeStamp < 100) ?? last;
      const time = Math.max(16, last.timeStamp - first.timeStamp);
      const [x, y] = ["clientX", "clientY"].map((key) => last[key] - start[key] + ((last[key] - first[key]) / time) * THROW);
      return Math.hypot(x, y) < FAR ? null : names[Number(x > 0) + 2 * Number(y > 0)];
    };
    const light = (name) => {
      for (const [each, corner] of Object.entries(corners)) corner.classList.toggle("aimed", each === name);
    };
    onDrag(el, card, (event) => {
      trail = [...trail.slice(-8), event];
      const [x, y] = [event.clientX - start.clientX, event.clientY - start.clientY];
      card.style.transform = `translate(${x}px, ${y}px) rotate(${(x / 40).toFixed(2)}deg) scale(0.85)`;
      light(aim());
    }, {
      ready: ({ button }) => button === 0 && !turned(claim),
      begin(event) {
        start = event;
        trail = [];
      },
      end() {
        const name = aim();
        light(null);
        if (name) guess(claim, name);
        else card.style.transform = "";
      },
    });
  }
  function guess(claim, made) {
    keep({ guesses: { ...guesses(), [claim.number]: made } });
    speak(`You said: ${GROUPS[made].title.toLowerCase()}. The course: ${GROUPS[groupOf(claim.verdict)].title.toLowerCase()}, ${claim.verdict}. ${loud.textContent} ${loudWords.textContent}.`);
  }
  /** The verdict on a claim, and the whole of its reasons. */
  function result(claim) {
    const made = guesses()[claim.number];
    const verdict = make("div", "cw-verdict");
    const said = !made ? "" : made === groupOf(claim.verdict) ? "as you said" : `you said: ${GROUPS[made].title.toLowerCase()}`;
    const word = make("p", "cw-result");
    word.append(make("b", "loud", GROUPS[groupOf(claim.verdict)].title), make("span", "", said));
    const meaning = make("p", "cw-meaning");
    meaning.append(make("b", "", claim.verdict), `: ${verdicts[claim.verdict]}.`);
    const back = make("button", "cw-back-to", "\u2190 Back to the wall");
    back.addEventListener("click", () => keep({ claim: 0 }));
    verdict.append(make("p", "cw-number num", `claim ${claim.number}`), make("p", "cw-quote small", `\u201c${claim.words}\u201d`), word, meaning, back);
    return [verdict, reasonsFor(claim)];
  }

  function leave(event) {
    if (event.key !== "Escape" || !shown() || !(el.contains(event.target) || event.target === document.body)) return;
    event.preventDefault();
    keep({ claim: 0 });
  }
  document.addEventListener("keydown", leave);
  all.addEventListener("click", () => {
    keep({ all: !sorted() });
    const { top } = head.getBoundingClientRect();
    if (top < 0) head.scrollIntoView({ behavior: still.matches ? "auto" : "smooth" });
    speak(`${loud.textContent} ${loudWords.textContent}. ${take.textContent}`);
  });
  copy.addEventListener("click", () => copyResult(claims, guesses(), copied));
  again.addEventListener("click", () => keep({ guesses: {}, all: false, claim: 0 }));

  function update() {
    const made = claims.filter(turned);
    const of = Object.fromEntries(names.map((name) => [name, made.filter(({ verdict }) => groupOf(verdict) === name).length]));
    const left = claims.length - made.length;
    const counted = names.filter((name) => of[name]).map((name) => `${of[name]} ${of[name] === 1 ? AREAS[name].replace(/^(hold|fail)/, "$1s") : AREAS[name]}`);
    if (shown() && !turned(shown())) {
      loud.textContent = "Do you believe it?";
      loudWords.textContent = "";
      take.textContent = "Throw it into a corner, or press one.";
    } else if (!made.length) {
      loud.textContent = "How many hold?";
      loudWords.textContent = "";
      take.textContent = "Press a claim and say whether you believe it. Its tile takes the verdict\u2019s colour.";
    } else if (left) {
      loud.textContent = `${made.length} turned`;
      loudWords.textContent = counted.join(", ");
      take.textContent = `${left} still to turn.`;
    } else {
      loud.textContent = `${of.holds} of ${claims.length}`;
      loudWords.textContent = "claims hold";
      take.textContent = `${counted.slice(1).join(", ").replace(/, (?=[^,]*$)/, ", and ")}.`;
    }
    all.textContent = sorted() ? "Back to the article\u2019s order" : `Turn all ${claims.length}`;
    const any = Object.keys(guesses()).length > 0;
    for (const button of [copy, again]) button.hidden = !any;
    copied.textContent = "";
    drawTiles();
    layOut();
    drawSheet();
    begun = true;
  }

  const keys = ["claim", "guesses", "all"];
  const listen = () => keep.storing || update();
  for (const key of keys) model.on(`change:${key}`, listen);
  update();
  return () => {
    hush();
    document.removeEventListener("keydown", leave);
    for (const key of keys) model.off(`change:${key}`, listen);
  };
}

/** What speaks for or against a claim, with the sources. */
function points(title, list) {
  const block = make("div", "cw-points");
  block.append(make("h3", "", title));
  if (!list.length) block.append(make("p", "cw-none", "Nothing that we found."));
  for (const point of list) {
    block.append(make("p", "", point.text));
    const sources = [point.basis, ...point.sources].filter(Boolean).join("; ");
    if (sources) block.append(make("p", "cw-source", sources));
  }
  return block;
}
/** All reasons for the verdict on a claim, and the lessons that settle it. */
function reasonsFor(claim) {
  const reasons = make("div", "cw-reasons");
  reasons.setAttribute("role", "region");
  reasons.setAttribute("aria-label", "The reasons");
  // If all reasons speak for a claim, or all speak against it, show why there are none on the other side.
  if (claim.speaks_for.length || !claim.one_sided) reasons.append(points("What speaks for it", claim.speaks_for));
  if (claim.speaks_against.length || !claim.one_sided) reasons.append(points("What speaks against it", claim.speaks_against));
  if (claim.one_sided) reasons.append(make("p", "cw-none", `One side only: ${claim.one_sided}`));
  const foot = make("p", "cw-foot", claim.lessons.length ? "Settled in " : "");
  for (const { title, address } of claim.lessons) {
    const link = foot.appendChild(make(address ? "a" : "span", "", title));
    if (address) link.href = address;
  }
  reasons.append(foot);
  const { length } = reasons.textContent;
  reasons.classList.toggle("long", length > 700);
  reasons.classList.toggle("brief", length < 420);
  return reasons;
}

/** Copy a line with the number of guesses that agree with the course's verdicts, and with a mark for each guess.
 * `copied` is an element that says whether it worked. */
async function copyResult(claims, guesses, copied, exact = false) {
  const { made, same } = score(guesses, claims, exact);
  const marks = claims.filter(({ number }) => guesses[number]).map((claim) => (agreed(claim, guesses[claim.number], exact) ? "\u25a0" : "\u25a1")).join("");
  const page = location.pathname.endsWith("claims.html") ? ` ${location.origin}${location.pathname}` : "";
  const text = `${same} of ${made} claims as the course read them ${marks}${page}`;
  try {
    await navigator.clipboard.writeText(text);
    copied.textContent = "Copied.";
  } catch {
    copied.textContent = text; // there is no clipboard here, so show the text, which the visitor can select and copy
  }
}

/** The notebook's view: a card, four shelves, and a wall with a tile for each claim. */
function renderDesk({ model, el }) {
  const { verdicts, claims, confidences } = model.get("data");
  let summary = model.get("data").summary ?? "";
  const agrees = (claim, guess) => guess === claim.verdict;
  const still = matchMedia("(prefers-reduced-motion: reduce)");

  adopt(el, "cw");
  const { head, loud, loudWords } = headline("cw");
  const take = make("p", "cw-take");
  // The claims keep the article's numbers, some of which are missing. `leftOut` says why.
  const missingBefore = (index) => {
    const first = (claims[index - 1]?.number ?? 0) + 1;
    return Array.from({ length: claims[index].number - first }, (_, more) => first + more);
  };
  const missing = claims.flatMap((_, index) => missingBefore(index));
  const leftOut = make("p", "cw-left-out", missing.length === 1 ? `Claim ${missing[0]} is left out: no lesson can settle it.` : `Claims ${missing.join(", ")} are left out: no lesson can settle them.`);
  const actions = make("p", "cw-actions");
  const copy = make("button", "", "Copy my result");
  const copied = make("span", "cw-copied");
  copied.setAttribute("role", "status");
  actions.append(copy, copied);
  const top = make("div", "cw-top");
  top.append(head, take);
  const panel = make("section", "cw-panel");
  panel.setAttribute("aria-label", "The claim");
  panel.tabIndex = -1;
  const shelves = make("div", "cw-shelves");
  shelves.setAttribute("role", "group");
  shelves.setAttribute("aria-label", "Shelves");
  const filter = make("div", "cw-filter");
  filter.setAttribute("role", "radiogroup");
  filter.setAttribute("aria-label", "Lesson that settles the claim");
  const wall = make("div", "cw-wall");
  wall.setAttribute("role", "group");
  wall.setAttribute("aria-label", `${claims.length} claims of the article`);
  const bar = make("div", "cw-bar");
  bar.append(leftOut, actions);
  const small = matchMedia("(max-width: 30rem)");
  const fold = make("details", "cw-fold");
  fold.open = !small.matches;
  fold.append(make("summary", "", `All ${claims.length} claims`), filter, wall);
  const { live, speak, hush } = announcer(300);
  const all = make("div", "cw-all");
  all.append(top, panel, shelves, bar, fold);
  el.append(all, live);

  /** The guesses that name a known verdict. */
  const guesses = () => Object.fromEntries(Object.entries(model.get("guesses") ?? {}).filter(([, made]) => verdicts[made]));
  const shown = () => claims.find(({ number }) => number === model.get("claim")) ?? claims[0];
  const digits = ({ title }) => title.match(/\d\d/)[0];
  const inLesson = ({ lessons }) => !model.get("lesson") || lessons.some((lesson) => digits(lesson) === model.get("lesson"));
  const keep = keeper(model, update);

  // The filter by lesson
  const numbers = [...new Set(claims.flatMap(({ lessons }) => lessons.map(digits)))].sort();
  const chips = ["", ...numbers].map((lesson) => {
    const chip = filter.appendChild(make("button", "num", lesson || "All"));
    const these = claims.filter(({ lessons }) => !lesson || lessons.some((each) => digits(each) === lesson));
    const name = these[0].lessons.find((each) => digits(each) === lesson)?.title ?? "All lessons";
    radio(chip, () => chips, (at) => choose(["", ...numbers][at]));
    chip.setAttribute("aria-label", `${name}: ${these.length} ${these.length === 1 ? "claim" : "claims"}`);
    chip.title = chip.getAttribute("aria-label");
    return chip;
  });
  function choose(lesson) {
    model.set("lesson", lesson);
    const fits = claims.filter(inLesson);
    keep({ claim: fits.includes(shown()) ? shown().number : fits[0].number });
  }

  // There is a shelf for each group of verdicts. A judged claim lies on the shelf of the course's verdict.
  // If the visitor chose another shelf, an outline stays there.
  const shelf = Object.fromEntries(Object.entries(GROUPS).map(([name, { sign, title, meaning }]) => {
    const place = shelves.appendChild(make("div", `cw-shelf ${name}`));
    const button = place.appendChild(make("button", "cw-group"));
    const text = make("span");
    text.append(make("b", "", title), make("span", "", meaning));
    const number = make("b", "cw-count num");
    button.append(make("span", "cw-sign", sign), text, number);
    const stack = place.appendChild(make("div", "cw-stack"));
    stack.setAttribute("aria-hidden", "true"); // screen readers find the same text in the tiles of the wall
    place.addEventListener("click", (event) => {
      if (!button.disabled && !event.target.closest(".cw-chip")) openShelf(name);
    });
    // Ignore a pointer that has not moved, because opening a tile can move a shelf under the pointer.
    button.addEventListener("pointermove", ({ pointerType, movementX, movementY }) => pointerType === "mouse" && (movementX || movementY) && lean(place));
    button.addEventListener("focus", () => button.matches(":focus-visible") && lean(place));
    for (const event of ["pointerleave", "blur"]) button.addEventListener(event, () => lean());
    button.addEventListener("keydown", (event) => {
      const buttons = Object.values(shelf).map((each) => each.button);
      const next = buttons[buttons.indexOf(button) + arrowStep(event)];
      if (!arrowStep(event) || !next) return;
      event.preventDefault();
      next.focus();
    });
    return [name, { place, button, stack, number }];
  }));
  const card = () => panel.querySelector(".cw-card");
  /** Move the card a little towards the shelf `place` or, without an argument, back to its own place. */
  function lean(place) {
    if (!card() || card().matches(".turned") || el.classList.contains("dragging")) return;
    card().style.transform = place && !still.matches ? toward(place, 0.12, 1) : "";
  }
  /** The transform that moves the card by a part (0 to 1) of the way to a shelf, and scales it. */
  function toward(place, part, scale) {
    const now = card();
    const [from, to] = [now.parentElement.getBoundingClientRect(), place.getBoundingClientRect()];
    const x = to.left + to.width / 2 - (from.left + now.offsetLeft + now.offsetWidth / 2);
    const y = to.top + to.height / 2 - (from.top + now.offsetTop + now.offsetHeight / 2);
    return `translate(${(part * x).toFixed(1)}px, ${(part * y).toFixed(1)}px) scale(${scale})`;
  }
  const over = ({ clientX, clientY }) => Object.keys(shelf).find((name) => {
    const { left, right, top, bottom } = shelf[name].place.getBoundingClientRect();
    return clientX >= left && clientX <= right && clientY >= top && clientY <= bottom;
  });
  /** Let the visitor drag the card. A mouse can take hold of the card anywhere, a finger only at the grip. */
  function movable(front, grip) {
    for (const handle of [front, grip]) {
      let start = null;
      let last = null;
      onDrag(el, handle, (event) => {
        last = event;
        const [x, y] = [event.clientX - start.clientX, event.clientY - start.clientY];
        // Draw the card small, around the point at which it is held, so that the shelves stay visible.
        const box = panel.getBoundingClientRect();
        front.style.transformOrigin = `${start.clientX - box.left - front.offsetLeft}px ${start.clientY - box.top - front.offsetTop}px`;
        front.style.transform = `translate(${x}px, ${y}px) scale(${SMALL})`;
        const aim = over(event);
        for (const [name, { place }] of Object.entries(shelf)) place.classList.toggle("aimed", name === aim);
      }, {
        ready: ({ button, pointerType }) => button === 0 && (pointerType === "touch") === (handle === grip),
        begin(event) {
          start = event;
          last = null;
        },
        end() {
          for (const { place } of Object.values(shelf)) place.classList.remove("aimed");
          front.style.transformOrigin = "";
          front.style.transform = "";
          const name = last && over(last);
          if (name) openShelf(name);
        },
      });
    }
  }
  let stacked = ""; // the state, as JSON, for which the shelves were last laid out
  let recent = []; // the numbers of the judged claims, in the order in which they were judged
  /** Lay out the shelves. The claim with the number `fresh` moves to its shelf from the shelf that the visitor chose. */
  function stack(fresh) {
    const made = guesses();
    const state = JSON.stringify([shown().number, made]);
    if (state === stacked) return; // a second update with the same state must not stop a motion
    stacked = state;
    const now = claims.filter(({ number }) => made[number]).map(({ number }) => number);
    recent = [...recent.filter((number) => made[number]), ...now.filter((number) => !recent.includes(number))];
    for (const [name, { button, stack: lies, number: total }] of Object.entries(shelf)) {
      const lying = recent.map((number) => claims.find((claim) => claim.number === number)).filter(({ verdict }) => groupOf(verdict) === name);
      const chips = lying.map((claim, index) => {
        const chip = make("i", "cw-chip num", String(claim.number));
        chip.dataset.group = name;
        const worded = index >= lying.length - WORDED;
        if (worded) {
          chip.classList.add("worded");
          chip.append(make("span", "", `\u201c${beginning(claim.words)}\u201d`));
        }
        if (!agrees(claim, made[claim.number])) {
          const chosen = groupOf(made[claim.number]);
          if (worded) chip.append(make("b", `cw-said ${chosen}`, GROUPS[chosen].sign));
          chip.title = `you said: ${made[claim.number]}`;
        }
        chip.addEventListener("click", () => keep({ claim: claim.number }));
        return [claim, chip];
      });
      lies.replaceChildren(...chips.map(([, chip]) => chip));
      total.textContent = lying.length || "";
      button.disabled = Boolean(made[shown().number]);
      if (button.disabled) button.removeAttribute("aria-expanded");
      const [, landing] = chips.find(([{ number }]) => number === fresh) ?? [];
      if (!landing || still.matches) continue;
      const [from, to] = [shelf[groupOf(made[fresh])].place, landing].map((each) => each.getBoundingClientRect());
      const start = `translate(${from.left + from.width / 2 - to.left - to.width / 2}px, ${from.top + from.height / 3 - to.top}px) scale(1.15)`;
      landing.animate([{ transform: start }, { transform: start, offset: 0.35 }, { transform: "none" }], { duration: 4 * TURN, easing: "cubic-bezier(.3,.6,.2,1)" });
    }
  }

  // The wall of tiles. A claim of the article that the course leaves out has a stub in place of a tile.
  const stubs = [];
  const tiles = claims.map((claim, index) => {
    for (const number of missingBefore(index)) {
      const stub = make("p", "cw-stub");
      stub.append(make("span", "cw-number num", String(number)), "left out: no lesson can settle it");
      stubs.push(wall.appendChild(stub));
    }
    const tile = make("button", "cw-tile");
    const inner = tile.appendChild(make("span", "cw-inner"));
    const front = inner.appendChild(make("span", "cw-front"));
    front.append(make("span", "cw-number num", String(claim.number)), make("span", "cw-words", `\u201c${beginning(claim.words)}\u201d`));
    tile.title = `\u201c${claim.words}\u201d`;
    tile.addEventListener("click", () => {
      keep({ claim: claim.number });
      toPanel();
    });
    tile.addEventListener("keydown", (event) => {
      const seen = tiles.filter(({ hidden }) => !hidden);
      const at = seen.indexOf(tile);
      const across = seen.filter(({ offsetTop }) => offsetTop === seen[0].offsetTop).length;
      const step = { ArrowRight: 1, ArrowDown: across, ArrowLeft: -1, ArrowUp: -across }[event.key];
      if (!step || !seen[at + step]) return;
      event.preventDefault();
      seen[at + step].focus();
    });
    tile.addEventListener("focus", () => tiles.forEach((other) => (other.tabIndex = other === tile ? 0 : -1)));
    return wall.appendChild(tile);
  });

  /** Turn a tile to its back if there is a guess on its claim, otherwise to its front. The back has the course's verdict. The
   * back is made only after the guess, so that the page does not contain the verdict before. */
  function turn(tile, claim, guess, move) {
    const inner = tile.firstChild;
    tile.querySelector(".cw-back")?.remove();
    tile.classList.toggle("turned", Boolean(guess) && !move);
    tile.classList.toggle("differs", Boolean(guess) && !agrees(claim, guess));
    if (!guess) return;
    tile.dataset.group = groupOf(claim.verdict);
    const back = inner.appendChild(make("span", "cw-back"));
    const yours = agrees(claim, guess) ? "as you said" : `you: ${guess}`;
    back.append(
      make("span", "cw-number num", String(claim.number)),
      make("span", "cw-sign", SIGNS[claim.verdict] ?? "~"), make("b", "", claim.verdict), make("span", "cw-yours", yours),
    );
    if (!move) return;
    void tile.offsetWidth; // this makes the turn start from the front of the tile
    tile.classList.add("turned");
    if (still.matches) back.animate([{ opacity: 0 }, { opacity: 1 }], { duration: TURN });
  }

  function toPanel() {
    const { top } = panel.getBoundingClientRect();
    if (top < 0 || top > innerHeight / 2) panel.scrollIntoView({ behavior: still.matches ? "auto" : "smooth" });
    panel.focus({ preventScroll: true });
  }
  function nextOpen() {
    const fits = claims.filter(inLesson);
    const from = fits.indexOf(shown());
    return [...fits.slice(from + 1), ...fits.slice(0, from + 1)].find(({ number }) => !guesses()[number]);
  }

  function guess(claim, made) {
    keep({ guesses: { ...guesses(), [claim.number]: made } });
    toPanel();
    speak(`You said: ${made}. The course: ${claim.verdict}${agrees(claim, made) ? ", as you said" : ""}. ${take.textContent}`);
  }

  // Only a notebook's kernel answers requests. A request asks for the evidence on a claim, or asks to record a decision.
  const evidence = new Map(); // from a claim's number to the host's answer, which has the evidence or an error
  function want(what) {
    model.set("want", what);
    model.save_changes();
  }
  function listen() {
    const { want: asked, ...found } = model.get("said") ?? {};
    if (!asked) return;
    if (asked.evidence) {
      evidence.set(asked.evidence, found);
      drawn = "";
      drawPanel();
      return;
    }
    if (found.error) {
      panel.querySelector(".cw-note").textContent = found.error;
      return;
    }
    const claim = claims.find(({ number }) => number === asked.decide);
    Object.assign(claim, found.key);
    summary = found.summary;
    guess(claim, found.guess);
  }

  let drawn = "";
  let draft = {}; // the verdict and the confidence that a learner has chosen in a notebook, but not yet made final
  function drawPanel() {
    const claim = shown();
    const group = guesses()[claim.number];
    const now = `${claim.number} ${group ?? ""}`;
    if (now === drawn) return;
    if (draft.number !== claim.number) draft = { number: claim.number };
    const turns = drawn === `${claim.number} ` && group;
    drawn = now;
    const fill = () => {
      panel.classList.toggle("judged", Boolean(group));
      panel.dataset.group = group ? groupOf(claim.verdict) : "";
      panel.replaceChildren(...(group ? backOf(claim, group) : frontOf(claim)));
    };
    if (turns && !still.matches && card()) {
      const half = { duration: TURN / 2, fill: "forwards" };
      const { place } = shelf[groupOf(group)];
      const there = toward(place, 1, SMALL);
      card().animate([{ transform: card().style.transform || "none" }, { transform: `${there} perspective(60rem) rotateY(90deg)` }], { ...half, easing: "ease-in" }).onfinish = () => {
        fill();
        card().animate([{ transform: `${toward(place, 1, SMALL)} perspective(60rem) rotateY(-90deg)` }, { transform: "none" }], { duration: TURN, easing: "cubic-bezier(.2,.7,.2,1)" });
        panel.lastChild.animate([{ opacity: 0 }, { opacity: 1 }], { duration: TURN });
      };
      return;
    }
    fill();
    panel.animate([{ opacity: 0 }, { opacity: 1 }], { duration: 150 });
  }
  function column(className, parts) {
    const whole = make("div", className);
    whole.append(...parts);
    return whole;
  }
  function frontOf(claim) {
    const reading = make("p", "cw-reading");
    reading.append(make("b", "", "As we read it: "), claim.reading);
    const quote = make("p", "cw-quote", `\u201c${claim.words}\u201d`);
    quote.classList.toggle("long", claim.words.length > 60);
    const grip = make("span", "cw-grip", "\u2725");
    grip.setAttribute("aria-hidden", "true");
    const front = column("cw-card cw-left", [make("p", "cw-number num", `claim ${claim.number}`), quote, reading, grip]);
    movable(front, grip);
    return [front, column("cw-groups", [...Object.values(GROUPS).map((group) => opening(group)), ...sureness(claim)])];
  }
  /** Buttons for the verdicts of one shelf. At first they are shown only if one of these verdicts is already chosen. */
  function opening({ title, verdicts: exactly }) {
    const choices = make("div", "cw-exact");
    choices.setAttribute("role", "radiogroup");
    choices.setAttribute("aria-label", title);
    for (const verdict of exactly) {
      const choice = choices.appendChild(make("button"));
      choice.append(make("b", "", verdict), make("span", "", ` ${verdicts[verdict]}`));
      radio(choice, () => choices.children, (at) => {
        draft.verdict = exactly[at];
        mark();
      });
    }
    choices.hidden = !exactly.includes(draft.verdict);
    return choices;
  }
  /** Show the verdicts of one shelf, or hide them if they are shown. */
  function openShelf(name) {
    [...panel.querySelectorAll(".cw-exact")].forEach((choices, index) => {
      const each = Object.keys(GROUPS)[index];
      choices.hidden = each !== name || !choices.hidden;
      shelf[each].button.setAttribute("aria-expanded", String(!choices.hidden));
    });
  }
  /** The choice of a confidence, the evidence, and the button that makes the guess final. */
  function sureness(claim) {
    const sure = make("div", "cw-sure");
    sure.setAttribute("role", "radiogroup");
    sure.setAttribute("aria-label", "How sure are you?");
    sure.append(make("span", "", "How sure?"));
    for (const confidence of confidences) {
      const choice = sure.appendChild(make("button", "num", `${confidence}%`));
      radio(choice, () => sure.querySelectorAll("button"), (at) => {
        draft.confidence = confidences[at];
        mark();
      });
    }
    const decide = make("button", "cw-next cw-decide", "Decide");
    decide.addEventListener("click", () => want({ decide: claim.number, verdict: draft.verdict, confidence: draft.confidence }));
    const look = make("button", "cw-look", "Show evidence");
    look.addEventListener("click", () => {
      look.textContent = "Running\u2026";
      want({ evidence: claim.number });
    });
    const row = make("div", "cw-row");
    row.append(decide, look);
    const note = make("p", "cw-note");
    note.setAttribute("role", "status");
    const found = evidence.get(claim.number);
    look.hidden = Boolean(found && !found.error); // after an error, the learner can ask again
    const shownEvidence = make("div", "cw-evidence");
    shownEvidence.hidden = !found;
    if (found?.error) shownEvidence.append(make("p", "", found.error));
    else if (found) {
      if (found.published) shownEvidence.append(make("p", "", found.published));
      if (found.code) shownEvidence.append(make("pre", "code", found.code), make("pre", "", found.printed));
      for (const pre of shownEvidence.querySelectorAll("pre")) pre.tabIndex = 0;
    }
    for (const { button } of Object.values(shelf)) button.setAttribute("aria-expanded", "false");
    queueMicrotask(mark);
    return [sure, row, note, shownEvidence];
  }
  function mark() {
    for (const choice of panel.querySelectorAll(".cw-exact button")) choice.setAttribute("aria-checked", choice.firstChild.textContent === draft.verdict);
    for (const choice of panel.querySelectorAll(".cw-sure button")) choice.setAttribute("aria-checked", choice.textContent === `${draft.confidence}%`);
    const decide = panel.querySelector(".cw-decide");
    if (decide) decide.disabled = !draft.verdict || !draft.confidence;
  }
  function backOf(claim, group) {
    const same = agrees(claim, group);
    const result = make("p", "cw-result");
    result.append(make("b", "loud", claim.verdict), make("span", "", same ? "as you said" : `you said: ${group}`));
    if (!still.matches && before?.[claim.number] !== undefined) result.firstChild.animate([{ scale: 1.35, opacity: 0 }, { scale: 1, opacity: 1 }], { duration: 220, delay: 60, fill: "backwards", easing: "cubic-bezier(.2,.7,.2,1)" });
    const parts = [
      make("p", "cw-number num", `claim ${claim.number}`), make("p", "cw-quote small", `\u201c${claim.words}\u201d`), result,
      make("p", "cw-meaning", `${capital(verdicts[claim.verdict])}.`),
    ];
    const following = nextOpen();
    if (following) {
      const next = make("button", "cw-next", "The next claim \u2192");
      next.addEventListener("click", () => {
        keep({ claim: following.number });
        toPanel();
      });
      parts.push(next);
    }
    const back = column("cw-card cw-left turned", parts);
    back.dataset.group = groupOf(claim.verdict);
    const why = make("details", "cw-why"); // on a phone the reasons are folded, so that the shelves stay in sight
    why.open = !small.matches;
    why.append(make("summary", "", "Why?"), reasonsFor(claim));
    return [back, why];
  }

  copy.addEventListener("click", () => copyResult(claims, guesses(), copied, true));

  let before = null;
  function update() {
    const { made, same } = score(guesses(), claims, true);
    loud.textContent = String(same);
    loudWords.textContent = made ? `of ${made} as the course read ${made === 1 ? "it" : "them"}` : `of ${claims.length} claims judged`;
    take.textContent = summary;
    leftOut.hidden = !missing.some((number) => number < shown().number);
    actions.classList.toggle("idle", !made);
    copy.disabled = !made;
    copied.textContent = "";
    chips.forEach((chip, index) => {
      const on = (model.get("lesson") || "") === ["", ...numbers][index];
      chip.setAttribute("aria-checked", on);
      chip.tabIndex = on ? 0 : -1;
    });
    for (const stub of stubs) stub.hidden = Boolean(model.get("lesson"));
    claims.forEach((claim, index) => {
      const tile = tiles[index];
      const group = guesses()[claim.number];
      tile.hidden = !inLesson(claim);
      tile.tabIndex = claim === shown() ? 0 : -1;
      tile.setAttribute("aria-current", String(claim === shown()));
      if (before && before[claim.number] === group) return;
      turn(tile, claim, group, before !== null);
      tile.setAttribute("aria-label", group
        ? `Claim ${claim.number}: ${claim.verdict}; you said: ${group}`
        : `Claim ${claim.number}: \u201c${claim.words}\u201d`);
    });
    const fresh = before && claims.find(({ number }) => guesses()[number] && !before[number])?.number;
    before = guesses();
    drawPanel();
    stack(fresh);
  }

  const keys = ["claim", "guesses", "lesson"];
  for (const key of keys) model.on(`change:${key}`, update);
  model.on("change:said", listen);
  update();
  return () => {
    model.off("change:said", listen);
    hush();
    for (const key of keys) model.off(`change:${key}`, update);
  };
}

export default { render };
