// Tests the functions with which the explorable `patching` describes patches in words.
import assert from "node:assert/strict";
import test from "node:test";

const { handover, ranges, shades, times } = await import(`${process.env.SITE}/live/patching.js`);

test("a difference of logits is a ratio with two digits", () => {
  assert.equal(times(-7.31), "1,500");
  assert.equal(times(0), "1.0");
  assert.equal(times(1.5), "4.5");
  assert.equal(times(15.86), "7.7 million");
});

test("the news moves where one token takes over from another, in one step", () => {
  assert.equal(handover([[1, -1], [1, -1], [-1, 1]]), 2);
  assert.ok(Number.isNaN(handover([[1, -1], [1, 1], [-1, 1]]))); // in layer 1, a patch of either token turns the answer
  assert.ok(Number.isNaN(handover([[1, -1], [-1, -1], [-1, 1]])));
  assert.ok(Number.isNaN(handover([[-1, -1], [-1, -1]])));
  assert.ok(Number.isNaN(handover([[-1], [1]]))); // with a single token, there is no other token to take over
  assert.equal(handover([[1, -1, -1], [-1, -1, 1]]), 1);
});

test("layers are named in runs", () => {
  assert.equal(ranges([0, 1, 2]), "0 to 2");
  assert.equal(ranges([4]), "4");
  assert.equal(ranges([0, 1, 5, 28, 29]), "0 to 1 and 5 and 28 to 29");
});

test("a list's shades are found by country, layer and token, and are none where nothing is stored", () => {
  const data = { layers: 2, lists: { Italy: "12345678" } };
  assert.deepEqual(shades(data, "Italy", 0, 1), [3, 4]);
  assert.deepEqual(shades(data, "Italy", 1, 0), [5, 6]);
  assert.deepEqual(shades({}, "Italy", 0, 0), []);
});
