// A canvas context's methods that write SVG instead: one way of drawing, two kinds of file.

class SvgContext {
  constructor(width, height) {
    this.width = width;
    this.height = height;
    this.parts = [];
    this.path = "";
    this.matrix = [1, 0, 0, 1, 0, 0];
    this.stack = [];
    Object.assign(this, { fillStyle: "#000", strokeStyle: "#000", lineWidth: 1, globalAlpha: 1 });
    Object.assign(this, { font: "11px sans-serif", textAlign: "left", textBaseline: "middle" });
  }

  save() {
    this.stack.push([...this.matrix]);
  }

  restore() {
    this.matrix = this.stack.pop();
  }

  translate(x, y) {
    const [a, b, c, d, e, f] = this.matrix;
    this.matrix = [a, b, c, d, a * x + c * y + e, b * x + d * y + f];
  }

  rotate(angle) {
    const [a, b, c, d, e, f] = this.matrix;
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    this.matrix = [a * cos + c * sin, b * cos + d * sin, c * cos - a * sin, d * cos - b * sin, e, f];
  }

  add(tag, attributes, text) {
    const escape = (value) =>
      String(value)
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

  moveTo(x, y) {
    this.path += `M${round(x)} ${round(y)}`;
  }

  lineTo(x, y) {
    this.path += `L${round(x)} ${round(y)}`;
  }

  bezierCurveTo(...points) {
    this.path += `C${points.map(round).join(" ")}`;
  }

  stroke() {
    this.add("path", { d: this.path, fill: "none", stroke: this.strokeStyle, "stroke-width": this.lineWidth });
  }

  rectangle(x, y, width, height, paint) {
    this.add("rect", { x: round(x), y: round(y), width: round(width), height: round(height), ...paint });
  }

  fillRect(x, y, width, height) {
    this.rectangle(x, y, width, height, { fill: this.fillStyle });
  }

  strokeRect(x, y, width, height) {
    this.rectangle(x, y, width, height, { fill: "none", stroke: this.strokeStyle, "stroke-width": this.lineWidth });
  }

  fillText(text, x, y) {
    const [, size, family] = /^(\d+)px (.*)$/.exec(this.font);
    const anchor = { left: "start", right: "end", center: "middle" }[this.textAlign];
    const shift = this.textBaseline === "top" ? 0.8 : 0.35;
    this.add(
      "text",
      { x: round(x), y: round(y + size * shift), "font-size": size, "font-family": family, "text-anchor": anchor, fill: this.fillStyle },
      text
    );
  }

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

function round(value) {
  return Math.round(value * 100) / 100;
}
