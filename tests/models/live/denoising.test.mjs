// Tests that PictureWorld's Stable Diffusion in the page draws what the library diffusers draws. Also tests the functions of
// the explorable `denoising` for prompts and attention maps.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

const { SITE, REFERENCE } = process.env;
const json = (path) => JSON.parse(readFileSync(path, "utf8"));
const { randn } = await import(`${SITE}/live/noise.js`);
const { DDIM } = await import(`${SITE}/live/scheduler.js`);
const { ClipTokenizer } = await import(`${SITE}/live/clip_tokenizer.js`);
const { PictureWorld } = await import(`${SITE}/live/picture_world.js`);
const { area, chipsOf, closed, contour, exchanged, tokensOfUnits } = await import(`${SITE}/live/denoising.js`);

const reference = json(REFERENCE);
const folder = `${SITE}/models/pictureworld`;
const settings = { tokenizer: json(`${folder}/tokenizer.json`), scheduler: json(`${folder}/scheduler_config.json`) };

function near(ours, theirs, tolerance, what) {
  assert.equal(ours.length, theirs.length, what);
  let most = 0;
  for (let i = 0; i < ours.length; i++) most = Math.max(most, Math.abs(ours[i] - theirs[i]));
  assert.ok(most <= tolerance, `${what}: ${most} apart`);
}

test("a seed gives torch's noise", () => {
  for (const { seed, noise } of reference.noise) near(randn(noise.length, seed), noise, 1e-5, `seed ${seed}`);
  assert.throws(() => randn(15, 0), /multiple of 16/);
});

test("the scheduler steps as DDIM of diffusers does", () => {
  const scheduler = new DDIM(settings.scheduler);
  for (const { steps, times, shares, states, predictions } of reference.schedules) {
    assert.deepEqual(scheduler.times(steps), times);
    near(scheduler.noise(steps), shares, 1e-6, `noise of ${steps} steps`);
    times.forEach((time, step) => {
      const next = scheduler.step(Float32Array.from(states[step]), Float32Array.from(predictions[step]), time, steps);
      near(next, states[step + 1], 1e-5, `step ${step} of ${steps}`);
    });
  }
  assert.throws(() => new DDIM({ ...settings.scheduler, prediction_type: "epsilon" }), /needs prediction_type/);
});

test("a prompt is split as the library does", () => {
  const tokenizer = new ClipTokenizer(settings.tokenizer, 20);
  for (const { prompt, ids, pieces } of reference.prompts) {
    assert.deepEqual(tokenizer.encode(prompt), ids, prompt);
    assert.deepEqual(tokenizer.split(prompt), pieces.slice(0, 18), prompt);
  }
});

test("each state, picture and map is that of the pipeline", async () => {
  const ort = await import(`${folder}/ort.wasm.bundle.min.mjs`);
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmBinary = readFileSync(`${folder}/ort-wasm-simd-threaded.wasm`).buffer;
  const session = (name) => ort.InferenceSession.create(new Uint8Array(readFileSync(`${folder}/${name}.onnx`)), { executionProviders: ["wasm"], graphOptimizationLevel: "basic" });
  const networks = { textEncoder: await session("text_encoder"), unet: await session("unet"), decoder: await session("vae_decoder") };
  const world = new PictureWorld(ort, networks, settings);
  for (const { plan, latents, maps, pictures } of reference.drawings) {
    for (let step = 0; step <= plan.steps; step++) {
      const state = await world.state(plan, step);
      near(state.latents, latents[step], 1e-4, `latents ${step} of ${plan.prompt}`);
      if (step) near(state.maps, maps[step - 1], 1e-5, `maps ${step} of ${plan.prompt}`);
      near(await world.picture(state.latents), pictures[step], 1, `picture ${step} of ${plan.prompt}`);
    }
    const { noise, pieces, peaks } = await world.answer({ ...plan, step: 1 });
    assert.ok(noise > 0 && noise < 1);
    assert.equal(peaks.length, pieces.length);
  }
});

const kind = (name, words, more = {}) => ({ name, words, ...more });
const colours = kind("colours", ["red"]);
const grounds = kind("backgrounds", ["red"], { before: "background" });
const animals = kind("animals", ["polar bear", "t-rex"], { noun: true });
const names = new Map([["red", [grounds, colours]], ["polar bear", [animals]], ["t - rex", [animals]]]);

test("a prompt's chips are the names that the model knows", () => {
  const chips = chipsOf("Polar bear on a red background", names);
  assert.deepEqual(chips.map(({ text }) => text), ["Polar bear", "on", "a", "red", "background"]);
  assert.deepEqual(chips.map((chip) => chip.kind?.name), ["animals", undefined, undefined, "backgrounds", undefined]);
  assert.equal(chipsOf("a red t-rex", names)[1].kind, colours);
  assert.equal(chipsOf("a red t-rex", names)[2].text, "t-rex");
  assert.deepEqual(tokensOfUnits(["po", "lar</w>", "bear</w>", "on</w>"]), [[0, 1], [2], [3], []]);
});

test("an exchanged word gets the article that it needs", () => {
  const [, star] = chipsOf("a star", names);
  assert.equal(exchanged("a star", star, "orange star"), "an orange star");
  assert.equal(exchanged("an owl", chipsOf("an owl", names)[1], "fox"), "a fox");
});

test("the line around a map is closed, and lies where the map has the value", () => {
  const map = Array.from({ length: 256 }, (_, cell) => (Math.abs((cell % 16) - 8) <= 2 && Math.abs(Math.floor(cell / 16) - 8) <= 2 ? 1 : 0));
  const ends = contour(map, 0.5).flatMap(([x, y, toX, toY]) => [`${x},${y}`, `${toX},${toY}`]);
  const count = new Map();
  for (const end of ends) count.set(end, (count.get(end) ?? 0) + 1);
  assert.ok(ends.length > 0 && [...count.values()].every((times) => times === 2));
  assert.ok(contour(map, 0.5).every(([x]) => x > 5 / 16 && x < 12 / 16));
  const corner = contour(map.map((_, cell) => Number(cell % 16 < 5 && cell < 5 * 16)), 0.5); // this map is 1 in one corner, so that the contour meets two edges of the map
  const met = corner.flatMap(([x, y, toX, toY]) => [`${x.toFixed(6)},${y.toFixed(6)}`, `${toX.toFixed(6)},${toY.toFixed(6)}`]);
  assert.ok(met.length > 0 && met.every((end) => met.filter((other) => other === end).length === 2));
});

test("segments are joined into closed lines, with their areas", () => {
  const square = (x, y, side) => [[x, y, x + side, y], [x, y + side, x + side, y + side], [x, y, x, y + side], [x + side, y, x + side, y + side]];
  const lines = closed([...square(0, 0, 0.5), ...square(0.6, 0.6, 0.1)]);
  assert.deepEqual(lines.map((line) => line.length), [4, 4]);
  assert.deepEqual(lines.map((line) => area(line).toFixed(4)), ["0.2500", "0.0100"]);
  assert.deepEqual(closed([]), []);
});
