// @ts-check
// Paths as ribbons between columns of tokens.

import { shorten } from "../canvas/text.js";
import { LINE, graphLayout } from "./layout.js";

/**
 * @import { Painter } from "../canvas/svg.js"
 * @import { Theme } from "../canvas/theme.js"
 * @import { Spot } from "./layout.js"
 * @import { PathsData } from "./paths.js"
 */

/**
 * How thick a ribbon is.
 *
 * @param {number} share
 */
export function thicknessOf(share) {
  return Math.max(0.4, share * (LINE - 3) * 1.6);
}

/**
 * @param {Painter} context
 * @param {PathsData} data
 * @param {Spot | null} focus
 * @param {number} width
 * @param {Theme} theme
 */
export function paintGraph(context, data, focus, width, theme) {
  const at = graphLayout(data, width);
  for (const [level, upper, lower, share] of data.edges) {
    const lit = focus && ((focus.level === level && focus.token === lower) || (focus.level === level + 1 && focus.token === upper));
    context.globalAlpha = lit ? 0.9 : focus ? 0.16 : 0.42;
    context.strokeStyle = lit ? theme.accent : theme.line;
    context.lineWidth = Math.min(LINE, thicknessOf(share));
    const [x0, x1] = [at.x(level) + 4, at.x(level + 1) - 4];
    const bend = (x1 - x0) / 2;
    context.beginPath();
    context.moveTo(x0, at.y(lower));
    context.bezierCurveTo(x0 + bend, at.y(lower), x1 - bend, at.y(upper), x1, at.y(upper));
    context.stroke();
  }
  context.globalAlpha = 1;
  data.levels.forEach((name, level) => {
    context.fillStyle = theme.text;
    context.textAlign = level === 0 ? "right" : "center";
    context.fillText(at.step > 78 || level === 0 ? name : `L${level - 1}`, at.x(level) + (level ? 0 : 4), 10);
    data.mass[level].forEach((share, token) => {
      if (share < data.least && level !== 0) return;
      const tall = Math.min(LINE - 2, Math.max(2, thicknessOf(share)));
      const lit = focus && focus.level === level && focus.token === token;
      context.fillStyle = lit ? theme.accent : theme.text;
      context.fillRect(at.x(level) - 3, at.y(token) - tall / 2, 6, tall);
    });
  });
  writeTokens(context, data, focus, width, theme);
}

/**
 * Write the tokens on the left, each with its share, and on the right where the paths begin.
 *
 * @param {Painter} context
 * @param {PathsData} data
 * @param {Spot | null} focus
 * @param {number} width
 * @param {Theme} theme
 */
function writeTokens(context, { labels, mass, least, shares }, focus, width, theme) {
  const at = graphLayout({ labels, mass, graph: true }, width);
  const last = mass.length - 1;
  labels.forEach((label, token) => {
    const share = mass[0][token];
    const lit = focus && focus.token === token;
    context.textAlign = "right";
    context.fillStyle = lit ? theme.accent : theme.text;
    context.globalAlpha = share < least && !lit ? 0.55 : 1;
    context.fillText(shorten(label, 12), at.left - 54, at.y(token));
    const amount = shares ? `${(100 * share).toFixed(1)}%` : share.toFixed(3);
    context.fillText(share > 0 ? amount : "–", at.left - 9, at.y(token));
    context.globalAlpha = 1;
    if (mass[last][token] > 0) {
      context.textAlign = "left";
      context.fillStyle = theme.accent;
      context.fillText(shorten(label, 16), at.x(last) + 9, at.y(token));
    }
  });
}
