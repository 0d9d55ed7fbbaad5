// PictureWorld's Stable Diffusion: its text encoder, its UNet and the decoder of its VAE run in onnxruntime-web. The
// tokenizer, the scheduler and guidance are plain JavaScript.
import { ClipTokenizer } from "./clip_tokenizer.js";
import { randn } from "./noise.js";
import { DDIM } from "./scheduler.js";

const SHAPE = [1, 4, 16, 16]; // the shape of the latents: (pictures, channels, rows, columns)
const CELLS = 16 * 16;
const NUMBERS = 4 * CELLS;
const KEPT = 100; // states are kept for this many drawings, the most recently used ones

/** What to draw, and how.
 * @typedef {{ prompt: string, seed: number, guidance: number, steps: number }} Plan */

/** A state on the way from noise to picture.
 * @typedef {object} State
 * @property {Float32Array} latents
 * @property {Float32Array} maps [token][row][column]: how much each position attended to each token of the prompt, in
 *   the call of the UNet that led to this state; empty for the first state, which is noise
 */

export class PictureWorld {
  /**
   * @param {any} ort onnxruntime-web
   * @param {{ textEncoder: any, unet: any, decoder: any }} networks onnxruntime's sessions
   * @param {{ tokenizer: any, scheduler: any }} settings the contents of tokenizer.json and scheduler_config.json
   * @param {number} [length] the number of token ids to which every prompt is cut or filled up
   */
  constructor(ort, networks, settings, length = 20) {
    this.ort = ort;
    this.networks = networks;
    this.tokenizer = new ClipTokenizer(settings.tokenizer, length);
    this.scheduler = new DDIM(settings.scheduler);
    /** @type {Map<string, { text: any, states: State[] }>} the drawings, by their plans as JSON. The most recently used
     * drawing is at the end. */
    this.drawings = new Map();
  }

  /**
   * Return the state after a number of steps. States that were kept from earlier calls are not computed again.
   * @param {Plan} plan
   * @param {number} step from 0, the noise, to plan.steps
   * @returns {Promise<State>}
   */
  async state(plan, step) {
    const { prompt, seed, guidance, steps } = plan;
    const key = JSON.stringify([prompt, seed, guidance, steps]);
    const drawing = this.drawings.get(key) ?? {
      text: await this.#read(prompt),
      states: [{ latents: randn(NUMBERS, seed), maps: new Float32Array(0) }],
    };
    this.drawings.delete(key);
    this.drawings.set(key, drawing);
    if (this.drawings.size > KEPT) this.drawings.delete(this.drawings.keys().next().value);
    const times = this.scheduler.times(steps);
    const tokens = this.tokenizer.split(prompt).length;
    for (let done = drawing.states.length - 1; done < step; done++) {
      const { latents } = drawing.states[done];
      const { predictions, maps } = await this.#predict(latents, times[done], drawing.text);
      const guided = guide(predictions.subarray(0, NUMBERS), predictions.subarray(NUMBERS), guidance);
      drawing.states.push({
        latents: this.scheduler.step(latents, guided, times[done], steps),
        maps: maps.slice(CELLS, CELLS * (1 + tokens)), // without the map of the start token
      });
    }
    return drawing.states[step];
  }

  /**
   * Decode latents to a picture.
   * @param {Float32Array} latents
   * @returns {Promise<Uint8Array>} 64 × 64 pixels, each with three bytes: red, green, blue
   */
  async picture(latents) {
    const { picture } = await this.networks.decoder.run({ latents: new this.ort.Tensor("float32", latents, SHAPE) });
    const [colours, pixels] = [3, picture.data.length / 3];
    const bytes = new Uint8Array(picture.data.length);
    for (let pixel = 0; pixel < pixels; pixel++) {
      for (let colour = 0; colour < colours; colour++) {
        bytes[pixel * colours + colour] = Math.round(255 * picture.data[colour * pixels + pixel]);
      }
    }
    return bytes;
  }

  /**
   * Return what the view `denoising` needs for a state: its picture and its maps, as bytes in base64. In a map, the
   * byte 255 stands for the map's largest value, which is in `peaks`.
   * @param {Plan & { step: number }} want
   */
  async answer({ step, ...plan }) {
    const { latents, maps } = await this.state(plan, step);
    const peaks = [];
    const bytes = new Uint8Array(maps.length);
    for (let from = 0; from < maps.length; from += CELLS) {
      const map = maps.subarray(from, from + CELLS);
      const peak = Math.max(...map);
      peaks.push(peak);
      map.forEach((value, cell) => (bytes[from + cell] = Math.round((255 * value) / peak)));
    }
    return {
      picture: base64(await this.picture(latents)),
      noise: this.scheduler.noise(plan.steps)[step],
      pieces: this.tokenizer.split(plan.prompt),
      maps: base64(bytes),
      peaks,
    };
  }

  /** Return the text encoder's output for the empty prompt and for `prompt`. */
  async #read(prompt) {
    const ids = Int32Array.from([...this.tokenizer.encode(""), ...this.tokenizer.encode(prompt)]);
    const { text } = await this.networks.textEncoder.run({ ids: new this.ort.Tensor("int32", ids, [2, ids.length / 2]) });
    return text;
  }

  /** Call the UNet once. Returns its predictions without and with the prompt, and its attention to the prompt. */
  async #predict(latents, time, text) {
    const { predictions, maps } = await this.networks.unet.run({
      latents: new this.ort.Tensor("float32", latents, SHAPE),
      time: new this.ort.Tensor("float32", [time], [1]),
      text,
    });
    return { predictions: predictions.data, maps: maps.data };
  }
}

/**
 * Start at the prediction without the prompt, and go `guidance` times the way to the prediction with the prompt.
 * @param {Float32Array} without
 * @param {Float32Array} withPrompt
 * @param {number} guidance 1 gives the prediction with the prompt; a larger number goes beyond this prediction
 */
export const guide = (without, withPrompt, guidance) =>
  without.map((value, i) => value + guidance * (withPrompt[i] - value));

/** @param {Uint8Array} bytes */
const base64 = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
