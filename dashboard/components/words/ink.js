// @ts-check
// The colours of words, and where they stand in a saved picture.

import { cssColour } from "../canvas/theme.js";

/** @import { Theme } from "../canvas/theme.js" */

/**
 * The colour behind a score, and one of black and white that can be read on it.
 *
 * @param {{ most: number, signed: boolean }} row colours go from -most to most, or where not signed, from 0
 * @param {number} score
 * @param {Pick<Theme, "ramp" | "diverging">} theme
 */
export function inkOf(row, score, theme) {
  const share = row.signed ? 0.5 + (0.5 * score) / (row.most || 1) : score / (row.most || 1);
  const level = Math.max(0, Math.min(255, Math.round(255 * share)));
  const ramp = row.signed ? theme.diverging : theme.ramp;
  return [cssColour(ramp, level), luminanceOf([0, 1, 2].map((part) => ramp[3 * level + part])) > EVEN ? BLACK : WHITE];
}

const [BLACK, WHITE] = ["#000000", "#ffffff"];
// On this luminance both have the same contrast, 4.6 to 1, and on any other the better one has more.
const EVEN = Math.sqrt(1.05 * 0.05) - 0.05;

/**
 * How bright a colour looks, from 0 to 1: WCAG 2.2, relative luminance.
 *
 * @param {number[]} colour its parts, from 0 to 255
 */
function luminanceOf(colour) {
  const [r, g, b] = colour.map((part) => (part > 0.04045 * 255 ? ((part / 255 + 0.055) / 1.055) ** 2.4 : part / 255 / 12.92));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

const LINE = 26;
const SPACE = 5;
const PADDING = 6;

/**
 * Set words in lines of at most so many pixels.
 *
 * @param {{ text: string, spaced: boolean }[]} words
 * @param {number} room
 * @param {(text: string) => number} measure how wide a text is
 */
export function linesOf(words, room, measure) {
  let [x, y] = [0, 0];
  const places = words.map(({ text, spaced }) => {
    const wide = measure(text) + PADDING;
    if (spaced && x > 0) x += SPACE;
    if (x + wide > room && x > 0) [x, y] = [0, y + LINE];
    const place = { x, y, wide };
    x += wide;
    return place;
  });
  return { places, tall: y + LINE };
}
