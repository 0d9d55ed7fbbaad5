// What the view `thinking` computes: the text on the screen after a change, and what is said of the answer.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

const { SITE } = process.env;
const { addsUp, stepsOf, terms, verdict, writeOut } = await import(`${SITE}/live/thinking.js`);
const { answers } = JSON.parse(readFileSync(`${SITE}/live/thinking.json`, "utf8"));

const SUM = "58+26+47+39";
const NOTHING = { edits: {}, on: true, stop: "all" };
const known = new Map(answers.map(({ want, written }) => [want.text, written]));
const goesOn = (text) => known.get(text);
const shown = (chosen) => writeOut(SUM, { ...NOTHING, ...chosen }, goesOn);
const results = ({ steps }) => steps.map(({ result }) => result);

test("steps are read from a text", () => {
  assert.deepEqual(terms(SUM), [58, 26, 47, 39]);
  assert.deepEqual(stepsOf("58+26=84;84+47=131;</think>170"), [{ left: "58+26", result: "84" }, { left: "84+47", result: "131" }]);
  assert.deepEqual(stepsOf("</think>170"), []);
  assert.ok(addsUp({ left: "58+26", result: "84" }) && !addsUp({ left: "58+26", result: "94" }));
});

test("a change is carried on, or stays alone", () => {
  const whole = shown({});
  assert.deepEqual([results(whole), whole.answer], [["84", "131", "170"], "170"]);
  const on = shown({ edits: { 0: "94" } });
  assert.deepEqual([results(on), on.answer], [["94", "141", "180"], "180"]);
  assert.deepEqual(on.steps.map(({ by }) => by), ["you", "model", "model"]);
  const stays = shown({ edits: { 0: "94" }, on: false });
  assert.deepEqual([results(stays), stays.answer], [["94", "131", "170"], "170"]);
  assert.deepEqual(stays.steps.map(({ by }) => by), ["you", "kept", "kept"]);
  const last = shown({ edits: { 2: "180" }, on: false });
  assert.equal(last.answer, "180");
});

test("the model answers after fewer steps", () => {
  for (const stop of [0, 1, 2]) {
    const short = shown({ stop });
    assert.equal(short.steps.length, stop);
    assert.equal(short.answer, goesOn(`${SUM}=<think>${["58+26=84;", "84+47=131;"].slice(0, stop).join("")}</think>`));
  }
});

test("nothing is shown before the model has written", () => {
  assert.equal(shown({ edits: { 0: "97" } }), undefined);
  assert.equal(writeOut("12+34", NOTHING, () => undefined), undefined);
});

test("an answer is judged by the sum and by the last step", () => {
  const says = (chosen, short = false) => verdict(SUM, shown(chosen), short);
  assert.equal(says({}), "is right.");
  assert.equal(says({ edits: { 0: "94" } }), "is wrong, 10 too many. It is the result of the last step.");
  assert.equal(says({ edits: { 0: "94" }, on: false }), "is right all the same. It is the result of the last step.");
  assert.match(says({ stop: 0 }, true), /: answered at once\.$/);
  assert.match(says({ stop: 2 }, true), /: answered after 2 of its steps\.$/);
  const odd = { steps: [{ left: "58+26", result: "500", by: "you" }], answer: "100" };
  assert.equal(verdict(SUM, odd, false), "is wrong, 70 too few, and is not the result of the last step.");
  assert.equal(verdict(SUM, { steps: [], answer: "" }, false), "is no number.");
});
