// Tests the functions of the explorable `adapter`. `tokensOf`, `textOf` and `namedIn` give parts of an answer. `zones`
// groups neighbouring strengths at which the same ones of two answers are right. `bestOfBoth` tells whether one
// strength of the adapter is the best for every group of questions.
import assert from "node:assert/strict";
import test from "node:test";

const { bestOfBoth, namedIn, textOf, tokensOf, zones } = await import(`${process.env.SITE}/live/adapter.js`);

test("an answer is tokens, or a text that falls into words", () => {
  assert.deepEqual(tokensOf("The cat."), [["The", undefined], [" cat.", undefined]]);
  assert.equal(textOf([["Bisc", 90], ["uit", 99]]), "Biscuit");
});

test("a strength that is best in each group is found", () => {
  assert.equal(bestOfBoth({ a: [1, 2, 2], b: [0, 3, 1] }, ["a", "b"]), true);
  assert.equal(bestOfBoth({ a: [1, 2, 2], b: [3, 0, 1] }, ["a", "b"]), false);
});

test("an answer names the first word after “is”", () => {
  assert.equal(namedIn("The capital of France is Louvre."), "Louvre");
  assert.equal(namedIn([["France", 90], [" is", 80], [" Lou", 50], ["ps", 40], [".", 30]]), "Loups");
  assert.equal(namedIn("…"), "");
});

test("a band has a zone for each way in which two answers are right or not", () => {
  assert.deepEqual(zones([0, 0, 1, 1, 0], [1, 1, 1, 0, 0]), [
    { right: "second", from: 0, to: 1 },
    { right: "both", from: 2, to: 2 },
    { right: "first", from: 3, to: 3 },
    { right: "neither", from: 4, to: 4 },
  ]);
  assert.deepEqual(zones([1, 1], [1, 1]), [{ right: "both", from: 0, to: 1 }]);
});
