// @ts-check
// All heads at once: a layer × head grid of thumbnails.

import { contextOf } from "../canvas/dom.js";
import { arrowOf, clamp } from "../canvas/keys.js";
import { paintPixels } from "../canvas/paint.js";
import { fill } from "../canvas/text.js";
import { SCALES, pool } from "./data.js";

/**
 * @import { Theme } from "../canvas/theme.js"
 * @import { Head, Header, ScaleName } from "./data.js"
 */

export class HeadGrid {
  /** @type {HTMLButtonElement[][]} each row with its average first; the first row has averages of columns */
  buttons = [];
  /** @type {{ button: HTMLButtonElement, canvas: HTMLCanvasElement }[][]} */
  cells = [];
  /** @type {Head[]} */
  selected = [];
  shape = "";
  painted = "";

  /**
   * @param {HTMLElement} root
   * @param {(heads: Head[]) => void} onSelect
   */
  constructor(root, onSelect) {
    this.root = root;
    this.onSelect = onSelect;
    root.addEventListener("keydown", (event) => this.onKey(event));
  }

  /**
   * Make the buttons anew where the model's shape or the language changed.
   *
   * @param {Header} header
   */
  build(header) {
    const { layers, heads_per_layer: heads, strings } = header;
    const shape = `${layers}×${heads}×${strings.layer}`;
    if (shape === this.shape) return;
    this.shape = shape;
    this.cells = [];
    this.root.replaceChildren();
    this.root.setAttribute("aria-label", strings.grid);
    this.root.style.setProperty("--heads", String(heads));
    /** @type {Head[][]} */
    const all = Array.from({ length: layers }, (_, l) => Array.from({ length: heads }, (_, h) => [l, h]));
    const top = all[0].map((_, h) => {
      return this.label(`${h}`, fill(strings.averageHead, { head: h }), all.map((row) => row[h]));
    });
    this.buttons = [[this.label("⌀", strings.averageAll, all.flat()), ...top]];
    for (let l = 0; l < layers; l++) {
      const cells = all[l].map(([, h]) => this.cell(l, h, fill(strings.layerHead, { layer: l, head: h })));
      this.cells.push(cells);
      const label = this.label(`L${l}`, fill(strings.averageLayer, { layer: l }), all[l]);
      this.buttons.push([label, ...cells.map(({ button }) => button)]);
    }
    this.root.append(...this.buttons.flat());
  }

  /**
   * @param {string} text
   * @param {string} about
   * @param {Head[]} heads
   */
  label(text, about, heads) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "axis";
    button.textContent = text;
    button.title = about;
    button.setAttribute("aria-label", about);
    button.tabIndex = -1;
    button.onclick = (event) => {
      this.onSelect(event.shiftKey ? joined(this.selected, heads) : heads);
    };
    return button;
  }

  /**
   * @param {number} layer
   * @param {number} head
   * @param {string} name
   */
  cell(layer, head, name) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "head";
    button.title = name;
    button.setAttribute("aria-label", name);
    button.tabIndex = -1;
    const canvas = document.createElement("canvas");
    button.append(canvas);
    button.onclick = (event) => {
      const more = event.shiftKey || event.ctrlKey || event.metaKey;
      this.onSelect(more ? toggled(this.selected, [layer, head]) : [[layer, head]]);
    };
    return { button, canvas };
  }

  /**
   * Arrows go from button to button, averages included; a head that is reached is chosen, with Shift added.
   *
   * @param {KeyboardEvent} event
   */
  onKey(event) {
    const move = arrowOf(event);
    const row = this.buttons.findIndex((one) => one.some((button) => button === event.target));
    if (!move || row < 0) return;
    event.preventDefault();
    const column = this.buttons[row].findIndex((button) => button === event.target);
    const to = [clamp(row + move[0], this.buttons.length), clamp(column + move[1], this.buttons[0].length)];
    this.buttons[to[0]][to[1]].focus();
    const [layer, head] = [to[0] - 1, to[1] - 1];
    if (layer < 0 || head < 0 || (to[0] === row && to[1] === column)) return;
    this.onSelect(event.shiftKey ? joined(this.selected, [[layer, head]]) : [[layer, head]]);
  }

  /**
   * Mark what is chosen; one cell takes part in tabbing.
   *
   * @param {Head[]} selected at least one
   */
  mark(selected) {
    this.selected = selected;
    const keys = new Set(selected.map(([l, h]) => `${l}.${h}`));
    const [lastLayer, lastHead] = selected[selected.length - 1];
    this.cells.forEach((row, l) =>
      row.forEach(({ button }, h) => {
        button.setAttribute("aria-pressed", String(keys.has(`${l}.${h}`)));
        button.tabIndex = l === lastLayer && h === lastHead ? 0 : -1;
      })
    );
  }

  /**
   * Draw the thumbnails, where anything about them has changed since the last time.
   *
   * @param {Header} header
   * @param {Uint8Array} thumbnails (layer, head, query, key)
   * @param {Theme} theme
   * @param {ScaleName} scaleName
   */
  paint(header, thumbnails, theme, scaleName) {
    const [rows, columns] = header.thumbnailShape;
    const size = rows * columns;
    const pixels = Math.max(8, Math.round(this.cells[0][0].button.clientWidth * (window.devicePixelRatio || 1)));
    const about = [header.key, this.shape, theme.background, scaleName, pixels].join("|");
    if (about === this.painted) return;
    this.painted = about;
    const scale = SCALES[scaleName];
    this.cells.forEach((row, l) =>
      row.forEach(({ canvas }, h) => {
        const begin = (l * header.heads_per_layer + h) * size;
        // A byte is 255·√weight. Pooled again where the button has fewer pixels than the thumbnail.
        const weights = Float32Array.from(thumbnails.subarray(begin, begin + size), (byte) => (byte / 255) ** 2);
        const small = pool(weights, columns, [0, rows, 0, columns], pixels, pixels);
        const picture = paintPixels(small.values, small.rows, small.cols, theme.ramp, scale.of);
        canvas.width = picture.width;
        canvas.height = picture.height;
        contextOf(canvas).drawImage(picture, 0, 0);
      })
    );
  }
}

/**
 * Heads with others after them, each once: a head that is in both counts as one of the others.
 *
 * @param {Head[]} selected
 * @param {Head[]} heads
 */
export function joined(selected, heads) {
  return [...selected.filter(([l, h]) => !heads.some(([m, i]) => m === l && i === h)), ...heads];
}

/**
 * Heads without one of them, or with it where it was not there; the last one stays.
 *
 * @param {Head[]} selected
 * @param {Head} one
 */
export function toggled(selected, one) {
  const others = selected.filter(([l, h]) => l !== one[0] || h !== one[1]);
  if (others.length === selected.length) return joined(selected, [one]);
  return others.length ? others : selected;
}
