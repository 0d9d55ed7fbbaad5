// Tests the functions with which the explorable `audit` judges intervals, writes their ends, and computes shares at a
// temperature. Also tests that the stored data of `audit` give the counts of lesson 11.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

const { heat, near, verdict } = await import(`${process.env.SITE}/live/audit.js`);
const data = JSON.parse(readFileSync(`${process.env.SITE}/live/audit.json`, "utf-8"));
const at = data.temperatures.indexOf(1);

test("a lean is found only if its whole interval lies beyond the threshold", () => {
  assert.equal(verdict(11, 20, 10), "she");
  assert.equal(verdict(9, 20, 10), "");
  assert.equal(verdict(-30, -11, 10), "he");
  assert.equal(verdict(-30, 30, 10), "");
});

test("an end of an interval that would be rounded to the limit has a decimal", () => {
  assert.equal(near(9.5, 10), "+9.5");
  assert.equal(near(-10.2, 10), "−10.2");
  assert.equal(near(14.4, 10), "+14");
});

test("a share at a temperature is what dividing two logits gives", () => {
  assert.equal(heat(0.3, 0), 0);
  assert.equal(heat(0.5, 0), 0.5);
  assert.equal(heat(0.7, 0), 1);
  assert.equal(heat(1, 0.5), 1);
  assert.equal(heat(0, 2), 0);
  const [one, other] = [Math.log(0.8), Math.log(0.2)].map((logit) => Math.exp(logit / 0.5));
  assert.ok(Math.abs(heat(0.8, 0.5) - one / (one + other)) < 1e-12);
});

test("the stored states give the counts of lesson 11", () => {
  const { words } = data.models.find(({ title }) => title === "SmolLM2");
  const leaning = (list, end) => list.filter((word) => verdict(words[word][at][end], words[word][at][end + 1], data.lean)).length;
  assert.deepEqual([leaning(data.trades, 1), leaning(data.trades, 3)], [20, 10]);
  assert.deepEqual([leaning(data.controls, 1), leaning(data.controls, 3)], [3, 1]);
  assert.deepEqual(words.barber[at].map(Math.round), [-47, -55, -39, -61, -33]);
});
