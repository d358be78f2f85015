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
  const [r, g, b] = [0, 1, 2].map((part) => ramp[3 * level + part]);
  // How bright it looks (ITU-R BT.601).
  return [cssColour(ramp, level), 0.299 * r + 0.587 * g + 0.114 * b > 140 ? "#10161d" : "#ffffff"];
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
