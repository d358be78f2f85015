// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { fromHalf } from "./half.js";

test("patterns stand for the numbers of the standard", () => {
  assert.equal(fromHalf(0x3c00), 1);
  assert.equal(fromHalf(0xc000), -2);
  assert.equal(fromHalf(0x3555), 0.333251953125);
  assert.equal(fromHalf(0x7bff), 65504);
  assert.equal(fromHalf(0x0400), 2 ** -14);
  // The smallest, and the largest below the smallest whole exponent.
  assert.equal(fromHalf(0x0001), 2 ** -24);
  assert.equal(fromHalf(0x03ff), 2 ** -14 - 2 ** -24);
  assert.equal(fromHalf(0), 0);
});
