// @ts-check
// What stands beside each other: one head, two heads, or what sets them apart; and what is read where a hand points.

import { fill, formatWeight } from "../canvas/text.js";
import { SCALES } from "../explorer/data.js";

/**
 * @import { PictureData } from "../canvas/picture.js"
 * @import { Scale, ScaleName } from "../explorer/data.js"
 */

/**
 * One side: what it is, and its tokens, which are its rows and its columns.
 *
 * @typedef {object} Side
 * @property {string} name
 * @property {string} title
 * @property {string} about
 * @property {string[]} labels
 * @property {number | null} border where segment B begins
 */

/**
 * What Python sends before the weights of each side, and the differences.
 *
 * @typedef {PictureData & {
 *   sides: Side[],
 *   linked: boolean,
 *   difference: Side & { most: number } | null,
 *   scale: ScaleName,
 *   strings: Record<string, string>,
 * }} BesideData
 */

/**
 * One heat map: a side's weights, or the differences.
 *
 * @typedef {Side & { matrix: Float32Array, diverging: boolean, scale: Scale, unit: string }} Panel
 */

/** @typedef {{ panel: number, query: number | null, key: number | null }} Cell */

/**
 * Take the matrices apart: those of the sides, then that of the differences where it is drawn.
 *
 * @param {BesideData} data
 * @param {Float32Array} numbers
 * @returns {{ weights: Float32Array[], panels: Panel[] }}
 */
export function panelsOf(data, numbers) {
  let at = 0;
  /** @param {Side} side */
  const take = (side) => numbers.subarray(at, (at += side.labels.length ** 2));
  const weights = data.sides.map(take);
  const { difference, strings } = data;
  if (difference) {
    const panel = { ...difference, matrix: take(difference), diverging: true, scale: around(difference.most, data.scale), unit: strings.difference };
    return { weights, panels: [panel] };
  }
  const scale = SCALES[data.scale];
  return { weights, panels: data.sides.map((side, i) => ({ ...side, matrix: weights[i], diverging: false, scale, unit: strings.weight })) };
}

/**
 * A scale with zero in its middle, from −most to most: linear, or by the square root on both sides, so that small
 * differences are seen beside a large one.
 *
 * @param {number} most
 * @param {ScaleName} scale
 * @returns {Scale}
 */
export function around(most, scale) {
  if (scale === "linear") return { of: (value) => (1 + value / most) / 2, ticks: [-most, 0, most] };
  const quarter = Number((most / 4).toPrecision(2));
  return {
    of: (value) => (1 + Math.sign(value) * Math.sqrt(Math.abs(value) / most)) / 2,
    ticks: [-most, -quarter, 0, quarter, most],
  };
}

/**
 * A number with its sign.
 *
 * @param {number} value
 */
export function signed(value) {
  return `${value < 0 ? "−" : "+"}${formatWeight(Math.abs(value))}`;
}

/**
 * What is said of a cell: of both sides where a cell of the one is one of the other.
 *
 * @param {BesideData} data
 * @param {Float32Array[]} weights of each side
 * @param {Cell | null} cell
 */
export function readCell(data, weights, cell) {
  if (!cell || cell.query === null || cell.key === null) return data.strings.hint;
  const { panel, query, key } = cell;
  /** @param {number} i */
  const weightOf = (i) => weights[i][query * data.sides[i].labels.length + key];
  /** @param {number} i */
  const named = (i) => fill(data.strings.cell, { query: data.sides[i].labels[query], key: data.sides[i].labels[key] });
  /** @param {number} i */
  const side = (i) => `${data.sides[i].name} ${formatWeight(weightOf(i))}`;
  if (!data.linked) return `${named(panel)}: ${side(panel)}`;
  const names = named(0) === named(1) ? named(0) : `${named(0)} / ${named(1)}`;
  return `${names}: ${side(0)} · ${side(1)} · ${data.strings.difference} ${signed(weightOf(1) - weightOf(0))}`;
}
