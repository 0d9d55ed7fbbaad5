// Tests `partsOf`, with which the view `ablation` divides a bar into parts: one part for each of the likeliest words.
import assert from "node:assert/strict";
import test from "node:test";

const { partsOf } = await import(`${process.env.SITE}/live/ablation.js`);

const before = [[" golden", 0.7], [" red", 0.2], [" brown", 0.05]];

test("a word keeps its place in the bar, whichever word is the likeliest now", () => {
  assert.deepEqual(partsOf(before, before), [{ token: " golden", share: 0.7, from: 0 }, { token: " red", share: 0.2, from: 0.7 }]);
  const turned = partsOf(before, [[" red", 0.8], [" golden", 0.1]]);
  assert.deepEqual(turned, [{ token: " golden", share: 0.1, from: 0 }, { token: " red", share: 0.8, from: 0.1 }]);
});

test("a third word that is the likeliest now has a part of its own, and a word that is not listed has none", () => {
  const third = partsOf(before, [[" black", 0.6], [" golden", 0.25]]);
  assert.deepEqual(third.map(({ token, share }) => [token, share]), [[" golden", 0.25], [" red", 0], [" black", 0.6]]);
  assert.equal(third[2].from, 0.25);
});
