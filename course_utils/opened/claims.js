// The wall of the article's claims: a tile each, which turns once the visitor has said what they think of it.
// Model: data {verdicts, claims}, and what the visitor chose: claim (the number of the one that is shown, or 0) and
// guesses (from a claim's number to a verdict).
import { adopt, announcer, headline, keeper, make } from "./view.js";

/**
 * How many guesses are the key's verdict.
 * @param {Object<string, string>} guesses
 * @param {{ number: number, verdict: string }[]} claims
 */
export function score(guesses, claims) {
  const made = claims.filter(({ number }) => guesses[number]);
  return { made: made.length, same: made.filter(({ number, verdict }) => guesses[number] === verdict).length };
}

export function render({ model, el }) {
  const { verdicts, claims } = model.get("data");
  const still = matchMedia("(prefers-reduced-motion: reduce)");

  adopt(el, "cw");
  const { head, loud, loudWords } = headline("cw");
  const wall = make("div", "cw-wall");
  wall.setAttribute("role", "group");
  wall.setAttribute("aria-label", `${claims.length} claims of the article`);
  const panel = make("section", "cw-panel");
  panel.setAttribute("aria-label", "The claim");
  panel.tabIndex = -1;
  const { live, speak, hush } = announcer(300);
  el.append(head, panel, wall, live);

  const guesses = () => model.get("guesses") ?? {};
  const shown = () => claims.find(({ number }) => number === model.get("claim"));
  const keep = keeper(model, update);

  const tiles = claims.map((claim) => {
    const tile = make("button", "cw-tile");
    const inner = make("span", "cw-inner");
    const front = make("span", "cw-front");
    front.append(make("span", "cw-number num", String(claim.number)), make("span", "cw-words", `“${claim.words}”`));
    const back = make("span", "cw-back");
    back.append(make("span", "cw-number num", String(claim.number)), make("b", "", claim.verdict), make("span", "cw-said"));
    inner.append(front, back);
    tile.append(inner);
    tile.addEventListener("click", () => {
      keep({ claim: claim.number });
      const box = panel.getBoundingClientRect();
      if (box.top < 0 || box.top > innerHeight / 2) panel.scrollIntoView({ behavior: still.matches ? "auto" : "smooth" });
      panel.focus({ preventScroll: true });
    });
    tile.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      tiles[(tiles.indexOf(tile) + step + tiles.length) % tiles.length].focus();
    });
    wall.append(tile);
    return tile;
  });

  function points(title, list, className, oneSided) {
    const side = make("div", `cw-side ${className}`);
    side.append(make("h3", "", title));
    if (!list.length) side.append(make("p", "cw-none", oneSided || "Nothing that we found."));
    for (const point of list) {
      const text = make("p", "", point.text);
      side.append(text);
      const sources = [point.basis, ...point.sources].filter(Boolean).join("; ");
      if (sources) side.append(make("p", "cw-source", sources));
    }
    return side;
  }

  function nextOpen() {
    const from = claims.findIndex(({ number }) => number === model.get("claim"));
    const order = [...claims.slice(from + 1), ...claims.slice(0, from + 1)];
    return order.find(({ number }) => !guesses()[number]);
  }

  let drawn = "";
  function drawPanel() {
    const claim = shown();
    const guess = claim && guesses()[claim.number];
    const now = `${claim?.number} ${guess}`;
    if (now === drawn) return;
    drawn = now;
    panel.replaceChildren();
    if (!claim) {
      panel.append(make("p", "cw-start", "Choose a tile."));
      return;
    }
    panel.append(make("p", "cw-quote", `“${claim.words}”`));
    const reading = make("p", "cw-reading");
    reading.append(make("b", "", "Our reading: "), claim.reading);
    panel.append(reading);
    if (!guess) {
      panel.append(make("h3", "", "What do you say? The words …"));
      const list = make("div", "cw-verdicts");
      for (const [verdict, meaning] of Object.entries(verdicts)) {
        const button = make("button", "cw-verdict");
        button.append(make("b", "", verdict), make("span", "", meaning));
        button.addEventListener("click", () => {
          keep({ guesses: { ...guesses(), [claim.number]: verdict } });
          panel.focus({ preventScroll: true });
          const result = verdict === claim.verdict ? "as our key says" : `our key says: ${claim.verdict}`;
          speak(`You said ${verdict}; ${result}.`);
        });
        list.append(button);
      }
      panel.append(list);
      return;
    }
    const same = guess === claim.verdict;
    const result = make("p", "cw-result");
    result.append(make("b", `loud${same ? "" : " ember"}`, claim.verdict));
    result.append(make("span", "", same ? ", as you said" : ` in our key; you said: ${guess}`));
    panel.append(result, make("p", "cw-meaning", `The words: ${verdicts[claim.verdict]}.`));
    const sides = make("div", "cw-sides");
    sides.append(
      points("What speaks for it", claim.speaks_for, "for", claim.one_sided),
      points("What speaks against it", claim.speaks_against, "against", claim.one_sided),
    );
    panel.append(sides);
    const foot = make("p", "cw-foot");
    for (const { title, address } of claim.lessons) {
      const link = make("a", "", title);
      link.href = address;
      foot.append(link, " ");
    }
    panel.append(foot);
    const following = nextOpen();
    if (following) {
      const next = make("button", "cw-next", "The next claim");
      next.addEventListener("click", () => {
        keep({ claim: following.number });
        panel.focus({ preventScroll: true });
      });
      panel.append(next);
    }
    if (!still.matches) {
      panel.animate([{ opacity: 0, transform: "translateY(6px)" }, { opacity: 1, transform: "none" }], { duration: 280, easing: "cubic-bezier(.2,.7,.2,1)" });
    }
  }

  function update() {
    const { made, same } = score(guesses(), claims);
    loud.textContent = made ? String(same) : String(claims.length);
    loudWords.textContent = made
      ? ` of your ${made} ${made === 1 ? "verdict is" : "verdicts are"} as our key has it; ${claims.length - made} claims are left`
      : " claims of one article. What do you say of each?";
    claims.forEach((claim, index) => {
      const tile = tiles[index];
      const guess = guesses()[claim.number];
      tile.classList.toggle("turned", Boolean(guess));
      tile.classList.toggle("differs", Boolean(guess) && guess !== claim.verdict);
      tile.setAttribute("aria-current", String(claim.number === model.get("claim")));
      tile.querySelector(".cw-said").textContent = guess === claim.verdict ? "as you said" : `you: ${guess ?? ""}`;
      tile.setAttribute("aria-label", guess
        ? `Claim ${claim.number}: ${claim.verdict}; you said ${guess}`
        : `Claim ${claim.number}: “${claim.words}”`);
    });
    drawPanel();
  }

  for (const key of ["claim", "guesses"]) model.on(`change:${key}`, update);
  update();
  return () => {
    hush();
    for (const key of ["claim", "guesses"]) model.off(`change:${key}`, update);
  };
}

export default { render };
