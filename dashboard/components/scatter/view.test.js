// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { insideOf, pulledPlane, zoomedPlane } from "./view.js";

/** @import { Plane } from "./view.js" */

/** @type {Plane} */
const PLANE = { x: [0, 10], y: [100, 200] };

test("what the pointer is on stays where it is; shares count from the upper left corner", () => {
  // The point is at x = 2 and, a quarter from the top, at y = 175.
  assert.deepEqual(zoomedPlane(PLANE, 0.5, 0.2, 0.25), { x: [1, 6], y: [137.5, 187.5] });
});

test("pulled to the right and down, the points go with the hand", () => {
  assert.deepEqual(pulledPlane(PLANE, 0.1, 0.2), { x: [-1, 9], y: [120, 220] });
});

test("points inside are found by their shares, from the upper left corner", () => {
  const cloud = Float32Array.of(1, 190, 9, 190, 1, 110);
  /** @type {number[][]} */
  const asked = [];
  const found = insideOf(cloud, [0, 1, 2], PLANE, (x, y) => {
    asked.push([x, y]);
    return x < 0.5 && y < 0.5;
  });
  assert.deepEqual(found, [0]);
  assert.deepEqual(asked.flat().map((one) => Math.round(10 * one)), [1, 1, 9, 1, 1, 9]);
});
