// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { within } from "./gestures.js";

// An L: the corner at the upper right is not in it.
const OUTLINE = [[0, 0], [2, 0], [2, 2], [6, 2], [6, 4], [0, 4]];

test("a place is inside an outline, hollows and all", () => {
  assert.equal(within(OUTLINE, 1, 1), true);
  assert.equal(within(OUTLINE, 5, 3), true);
  assert.equal(within(OUTLINE, 5, 1), false);
  assert.equal(within(OUTLINE, 3, 5), false);
  assert.equal(within(OUTLINE, -1, 1), false);
});

test("an outline that crosses itself is inside where a line to it crosses once", () => {
  const bow = [[0, 0], [4, 4], [4, 0], [0, 4]];
  assert.equal(within(bow, 3.5, 2), true);
  assert.equal(within(bow, 2, 3.5), false);
});
