// Tests the functions of the explorable `may_use` that count and sort what each licence allows.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

const { count, inOrder, namesOf, stopOf, weightiest } = await import(`${process.env.SITE}/live/may_use.js`);
const { licences, uses, answers } = JSON.parse(readFileSync(`${process.env.SITE}/live/may_use.json`, "utf8"));

test("each licence answers each use", () => {
  const counted = count(licences);
  assert.deepEqual(Object.keys(counted).sort(), [...answers].sort());
  assert.equal(Object.values(counted).reduce((sum, number) => sum + number), licences.length * uses.length);
});

test("the freest licences come first, and no licence is lost", () => {
  const names = inOrder(licences).map(({ name }) => name);
  assert.deepEqual(names.slice(0, 3).sort(), ["apache-2.0", "mit", "openmdw-1.1"]);
  assert.deepEqual([...names].sort(), licences.map(({ name }) => name).sort());
});

test("the licences of later models come last", () => {
  const later = inOrder(licences).map((licence) => licence.later);
  assert.equal(later.indexOf(true), later.lastIndexOf(false) + 1);
});

test("the versions of one maker stand together, the oldest first", () => {
  const llamas = inOrder(licences).map(({ short }) => short).join();
  assert.match(llamas, /Llama 2,Llama 3,Llama 3.1,Llama 3.2,Llama 4/);
});

test("a cell says what decides, unless nothing is asked", () => {
  for (const { verdicts } of licences) {
    for (const { answer, word } of verdicts) assert.equal(word === "", answer === "yes");
  }
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

test("a licence is stopped by the first of the plans that it does not allow", () => {
  const llama = licences.find(({ name }) => name === "llama-4-community");
  const at = (use) => uses.findIndex((one) => one.includes(use));
  assert.equal(stopOf(llama, []), -1);
  assert.equal(stopOf(llama, [at("sell a product"), at("medical")]), -1); // a use with conditions is allowed
  assert.equal(stopOf(llama, [at("naming"), at("European")]), at("naming"));
  assert.equal(stopOf(llama, [...uses.keys()]), at("billion"));
});

test("a licence is stopped by the gate that stands first on the road", () => {
  const llama = licences.find(({ name }) => name === "llama-4-community");
  const at = (use) => uses.findIndex((one) => one.includes(use));
  assert.equal(stopOf(llama, [at("European"), at("naming")]), at("European"));
});

test("no two clauses of an answer have the same name", () => {
  for (const { verdicts } of licences) {
    for (const { clauses } of verdicts) assert.equal(new Set(namesOf(clauses)).size, clauses.length);
  }
});
