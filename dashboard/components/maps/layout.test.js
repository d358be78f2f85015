// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { levelOf, mapHit, mapLayout } from "./layout.js";

// Two layers of five heads.
const MAP = { values: [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]] };

test("cells share the width, and are as tall as wide where that is neither too little nor too much", () => {
  assert.deepEqual(mapLayout(MAP, 94), { rows: 2, columns: 5, cell: 15, tall: 15, height: 46 });
  assert.equal(mapLayout(MAP, 319).tall, 22);
  assert.equal(mapLayout(MAP, 44).tall, 9);
});

test("down is layers, across is heads", () => {
  assert.deepEqual(mapHit(MAP, 94, 18 + 4.5 * 15, 0.5 * 15), { row: 0, column: 4 });
  assert.deepEqual(mapHit(MAP, 94, 18, 1.5 * 15), { row: 1, column: 0 });
  assert.equal(mapHit(MAP, 94, 17, 1), null);
  assert.equal(mapHit(MAP, 94, 93.5, 1), null);
  assert.equal(mapHit(MAP, 94, 20, 31), null);
});

test("a scale goes from its least to its most, and what is beyond is at its end", () => {
  const scale = { least: -1, most: 4 };
  assert.deepEqual([-1, 0, 4, 9, -9].map((one) => levelOf(scale, one)), [0, 51, 255, 255, 0]);
  // A scale of nothing divides by nothing.
  assert.equal(levelOf({ least: 2, most: 2 }, 2), 0);
});
