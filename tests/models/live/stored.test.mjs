// Tests that the stored answers, which the pages show before their model is loaded, are the answers of the model.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { VIEWS, store } from "../../../website/store_answers.mjs";

const { numbers, piecesOf, wordsLike } = await import(`${process.env.SITE}/live/view.js`);
const { Tokenizer } = await import(`${process.env.SITE}/live/tokenizer.js`);
const TOLERANCE = 1e-3;

/** Assert that two JSON values are the same, except that numbers may differ by TOLERANCE. */
function near(stored, computed, path) {
  if (typeof computed === "number") assert.ok(Math.abs(stored - computed) <= TOLERANCE, `${path}: ${stored}, ${computed}`);
  else if (typeof computed !== "object" || computed === null) assert.equal(stored, computed, path);
  else {
    assert.deepEqual(Object.keys(stored), Object.keys(computed), path);
    for (const key of Object.keys(computed)) near(stored[key], computed[key], `${path}.${key}`);
  }
}

// The environment variable STORED names the views to compare. Without this variable, all views are compared.
for (const name of process.env.STORED?.split(" ") ?? Object.keys(VIEWS)) {
  const file = new URL(`../../../course_utils/opened/${name}.json`, import.meta.url);
  const stored = JSON.parse(readFileSync(file, "utf8"));
  const { data, whole } = await store(name);

  test(`what is stored for ${name} is what the model in the page answers, to 0.001`, () => {
    assert.equal(stored.answers.length, whole.length);
    whole.forEach((said, index) => {
      const kept = stored.answers[index];
      assert.deepEqual(kept.want, said.want);
      if (said.logits) near([...numbers(kept.logits)], [...said.logits], `${name} ${index}`);
      if (said.written) near(kept.written, said.written, `${name} ${index}`);
      if (kept.attention) near(kept.attention, said.attention, `${name} ${index}`);
      if (said.top) near(kept.top, said.top.slice(0, kept.top.length), `${name} ${index}`);
      if (said.top) assert.ok(said.top.slice(kept.top.length).every(([, share]) => share <= TOLERANCE));
    });
    const rest = ({ answers, ...others }) => ({ ...others, routes: answers.map(({ routes, random }) => [routes ?? null, random ?? null]) });
    near(rest(stored), rest(data), name);
  });
}

test("a view finds the same words as the tokenizer, and offers words that begin alike", () => {
  const file = new URL("../../../course_utils/training/weights/tinyworld-llama/tokenizer.json", import.meta.url);
  const tokenizer = new Tokenizer(JSON.parse(readFileSync(file, "utf8")));
  const text = "The robot's dog-house (No. 12) cost “27” coins; naïve Noor!";
  const ids = piecesOf(text).map((piece) => tokenizer.ids.get(piece) ?? tokenizer.unknown);
  assert.deepEqual([tokenizer.begin, ...ids], tokenizer.encode(text));
  const vocabulary = new Set(tokenizer.tokens);
  assert.equal(wordsLike("noor", vocabulary)[0], "Noor");
  assert.ok(wordsLike("piglets", vocabulary).includes("piglet"));
  assert.deepEqual(wordsLike("xyz", vocabulary), []);
});
