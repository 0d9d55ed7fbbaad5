// Tests how the view `ablation` divides a bar into parts, one for each of the likeliest words, and which head it keeps off.
import assert from "node:assert/strict";
import test from "node:test";

const { needed, partsOf } = await import(`${process.env.SITE}/live/ablation.js`);

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

test("the head that stays off is the one that the answer needs most", () => {
  const off = (name, top) => ({ want: { off: [name] }, top });
  const alone = [off("0.0", [[" red", 0.5], [" golden", 0.4]]), off("0.1", [[" golden", 0.3]]), off("1.0", [[" red", 0.8], [" golden", 0.1]])];
  assert.equal(needed({ top: before }, alone), "1.0");
  assert.equal(needed({ top: before }, alone.slice(1, 2)), undefined);
});
