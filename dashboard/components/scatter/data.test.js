// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { columnsOf, edgesOf, partsOf, unpackCloud } from "./data.js";

test("a message holds layer after layer, point after point, then the colours' values", () => {
  const text = new TextEncoder().encode('{"shape":[2,3,2]}');
  const numbers = Float32Array.from([0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15, 7, 8, NaN]);
  const length = new Uint8Array(Uint32Array.of(text.length).buffer);
  const { clouds, values } = unpackCloud(Uint8Array.of(...length, ...text, ...new Uint8Array(numbers.buffer)));
  assert.deepEqual(clouds.map((one) => [...one]), [[0, 1, 2, 3, 4, 5], [10, 11, 12, 13, 14, 15]]);
  assert.deepEqual([...values], [7, 8, NaN]);
});

test("the points of each group, all others first, and points without a value under the rest", () => {
  const values = Float32Array.of(1, 0, 2, 1);
  assert.deepEqual(partsOf({ groups: ["a", "b", "rest"], others: false }, values), [[1], [0, 3], [2]]);
  assert.deepEqual(partsOf({ groups: ["a", "b", "rest"], others: true }, values), [[2], [1], [0, 3]]);
  assert.deepEqual(partsOf({ groups: [], others: false }, values), [[0, 1, 2, 3]]);
  assert.deepEqual(partsOf({ groups: [], others: false }, Float32Array.of(1, NaN, 2)), [[1], [0, 2]]);
});

test("columns are coordinates, and in each a trace's points", () => {
  const cloud = Float32Array.of(0, 1, 2, 10, 11, 12, 20, 21, 22);
  assert.deepEqual(
    columnsOf(cloud, 3, [[2, 0], [1]]).map((traces) => traces.map((one) => [...one])),
    [[[20, 0], [10]], [[21, 1], [11]], [[22, 2], [12]]]
  );
});

test("edges are those of all layers, of each coordinate", () => {
  assert.deepEqual(edgesOf([Float32Array.of(0, 5, 1, 9), Float32Array.of(-3, 7, 2, 4)], 2), [[-3, 2], [4, 9]]);
});
