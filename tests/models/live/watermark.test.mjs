// Tests that the explorable `watermark` has the same lists of green tokens as transformers, and computes right odds.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";

const { byChance, listed, odds, zScore } = await import(`${process.env.SITE}/live/watermark.js`);
const { key, size, lists, tails } = JSON.parse(await readFile(process.env.WATERMARK, "utf8"));

test("a key lists the same tokens as in transformers", () => {
  assert.ok(lists.length > 10);
  for (const [before, ids] of lists) assert.deepEqual([...listed(key, before, size, 0.25)].sort((a, b) => a - b), ids);
});

test("chance is the binomial distribution's upper tail", () => {
  for (const [hits, count, tail] of tails) assert.ok(Math.abs(byChance(hits, count, 0.25) / tail - 1) < 1e-6, `${hits} of ${count}`);
});

test("odds and z are said in words", () => {
  assert.equal(odds(1), "nearly all");
  assert.equal(odds(1 / 3), "1 in 3");
  assert.equal(odds(1 / 18_345), "1 in 18,000");
  assert.equal(odds(1 / 3.14e6), "1 in 3.1 million");
  assert.equal(odds(1e-30), "1 in over a trillion");
  assert.equal(zScore(74, 199, 0.25).toFixed(3), "3.970");
});
