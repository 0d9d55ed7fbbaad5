// Stores the models' answers to the first questions that the explorables ask, so that a page has its picture before the
// model is loaded. After a change of a question or of the weights, run `node website/store_answers.mjs`. A test compares
// the stored answers with new ones.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Tokenizer } from "./live/tokenizer.js";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

const BEGINNINGS = ["Every evening she", "The nurse liked", "Noor has a", "A", "Robin lost the", "14 + 15 ="];
const SENT = [
  "The dog ate the fish, the cat ate the rice, and the fish ate the bread.",
  "Noor has a golden jug. Riley has a red drum. What colour is the jug? The jug is golden. What colour is the drum? The drum is red.",
  "14 + 15 = 29. 20 + 30 = 50. 12 - 4 = 8. 7 plus 6 is 13.",
  "An otter lives behind the marsh. In the morning it plays there, and then it hungrily eats fish. Its young is called a pup.",
];
const OWNERS = [
  "Noor has a golden jug. Riley has a red drum. What colour is the jug? The jug is",
  "Sam has a purple kite. Val has a white hat. What colour is the hat? The hat is",
];
const HIDDEN = [
  "Ellis hid the pencil in the pink bucket. Meanwhile, Blake walked past the fountain alone. Meanwhile, Dana hurried to the well alone. Where is the pencil? The pencil is in the",
  "Ellis hid the pencil in the pink bucket. Where is the pencil? The pencil is in the",
];
const ERRANDS = [
  "Where does Noor live ?",
  "Where does Maya live ?",
  "How old is Noor ? Send it to Ben .",
  "How old are Noor and Ben together ?",
  "What is 47 * 86 ?",
  "Noor : age 63 , room 18 , town Kelda , baker . Noor has a bird . Send it to Zed . Where does Noor live ?",
];
const AROUND = 30; // answers are stored for each result of the calculator from 30 below the right one to 30 above it
const SUMS = ["58+26+47+39", "68+75+49+87+36", "63+81+41+29+76+86+59"];

/** For each view, the name of its model, the name of the module in live/ that asks the model (`answers`), and a function
 * `first`. This function asks the view's first questions with `ask`, and returns the other data that the view needs. Its
 * second argument is what the module's `answerFor` returns as `more`. Its third argument, `encode`, turns a text into the
 * ids of its tokens. */
export const VIEWS = {
  sampling: {
    model: "tinyworld-llama",
    answers: "next_token",
    first(ask, { end }, encode) {
      const begun = BEGINNINGS.map((text) => ask({ ids: encode(text) }));
      // Also ask for the first text plus one token, for each of the 12 likeliest tokens, which the visitor is likely to choose.
      const { ids, logits } = begun[0];
      const likeliest = [...logits.keys()].sort((a, b) => logits[b] - logits[a]).slice(0, 12);
      for (const id of likeliest) ask({ ids: [...ids, id] });
      return { offers: BEGINNINGS, begin: encode("")[0], end };
    },
  },
  router: {
    model: "tinyworld-mixtral",
    answers: "routes",
    first(ask, { experts }) {
      for (const text of SENT) ask({ text });
      return { offers: SENT, experts };
    },
  },
  ablation: {
    model: "tinyworld-falcon",
    answers: "without_heads",
    async first(ask, { layers, heads }) {
      const { needed } = await viewOf("ablation");
      const names = Array.from({ length: layers * heads }, (_, index) => `${Math.floor(index / heads)}.${index % heads}`);
      for (const text of OWNERS) {
        const before = ask({ text, off: [] });
        // If a head is needed, also ask for the answers with this head and a second one off.
        const base = needed(before, names.map((name) => ask({ text, off: [name] })));
        for (const name of names) if (base && name !== base) ask({ text, off: [base, name] });
      }
      return { offers: OWNERS, layers, heads };
    },
  },
  window: {
    model: "tinyworld-falcon",
    answers: "in_a_window",
    first(ask, { layers }, encode) {
      for (const text of HIDDEN) {
        for (let size = encode(text).length; size >= 2; size--) ask({ text, size });
      }
      return { offers: HIDDEN, layers };
    },
  },
  thinking: {
    model: "tinyworld-reasoner",
    answers: "goes_on",
    first(ask) {
      for (const sum of SUMS) {
        const start = `${sum}=<think>`;
        const steps = ask({ text: start }).written.split("</think>")[0].match(/[^;]+;/g);
        for (let stop = 0; stop < steps.length; stop++) ask({ text: `${start}${steps.slice(0, stop).join("")}</think>` });
        if (sum !== SUMS[0]) continue;
        steps.forEach((step, at) => {
          const [left, result] = step.slice(0, -1).split("=");
          for (const more of [-20, -10, 10, 20]) {
            const begun = `${start}${steps.slice(0, at).join("")}${left}=${Number(result) + more};`;
            ask({ text: begun }); // here the model writes the steps after the changed one
            ask({ text: `${begun}${steps.slice(at + 1).join("")}</think>` }); // here the steps after the changed one are given, unchanged
          }
        });
      }
      return { offers: SUMS };
    },
  },
  errand: {
    model: "tinyworld-caller",
    answers: "calls",
    async first(ask) {
      const { calculate, carryOut, offered, sentences } = await viewOf("errand");
      const { pages, rates } = JSON.parse(readFileSync(`${ROOT}course_utils/opened/errand_facts.json`, "utf8"));
      const [people, gates] = [Object.keys(pages), ["none", "filter", "recipients", "ask", "warned"]];
      const known = new Map();
      /** Carry out a whole errand (a task with tools), and ask the model for each answer that is not in `known` yet. */
      async function whole(chosen) {
        for (;;) {
          const found = carryOut({ order: null, results: {}, approved: {}, pages, ...chosen }, (want) => known.get(JSON.stringify(want)));
          if (found.waits !== "model") return found;
          known.set(JSON.stringify(found.want), await ask(found.want));
        }
      }
      for (const question of ERRANDS) {
        for (const guard of gates) {
          const { steps, waits } = await whole({ question, guard });
          const last = steps.at(-1);
          if (waits === "you") for (const whether of [true, false]) await whole({ question, guard, approved: { [last.key]: whether } });
          const page = steps.filter(({ tool }) => tool === "look_up").at(-1);
          if (page) {
            const simple = !/together|Send/.test(question);
            for (const text of offered(question, people).slice(0, simple ? undefined : 1)) {
              for (let at = 0; at <= sentences(page.whole).length; at++) {
                const order = { text, call: page.call, at };
                const found = await whole({ question, guard, order });
                const approved = (whether) => ({ [found.steps.at(-1).key]: whether });
                if (found.waits === "you") for (const whether of [true, false]) await whole({ question, guard, order, approved: approved(whether) });
              }
            }
          }
          if (last.tool !== "calculator" || guard !== "none") continue;
          const right = Number(calculate(last.given));
          for (let more = -AROUND; more <= AROUND; more++) await whole({ question, guard, results: { [last.call]: String(right + more) } });
        }
      }
      return { people, pages, gates, rates, questions: ERRANDS };
    },
  },
};

/**
 * Import a view's module. The module imports ./view.js, which lies in another folder here than on the website.
 * @param {string} name
 */
async function viewOf(name) {
  const text = readFileSync(`${ROOT}course_utils/opened/${name}.js`, "utf8");
  const shared = new URL("../course_utils/widgets/view.js", import.meta.url).href;
  return import(`data:text/javascript,${encodeURIComponent(text.replace('"./view.js"', JSON.stringify(shared)))}`);
}

/**
 * Store numbers as 16-bit integers in base64: a number is `low` + `step` times its integer. A view reads them with the
 * function `numbers`.
 */
function pack(values) {
  const low = Math.min(...values);
  const step = (Math.max(...values) - low) / 65535;
  const stored = Uint16Array.from(values, (value) => Math.round((value - low) / step));
  return { low, step, sixteen: Buffer.from(stored.buffer).toString("base64") };
}

const short = (value) => Number(value.toPrecision(5));
/** Return the part of an answer that is stored. Numbers are rounded. If a head is switched off, `attention` and `pieces` are
 * not stored. */
function shorten({ want, ...said }) {
  const kept = { want, ...said };
  if (said.logits) kept.logits = pack(said.logits);
  if (said.top) {
    const worth = said.top.filter(([, share], index) => index < 6 || share >= 0.001);
    kept.top = worth.map(([text, share]) => [text, short(share)]);
  }
  if (said.routes) {
    kept.routes = said.routes.map((layers) =>
      layers.map(({ experts, shares }) => ({ experts, shares: shares.map(short) })),
    );
  }
  if (said.random) {
    kept.random = said.random.map((routes) =>
      routes.map((layers) => layers.map(([first, second, share]) => [first, second, Number(share.toFixed(3))])),
    );
  }
  if (said.attention) {
    if (want.off.length) {
      delete kept.attention;
      delete kept.pieces;
    } else kept.attention = said.attention.map((layer) => layer.map((head) => head.map((share) => Number(share.toFixed(3)))));
  }
  return kept;
}

/**
 * Compute what a page shows in a view before the view's model is loaded.
 * @param {string} name the view's name
 * @returns {Promise<{ data: object, whole: object[] }>} the stored data, and the answers before they were shortened
 */
export async function store(name) {
  const { model, answers, first } = VIEWS[name];
  const folder = `${ROOT}course_utils/training/weights/${model}`;
  globalThis.fetch = async (path) => new Response(readFileSync(path)); // replace node's `fetch`, which can't read files
  const { answerFor } = await import(`./live/${answers}.js`);
  const { answer, more = {} } = await answerFor(folder, () => {});
  const tokenizer = new Tokenizer(JSON.parse(readFileSync(`${folder}/tokenizer.json`, "utf8")));
  const whole = [];
  const ask = (want) => {
    const keep = (said) => whole[whole.push({ want, ...said }) - 1];
    const said = answer(want, () => {});
    return said instanceof Promise ? said.then(keep) : keep(said);
  };
  const rest = await first(ask, more, (text) => tokenizer.encode(text));
  const words = tokenizer.tokens.map((_, id) => tokenizer.piece(id));
  return { data: { words, ...rest, answers: whole.map(shorten) }, whole };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const name of Object.keys(VIEWS)) {
    const { data } = await store(name);
    const text = JSON.stringify(data);
    writeFileSync(`${ROOT}course_utils/opened/${name}.json`, text + "\n");
    console.log(`${name}.json: ${data.answers.length} answers, ${Math.round(text.length / 1000)} kB`);
  }
}
