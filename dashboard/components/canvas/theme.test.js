// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { cssColour, parseColour, rampOf } from "./theme.js";

test("colours are read as six digits and as numbers", () => {
  assert.deepEqual(parseColour(" #0c4277 "), [12, 66, 119]);
  assert.deepEqual(parseColour("#0C4277FF"), [12, 66, 119]);
  assert.deepEqual(parseColour("rgb(1, 20, 255)"), [1, 20, 255]);
  assert.deepEqual(parseColour("rgba(1, 20, 255, 0.5)"), [1, 20, 255]);
  assert.deepEqual(parseColour("none"), [0, 0, 0]);
});

test("a scale goes through its anchors, each part of a colour by itself", () => {
  const ramp = rampOf([[0, 255, 10], [255, 0, 10]]);
  assert.equal(ramp.length, 768);
  assert.deepEqual([...ramp.subarray(0, 3)], [0, 255, 10]);
  assert.deepEqual([...ramp.subarray(3 * 51, 3 * 51 + 3)], [51, 204, 10]);
  assert.deepEqual([...ramp.subarray(765)], [255, 0, 10]);
  assert.equal(cssColour(ramp, 51), "rgb(51, 204, 10)");
});

test("with three anchors the middle one is in the middle", () => {
  const ramp = rampOf([[0, 0, 0], [200, 100, 50], [0, 0, 0]]);
  // 127 of 255 is 2·127/255 = 0.99608 of the way to the middle one.
  assert.deepEqual([...ramp.subarray(3 * 127, 3 * 127 + 3)], [199, 100, 50]);
  // And as far after it: the scale is even.
  assert.deepEqual([...ramp.subarray(3 * 128, 3 * 128 + 3)], [199, 100, 50]);
});
