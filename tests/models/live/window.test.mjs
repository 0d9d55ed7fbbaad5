// Tests the functions of the explorable `window` that compute how far several layers together carry information from a token,
// if in each layer a token attends only to the tokens in its window.
import assert from "node:assert/strict";
import test from "node:test";

const { layersNeeded, relay } = await import(`${process.env.SITE}/live/window.js`);

test("each layer carries a token on by one less than the window holds", () => {
  assert.equal(layersNeeded(0, 16), 1);
  assert.equal(layersNeeded(15, 16), 1);
  assert.equal(layersNeeded(16, 16), 2);
  assert.equal(layersNeeded(60, 16), 4);
  assert.equal(layersNeeded(61, 16), 5);
  assert.equal(layersNeeded(3, 1), Infinity);
});

test("a fact is handed on by the furthest token that sees it, layer by layer", () => {
  assert.deepEqual(relay(7, 37, 30, 4), [7, 36, 37]);
  assert.deepEqual(relay(7, 37, 31, 4), [7, 37]);
  assert.deepEqual(relay(7, 37, 8, 4), [7, 14, 21, 28, 35], "out of reach");
  for (const size of [2, 5, 8, 16, 40]) {
    const stops = relay(3, 20, size, 4);
    assert.equal(stops.at(-1) === 20, layersNeeded(17, size) <= 4, `window ${size}`);
  }
});
