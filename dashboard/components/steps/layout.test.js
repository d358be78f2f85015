// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { cardHit, cardLayout, sheetLayout } from "./layout.js";

// Two rows of four columns, and labels of no length.
const CARD = { labels: ["q", "k"], values: [[1, 2, 3, 4], [5, 6, 7, 8]] };

test("labels have at most a third of a card, and short ones only what they need", () => {
  assert.deepEqual(cardLayout(CARD, 221.2), { left: 19.2, width: 200, height: 36 });
  const long = { ...CARD, labels: ["q".repeat(99), "k"] };
  assert.equal(cardLayout(long, 400).left, 120);
  assert.equal(cardLayout(long, 200).left, 96);
});

test("down is rows, across is columns; a label stands for the first", () => {
  assert.deepEqual(cardHit(CARD, 221.2, 19.2 + 175, 9), { row: 0, column: 3 });
  assert.deepEqual(cardHit(CARD, 221.2, 19.2 + 60, 27), { row: 1, column: 1 });
  assert.deepEqual(cardHit(CARD, 221.2, 2, 27), { row: 1, column: 0 });
  assert.deepEqual(cardHit(CARD, 221.2, 220, 27), { row: 1, column: 3 });
  assert.equal(cardHit(CARD, 221.2, 50, 36), null);
  assert.equal(cardHit(CARD, 221.2, 50, -1), null);
});

test("a saved picture has three columns, a whole row for what is wide, and a row for each part", () => {
  const { places, height } = sheetLayout(
    [
      { part: 0, whole: true, rows: 1 },
      { part: 0, whole: false, rows: 2 },
      { part: 0, whole: false, rows: 5 },
      { part: 1, whole: false, rows: 1 },
    ],
    996
  );
  // Four gaps of 24 leave 300 for each column; a card is as tall as its rows of 18 and 60 more.
  assert.deepEqual(places, [
    { x: 24, y: 4, width: 948 },
    { x: 24, y: 4 + 78, width: 300 },
    { x: 348, y: 4 + 78, width: 300 },
    { x: 24, y: 4 + 78 + 150, width: 300 },
  ]);
  assert.equal(height, 4 + 78 + 150 + 78 + 16);
});
