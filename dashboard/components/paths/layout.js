// @ts-check
// Where tokens stand at each level: from left to right in a graph, from bottom to top in a map.

import { widthOf } from "../canvas/text.js";

/** @typedef {{ labels: string[], mass: number[][], graph: boolean }} Laid tokens, (level, token), and how it is drawn */
/** @typedef {{ level: number, token: number }} Spot */

export const LINE = 19;
export const MARGIN = { top: 26, right: 120, bottom: 8 };
const MAP_LEFT = 92;
const MAP_LINE = 24;

/**
 * Levels from left to right, the embeddings first; tokens from top to bottom.
 *
 * @param {Laid} data
 * @param {number} width
 */
export function graphLayout({ labels, mass }, width) {
  const widest = Math.max(1, ...labels.map((one) => widthOf(one)));
  const left = Math.min(148, 74 + widest * 7);
  const step = (width - left - MARGIN.right) / (mass.length - 1);
  return {
    left,
    step,
    height: MARGIN.top + labels.length * LINE + MARGIN.bottom,
    /** @param {number} level */
    x: (level) => left + level * step,
    /** @param {number} token */
    y: (token) => MARGIN.top + (token + 0.5) * LINE,
  };
}

/**
 * Levels from bottom to top; tokens from left to right.
 *
 * @param {Laid} data
 * @param {number} width
 */
export function mapLayout({ labels, mass }, width) {
  const height = MARGIN.top + mass.length * MAP_LINE + 90;
  return { left: MAP_LEFT, cell: (width - MAP_LEFT - 4) / labels.length, tall: MAP_LINE, height };
}

/**
 * @param {Laid} data
 * @param {number} width
 */
export function heightOf(data, width) {
  return (data.graph ? graphLayout(data, width) : mapLayout(data, width)).height;
}

/**
 * The level and token that a point is at, or null.
 *
 * @param {Laid} data
 * @param {number} width
 * @param {number} x
 * @param {number} y
 * @returns {Spot | null}
 */
export function pathsHit(data, width, x, y) {
  const { labels, mass, graph } = data;
  const spot = graph ? graphSpot(data, width, x, y) : mapSpot(data, width, x, y);
  const inside = spot.level >= 0 && spot.level < mass.length && spot.token >= 0 && spot.token < labels.length;
  return inside ? spot : null;
}

/** @type {(data: Laid, width: number, x: number, y: number) => Spot} */
function graphSpot(data, width, x, y) {
  const at = graphLayout(data, width);
  const token = Math.floor((y - MARGIN.top) / LINE);
  // Left of the first level stand its labels.
  return { level: x < at.left ? 0 : Math.round((x - at.left) / at.step), token };
}

/** @type {(data: Laid, width: number, x: number, y: number) => Spot} */
function mapSpot(data, width, x, y) {
  const at = mapLayout(data, width);
  const level = data.mass.length - 1 - Math.floor((y - MARGIN.top) / at.tall);
  return { level, token: Math.floor((x - at.left) / at.cell) };
}
