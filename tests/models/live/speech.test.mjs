import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

const { melPicture, whiteNoise, gainOf } = await import(`${process.env.SITE}/live/speech.js`);
const reference = JSON.parse(readFileSync(process.env.SPEECH, "utf-8"));
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
