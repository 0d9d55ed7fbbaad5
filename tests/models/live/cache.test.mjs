// Tests that the explorable `cache` computes the sizes of key-value caches, and writes these sizes, as the course's Python does.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

const { cacheBytes, evenShares, grid, size } = await import(`${process.env.SITE}/live/cache.js`);
const { cache: expected, sizes } = JSON.parse(readFileSync(process.env.REFERENCE, "utf8"));
const { plans } = JSON.parse(readFileSync(`${process.env.SITE}/live/cache.json`, "utf8"));

test("the cache has the bytes of the blueprint, for each length and for each number of key-value heads", () => {
  for (const plan of plans) {
    for (const [tokens, count, bytes] of expected[plan.title]) assert.equal(cacheBytes(plan, tokens, count), bytes, plan.title);
  }
});

test("a sliding window caps the cache", () => {
  const mistral = plans.find(({ window }) => window);
  assert.equal(mistral.window, 4096);
  assert.equal(cacheBytes(mistral, 4096), cacheBytes(mistral, 131072));
});

test("heads are shared evenly", () => {
  assert.deepEqual(evenShares(32), [1, 2, 4, 8, 16, 32]);
  assert.deepEqual(evenShares(71), [1, 71]);
});

test("bytes are written as in Python", () => {
  for (const [bytes, text] of sizes) assert.equal(size(bytes), text);
});

test("each text has a cell, and all lie inside the box", () => {
  for (const room of [1, 1.9, 3.97, 13.4, 63.5, 476.2, 953.7, 5999.9]) {
    const count = Math.floor(room);
    const [columns, rows, share] = grid(count, room, 2);
    assert.ok(columns * rows >= count && columns * (rows - 1) < count && share <= 1, String(room));
  }
});
