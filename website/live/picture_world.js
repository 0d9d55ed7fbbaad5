// PictureWorld's Stable Diffusion: a text encoder, a UNet and the decoder of a VAE run in onnxruntime-web; the
// tokenizer, the scheduler and guidance are the plain JavaScript around them.
import { ClipTokenizer } from "./clip_tokenizer.js";
import { randn } from "./noise.js";
import { DDIM } from "./scheduler.js";

const SHAPE = [1, 4, 16, 16]; // of the latents
const CELLS = 16 * 16;
const NUMBERS = 4 * CELLS;
const KEPT = 100; // drawings whose states are kept

/** What to draw, and how.
 * @typedef {{ prompt: string, seed: number, guidance: number, steps: number }} Plan */

/** A state on the way from noise to picture.
 * @typedef {object} State
 * @property {Float32Array} latents
 * @property {Float32Array} maps [token][row][column]: how much each position attended to each token of the prompt, in
 *   the call of the UNet that led here; empty for the noise
 */

export class PictureWorld {
  /**
   * @param {any} ort onnxruntime-web
   * @param {{ textEncoder: any, unet: any, decoder: any }} networks its sessions
   * @param {{ tokenizer: any, scheduler: any }} settings the contents of tokenizer.json and scheduler_config.json
   * @param {number} [length] ids of a prompt
   */
  constructor(ort, networks, settings, length = 20) {
    this.ort = ort;
    this.networks = networks;
    this.tokenizer = new ClipTokenizer(settings.tokenizer, length);
    this.scheduler = new DDIM(settings.scheduler);
    /** @type {Map<string, { text: any, states: State[] }>} the newest last */
    this.drawings = new Map();
  }

  /**
   * The state after a number of steps. States that were computed before are at hand.
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
        maps: maps.slice(CELLS, CELLS * (1 + tokens)), // the first map is that of the mark at the beginning
      });
    }
    return drawing.states[step];
  }

  /**
   * Decode latents.
   * @param {Float32Array} latents
   * @returns {Promise<Uint8Array>} 64 × 64 pixels, each red, green, blue
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
   * What the view `denoising` gets for a state: its picture and maps as base64, each map in 8 bits of its peak.
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

  /** The text encoder's numbers for no prompt and for the prompt. */
  async #read(prompt) {
    const ids = Int32Array.from([...this.tokenizer.encode(""), ...this.tokenizer.encode(prompt)]);
    const { text } = await this.networks.textEncoder.run({ ids: new this.ort.Tensor("int32", ids, [2, ids.length / 2]) });
    return text;
  }

  /** One call of the UNet: what it predicts without and with the prompt, and where it looked. */
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
 * Guidance: go from the prediction without the prompt towards the one with it, and beyond.
 * @param {Float32Array} without
 * @param {Float32Array} withPrompt
 * @param {number} guidance 1 ends at the prediction with the prompt
 */
export const guide = (without, withPrompt, guidance) =>
  without.map((value, i) => value + guidance * (withPrompt[i] - value));

/** @param {Uint8Array} bytes */
const base64 = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
