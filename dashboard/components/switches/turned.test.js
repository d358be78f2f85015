// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { turned } from "./turned.js";

test("a head's switch turns that head", () => {
  assert.deepEqual([...turned(new Set(["0.1"]), 1, 0, 3)], ["0.1", "1.0"]);
  assert.deepEqual([...turned(new Set(["0.1", "1.0"]), 0, 1, 3)], ["1.0"]);
});

test("a layer's switch turns its row off, and on only where all of it is off", () => {
  assert.deepEqual([...turned(new Set(["0.1", "1.1"]), 1, undefined, 3)], ["0.1", "1.1", "1.0", "1.2"]);
  assert.deepEqual([...turned(new Set(["0.1", "1.0", "1.1", "1.2"]), 1, undefined, 3)], ["0.1"]);
});

test("what was off before is left as it is", () => {
  const off = new Set(["0.1"]);
  turned(off, 0, 1, 3);
  assert.deepEqual([...off], ["0.1"]);
});
