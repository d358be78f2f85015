// @ts-check
// A layer × head heat map for each of several numbers, side by side where there is room. Clicking a cell chooses its head.

import { component } from "../canvas/component.js";
import { find } from "../canvas/dom.js";
import { arrowOf, clamp } from "../canvas/keys.js";
import { paintOn } from "../canvas/paint.js";
import { Picture, writeLine } from "../canvas/picture.js";
import { fill } from "../canvas/text.js";
import { cssColour } from "../canvas/theme.js";
import { LEFT, levelOf, mapHit, mapLayout } from "./layout.js";

/**
 * @import { Send } from "../canvas/component.js"
 * @import { PictureData } from "../canvas/picture.js"
 * @import { Painter } from "../canvas/svg.js"
 * @import { Theme } from "../canvas/theme.js"
 */

/**
 * One map: a number for each head, on a scale from `least` to `most`.
 *
 * @typedef {object} HeadMap
 * @property {string} title
 * @property {string} about
 * @property {number[][]} values (layer, head)
 * @property {number} least
 * @property {number} most
 * @property {boolean} diverging whether the scale has two sides
 */

/**
 * What Python sends.
 *
 * @typedef {PictureData & {
 *   maps: HeadMap[],
 *   chosen: number[],
 *   names: (string | null)[][] | null,
 *   head: string,
 *   hint: string,
 * }} MapsData
 */

/** @typedef {{ map: number, row: number, column: number }} Cell */

/** @extends {Picture<MapsData, Cell>} */
class Maps extends Picture {
  /** @type {HTMLCanvasElement[]} */
  canvases = [];

  /**
   * @param {HTMLElement} root
   * @param {Send} send
   */
  constructor(root, send) {
    super(root, send);
    this.place = find(root, ".maps", HTMLElement);
  }

  /** @param {MapsData} data */
  receive(data) {
    this.take(data);
    this.focus = null;
    this.canvases = data.maps.map((map, i) => {
      const canvas = document.createElement("canvas");
      canvas.tabIndex = 0;
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", `${map.title}. ${map.about}`);
      canvas.addEventListener("pointermove", (event) => this.look(this.hit(i, event.offsetX, event.offsetY)));
      canvas.addEventListener("pointerleave", () => this.look(null));
      canvas.addEventListener("click", (event) => this.choose(this.hit(i, event.offsetX, event.offsetY)));
      canvas.addEventListener("keydown", (event) => this.onKey(event, i));
      return canvas;
    });
    const figures = data.maps.map((map, i) => {
      const figure = document.createElement("figure");
      const title = document.createElement("figcaption");
      const about = document.createElement("small");
      title.textContent = map.title;
      about.textContent = map.about;
      figure.append(title, about, this.canvases[i]);
      return figure;
    });
    this.place.replaceChildren(...figures);
    this.drawn();
  }

  /**
   * @param {number} i
   * @param {number} x
   * @param {number} y
   * @returns {Cell | null}
   */
  hit(i, x, y) {
    const found = mapHit(this.data.maps[i], this.canvases[i].clientWidth, x, y);
    return found && { map: i, ...found };
  }

  /**
   * @param {KeyboardEvent} event
   * @param {number} i
   */
  onKey(event, i) {
    const move = arrowOf(event);
    if (event.key === "Escape") this.look(null);
    else if (event.key === "Enter" || event.key === " ") this.choose(this.focus);
    else if (move) {
      const { values } = this.data.maps[i];
      const here = this.focus?.map === i ? this.focus : { row: -move[0], column: -move[1] };
      this.look({ map: i, row: clamp(here.row + move[0], values.length), column: clamp(here.column + move[1], values[0].length) });
    } else return;
    event.preventDefault();
  }

  /** @param {Cell | null} place */
  choose(place) {
    if (place) this.send("head", [place.row, place.column]);
  }

  /** @param {Theme} theme */
  paintAll(theme) {
    this.data.maps.forEach((map, i) => {
      const canvas = this.canvases[i];
      canvas.style.height = `${mapLayout(map, canvas.clientWidth).height}px`;
      paintOn(canvas, (context, width) => this.paint(context, map, width, theme));
    });
  }

  read() {
    const { focus, data } = this;
    if (!focus) return data.hint;
    const { row: layer, column: head } = focus;
    const value = data.maps[focus.map].values[layer][head];
    const numbers = fill(data.head, { layer, head });
    const name = data.names?.[layer]?.[head];
    return `${numbers}${name ? ` (${name})` : ""} · ${data.maps[focus.map].title}: ${value.toFixed(4)}`;
  }

  /**
   * @param {Painter} context
   * @param {HeadMap} map
   * @param {number} width
   * @param {Theme} theme
   */
  paint(context, map, width, theme) {
    const at = mapLayout(map, width);
    const ramp = map.diverging ? theme.diverging : theme.ramp;
    map.values.forEach((values, row) =>
      values.forEach((value, column) => {
        context.fillStyle = cssColour(ramp, levelOf(map, value));
        context.fillRect(LEFT + column * at.cell, row * at.tall, at.cell - 1, at.tall - 1);
      })
    );
    /** @type {(row: number, column: number, colour: string) => void} */
    const outline = (row, column, colour) => {
      context.strokeStyle = colour;
      context.lineWidth = 1.5;
      context.strokeRect(LEFT + column * at.cell - 0.5, row * at.tall - 0.5, at.cell, at.tall);
    };
    const [layer, head] = this.data.chosen ?? [];
    if (layer < at.rows && head < at.columns) outline(layer, head, theme.accent);
    if (this.focus) outline(this.focus.row, this.focus.column, theme.text);
    context.font = `12px ${theme.font}`;
    context.fillStyle = theme.text;
    context.textBaseline = "middle";
    context.textAlign = "right";
    /** @type {(size: number, room: number) => number} */
    const every = (size, room) => Math.max(1, Math.ceil(room / size));
    for (let row = 0; row < at.rows; row += every(at.tall, 13)) context.fillText(`${row}`, LEFT - 4, (row + 0.5) * at.tall);
    context.textAlign = "center";
    for (let column = 0; column < at.columns; column += every(at.cell, 19)) {
      context.fillText(`${column}`, LEFT + (column + 0.5) * at.cell, at.rows * at.tall + 8);
    }
  }

  /** @param {string} format */
  save(format) {
    const [columns, gap, part] = [4, 20, 270];
    const tall = mapLayout(this.data.maps[0], part).height + 56;
    const rows = Math.ceil(this.data.maps.length / columns);
    this.saveUnderTitle(columns * (part + gap) + gap, rows * tall + 10, format, (context, theme) =>
      this.data.maps.forEach((map, i) => {
        context.save();
        context.translate(gap + (i % columns) * (part + gap), Math.floor(i / columns) * tall);
        writeLine(context, theme, map.title, 12, 6);
        writeLine(context, theme, map.about, 10, 22);
        context.translate(0, 34);
        this.paint(context, map, part, theme);
        context.restore();
      })
    );
  }
}

export default component(".picture", (root, send) => new Maps(root, send));
