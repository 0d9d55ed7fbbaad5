// Answers the requests of the view `ablation` with a TinyWorld model in the page.
import { loadTinyWorld } from "./load.js";
import { softmax } from "./tinyworld.js";

const LIKELIEST = 20;

/**
 * @param {string} folder the address of the model's folder
 * @param {(share: number) => void} progress
 */
export async function answerFor(folder, progress) {
  const { model, tokenizer } = await loadTinyWorld(folder, progress);
  const layers = model.layers.length;
  return {
    answer({ text, off }) {
      const ids = tokenizer.encode(text).slice(0, model.config.max_position_embeddings);
      const { steps } = model.run(ids, { hooks: { headOff: (layer, head) => off.includes(`${layer}.${head}`) } });
      const shares = softmax(steps.at(-1).logits);
      const top = [...shares.keys()].sort((a, b) => shares[b] - shares[a]).slice(0, LIKELIEST);
      const attention = Array.from({ length: layers }, (_, layer) =>
        Array.from({ length: model.heads }, (_, head) => steps.flatMap((step) => [...step.attention[layer][head]])),
      );
      return {
        pieces: ids.map((id) => tokenizer.piece(id)),
        attention,
        top: top.map((id) => [tokenizer.piece(id), shares[id]]),
      };
    },
    more: { layers, heads: model.heads },
  };
}
