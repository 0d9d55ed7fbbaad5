// The arithmetic of the view `sampling`.
import assert from "node:assert/strict";
import test from "node:test";

const { shares, temperatureFor, draw } = await import(`${process.env.SITE}/live/sampling.js`);

test("shares sum to 1, and a lower temperature favours the likeliest", () => {
  const logits = [2, 1, 0, -3];
  for (const temperature of [0.1, 1, 4]) {
    const total = shares(logits, temperature).reduce((sum, share) => sum + share, 0);
    assert.ok(Math.abs(total - 1) < 1e-12);
  }
  assert.ok(shares(logits, 0.5)[0] > shares(logits, 1)[0]);
  assert.ok(Math.abs(shares(logits, 1)[0] / shares(logits, 1)[1] - Math.E) < 1e-12);
});

test("pulling a bar to a share finds the temperature that gives it", () => {
  const logits = [3, 2.5, 1, 0, 0, -1];
  for (const share of [0.3, 0.5, 0.9]) {
    const temperature = temperatureFor(logits, share, [0.1, 4]);
    assert.ok(Math.abs(shares(logits, temperature)[0] - share) < 1e-6, String(share));
  }
  assert.ok(temperatureFor(logits, 1e-9, [0.1, 4]) > 3.99, "not beyond the limit");
});

test("a token is drawn as often as its share says, and only from those that are kept", () => {
  const share = Float64Array.from([0.5, 0.3, 0.2]);
  const count = [0, 0, 0];
  for (let lot = 0; lot < 1000; lot++) count[draw(share, [0, 1, 2], 3, (lot + 0.5) / 1000)]++;
  assert.deepEqual(count, [500, 300, 200]);
  for (const lot of [0, 0.5, 0.999999]) assert.ok(draw(share, [0, 1, 2], 2, lot) < 2);
  assert.equal(draw(share, [0, 1, 2], 1, 1), 0);
});
