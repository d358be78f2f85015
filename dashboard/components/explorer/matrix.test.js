// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { matrixHit, matrixLayout } from "./matrix.js";

/** @type {any} */
const MODEL = { header: { queryLabels: ["abcd", "x"], keyLabels: ["a", "银行"] }, range: [0, 2, 0, 5] };

test("labels have the room of the longest, and cells are squares that fit", () => {
  const at = matrixLayout(MODEL, 300, 200);
  // 14 + 12 · 0.62 · 4 and 14 + 12 · 0.62 · 3.4 + 16.
  assert.ok(Math.abs(at.left - 43.76) < 1e-9);
  assert.ok(Math.abs(at.top - 55.296) < 1e-9);
  // Five columns in 254.24, two rows in 142.704: the columns are the narrower.
  assert.ok(Math.abs(at.cellWidth - 50.848) < 1e-9);
  assert.equal(at.cellHeight, at.cellWidth);
  assert.ok(Math.abs(at.width - 5 * 50.848) < 1e-9);
  assert.ok(Math.abs(at.height - 2 * 50.848) < 1e-9);
});

test("a long label takes no more than its share", () => {
  const long = { ...MODEL, header: { queryLabels: ["a".repeat(99)], keyLabels: ["a".repeat(99)] } };
  assert.equal(matrixLayout(long, 300, 200).left, 82);
  assert.equal(matrixLayout(long, 300, 200).top, 98);
});

test("down is queries, across is keys, counted from the part that is seen", () => {
  const model = { ...MODEL, range: [10, 12, 20, 25] };
  const at = matrixLayout(model, 300, 200);
  const inside = (/** @type {number} */ column, /** @type {number} */ row) =>
    matrixHit(model, 300, 200, at.left + (column + 0.5) * at.cellWidth, at.top + (row + 0.5) * at.cellHeight);
  assert.deepEqual(inside(4, 1), { query: 11, key: 24 });
  assert.deepEqual(inside(0, 0), { query: 10, key: 20 });
  // On a label of a row, on one of a column, and beyond both.
  assert.deepEqual(inside(-0.6, 1), { query: 11, key: null });
  assert.deepEqual(inside(3, -0.6), { query: null, key: 23 });
  assert.deepEqual(inside(5, 2), { query: null, key: null });
});
