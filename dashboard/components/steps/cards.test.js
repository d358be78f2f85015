// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { SvgContext } from "../canvas/svg.js";
import { rampOf } from "../canvas/theme.js";
import { barScale, formatSigned, paintCard } from "./cards.js";
import { cardLayout } from "./layout.js";

/** @type {any} */
const THEME = {
  diverging: rampOf([[0, 0, 0], [100, 100, 100], [200, 200, 200]]),
  background: "page", text: "text", faint: "faint", accent: "accent", line: "line", font: "font",
};

test("numbers have a true minus, and as many decimals as their picture", () => {
  assert.equal(formatSigned(-0.12345, 1), "−0.1235");
  assert.equal(formatSigned(1.5, 12), "1.50");
  assert.equal(formatSigned(-1.5, 100), "−1.5");
});

test("bars share one scale, with zero where the longest one below it begins", () => {
  assert.deepEqual(barScale({ lowest: 0, largest: 4 }, 100), { zero: 0, unit: 25 });
  assert.deepEqual(barScale({ lowest: -1, largest: 4 }, 100), { zero: 20, unit: 20 });
  assert.deepEqual(barScale({ lowest: 0, largest: 0 }, 100), { zero: 0, unit: 100 });
});

/** @type {(card: object, lit: number, width: number) => string[]} */
function parts(card, lit, width) {
  const context = new SvgContext(width, 100);
  paintCard(context, /** @type {any} */ ({ marked: null, ...card }), lit, width, THEME);
  return context.parts;
}

test("cells of a matrix stand row under row, from blue below zero to orange above", () => {
  const card = { kind: "matrix", labels: ["q", "k"], values: [[-2, 0, 2], [1, 0, 0]], largest: 2 };
  const cells = parts(card, -1, 50).filter((part) => part.startsWith("<rect"));
  const at = cardLayout(card, 50);
  const cell = at.width / 3;
  // Levels 0, 128 and 255 of the first row; 191 at the beginning of the second.
  assert.deepEqual(cells.map((part) => / fill="rgb\((\d+)/.exec(part)?.[1]), ["0", "100", "200", "150", "100", "100"]);
  assert.ok(cells[2].startsWith(`<rect x="${(at.left + 2 * cell).toFixed(1)}" y="1" `));
  assert.ok(cells[3].startsWith(`<rect x="${at.left}" y="19" `));
});

test("a bar below zero ends at it, one above begins there, and minus infinity has none", () => {
  const card = { kind: "bars", labels: ["a", "b", "c"], values: [[-1], [4], [null]], largest: 4, lowest: -1, usual: [0, 2, 1] };
  const drawn = parts(card, 1, 180.6);
  // 18.6 of label and 62 of number leave 98; zero is at a fifth.
  const { left, width } = cardLayout(card, 180.6);
  const [zero, unit] = [(width - 62) / 5, (width - 62) / 5];
  const rects = drawn.filter((part) => part.startsWith("<rect"));
  const text = (/** @type {number} */ value) => String(Math.round(value * 100) / 100);
  const bar = (/** @type {string} */ fill) => rects.filter((part) => part.includes(`height="10" fill="${fill}"`));
  assert.deepEqual(bar("line"), [`<rect x="${text(left)}" y="4" width="${text(unit)}" height="10" fill="line"/>`]);
  assert.deepEqual(bar("accent"), [
    `<rect x="${text(left + zero)}" y="22" width="${text(4 * unit)}" height="10" fill="accent"/>`,
  ]);
  // The thin marks: where each bar would usually end.
  const marks = rects.filter((part) => part.includes('width="2"'));
  assert.deepEqual(marks.map((part) => / x="([^"]*)"/.exec(part)?.[1]), [0, 2, 1].map((one) => text(left + zero + one * unit - 1)));
  assert.deepEqual(drawn.map((part) => />([^<]*)<\/text>/.exec(part)?.[1]).filter(Boolean), ["a", "−1.0000", "b", "4.0000", "c", "−∞"]);
});
