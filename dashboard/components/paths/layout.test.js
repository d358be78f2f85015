// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { SvgContext } from "../canvas/svg.js";
import { paintGraph, thicknessOf } from "./graph.js";
import { graphLayout, heightOf, mapLayout, pathsHit } from "./layout.js";
import { mapValues } from "./map.js";

// Three levels of five tokens.
const DATA = { labels: ["a", "b", "c", "dd", "e"], mass: Array.from({ length: 3 }, () => Array(5).fill(0.2)), graph: true };

test("in a graph levels go to the right and tokens down", () => {
  const at = graphLayout(DATA, 408);
  // 74 + 7 · 2 for labels of two letters; two steps in 408 - 88 - 120.
  assert.equal(at.left, 88);
  assert.equal(at.step, 100);
  assert.equal(at.x(2), 288);
  assert.equal(at.y(3), 26 + 3.5 * 19);
  assert.equal(at.height, 26 + 5 * 19 + 8);
  assert.deepEqual(pathsHit(DATA, 408, 188 + 49, at.y(3)), { level: 1, token: 3 });
  assert.deepEqual(pathsHit(DATA, 408, 188 + 51, at.y(3)), { level: 2, token: 3 });
  // On the labels, and below the last.
  assert.deepEqual(pathsHit(DATA, 408, 5, at.y(4)), { level: 0, token: 4 });
  assert.equal(pathsHit(DATA, 408, 188, 26 + 5 * 19), null);
});

test("in a map levels go up and tokens to the right", () => {
  const data = { ...DATA, graph: false };
  const at = mapLayout(data, 196);
  assert.equal(at.cell, 20);
  assert.equal(heightOf(data, 196), 26 + 3 * 24 + 90);
  assert.deepEqual(pathsHit(data, 196, 92 + 4.5 * 20, 26 + 1), { level: 2, token: 4 });
  assert.deepEqual(pathsHit(data, 196, 92, 26 + 2.5 * 24), { level: 0, token: 0 });
  assert.equal(pathsHit(data, 196, 91, 30), null);
});

test("a map has its last level on top, and its scale ends at the largest share below it", () => {
  const { values, most } = mapValues([[0.5, 0.25], [0.125, 0.75], [1, 0]]);
  assert.deepEqual([...values], [1, 0, 0.125, 0.75, 0.5, 0.25]);
  assert.equal(most, 0.75);
});

test("a ribbon goes from the lower token at its level to the upper one at the next", () => {
  const data = /** @type {any} */ ({
    ...DATA, levels: ["in", "one", "two"], edges: [[1, 4, 0, 0.5]], least: 0.3, shares: true,
  });
  const theme = /** @type {any} */ ({ line: "line", accent: "accent", text: "text", font: "font" });
  /** @type {(focus: any) => string[]} */
  const ribbons = (focus) => {
    const context = new SvgContext(408, 129);
    paintGraph(context, data, focus, 408, theme);
    return context.parts.filter((part) => part.startsWith("<path"));
  };
  const at = graphLayout(DATA, 408);
  const d = `M192 ${at.y(0)}C238 ${at.y(0)} 238 ${at.y(4)} 284 ${at.y(4)}`;
  assert.ok(ribbons(null)[0].startsWith(`<path d="${d}" fill="none" stroke="line" stroke-width="${0.5 * 16 * 1.6}"`));
  // Lit from either of its ends, and not from a token that is only at one of them.
  assert.deepEqual(
    [{ level: 1, token: 0 }, { level: 2, token: 4 }, { level: 2, token: 0 }, { level: 1, token: 4 }].map((focus) =>
      ribbons(focus)[0].includes("accent")
    ),
    [true, true, false, false]
  );
  assert.equal(thicknessOf(0), 0.4);
});
