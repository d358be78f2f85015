// @ts-check
// A cloud as Plotly's traces: one for each group, in its colour and shape.

import { clip } from "../canvas/text.js";
import { cssColour, parseColour } from "../canvas/theme.js";
import { columnsOf } from "./data.js";
import { hoverText } from "./hover.js";

/**
 * @import { Theme } from "../canvas/theme.js"
 * @import { CloudHeader } from "./data.js"
 * @import { Dress } from "./moving.js"
 */

const SYMBOLS = ["circle", "diamond", "square", "cross"];
// What is not marked and what is: how opaque, or how large.
export const FADED = [0.12, 1];
export const SHRUNK = [0.45, 1.6];

/**
 * What is drawn: points with their groups, and the page's colours.
 *
 * @typedef {object} Drawn
 * @property {CloudHeader} header
 * @property {Float32Array[]} clouds (layer), each (point, dim)
 * @property {Float32Array} values
 * @property {number[][]} places the points of each trace
 * @property {string[]} hover
 * @property {Theme} theme
 * @property {string[]} palette
 */

/**
 * How large points are, and how opaque: the more there are, the less of each.
 *
 * @param {number} count
 * @param {number} dims
 */
export function inkOf(count, dims) {
  const size = count > 20000 ? 3 : count > 5000 ? 4 : count > 1000 ? 5.5 : count > 200 ? 7 : 9;
  return { size: size * (dims === 3 ? 0.6 : 1), opacity: count > 5000 ? 0.7 : 0.85 };
}

/**
 * The name and the marker of one trace.
 *
 * @param {Drawn} drawn
 * @param {number} g
 * @returns {{ name: string, marker: any }}
 */
function lookOf({ header, values, places, theme, palette }, g) {
  const { groups, ranks, others, shape } = header;
  const marker = { ...inkOf(shape[1], shape[2]), line: { width: 0 } };
  if (groups.length) {
    if (others && g === 0) return { name: groups[groups.length - 1], marker: { ...marker, color: theme.faint, symbol: "circle" } };
    const at = others ? g - 1 : g;
    const symbol = SYMBOLS[Math.floor(ranks[at] / palette.length) % SYMBOLS.length];
    return { name: groups[at], marker: { ...marker, color: palette[ranks[at] % palette.length], symbol } };
  }
  if (g < places.length - 1) return { name: header.strings.unknown, marker: { ...marker, color: theme.faint } };
  const title = { text: hoverText(header.colour), side: "right" };
  return {
    name: "",
    marker: {
      ...marker,
      color: Array.from(places[g], (i) => values[i]),
      colorscale: Array.from({ length: 11 }, (_, i) => [i / 10, cssColour(theme.ramp, 60 + Math.round(19.5 * i))]),
      colorbar: { title, thickness: 12, outlinewidth: 0 },
    },
  };
}

/**
 * The traces of one layer.
 *
 * @param {Drawn} drawn
 * @param {number} layer
 * @returns {any[]}
 */
export function tracesOf(drawn, layer) {
  const { header, clouds, places, hover } = drawn;
  const dims = header.shape[2];
  const columns = columnsOf(clouds[layer], dims, places);
  return places.map((part, g) => {
    const { name, marker } = lookOf(drawn, g);
    return {
      type: dims === 3 ? "scatter3d" : "scattergl",
      mode: "markers",
      name: hoverText(clip(name, 30)),
      legendrank: header.others && g === 0 ? 2000 : 1000 + g,
      x: columns[0][g],
      y: columns[1][g],
      ...(dims === 3 ? { z: columns[2][g] } : {}),
      customdata: part,
      text: Array.from(part, (i) => hover[i]),
      hovertemplate: "%{text}<extra></extra>",
      marker,
      selected: { marker: { opacity: FADED[1] } },
      unselected: { marker: { opacity: FADED[0] } },
      showlegend: header.groups.length > 0,
    };
  });
}

/**
 * The traces of every map beside the others: flat, without a legend but in the first.
 *
 * @param {Drawn} drawn
 * @param {number} layer
 * @returns {any[]}
 */
export function allTracesOf(drawn, layer) {
  const one = tracesOf(drawn, layer);
  return drawn.clouds.flatMap((cloud, l) => {
    const [x, y] = columnsOf(cloud, drawn.header.shape[2], drawn.places);
    const axis = l ? l + 1 : "";
    return one.map((trace, g) => ({
      ...trace,
      type: "scattergl",
      z: undefined,
      x: x[g],
      y: y[g],
      xaxis: `x${axis}`,
      yaxis: `y${axis}`,
      marker: { ...trace.marker, size: Math.max(2.5, trace.marker.size * 0.6) },
      legendgroup: String(g),
      showlegend: trace.showlegend && l === 0,
    }));
  });
}

/**
 * How the picture that moves draws the points, so that they look as Plotly's.
 *
 * @param {Drawn} drawn
 * @param {any[]} traces
 * @returns {Dress}
 */
export function dressOf({ header, values, places, theme }, traces) {
  const [, count, dims] = header.shape;
  const { size, opacity } = inkOf(count, dims);
  let [low, high] = [Infinity, -Infinity];
  for (const one of values) if (!Number.isNaN(one)) [low, high] = [Math.min(low, one), Math.max(high, one)];
  /** @param {number} i */
  const rampInk = (i) => {
    const level = 60 + Math.round(195 * ((values[i] - low) / (high - low || 1)));
    return [0, 1, 2].map((part) => theme.ramp[3 * level + part]);
  };
  const groups = traces.map(({ marker }, g) => ({
    places: places[g],
    symbol: marker.symbol ?? "circle",
    inks: marker.colorscale ? places[g].map(rampInk) : [parseColour(marker.color)],
  }));
  const background = parseColour(theme.background);
  // Points in depth cannot be dimmed one by one, so those not meant shrink; and Plotly draws them larger than it says.
  if (dims === 3) return { groups, size: size * 1.7, opacity, background, marks: SHRUNK, fades: [opacity, opacity] };
  return { groups, size, opacity, background, marks: [1, 1], fades: FADED };
}
