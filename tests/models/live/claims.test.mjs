// Tests the functions of the explorable `claims` that shorten a claim and compare a guess with the verdict.
import assert from "node:assert/strict";
import test from "node:test";

const { beginning, groupOf, score } = await import(`${process.env.SITE}/live/claims.js`);

test("a tile has whole words, and says by an ellipsis that there are more", () => {
  assert.equal(beginning("Apache 2.0"), "Apache 2.0");
  assert.equal(beginning("enhanced reasoning, code generation, and more", 24), "enhanced reasoning, code\u2026");
  assert.equal(beginning("enhanced reasoning, code generation", 22), "enhanced reasoning\u2026");
});

test("a guess counts once it is made, and as the same if it is the group of the verdict", () => {
  const claims = [{ number: 1, verdict: "mostly true" }, { number: 2, verdict: "false" }, { number: 9, verdict: "opinion" }];
  assert.deepEqual(claims.map(({ verdict }) => groupOf(verdict)), ["holds", "fails", "open"]);
  assert.deepEqual(score({}, claims), { made: 0, same: 0 });
  assert.deepEqual(score({ 1: "holds", 9: "holds" }, claims), { made: 2, same: 1 });
  assert.deepEqual(score({ 1: "part", 2: "part" }, claims), { made: 2, same: 0 });
  assert.deepEqual(score({ 1: "fails", 2: "holds" }, claims), { made: 2, same: 0 });
});

test("in the notebook a guess is a verdict, and only that verdict agrees", () => {
  const claims = [{ number: 1, verdict: "mostly true" }, { number: 2, verdict: "false" }];
  assert.deepEqual(score({ 1: "true", 2: "false" }, claims, true), { made: 2, same: 1 });
});
