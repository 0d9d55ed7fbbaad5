// Compares the models that run in the page with the library transformers, whose results are in the file REFERENCE.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

const { SITE, REFERENCE } = process.env;
const { readSafetensors } = await import(`${SITE}/live/safetensors.js`);
const { TinyWorld } = await import(`${SITE}/live/tinyworld.js`);
const { Tokenizer } = await import(`${SITE}/live/tokenizer.js`);

const json = (path) => JSON.parse(readFileSync(path, "utf8"));

/** @param {string} folder */
function load(folder) {
  const file = readFileSync(`${folder}/model.safetensors`);
  const buffer = file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength);
  return {
    model: new TinyWorld(json(`${folder}/config.json`), readSafetensors(buffer)),
    tokenizer: new Tokenizer(json(`${folder}/tokenizer.json`)),
  };
}

const largestDifference = (ours, theirs) =>
  ours.reduce((most, value, index) => Math.max(most, Math.abs(value - theirs[index])), 0);

for (const { name, folder, text, ids, logits, attentions } of json(REFERENCE).models) {
  const { model, tokenizer } = load(folder);

  test(`${name} splits a text as the library does`, () => {
    assert.deepEqual(tokenizer.encode(text), ids);
  });

  test(`${name} gives the library's logits, to 0.0001`, () => {
    model.run(ids).steps.forEach((step, position) => {
      assert.ok(largestDifference([...step.logits], logits[position]) < 1e-4, `position ${position}`);
    });
  });

  test(`${name} gives the library's attention, to 0.0001`, () => {
    model.run(ids).steps.forEach((step, position) => {
      step.attention.forEach((heads, layer) =>
        heads.forEach((share, head) => {
          assert.ok(largestDifference([...share], attentions[layer][head][position]) < 1e-4);
        }),
      );
    });
  });

  test(`${name} goes on from its cache as from the beginning`, () => {
    const half = Math.floor(ids.length / 2);
    const { cache } = model.run(ids.slice(0, half));
    const kept = cache.copy();
    const { steps } = model.run(ids.slice(half), { cache });
    assert.deepEqual([...steps.at(-1).logits], [...model.run(ids).steps.at(-1).logits]);
    assert.equal(kept.length, half, "a copy stays as it was");
  });

  test(`${name} has hooks: a weight, a head, a state`, () => {
    const last = (hooks) => [...model.run(ids.slice(0, 6), { hooks }).steps.at(-1).logits];
    const before = last({});
    const [matrix] = [...model.tensors.keys()].filter((key) => /layers\.1.*(o_proj|down_proj|w2)|h\.1.*dense\.weight/.test(key));
    const restore = model.change(matrix, 0, 0, 10);
    assert.notDeepEqual(last({}), before);
    restore();
    assert.deepEqual(last({}), before, "the old value is back");
    assert.notDeepEqual(last({ headOff: (layer, head) => layer === 0 && head === 0 }), before);

    // Copying in a state from a run of the same text changes nothing. A state from another text changes the answer.
    const states = new Map();
    const remember = (layer, position, state) => states.set(`${layer} ${position}`, state.slice());
    model.run(ids.slice(0, 6), { hooks: { afterLayer: remember } });
    const patch = (layer, position, state) => {
      if (layer === 1 && position === 2) state.set(states.get("1 2"));
    };
    assert.deepEqual(last({ afterLayer: patch }), before);
    model.run([...ids.slice(0, 2), ids[5], ...ids.slice(3, 6)], { hooks: { afterLayer: remember } });
    assert.notDeepEqual(last({ afterLayer: patch }), before);
  });
}

test("Mixtral says which experts took a token, and with which share", () => {
  const mixtral = json(REFERENCE).models.find(({ name }) => name.endsWith("mixtral"));
  const { model } = load(mixtral.folder);
  for (const { routes } of model.run(mixtral.ids.slice(0, 5)).steps) {
    assert.equal(routes.length, 4);
    for (const { experts, shares, scores } of routes) {
      assert.equal(experts.length, 2);
      assert.ok(Math.abs(shares[0] + shares[1] - 1) < 1e-6);
      assert.equal(scores[experts[0]], Math.max(...scores));
    }
  }
});

test("a damaged file ends in a sentence", () => {
  assert.throws(() => readSafetensors(new ArrayBuffer(4)), /not a whole safetensors file/);
  const { folder } = json(REFERENCE).models[0];
  const file = readFileSync(`${folder}/model.safetensors`);
  const cut = file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength - 8);
  assert.throws(() => readSafetensors(cut), /ends inside the tensor/);
});
