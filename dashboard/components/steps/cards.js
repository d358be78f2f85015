// @ts-check
// What is drawn on a card: a row of cells, or a bar, for each of its labels.

import { clip } from "../canvas/text.js";
import { cssColour } from "../canvas/theme.js";
import { LABEL, ROW, cardLayout } from "./layout.js";

/**
 * @import { Painter } from "../canvas/svg.js"
 * @import { Theme } from "../canvas/theme.js"
 * @import { CardLayout } from "./layout.js"
 */

/**
 * A card as Python sends it. A value of null is minus infinity.
 *
 * @typedef {object} Card
 * @property {"matrix" | "bars"} kind
 * @property {string} title
 * @property {string} formula
 * @property {string} shape
 * @property {string} about
 * @property {string} number
 * @property {string[]} labels
 * @property {(number | null)[][]} values (row, column)
 * @property {number} largest
 * @property {number} [lowest] of bars, at most 0
 * @property {string} group rows of one group light up together
 * @property {"third" | "half" | "whole"} span
 * @property {number | null} marked
 * @property {number[] | null} [usual] where each bar would usually end
 */

/**
 * A number with a true minus, and as many decimals as its whole picture has.
 *
 * @param {number} value
 * @param {number} largest
 */
export function formatSigned(value, largest) {
  const text = Math.abs(value).toFixed(largest >= 100 ? 1 : largest >= 10 ? 2 : 4);
  return value < 0 ? `−${text}` : text;
}

/**
 * Where a bar's zero is, and how long a unit is, in so much room.
 *
 * @param {{ largest: number, lowest?: number }} card
 * @param {number} room
 */
export function barScale({ largest, lowest = 0 }, room) {
  const zero = lowest < 0 ? (room * -lowest) / (largest - lowest || 1) : 0;
  return { zero, unit: room / (largest - Math.min(0, lowest) || 1) };
}

/**
 * Draw a card's numbers.
 *
 * @param {Painter} context
 * @param {Card} card
 * @param {number} lit the row that is pointed at; -1 for none
 * @param {number} width
 * @param {Theme} theme
 */
export function paintCard(context, card, lit, width, theme) {
  const at = cardLayout(card, width);
  context.textBaseline = "middle";
  card.values.forEach((values, row) => {
    const y = row * ROW;
    if (row === lit) {
      context.fillStyle = theme.faint;
      context.globalAlpha = 0.45;
      context.fillRect(0, y, width, ROW);
      context.globalAlpha = 1;
    }
    context.font = `${LABEL}px ${theme.font}`;
    context.textAlign = "right";
    context.fillStyle = row === lit || card.marked === row ? theme.accent : theme.text;
    context.fillText(clip(card.labels[row], (at.left - 8) / (LABEL * 0.58)), at.left - 6, y + ROW / 2);
    if (card.kind === "matrix") paintCells(context, card, values.map(Number), at, y, theme);
    else paintBar(context, card, row, at, y, theme, row === lit);
  });
}

/**
 * @param {Painter} context
 * @param {Card} card
 * @param {number[]} values
 * @param {CardLayout} at
 * @param {number} y
 * @param {Theme} theme
 */
function paintCells(context, card, values, at, y, theme) {
  const cell = at.width / values.length;
  const levels = values.map((value) => Math.round(127.5 + (127.5 * value) / (card.largest || 1)));
  values.forEach((_, i) => {
    context.fillStyle = cssColour(theme.diverging, levels[i]);
    context.fillRect(at.left + i * cell, y + 1, Math.max(0.5, cell - (cell > 5 ? 1 : 0)), ROW - 2);
  });
  if (cell < 36) return;
  context.font = `12px ${theme.font}`;
  context.textAlign = "center";
  values.forEach((value, i) => {
    // Strong colours are dark on a light page and bright on a dark one: there the page's own colour can be read.
    context.fillStyle = Math.abs(levels[i] - 127.5) > 75 ? theme.background : theme.text;
    context.fillText(value.toFixed(2).replace("-", "−"), at.left + (i + 0.5) * cell, y + ROW / 2);
  });
}

/**
 * @param {Painter} context
 * @param {Card} card
 * @param {number} row
 * @param {CardLayout} at
 * @param {number} y
 * @param {Theme} theme
 * @param {boolean} lit
 */
function paintBar(context, card, row, at, y, theme, lit) {
  const value = card.values[row][0];
  const { zero, unit } = barScale(card, at.width - 62);
  if (value !== null) {
    context.fillStyle = lit ? theme.accent : theme.line;
    const length = value * unit;
    context.fillRect(at.left + zero + Math.min(0, length), y + 4, Math.max(1, Math.abs(length)), ROW - 8);
  }
  const usual = card.usual?.[row];
  if (usual !== undefined) {
    context.fillStyle = theme.text;
    context.fillRect(at.left + zero + usual * unit - 1, y + 2, 2, ROW - 4);
  }
  context.textAlign = "right";
  context.fillStyle = theme.text;
  context.fillText(value === null ? "−∞" : formatSigned(value, card.largest), at.left + at.width, y + ROW / 2);
}
