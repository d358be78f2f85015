// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { pixelsOf } from "./paint.js";
import { rampOf } from "./theme.js";

test("each value is a pixel of its colour, in order, and what is off the scale is at its end", () => {
  const ramp = rampOf([[0, 0, 100], [255, 0, 200]]);
  const pixels = pixelsOf([0, 0.2, 2, -1], ramp, (value) => value);
  // 0.2 of 255 is 51, a fifth of the way.
  assert.deepEqual([...pixels], [0, 0, 100, 255, 51, 0, 120, 255, 255, 0, 200, 255, 0, 0, 100, 255]);
});
