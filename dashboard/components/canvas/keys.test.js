// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { arrowOf, clamp } from "./keys.js";

test("arrows go down and to the right", () => {
  assert.deepEqual(arrowOf({ key: "ArrowDown" }), [1, 0]);
  assert.deepEqual(arrowOf({ key: "ArrowRight" }), [0, 1]);
  assert.deepEqual(arrowOf({ key: "ArrowUp" }), [-1, 0]);
  assert.deepEqual(arrowOf({ key: "ArrowLeft" }), [0, -1]);
  assert.equal(arrowOf({ key: "Enter" }), undefined);
  assert.equal(arrowOf({ key: "toString" }), undefined);
});

test("a place is kept among those that there are", () => {
  assert.deepEqual([-1, 0, 2, 3].map((one) => clamp(one, 3)), [0, 0, 2, 2]);
});
