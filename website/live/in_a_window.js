// Answers the requests of the view `window` with a TinyWorld model in the page. Each layer of the model attends only to
// the last `size` tokens. Each request says what `size` is.
import { loadTinyWorld } from "./load.js";
import { softmax } from "./tinyworld.js";

const LIKELIEST = 40;

/**
 * @param {string} folder the address of the model's folder
 * @param {(share: number) => void} progress
 */
export async function answerFor(folder, progress) {
  const { model, tokenizer } = await loadTinyWorld(folder, progress);
  return {
    answer({ text, size }) {
      const ids = tokenizer.encode(text).slice(0, model.config.max_position_embeddings);
      model.window = size;
      const shares = softmax(model.run(ids).steps.at(-1).logits);
      const top = [...shares.keys()].sort((a, b) => shares[b] - shares[a]).slice(0, LIKELIEST);
      return { pieces: ids.map((id) => tokenizer.piece(id)), top: top.map((id) => [tokenizer.piece(id), shares[id]]) };
    },
    more: { layers: model.layers.length },
  };
}
