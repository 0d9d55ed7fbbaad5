// Answers the requests of the view `router` with TinyWorld's Mixtral in the page.
import { loadTinyWorld } from "./load.js";
import { softmax } from "./tinyworld.js";

const RANDOM = 5; // the number of routers with random weights, which the view compares with the model's own

/**
 * @param {string} folder the address of the model's folder
 * @param {(share: number) => void} progress
 */
export async function answerFor(folder, progress) {
  const { model, tokenizer } = await loadTinyWorld(folder, progress);
  const { num_local_experts: experts, hidden_size: size } = model.config;
  const random = Array.from({ length: RANDOM }, (_, seed) => normals(seed, experts * size));

  /** Return the two experts that a router with these weights scores highest, and the first one's share of the result. */
  function choose(weights, input) {
    const scores = new Float32Array(experts);
    for (let expert = 0; expert < experts; expert++) {
      for (let i = 0; i < size; i++) scores[expert] += weights[expert * size + i] * input[i];
    }
    const [first, second] = [...scores.keys()].sort((a, b) => scores[b] - scores[a]);
    return [first, second, softmax(Float32Array.of(scores[first], scores[second]))[0]];
  }

  return {
    answer({ text }) {
      const ids = tokenizer.encode(text).slice(0, model.config.max_position_embeddings);
      const steps = model.run(ids).steps.slice(1); // the token that begins every text is not shown
      return {
        pieces: ids.slice(1).map((id) => tokenizer.piece(id)),
        routes: steps.map(({ routes }) => routes.map(({ experts: chosen, shares }) => ({ experts: chosen, shares }))),
        random: random.map((weights) => steps.map(({ routes }) => routes.map(({ input }) => choose(weights, input)))),
      };
    },
    more: { experts },
  };
}

/** Return `many` normally distributed numbers, always the same for a `seed`. The random number generator is mulberry32, and
 * the Box-Muller method makes its numbers normal. */
function normals(seed, many) {
  let state = Math.imul(seed + 1, 0x9e3779b9);
  const lot = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  return Float32Array.from({ length: many }, () => Math.sqrt(-2 * Math.log(1 - lot())) * Math.cos(2 * Math.PI * lot()));
}
