// The TinyWorld models (Llama, Falcon, Mistral, Mixtral) in plain JavaScript, with the course's own safetensors files.
// The tokens go through the layers one by one. A token attends to the keys and values of the tokens before it, which
// are in the cache. `Hooks` can read a token's numbers after each layer, and change them.

/** @typedef {import("./safetensors.js").Tensor} Tensor */

/**
 * Functions with which a caller can change or read what the model computes. Each of them is optional.
 * @typedef {object} Hooks
 * @property {(layer: number, head: number) => boolean} [headOff] whether to switch a head off
 * @property {(layer: number, position: number, state: Float32Array) => void} [afterLayer] reads, or overwrites in
 *   place, the numbers of a token after a layer; layer -1 is the embedding
 */

/**
 * What the model computed for one token.
 * @typedef {object} Step
 * @property {Float32Array} logits a number for each token of the vocabulary: the larger, the likelier the token is next
 * @property {Float32Array[][]} attention [layer][head][position]: the share of attention that each position gets
 * @property {{ experts: number[], shares: number[], scores: Float32Array, input: Float32Array }[]} routes only in Mixtral:
 *   an entry for each layer. `experts` are the chosen experts, `shares` their shares in the result, `scores` the
 *   probabilities of all experts, and `input` is what the router read.
 */

/** The keys and the values of the tokens so far. `keys[layer][position]` holds a token's keys for all heads, one head after
 * another. `values` has the same form. */
export class Cache {
  /** @param {number} layers */
  constructor(layers) {
    this.keys = Array.from({ length: layers }, () => /** @type {Float32Array[]} */ ([]));
    this.values = Array.from({ length: layers }, () => /** @type {Float32Array[]} */ ([]));
  }

  /** The number of tokens in the cache. */
  get length() {
    return this.keys[0].length;
  }

  /** Return a cache with the same content, so that a text can be continued in more than one way. */
  copy() {
    const other = new Cache(this.keys.length);
    other.keys = this.keys.map((layer) => [...layer]);
    other.values = this.values.map((layer) => [...layer]);
    return other;
  }
}

export class TinyWorld {
  /**
   * @param {any} config the content of config.json
   * @param {Map<string, Tensor>} tensors the content of model.safetensors
   */
  constructor(config, tensors) {
    const reader = { llama: llamaLayer, mistral: llamaLayer, mixtral: llamaLayer, falcon: falconLayer }[config.model_type];
    if (!reader) throw new Error(`This page runs Llama, Falcon, Mistral and Mixtral, not ${config.model_type}.`);
    this.config = config;
    this.tensors = tensors;
    this.heads = config.num_attention_heads;
    this.headSize = config.head_dim ?? config.hidden_size / this.heads;
    this.window = config.sliding_window ?? Infinity;
    /** For rotary position: the angle, in radians, by which each pair of numbers turns from one position to the next. */
    this.turns = Array.from(
      { length: this.headSize / 2 },
      (_, pair) => config.rope_parameters.rope_theta ** (-2 * pair / this.headSize),
    );
    this.layers = Array.from({ length: config.num_hidden_layers }, (_, layer) => reader(config, tensors, layer));
    const falcon = config.model_type === "falcon";
    this.embedding = tensors.get(falcon ? "transformer.word_embeddings.weight" : "model.embed_tokens.weight");
    this.lastNorm = falcon
      ? layerNorm(tensors, "transformer.ln_f", config.layer_norm_epsilon)
      : rmsNorm(tensors, "model.norm", config.rms_norm_eps);
  }

  /** An empty cache for this model. */
  cache() {
    return new Cache(this.layers.length);
  }

  /**
   * Pass one token through all layers, and add its keys and values to the cache.
   * @param {number} token
   * @param {Cache} cache
   * @param {Hooks} [hooks]
   * @returns {Step}
   */
  step(token, cache, hooks = {}) {
    const size = this.config.hidden_size;
    const position = cache.length;
    const state = this.embedding.values.slice(token * size, (token + 1) * size);
    const attention = [];
    const routes = [];
    hooks.afterLayer?.(-1, position, state);
    for (const [index, layer] of this.layers.entries()) {
      const normed = layer.firstNorm(state);
      const { mixed, shares } = this.#attend(layer, index, normed, cache, hooks);
      attention.push(shares);
      const attended = multiply(layer.output, mixed);
      // Falcon's feed-forward network reads the same numbers as attention. In the other models, the network reads the
      // state after attention.
      const forwardInput = layer.secondNorm ? layer.secondNorm(add(state, attended)) : normed;
      const { result, route } = layer.forward(forwardInput);
      if (route) routes.push(route);
      if (!layer.secondNorm) add(state, attended);
      add(state, result);
      hooks.afterLayer?.(index, position, state);
    }
    return { logits: multiply(this.embedding, this.lastNorm(state)), attention, routes };
  }

  /**
   * Pass several tokens through all layers, one token after another.
   * @param {number[]} tokens
   * @param {{ cache?: Cache, hooks?: Hooks }} [options]
   * @returns {{ steps: Step[], cache: Cache }}
   */
  run(tokens, { cache = this.cache(), hooks = {} } = {}) {
    return { steps: tokens.map((token) => this.step(token, cache, hooks)), cache };
  }

  /**
   * Set one weight to another value.
   * @param {string} name the tensor's name in the file
   * @param {number} row
   * @param {number} column
   * @param {number} value
   * @returns {() => void} puts the old value back
   */
  change(name, row, column, value) {
    const tensor = this.tensors.get(name);
    const offset = tensor ? row * tensor.shape[1] + column : NaN;
    if (!tensor || !(offset < tensor.values.length)) throw new Error(`The model has no weight ${name}[${row}, ${column}].`);
    const old = tensor.values[offset];
    tensor.values[offset] = value;
    return () => {
      tensor.values[offset] = old;
    };
  }

  /** Attention of one token: returns what each head takes from the tokens so far, and the share that each token gets. */
  #attend(layer, index, normed, cache, hooks) {
    const { headSize, heads, window } = this;
    const position = cache.keys[index].length;
    const { queries, keys, values } = layer.project(normed);
    this.#turn(queries, position);
    this.#turn(keys, position);
    cache.keys[index].push(keys);
    cache.values[index].push(values);
    const first = Math.max(0, position - window + 1);
    const sharing = heads / (keys.length / headSize); // the number of heads that share one set of keys and values
    const mixed = new Float32Array(heads * headSize);
    const shares = [];
    for (let head = 0; head < heads; head++) {
      const from = Math.floor(head / sharing) * headSize;
      const scores = new Float32Array(position + 1).fill(-Infinity);
      for (let other = first; other <= position; other++) {
        let score = 0;
        const key = cache.keys[index][other];
        for (let i = 0; i < headSize; i++) score += queries[head * headSize + i] * key[from + i];
        scores[other] = score / Math.sqrt(headSize);
      }
      const share = softmax(scores);
      shares.push(share);
      if (hooks.headOff?.(index, head)) continue;
      for (let other = first; other <= position; other++) {
        const value = cache.values[index][other];
        for (let i = 0; i < headSize; i++) mixed[head * headSize + i] += share[other] * value[from + i];
      }
    }
    return { mixed, shares };
  }

  /** Encode a position: turn each pair of numbers (i, i + half) of each head by an angle that grows with the position. */
  #turn(vector, position) {
    const half = this.headSize / 2;
    for (let start = 0; start < vector.length; start += this.headSize) {
      for (let pair = 0; pair < half; pair++) {
        const [cos, sin] = [Math.cos(position * this.turns[pair]), Math.sin(position * this.turns[pair])];
        const [a, b] = [vector[start + pair], vector[start + pair + half]];
        vector[start + pair] = a * cos - b * sin;
        vector[start + pair + half] = b * cos + a * sin;
      }
    }
  }
}

/** Return the parts of one layer of Llama, Mistral or Mixtral: functions that use its weights, and the tensor `output`. */
function llamaLayer(config, tensors, layer) {
  const start = `model.layers.${layer}`;
  const get = (name) => tensors.get(`${start}.${name}.weight`);
  const swish = ({ gate, up, down }) => (input) => {
    const opened = multiply(gate, input);
    const raised = multiply(up, input);
    for (let i = 0; i < opened.length; i++) opened[i] = (opened[i] / (1 + Math.exp(-opened[i]))) * raised[i];
    return multiply(down, opened);
  };
  let forward;
  if (config.model_type === "mixtral") {
    const router = get("block_sparse_moe.gate");
    const experts = Array.from({ length: config.num_local_experts }, (_, expert) => {
      const part = (name) => get(`block_sparse_moe.experts.${expert}.${name}`);
      return swish({ gate: part("w1"), up: part("w3"), down: part("w2") });
    });
    forward = (input) => mixture(router, experts, config.num_experts_per_tok, input);
  } else {
    const network = swish({ gate: get("mlp.gate_proj"), up: get("mlp.up_proj"), down: get("mlp.down_proj") });
    forward = (input) => ({ result: network(input) });
  }
  return {
    firstNorm: rmsNorm(tensors, `${start}.input_layernorm`, config.rms_norm_eps),
    secondNorm: rmsNorm(tensors, `${start}.post_attention_layernorm`, config.rms_norm_eps),
    project: (input) => ({
      queries: multiply(get("self_attn.q_proj"), input),
      keys: multiply(get("self_attn.k_proj"), input),
      values: multiply(get("self_attn.v_proj"), input),
    }),
    output: get("self_attn.o_proj"),
    forward,
  };
}

/** Return the parts of one layer of a Falcon with the design of Falcon 7B: functions that use its weights, and the tensor
 * `output`. All heads share one set of keys and values. */
function falconLayer(config, tensors, layer) {
  const start = `transformer.h.${layer}`;
  const get = (name) => tensors.get(`${start}.${name}.weight`);
  const size = config.hidden_size;
  const headSize = size / config.num_attention_heads;
  return {
    firstNorm: layerNorm(tensors, `${start}.input_layernorm`, config.layer_norm_epsilon),
    secondNorm: null,
    project: (input) => {
      const all = multiply(get("self_attention.query_key_value"), input);
      return {
        queries: all.slice(0, size),
        keys: all.slice(size, size + headSize),
        values: all.slice(size + headSize),
      };
    },
    output: get("self_attention.dense"),
    forward: (input) => ({
      result: multiply(get("mlp.dense_4h_to_h"), multiply(get("mlp.dense_h_to_4h"), input).map(gelu)),
    }),
  };
}

/** Send one token to the experts that the router rates highest, and add up these experts' weighted results. */
function mixture(router, experts, active, input) {
  const scores = softmax(multiply(router, input));
  const chosen = [...scores.keys()].sort((a, b) => scores[b] - scores[a]).slice(0, active);
  const total = chosen.reduce((sum, expert) => sum + scores[expert], 0);
  const shares = chosen.map((expert) => scores[expert] / total);
  const result = new Float32Array(input.length);
  for (const [order, expert] of chosen.entries()) {
    const given = experts[expert](input);
    for (let i = 0; i < result.length; i++) result[i] += shares[order] * given[i];
  }
  return { result, route: { experts: chosen, shares, scores, input } };
}

/** Return a function that divides a vector by the root of its mean square, and scales it with the tensor `name`. */
function rmsNorm(tensors, name, epsilon) {
  const scale = tensors.get(`${name}.weight`).values;
  return (input) => {
    let squares = 0;
    for (const value of input) squares += value * value;
    const root = Math.sqrt(squares / input.length + epsilon);
    return input.map((value, i) => (value / root) * scale[i]);
  };
}

/**
 * Return a function that subtracts a vector's mean, divides by the standard deviation, and then scales and shifts it
 * with the tensors `name`.
 */
function layerNorm(tensors, name, epsilon) {
  const scale = tensors.get(`${name}.weight`).values;
  const shift = tensors.get(`${name}.bias`).values;
  return (input) => {
    let sum = 0;
    for (const value of input) sum += value;
    const mean = sum / input.length;
    let squares = 0;
    for (const value of input) squares += (value - mean) ** 2;
    const root = Math.sqrt(squares / input.length + epsilon);
    return input.map((value, i) => ((value - mean) / root) * scale[i] + shift[i]);
  };
}

/**
 * Multiply a matrix with a vector.
 * @param {Tensor} matrix of shape (rows, columns)
 * @param {Float32Array} vector of length columns
 * @returns {Float32Array} of length rows
 */
function multiply({ values, shape: [rows, columns] }, vector) {
  const result = new Float32Array(rows);
  for (let row = 0, offset = 0; row < rows; row++) {
    let sum = 0;
    for (let column = 0; column < columns; column++) sum += values[offset++] * vector[column];
    result[row] = sum;
  }
  return result;
}

/** Add the second vector to the first one in place, and return the first one. */
function add(vector, other) {
  for (let i = 0; i < vector.length; i++) vector[i] += other[i];
  return vector;
}

/**
 * Turn scores into shares that are positive and sum to 1.
 * @param {Float32Array} scores
 * @param {number} [temperature] below 1 the largest share grows, above 1 the shares become more equal
 */
export function softmax(scores, temperature = 1) {
  let largest = -Infinity;
  for (const score of scores) largest = Math.max(largest, score);
  const shares = scores.map((score) => Math.exp((score - largest) / temperature));
  let total = 0;
  for (const share of shares) total += share;
  return shares.map((share) => share / total);
}

/** Falcon's activation: x times the probability that a standard normal variable is below x. */
function gelu(x) {
  return (x * (1 + erf(x / Math.SQRT2))) / 2;
}

/** The error function, within 1.5e-7: Abramowitz and Stegun, formula 7.1.26. */
function erf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const sum = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return Math.sign(x) * (1 - sum * Math.exp(-x * x));
}
