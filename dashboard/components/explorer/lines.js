// @ts-check
// The same head as lines between two columns of tokens: queries on the left, keys on the right.

import { formatWeight, shorten, widthOf } from "../canvas/text.js";

/**
 * @import { Painter } from "../canvas/svg.js"
 * @import { Header, Place } from "./data.js"
 * @import { Laid, Model } from "./matrix.js"
 */

const LABEL = 12;
const MOST_LINES = 2500;
// What is not drawn at all, and what is too small to be written as a number.
export const LEAST_LINE = 1e-4;
const LEAST_NUMBER = 0.0005;

/** @typedef {{ total: number, links: number[] }} Links as places in the matrix, weakest first, and how many there are */
/** @typedef {Model & { header: Header, links: Links }} LinkedModel */

/**
 * The strongest links in a range, weakest first, and how many there are at or above the minimum.
 *
 * @param {Pick<Model, "matrix" | "range" | "minimum"> & { header: Pick<Header, "columns"> }} model
 * @param {number} [most] how many are drawn
 * @returns {Links}
 */
export function strongestLinks(model, most = MOST_LINES) {
  const { header, matrix, range, minimum } = model;
  const [q0, q1, k0, k1] = range;
  const least = Math.max(minimum, LEAST_LINE);
  // Counted by size first: sorting a quarter of a million links would take longer than drawing the picture.
  /** @param {number} weight */
  const level = (weight) => Math.min(4095, Math.floor(Math.sqrt(weight) * 4096));
  const counts = new Uint32Array(4096);
  let total = 0;
  for (let q = q0; q < q1; q++) {
    for (let i = q * header.columns + k0; i < q * header.columns + k1; i++) {
      if (matrix[i] >= least) {
        counts[level(matrix[i])]++;
        total++;
      }
    }
  }
  let limit = 4095;
  let above = 0;
  for (; limit > 0 && above + counts[limit] < most; limit--) above += counts[limit];
  // Of the level that only partly fits, every so many: a head that looks everywhere alike is shown as one.
  const share = Math.min(1, (most - above) / Math.max(1, counts[limit]));
  /** @type {number[]} */
  const links = [];
  let due = 0;
  for (let q = q0; q < q1; q++) {
    for (let i = q * header.columns + k0; i < q * header.columns + k1; i++) {
      if (matrix[i] < least || level(matrix[i]) < limit) continue;
      if (level(matrix[i]) === limit && (due += share) < 1) continue;
      if (level(matrix[i]) === limit) due -= 1;
      links.push(i);
    }
  }
  return { total, links: links.sort((a, b) => matrix[a] - matrix[b]) };
}

/**
 * Where the two columns stand in a picture of a given size.
 *
 * @param {Laid} model
 * @param {number} width
 * @param {number} height
 */
export function linesLayout(model, width, height) {
  const [q0, q1, k0, k1] = model.range;
  /** @param {string[]} labels */
  const measure = (labels) => Math.min(110, width * 0.3, 12 + LABEL * 0.62 * Math.max(1, ...labels.map((one) => widthOf(one))));
  const left = measure(model.header.queryLabels);
  const right = width - measure(model.header.keyLabels) - 44;
  const top = 18;
  // Few tokens stay close together rather than being torn apart by the height.
  const step = Math.min(26, (height - top - 4) / Math.max(q1 - q0, k1 - k0));
  /** @type {(i: number, first: number) => number} */
  const y = (i, first) => top + (i - first + 0.5) * step;
  return { left, right, top, step, y };
}

/** @typedef {ReturnType<typeof linesLayout>} LinesLayout */

/**
 * Draw the lines and their tokens.
 *
 * @param {Painter} context
 * @param {LinkedModel} model
 * @param {number} width
 * @param {number} height
 */
export function paintLines(context, model, width, height) {
  const { header, matrix, focus, theme } = model;
  const at = linesLayout(model, width, height);
  paintLinks(context, model, at);
  const { query, key } = focus;
  /** What the key gets from the query that is pointed at, and what the query gives to the key. */
  const ofKey = query !== null && key === null ? (/** @type {number} */ k) => matrix[query * header.columns + k] : null;
  const ofQuery = key !== null && query === null ? (/** @type {number} */ q) => matrix[q * header.columns + key] : null;
  const [q0, q1, k0, k1] = model.range;
  paintTokens(context, model, at, { labels: header.queryLabels, first: q0, last: q1, mine: query, weightOf: ofQuery, left: true });
  paintTokens(context, model, at, { labels: header.keyLabels, first: k0, last: k1, mine: key, weightOf: ofKey, left: false });
  // Exact weights stand beside the tokens while there is room for each.
  if (at.step >= LABEL) {
    context.fillStyle = theme.text;
    context.font = `12px ${theme.font}`;
    context.textAlign = "right";
    const least = Math.max(model.minimum, LEAST_NUMBER);
    for (let k = k0; ofKey && k < k1; k++) {
      if (ofKey(k) >= least) context.fillText(formatWeight(ofKey(k)), width - 2, at.y(k, k0));
    }
    for (let q = q0; ofQuery && q < q1; q++) {
      if (ofQuery(q) >= least) context.fillText(formatWeight(ofQuery(q)), width - 2, at.y(q, q0));
    }
  }
  context.fillStyle = theme.text;
  context.font = `12px ${theme.font}`;
  context.textAlign = "left";
  context.fillText(header.strings.from, 2, 8);
  context.textAlign = "right";
  context.fillText(header.strings.to, width - 2, 8);
}

/**
 * Draw the strongest links, and over them all those of the token that is pointed at.
 *
 * @param {Painter} context
 * @param {LinkedModel} model
 * @param {LinesLayout} at
 */
function paintLinks(context, model, at) {
  const { header, matrix, range, theme, focus, scale } = model;
  const [q0, q1, k0, k1] = range;
  const middle = (at.left + at.right) / 2;
  /** @type {(query: number, key: number, strength: number) => void} */
  const draw = (query, key, strength) => {
    context.globalAlpha = strength;
    context.beginPath();
    context.moveTo(at.left + 3, at.y(query, q0));
    context.bezierCurveTo(middle, at.y(query, q0), middle, at.y(key, k0), at.right - 3, at.y(key, k0));
    context.stroke();
  };
  const lit = focus.query !== null || focus.key !== null;
  context.strokeStyle = theme.line;
  context.lineWidth = 1;
  for (const i of model.links.links) {
    draw(Math.floor(i / header.columns), i % header.columns, scale.of(matrix[i]) * (lit ? 0.06 : 0.85));
  }
  context.strokeStyle = theme.accent;
  context.lineWidth = 1.6;
  const least = Math.max(model.minimum, LEAST_LINE);
  if (focus.query !== null && focus.query >= q0 && focus.query < q1) {
    for (let k = k0; k < k1; k++) {
      if (focus.key !== null && focus.key !== k) continue;
      const weight = matrix[focus.query * header.columns + k];
      if (weight >= least) draw(focus.query, k, Math.max(0.08, scale.of(weight)));
    }
  } else if (focus.key !== null && focus.key >= k0 && focus.key < k1) {
    for (let q = q0; q < q1; q++) {
      const weight = matrix[q * header.columns + focus.key];
      if (weight >= least) draw(q, focus.key, Math.max(0.08, scale.of(weight)));
    }
  }
  context.globalAlpha = 1;
}

/**
 * One column of tokens.
 *
 * @typedef {object} Column
 * @property {string[]} labels
 * @property {number} first
 * @property {number} last the one after the last that is seen
 * @property {number | null} mine the one that is pointed at
 * @property {((i: number) => number) | null} weightOf how strongly each is linked to what is pointed at
 * @property {boolean} left
 */

/**
 * Write as many tokens of a column as there is room for.
 *
 * @param {Painter} context
 * @param {Model} model
 * @param {LinesLayout} at
 * @param {Column} column
 */
function paintTokens(context, { theme, scale }, at, { labels, first, last, mine, weightOf, left }) {
  context.font = `${LABEL}px ${theme.font}`;
  context.textBaseline = "middle";
  context.textAlign = left ? "right" : "left";
  const thin = Math.max(1, Math.ceil((LABEL + 2) / at.step));
  for (let i = first; i < last; i++) {
    if ((i - first) % thin && i !== mine) continue;
    if (mine !== null && i !== mine && Math.abs(i - mine) < thin) continue;
    context.fillStyle = i === mine ? theme.accent : theme.text;
    context.globalAlpha = weightOf ? 0.35 + 0.65 * scale.of(weightOf(i)) : 1;
    context.fillText(shorten(labels[i], 14), left ? at.left - 3 : at.right + 3, at.y(i, first));
  }
  context.globalAlpha = 1;
}

/**
 * Which token a point is on or nearest to: a query in the left half, a key in the right one.
 *
 * @param {Laid} model
 * @param {number} width
 * @param {number} height
 * @param {number} x
 * @param {number} y
 * @returns {Place}
 */
export function linesHit(model, width, height, x, y) {
  const at = linesLayout(model, width, height);
  const [q0, q1, k0, k1] = model.range;
  const row = Math.floor((y - at.top) / at.step);
  const left = x < (at.left + at.right) / 2;
  const index = left ? q0 + row : k0 + row;
  const good = row >= 0 && index < (left ? q1 : k1);
  return { query: good && left ? index : null, key: good && !left ? index : null };
}
