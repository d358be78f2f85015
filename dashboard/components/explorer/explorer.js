// @ts-check
// The explorer: grid, heat map and lines of one text's attention, linked. `host` is what stands behind it: the
// dashboard, or the arrays inside an exported file.

import { find, onSave } from "../canvas/dom.js";
import { paintOn, savePainting } from "../canvas/paint.js";
import { fill, formatWeight } from "../canvas/text.js";
import { readTheme } from "../canvas/theme.js";
import { SCALES } from "./data.js";
import { describe, nameOf, readPlace } from "./describe.js";
import { HeadGrid } from "./grid.js";
import { LEAST_LINE, paintLines, strongestLinks } from "./lines.js";
import { listen } from "./listen.js";
import { matrixLayout, paintLegend, paintMatrix } from "./matrix.js";
import { boxed, zoomed } from "./range.js";

/**
 * @import { Painter } from "../canvas/svg.js"
 * @import { Theme } from "../canvas/theme.js"
 * @import { Head, Header, Message, Place, Range, ScaleName } from "./data.js"
 * @import { LinkedModel, Links } from "./lines.js"
 */

/**
 * What is looked at, as the other side is told.
 *
 * @typedef {{ heads: Head[], scale: ScaleName, minimum: number, sequence: number, have: string }} Look
 */

/** @type {Place} */
const NOWHERE = { query: null, key: null };

export class Explorer {
  sequence = 0;
  pinned = false;
  /** @type {Place} */
  focus = NOWHERE;
  /** @type {[number, number, number, number] | null} what is being drawn around */
  box = null;
  /** @type {{ x: number, y: number } | null} where a drag began */
  drag = null;
  dragged = false;
  /** @type {Header | null} */
  header = null;
  /** @type {Float32Array} */
  matrix = new Float32Array(0);
  /** @type {{ key: string, bytes: Uint8Array } | null} */
  thumbnails = null;
  /** @type {Range} */
  range = [0, 0, 0, 0];
  /** @type {Head[]} */
  selected = [];
  /** @type {ScaleName} */
  scaleName = "sqrt";
  minimum = 0;
  /** @type {Theme | null} */
  theme = null;
  /** @type {{ about: string, links: Links } | null} */
  links = null;
  /** @type {number | null} */
  frame = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  later = undefined;
  everything = false;

  /**
   * @param {HTMLElement} root
   * @param {{ send: (look: Look) => void }} host
   */
  constructor(root, host) {
    this.root = root;
    this.host = host;
    this.grid = new HeadGrid(this.get("grid"), (heads) => this.select(heads));
    this.matrixCanvas = find(root, ".matrix", HTMLCanvasElement);
    this.linesCanvas = find(root, ".lines", HTMLCanvasElement);
    this.slider = find(root, ".minimum", HTMLInputElement);
    /** @type {[ScaleName, HTMLButtonElement][]} */
    this.scales = [];
    for (const name of /** @type {ScaleName[]} */ (["linear", "sqrt", "log"])) {
      this.scales.push([name, find(root, `[data-scale="${name}"]`, HTMLButtonElement)]);
    }
    listen(this);
    this.stopSaving = onSave((picture, format) => {
      if (picture === "explorer" && this.header) savePicture(this.model(this.header), format);
    });
    this.observer = new ResizeObserver(() => this.repaint(true));
    this.observer.observe(root);
  }

  /** @param {string} name */
  get(name) {
    return find(this.root, `.${name}`, HTMLElement);
  }

  /**
   * Take what Python sent.
   *
   * @param {Message} message
   */
  receive({ header, matrix, thumbnails }) {
    if (thumbnails) this.thumbnails = { key: header.key, bytes: thumbnails };
    if (this.thumbnails?.key !== header.key) {
      // The page was drawn anew under a session that had sent them before.
      const { heads, scale, minimum, sequence } = header;
      this.host.send({ heads, scale, minimum, sequence, have: "" });
      return;
    }
    const other = header.key !== this.header?.key;
    this.header = header;
    this.matrix = matrix;
    if (other) {
      this.range = [0, header.rows, 0, header.columns];
      this.pinned = false;
      this.focus = NOWHERE;
    }
    // An answer to an older click must not move what has been chosen since, unless that is gone with its model.
    const gone = this.selected.some(([l, h]) => l >= header.layers || h >= header.heads_per_layer);
    if (gone || header.sequence >= this.sequence) {
      this.sequence = header.sequence;
      this.selected = header.heads;
      this.scaleName = header.scale;
      this.minimum = header.minimum;
    }
    this.grid.build(header);
    this.grid.mark(this.selected);
    this.write();
    this.everything = true;
    this.draw();
  }

  /** @param {Head[]} heads */
  select(heads) {
    this.selected = heads;
    this.grid.mark(heads);
    this.sequence += 1;
    this.send();
  }

  send() {
    clearTimeout(this.later);
    const { selected: heads, scaleName: scale, minimum, sequence } = this;
    this.host.send({ heads, scale, minimum, sequence, have: this.header?.key ?? "" });
  }

  /** Tell Python of a change that this page has already drawn, once it has settled. */
  sendLater() {
    this.sequence += 1;
    clearTimeout(this.later);
    this.later = setTimeout(() => this.send(), 400);
  }

  /** @param {Place} place */
  look(place) {
    this.focus = place;
    this.writeReadout();
    this.repaint();
  }

  /**
   * @param {number} factor
   * @param {Place} around
   */
  zoom(factor, around = NOWHERE) {
    if (!this.header) return;
    const { rows, columns } = this.header;
    this.range = zoomed(this.range, factor, this.pinned ? this.focus : around, rows, columns);
    this.repaint();
  }

  /** @param {[number, number, number, number]} box */
  zoomTo(box) {
    if (!this.header) return;
    const { header, range, matrixCanvas } = this;
    this.range = boxed(range, box, matrixLayout({ header, range }, matrixCanvas.clientWidth, matrixCanvas.clientHeight));
    this.repaint();
  }

  /**
   * @param {Header} header
   * @returns {LinkedModel}
   */
  model(header) {
    const { matrix, range, focus, minimum, box } = this;
    const theme = (this.theme ??= readTheme(this.root));
    const model = { header, matrix, range, focus, minimum, box, theme, scale: SCALES[this.scaleName] };
    const about = [header.key, header.heads.join("+"), range, minimum].join("|");
    if (this.links?.about !== about) this.links = { about, links: strongestLinks(model) };
    return { ...model, links: this.links.links };
  }

  /** Draw at the next frame; `everything` also reads the theme again and draws what thumbnails have changed. */
  repaint(everything = false) {
    this.everything ||= everything;
    if (!this.frame) this.frame = requestAnimationFrame(() => this.draw());
  }

  draw() {
    if (this.frame) cancelAnimationFrame(this.frame);
    this.frame = null;
    const { header, thumbnails } = this;
    if (!this.root.isConnected || !header || thumbnails?.key !== header.key) return;
    if (this.everything) {
      this.theme = readTheme(this.root);
      // The heat map's cells are squares, so it needs as much height as width, and the lines as much as it.
      const height = Math.round(Math.min(620, Math.max(320, this.matrixCanvas.clientWidth + 30)));
      for (const canvas of [this.matrixCanvas, this.linesCanvas]) canvas.style.height = `${height}px`;
      this.grid.paint(header, thumbnails.bytes, this.theme, this.scaleName);
    }
    this.everything = false;
    const model = this.model(header);
    paintOn(this.matrixCanvas, (context, width, height) => {
      paintMatrix(context, model, width, height - 34);
      paintLegend(context, model, matrixLayout(model, width, height - 34).left, height - 26, 160);
    });
    paintOn(this.linesCanvas, (context, width, height) => paintLines(context, model, width, height));
    const { links, total } = model.links;
    const { drawn, drawnAll } = header.strings;
    this.get("drawn").textContent = fill(links.length < total ? drawn : drawnAll, {
      drawn: links.length.toLocaleString("en"),
      all: total.toLocaleString("en"),
      least: Math.max(this.minimum, LEAST_LINE),
    });
    this.root.dataset.drawn = header.heads.map((one) => one.join(".")).join(",");
    this.root.dataset.key = header.key;
  }

  /** Everything that is text. User's text goes in as text, never as markup. */
  write() {
    const { header, matrix } = this;
    if (!header) return;
    const { strings } = header;
    const name = nameOf(header);
    this.get("title").textContent = name;
    this.get("summary").textContent = describe(name, header, matrix);
    for (const [scale, button] of this.scales) {
      button.textContent = strings[scale];
      button.setAttribute("aria-pressed", String(scale === this.scaleName));
    }
    this.get("scales").setAttribute("aria-label", strings.colour);
    this.get("colour-label").textContent = strings.colour;
    this.get("minimum-label").textContent = strings.minimum;
    this.slider.value = String(Math.round(Math.sqrt(this.minimum) * 100));
    this.slider.setAttribute("aria-label", strings.minimum);
    this.get("minimum-value").textContent = this.minimum === 0 ? "0" : formatWeight(this.minimum);
    for (const button of ["zoom-in", "zoom-out", "zoom-reset"]) {
      this.get(button).title = strings[button];
      this.get(button).setAttribute("aria-label", strings[button]);
    }
    this.matrixCanvas.setAttribute("aria-label", strings.matrix);
    this.linesCanvas.setAttribute("aria-label", strings.lines);
    this.get("grid-hint").textContent = strings.gridHint;
    this.get("matrix-hint").textContent = strings.matrixHint;
    this.writeReadout();
  }

  writeReadout() {
    if (!this.header) return;
    const text = readPlace(this.header, this.matrix, this.focus);
    this.get("readout").textContent = this.pinned ? fill(this.header.strings.pinned, { what: text }) : text;
  }

  close() {
    this.observer.disconnect();
    this.stopSaving();
    clearTimeout(this.later);
    if (this.frame) cancelAnimationFrame(this.frame);
  }
}

/**
 * Save what is shown, heat map and lines side by side, as a PNG or an SVG file.
 *
 * @param {LinkedModel} model
 * @param {string} format
 */
function savePicture(model, format) {
  const [width, height, part] = [1180, 640, 620];
  /** @param {Painter} context */
  const paint = (context) => {
    context.fillStyle = model.theme.text;
    context.textBaseline = "middle";
    context.textAlign = "left";
    context.font = `13px ${model.theme.font}`;
    context.fillText(`${model.header.title} · ${nameOf(model.header)}`, 12, 18);
    context.translate(12, 36);
    paintMatrix(context, model, part - 24, height - 84);
    context.translate(part, 0);
    paintLines(context, model, width - part - 24, height - 84);
    context.translate(-part, 0);
    paintLegend(context, model, 20, height - 70, 160);
  };
  savePainting(paint, width, height, model.theme, model.header.file, format);
}
