// The DDIM scheduler of diffusers, for models that predict v, which is a mix of the noise and the picture. The scheduler
// computes a drawing's next state from the prediction.
// Song, Meng and Ermon (2020), arXiv:2010.02502; v: Salimans and Ho (2022), arXiv:2202.00512.

export class DDIM {
  /** @param {any} config the content of scheduler_config.json */
  constructor(config) {
    const expected = { prediction_type: "v_prediction", beta_schedule: "scaled_linear", timestep_spacing: "trailing" };
    for (const [key, value] of Object.entries(expected)) {
      if (config[key] !== value) throw new Error(`This scheduler needs ${key} ${value}, not ${config[key]}.`);
    }
    this.config = config;
    /** For each timestep of the training, the share of a state's variance that comes from the picture, not from the noise. */
    this.left = sharesLeft(config);
  }

  /**
   * Return the timesteps of the training at which a drawing calls the UNet, the noisiest first.
   * @param {number} steps
   * @returns {number[]}
   */
  times(steps) {
    const all = this.config.num_train_timesteps;
    return Array.from({ length: steps }, (_, step) => roundHalfToEven(all - (step * all) / steps) - 1);
  }

  /**
   * For the state before each step, return the share of its variance that is noise. The last number, 0, is for the
   * finished drawing.
   * @param {number} steps
   */
  noise(steps) {
    return [...this.times(steps).map((time) => 1 - this.left[time]), 0];
  }

  /**
   * Compute the state after one step.
   * @param {Float32Array} state
   * @param {Float32Array} prediction v, as the UNet predicts it
   * @param {number} time the timestep of the training at which the UNet was called
   * @param {number} steps the number of steps of the whole drawing
   * @returns {Float32Array} the next state
   */
  step(state, prediction, time, steps) {
    const before = time - Math.floor(this.config.num_train_timesteps / steps);
    const now = this.left[time];
    const next = before >= 0 ? this.left[before] : 1;
    const [picture, noise] = [Math.sqrt(now), Math.sqrt(1 - now)];
    const [nextPicture, nextNoise] = [Math.sqrt(next), Math.sqrt(1 - next)];
    return state.map((x, i) => {
      const v = prediction[i];
      return nextPicture * (picture * x - noise * v) + nextNoise * (picture * v + noise * x);
    });
  }
}

function sharesLeft({ beta_start: first, beta_end: last, num_train_timesteps: times, rescale_betas_zero_snr: rescale }) {
  let product = 1;
  const roots = Array.from({ length: times }, (_, time) => {
    const beta = (Math.sqrt(first) + ((Math.sqrt(last) - Math.sqrt(first)) * time) / (times - 1)) ** 2;
    product *= 1 - beta;
    return Math.sqrt(product);
  });
  // Rescale, so that the state at the last timestep is pure noise (Lin et al. 2023, arXiv:2305.08891).
  const [start, end] = rescale ? [roots[0], roots[times - 1]] : [1, 0];
  return roots.map((root) => (rescale ? ((root - end) * start) / (start - end) : root) ** 2);
}

/** Round as numpy does: a half goes to the even neighbour. */
function roundHalfToEven(number) {
  const below = Math.floor(number);
  return number - below === 0.5 ? below + (below % 2) : Math.round(number);
}
