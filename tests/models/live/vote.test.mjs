// Tests that the explorable `vote` computes the same ratings from votes as Python. Also tests its intervals from few votes, and the
// order of contests and votes.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

const { bradleyTerry, doubts, elo, shuffled, spaced } = await import(`${process.env.SITE}/live/vote.js`);
const data = JSON.parse(readFileSync(`${process.env.SITE}/live/vote.json`, "utf-8"));
const items = [...new Set(data.contests.map(([prompt]) => prompt))];
const votes = (name) => data.votes[name].map((result, index) => {
  const [prompt, left, , right] = data.contests[index];
  return [data.models.indexOf(left), data.models.indexOf(right), result, items.indexOf(prompt)];
});

test("votes fitted at once give the stored ratings, which are Python's", () => {
  for (const name of ["rule", "length"]) {
    for (const count of [1, 2, 3, 10, 57, data.contests.length]) {
      const found = bradleyTerry(votes(name).slice(0, count), data.models.length, data.student);
      data.ratings[name][count - 1].forEach((stored, index) => {
        if (!stored) return assert.equal(found[index], null);
        stored.forEach((number, at) => {
          if (number === null) assert.equal(found[index][at], null);
          else assert.ok(Math.abs(number - found[index][at]) < 0.06, `${name}, ${count} votes: ${found[index][at]} for ${number}`);
        });
      });
    }
  }
});

test("Elo's steps end where lesson 10's table has them", () => {
  const round = (ratings) => ratings.map(Math.round);
  assert.deepEqual(data.models, ["Falcon", "Llama", "Mistral", "Mixtral"]);
  const path = elo(votes("rule"), 4);
  assert.deepEqual(round(path[20]), [1060, 985, 934, 1020]);
  assert.deepEqual(round(path.at(-1)), [1208, 993, 772, 1028]);
});

test("a few votes leave more doubt than many, and a model without a vote the most", () => {
  const half = (count) => {
    const cast = votes("rule").slice(0, count);
    return doubts(cast, bradleyTerry(cast, data.models.length, data.student));
  };
  const [none, one, ten, all] = [0, 1, 10, data.contests.length].map(half);
  assert.equal(new Set(none.map(Math.round)).size, 1);
  const [left, right] = votes("rule")[0];
  const voted = Math.max(one[left], one[right]);
  one.forEach((each, model) => assert.ok(model === left || model === right || each > voted));
  ten.forEach((each, model) => assert.ok(each < none[model] / 3 && each > 2 * all[model]));
  // From all votes, the interval is about as wide as the one that leaves out one story at a time.
  data.ratings.rule.at(-1).forEach(([rating, , high], model) => assert.ok(all[model] / (high - rating) > 0.7 && all[model] / (high - rating) < 1.5));
});

test("a story that was among the last few waits, and each contest is asked once", () => {
  assert.deepEqual(spaced(["a", "b", "b", "c", "a"], 1), [0, 1, 3, 2, 4]);
  assert.deepEqual(spaced(["a", "a"], 1), [0, 1]);
  const stories = data.contests.map(([prompt]) => prompt);
  const order = spaced(stories);
  assert.deepEqual([...order].sort((one, other) => one - other), stories.map((_, index) => index));
  const early = order.slice(0, 20).map((index) => stories[index]);
  early.forEach((story, at) => assert.ok(!early.slice(Math.max(0, at - 8), at).includes(story), story));
});

test("a seed gives the same order each time, and no vote is lost", () => {
  const cast = votes("rule");
  assert.deepEqual(shuffled(cast, 0), cast);
  assert.deepEqual(shuffled(cast, 7), shuffled(cast, 7));
  assert.notDeepEqual(shuffled(cast, 7), shuffled(cast, 8));
  assert.deepEqual(shuffled(cast, 7).map(String).sort(), cast.map(String).sort());
});
