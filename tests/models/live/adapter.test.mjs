// Tests the functions of the explorable `adapter` that find the words of an answer, group neighbouring strengths with the same
// answer (a ribbon's stretches), and tell whether one strength is the best for all groups of questions.
import assert from "node:assert/strict";
import test from "node:test";

const { bestOfBoth, lastWord, stretches, textOf, tokensOf } = await import(`${process.env.SITE}/live/adapter.js`);

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

test("a ribbon has a stretch for each word, and for right and wrong", () => {
  const answers = ["At seven in the morning.", "At ten in the morning.", "Morning? In the morning.", "Never."];
  assert.deepEqual(stretches({ answers, right: [0, 1, 1, 0] }), [
    { word: "morning", right: false, from: 0, to: 0 },
    { word: "morning", right: true, from: 1, to: 2 },
    { word: "Never", right: false, from: 3, to: 3 },
  ]);
});
