// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { around, panelsOf, readCell, signed } from "./panels.js";

/** @type {(name: string, labels: string[]) => any} */
const side = (name, labels) => ({ name, title: name, about: "", labels, border: null });
const STRINGS = { hint: "point", cell: "{query} > {key}", weight: "weight", difference: "difference" };
/** @type {(more: object) => any} */
const data = (more) => ({
  sides: [side("first", ["a", "b"]), side("second", ["a", "c"])],
  linked: true,
  difference: null,
  scale: "linear",
  strings: STRINGS,
  ...more,
});

test("each side takes its own weights, on the one scale", () => {
  const given = data({ sides: [side("first", ["a"]), side("second", ["a", "b"])], linked: false });
  const { weights, panels } = panelsOf(given, Float32Array.of(1, 0.25, 0.75, 0.5, 0.125));
  assert.deepEqual([...weights[0]], [1]);
  assert.deepEqual([...weights[1]], [0.25, 0.75, 0.5, 0.125]);
  assert.equal(panels.length, 2);
  assert.equal(panels[0].scale, panels[1].scale);
  assert.deepEqual(panels.map((one) => one.diverging), [false, false]);
});

test("the difference stands in the place of both, and the weights are still there to be read", () => {
  const given = data({ difference: { ...side("difference", ["a", "b/c"]), most: 0.5 } });
  const { weights, panels } = panelsOf(given, Float32Array.of(1, 0, 0.5, 0.5, 0.75, 0.25, 0.5, 0.5, -0.25, 0.25, 0, 0));
  assert.equal(panels.length, 1);
  assert.deepEqual([...panels[0].matrix], [-0.25, 0.25, 0, 0]);
  assert.equal(panels[0].diverging, true);
  assert.deepEqual([...weights[1]], [0.75, 0.25, 0.5, 0.5]);
});

test("a scale around zero has zero in its middle and is as long on both sides", () => {
  for (const name of /** @type {const} */ (["linear", "sqrt", "log"])) {
    const { of, ticks } = around(0.4, name);
    assert.deepEqual([-0.4, 0, 0.4].map(of), [0, 0.5, 1]);
    assert.equal(of(-0.2) + of(0.2), 1);
    assert.deepEqual(ticks, [...ticks].reverse().map((one) => 0 - one));
  }
  assert.equal(around(0.4, "linear").of(0.1), 0.625);
  // A quarter of the largest difference is seen half as well, as in the heads themselves.
  assert.equal(around(0.4, "sqrt").of(0.1), 0.75);
  assert.deepEqual(around(0.4, "sqrt").ticks, [-0.4, -0.1, 0, 0.1, 0.4]);
});

test("a cell is read on both sides where it is the same cell, and on its own where it is not", () => {
  const weights = [Float32Array.of(1, 0, 0.5, 0.5), Float32Array.of(0.75, 0.25, 0.25, 0.75)];
  assert.equal(readCell(data({}), weights, { panel: 0, query: 0, key: 0 }), "a > a: first 1.0000 · second 0.7500 · difference −0.2500");
  assert.equal(readCell(data({}), weights, { panel: 1, query: 1, key: 0 }), "b > a / c > a: first 0.5000 · second 0.2500 · difference −0.2500");
  assert.equal(readCell(data({ linked: false }), weights, { panel: 1, query: 0, key: 1 }), "a > c: second 0.2500");
  assert.equal(readCell(data({}), weights, { panel: 0, query: 0, key: null }), "point");
  assert.equal(readCell(data({}), weights, null), "point");
});

test("a number says its sign", () => {
  assert.deepEqual([0.25, -0.25, 0].map(signed), ["+0.2500", "−0.2500", "+0.0000"]);
});
