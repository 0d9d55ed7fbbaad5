// Tests the functions with which the explorables `one_weight` and `heads` describe their stored states.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";

const { margins } = await import(`${process.env.SITE}/live/one_weight.js`);
const { overHalf } = await import(`${process.env.SITE}/live/heads.js`);

test("the margins are the nearest values whose answer differs, and the last whose answer stays", () => {
  const answer = (text) => [[text, 90]];
  const data = { scales: [0, 0.5, 0.9, 1, 1.5] };
  const answers = { question: ["x", "x", "y", "Paris", "Paris"].map(answer), all: ["a", "a", "a", "a", "b"].map(answer) };
  assert.deepEqual(margins(data, { answers }, "question"), { less: 10, more: 50 });
  assert.deepEqual(margins(data, { answers }, "all"), { less: 100, more: 0 });
  assert.equal(margins(data, { answers }, "not stored"), undefined);
});

test("every stored answer stays up to half as much again, as the view says", async () => {
  const data = JSON.parse(await readFile(`${process.env.SITE}/live/one_weight.json`, "utf-8"));
  const found = data.weights.map((weight) => data.questions.map((question) => margins(data, weight, question)));
  assert.deepEqual(found.map((each) => each.map(({ less }) => less)), [[5, 35, 5], [10, 95, 15]]);
  assert.ok(found.flat().every(({ more }) => more === 50));
});

test("half is not more than half", () => {
  assert.equal(overHalf([0.5, 0.51, 0.2]), 1);
});
