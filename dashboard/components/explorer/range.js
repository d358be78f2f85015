// @ts-check
// Which part of the heat map and the lines is seen: zoomed, drawn around, or following what the keyboard is on.

import { clamp } from "../canvas/keys.js";

/**
 * @import { Place, Range } from "./data.js"
 * @import { MatrixLayout } from "./matrix.js"
 */

const NARROWEST = 4;

/**
 * See `factor` times as much in detail, about a place or the middle; with no factor, see all.
 *
 * @param {Range} range
 * @param {number} factor
 * @param {Place} around
 * @param {number} rows
 * @param {number} columns
 * @returns {Range}
 */
export function zoomed([q0, q1, k0, k1], factor, around, rows, columns) {
  return [...zoomedPart(q0, q1, rows, factor, around.query), ...zoomedPart(k0, k1, columns, factor, around.key)];
}

/**
 * @param {number} low
 * @param {number} high
 * @param {number} count
 * @param {number} factor
 * @param {number | null} place
 * @returns {[number, number]}
 */
function zoomedPart(low, high, count, factor, place) {
  if (!factor) return [0, count];
  const size = Math.max(Math.min(NARROWEST, count), Math.min(count, Math.round((high - low) / factor)));
  const centre = place ?? (low + high) / 2;
  const share = (centre - low) / (high - low);
  const begin = Math.max(0, Math.min(count - size, Math.round(centre - size * share)));
  return [begin, begin + size];
}

/**
 * See what a box on the heat map is drawn around; a side of less than two tokens stays as it is.
 *
 * @param {Range} range
 * @param {[x0: number, y0: number, x1: number, y1: number]} box
 * @param {Pick<MatrixLayout, "left" | "top" | "cellWidth" | "cellHeight">} at
 * @returns {Range}
 */
export function boxed([q0, q1, k0, k1], [x0, y0, x1, y1], at) {
  return [...boxedPart(y0, y1, at.top, at.cellHeight, q0, q1), ...boxedPart(x0, x1, at.left, at.cellWidth, k0, k1)];
}

/**
 * @param {number} a
 * @param {number} b
 * @param {number} begin
 * @param {number} cell
 * @param {number} low
 * @param {number} high
 * @returns {[number, number]}
 */
function boxedPart(a, b, begin, cell, low, high) {
  const first = Math.max(low, low + Math.floor((Math.min(a, b) - begin) / cell));
  const last = Math.min(high, low + Math.ceil((Math.max(a, b) - begin) / cell));
  return last - first >= 2 ? [first, last] : [low, high];
}

/**
 * Keep what the keyboard is on inside the part that is seen.
 *
 * @param {Range} range
 * @param {Place} focus
 * @param {number} rows
 * @param {number} columns
 * @returns {Range}
 */
export function following([q0, q1, k0, k1], focus, rows, columns) {
  return [...shifted(focus.query, q0, q1, rows), ...shifted(focus.key, k0, k1, columns)];
}

/**
 * @param {number | null} place
 * @param {number} low
 * @param {number} high
 * @param {number} count
 * @returns {[number, number]}
 */
function shifted(place, low, high, count) {
  if (place === null) return [low, high];
  const by = place < low ? place - low : place >= high ? place - high + 1 : 0;
  return [Math.max(0, low + by), Math.min(count, high + by)];
}

/**
 * Where an arrow goes in the heat map: from cell to cell, and at first to the first that is seen.
 *
 * @param {Place} focus
 * @param {[down: number, right: number]} arrow
 * @param {Range} range
 * @param {number} rows
 * @param {number} columns
 * @returns {Place}
 */
export function stepInMatrix({ query, key }, [down, right], [q0, , k0], rows, columns) {
  return {
    query: clamp((query ?? q0 - Number(down > 0)) + down, rows),
    key: clamp((key ?? k0 - Number(right > 0)) + right, columns),
  };
}

/**
 * Where an arrow goes among the lines: up and down a column of tokens, or over to the other.
 *
 * @param {Place} focus
 * @param {[down: number, right: number]} arrow
 * @param {Range} range
 * @param {number} rows
 * @param {number} columns
 * @returns {Place}
 */
export function stepInLines({ query, key }, [down, right], [q0, , k0], rows, columns) {
  const left = right < 0 || (right === 0 && key === null);
  const now = query ?? key ?? (left ? q0 : k0) - down;
  return left ? { query: clamp(now + down, rows), key: null } : { query: null, key: clamp(now + down, columns) };
}
