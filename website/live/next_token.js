// Answers the requests of the view `sampling` with a TinyWorld model in the page.
import { loadTinyWorld } from "./load.js";

/**
 * @param {string} folder the address of the model's folder
 * @param {(share: number) => void} progress
 */
export async function answerFor(folder, progress) {
  const { model, tokenizer } = await loadTinyWorld(folder, progress);
  let before = { ids: /** @type {number[]} */ ([]), cache: model.cache() };

  /** Return the logits after a text. If the text continues the last call's text, only the new tokens go through the model. */
  function logitsAfter(ids) {
    const goesOn = before.ids.length < ids.length && before.ids.every((id, index) => id === ids[index]);
    const { ids: done, cache } = goesOn ? before : { ids: [], cache: model.cache() };
    const { steps } = model.run(ids.slice(done.length), { cache });
    before = { ids: [...ids], cache };
    return steps.at(-1).logits;
  }

  return {
    answer({ ids }) {
      return { ids, logits: logitsAfter(ids.slice(0, model.config.max_position_embeddings)) };
    },
    more: { end: tokenizer.end },
  };
}
