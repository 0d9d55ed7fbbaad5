// Tests the functions of the explorable `sampling`: temperature, top-k, top-p, and the draw of a token.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

const { SITE, REFERENCE } = process.env;
const { cut, draw, shares, temperatureFor, ticks } = await import(`${SITE}/live/sampling.js`);
const { lots } = await import(`${SITE}/live/view.js`);

test("temperature, top-k and top-p keep what transformers keeps, and share it out alike", () => {
  const { warped } = JSON.parse(readFileSync(REFERENCE, "utf8"));
  for (const { logits, temperature, top_k: topK, top_p: topP, kept } of warped) {
    const ours = cut(shares(logits, temperature), topK, topP);
    assert.equal(ours.length, kept.length, `temperature ${temperature}, top-k ${topK}, top-p ${topP}`);
    kept.forEach((share, index) => assert.ok(Math.abs(ours[index] - share) < 1e-6));
  }
});

test("pulling a bar to a share finds the temperature that gives it", () => {
  const logits = [3, 2.5, 1, 0, 0, -1];
  for (const share of [0.3, 0.5, 0.9]) {
    const temperature = temperatureFor(logits, share, [0.1, 4]);
    assert.ok(Math.abs(shares(logits, temperature)[0] - share) < 1e-5, String(share));
  }
  assert.ok(temperatureFor(logits, 1e-9, [0.1, 4]) > 3.99, "not beyond the limit");
});

test("a token is drawn as often as its share says", () => {
  const count = [0, 0, 0];
  for (let lot = 0; lot < 1000; lot++) count[draw(Float64Array.from([0.5, 0.3, 0.2]), (lot + 0.5) / 1000)]++;
  assert.deepEqual(count, [500, 300, 200]);
  assert.equal(draw(Float64Array.from([0.6, 0.4]), 1), 1);
});

test("an axis of any length has three to five round shares, up to its end", () => {
  assert.deepEqual(ticks(1), [0, 0.25, 0.5, 0.75, 1]);
  assert.deepEqual(ticks(0.01), [0, 0.005, 0.01]);
  for (let end = 0.01; end <= 1; end += 0.01) {
    const all = ticks(end);
    assert.ok(all.length >= 3 && all.length <= 5 && all.at(-1) <= end + 1e-6, String(end));
  }
});

test("a seed gives the same lots, from 0 to 1 and even", () => {
  assert.deepEqual(lots(3, 20), lots(3, 20));
  assert.notDeepEqual(lots(3, 20), lots(4, 20));
  const many = lots(0, 10000);
  assert.ok(many.every((lot) => lot >= 0 && lot < 1));
  assert.ok(Math.abs(many.reduce((sum, lot) => sum + lot, 0) / many.length - 0.5) < 0.01);
});
