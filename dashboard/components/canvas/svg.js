// @ts-check
// A canvas context's methods that write SVG instead: one way of drawing, two kinds of file.

/**
 * What pictures are drawn on: a canvas, or what writes SVG in its place.
 *
 * @typedef {CanvasRenderingContext2D | SvgContext} Painter
 */

export class SvgContext {
  fillStyle = "#000";
  strokeStyle = "#000";
  lineWidth = 1;
  globalAlpha = 1;
  font = "11px sans-serif";
  /** Pixels of a picture are never smoothed in a file. */
  imageSmoothingEnabled = false;
  /** @type {CanvasTextAlign} */
  textAlign = "left";
  /** @type {CanvasTextBaseline} */
  textBaseline = "middle";

  /**
   * @param {number} width
   * @param {number} height
   */
  constructor(width, height) {
    this.width = width;
    this.height = height;
    /** @type {string[]} */
    this.parts = [];
    this.path = "";
    this.matrix = [1, 0, 0, 1, 0, 0];
    /** @type {number[][]} */
    this.stack = [];
  }

  save() {
    this.stack.push([...this.matrix]);
  }

  restore() {
    this.matrix = this.stack.pop() ?? this.matrix;
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  translate(x, y) {
    const [a, b, c, d, e, f] = this.matrix;
    this.matrix = [a, b, c, d, a * x + c * y + e, b * x + d * y + f];
  }

  /** @param {number} angle */
  rotate(angle) {
    const [a, b, c, d, e, f] = this.matrix;
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    this.matrix = [a * cos + c * sin, b * cos + d * sin, c * cos - a * sin, d * cos - b * sin, e, f];
  }

  /**
   * @param {string} tag
   * @param {Record<string, string | number | undefined>} attributes
   * @param {string} [text]
   */
  add(tag, attributes, text) {
    /** @param {unknown} value */
    const escape = (value) =>
      String(value)
        // eslint-disable-next-line no-control-regex -- what XML cannot hold
        .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "")
        .replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
    const given = Object.entries(attributes).filter(([, value]) => value !== undefined);
    if (this.matrix.join() !== "1,0,0,1,0,0") given.push(["transform", `matrix(${this.matrix.map(round).join(" ")})`]);
    if (this.globalAlpha < 1) given.push(["opacity", round(this.globalAlpha)]);
    const open = `<${tag} ${given.map(([name, value]) => `${name}="${escape(value)}"`).join(" ")}`;
    this.parts.push(text === undefined ? `${open}/>` : `${open}>${escape(text)}</${tag}>`);
  }

  beginPath() {
    this.path = "";
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  moveTo(x, y) {
    this.path += `M${round(x)} ${round(y)}`;
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  lineTo(x, y) {
    this.path += `L${round(x)} ${round(y)}`;
  }

  /** @param {[number, number, number, number, number, number]} points */
  bezierCurveTo(...points) {
    this.path += `C${points.map(round).join(" ")}`;
  }

  stroke() {
    this.add("path", { d: this.path, fill: "none", stroke: this.strokeStyle, "stroke-width": this.lineWidth });
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   * @param {Record<string, string | number>} paint
   */
  rectangle(x, y, width, height, paint) {
    this.add("rect", { x: round(x), y: round(y), width: round(width), height: round(height), ...paint });
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   */
  fillRect(x, y, width, height) {
    this.rectangle(x, y, width, height, { fill: this.fillStyle });
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   */
  strokeRect(x, y, width, height) {
    this.rectangle(x, y, width, height, { fill: "none", stroke: this.strokeStyle, "stroke-width": this.lineWidth });
  }

  /**
   * @param {string} text
   * @param {number} x
   * @param {number} y
   */
  fillText(text, x, y) {
    const [, pixels, family] = /^(\d+)px (.*)$/.exec(this.font) ?? ["", "11", "sans-serif"];
    const size = Number(pixels);
    const anchor = { left: "start", right: "end", center: "middle", start: "start", end: "end" }[this.textAlign];
    const shift = this.textBaseline === "top" ? 0.8 : 0.35;
    this.add(
      "text",
      { x: round(x), y: round(y + size * shift), "font-size": size, "font-family": family, "text-anchor": anchor, fill: this.fillStyle },
      text
    );
  }

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   */
  drawImage(canvas, x, y, width, height) {
    this.add("image", {
      x: round(x),
      y: round(y),
      width: round(width),
      height: round(height),
      preserveAspectRatio: "none",
      style: "image-rendering: pixelated",
      href: canvas.toDataURL("image/png"),
    });
  }

  toString() {
    return (
      `<svg xmlns="http://www.w3.org/2000/svg" width="${this.width}" height="${this.height}" ` +
      `viewBox="0 0 ${this.width} ${this.height}">${this.parts.join("\n")}</svg>`
    );
  }
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 100) / 100;
}
