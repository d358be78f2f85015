// @ts-check
// What flows from one token down through the layers: ribbons between columns of tokens, or a map where there are many.

import { component } from "../canvas/component.js";
import { find } from "../canvas/dom.js";
import { arrowOf, clamp } from "../canvas/keys.js";
import { paintOn } from "../canvas/paint.js";
import { Picture } from "../canvas/picture.js";
import { fill, formatWeight, shorten } from "../canvas/text.js";
import { paintGraph } from "./graph.js";
import { heightOf, pathsHit } from "./layout.js";
import { paintMap } from "./map.js";

/**
 * @import { Send } from "../canvas/component.js"
 * @import { PictureData } from "../canvas/picture.js"
 * @import { Painter } from "../canvas/svg.js"
 * @import { Theme } from "../canvas/theme.js"
 * @import { Spot } from "./layout.js"
 */

/** @typedef {[level: number, upper: number, lower: number, share: number]} Edge between a level and the one above */

/**
 * What Python sends.
 *
 * @typedef {PictureData & {
 *   graph: boolean,
 *   labels: string[],
 *   levels: string[],
 *   mass: number[][],
 *   edges: Edge[],
 *   least: number,
 *   shares: boolean,
 *   about: string,
 *   hint: string,
 *   cell: string,
 * }} PathsData
 */

/** @extends {Picture<PathsData, Spot>} */
class Paths extends Picture {
  /**
   * @param {HTMLElement} root
   * @param {Send} send
   */
  constructor(root, send) {
    super(root, send);
    this.canvas = find(root, "canvas", HTMLCanvasElement);
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "img");
    this.canvas.addEventListener("pointermove", ({ offsetX, offsetY }) =>
      this.look(pathsHit(this.data, this.canvas.clientWidth, offsetX, offsetY))
    );
    this.canvas.addEventListener("pointerleave", () => this.look(null));
    this.canvas.addEventListener("keydown", (event) => this.onKey(event));
  }

  /** @param {PathsData} data */
  receive(data) {
    this.take(data);
    this.focus = null;
    this.canvas.setAttribute("aria-label", data.about);
    this.drawn();
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const { labels, mass, graph } = this.data;
    if (event.key === "Escape") {
      this.look(null);
      return;
    }
    const arrow = arrowOf(event);
    if (!arrow) return;
    // Levels go to the right in a graph, and up in a map.
    const move = graph ? [arrow[1], arrow[0]] : [-arrow[0], arrow[1]];
    event.preventDefault();
    const { level, token } = this.focus ?? { level: 0, token: -move[1] };
    this.look({ level: clamp(level + move[0], mass.length), token: clamp(token + move[1], labels.length) });
  }

  /** @param {Theme} theme */
  paintAll(theme) {
    this.canvas.style.height = `${heightOf(this.data, this.canvas.clientWidth)}px`;
    paintOn(this.canvas, (context, width) => this.paint(context, width, theme));
  }

  read() {
    const { data, focus } = this;
    if (!focus) return data.hint;
    return fill(data.cell, {
      token: `“${shorten(data.labels[focus.token], 40)}” (${focus.token})`,
      level: data.levels[focus.level],
      mass: formatWeight(data.mass[focus.level][focus.token]),
    });
  }

  /**
   * @param {Painter} context
   * @param {number} width
   * @param {Theme} theme
   */
  paint(context, width, theme) {
    context.textBaseline = "middle";
    context.font = `12px ${theme.font}`;
    (this.data.graph ? paintGraph : paintMap)(context, this.data, this.focus, width, theme);
  }

  /** @param {string} format */
  save(format) {
    const width = 1200;
    this.saveUnderTitle(width, heightOf(this.data, width), format, (context, theme) => this.paint(context, width, theme));
  }
}

export default component(".picture", (root, send) => new Paths(root, send));
