// @ts-check
// The picture of a map while it moves. Plotly draws 50,000 points in a fifth of a second where there is no
// graphics card, and goes through all of them at each move of the mouse; this writes them into pixels in some
// milliseconds, on any machine, and steps back for Plotly's own picture once all is still.

import { contextOf } from "../canvas/dom.js";

/** @import { Plane } from "./view.js" */

/** @typedef {number[]} Ink red, green and blue, each of 255 */

/**
 * A group of points in drawing order.
 *
 * @typedef {object} Group
 * @property {number[]} places its points
 * @property {string} symbol
 * @property {Ink[]} inks one for each of its points, or one for all
 */

/**
 * How points look.
 *
 * @typedef {object} Dress
 * @property {Group[]} groups
 * @property {number} size
 * @property {number} opacity
 * @property {Ink} background
 * @property {number[]} marks how much larger points are that are not marked, and that are
 * @property {number[]} fades how opaque they are
 */

/**
 * What is written into: bytes r g b a.
 *
 * @typedef {{ data: Uint8ClampedArray, width: number, height: number }} Pixels
 */

/**
 * How much of each pixel a point of such a shape covers: offsets from its middle, and shares of 255.
 *
 * @param {string} symbol
 * @param {number} size
 */
export function stampOf(symbol, size) {
  const reach = Math.ceil(size / 2);
  /** @type {[x: number, y: number, share: number][]} */
  const stamp = [];
  /** @type {Record<string, (x: number, y: number) => number>} */
  const shapes = {
    circle: (x, y) => size / 2 - Math.hypot(x, y),
    square: (x, y) => (size / 2) * 0.9 - Math.max(Math.abs(x), Math.abs(y)),
    diamond: (x, y) => size * 0.62 - Math.abs(x) - Math.abs(y),
    cross: (x, y) => (Math.min(Math.abs(x), Math.abs(y)) < size / 6 ? size / 2 - Math.max(Math.abs(x), Math.abs(y)) : -1),
  };
  const within = shapes[symbol];
  for (let y = -reach; y <= reach; y++) {
    for (let x = -reach; x <= reach; x++) {
      const share = Math.min(1, Math.max(0, within(x, y) + 0.5));
      if (share > 0) stamp.push([x, y, Math.round(255 * share)]);
    }
  }
  return stamp;
}

/**
 * Write points into pixels as they lie in a part of the plane.
 *
 * @param {Pixels} pixels
 * @param {Dress} dress
 * @param {Float32Array} cloud (point, 2)
 * @param {Plane} plane
 * @param {Set<number> | null} marked the points set off from the rest
 * @param {boolean[]} seen which groups are shown
 * @param {number} scale pixels for each unit of size
 */
export function writePoints(pixels, dress, cloud, plane, marked, seen, scale) {
  const { data, width, height } = pixels;
  const [red, green, blue] = dress.background;
  new Uint32Array(data.buffer).fill(((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0);
  const [across, up] = [width / (plane.x[1] - plane.x[0]), height / (plane.y[1] - plane.y[0])];
  // What is not marked lies under what is.
  for (const turn of marked ? [false, true] : [true]) {
    const opacity = marked ? dress.fades[Number(turn)] : dress.opacity;
    const size = dress.size * scale * (marked ? dress.marks[Number(turn)] : 1);
    for (const { places, symbol, inks } of dress.groups.filter((_, g) => seen[g])) {
      const stamp = stampOf(symbol, size);
      for (let k = 0; k < places.length; k++) {
        const i = places[k];
        if (marked && marked.has(i) !== turn) continue;
        const x = Math.round((cloud[2 * i] - plane.x[0]) * across);
        const y = Math.round((plane.y[1] - cloud[2 * i + 1]) * up);
        if (!(x >= 0 && x < width && y >= 0 && y < height)) continue;
        const ink = inks.length > 1 ? inks[k] : inks[0];
        for (const [dx, dy, share] of stamp) {
          const [px, py] = [x + dx, y + dy];
          if (px < 0 || px >= width || py < 0 || py >= height) continue;
          const at = 4 * (py * width + px);
          const weight = (share * opacity) / 255;
          data[at] += (ink[0] - data[at]) * weight;
          data[at + 1] += (ink[1] - data[at + 1]) * weight;
          data[at + 2] += (ink[2] - data[at + 2]) * weight;
        }
      }
    }
  }
}

export class MovingPicture {
  /** @type {ImageData | null} */
  image = null;
  /** @type {Dress | null} */
  dressed = null;

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
  }

  /**
   * Say how the points look.
   *
   * @param {Dress} dress
   */
  dress(dress) {
    this.dressed = dress;
  }

  /**
   * Draw points as they lie, in the part of the plane that is seen, over `area` of the plot.
   *
   * @param {Float32Array} cloud (point, 2)
   * @param {Plane} plane
   * @param {{ left: number, top: number, width: number, height: number }} area
   * @param {Set<number> | null} marked the points set off from the rest
   * @param {boolean[]} seen which groups are shown
   * @param {ArrayLike<number>} lines pairs of places (x, y) to draw lines between, in colour `faint`
   */
  show(cloud, plane, area, marked, seen, lines = [], faint = "") {
    if (!this.dressed) return;
    const scale = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(area.width * scale), Math.round(area.height * scale)];
    const { canvas } = this;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    Object.assign(canvas.style, {
      left: `${area.left}px`, top: `${area.top}px`, width: `${area.width}px`, height: `${area.height}px`,
    });
    if (this.image?.width !== width || this.image?.height !== height) this.image = new ImageData(width, height);
    writePoints(this.image, this.dressed, cloud, plane, marked, seen, scale);
    const context = contextOf(canvas);
    context.putImageData(this.image, 0, 0);
    context.strokeStyle = faint;
    context.beginPath();
    const [across, up] = [width / (plane.x[1] - plane.x[0]), height / (plane.y[1] - plane.y[0])];
    for (let i = 0; i < lines.length; i += 4) {
      context.moveTo((lines[i] - plane.x[0]) * across, (plane.y[1] - lines[i + 1]) * up);
      context.lineTo((lines[i + 2] - plane.x[0]) * across, (plane.y[1] - lines[i + 3]) * up);
    }
    context.stroke();
    canvas.hidden = false;
  }

  hide() {
    this.canvas.hidden = true;
  }
}
