// @ts-check
// Where the rows of a card stand, and the cards of a saved picture.

import { widthOf } from "../canvas/text.js";

export const ROW = 18;
export const LABEL = 12;
const COLUMNS = 3;
const GAP = 24;

/** @typedef {{ labels: string[], values: (number | null)[][] }} Rows the numbers of a card (row, column) */

/**
 * @param {Rows} card
 * @param {number} width
 */
export function cardLayout({ labels, values }, width) {
  const widest = LABEL * 0.6 * Math.max(1, ...labels.map((one) => widthOf(one)));
  const left = Math.min(Math.max(96, width * 0.3), 12 + widest);
  return { left, width: Math.max(20, width - left - 2), height: values.length * ROW };
}

/** @typedef {ReturnType<typeof cardLayout>} CardLayout */

/**
 * The cell that a point is in; on a label, the first of its row. Null below the rows.
 *
 * @param {Rows} card
 * @param {number} width
 * @param {number} x
 * @param {number} y
 */
export function cardHit(card, width, x, y) {
  const at = cardLayout(card, width);
  const row = Math.floor(y / ROW);
  if (row < 0 || row >= card.values.length) return null;
  const columns = card.values[0].length;
  const column = Math.max(0, Math.min(columns - 1, Math.floor(((x - at.left) / at.width) * columns)));
  return { row, column };
}

/**
 * Where cards stand in a saved picture, in three columns, each part beginning anew; and how tall it is.
 *
 * @param {{ part: number, whole: boolean, rows: number }[]} cards
 * @param {number} width
 */
export function sheetLayout(cards, width) {
  const part = (width - GAP * (COLUMNS + 1)) / COLUMNS;
  let [y, column, tall] = [4, 0, 0];
  const places = cards.map((card, i) => {
    const span = card.whole ? COLUMNS : 1;
    if (column + span > COLUMNS || (i && cards[i - 1].part !== card.part)) [y, column, tall] = [y + tall, 0, 0];
    const place = { x: GAP + column * (part + GAP), y, width: span * part + (span - 1) * GAP };
    column += span;
    tall = Math.max(tall, card.rows * ROW + 60);
    return place;
  });
  return { places, height: y + tall + 16 };
}
