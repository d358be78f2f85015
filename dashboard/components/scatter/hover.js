// @ts-check
// Text as Plotly takes it.

import { clip, widthOf } from "../canvas/text.js";

const LINE = 64;
const LINES = 5;

/**
 * Text as Plotly shows it as it is, in lines of at most so many letters and at most five of them.
 *
 * @param {string} text
 */
export function hoverText(text) {
  const lines = [""];
  for (const part of text.split(/(\s+|(?<=[\u2e80-\u9fff])|\n)/)) {
    if (!part) continue;
    const line = lines[lines.length - 1];
    if (part === "\n" || (widthOf(line + part) > LINE && line)) lines.push("");
    if (part !== "\n") lines[lines.length - 1] += lines[lines.length - 1] ? part : part.trimStart();
  }
  const shown = lines.slice(0, LINES).map((line) => clip(line, 90));
  if (lines.length > LINES) shown[LINES - 1] += " …";
  return shown.join("\n").replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/\n/g, "<br>");
}
