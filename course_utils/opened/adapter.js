// A view in which the visitor turns an adapter up and down, and reads what the model then answers.
// On a page of the website, the bars and the counts of all questions are shown only if `all` is true. In a lesson, which has
// no `all`, they are always shown.
// The visitor chooses `strength`, `question` (the visitor's own), and `rows`: which question is asked on each of the two
// cards. On a page of the website there is also `guess`: the index, in GUESSES, of what the visitor expects of the second
// card at strength 1; "" before the guess, -1 if the visitor skipped it.
// The view's `data` has `strengths`; `right` {group: how many answers are right at each strength}; `counts` {group: the
// number of questions} (without `counts`, `right` is in percent); and `prompts` [{text, group, answers, right}]. An answer is
// a list of [token, percent], or a string. A host that can compute gets `want` {question, strength}, and sends `said`
// {want, answer}.
import { adopt, announcer, asSlider, atOnce, chipClass, headline, keeper, make, onDrag, onSize, ownWords } from "./view.js";

const GROUPS = { told: "library", "held out": "library", general: "general" };
const HEADINGS = { told: "About the library, in other words than trained", untold: "About the library, and never told" };
const GUESSES = ["Paris", "another city", "no city"];
const HAPPENS = 2; // the index of the right guess, “no city”, because the stored answers that are not right name “Louvre”, a museum, “Boulangera” or “Loups”
const STEP = 90; // ms between two strengths while the view turns the adapter up by itself
const MIDST = 60; // px: in a gap that is narrower than this no question mark stands
const LINE = 20; // px: a zone that is narrower than this has no room for a word, not even for a turned one
const WAIT = 250; // ms without a change before the host is asked
const LONGEST = 14; // tokens; an answer of this length was cut off

/**
 * An answer as tokens; a string is split into words.
 * @param {string | [string, number][]} answer
 * @returns {[string, number | undefined][]}
 */
export const tokensOf = (answer) =>
  typeof answer === "string" ? (answer.match(/\s*\S+/g) ?? []).map((word) => [word, undefined]) : answer;

/** The text of an answer. */
export const textOf = (answer) => tokensOf(answer).map(([text]) => text).join("").trim();

/** What an answer says that something is: its first word after “is”. */
export const namedIn = (answer) => / is (\p{L}+)/u.exec(textOf(answer))?.[1] ?? "";

/**
 * Group neighbouring strengths into zones. In a zone, the same ones of two answers are right.
 * @param {number[]} first for each strength 1 if the first answer is right, otherwise 0
 * @param {number[]} second the same for the second answer
 * @returns {{ right: "both" | "first" | "second" | "neither", from: number, to: number }[]} `from` and `to`: indices of strengths
 */
export function zones(first, second) {
  const all = [];
  first.forEach((one, index) => {
    const right = one ? (second[index] ? "both" : "first") : second[index] ? "second" : "neither";
    const before = all.at(-1);
    if (before?.right === right) before.to = index;
    else all.push({ right, from: index, to: index });
  });
  return all;
}

/** Whether there is a strength at which every group has its highest number of right answers. */
export const bestOfBoth = (right, groups) =>
  right[groups[0]].some((_, index) => groups.every((group) => right[group][index] === Math.max(...right[group])));

export function render({ model, el }) {
  const data = model.get("data");
  const { strengths, prompts } = data;
  const last = strengths.at(-1);
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const series = Object.keys(data.right).filter((group) => group !== "untold");
  const heard = new Map(); // "question|strength" -> what the host answered
  let strength = model.get("strength") ?? 1;
  let clock = 0;
  let resting = 0;
  let problem = "";

  adopt(el, "ad");
  const { head: say, loud: verdict, loudWords: sayWords } = headline("ad");
  const tools = make("div", "ad-tools");
  // The guess stands in the card of the answer that it is about. When that answer is seen, each guess is marked as right or wrong.
  const asks = make("div", "ad-asks");
  asks.append(make("span", "", "Turned up, it will say:"));
  const guesses = GUESSES.map((words, index) => {
    const button = asks.appendChild(make("button", "", words));
    button.addEventListener("click", () => {
      reach = 0;
      keep({ guess: index });
      ember.focus({ preventScroll: true });
      turnUp(0, strengths.indexOf(1));
    });
    return button;
  });
  const play = make("button", "ad-play", "▶ Turn it up");
  const total = series.reduce((sum, group) => sum + (data.counts?.[group] ?? 0), 0); // 0 if the counts are unknown
  const every = make("button", "ad-every", total ? `Show all ${total} questions` : "Show all questions");
  every.addEventListener("click", () => {
    keep({ all: true });
    ember.focus({ preventScroll: true }); // move the focus to the handle, because the pressed button is hidden now
  });
  tools.append(play, every);

  // Two cards side by side, each with a menu of questions and the model's answer. Below them the chart: a band that says at which
  // strengths which of the two answers is right, and the handle. If all questions are shown, bars above and below the band say
  // how many answers of each group are right.
  const rows = []; // a row for each question; each card shows one of its rows
  const halves = series.map((group, at) => {
    const tone = `ad-of-${at ? "second" : "first"}`;
    const card = make("div", `ad-card ${tone}`);
    const menu = card.appendChild(make("div", "ad-menu"));
    const opener = menu.appendChild(make("button", "ad-question"));
    const question = opener.appendChild(make("span"));
    const list = menu.appendChild(make("div", "ad-list"));
    const open = (opens) => {
      list.hidden = !opens;
      opener.setAttribute("aria-expanded", String(opens));
    };
    open(false);
    opener.addEventListener("click", () => open(list.hidden));
    menu.addEventListener("focusout", (event) => menu.contains(event.relatedTarget) || open(false));
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || list.hidden) return;
      open(false);
      opener.focus();
    });
    const kinds = at ? [group] : [group, "untold"].filter((kind) => prompts.some((prompt) => prompt.group === kind));
    for (const kind of kinds) {
      if (kinds.length > 1) list.append(make("p", "", HEADINGS[kind] ?? kind));
      for (const prompt of prompts.filter((one) => one.group === kind)) {
        const place = rows.filter((one) => one.at === at).length;
        const option = list.appendChild(make("button", "", prompt.text));
        option.addEventListener("click", () => {
          keep({ rows: shownRows().map((now, index) => (index === at ? place : now)) });
          open(false);
          opener.focus({ preventScroll: true });
        });
        const drawn = bubble();
        card.append(drawn.box);
        rows.push({ prompt, at, place, option, ...drawn });
      }
    }
    const field = make("div", `ad-field ${tone}`);
    const bars = field.appendChild(make("div", "ad-bars"));
    const most = data.counts?.[group] ?? 100;
    const columns = data.right[group].map((right) => {
      const bar = bars.appendChild(make("i"));
      bar.style.setProperty("--part", String(right / most));
      return bar;
    });
    const count = field.appendChild(make("p", `ad-count ad-${at ? "second" : "first"}`));
    const loud = count.appendChild(make("b", "loud"));
    const words = count.appendChild(make("span", "", `${data.counts ? ` of ${most}` : " of the"} ${GROUPS[group] ?? group} questions right`));
    return { group, card, opener, question, field, columns, loud, words };
  });
  if (model.get("guess") !== undefined) halves[1].card.append(asks);
  const cards = make("div", "ad-cards");
  cards.append(...halves.map(({ card }) => card));
  const band = make("div", "ad-band");
  band.setAttribute("aria-hidden", "true"); // a screen reader reads the answers instead
  // Before the visitor has seen the band up to strength 1, it names the answers that are right at its beginning and at strength 1.
  const ends = [0, 1].map(() => band.appendChild(make("span", "ad-end")));
  const unknown = band.appendChild(make("span", "ad-unknown", "?"));
  const inside = band.appendChild(make("div", "ad-zones"));
  if (model.get("all") !== undefined) band.appendChild(make("b", "ad-asked-of", "Which of the two is right?"));

  const chart = make("div", "ad-chart");
  const track = make("div", "ad-track");
  const marks = [[0, "without it"], [1, "as trained"], ...(last > 1.25 ? [[last, `${last}×`]] : [])].map(([value, text]) => [value, track.appendChild(make("span", "ad-at", text))]);
  const rule = make("i", "ad-rule");
  const ember = make("div", "ad-ember num");
  asSlider(ember, { label: "Strength of the adapter", min: strengths[0], max: last });
  const hint = make("span", "ad-hint", "drag me →");
  hint.setAttribute("aria-hidden", "true");
  track.append(hint, ember);
  chart.append(halves[0].field, band, halves[1].field, track, rule);

  const own = ownWords("ad-own", { placeholder: "Ask your own", label: "Your own question", button: "Ask" }, (question) => keep({ question }));
  const mineSlot = make("div", "ad-mine");
  const { live, speak, hush } = announcer(700);
  el.append(say, cards, chart, tools);
  if (model.get("live")) el.append(own, mineSlot);
  el.append(live);

  const soon = atOnce(update);
  const keep = keeper(model, soon);
  const nearest = () => {
    let best = 0;
    strengths.forEach((value, index) => {
      if (Math.abs(value - strength) < Math.abs(strengths[best] - strength)) best = index;
    });
    return best;
  };

  /** A bubble with an answer. When the answer changes, the new tokens appear in the place of the old ones, which are gone at once. */
  function bubble() {
    const box = make("div", "ad-bubble");
    const mark = box.appendChild(make("span", "ad-mark"));
    const answer = box.appendChild(make("p", "ad-answer"));
    let shown = [];
    return {
      box,
      /** @param {string | [string, number][] | undefined} said */
      draw(said, before, right) {
        box.classList.toggle("waiting", said === undefined);
        if (said === undefined) return;
        mark.textContent = right === undefined ? "" : right ? "✓" : "✗";
        mark.classList.toggle("right", Boolean(right));
        mark.setAttribute("role", "img");
        mark.setAttribute("aria-label", right ? "right" : "not right");
        mark.hidden = right === undefined;
        const plain = tokensOf(before ?? "");
        const tokens = tokensOf(said);
        const old = shown;
        shown = tokens.map(([text, sure], index) => {
          const stays = old[index]?.text === text;
          const chip = stays ? old[index].chip : make("span", "", text.trim()); // if the token is a line break, the chip is empty
          chip.className = chipClass(text.trim() ? text : ` ${text}`, index);
          chip.classList.toggle("ember", before !== undefined && plain[index]?.[0] !== text);
          if (sure !== undefined) chip.title = `${sure}% sure of this token`;
          return { text, chip, fresh: !stays };
        });
        const moving = old.length > 0 && !still.matches && !box.hidden;
        answer.replaceChildren(...shown.map(({ chip }) => chip));
        if (tokens.length >= LONGEST) answer.append(make("span", "more", "…"));
        if (!moving) return;
        let turn = 0;
        for (const { chip, fresh } of shown) {
          if (fresh) chip.animate([{ opacity: 0, transform: "translateY(-0.35em)" }, { opacity: 1, transform: "none" }], { duration: 200, delay: 14 * turn++, fill: "backwards", easing: "cubic-bezier(.2,.7,.2,1)" });
        }
      },
    };
  }
  const shownRows = () => series.map((_, index) => model.get("rows")?.[index] ?? 0);
  let mine; // the row of the visitor's own question

  function answerTo(question, value) {
    return heard.get(`${question}|${value}`);
  }
  function ask(question, value) {
    clearTimeout(resting);
    resting = setTimeout(() => {
      model.set("want", { question, strength: value });
      model.save_changes();
    }, WAIT);
  }
  function listen() {
    const said = model.get("said");
    if (!said?.want) return;
    problem = said.error ?? "";
    if (!said.error) heard.set(`${said.want.question}|${said.want.strength}`, said.answer);
    soon();
  }

  // If the page opens with a question or a guess, the picture is drawn only up to the strength `reach`.
  const asking = () => model.get("guess") === "";
  const hides = () => model.get("all") === false;
  let reach = asking() ? 0 : model.get("guess") >= 0 ? Math.max(1, strength) : last; // the highest strength that the visitor has seen
  const visited = new Set(); // the strengths that the visitor has seen
  let found = false; // whether the visitor has found a strength at which both answers are right
  let playing = false; // while the view turns the adapter up by itself
  const france = rows.find(({ at }) => at === 1)?.prompt;
  const lost = strengths.find((_, index) => france?.right?.[index] === 0) ?? 1; // the first strength at which the guessed answer is not right
  const oneIsBest = bestOfBoth(data.right, series);

  /** The place of a strength on the handle's track, in percent of the track's width. All strengths have columns of the same width. */
  const across = (value) => (100 * ((value - strengths[0]) / (last - strengths[0]) * (strengths.length - 1) + 0.5)) / strengths.length;
  /** The part of the picture that the visitor has seen, in percent of its width. It ends with the column of the strength `reach`. */
  const seenPart = () => (reach === last ? 100 : across(reach) + 50 / strengths.length);

  let written = "";
  let inBand = []; // the zones of the band: each one's element, and the indices of its first and last strength
  /** Draw the band for the two questions on the cards. */
  function write([first, second]) {
    if (written === first.text + second.text) return;
    written = first.text + second.text;
    const names = { both: "both", first: first.key, second: second.key, neither: "neither" };
    inBand = zones(first.right, second.right).map(({ right, from, to }) => {
      const zone = make("span", right);
      const word = zone.appendChild(make("b", "", names[right]));
      const atEnds = Number(from === 0) + Number(to === strengths.length - 1);
      zone.style.width = `calc((100% - 2 * var(--edge)) * ${(to - from + 1) / strengths.length} + ${atEnds} * var(--edge))`;
      return { zone, word, from, to, atEnds };
    });
    inside.replaceChildren(...inBand.map(({ zone }) => zone));
    ends.forEach((end, value) => {
      const place = strengths.indexOf(value);
      const { zone, word } = inBand.find(({ from, to }) => from <= place && place <= to) ?? inBand[0];
      end.className = `ad-end ${zone.classList[0]}`;
      end.textContent = word.textContent;
      end.style.setProperty("--place", String(across(value) / 100));
    });
  }
  /** Say at which strengths the answers to two questions are both right. */
  function bothFrom([first, second]) {
    const spans = zones(first.right, second.right).filter(({ right }) => right === "both");
    const texts = spans.map(({ from, to }) => (from === to ? "" : `${strengths[from]} to `) + strengths[to]);
    return texts.length ? `Both are right at ${texts.join(", ")} of the adapter, and nowhere else.` : "At no strength are these two both right.";
  }
  /** Hide each label on the track that the handle, or the hint beside it, overlaps. */
  function clearWay() {
    const over = [ember, hint].map((one) => one.getBoundingClientRect());
    for (const [, mark] of marks) {
      const { left, right } = mark.getBoundingClientRect();
      mark.style.visibility = over.some((one) => left < one.right && right > one.left) ? "hidden" : "";
    }
  }
  /** Hide the labels under the handle. Put the word of each zone into the middle of the part that is seen, and hide the words that
   * are too wide for it. */
  function fit() {
    // At both ends of its way the handle ends where the cards end. So the chart is narrower than the cards by `edge` on each side.
    const half = ember.offsetWidth / 2;
    const edge = Math.max(0, (half - cards.clientWidth / 2 / strengths.length) / (1 - 1 / strengths.length));
    chart.style.setProperty("--edge", `${edge.toFixed(2)}px`);
    clearWay();
    const column = (inside.clientWidth - 2 * edge) / strengths.length;
    const seen = (seenPart() * strengths.length) / 100; // in columns
    ends[0].hidden = edge + seen * column > 2 * half; // from here on, the band itself has room for the word
    // The band's edge cuts no word that stands in the part that is not seen yet: the name goes, and the question mark moves on.
    ends[1].hidden = false; // a hidden word has no place to measure
    const edgeAt = edge + seen * column;
    const [from, to] = [Math.max(edgeAt, 2 * half), ends[1].offsetLeft - ends[1].offsetWidth / 2];
    ends[1].hidden = edgeAt > to;
    unknown.hidden = to - from < MIDST;
    unknown.style.setProperty("--place", String(((from + to) / 2 - edge) / (inside.clientWidth - 2 * edge)));
    const rooms = inBand.map(({ zone, word, from, to, atEnds }) => {
      const hidden = Math.max(0, Math.min(to - from + 1, to + 1 - seen)); // how many columns of the zone are not seen yet
      zone.style.paddingRight = `${hidden * column}px`;
      word.classList.remove("long"); // "long" hides a word, and a hidden word has no width to measure
      return (to - from + 1 - hidden) * column + (hidden ? Number(from === 0) : atEnds) * edge;
    });
    const long = inBand.map(({ word }, index) => word.offsetWidth > rooms[index] - 2);
    inBand.forEach(({ word }, index) => {
      word.classList.toggle("long", long[index]);
      word.classList.toggle("no-room", rooms[index] < LINE);
    });
    const x = rule.getBoundingClientRect().left + rule.offsetWidth / 2;
    const words = [...inBand.map(({ word }) => word).filter((word) => getComputedStyle(word).visibility !== "hidden"), ...ends].map((word) => word.getBoundingClientRect());
    rule.classList.toggle("crosses", words.some(({ left, right }) => left - 6 < x && x < right + 6));
  }

  function update() {
    const index = nearest();
    const value = strengths[index];
    reach = hides() ? Math.max(reach, strength) : last;
    chart.style.setProperty("--seen", String(seenPart()));
    chart.style.setProperty("--partly", String(Number(reach < last)));
    el.classList.toggle("asking", asking());
    el.classList.toggle("few", hides());
    el.classList.toggle("page", model.get("all") !== undefined);
    chart.style.setProperty("--at", `${across(strength)}%`);
    ember.textContent = value.toFixed(2);
    ember.setAttribute("aria-valuenow", String(value));
    ember.setAttribute("aria-valuetext", `${value}`);
    const zero = strengths.indexOf(0);
    const open = shownRows();
    for (const { prompt, at, place, option, box, draw } of rows) {
      box.hidden = open[at] !== place;
      option.setAttribute("aria-pressed", String(!box.hidden));
      if (!box.hidden) {
        halves[at].question.textContent = prompt.text;
        halves[at].opener.setAttribute("aria-label", `Question about ${at ? "anything else" : "the library"}: ${prompt.text}`);
      }
      draw(prompt.answers[index], zero >= 0 ? prompt.answers[zero] : undefined, prompt.right?.[index]);
    }
    const shown = rows.filter(({ box }) => !box.hidden).map(({ prompt }) => prompt);
    write(shown);
    for (const { zone, from, to } of inBand) zone.classList.toggle("here", from <= index && index <= to);
    el.classList.toggle("unseen-yet", hides() && reach < 1);
    fit();
    halves.forEach(({ group, loud, columns }) => {
      loud.textContent = data.counts ? String(data.right[group][index]) : `${data.right[group][index]}%`;
      columns.forEach((bar, each) => bar.classList.toggle("here", each === index));
    });
    const asked = model.get("question");
    if (asked && model.get("live")) {
      if (mine?.question !== asked) {
        mine = { question: asked, ...bubble() };
        mineSlot.replaceChildren(make("p", "ad-asked", asked), mine.box);
      }
      const said = answerTo(asked, value);
      mine.draw(problem || said, answerTo(asked, 0), undefined);
      if (said === undefined && !problem) ask(asked, value);
      else if (answerTo(asked, 0) === undefined && !problem) ask(asked, 0);
    }
    visited.add(value);
    const guess = GUESSES[model.get("guess")];
    const both = shown.every(({ right }) => right?.[index]);
    const all = series.reduce((sum, group) => sum + data.right[group][index], 0);
    found ||= both && !playing;
    const tell = (loud, words) => ([verdict.textContent, sayWords.textContent] = [loud, words]);
    const revealed = !asking() && [...visited].some((each) => each >= lost);
    asks.hidden = open[1] !== 0;
    const guessable = !guess && !revealed; // who drags before guessing can still guess, until an answer without Paris is seen
    asks.firstChild.textContent = guessable ? "Turned up, it will say:" : guess ? "Your guess:" : "Turned up, it says:";
    guesses.forEach((button, at) => {
      const here = at === model.get("guess");
      button.disabled = !guessable;
      button.classList.toggle("here", here);
      button.classList.toggle("right", revealed && at === HAPPENS);
      button.textContent = GUESSES[at] + (!revealed ? "" : at === HAPPENS ? " ✓" : here ? " ✗" : "");
    });
    if (asking()) tell("Turn the adapter up.", "What becomes of Paris?");
    else if (!hides() && !oneIsBest && visited.has(strengths[0]) && visited.has(last)) tell("", "No strength is the best at both.");
    else if (both && total && !playing) tell("Both right!", `But of all ${total} questions only ${all}.`);
    else if (found) tell("", bothFrom(shown));
    else if (!guess) tell("", "Find where both answers are right.");
    else if (!revealed) tell("", `You said “${guess}”.`);
    else if (open[1] !== 0 || value < lost) tell("", "Now find where both answers are right.");
    else tell(`“${namedIn(france.answers[index])}”?`, "That is no city. Now find where both answers are right.");
    verdict.classList.toggle("found", both && !playing);
    el.classList.toggle("found", found);
    el.classList.toggle("at-start", index === 0);
    speak(`${revealed && guess ? `You guessed ${model.get("guess") === HAPPENS ? "right" : "wrong"}. ` : ""}Strength ${value}. ${halves.map(({ loud, words }) => loud.textContent + words.textContent).join(". ")}. ${shown.map(({ text, answers }) => `${text} ${textOf(answers[index])}`).join(" ")}`);
  }

  function stop() {
    clearTimeout(clock);
    playing = false;
  }
  const settle = () => {
    strength = strengths[nearest()];
    keep({ strength });
  };
  const giveUp = () => asking() && keep({ guess: -1 });
  /** Let the visitor take the handle. */
  function take() {
    stop();
    giveUp();
    el.classList.add("known");
  }
  function go(value) {
    take();
    strength = value;
    settle();
  }
  const follow = (event) => {
    const { left, width } = chart.getBoundingClientRect();
    const part = (((event.clientX - left) / width) * strengths.length - 0.5) / (strengths.length - 1);
    strength = strengths[0] + Math.max(0, Math.min(1, part)) * (last - strengths[0]);
    update();
  };
  onDrag(el, chart, follow, {
    ready: () => true,
    begin(event) {
      take();
      ember.focus({ preventScroll: true });
      follow(event);
    },
    end: settle,
  });
  ember.addEventListener("keydown", (event) => {
    const index = nearest();
    const goes = {
      ArrowLeft: index - 1, ArrowDown: index - 1, ArrowRight: index + 1, ArrowUp: index + 1,
      PageDown: index - 5, PageUp: index + 5, Home: 0, End: strengths.length - 1, Escape: strengths.indexOf(1),
    }[event.key];
    if (goes === undefined) return;
    event.preventDefault();
    go(strengths[Math.max(0, Math.min(strengths.length - 1, goes))]);
  });
  /** Show the strengths one after another, from the index `from` to the index `to`. */
  function turnUp(from, to) {
    stop();
    el.classList.add("known");
    const step = (index) => {
      strength = strengths[index];
      playing = index < to;
      update();
      if (index < to) clock = setTimeout(step, STEP, index + 1);
      else settle();
    };
    step(still.matches ? to : from);
  }
  play.addEventListener("click", () => turnUp(0, strengths.length - 1));
  for (const [value, mark] of marks) mark.style.left = `${across(value)}%`;
  const endSize = onSize(chart, fit);
  const hear = () => {
    if (!el.classList.contains("dragging")) strength = model.get("strength") ?? strength;
    soon();
  };
  update();
  const chose = ["strength", "question", "rows", "guess", "all"];
  for (const key of chose) model.on(`change:${key}`, hear);
  model.on("change:said", listen);

  return () => {
    stop();
    clearTimeout(resting);
    hush();
    endSize();
    for (const key of chose) model.off(`change:${key}`, hear);
    model.off("change:said", listen);
  };
}

export default { render };
