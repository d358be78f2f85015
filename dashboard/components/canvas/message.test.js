// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { floatsOf, unpackMessage } from "./message.js";

test("a message is taken apart wherever it lies", () => {
  const text = new TextEncoder().encode('{"a":"é"}');
  const numbers = new Uint8Array(Float32Array.of(1.5, -2).buffer);
  // Five bytes of something else lie before it, so its numbers begin at no whole word.
  const all = new Uint8Array(5 + 4 + text.length + 8);
  new DataView(all.buffer).setUint32(5, text.length, true);
  all.set(text, 9);
  all.set(numbers, 9 + text.length);
  const { header, rest } = unpackMessage(all.subarray(5));
  assert.deepEqual(header, { a: "é" });
  assert.equal(rest.length, 8);
  assert.deepEqual([...floatsOf(rest)], [1.5, -2]);
});
