// @ts-check
// A head in words: what is chosen, what it does, and what is pointed at.

import { fill, formatWeight, shorten } from "../canvas/text.js";

/** @import { Header, Place } from "./data.js" */

/**
 * What is chosen, in words: a head, a layer's average, a head's over the layers, or that of some heads.
 *
 * @param {Pick<Header, "heads" | "layers" | "heads_per_layer" | "strings">} header
 */
export function nameOf({ heads, layers, heads_per_layer, strings }) {
  const [layer, head] = heads[0];
  if (heads.length === 1) return fill(strings.layerHead, { layer, head });
  if (heads.length === layers * heads_per_layer) return strings.averageAll;
  if (heads.length === heads_per_layer && heads.every(([l]) => l === layer)) return fill(strings.averageLayer, { layer });
  if (heads.length === layers && heads.every(([, h]) => h === head)) return fill(strings.averageHead, { head });
  return fill(strings.average, { count: heads.length });
}

/**
 * How much a token gives on average to itself, to its neighbours and to special tokens.
 *
 * @param {Pick<Header, "rows" | "columns" | "queryPlaces" | "keyPlaces" | "keySpecial">} header
 * @param {Float32Array} matrix (query, key)
 */
export function sharesOf({ rows, columns, queryPlaces, keyPlaces, keySpecial }, matrix) {
  const shares = { self: 0, previous: 0, next: 0, special: 0 };
  const columnOf = new Map(keyPlaces.map((place, k) => [place, k]));
  for (let q = 0; q < rows; q++) {
    const row = matrix.subarray(q * columns, (q + 1) * columns);
    /** @param {number} step */
    const given = (step) => row[columnOf.get(queryPlaces[q] + step) ?? -1] ?? 0;
    shares.self += given(0);
    shares.previous += given(-1);
    shares.next += given(1);
    for (let k = 0; k < columns; k++) if (keySpecial[k]) shares.special += row[k];
  }
  const count = Math.max(1, rows);
  const { self, previous, next, special } = shares;
  return { self: self / count, previous: previous / count, next: next / count, special: special / count };
}

/**
 * Each query's strongest key, strongest first: [query, key, weight].
 *
 * @param {Pick<Header, "rows" | "columns">} header
 * @param {Float32Array} matrix
 */
export function strongestKeys({ rows, columns }, matrix) {
  /** @type {[number, number, number][]} */
  const best = [];
  for (let q = 0; q < rows && columns; q++) {
    const row = matrix.subarray(q * columns, (q + 1) * columns);
    let top = 0;
    for (let k = 0; k < columns; k++) if (row[k] > row[top]) top = k;
    best.push([q, top, row[top]]);
  }
  return best.sort((a, b) => b[2] - a[2]);
}

/**
 * One head in words: for a screen reader, and for anybody who wants it said.
 *
 * @param {string} name
 * @param {Header} header
 * @param {Float32Array} matrix
 */
export function describe(name, header, matrix) {
  const links = strongestKeys(header, matrix)
    .slice(0, 3)
    .map(([q, k, weight]) => [shorten(header.queryLabels[q], 24), shorten(header.keyLabels[k], 24), formatWeight(weight)])
    .map(([query, key, weight]) => `“${query}” → “${key}” ${weight}`);
  const shares = sharesOf(header, matrix);
  /** @param {number} share */
  const percent = (share) => `${Math.round(100 * share)}%`;
  return fill(header.strings.summary, {
    name,
    links: links.join(", "),
    self: percent(shares.self),
    previous: percent(shares.previous),
    next: percent(shares.next),
    special: percent(shares.special),
  });
}

/**
 * The five largest of `count` weights, as [index, weight].
 *
 * @param {number} count
 * @param {(i: number) => number} weightOf
 * @returns {[number, number][]}
 */
export function strongest(count, weightOf) {
  return Array.from({ length: count }, (_, i) => /** @type {[number, number]} */ ([i, weightOf(i)]))
    .sort((a, b) => b[1] - a[1])
    .slice(0, 5);
}

/**
 * What is pointed at, in words: a cell, or the strongest weights of a query or a key.
 *
 * @param {Header} header
 * @param {Float32Array} matrix
 * @param {Place} focus
 */
export function readPlace(header, matrix, { query, key }) {
  const { strings, queryLabels, keyLabels, rows, columns } = header;
  /** @type {(labels: string[], i: number) => string} */
  const quote = (labels, i) => `“${shorten(labels[i], 40)}” (${i})`;
  /** @type {(labels: string[], best: [number, number][]) => string} */
  const list = (labels, best) => best.map(([i, weight]) => `${quote(labels, i)} ${formatWeight(weight)}`).join(" · ");
  if (query !== null && key !== null) {
    return `${quote(queryLabels, query)} → ${quote(keyLabels, key)}: ${formatWeight(matrix[query * columns + key])}`;
  }
  if (query !== null) {
    const best = strongest(columns, (k) => matrix[query * columns + k]);
    return fill(strings.looksAt, { token: quote(queryLabels, query) }) + list(keyLabels, best);
  }
  if (key !== null) {
    const best = strongest(rows, (q) => matrix[q * columns + key]);
    return fill(strings.lookedAtBy, { token: quote(keyLabels, key) }) + list(queryLabels, best);
  }
  return strings.readoutHint;
}
