// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { SCALES, pool, unpack, weightsOf } from "./data.js";

/** @type {(header: object, weights: number[], thumbnails: number[]) => Uint8Array} */
function message(header, weights, thumbnails) {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const length = new Uint8Array(Uint32Array.of(text.length).buffer);
  return Uint8Array.of(...length, ...text, ...new Uint8Array(Float32Array.from(weights).buffer), ...thumbnails);
}

test("a head's weights come with each message, thumbnails where it says so", () => {
  const header = { rows: 2, columns: 3, thumbnails: true };
  const found = unpack(message(header, [1, 2, 3, 4, 5, 6], [7, 8]));
  assert.deepEqual(found.header, header);
  assert.deepEqual([...found.matrix], [1, 2, 3, 4, 5, 6]);
  assert.deepEqual([...(found.thumbnails ?? [])], [7, 8]);
  assert.equal(unpack(message({ ...header, thumbnails: false }, [1, 2, 3, 4, 5, 6], [])).thumbnails, null);
});

test("an exported file's numbers are steps of square roots, in a byte or in two", () => {
  const one = weightsOf(Uint8Array.of(0, 51, 255), 255);
  assert.deepEqual([0, 1, 2].map(one), [0, 0.2 ** 2, 1].map(Math.fround));
  const two = weightsOf(new Uint8Array(Uint16Array.of(0, 13107, 65535).buffer), 65535);
  assert.deepEqual([0, 1, 2].map(two), [0, 0.2 ** 2, 1].map(Math.fround));
});

test("every scale goes from nothing to all, and its ticks rise", () => {
  for (const { of, ticks } of Object.values(SCALES)) {
    assert.equal(of(0), 0);
    assert.equal(of(1), 1);
    assert.deepEqual(ticks.map(of), ticks.map(of).sort((a, b) => a - b));
  }
  assert.equal(SCALES.sqrt.of(0.25), 0.5);
  assert.ok(Math.abs(SCALES.log.of(0.01) - 0.5) < 1e-12);
  assert.equal(SCALES.log.of(1e-5), 0);
});

// Rows are queries; no two weights are alike, so that a transpose could not go unseen.
const MATRIX = Float32Array.from([
  1, 2, 3, 4,
  5, 6, 7, 8,
  9, 10, 11, 12,
]);

test("with room for all, the part that is named comes as it is", () => {
  assert.deepEqual(pool(MATRIX, 4, [1, 3, 2, 4], 100, 100), { rows: 2, cols: 2, values: Float32Array.of(7, 8, 11, 12) });
});

test("with less room, the largest of each cell is kept", () => {
  // Columns 0, 1 and 2, 3 fall together; three rows stay.
  assert.deepEqual(pool(MATRIX, 4, [0, 3, 0, 4], 3, 2), { rows: 3, cols: 2, values: Float32Array.of(2, 4, 6, 8, 10, 12) });
  // Rows 0, 1 fall together and 2 stands alone: floor(q · 2 / 3) is 0, 0, 1.
  assert.deepEqual(pool(MATRIX, 4, [0, 3, 0, 4], 2.9, 1), { rows: 2, cols: 1, values: Float32Array.of(8, 12) });
  assert.deepEqual(pool(MATRIX, 4, [0, 3, 0, 4], 0, 0), { rows: 1, cols: 1, values: Float32Array.of(12) });
});
