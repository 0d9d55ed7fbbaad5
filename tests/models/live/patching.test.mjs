// Tests the functions with which the explorable `patching` describes patches in words.
import assert from "node:assert/strict";
import test from "node:test";

const { handover, ranges, stripe, times } = await import(`${process.env.SITE}/live/patching.js`);

test("a difference of logits is a ratio with two digits", () => {
  assert.equal(times(-7.31), "1,500");
  assert.equal(times(0), "1.0");
  assert.equal(times(1.5), "4.5");
  assert.equal(times(15.86), "7.7 million");
});

test("the news moves where one token takes over from another, in one step", () => {
  assert.equal(handover([[1, -1], [1, -1], [-1, 1]]), 2);
  assert.ok(Number.isNaN(handover([[1, -1], [1, 1], [-1, 1]]))); // in layer 1, both tokens work
  assert.ok(Number.isNaN(handover([[1, -1], [-1, -1], [-1, 1]])));
  assert.ok(Number.isNaN(handover([[-1, -1], [-1, -1]])));
  assert.ok(Number.isNaN(handover([[-1], [1]]))); // with a single token, none takes over
  assert.equal(handover([[1, -1, -1], [-1, -1, 1]]), 1);
});

test("layers are named in runs", () => {
  assert.equal(ranges([0, 1, 2]), "0 to 2");
  assert.equal(ranges([4]), "4");
  assert.equal(ranges([0, 1, 5, 28, 29]), "0 to 1 and 5 and 28 to 29");
});

test("a list is a stripe: clear where a number is the smallest, full where it is the largest", () => {
  const lists = { Kenya: Buffer.from(Int8Array.from([127, -127, 0, 127])).toString("base64") };
  const colour = (percent) => `color-mix(in srgb, var(--list) ${percent}%, transparent)`;
  assert.equal(stripe({ layers: 2, lists }, "Kenya", 0, 0, 1), `linear-gradient(${colour(100)} 0.00% 50.00%, ${colour(0)} 50.00% 100.00%)`);
  assert.equal(stripe({ layers: 2, lists }, "Kenya", 1, 0, 1), `linear-gradient(${colour(50)} 0.00% 50.00%, ${colour(100)} 50.00% 100.00%)`);
  assert.equal(stripe({ layers: 2 }, "Kenya", 0, 0, 1), undefined);
});
