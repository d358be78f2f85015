// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { paramsOf, partOf } from "./params.js";

/** @import { Given } from "./params.js" */

// One layer of two heads, two tokens of segment A and one of B; no two weights are alike.
const HEADS = [[[1, 2, 3], [4, 5, 6], [7, 8, 9]], [[11, 12, 13], [14, 15, 16], [17, 18, 19]]];
/** @type {Given} */
const GIVEN = {
  view: "head",
  dark: true,
  layers: [2],
  all_layers: 4,
  heads: 2,
  layer: 2,
  head: 1,
  tokens: ["a", "b", "c"],
  cut: 2,
  filters: [{ key: "all", name: "All", segments: null }, { key: "ab", name: "A -> B", segments: [0, 1] }],
  attention: [HEADS],
  queries: [[[[1, 0], [2, 0], [3, 0]], [[4, 0], [5, 0], [6, 0]]]],
  keys: [[[[0, 1], [0, 2], [0, 3]], [[0, 4], [0, 5], [0, 6]]]],
};

test("of a segment looking at another, rows are its queries and columns the other's keys", () => {
  const part = partOf(GIVEN, [0, 1]);
  assert.deepEqual(part, { attn: [[[[3], [6]], [[13], [16]]]], left_text: ["a", "b"], right_text: ["c"] });
  assert.deepEqual(partOf(GIVEN, [1, 0]).attn[0][0], [[7, 8]]);
  assert.deepEqual(partOf(GIVEN, null).attn, [HEADS]);
});

test("the neuron view takes a layer's place for its name", () => {
  const part = partOf({ ...GIVEN, view: "neuron" }, [0, 1]);
  assert.equal(part.attn.length, 4);
  assert.deepEqual(part.attn[2], [[[3], [6]], [[13], [16]]]);
  assert.deepEqual(part.queries?.[2][1], [[4, 0], [5, 0]]);
  assert.deepEqual(part.keys?.[2][1], [[0, 6]]);
});

test("filters are a list, and for the neuron view named", () => {
  const list = paramsOf(GIVEN);
  assert.ok(Array.isArray(list.attention));
  assert.deepEqual(list.attention.map(({ name }) => name), ["All", "A -> B"]);
  assert.equal(list.default_filter, "0");
  assert.equal(list.display_mode, "dark");
  const named = paramsOf({ ...GIVEN, view: "neuron" });
  assert.deepEqual(Object.keys(named.attention), ["all", "ab"]);
  assert.equal(named.default_filter, "all");
});
