// The counting of the view `may_use`.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

const { count, freestFirst, weightiest } = await import(`${process.env.SITE}/live/may_use.js`);
const { licences, uses, answers } = JSON.parse(readFileSync(`${process.env.SITE}/live/may_use.json`, "utf8"));

test("each licence answers each use", () => {
  const counted = count(licences);
  assert.deepEqual(Object.keys(counted).sort(), [...answers].sort());
  assert.equal(Object.values(counted).reduce((sum, number) => sum + number), licences.length * uses.length);
});

test("the freest licences come first, and no licence is lost", () => {
  const names = freestFirst(licences).map(({ name }) => name);
  assert.deepEqual(names.slice(0, 2).sort(), ["apache-2.0", "mit"]);
  assert.deepEqual([...names].sort(), licences.map(({ name }) => name).sort());
});

test("a no shows what forbids it, and a yes with conditions its first condition", () => {
  for (const { verdicts } of licences) {
    for (const { answer, clauses } of verdicts) {
      const { kind } = clauses[weightiest(clauses)];
      if (answer === "no") assert.ok(["prohibition", "condition"].includes(kind));
      if (answer === "yes") assert.notEqual(kind, "prohibition");
    }
  }
});
