// @ts-check
// Two heads beside each other on one scale, or what sets them apart. What is pointed at in one is framed in the other.

import { component } from "../canvas/component.js";
import { find } from "../canvas/dom.js";
import { arrowOf } from "../canvas/keys.js";
import { floatsOf, unpackMessage } from "../canvas/message.js";
import { paintOn } from "../canvas/paint.js";
import { Picture, writeLine } from "../canvas/picture.js";
import { clip } from "../canvas/text.js";
import { matrixHit, matrixLayout, paintLegend, paintMatrix } from "../explorer/matrix.js";
import { following, stepInMatrix, zoomed } from "../explorer/range.js";
import { panelsOf, readCell } from "./panels.js";

/**
 * @import { Send } from "../canvas/component.js"
 * @import { Painter } from "../canvas/svg.js"
 * @import { Theme } from "../canvas/theme.js"
 * @import { Range } from "../explorer/data.js"
 * @import { Model } from "../explorer/matrix.js"
 * @import { BesideData, Cell, Panel } from "./panels.js"
 */

const ZOOM = 1.6;
const LEGEND = 34;

/** @extends {Picture<BesideData, Cell>} */
class Beside extends Picture {
  /** @type {Panel[]} */
  panels = [];
  /** @type {Float32Array[]} */
  weights = [];
  /** @type {Range[]} what is seen of each panel */
  ranges = [];
  /** @type {HTMLCanvasElement[]} */
  canvases = [];
  pinned = false;

  /**
   * @param {HTMLElement} root
   * @param {Send} send
   */
  constructor(root, send) {
    super(root, send);
    this.place = find(root, ".sides", HTMLElement);
  }

  /** @param {Uint8Array} bytes */
  receive(bytes) {
    const { header, rest } = unpackMessage(bytes);
    if (this.take(header)) {
      this.drawn();
      return;
    }
    ({ weights: this.weights, panels: this.panels } = panelsOf(header, floatsOf(rest)));
    this.ranges = this.panels.map(({ labels }) => [0, labels.length, 0, labels.length]);
    this.focus = null;
    this.pinned = false;
    this.canvases = this.panels.map((panel, i) => this.canvas(panel, i));
    const figures = this.panels.map((panel, i) => {
      const figure = document.createElement("figure");
      const title = document.createElement("figcaption");
      const about = document.createElement("small");
      title.textContent = panel.title;
      about.textContent = panel.about;
      figure.append(title, about, this.canvases[i]);
      return figure;
    });
    this.place.replaceChildren(...figures);
    this.drawn();
  }

  /**
   * @param {Panel} panel
   * @param {number} i
   */
  canvas(panel, i) {
    const canvas = document.createElement("canvas");
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${panel.title}. ${panel.about} ${this.data.strings.keys}`);
    canvas.addEventListener("pointermove", (event) => !this.pinned && this.look(this.hit(i, event)));
    canvas.addEventListener("pointerleave", () => !this.pinned && this.look(null));
    canvas.addEventListener("click", (event) => {
      const to = this.hit(i, event);
      const same = to.query === this.focus?.query && to.key === this.focus?.key;
      this.pinned = to.query !== null && to.key !== null && !(this.pinned && same);
      this.look(to);
    });
    canvas.addEventListener("dblclick", () => this.zoom(i, 0));
    canvas.addEventListener("keydown", (event) => this.onKey(event, i));
    // A wheel alone scrolls the page, as everywhere.
    canvas.addEventListener(
      "wheel",
      (event) => {
        if (!event.ctrlKey && !event.metaKey) return;
        event.preventDefault();
        this.zoom(i, event.deltaY < 0 ? ZOOM : 1 / ZOOM, this.hit(i, event));
      },
      { passive: false }
    );
    return canvas;
  }

  /**
   * @param {number} i
   * @param {MouseEvent} event
   * @returns {Cell}
   */
  hit(i, event) {
    const canvas = this.canvases[i];
    const laid = { range: this.ranges[i], header: this.labels(this.panels[i]) };
    return { panel: i, ...matrixHit(laid, canvas.clientWidth, canvas.clientHeight - LEGEND, event.offsetX, event.offsetY) };
  }

  /**
   * @param {number} i
   * @param {number} factor
   * @param {Cell | null} around
   */
  zoom(i, factor, around = this.focus) {
    this.see(i, (range, count) => zoomed(range, factor, around ?? { query: null, key: null }, count, count));
  }

  /**
   * See another part of a panel, and the same of the other where its cells are the same.
   *
   * @param {number} i
   * @param {(range: Range, count: number) => Range} change
   */
  see(i, change) {
    this.ranges = this.ranges.map((range, j) => (j === i || this.data.linked ? change(range, this.panels[j].labels.length) : range));
    this.draw();
  }

  /**
   * @param {KeyboardEvent} event
   * @param {number} i
   */
  onKey(event, i) {
    const arrow = arrowOf(event);
    const count = this.panels[i].labels.length;
    if (arrow) {
      const here = this.focus && (this.data.linked || this.focus.panel === i) ? this.focus : { query: null, key: null };
      const to = stepInMatrix(here, arrow, this.ranges[i], count, count);
      this.focus = { panel: i, ...to };
      this.see(i, (range) => following(range, to, count, count));
    } else if (event.key === "Enter" || event.key === " ") {
      this.pinned = !this.pinned && this.focus !== null;
      this.look(this.focus);
    } else if (event.key === "Escape") {
      this.pinned = false;
      this.look(null);
    } else if (event.key === "+" || event.key === "=") this.zoom(i, ZOOM);
    else if (event.key === "-") this.zoom(i, 1 / ZOOM);
    else if (event.key === "0") this.zoom(i, 0);
    else return;
    event.preventDefault();
  }

  /** @param {Panel} panel */
  labels({ labels, border }) {
    return { columns: labels.length, queryLabels: labels, keyLabels: labels, queryBreak: border, keyBreak: border };
  }

  /**
   * @param {number} i
   * @param {Theme} theme
   * @returns {Model}
   */
  model(i, theme) {
    const { focus } = this;
    const panel = this.panels[i];
    const here = focus && (this.data.linked || focus.panel === i);
    return {
      header: { ...this.labels(panel), strings: { axes: this.data.strings.axes, weight: panel.unit } },
      matrix: panel.matrix,
      range: this.ranges[i],
      focus: here ? focus : { query: null, key: null },
      minimum: -Infinity,
      box: null,
      theme: panel.diverging ? { ...theme, ramp: theme.diverging } : theme,
      scale: panel.scale,
    };
  }

  /** @param {Theme} theme */
  paintAll(theme) {
    this.canvases.forEach((canvas, i) => {
      canvas.style.height = `${Math.round(Math.min(620, canvas.clientWidth + LEGEND))}px`;
      paintOn(canvas, (context, width, height) => this.paint(context, this.model(i, theme), width, height));
    });
  }

  /**
   * @param {Painter} context
   * @param {Model} model
   * @param {number} width
   * @param {number} height
   */
  paint(context, model, width, height) {
    paintMatrix(context, model, width, height - LEGEND);
    // A scale with two sides has as many ticks on each.
    const long = model.scale.ticks[0] < 0 ? 240 : 160;
    paintLegend(context, model, matrixLayout(model, width, height - LEGEND).left, height - 26, long);
  }

  read() {
    return readCell(this.data, this.weights, this.focus);
  }

  /** @param {string} format */
  save(format) {
    const [part, gap, line] = [560, 20, 14];
    const abouts = this.panels.map((panel) => panel.about.split("\n"));
    const top = 24 + line * Math.max(...abouts.map((lines) => lines.length));
    this.saveUnderTitle(this.panels.length * (part + gap) + gap, top + part + LEGEND + 10, format, (context, theme) =>
      this.panels.forEach((panel, i) => {
        context.save();
        context.translate(gap + i * (part + gap), 0);
        writeLine(context, theme, panel.title, 13, 6);
        abouts[i].forEach((about, row) => writeLine(context, theme, clip(about, 96), 10, 24 + line * row));
        context.translate(0, top);
        this.paint(context, this.model(i, theme), part, part + LEGEND);
        context.restore();
      })
    );
  }
}

export default component(".picture", (root, send) => new Beside(root, send));
