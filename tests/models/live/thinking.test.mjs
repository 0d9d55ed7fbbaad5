// Tests the functions of the explorable `thinking`: the text after a step is changed, and the sentences on the answer.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

const { SITE } = process.env;
const { addsUp, flow, remarks, stepsOf, terms, verdict, writeOut } = await import(`${SITE}/live/thinking.js`);
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

test("each number is found where it comes from, as long as it is carried on", () => {
  const from = (sum, text) => flow(sum, text).bars.map(({ parts }) => parts.map((part) => part.from));
  assert.deepEqual(from(SUM, shown({})), [["term", "term"], ["before", "term"], ["before", "term"]]);
  const lit = (chosen) => {
    const found = flow(SUM, shown(chosen));
    return [...found.bars.map((bar) => bar.lit), found.lit];
  };
  assert.deepEqual(lit({}), [false, false, false, false]);
  assert.deepEqual(lit({ edits: { 0: "94" } }), [true, true, true, true]);
  assert.deepEqual(lit({ edits: { 1: "141" } }), [false, true, true, true]);
  assert.deepEqual(lit({ edits: { 0: "94" }, on: false }), [true, false, false, false]);
  assert.deepEqual(lit({ edits: { 2: "180" }, on: false }), [false, false, true, true]);
  const kept = shown({ edits: { 0: "94" }, on: false });
  assert.deepEqual(remarks(SUM, kept, true), ["Step 1: 58+26 is 84, not 94.", "Step 2 still has 84: the change ends there."]);
  const cut = { steps: [{ left: "58+26", result: "999", by: "you" }, { left: "99+47", result: "146", by: "model" }], answer: "185" };
  assert.equal(flow("58+26+47", cut).carried, false);
  const near = { steps: [{ left: "58+26", result: "150", by: "you" }, { left: "99+47", result: "146", by: "model" }], answer: "146" };
  assert.equal(remarks("58+26+47", near, true)[1], "The model did not take your 150: step 2 goes on with 99.");
  const own = { steps: near.steps.map((step) => ({ ...step, by: "model" })), answer: "146" };
  assert.equal(remarks("58+26+47", own, true)[1], "Step 2 goes on with 99, not with 150.");
  assert.deepEqual(remarks("58+26+47", cut, true).slice(1), ["The model did not take your 999: step 2 goes on with 99. (It has learned to add numbers from 10 to 99, and 2 of them never make 999.)", "The answer is not the last result, 146."]);
});

test("numbers that no step added hang loose, and one from nowhere is found", () => {
  const sum = "63+81+41+29+76+86+59";
  const text = writeOut(sum, NOTHING, goesOn);
  const { bars, loose } = flow(sum, text);
  assert.deepEqual(loose, [2, 5]); // 41 and 86
  assert.deepEqual(bars.map(({ parts }) => parts[1].from), ["term", "nowhere", "term", "term", "term"]);
  const columns = bars.map(({ column }) => column);
  assert.deepEqual(columns, [...columns].sort((a, b) => a - b));
  assert.ok(new Set(columns).size === bars.length && columns.at(-1) === 6);
  assert.deepEqual(remarks(sum, text, true), ["49 is none of the sum's numbers.", "No step added 41 and 86."]);
  assert.deepEqual(remarks(sum, text, false), []);
  assert.deepEqual(flow(SUM, shown({ stop: 1 })).loose, [2, 3]);
  const twice = { steps: [{ left: "72+15", result: "87", by: "model" }, { left: "87+72", result: "159", by: "model" }], answer: "159" };
  assert.deepEqual(flow("72+15+72", twice).bars.map(({ parts }) => parts.at(-1).term), [1, 2]);
});

test("an answer is judged by the sum and by the last step", () => {
  const says = (chosen, short = false) => verdict(SUM, shown(chosen), short, true);
  assert.equal(says({}), "is right.");
  assert.equal(says({ edits: { 0: "94" } }), "is wrong, 10 too many. Your change ran through to the answer.");
  assert.equal(says({ edits: { 0: "94" }, on: false }), "is right all the same. Your change did not reach the answer.");
  const passed = { steps: [{ left: "58+26", result: "0", by: "you" }, { left: "60+47", result: "107", by: "model" }, { left: "107+39", result: "146", by: "model" }], answer: "146" };
  assert.equal(verdict(SUM, passed, false, true), "is wrong, 24 too few. It is the result of the last step.");
  assert.match(says({ stop: 0 }, true), /: answered at once\.$/);
  assert.match(says({ stop: 2 }, true), /: answered after 2 steps\.$/);
  assert.equal(verdict(SUM, shown({ edits: { 0: "94" } }), false, false), "is wrong, 10 too many."); // `tells` is false, so nothing is said about the last step
  const odd = { steps: [{ left: "58+26", result: "500", by: "you" }], answer: "100" };
  assert.equal(verdict(SUM, odd, false, true), "is wrong, 70 too few, and is not the result of the last step.");
  assert.equal(verdict(SUM, { steps: [], answer: "" }, false, true), "is no number.");
});
