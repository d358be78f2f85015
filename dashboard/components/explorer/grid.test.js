// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { joined, toggled } from "./grid.js";

test("with Shift, heads are added behind those that were chosen, each once", () => {
  assert.deepEqual(joined([[0, 1], [2, 3]], [[2, 3], [1, 0]]), [[0, 1], [2, 3], [1, 0]]);
  // (1, 0) is another head than (0, 1).
  assert.deepEqual(joined([[0, 1]], [[1, 0]]), [[0, 1], [1, 0]]);
});

test("a head is added, or taken out, but for the last one", () => {
  assert.deepEqual(toggled([[0, 1]], [1, 0]), [[0, 1], [1, 0]]);
  assert.deepEqual(toggled([[0, 1], [1, 0]], [0, 1]), [[1, 0]]);
  assert.deepEqual(toggled([[0, 1]], [0, 1]), [[0, 1]]);
});
