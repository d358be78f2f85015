// @ts-check
// The colours of the page, as the theme has them now.

/**
 * A colour scale: 256 colours, as bytes r g b.
 *
 * @typedef {Uint8ClampedArray} Ramp
 */

/**
 * The colours of the page's theme, and its font.
 *
 * @typedef {object} Theme
 * @property {Ramp} ramp from no weight to all of it
 * @property {Ramp} diverging from below zero to above it
 * @property {string} background
 * @property {string} text
 * @property {string} faint of what only guides the eye
 * @property {string} accent of what is chosen
 * @property {string} line
 * @property {string} font
 */

/**
 * The colours of the page's theme as they are now.
 *
 * @param {Element} element
 * @returns {Theme}
 */
export function readTheme(element) {
  const style = getComputedStyle(element);
  /** @type {(name: string, fallback: string) => string} */
  const get = (name, fallback) => style.getPropertyValue(`--st-${name}`).trim() || fallback;
  const anchors = get("chart-sequential-colors", "#ffffff,#06264d").split(",").map(parseColour);
  const background = get("background-color", "#ffffff");
  // The scale starts where the page is: no weight, no ink.
  const ramp = rampOf([parseColour(background), ...anchors.slice(1)]);
  const diverging = rampOf(get("chart-diverging-colors", "#0c4277,#ffffff,#7f3f06").split(",").map(parseColour));
  return {
    ramp,
    diverging,
    background,
    text: get("text-color", "#1c2530"),
    faint: get("border-color", "#c9d2dc"),
    accent: get("primary-color", "#b35806"),
    line: cssColour(ramp, 200),
    font: `${get("font", "sans-serif")}, "Noto Sans", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif`,
  };
}

/**
 * A CSS colour as r, g and b, each of 255: as six hexadecimal digits, or as numbers in brackets.
 *
 * @param {string} text
 */
export function parseColour(text) {
  const hex = text.trim().replace("#", "");
  if (/^[0-9a-f]{6}/i.test(hex)) return [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16));
  return (text.match(/[\d.]+/g) || ["0", "0", "0"]).slice(0, 3).map(Number);
}

/**
 * 256 colours through the anchors, as bytes r g b.
 *
 * @param {number[][]} anchors
 * @returns {Ramp}
 */
export function rampOf(anchors) {
  const ramp = new Uint8ClampedArray(256 * 3);
  for (let i = 0; i < 256; i++) {
    const place = (i / 255) * (anchors.length - 1);
    const low = Math.min(Math.floor(place), anchors.length - 2);
    for (let c = 0; c < 3; c++) ramp[3 * i + c] = anchors[low][c] + (anchors[low + 1][c] - anchors[low][c]) * (place - low);
  }
  return ramp;
}

/**
 * A scale's colour as CSS writes it.
 *
 * @param {Ramp} ramp
 * @param {number} i from 0 to 255
 */
export function cssColour(ramp, i) {
  return `rgb(${ramp[3 * i]}, ${ramp[3 * i + 1]}, ${ramp[3 * i + 2]})`;
}
