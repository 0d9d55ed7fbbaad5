// Answers the requests of the view `thinking` with the reasoner, a tiny model that adds numbers step by step and runs
// in the page.
import { loadTinyWorld } from "./load.js";

/**
 * @param {string} folder the address of the model's folder
 * @param {(share: number) => void} progress
 */
export async function answerFor(folder, progress) {
  const { model, tokenizer } = await loadTinyWorld(folder, progress);
  const most = model.config.max_position_embeddings;
  return {
    /** Continue a text with the likeliest next token each time. Stop before the token that ends a text, or when the text has
     * as many tokens as the model can read. */
    answer({ text }) {
      const ids = tokenizer.encode(text);
      const cache = model.cache();
      let { logits } = model.run(ids, { cache }).steps.at(-1);
      let written = "";
      for (;;) {
        const next = logits.indexOf(Math.max(...logits));
        if (next === tokenizer.end || cache.length >= most) return { written };
        written += tokenizer.tokens[next];
        ({ logits } = model.step(next, cache));
      }
    },
  };
}
