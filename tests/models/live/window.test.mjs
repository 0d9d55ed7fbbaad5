// Tests the functions of the explorable `window` that compute how far several layers together carry information from a token,
// if in each layer a token attends only to the tokens in its window.
import assert from "node:assert/strict";
import test from "node:test";

const { layersNeeded, possible, reach } = await import(`${process.env.SITE}/live/window.js`);

test("each layer carries a token on by one less than the window holds", () => {
  assert.equal(layersNeeded(0, 16), 1);
  assert.equal(layersNeeded(15, 16), 1);
  assert.equal(layersNeeded(16, 16), 2);
  assert.equal(layersNeeded(60, 16), 4);
  assert.equal(layersNeeded(61, 16), 5);
  assert.equal(layersNeeded(3, 1), Infinity);
});

test("a layer carries a fact to the furthest token that sees it", () => {
  assert.equal(reach(7, 37, 30), 36);
  assert.equal(reach(7, 37, 31), 37);
  assert.equal(reach(36, 37, 30), 37, "not beyond the last token");
  for (const size of [2, 5, 8, 16, 40]) {
    const stops = [];
    while (stops.length < 4) stops.push(reach(stops.at(-1) ?? 3, 20, size));
    assert.equal(stops.at(-1) === 20, layersNeeded(17, size) <= 4, `window ${size}`);
  }
});

test("of the stops of a drop, only those count that the layers can have reached", () => {
  assert.deepEqual(possible([36, 37], 7, 37, 30, 4), [36, 37]);
  assert.deepEqual(possible([10, 20], 7, 37, 30, 4), [10, 20], "a layer may carry it less far than it could");
  assert.deepEqual(possible([37], 7, 37, 30, 4), [], "too far for one layer");
  assert.deepEqual(possible([14, 12], 7, 37, 8, 4), [14], "not back");
  assert.deepEqual(possible([8, 9, 10, 11, 12], 7, 37, 8, 4), [8, 9, 10, 11], "no more stops than layers");
});
