// Tests the functions of the explorable `router` that count which expert gets which token.
import assert from "node:assert/strict";
import test from "node:test";

const { byExpert, dice, faithfulness } = await import(`${process.env.SITE}/live/router.js`);

const routes = [
  [{ experts: [0, 2], shares: [0.6, 0.4] }, { experts: [1, 0], shares: [0.9, 0.1] }],
  [{ experts: [2, 1], shares: [0.5, 0.5] }, { experts: [1, 2], shares: [0.7, 0.3] }],
  [{ experts: [0, 1], shares: [0.8, 0.2] }, { experts: [3, 2], shares: [0.7, 0.3] }],
];

test("each expert gets the tokens that were sent to it in that layer, in the order of the text", () => {
  assert.deepEqual(byExpert(routes.slice(0, 2), 0, 4), [
    [{ position: 0, share: 0.6 }],
    [{ position: 1, share: 0.5 }],
    [{ position: 0, share: 0.4 }, { position: 1, share: 0.5 }],
    [],
  ]);
  assert.deepEqual(byExpert(routes.slice(0, 2), 1, 3).map((taken) => taken.length), [1, 2, 1]);
});

test("equal words are compared by their first expert", () => {
  const best = { word: "the", times: 2, of: 2, expert: 0 };
  assert.deepEqual(faithfulness([" the", " dog", " the"], routes, 0), { pairs: 1, same: 1, best });
  assert.deepEqual(faithfulness([" the", " dog", " the"], routes, 1), { pairs: 1, same: 0, best: { ...best, times: 1, expert: 1 } });
  assert.deepEqual(faithfulness([" the", " dog", " cat"], routes, 0), { pairs: 0, same: 0, best: null });
});

test("dice send each token to as many experts, without regard to the word", () => {
  const long = Array.from({ length: 400 }, () => [{ experts: [0, 1], shares: [0.6, 0.4] }]);
  const rolled = dice(long, 8, 0);
  assert.ok(rolled.every(([{ experts, shares }]) => new Set(experts).size === 2 && shares[0] === 0.6));
  const { pairs, same } = faithfulness(long.map(() => "the"), rolled, 0);
  assert.ok(Math.abs(same / pairs - 1 / 8) < 0.02);
  assert.deepEqual(dice(long, 8, 0), rolled);
});
