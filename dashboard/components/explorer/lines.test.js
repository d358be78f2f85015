// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { SvgContext } from "../canvas/svg.js";
import { SCALES } from "./data.js";
import { linesHit, linesLayout, paintLines, strongestLinks } from "./lines.js";

const MATRIX = Float32Array.from([
  0.5, 0.25, 0.125,
  0.0625, 0.75, 0.00005,
]);

/** @type {(changes?: object) => any} */
const model = (changes = {}) => ({
  header: { columns: 3, queryLabels: ["a", "b"], keyLabels: ["c", "d", "e"], strings: { from: "from", to: "to" } },
  matrix: MATRIX,
  range: [0, 2, 0, 3],
  minimum: 0,
  focus: { query: null, key: null },
  theme: { line: "line", accent: "accent", text: "text", font: "font" },
  scale: SCALES.linear,
  ...changes,
});

test("links come weakest first, and what is too small is none", () => {
  assert.deepEqual(strongestLinks(model()), { total: 5, links: [3, 2, 1, 0, 4] });
  assert.deepEqual(strongestLinks(model({ minimum: 0.25 })), { total: 3, links: [1, 0, 4] });
  assert.deepEqual(strongestLinks(model({ range: [1, 2, 0, 2] })), { total: 2, links: [3, 4] });
});

test("where there are too many, the strongest are drawn and all are counted", () => {
  assert.deepEqual(strongestLinks(model(), 2), { total: 5, links: [0, 4] });
});

test("of links that are alike, every so many is drawn, from the first row to the last", () => {
  const even = model({ matrix: new Float32Array(24).fill(0.5), range: [0, 8, 0, 3] });
  const { total, links } = strongestLinks(even, 6);
  assert.equal(total, 24);
  assert.deepEqual(links, [3, 7, 11, 15, 19, 23]);
});

test("few tokens stay close together, many fill the height", () => {
  // Two labels of one letter: 12 + 12 · 0.62 on either side, and 44 for numbers.
  const at = linesLayout(model(), 400, 300);
  assert.ok(Math.abs(at.left - 19.44) < 1e-9);
  assert.ok(Math.abs(at.right - (400 - 19.44 - 44)) < 1e-9);
  assert.equal(at.step, 26);
  assert.equal(at.y(2, 1), 18 + 1.5 * 26);
  assert.equal(linesLayout(model({ range: [0, 2, 0, 139] }), 400, 300).step, 2);
});

test("the left half is queries, the right one keys", () => {
  const at = linesLayout(model(), 400, 300);
  assert.deepEqual(linesHit(model(), 400, 300, 10, at.y(1, 0)), { query: 1, key: null });
  assert.deepEqual(linesHit(model(), 400, 300, 390, at.y(2, 0)), { query: null, key: 2 });
  // There is a third key, and no third query.
  assert.deepEqual(linesHit(model(), 400, 300, 10, at.y(2, 0)), { query: null, key: null });
  assert.deepEqual(linesHit(model({ range: [1, 2, 0, 3] }), 400, 300, 390, at.y(1, 0)), { query: null, key: 1 });
  assert.deepEqual(linesHit(model({ range: [1, 2, 0, 3] }), 400, 300, 10, at.y(0, 0)), { query: 1, key: null });
  assert.deepEqual(linesHit(model(), 400, 300, 10, 3), { query: null, key: null });
});

test("of a query that is pointed at, its own links are drawn over the others, with their weights", () => {
  const context = new SvgContext(400, 300);
  const one = model({ focus: { query: 1, key: null } });
  paintLines(context, { ...one, links: strongestLinks(one) }, 400, 300);
  const paths = context.parts.filter((part) => part.startsWith("<path"));
  assert.equal(paths.filter((part) => part.includes('stroke="line"')).length, 5);
  const own = paths.filter((part) => part.includes('stroke="accent"'));
  // All begin at the second query: to the first and to the second key, and not to the third.
  const [left, middle, right] = [22.44, 178, 333.56];
  const way = (/** @type {number} */ y) => `d="M${left} 57C${middle} 57 ${middle} ${y} ${right} ${y}"`;
  assert.deepEqual(own.map((part) => /d="[^"]*"/.exec(part)?.[0]), [way(31), way(57)]);
  const texts = context.parts.filter((part) => part.startsWith("<text")).map((part) => />(.*)</.exec(part)?.[1]);
  assert.deepEqual(texts, ["a", "b", "c", "d", "e", "0.0625", "0.7500", "from", "to"]);
});
