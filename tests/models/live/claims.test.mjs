// The counting of the view `claims`.
import assert from "node:assert/strict";
import test from "node:test";

const { score } = await import(`${process.env.SITE}/live/claims.js`);

test("a guess counts once it is made, and as the same only if the key says so", () => {
  const claims = [{ number: 1, verdict: "true" }, { number: 2, verdict: "false" }, { number: 9, verdict: "opinion" }];
  assert.deepEqual(score({}, claims), { made: 0, same: 0 });
  assert.deepEqual(score({ 1: "true", 9: "true" }, claims), { made: 2, same: 1 });
});
