// Tests the functions of the explorable `adapter`: dots for parameters, words of an answer, and the best strength.
import assert from "node:assert/strict";
import test from "node:test";

const { bestOfBoth, dotsFor, textOf, tokensOf } = await import(`${process.env.SITE}/live/adapter.js`);

test("model and adapter are drawn in dots of the same worth", () => {
  assert.deepEqual(dotsFor(134_515_008, 460_800, 3_000), { worth: 50_000, model: 2690, adapter: 9 });
});

test("an answer is tokens, or a text that falls into words", () => {
  assert.deepEqual(tokensOf("The cat."), [["The", undefined], [" cat.", undefined]]);
  assert.equal(textOf([["Bisc", 90], ["uit", 99]]), "Biscuit");
});

test("a strength that is best in each group is found", () => {
  assert.equal(bestOfBoth({ a: [1, 2, 2], b: [0, 3, 1] }, ["a", "b"]), true);
  assert.equal(bestOfBoth({ a: [1, 2, 2], b: [3, 0, 1] }, ["a", "b"]), false);
});
