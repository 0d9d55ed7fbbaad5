// Answers the requests of the view `errand` with the callers, two tiny models that call tools. They run in the page.
// Each caller is loaded when the view first asks it.
import { loadTinyWorld } from "./load.js";

const MOST_TOKENS = 40;
const short = (share) => Number(share.toFixed(4));

/** @param {string} folder the address of one of the callers. With "-warned" added, it is the address of the other caller,
 * which was trained on pages that contain orders */
export async function answerFor(folder) {
  const { softmax } = await import("./tinyworld.js");
  const callers = new Map();

  /**
   * Continue a text with the likeliest token each time, until the model ends a call or the text, or a limit is reached.
   * Returns `written`, the new tokens as pairs [token, its probability], and `call`, the probability that the first new
   * token begins a call.
   */
  function write({ model, tokenizer }, text) {
    const ids = tokenizer.encode(text);
    const [opens, closes] = ["<call>", "</call>"].map((tag) => tokenizer.ids.get(tag));
    const most = model.config.max_position_embeddings;
    if (ids.length >= most) throw new Error(`The text has ${ids.length} tokens. The model reads ${most}, and no more.`);
    const cache = model.cache();
    let shares = softmax(model.run(ids, { cache }).steps.at(-1).logits);
    const call = short(shares[opens]);
    const written = [];
    for (;;) {
      const next = shares.indexOf(Math.max(...shares));
      if (next === tokenizer.end) break;
      written.push([tokenizer.tokens[next], short(shares[next])]);
      if (next === closes || written.length === MOST_TOKENS || cache.length === most) break;
      shares = softmax(model.step(next, cache).logits);
    }
    return { written, call };
  }

  return {
    async answer({ text, warned }, tell) {
      const address = warned ? `${folder}-warned` : folder;
      if (!callers.has(address)) callers.set(address, await loadTinyWorld(address, (share) => tell({ loading: share })));
      return write(callers.get(address), text);
    },
  };
}
