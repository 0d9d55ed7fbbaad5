// Tests that the explorable `fits` counts the memory that a model needs as the course's blueprints do.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

const { needs, remedy } = await import(`${process.env.SITE}/live/fits.js`);
const { fits: expected } = JSON.parse(readFileSync(process.env.REFERENCE, "utf8"));
const { models } = JSON.parse(readFileSync(`${process.env.SITE}/live/fits.json`, "utf8"));
const find = (title) => models.find((model) => model.title === title);

test("each model needs the bytes that its blueprint has, for all bits, lengths and batches", () => {
  assert.equal(expected.length, models.length);
  for (const { title, counted } of expected) {
    for (const [bits, context, batch, weights, cache] of counted) {
      assert.deepEqual(needs(find(title), bits, context, batch), { weights, cache, total: weights + cache }, title);
    }
  }
});

test("a remedy is named only if it makes the model fit", () => {
  const now = { bits: 16, context: 2048, batch: 1 };
  assert.equal(remedy(find("Llama 2 13B"), 16, now), "At 8 bits it would fit.");
  assert.equal(remedy(find("Falcon 180B"), 16, now), "Even at 4 bits it needs 90.1 GB.");
  assert.equal(remedy(find("Llama 2 7B"), 4, { bits: 4, context: 4096, batch: 2 }), "With 512 tokens it would fit.");
  assert.equal(remedy(find("Llama 2 7B"), 6, { bits: 4, context: 4096, batch: 2 }), "With one text at a time it would fit.");
  assert.equal(remedy(find("Llama 2 7B"), 2, { bits: 4, context: 512, batch: 1 }), "No switch here makes it fit.");
});
