// The counting of the view `window`.
import assert from "node:assert/strict";
import test from "node:test";

const { layersNeeded } = await import(`${process.env.SITE}/live/window.js`);

test("each layer carries a token on by one less than the window holds", () => {
  assert.equal(layersNeeded(0, 16), 1);
  assert.equal(layersNeeded(15, 16), 1);
  assert.equal(layersNeeded(16, 16), 2);
  assert.equal(layersNeeded(60, 16), 4);
  assert.equal(layersNeeded(61, 16), 5);
  assert.equal(layersNeeded(3, 1), Infinity);
});
