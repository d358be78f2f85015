// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { rampOf } from "../canvas/theme.js";
import { allTracesOf, dressOf, inkOf, tracesOf } from "./traces.js";

const THEME = { ramp: rampOf([[0, 0, 0], [255, 255, 255]]), faint: "#010203", background: "#ffffff" };

/** @type {(header: object, values: number[], places: number[][]) => any} */
const drawn = (header, values, places) => ({
  header: { shape: [2, 3, 2], groups: [], ranks: [], others: false, colour: "c", strings: { unknown: "none" }, ...header },
  clouds: [Float32Array.of(0, 1, 2, 3, 4, 5), Float32Array.of(10, 11, 12, 13, 14, 15)],
  values: Float32Array.from(values),
  places,
  hover: ["a", "b", "c"],
  theme: THEME,
  palette: ["#ff0000", "#00ff00"],
});

test("groups have the palette's colours by rank, then other shapes, and others are grey", () => {
  const traces = tracesOf(drawn({ groups: ["x", "y", "rest"], ranks: [1, 2], others: true }, [0, 2, 1], [[1], [0], [2]]), 0);
  assert.deepEqual(traces.map((one) => one.name), ["rest", "x", "y"]);
  assert.deepEqual(traces.map((one) => one.marker.color), ["#010203", "#00ff00", "#ff0000"]);
  assert.deepEqual(traces.map((one) => one.marker.symbol), ["circle", "circle", "diamond"]);
  // Drawn first, and last in the legend.
  assert.deepEqual(traces.map((one) => one.legendrank), [2000, 1001, 1002]);
  assert.deepEqual(traces.map((one) => [[...one.x], [...one.y], one.text]), [[[2], [3], ["b"]], [[0], [1], ["a"]], [[4], [5], ["c"]]]);
});

test("quantities have a scale, and points without one are grey", () => {
  const [unknown, known] = tracesOf(drawn({}, [3, NaN, 7], [[1], [0, 2]]), 1);
  assert.equal(unknown.name, "none");
  assert.equal(unknown.marker.color, "#010203");
  assert.deepEqual(known.marker.color, [3, 7]);
  assert.deepEqual(known.marker.colorscale[0], [0, "rgb(60, 60, 60)"]);
  assert.deepEqual(known.marker.colorscale[10], [1, "rgb(255, 255, 255)"]);
  assert.deepEqual([...known.x], [10, 14]);
  assert.equal(known.showlegend, false);
});

test("maps beside each other each have their axes, and one legend", () => {
  const traces = allTracesOf(drawn({ groups: ["x"], ranks: [0] }, [0, 0, 0], [[0, 1, 2]]), 0);
  assert.deepEqual(traces.map((one) => [one.xaxis, one.yaxis, one.showlegend]), [["x", "y", true], ["x2", "y2", false]]);
  assert.deepEqual([...traces[1].y], [11, 13, 15]);
});

test("the more points, the smaller; in depth smaller still", () => {
  assert.deepEqual([100, 1000, 5000, 20000, 20001].map((count) => inkOf(count, 2).size), [9, 7, 5.5, 4, 3]);
  assert.equal(inkOf(100, 3).size, 9 * 0.6);
  assert.equal(inkOf(5001, 2).opacity, 0.7);
});

test("the picture that moves has Plotly's colours", () => {
  const one = drawn({}, [3, NaN, 7], [[1], [0, 2]]);
  const { groups, background, marks } = dressOf(one, tracesOf(one, 0));
  assert.deepEqual(groups, [
    { places: [1], symbol: "circle", inks: [[1, 2, 3]] },
    { places: [0, 2], symbol: "circle", inks: [[60, 60, 60], [255, 255, 255]] },
  ]);
  assert.deepEqual(background, [255, 255, 255]);
  assert.deepEqual(marks, [1, 1]);
});
