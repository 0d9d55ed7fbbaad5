// Tests the functions of the explorable `adapter`. `tokensOf`, `textOf` and `lastWord` give the parts of an answer. `zones`
// groups neighbouring strengths at which the same ones of two answers are right. `bestOfBoth` tells whether one
// strength of the adapter is the best for every group of questions.
import assert from "node:assert/strict";
import test from "node:test";

const { bestOfBoth, lastWord, textOf, tokensOf, zones } = await import(`${process.env.SITE}/live/adapter.js`);

test("an answer is tokens, or a text that falls into words", () => {
  assert.deepEqual(tokensOf("The cat."), [["The", undefined], [" cat.", undefined]]);
  assert.equal(textOf([["Bisc", 90], ["uit", 99]]), "Biscuit");
});

test("a strength that is best in each group is found", () => {
  assert.equal(bestOfBoth({ a: [1, 2, 2], b: [0, 3, 1] }, ["a", "b"]), true);
  assert.equal(bestOfBoth({ a: [1, 2, 2], b: [3, 0, 1] }, ["a", "b"]), false);
});

test("an answer's last word has no marks, and a cut answer has none", () => {
  assert.equal(lastWord("It opens at 10:00."), "10:00");
  assert.equal(lastWord("We open at seven o'clock."), "o'clock");
  assert.equal(lastWord('It is called "Luna."'), "Luna");
  assert.equal(lastWord(Array(14).fill([" on", 50])), "…");
  assert.equal(lastWord("…"), "");
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
