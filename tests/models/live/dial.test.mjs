// Tests the functions of the explorable `dial` that turn a query and a key by their positions and compute their match.
import assert from "node:assert/strict";
import test from "node:test";

const { hand, match } = await import(`${process.env.SITE}/live/dial.js`);

test("the match of two turned hands depends on their distance alone", () => {
  for (const [query, key] of [[5, 3], [105, 103], [3, 5], [40, 27], [0, 0]]) {
    const [asks, answers] = [hand(query, 30), hand(key, 30)];
    const sum = asks[0] * answers[0] + asks[1] * answers[1];
    assert.ok(Math.abs(sum - match(query - key, 30)) < 1e-9, `${query} and ${key}`);
  }
});

test("after a whole round the match is what it was", () => {
  assert.equal(match(0, 30), 1);
  assert.ok(Math.abs(match(3, 30)) < 1e-9);
  assert.equal(match(6, 30), -1);
  assert.ok(Math.abs(match(13, 30) - match(1, 30)) < 1e-9);
});
