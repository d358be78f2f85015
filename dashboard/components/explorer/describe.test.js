// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { describe, nameOf, readPlace, sharesOf, strongest, strongestKeys } from "./describe.js";

/** @import { Header } from "./data.js" */

// Three queries and four keys: the last key is no query, and the first is special.
const MATRIX = Float32Array.from([
  0.5, 0.25, 0.125, 0.125,
  0.75, 0, 0.25, 0,
  0, 0.5, 0.25, 0.25,
]);
/** @type {any} */
const HEADER = {
  rows: 3,
  columns: 4,
  queryLabels: ["[CLS]", "the", "bank"],
  keyLabels: ["[CLS]", "the", "bank", "[SEP]"],
  queryPlaces: [0, 1, 2],
  keyPlaces: [0, 1, 2, 3],
  keySpecial: [1, 0, 0, 1],
  strings: {
    summary: "{name}. {links}. {self} {previous} {next} {special}",
    looksAt: "{token} looks at ",
    lookedAtBy: "{token} is looked at by ",
    readoutHint: "hint",
    layerHead: "L{layer} H{head}",
    averageAll: "all",
    averageLayer: "layer {layer}",
    averageHead: "head {head}",
    average: "{count} heads",
  },
};

test("shares are means over queries, each from the place of the token and not from its column", () => {
  // Itself 0.5, 0, 0.25; before: none, 0.75, 0.5; after 0.25, 0.25, 0.25; special 0.625, 0.75, 0.25.
  const want = { self: 0.25, previous: 1.25 / 3, next: 0.25, special: 1.625 / 3 };
  assert.deepEqual(sharesOf(HEADER, MATRIX), want);
  const without = { ...HEADER, rows: 1, columns: 4, queryPlaces: [2], keyPlaces: [3, 2, 1, 0] };
  assert.deepEqual(sharesOf(without, MATRIX), { self: 0.25, previous: 0.125, next: 0.5, special: 0.625 });
});

test("the strongest key of each query, strongest first", () => {
  assert.deepEqual(strongestKeys(HEADER, MATRIX), [[1, 0, 0.75], [0, 0, 0.5], [2, 1, 0.5]]);
  assert.deepEqual(strongest(3, (i) => [0.1, 0.3, 0.2][i]), [[1, 0.3], [2, 0.2], [0, 0.1]]);
  assert.equal(strongest(9, (i) => i).length, 5);
});

test("a head in words", () => {
  assert.equal(
    describe("name", HEADER, MATRIX),
    "name. “the” → “[CLS]” 0.7500, “[CLS]” → “[CLS]” 0.5000, “bank” → “the” 0.5000. 25% 42% 25% 54%"
  );
});

test("what is pointed at: a query reads along its row, a key down its column", () => {
  assert.equal(readPlace(HEADER, MATRIX, { query: 2, key: 1 }), "“bank” (2) → “the” (1): 0.5000");
  assert.equal(
    readPlace(HEADER, MATRIX, { query: 1, key: null }),
    "“the” (1) looks at “[CLS]” (0) 0.7500 · “bank” (2) 0.2500 · “the” (1) 0.0000 · “[SEP]” (3) 0.0000"
  );
  assert.equal(
    readPlace(HEADER, MATRIX, { query: null, key: 0 }),
    "“[CLS]” (0) is looked at by “the” (1) 0.7500 · “[CLS]” (0) 0.5000 · “bank” (2) 0.0000"
  );
  assert.equal(readPlace(HEADER, MATRIX, { query: null, key: null }), "hint");
});

test("what is chosen has a name", () => {
  const name = (/** @type {Header["heads"]} */ heads) => nameOf({ ...HEADER, heads, layers: 2, heads_per_layer: 3 });
  assert.equal(name([[1, 2]]), "L1 H2");
  assert.equal(name([[1, 0], [1, 1], [1, 2]]), "layer 1");
  assert.equal(name([[0, 2], [1, 2]]), "head 2");
  assert.equal(name([[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]), "all");
  assert.equal(name([[0, 0], [0, 1]]), "2 heads");
  // As many as a layer has, and not of one layer.
  assert.equal(name([[0, 0], [0, 1], [1, 2]]), "3 heads");
});
