// The counting of the view `router`.
import assert from "node:assert/strict";
import test from "node:test";

const { byExpert } = await import(`${process.env.SITE}/live/router.js`);

test("each expert gets the tokens that were sent to it in that layer, in the order of the text", () => {
  const routes = [
    [{ experts: [0, 2], shares: [0.6, 0.4] }, { experts: [1, 0], shares: [0.9, 0.1] }],
    [{ experts: [2, 1], shares: [0.5, 0.5] }, { experts: [1, 2], shares: [0.7, 0.3] }],
  ];
  assert.deepEqual(byExpert(routes, 0, 4), [
    [{ position: 0, share: 0.6 }],
    [{ position: 1, share: 0.5 }],
    [{ position: 0, share: 0.4 }, { position: 1, share: 0.5 }],
    [],
  ]);
  assert.deepEqual(byExpert(routes, 1, 3).map((taken) => taken.length), [1, 2, 1]);
});
