// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { gridOf, roomyOf } from "./layout.js";

test("a little room is left on either side", () => {
  const [[low, high]] = roomyOf([[10, 20]]);
  assert.ok(Math.abs(low - (9.6 - 1e-6)) < 1e-12);
  assert.ok(Math.abs(high - (20.4 + 1e-6)) < 1e-12);
  // Where all points lie on one place, a range of nothing would show none.
  const [[least, most]] = roomyOf([[5, 5]]);
  assert.ok(least < 5 && most > 5);
});

test("maps fill rows from the upper left corner, each under its name and apart from the others", () => {
  const theme = /** @type {any} */ ({ faint: "faint", text: "text" });
  const layout = gridOf(["a", "b", "<c>"], (d) => ({ coordinate: d }), { columns: 2, rows: 2 }, theme);
  /** @type {(name: string) => number[]} */
  const domain = (name) => layout[name].domain.map((/** @type {number} */ one) => Math.round(1000 * one) / 1000);
  assert.deepEqual(domain("xaxis"), [0.008, 0.492]);
  assert.deepEqual(domain("xaxis2"), [0.508, 0.992]);
  assert.deepEqual(domain("xaxis3"), [0.008, 0.492]);
  assert.deepEqual(domain("yaxis2"), [0.51, 0.915]);
  assert.deepEqual(domain("yaxis3"), [0.01, 0.415]);
  assert.equal(layout.xaxis3.coordinate, 0);
  assert.equal(layout.yaxis3.coordinate, 1);
  assert.deepEqual(layout.annotations.map(({ text }) => text), ["a", "b", "&lt;c&gt;"]);
  assert.deepEqual(layout.annotations.map(({ x }) => x), [0.25, 0.75, 0.25]);
});
