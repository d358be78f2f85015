// @ts-check
// Drawing on a canvas, and saving what is drawn.

import { contextOf } from "./dom.js";
import { SvgContext } from "./svg.js";

/**
 * @import { Painter } from "./svg.js"
 * @import { Ramp, Theme } from "./theme.js"
 */

/**
 * One pixel per value, as bytes r g b a.
 *
 * @param {ArrayLike<number>} values
 * @param {Ramp} ramp
 * @param {(value: number) => number} toUnit where a value is on the scale, from 0 to 1
 */
export function pixelsOf(values, ramp, toUnit) {
  const pixels = new Uint8ClampedArray(4 * values.length);
  for (let i = 0; i < values.length; i++) {
    const level = Math.max(0, Math.min(255, Math.round(255 * toUnit(values[i]))));
    pixels[4 * i] = ramp[3 * level];
    pixels[4 * i + 1] = ramp[3 * level + 1];
    pixels[4 * i + 2] = ramp[3 * level + 2];
    pixels[4 * i + 3] = 255;
  }
  return pixels;
}

/**
 * A canvas with one pixel per value.
 *
 * @param {ArrayLike<number>} values
 * @param {number} rows
 * @param {number} cols
 * @param {Ramp} ramp
 * @param {(value: number) => number} toUnit
 */
export function paintPixels(values, rows, cols, ramp, toUnit) {
  const canvas = document.createElement("canvas");
  canvas.width = cols;
  canvas.height = rows;
  contextOf(canvas).putImageData(new ImageData(pixelsOf(values, ramp, toUnit), cols, rows), 0, 0);
  return canvas;
}

/**
 * Draw anew on a canvas, in as many pixels as the screen has under it.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {(context: CanvasRenderingContext2D, width: number, height: number) => void} paint
 */
export function paintOn(canvas, paint) {
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = contextOf(canvas);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  paint(context, width, height);
}

/**
 * Save what `paint(context)` draws as a PNG, at twice its size, or as an SVG file.
 *
 * @param {(context: Painter) => void} paint
 * @param {number} width
 * @param {number} height
 * @param {Theme} theme
 * @param {string} file its name without an ending
 * @param {string} format
 */
export function savePainting(paint, width, height, theme, file, format) {
  /** @param {Painter} context */
  const whole = (context) => {
    context.fillStyle = theme.background;
    context.fillRect(0, 0, width, height);
    paint(context);
  };
  if (format === "svg") {
    const context = new SvgContext(width, height);
    whole(context);
    saveFile(new Blob([context.toString()], { type: "image/svg+xml" }), `${file}.svg`);
    return;
  }
  const canvas = document.createElement("canvas");
  canvas.width = 2 * width;
  canvas.height = 2 * height;
  const context = contextOf(canvas);
  context.scale(2, 2);
  whole(context);
  canvas.toBlob((blob) => blob && saveFile(blob, `${file}.png`), "image/png");
}

/**
 * @param {Blob} blob
 * @param {string} name
 */
function saveFile(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
