// @ts-check
// What arrives from Python: points at every layer, and what their colours stand for.

import { floatsOf, unpackMessage } from "../canvas/message.js";

/**
 * What is always sent, and what only comes with the points (from `hover` on).
 *
 * @typedef {object} CloudHeader
 * @property {string} key what tells these points and colours from others
 * @property {string} cloud what tells these points from others, in whatever colours
 * @property {[layers: number, points: number, dims: number]} shape
 * @property {number[]} marked points set off from the rest
 * @property {number} start the layer to begin at
 * @property {string} title
 * @property {string} file
 * @property {string} picture
 * @property {string[]} hover what each point says of itself
 * @property {string[]} layers
 * @property {string[]} groups
 * @property {number[]} ranks which of the palette's colours each group has
 * @property {boolean} others whether the last group stands for all others
 * @property {boolean} multiples whether all layers are drawn beside each other
 * @property {string} colour
 * @property {Record<string, string>} strings
 */

/**
 * Unpack one message: header, points (f32: layer, point, dim), colour values (f32: point).
 *
 * @param {Uint8Array} bytes
 * @returns {{ header: CloudHeader, clouds: Float32Array[], values: Float32Array }}
 */
export function unpackCloud(bytes) {
  const { header, rest } = unpackMessage(bytes);
  const [layers, count, dims] = header.shape;
  const numbers = floatsOf(rest);
  const size = count * dims;
  const clouds = Array.from({ length: layers }, (_, l) => numbers.subarray(l * size, (l + 1) * size));
  return { header, clouds, values: numbers.subarray(layers * size) };
}

/**
 * Which points are in each trace: those of a group, or all. What lies under the rest comes first: points without a
 * value, and all others.
 *
 * @param {Pick<CloudHeader, "groups" | "others">} header
 * @param {Float32Array} values
 * @returns {number[][]}
 */
export function partsOf({ groups, others }, values) {
  if (!groups.length) {
    const all = [...values.keys()];
    const unknown = all.filter((i) => Number.isNaN(values[i]));
    return unknown.length ? [unknown, all.filter((i) => !Number.isNaN(values[i]))] : [all];
  }
  /** @type {number[][]} */
  const parts = groups.map(() => []);
  values.forEach((group, i) => parts[group].push(i));
  return others ? [parts[parts.length - 1], ...parts.slice(0, -1)] : parts;
}

/**
 * The coordinates of each trace, from one cloud as it lies: (dim, trace, point).
 *
 * @param {Float32Array} cloud (point, dim)
 * @param {number} dims
 * @param {number[][]} places
 */
export function columnsOf(cloud, dims, places) {
  return Array.from({ length: dims }, (_, d) => places.map((part) => Float32Array.from(part, (i) => cloud[i * dims + d])));
}

/**
 * The least and the most of each coordinate over all layers.
 *
 * @param {Float32Array[]} clouds
 * @param {number} dims
 */
export function edgesOf(clouds, dims) {
  /** @type {[number, number][]} */
  const edges = Array.from({ length: dims }, () => [Infinity, -Infinity]);
  for (const cloud of clouds) {
    for (let i = 0; i < cloud.length; i++) {
      const edge = edges[i % dims];
      if (cloud[i] < edge[0]) edge[0] = cloud[i];
      if (cloud[i] > edge[1]) edge[1] = cloud[i];
    }
  }
  return edges;
}
