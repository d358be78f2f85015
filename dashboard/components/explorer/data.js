// @ts-check
// What arrives from Python, and how weights become colours.

import { floatsOf, unpackMessage } from "../canvas/message.js";

/**
 * What Python says of a text's attention. Tokens may be words; places are those in the text.
 *
 * @typedef {object} Header
 * @property {string} key what tells these thumbnails from others
 * @property {number} sequence how many choices this answers
 * @property {number} layers
 * @property {number} heads_per_layer
 * @property {number} rows queries
 * @property {number} columns keys
 * @property {[number, number]} thumbnailShape
 * @property {string[]} queryLabels
 * @property {string[]} keyLabels
 * @property {number[]} queryPlaces
 * @property {number[]} keyPlaces
 * @property {number[]} keySpecial
 * @property {number | null} queryBreak where segment B begins
 * @property {number | null} keyBreak
 * @property {Head[]} heads
 * @property {ScaleName} scale
 * @property {number} minimum
 * @property {string} title
 * @property {string} file
 * @property {Record<string, string>} strings
 * @property {boolean} [thumbnails] whether they are in the message
 * @property {number} [steps] how many steps square roots have in an exported file, from 0 to 1
 */

/** @typedef {[layer: number, head: number]} Head */
/** @typedef {[firstQuery: number, endQuery: number, firstKey: number, endKey: number]} Range */
/** @typedef {"linear" | "sqrt" | "log"} ScaleName */
/** @typedef {{ of: (weight: number) => number, ticks: number[] }} Scale */
/** @typedef {{ query: number | null, key: number | null }} Place what is pointed at: a query, a key, or a cell */

/**
 * What Python sends: always a head's weights (query, key), and the thumbnails where this browser has not got them.
 *
 * @typedef {object} Message
 * @property {Header} header
 * @property {Float32Array} matrix
 * @property {Uint8Array | null} [thumbnails]
 */

/**
 * Unpack one message: header, weights (f32), thumbnails (u8) where they are sent.
 *
 * @param {Uint8Array} bytes
 * @returns {Message}
 */
export function unpack(bytes) {
  const { header, rest } = unpackMessage(bytes);
  const size = header.rows * header.columns * 4;
  const matrix = floatsOf(rest.subarray(0, size));
  const thumbnails = header.thumbnails ? rest.slice(size) : null;
  return { header, matrix, thumbnails };
}

/**
 * The weights of an exported file: its numbers are steps of the weights' square roots, in one byte each or in two.
 *
 * @param {Uint8Array} bytes
 * @param {number} steps
 * @returns {(index: number) => number}
 */
export function weightsOf(bytes, steps) {
  const roots = steps > 255 ? new Uint16Array(bytes.buffer) : bytes;
  const table = Float32Array.from({ length: steps + 1 }, (_, root) => (root / steps) ** 2);
  return (index) => table[roots[index]];
}

// Each scale maps a weight from 0…1 to 0…1, the same for every head, so that heads can be compared.
/** @type {Record<ScaleName, Scale>} */
export const SCALES = {
  linear: { of: (weight) => weight, ticks: [0, 0.25, 0.5, 0.75, 1] },
  sqrt: { of: Math.sqrt, ticks: [0, 0.01, 0.1, 0.3, 0.6, 1] },
  log: { of: (weight) => (weight <= 1e-4 ? 0 : 1 + Math.log10(weight) / 4), ticks: [1e-4, 1e-3, 0.01, 0.1, 1] },
};

/**
 * The part of a matrix that `range` names, at most `height` by `width`: each element is that of those under it which
 * is furthest from zero, so that nothing strong is lost where there are more weights than pixels.
 *
 * @param {Float32Array} matrix (query, key)
 * @param {number} columns how many keys a row of it has
 * @param {Range} range
 * @param {number} height
 * @param {number} width
 */
export function pool(matrix, columns, range, height, width) {
  const [q0, q1, k0, k1] = range;
  const rows = Math.min(q1 - q0, Math.max(1, Math.floor(height)));
  const cols = Math.min(k1 - k0, Math.max(1, Math.floor(width)));
  const out = new Float32Array(rows * cols);
  const columnOf = new Uint32Array(k1 - k0);
  for (let k = 0; k < k1 - k0; k++) columnOf[k] = Math.floor((k * cols) / (k1 - k0));
  for (let q = q0; q < q1; q++) {
    const row = Math.floor(((q - q0) * rows) / (q1 - q0)) * cols;
    for (let k = k0; k < k1; k++) {
      const at = row + columnOf[k - k0];
      const value = matrix[q * columns + k];
      if (Math.abs(value) > Math.abs(out[at])) out[at] = value;
    }
  }
  return { rows, cols, values: out };
}
