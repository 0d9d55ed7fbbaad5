// Draws the same noise from a seed as torch does on a CPU, so that a seed gives the same picture here and in the lesson.

const LENGTH = 624;
const SHIFT = 397;

/**
 * Make a Mersenne Twister (MT19937), which is torch's random number generator.
 * @param {number} seed
 * @returns {() => number} returns the next whole number of 32 bits at each call
 */
export function mersenneTwister(seed) {
  const state = new Uint32Array(LENGTH);
  state[0] = seed;
  for (let i = 1; i < LENGTH; i++) {
    const previous = state[i - 1] ^ (state[i - 1] >>> 30);
    state[i] = Math.imul(1812433253, previous) + i;
  }
  let index = LENGTH;
  return () => {
    if (index === LENGTH) {
      for (let i = 0; i < LENGTH; i++) {
        const joined = (state[i] & 0x80000000) | (state[(i + 1) % LENGTH] & 0x7fffffff);
        state[i] = state[(i + SHIFT) % LENGTH] ^ (joined >>> 1) ^ (joined & 1 ? 0x9908b0df : 0);
      }
      index = 0;
    }
    let number = state[index++];
    number ^= number >>> 11;
    number ^= (number << 7) & 0x9d2c5680;
    number ^= (number << 15) & 0xefc60000;
    return (number ^ (number >>> 18)) >>> 0;
  };
}

/**
 * Return what torch.randn(count, generator=torch.Generator().manual_seed(seed)) returns, within 1e-6.
 * @param {number} count a multiple of 16, because torch computes the last numbers in another way for all other counts
 * @param {number} seed
 * @returns {Float32Array}
 */
export function randn(count, seed) {
  if (count % 16) throw new Error("The number of random numbers must be a multiple of 16.");
  const next = mersenneTwister(seed);
  const numbers = Float32Array.from({ length: count }, () => (next() % 2 ** 24) / 2 ** 24);
  // The Box-Muller method turns two uniform random numbers into two normal ones. torch pairs numbers 8 places apart.
  for (let block = 0; block < count; block += 16) {
    for (let i = block; i < block + 8; i++) {
      const radius = Math.sqrt(-2 * Math.log(1 - numbers[i]));
      const angle = 2 * Math.PI * numbers[i + 8];
      numbers[i] = radius * Math.cos(angle);
      numbers[i + 8] = radius * Math.sin(angle);
    }
  }
  return numbers;
}
