// @ts-check
// Paths as a map of levels and tokens, where ribbons could not be told apart.

import { paintPixels } from "../canvas/paint.js";
import { clip, shorten } from "../canvas/text.js";
import { MARGIN, mapLayout } from "./layout.js";

/**
 * @import { Painter } from "../canvas/svg.js"
 * @import { Theme } from "../canvas/theme.js"
 * @import { Spot } from "./layout.js"
 * @import { PathsData } from "./paths.js"
 */

/**
 * The map's values, the last level first, and the largest below it: at the top one token has all of it; below, many
 * share it, and the largest share is the end of the scale.
 *
 * @param {number[][]} mass (level, token)
 */
export function mapValues(mass) {
  const tokens = mass[0].length;
  const values = new Float32Array(mass.length * tokens);
  mass.forEach((row, level) => values.set(row, (mass.length - 1 - level) * tokens));
  return { values, most: Math.max(1e-9, ...mass.slice(0, -1).map((row) => Math.max(...row))) };
}

/**
 * @param {Painter} context
 * @param {PathsData} data
 * @param {Spot | null} focus
 * @param {number} width
 * @param {Theme} theme
 */
export function paintMap(context, data, focus, width, theme) {
  const { labels, mass, levels } = data;
  const at = mapLayout(data, width);
  const { values, most } = mapValues(mass);
  /** @param {number} value */
  const unit = (value) => Math.sqrt(Math.min(1, value / most));
  const picture = paintPixels(values, mass.length, labels.length, theme.ramp, unit);
  context.imageSmoothingEnabled = false;
  context.drawImage(picture, at.left, MARGIN.top, at.cell * labels.length, at.tall * mass.length);
  context.strokeStyle = theme.faint;
  context.strokeRect(at.left, MARGIN.top, at.cell * labels.length, at.tall * mass.length);
  context.textAlign = "right";
  context.fillStyle = theme.text;
  levels.forEach((name, level) => {
    context.fillText(clip(name, 14), at.left - 6, MARGIN.top + (mass.length - level - 0.5) * at.tall);
  });
  const below = MARGIN.top + mass.length * at.tall + 6;
  const every = Math.max(1, Math.ceil(13 / at.cell));
  /** @type {(token: number, colour: string) => void} */
  const write = (token, colour) => {
    context.save();
    context.translate(at.left + (token + 0.5) * at.cell, below);
    context.rotate(-Math.PI / 2);
    context.textAlign = "right";
    context.fillStyle = colour;
    context.fillText(clip(`${token} ${shorten(labels[token], 9)}`, 13), 0, 0);
    context.restore();
  };
  for (let token = 0; token < labels.length; token += every) {
    if (!focus || Math.abs(token - focus.token) * at.cell > 13) write(token, theme.text);
  }
  if (!focus) return;
  write(focus.token, theme.accent);
  context.strokeStyle = theme.accent;
  const y = MARGIN.top + (mass.length - 1 - focus.level) * at.tall;
  context.strokeRect(at.left + focus.token * at.cell, y, Math.max(2, at.cell), at.tall);
}
