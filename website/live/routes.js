// Answers the view `router` with a TinyWorld Mixtral in the page.
import { loadTinyWorld } from "./load.js";

/**
 * @param {string} folder the address of the model's folder
 * @param {(share: number) => void} progress
 */
export async function answerFor(folder, progress) {
  const { model, tokenizer } = await loadTinyWorld(folder, progress);
  return {
    answer({ text }) {
      const ids = tokenizer.encode(text).slice(0, model.config.max_position_embeddings);
      const { steps } = model.run(ids);
      // The token that begins every text is not shown.
      return { pieces: ids.slice(1).map((id) => tokenizer.piece(id)), routes: steps.slice(1).map((step) => step.routes) };
    },
    more: { experts: model.config.num_local_experts },
  };
}
