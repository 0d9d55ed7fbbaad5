// A mixture of experts at work: each token goes to two of eight experts, in every layer.
// Model: `said` {pieces, routes} from the host (routes[position][layer] = {experts, shares}), and what the visitor
// chose: text, layer, expert (or -1). The view asks with `want` {text}.
import { adopt, announcer, chipClass, headline, keeper, make, ownText } from "./view.js";

const STEP = 260; // ms between two tokens that are sent off

const percent = (share) => `${Math.round(100 * share)}%`;

/**
 * How often each expert was chosen in a layer, and with which tokens.
 * @param {{ experts: number[], shares: number[] }[][]} routes by position, then by layer
 * @param {number} layer
 * @param {number} experts
 * @returns {{ position: number, share: number }[][]} by expert, in the order of the text
 */
export function byExpert(routes, layer, experts) {
  const taken = Array.from({ length: experts }, () => []);
  routes.forEach((layers, position) => {
    layers[layer].experts.forEach((expert, order) => taken[expert].push({ position, share: layers[layer].shares[order] }));
  });
  return taken;
}

export function render({ model, el }) {
  const data = model.get("data");
  const { experts } = data;
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let said = null;
  let clocks = [];
  let sent = 0; // tokens that have been sent off

  adopt(el, "rt");
  const own = ownText({ placeholder: "Send your own sentence", label: "Your own sentence", button: "Send" }, data, ask);
  const sentence = make("div", "rt-sentence");
  sentence.setAttribute("role", "group");
  sentence.setAttribute("aria-label", "The sentence; a token shows where it goes");
  const { head, loud, loudWords } = headline("rt");
  const layers = make("div", "rt-layers");
  layers.setAttribute("role", "radiogroup");
  layers.setAttribute("aria-label", "Layer");
  const boxes = make("div", "rt-boxes");
  boxes.setAttribute("role", "group");
  boxes.setAttribute("aria-label", "The experts of this layer");
  const play = make("button", "rt-play", "▶ Send it again");
  const { live, speak, hush } = announcer();
  const wake = make("div");
  wake.dataset.wake = "for your own sentence";
  el.append(own, sentence, head, layers, boxes, play, wake, live);

  const layer = () => model.get("layer") ?? 0;
  const picked = () => model.get("expert") ?? -1;
  let hovered = -1;
  const word = (position) => said.pieces[position].trim();

  const keepState = keeper(model, update);
  function ask(text) {
    el.classList.toggle("waiting", model.get("live"));
    model.set("text", text);
    model.set("want", { text });
    model.save_changes();
  }

  // The small maps of all layers: a column for each expert, as high as its tokens are many
  const maps = [];
  function buildLayers(count) {
    maps.length = 0;
    layers.replaceChildren(
      ...Array.from({ length: count }, (_, index) => {
        const button = make("button", "rt-map");
        button.setAttribute("role", "radio");
        button.append(make("span", "", `layer ${index}`));
        const bars = make("span", "rt-bars");
        for (let expert = 0; expert < experts; expert++) bars.append(make("i"));
        button.append(bars);
        button.addEventListener("click", () => {
          finish();
          keepState({ layer: index });
        });
        button.addEventListener("keydown", (event) => {
          const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
          if (!step) return;
          event.preventDefault();
          const next = (index + step + count) % count;
          finish();
          keepState({ layer: next });
          layers.children[next].focus();
        });
        maps.push(bars);
        return button;
      }),
    );
  }

  const boxList = Array.from({ length: experts }, (_, expert) => {
    const box = make("button", "rt-box");
    box.append(make("b", "num", String(expert)), make("span", "rt-words"), make("i", "rt-gauge"));
    box.addEventListener("click", () => keepState({ expert: picked() === expert ? -1 : expert }));
    boxes.append(box);
    return box;
  });

  function listen() {
    const answer = model.get("said");
    el.classList.remove("waiting");
    if (!answer) return;
    if (answer.asleep) return;
    if (answer.error) {
      loud.textContent = "";
      loudWords.textContent = answer.error;
      return;
    }
    said = answer;
    if (layers.children.length !== said.routes[0].length) buildLayers(said.routes[0].length);
    start();
  }

  /** Send the tokens off one after another; each flies to its two experts. */
  function start() {
    clocks.forEach(clearTimeout);
    clocks = [];
    sent = still.matches ? said.pieces.length : 0;
    drawSentence();
    update();
    if (still.matches) return;
    for (let position = 0; position < said.pieces.length; position++) {
      clocks.push(
        setTimeout(() => {
          sent = position + 1;
          update();
          fly(position);
        }, 200 + STEP * position),
      );
    }
  }
  function finish() {
    clocks.forEach(clearTimeout);
    if (said) sent = said.pieces.length;
  }
  function fly(position) {
    const chip = sentence.children[position];
    if (!chip || still.matches) return;
    const from = chip.getBoundingClientRect();
    const home = el.getBoundingClientRect();
    for (const expert of said.routes[position][layer()].experts) {
      const to = boxList[expert].getBoundingClientRect();
      const ghost = make("span", "chip rt-ghost", word(position));
      ghost.style.left = `${from.left - home.left}px`;
      ghost.style.top = `${from.top - home.top}px`;
      el.append(ghost);
      const move = `translate(${to.left + 8 - from.left}px, ${to.top + 30 - from.top}px) scale(0.8)`;
      ghost.animate([{ transform: "none", opacity: 1 }, { transform: move, opacity: 0.2 }], {
        duration: 280,
        easing: "cubic-bezier(.2,.7,.2,1)",
      }).onfinish = () => ghost.remove();
    }
  }

  function drawSentence() {
    sentence.replaceChildren(
      ...said.pieces.map((piece, position) => {
        const chip = make("button", chipClass(piece, position), piece.trim());
        const show = (on) => () => {
          hovered = on ? position : -1;
          update();
        };
        chip.addEventListener("mouseenter", show(true));
        chip.addEventListener("mouseleave", show(false));
        chip.addEventListener("focus", show(true));
        chip.addEventListener("blur", show(false));
        return chip;
      }),
    );
  }

  function update() {
    if (!said) return;
    const routes = said.routes.slice(0, sent);
    const taken = byExpert(routes, layer(), experts);
    const expert = picked();
    [...sentence.children].forEach((chip, position) => {
      const route = said.routes[position][layer()];
      const mine = expert >= 0 && position < sent && route.experts.includes(expert);
      chip.classList.toggle("ember", mine);
      chip.classList.toggle("unsent", position >= sent);
      const order = route.experts.map((number, index) => `expert ${number} ${percent(route.shares[index])}`);
      chip.setAttribute("aria-label", `${word(position)}: ${order.join(", ")}`);
    });
    const most = Math.max(1, ...taken.map((list) => list.length));
    boxList.forEach((box, number) => {
      const [, words, gauge] = box.children;
      const list = taken[number];
      const route = hovered >= 0 ? said.routes[hovered][layer()] : null;
      const order = route ? route.experts.indexOf(number) : -1;
      box.classList.toggle("ember", expert === number);
      box.classList.toggle("takes", order >= 0);
      box.setAttribute("aria-pressed", String(expert === number));
      const counts = new Map();
      for (const { position } of list) counts.set(word(position), (counts.get(word(position)) ?? 0) + 1);
      words.replaceChildren(
        ...[...counts].map(([text, count]) => {
          const item = make("span", "rt-word", count > 1 ? `${text} ×${count}` : text);
          item.classList.toggle("here", hovered >= 0 && order >= 0 && text === word(hovered));
          return item;
        }),
      );
      gauge.style.transform = `scaleX(${list.length / most})`;
      box.dataset.share = order >= 0 ? percent(route.shares[order]) : "";
      box.setAttribute("aria-label", `Expert ${number}: ${list.length} tokens, ${[...counts.keys()].join(", ") || "none"}`);
    });
    maps.forEach((bars, index) => {
      const here = byExpert(routes, index, experts);
      const top = Math.max(1, ...here.map((list) => list.length));
      [...bars.children].forEach((bar, number) => {
        bar.style.transform = `scaleY(${Math.max(0.03, here[number].length / top)})`;
        bar.classList.toggle("ember", number === expert);
      });
      const button = bars.parentElement;
      button.setAttribute("aria-checked", String(index === layer()));
      button.tabIndex = index === layer() ? 0 : -1;
    });
    const idle = taken.filter((list) => !list.length).length;
    if (hovered >= 0) {
      const route = said.routes[hovered][layer()];
      loud.textContent = percent(route.shares[0]);
      loudWords.textContent = ` of “${word(hovered)}” comes from expert ${route.experts[0]}, the rest from expert ${route.experts[1]}`;
    } else if (expert >= 0) {
      loud.textContent = String(taken[expert].length);
      loudWords.textContent = ` of ${sent} tokens go to expert ${expert} in layer ${layer()}`;
    } else {
      loud.textContent = "2 of 8";
      loudWords.textContent = ` experts take each token${sent === said.pieces.length && idle ? `; ${idle} had nothing to do here` : ""}`;
    }
    loud.classList.toggle("ember", expert >= 0);
    speak(`${loud.textContent}${loudWords.textContent}`);
  }

  play.addEventListener("click", () => said && start());
  model.on("change:said", listen);
  for (const key of ["layer", "expert"]) model.on(`change:${key}`, update);
  ask(model.get("text") ?? data.offers[0]);

  return () => {
    clocks.forEach(clearTimeout);
    hush();
    model.off("change:said", listen);
    for (const key of ["layer", "expert"]) model.off(`change:${key}`, update);
  };
}

export default { render };
