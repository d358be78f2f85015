// @ts-check
// Where Plotly puts what: one map, one in depth, or a map for each layer beside the others.

import { hoverText } from "./hover.js";

/**
 * @import { Theme } from "../canvas/theme.js"
 * @import { CloudHeader } from "./data.js"
 */

/** @typedef {(d: number) => any} Axis one axis of Plotly's, for a coordinate */
/** @typedef {{ columns: number, rows: number }} Grid */

/**
 * What a map shows of each coordinate: from its least to its most, and a little room.
 *
 * @param {[number, number][]} edges
 * @returns {[number, number][]}
 */
export function roomyOf(edges) {
  return edges.map(([low, high]) => {
    const room = (high - low) * 0.04 + 1e-6;
    return [low - room, high + room];
  });
}

/**
 * Plotly's layout.
 *
 * @param {CloudHeader} header
 * @param {[number, number][]} whole what is seen of each coordinate: the same for all layers, so that nothing jumps
 *   when the points move
 * @param {Grid} grid
 * @param {boolean} narrow
 * @param {Theme} theme
 */
export function layoutOf(header, whole, grid, narrow, theme) {
  const dims = header.shape[2];
  /** @type {Axis} */
  const axis = (d) => {
    const plain = { showgrid: dims === 3, gridcolor: theme.faint, zeroline: false, showticklabels: false, ticks: "" };
    return { ...plain, range: [...whole[d]], title: { text: "" } };
  };
  const flat = { xaxis: axis(0), yaxis: { ...axis(1), scaleanchor: "x" } };
  const depth = dims === 3 ? { scene: { xaxis: axis(0), yaxis: axis(1), zaxis: axis(2), aspectmode: "data" } } : {};
  return {
    ...(header.multiples ? gridOf(header.layers, axis, grid, theme) : dims === 3 ? depth : flat),
    dragmode: header.multiples ? "pan" : dims === 3 ? "turntable" : "lasso",
    clickmode: "event+select",
    hovermode: "closest",
    uirevision: header.cloud,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: theme.font, color: theme.text, size: 12 },
    hoverlabel: { align: "left", bgcolor: theme.background, bordercolor: theme.faint, font: { color: theme.text } },
    margin: { l: 8, r: 8, t: 30, b: narrow && header.groups.length ? 70 : 8 },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: theme.text, activecolor: theme.accent },
    legend: {
      title: { text: narrow ? "" : hoverText(header.colour) }, itemsizing: "constant",
      ...(narrow
        ? { orientation: "h", y: -0.02, yanchor: "top", font: { size: 12 }, entrywidth: 0.3, entrywidthmode: "fraction" }
        : {}),
    },
  };
}

/**
 * Places for maps beside each other, each with its layer's name over it.
 *
 * @param {string[]} layers
 * @param {Axis} axis
 * @param {Grid} grid
 * @param {Theme} theme
 */
export function gridOf(layers, axis, { columns, rows }, theme) {
  /** @type {Record<string, any> & { annotations: any[] }} */
  const layout = { annotations: [] };
  const lined = { showline: true, mirror: true, linecolor: theme.faint };
  layers.forEach((name, l) => {
    const [column, row] = [l % columns, Math.floor(l / columns)];
    const end = l ? l + 1 : "";
    const [left, right] = [column / columns + 0.008, (column + 1) / columns - 0.008];
    const [bottom, top] = [1 - (row + 1) / rows + 0.01, 1 - row / rows - 0.17 / rows];
    layout[`xaxis${end}`] = { ...axis(0), ...lined, domain: [left, right], anchor: `y${end}`, constrain: "domain" };
    layout[`yaxis${end}`] = { ...axis(1), ...lined, domain: [bottom, top], anchor: `x${end}`, scaleanchor: `x${end}` };
    layout.annotations.push({
      text: hoverText(name), showarrow: false, xref: "paper", yref: "paper", x: (left + right) / 2, y: top,
      xanchor: "center", yanchor: "bottom", font: { size: 12, color: theme.text },
    });
  });
  return layout;
}

/**
 * The buttons over the map, and how it answers a wheel.
 *
 * @param {CloudHeader} header
 */
export function configOf(header) {
  return {
    displaylogo: false, responsive: false, scrollZoom: true, displayModeBar: true,
    modeBarButtons: header.multiples
      ? [["zoom2d", "pan2d", "resetScale2d"]]
      : header.shape[2] === 3
        ? [["resetCameraDefault3d"]]
        : [["lasso2d", "select2d", "pan2d", "zoom2d"], ["zoomIn2d", "zoomOut2d", "resetScale2d"]],
  };
}
