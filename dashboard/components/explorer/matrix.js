// @ts-check
// The chosen head as a heat map: rows are queries, columns are keys.

import { paintPixels } from "../canvas/paint.js";
import { shorten, widthOf } from "../canvas/text.js";
import { pool } from "./data.js";

/**
 * @import { Painter } from "../canvas/svg.js"
 * @import { Theme } from "../canvas/theme.js"
 * @import { Header, Place, Range, Scale } from "./data.js"
 */

/** @typedef {Pick<Header, "columns" | "queryLabels" | "keyLabels" | "queryBreak" | "keyBreak" | "strings">} Drawn */

const LABEL = 12;

/**
 * What is drawn of a head: its weights (query, key), the part of them that is seen, and what is pointed at.
 *
 * @typedef {object} Model
 * @property {Drawn} header
 * @property {Float32Array} matrix
 * @property {Range} range
 * @property {Place} focus
 * @property {number} minimum weights below it are not drawn
 * @property {[x0: number, y0: number, x1: number, y1: number] | null} box what is being drawn around
 * @property {Theme} theme
 * @property {Scale} scale
 */

/** @typedef {Pick<Model, "range"> & { header: Pick<Header, "queryLabels" | "keyLabels"> }} Laid */

/**
 * Where things stand in a heat map of a given size.
 *
 * @param {Laid} model
 * @param {number} width
 * @param {number} height
 */
export function matrixLayout(model, width, height) {
  /** @param {string[]} labels */
  const measure = (labels) => Math.min(82, 14 + LABEL * 0.62 * Math.max(1, ...labels.map((one) => widthOf(one))));
  const left = measure(model.header.queryLabels);
  const top = measure(model.header.keyLabels) + 16;
  const [q0, q1, k0, k1] = model.range;
  const cell = Math.min((width - left - 2) / (k1 - k0), (height - top - 2) / (q1 - q0));
  return { left, top, cellWidth: cell, cellHeight: cell, width: cell * (k1 - k0), height: cell * (q1 - q0) };
}

/** @typedef {ReturnType<typeof matrixLayout>} MatrixLayout */

/**
 * Draw the heat map.
 *
 * @param {Painter} context
 * @param {Model} model
 * @param {number} width
 * @param {number} height
 */
export function paintMatrix(context, model, width, height) {
  const { header, matrix, range, theme } = model;
  const at = matrixLayout(model, width, height);
  const pixels = window.devicePixelRatio || 1;
  const pooled = pool(matrix, header.columns, range, at.height * pixels, at.width * pixels);
  /** @param {number} weight */
  const unit = (weight) => (weight < model.minimum ? 0 : model.scale.of(weight));
  const picture = paintPixels(pooled.values, pooled.rows, pooled.cols, theme.ramp, unit);
  context.imageSmoothingEnabled = false;
  context.drawImage(picture, at.left, at.top, at.width, at.height);
  context.strokeStyle = theme.faint;
  context.lineWidth = 1;
  context.strokeRect(at.left, at.top, at.width, at.height);
  paintBreaks(context, model, at);
  paintLabels(context, model, at);
  if (model.box) {
    const [x0, y0, x1, y1] = model.box;
    context.strokeRect(Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0));
  }
  context.fillStyle = theme.text;
  context.textAlign = "left";
  context.fillText(header.strings.axes, 2, 8);
}

/**
 * Draw where segment B begins.
 *
 * @param {Painter} context
 * @param {Model} model
 * @param {MatrixLayout} at
 */
function paintBreaks(context, { header, range, theme }, at) {
  const [q0, q1, k0, k1] = range;
  context.strokeStyle = theme.accent;
  if (header.queryBreak !== null && header.queryBreak > q0 && header.queryBreak < q1) {
    const y = at.top + (header.queryBreak - q0) * at.cellHeight;
    context.beginPath();
    context.moveTo(at.left, y);
    context.lineTo(at.left + at.width, y);
    context.stroke();
  }
  if (header.keyBreak !== null && header.keyBreak > k0 && header.keyBreak < k1) {
    const x = at.left + (header.keyBreak - k0) * at.cellWidth;
    context.beginPath();
    context.moveTo(x, at.top);
    context.lineTo(x, at.top + at.height);
    context.stroke();
  }
}

/**
 * Write as many labels as there is room for, and frame the row and the column that are pointed at.
 *
 * @param {Painter} context
 * @param {Model} model
 * @param {MatrixLayout} at
 */
function paintLabels(context, model, at) {
  const { header, range, theme, focus } = model;
  const [q0, q1, k0, k1] = range;
  context.font = `${LABEL}px ${theme.font}`;
  context.textBaseline = "middle";
  const step = Math.max(1, Math.ceil((LABEL + 0.5) / at.cellHeight));
  /** @param {number} q */
  const y = (q) => at.top + (q - q0 + 0.5) * at.cellHeight;
  /** @param {number} k */
  const x = (k) => at.left + (k - k0 + 0.5) * at.cellWidth;
  for (let q = q0; q < q1; q += step) writeLabel(context, theme, header.queryLabels[q], at.left - 5, y(q), false, false);
  for (let k = k0; k < k1; k += step) writeLabel(context, theme, header.keyLabels[k], x(k), at.top - 5, true, false);
  context.strokeStyle = theme.accent;
  context.lineWidth = 1.5;
  const { query, key } = focus;
  if (query !== null && query >= q0 && query < q1) {
    context.strokeRect(at.left, at.top + (query - q0) * at.cellHeight, at.width, Math.max(2, at.cellHeight));
    writeLabel(context, theme, header.queryLabels[query], at.left - 5, y(query), false, true);
  }
  if (key !== null && key >= k0 && key < k1) {
    context.strokeRect(at.left + (key - k0) * at.cellWidth, at.top, Math.max(2, at.cellWidth), at.height);
    writeLabel(context, theme, header.keyLabels[key], x(key), at.top - 5, true, true);
  }
}

/**
 * Write the label of a row, or turned by a quarter that of a column `above` the map.
 *
 * @param {Painter} context
 * @param {Theme} theme
 * @param {string} text
 * @param {number} x
 * @param {number} y
 * @param {boolean} above
 * @param {boolean} lit whether it is pointed at, and so stands out from its neighbours
 */
function writeLabel(context, theme, text, x, y, above, lit) {
  const shown = shorten(text, 10);
  // A single ideograph over a column stands upright, as it is read.
  const upright = above && [...shown].length === 1 && widthOf(shown) > 1;
  const turned = above && !upright;
  context.save();
  context.translate(x, upright ? y - LABEL / 2 : y);
  if (turned) context.rotate(-Math.PI / 2);
  context.textAlign = upright ? "center" : turned ? "left" : "right";
  if (lit) {
    const wide = widthOf(shown) * LABEL * 0.62 + 6;
    context.fillStyle = theme.background;
    context.fillRect(upright ? -wide / 2 : turned ? -2 : -wide, -LABEL * 0.7, wide + 2, LABEL * 1.4);
  }
  context.fillStyle = lit ? theme.accent : theme.text;
  context.fillText(shown, 0, 0);
  context.restore();
}

/**
 * Draw the colour scale with its ticks, in weights.
 *
 * @param {Painter} context
 * @param {Model} model
 * @param {number} x
 * @param {number} y
 * @param {number} width
 */
export function paintLegend(context, model, x, y, width) {
  const { theme, scale } = model;
  const ramp = paintPixels(Float32Array.from({ length: 256 }, (_, i) => i / 255), 1, 256, theme.ramp, (value) => value);
  context.imageSmoothingEnabled = false;
  context.drawImage(ramp, x, y, width, 8);
  context.strokeStyle = theme.faint;
  context.lineWidth = 1;
  context.strokeRect(x, y, width, 8);
  context.fillStyle = theme.text;
  context.font = `12px ${theme.font}`;
  context.textBaseline = "top";
  context.textAlign = "center";
  for (const tick of scale.ticks) context.fillText(String(tick).replace("-", "−"), x + scale.of(tick) * width, y + 11);
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.fillText(model.header.strings.weight, x + width + 14, y + 4);
}

/**
 * Which cell a point is in: its query and key, null where it is on a label or outside.
 *
 * @param {Laid} model
 * @param {number} width
 * @param {number} height
 * @param {number} x
 * @param {number} y
 * @returns {Place}
 */
export function matrixHit(model, width, height, x, y) {
  const at = matrixLayout(model, width, height);
  const [q0, q1, k0, k1] = model.range;
  const query = q0 + Math.floor((y - at.top) / at.cellHeight);
  const key = k0 + Math.floor((x - at.left) / at.cellWidth);
  return {
    query: y >= at.top && query < q1 ? query : null,
    key: x >= at.left && key < k1 ? key : null,
  };
}
