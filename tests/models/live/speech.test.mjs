import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

const { columnsOf, melPicture, whiteNoise, gainOf } = await import(`${process.env.SITE}/live/speech.js`);
const reference = JSON.parse(readFileSync(process.env.REFERENCE, "utf-8"));
const furthest = (one, other) => one.reduce((most, value, index) => Math.max(most, Math.abs(value - other[index])), 0);

test("the page's noise is the noise that Whisper got", () => {
  const noise = whiteNoise(reference.noise.length, reference.seed);
  assert.ok(furthest(reference.noise, noise) < 1e-5);
});

test("noise is as loud as its level says", () => {
  const samples = Float32Array.from(reference.samples);
  const noise = whiteNoise(samples.length, reference.seed);
  const gain = gainOf(samples, noise, 5);
  assert.ok(furthest(reference.noisy, samples.map((value, index) => value + gain * noise[index])) < 1e-5);
  assert.equal(gainOf(samples, noise, null), 0);
});

test("the page's picture of a sound is the one that Whisper gets", () => {
  const { values, frames } = melPicture(Float32Array.from(reference.samples));
  assert.equal(frames, reference.mel.length / 80);
  assert.ok(furthest(reference.mel, values) < 1e-3);
});

test("a written word stands below the spoken word that it equals", () => {
  const spoken = "he was not an ill disposed young man".split(" ");
  const columns = columnsOf(spoken, ["It", "was", "not", "an", "ill-sposed", "man."]);
  assert.deepEqual(columns, [[0, 0], [1, 1], [2, 2], [3, 3], [4, 4], [5, -1], [6, -1], [7, 5]]);
  const longer = columnsOf("made amiable himself".split(" "), ["made", "in", "the", "boy", "himself."]);
  assert.deepEqual(longer, [[0, 0], [1, 1], [-1, 2], [-1, 3], [2, 4]]);
  const judged = columnsOf("a more woman he".split(" "), ["woman.", "I'm", "a"], [0, 1, 3], [1, 2]);
  assert.deepEqual(judged, [[0, -1], [1, -1], [2, 0], [3, 1], [-1, 2]], "“a” is judged wrong, so “woman” is the pair");
});
