// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { boxed, following, stepInLines, stepInMatrix, zoomed } from "./range.js";

const NOWHERE = { query: null, key: null };

test("half as much is seen about the middle, or with a place where it was", () => {
  assert.deepEqual(zoomed([0, 40, 0, 80], 2, NOWHERE, 40, 80), [10, 30, 20, 60]);
  // A quarter of the way along before, and after: 10 of 40 is 5 of 20.
  assert.deepEqual(zoomed([0, 40, 0, 80], 2, { query: 10, key: 60 }, 40, 80), [5, 25, 30, 70]);
});

test("never less than four tokens, never more than all, and all without a factor", () => {
  assert.deepEqual(zoomed([10, 16, 0, 3], 100, NOWHERE, 40, 3), [11, 15, 0, 3]);
  assert.deepEqual(zoomed([10, 16, 20, 30], 0.01, NOWHERE, 40, 80), [0, 40, 0, 80]);
  assert.deepEqual(zoomed([10, 16, 20, 30], 0, NOWHERE, 40, 80), [0, 40, 0, 80]);
});

test("what a box is drawn around is seen, across from left to right and down from the top", () => {
  const at = { left: 100, top: 50, cellWidth: 10, cellHeight: 10 };
  assert.deepEqual(boxed([0, 20, 0, 40], [125, 75, 205, 115], at), [2, 7, 2, 11]);
  // In whichever direction it is drawn, and in a part that is seen already.
  assert.deepEqual(boxed([4, 20, 6, 40], [205, 115, 125, 75], at), [6, 11, 8, 17]);
  // A box as thin as one token says nothing of that side.
  assert.deepEqual(boxed([0, 20, 0, 40], [121, 75, 128, 115], at), [2, 7, 0, 40]);
});

test("what the keyboard is on comes into view by as little as it takes", () => {
  assert.deepEqual(following([5, 10, 20, 30], { query: 10, key: 18 }, 40, 80), [6, 11, 18, 28]);
  assert.deepEqual(following([5, 10, 20, 30], { query: 7, key: null }, 40, 80), [5, 10, 20, 30]);
});

test("arrows go from cell to cell, first to the first that is seen", () => {
  const step = (/** @type {any} */ focus, /** @type {[number, number]} */ arrow) => stepInMatrix(focus, arrow, [5, 9, 2, 8], 9, 8);
  assert.deepEqual(step(NOWHERE, [1, 0]), { query: 5, key: 2 });
  assert.deepEqual(step({ query: 5, key: 2 }, [0, 1]), { query: 5, key: 3 });
  assert.deepEqual(step({ query: 8, key: 7 }, [1, 0]), { query: 8, key: 7 });
  assert.deepEqual(step({ query: 0, key: 0 }, [-1, 0]), { query: 0, key: 0 });
});

test("arrows go along a column of tokens, and over to the other", () => {
  const step = (/** @type {any} */ focus, /** @type {[number, number]} */ arrow) => stepInLines(focus, arrow, [5, 9, 2, 8], 9, 8);
  assert.deepEqual(step(NOWHERE, [1, 0]), { query: 5, key: null });
  assert.deepEqual(step({ query: 6, key: null }, [1, 0]), { query: 7, key: null });
  assert.deepEqual(step({ query: 6, key: null }, [0, 1]), { query: null, key: 6 });
  assert.deepEqual(step({ query: null, key: 6 }, [-1, 0]), { query: null, key: 5 });
  assert.deepEqual(step({ query: null, key: 6 }, [0, -1]), { query: 6, key: null });
  assert.deepEqual(step({ query: 8, key: null }, [0, 1]), { query: null, key: 7 });
});
