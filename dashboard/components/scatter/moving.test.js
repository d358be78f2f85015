// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { stampOf, writePoints } from "./moving.js";

/** @import { Plane } from "./view.js" */

/** @type {(symbol: string, size: number) => string[]} the stamp as rows of marks: full, part, none */
function drawn(symbol, size) {
  const stamp = stampOf(symbol, size);
  const reach = Math.max(...stamp.map(([x, y]) => Math.max(Math.abs(x), Math.abs(y))));
  const side = 2 * reach + 1;
  const rows = Array.from({ length: side }, () => Array(side).fill("."));
  for (const [x, y, share] of stamp) rows[y + reach][x + reach] = share === 255 ? "#" : "+";
  return rows.map((row) => row.join(""));
}

test("shapes look like what they are called", () => {
  assert.deepEqual(drawn("circle", 4), [".+++.", "+###+", "+###+", "+###+", ".+++."]);
  assert.deepEqual(drawn("square", 4), ["+++++", "+###+", "+###+", "+###+", "+++++"]);
  assert.deepEqual(drawn("cross", 6), ["...+...", "...#...", "...#...", "+#####+", "...#...", "...#...", "...+..."]);
});

test("a pixel at the edge of a circle is covered by as much as reaches into it", () => {
  const stamp = stampOf("circle", 4);
  // 2 from the middle, of a radius of 2: half; and √2 from it: all.
  assert.deepEqual(stamp.find(([x, y]) => x === 2 && y === 0), [2, 0, 128]);
  assert.deepEqual(stamp.find(([x, y]) => x === 1 && y === 1), [1, 1, 255]);
});

const DRESS = {
  groups: [{ places: [0, 1], symbol: "square", inks: [[200, 100, 0]] }, { places: [2], symbol: "square", inks: [[0, 0, 250]] }],
  size: 1,
  opacity: 0.5,
  background: [10, 20, 30],
  marks: [1, 1],
  fades: [0, 1],
};
/** @type {Plane} */
const PLANE = { x: [0, 4], y: [0, 3] };
// In pixels of 4 × 3: the first point at column 1 of row 0, the second at 3 of row 2, the third at 2 of row 1.
const CLOUD = Float32Array.of(1, 3, 3, 1, 2, 2);

/** @type {(marked: Set<number> | null, seen: boolean[]) => (x: number, y: number) => number[]} */
function pixels(marked, seen) {
  const data = new Uint8ClampedArray(4 * 4 * 3);
  writePoints({ data, width: 4, height: 3 }, DRESS, CLOUD, PLANE, marked, seen, 1);
  return (x, y) => [...data.subarray(4 * (4 * y + x), 4 * (4 * y + x) + 4)];
}

test("points are mixed with the page where they lie, up being where y grows", () => {
  const at = pixels(null, [true, true]);
  // The middle of a square of size 1 is covered by 0.95 of 255 = 242, half opaque.
  const mixed = (/** @type {number} */ ground, /** @type {number} */ ink) => Math.round(ground + ((ink - ground) * 242 * 0.5) / 255);
  assert.deepEqual(at(1, 0), [mixed(10, 200), mixed(20, 100), mixed(30, 0), 255]);
  assert.deepEqual(at(3, 2), at(1, 0));
  assert.deepEqual(at(2, 1), [mixed(10, 0), mixed(20, 0), mixed(30, 250), 255]);
  assert.deepEqual(at(0, 1), [10, 20, 30, 255]);
});

test("what is hidden is not drawn, and what is marked stands out", () => {
  const hidden = pixels(null, [false, true]);
  assert.deepEqual(hidden(1, 0), [10, 20, 30, 255]);
  assert.notDeepEqual(hidden(2, 1), [10, 20, 30, 255]);
  const marked = pixels(new Set([1]), [true, true]);
  assert.deepEqual(marked(1, 0), [10, 20, 30, 255]);
  assert.deepEqual(marked(2, 1), [10, 20, 30, 255]);
  assert.equal(marked(3, 2)[0], Math.round(10 + (190 * 242) / 255));
});

test("each point of a group has its own ink where there are as many inks", () => {
  const data = new Uint8ClampedArray(4 * 4 * 3);
  const own = { ...DRESS, opacity: 1, groups: [{ places: [2, 0], symbol: "square", inks: [[255, 0, 0], [0, 255, 0]] }] };
  writePoints({ data, width: 4, height: 3 }, own, CLOUD, PLANE, null, [true], 1);
  assert.ok(data[4 * (4 * 1 + 2)] > 200);
  assert.ok(data[4 * (4 * 0 + 1) + 1] > 200);
});
