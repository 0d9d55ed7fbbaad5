// The claims of the magazine article that the course examines. A card shows one claim. The visitor drags the card onto a
// shelf, the card turns and shows the course's verdict, and the claim then lies on the shelf of that verdict. The heaps on
// the four shelves show how many of the article's claims hold. Below, folded on the website, is a wall with a tile for each
// claim.
// The view's `data` is {verdicts, claims}.
// The visitor chooses `claim` (the number of the claim on the card), `lesson` (two digits, or "" for all) and `guesses`
// (from a claim's number to a group of verdicts); on the website also `all` (whether the shelves also show the claims that
// the visitor has not judged).
// In a notebook, `data` also has `confidences`. There, a guess is a verdict with a confidence, and can't be changed.
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
const INVITATION = "Drag the claim onto a shelf, or press one.";
const TURN = 280; // ms in which a card or tile turns
const SMALL = 0.3; // the scale at which a card is drawn while it is dragged
const SHORT = 34; // the most letters of a claim on its tile
const WORDED = 2; // on each shelf, this many of the claims judged last show words; the others show only their numbers

/** @param {string} verdict */
export const groupOf = (verdict) => Object.keys(GROUPS).find((name) => GROUPS[name].verdicts.includes(verdict));

/** The first words of a text, and an ellipsis if there are more. */
export function beginning(text, most = SHORT) {
  if (text.length <= most) return text;
  return `${text.slice(0, text.lastIndexOf(" ", most)).replace(/[,;:]$/, "")}\u2026`;
}

/**
 * Compare guesses with the course's verdicts. Returns the number of guesses (`made`), the number that agree (`same`), and
 * two numbers of guesses that don't agree. `trusted` counts the guesses "holds" where the verdict is in the group "part" or
 * "fails". `doubted` counts the guesses "part" or "fails" where the verdict is in the group "holds".
 * @param {Object<string, string>} guesses groups, or verdicts if `exact`
 * @param {{ number: number, verdict: string }[]} claims
 * @param {boolean} [exact]
 */
export function score(guesses, claims, exact = false) {
  const made = claims.filter(({ number }) => guesses[number]);
  const group = ({ number }) => (exact ? groupOf(guesses[number]) : guesses[number]);
  const are = (guess, key) => made.filter((claim) => group(claim) === guess && groupOf(claim.verdict) === key).length;
  return {
    made: made.length,
    same: made.filter((claim) => (exact ? guesses[claim.number] === claim.verdict : group(claim) === groupOf(claim.verdict))).length,
    trusted: are("holds", "part") + are("holds", "fails"),
    doubted: are("part", "holds") + are("fails", "holds"),
  };
}

export function render({ model, el }) {
  const { verdicts, claims, confidences } = model.get("data");
  const exact = Boolean(confidences);
  let summary = model.get("data").summary ?? "";
  const agrees = (claim, guess) => guess === (exact ? claim.verdict : groupOf(claim.verdict));
  const wordsOf = (guess) => (exact ? guess : GROUPS[guess].title.toLowerCase());
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
  const again = make("button", "", "Start again");
  const rest = make("button", "cw-rest");
  const copied = make("span", "cw-copied");
  copied.setAttribute("role", "status");
  again.hidden = exact;
  if (!exact) actions.append(rest);
  actions.append(copy, again, copied);
  const top = make("div", "cw-top");
  top.append(head, take);
  el.classList.toggle("exact", exact);
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
  const side = make("div", "cw-side");
  const bar = make("div", "cw-bar");
  bar.append(leftOut, actions);
  const small = matchMedia("(max-width: 30rem)");
  const fold = make("details", "cw-fold");
  fold.open = exact && !small.matches;
  fold.append(make("summary", "", `All ${claims.length} claims`), filter, wall);
  side.append(fold);
  const { live, speak, hush } = announcer(300);
  const all = make("div", "cw-all");
  all.append(top, panel, shelves, bar, side);
  el.append(all, live);

  /** The guesses that name a known verdict or group. The address of an older version may have guesses with other names. */
  const guesses = () => Object.fromEntries(Object.entries(model.get("guesses") ?? {}).filter(([, made]) => (exact ? verdicts[made] : GROUPS[made])));
  /** Whether the shelves also show the claims that the visitor has not judged. */
  const revealed = () => !exact && model.get("all") === true;
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
      if (!button.disabled && !event.target.closest(".cw-chip")) put(name);
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
  /** Choose a shelf for the claim on the card. In a notebook, show the shelf's verdicts instead. */
  function put(name) {
    if (exact) return openShelf(name);
    guess(shown(), name);
  }
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
      const mine = (event) => (event.pointerType === "touch") === (handle === grip);
      handle.addEventListener("pointerdown", (event) => (start = mine(event) && event.button === 0 ? event : null), true);
      onDrag(el, handle, (event) => {
        last = event;
        const [x, y] = [event.clientX - start.clientX, event.clientY - start.clientY];
        // Draw the card small, around the point at which it is held, so that the shelves stay visible.
        const box = panel.getBoundingClientRect();
        front.style.transformOrigin = `${start.clientX - box.left - front.offsetLeft}px ${start.clientY - box.top - front.offsetTop}px`;
        front.style.transform = `translate(${x}px, ${y}px) scale(${SMALL})`;
        const aim = over(event);
        for (const [name, { place }] of Object.entries(shelf)) place.classList.toggle("aimed", name === aim);
      }, { ready: () => Boolean(start), begin: () => (last = null) });
      handle.addEventListener("lostpointercapture", () => {
        for (const { place } of Object.values(shelf)) place.classList.remove("aimed");
        const name = last && over(last);
        const done = start;
        start = null;
        if (!done) return;
        front.style.transformOrigin = "";
        front.style.transform = name && !exact ? toward(shelf[name].place, 1, SMALL) : "";
        if (name) put(name);
      });
    }
  }
  let stacked = ""; // the state, as JSON, for which the shelves were last laid out
  let recent = []; // the numbers of the judged claims, in the order in which they were judged
  /** Lay out the shelves. The claim with the number `fresh` moves to its shelf from the shelf that the visitor chose. */
  function stack(fresh) {
    const made = guesses();
    const state = JSON.stringify([shown().number, made, revealed()]);
    if (state === stacked) return; // a second update with the same state must not stop a motion
    stacked = state;
    const group = (guess) => (exact ? groupOf(guess) : guess);
    const now = claims.filter(({ number }) => made[number]).map(({ number }) => number);
    recent = [...recent.filter((number) => made[number]), ...now.filter((number) => !recent.includes(number))];
    const others = revealed() ? claims.filter(({ number }) => !made[number]) : [];
    for (const [name, { place, button, stack: lies, number: total }] of Object.entries(shelf)) {
      const lying = recent.map((number) => claims.find((claim) => claim.number === number)).filter(({ verdict }) => groupOf(verdict) === name);
      const given = others.filter(({ verdict }) => groupOf(verdict) === name).map((claim) => {
        const chip = make("i", "cw-chip given num", String(claim.number));
        chip.title = `\u201c${claim.words}\u201d`;
        chip.addEventListener("click", () => keep({ claim: claim.number }));
        return chip;
      });
      const chips = lying.map((claim, index) => {
        const chip = make("i", "cw-chip num", String(claim.number));
        chip.dataset.group = name;
        const worded = index >= lying.length - WORDED;
        if (worded) {
          chip.classList.add("worded");
          chip.append(make("span", "", `\u201c${beginning(claim.words)}\u201d`));
        }
        if (!agrees(claim, made[claim.number])) {
          chip.classList.add("differs");
          const chosen = group(made[claim.number]);
          if (worded) chip.append(make("b", `cw-said ${chosen}`, GROUPS[chosen].sign));
          chip.title = `you said: ${wordsOf(made[claim.number])}`;
        }
        chip.addEventListener("click", () => keep({ claim: claim.number }));
        return [claim, chip];
      });
      lies.replaceChildren(...chips.map(([, chip]) => chip), ...given);
      total.textContent = lying.length + given.length || "";
      button.disabled = Boolean(made[shown().number]);
      if (button.disabled) button.removeAttribute("aria-expanded");
      place.classList.toggle("has", lies.children.length > 0);
      const [, landing] = chips.find(([{ number }]) => number === fresh) ?? [];
      if (!landing || still.matches) continue;
      const [from, to] = [shelf[group(made[fresh])].place, landing].map((each) => each.getBoundingClientRect());
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
    const yours = agrees(claim, guess) ? "as you said" : `you: ${wordsOf(guess)}`;
    back.append(
      make("span", "cw-number num", String(claim.number)),
      make("span", "cw-sign", SIGNS[claim.verdict] ?? "~"), make("b", "", claim.verdict), make("span", "cw-yours", yours),
    );
    if (!move) return;
    void tile.offsetWidth; // this makes the turn start from the front of the tile
    tile.classList.add("turned");
    if (still.matches) back.animate([{ opacity: 0 }, { opacity: 1 }], { duration: TURN });
  }

  function points(title, list, className) {
    const block = make("div", `cw-points ${className}`);
    block.append(make("h3", "", title));
    if (!list.length) block.append(make("p", "cw-none", "Nothing that we found."));
    for (const point of list) {
      block.append(make("p", "", point.text));
      const sources = [point.basis, ...point.sources].filter(Boolean).join("; ");
      if (sources) block.append(make("p", "cw-source", sources));
    }
    return block;
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
    speak(`You said: ${wordsOf(made)}. The course: ${claim.verdict}${agrees(claim, made) ? ", as you said" : ""}. ${take.textContent}`);
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
      const { place } = shelf[exact ? groupOf(group) : group];
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
    if (!exact) return [front];
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
    const result = make("p", `cw-result ${groupOf(claim.verdict)}${same ? "" : " differs"}`);
    result.append(make("b", "loud", claim.verdict), make("span", "", same ? "as you said" : `you said: ${wordsOf(group)}`));
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
    const reasons = make("div", "cw-reasons");
    reasons.setAttribute("role", "region");
    reasons.setAttribute("aria-label", "The reasons");
    // If all reasons speak for a claim, or all speak against it, show why there are none on the other side.
    if (claim.speaks_for.length || !claim.one_sided) reasons.append(points("What speaks for it", claim.speaks_for, "for"));
    if (claim.speaks_against.length || !claim.one_sided) reasons.append(points("What speaks against it", claim.speaks_against, "against"));
    if (claim.one_sided) reasons.append(make("p", "cw-none", `One side only: ${claim.one_sided}`));
    const foot = make("p", "cw-foot", claim.lessons.length ? "Settled in " : "");
    for (const { title, address } of claim.lessons) {
      const link = foot.appendChild(make(address ? "a" : "span", "", title));
      if (address) link.href = address;
    }
    reasons.append(foot);
    const back = column("cw-card cw-left turned", parts);
    back.dataset.group = groupOf(claim.verdict);
    const why = make("details", "cw-why"); // on a phone the reasons are folded, so that the shelves stay in sight
    why.open = !small.matches;
    why.append(make("summary", "", "Why?"), reasons);
    return [back, why];
  }

  copy.addEventListener("click", async () => {
    const { made, same } = score(guesses(), claims, exact);
    const marks = claims.filter(({ number }) => guesses()[number])
      .map((claim) => (agrees(claim, guesses()[claim.number]) ? "\u25a0" : "\u25a1")).join("");
    const page = location.pathname.endsWith("claims.html") ? ` ${location.origin}${location.pathname}` : "";
    const text = `${same} of ${made} claims as the course read them ${marks}${page}`;
    try {
      await navigator.clipboard.writeText(text);
      copied.textContent = "Copied.";
    } catch {
      copied.textContent = text; // there is no clipboard here, so show the text, which the visitor can select and copy
    }
  });
  again.addEventListener("click", () => {
    keep({ guesses: {}, ...(revealed() ? { all: false } : {}) });
  });
  // A press on `rest` lets the claims that the visitor has not judged fall onto their shelves, one after another. The next
  // press takes these claims away.
  rest.addEventListener("click", () => {
    keep({ all: !revealed() });
    if (!revealed()) return;
    speak(`${loud.textContent} ${loudWords.textContent}`);
    if (still.matches) return;
    shelves.querySelectorAll(".given").forEach((chip, index) => {
      chip.animate([{ translate: "0 -9rem", opacity: 0 }, { translate: "0", opacity: 1 }], { duration: 300, delay: 25 * index, fill: "backwards", easing: "cubic-bezier(.5,0,.9,.6)" });
    });
  });

  /** A sentence that compares the visitor's guesses with the course's verdicts. The argument is the result of `score`. */
  function sentence({ made, same, trusted, doubted }) {
    if (!made) return INVITATION;
    if (made === 1) return same ? "You agree with the course." : trusted ? "You believed it too readily." : doubted ? "You doubted it too readily." : "The course has it on another shelf.";
    if (same === made) return `You agree with the course on all ${made}.`;
    const leaning = trusted > doubted ? ` and believed ${trusted} too readily` : doubted > trusted ? ` and doubted ${doubted} too readily` : "";
    return `You agree with the course on ${same || "none"}${leaning}.`;
  }

  let before = null;
  function update() {
    const result = score(guesses(), claims, exact);
    const { made, same } = result;
    const holding = claims.filter(({ number, verdict }) => (revealed() || guesses()[number]) && groupOf(verdict) === "holds").length;
    loud.textContent = exact ? String(made ? same : 0) : `${holding} of ${revealed() ? claims.length : made}`;
    if (exact) loudWords.textContent = made ? `of ${made} as the course read ${made === 1 ? "it" : "them"}` : `of ${claims.length} claims judged`;
    else loudWords.textContent = made === 1 && !revealed() ? "claim holds" : holding === 1 ? "claims holds" : "claims hold";
    // For each claim that is not judged yet, the invitation stands in place of the headline.
    const asks = !exact && !revealed() && !guesses()[shown().number];
    el.classList.toggle("fresh", asks);
    el.classList.toggle("first", asks && !made);
    take.textContent = asks ? INVITATION : exact && made ? summary : sentence(result);
    leftOut.hidden = !(revealed() ? missing.length : missing.some((number) => number < shown().number));
    actions.classList.toggle("idle", !result.made);
    rest.textContent = revealed() ? "Only mine" : `Show the other ${claims.length - made}`;
    rest.hidden = made === claims.length;
    copy.disabled = again.disabled = !result.made;
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
        ? `Claim ${claim.number}: ${claim.verdict}; you said: ${wordsOf(group)}`
        : `Claim ${claim.number}: \u201c${claim.words}\u201d`);
    });
    const fresh = before && claims.find(({ number }) => guesses()[number] && !before[number])?.number;
    before = guesses();
    drawPanel();
    stack(fresh);
  }

  const keys = ["claim", "guesses", "lesson", "all"];
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
