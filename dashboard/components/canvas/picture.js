// @ts-check
// What every picture does: draw anew when its size changes, read out what is pointed at, save itself when asked.

import { find, onSave } from "./dom.js";
import { savePainting } from "./paint.js";
import { readTheme } from "./theme.js";

/**
 * @import { Send } from "./component.js"
 * @import { Painter } from "./svg.js"
 * @import { Theme } from "./theme.js"
 */

/**
 * What each picture is sent.
 *
 * @typedef {object} PictureData
 * @property {string} key what tells these numbers from others
 * @property {string} picture what the buttons that save it call it
 * @property {string} title
 * @property {string} file
 */

/**
 * A kind of picture has `receive(data)`, `paintAll(theme)`, `read()` and `save(format)`.
 *
 * @template {PictureData} Data what it is sent
 * @template Focus what is pointed at
 */
export class Picture {
  /** @type {Data | null} */
  given = null;
  /** @type {Focus | null} */
  focus = null;

  /**
   * @param {HTMLElement} root
   * @param {Send} send
   */
  constructor(root, send) {
    this.root = root;
    this.send = send;
    this.readout = find(root, ".readout", HTMLElement);
    this.stopSaving = onSave((picture, format) => {
      if (picture === this.given?.picture) this.save(format);
    });
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(root);
  }

  /** What was sent; there is nothing to draw before. */
  get data() {
    if (!this.given) throw new TypeError("nothing has been sent yet");
    return this.given;
  }

  /**
   * Take what was sent; return whether it is what was there before.
   *
   * @param {Data} data
   */
  take(data) {
    const same = this.given?.key === data.key;
    this.given = data;
    return same;
  }

  /** @param {Theme} _theme */
  paintAll(_theme) {}

  /** What the line under the picture says. */
  read() {
    return "";
  }

  /** @param {string} _format */
  save(_format) {}

  /** @param {Focus | null} place */
  look(place) {
    this.focus = place;
    this.draw();
  }

  draw() {
    if (!this.given || !this.root.isConnected) return;
    this.paintAll(readTheme(this.root));
    this.readout.textContent = this.read();
  }

  /** Draw and say so, for whoever waits for it. */
  drawn() {
    this.draw();
    this.root.dataset.drawn = this.data.key;
  }

  /**
   * Save what `paint(context, theme)` draws, under the picture's title.
   *
   * @param {number} width
   * @param {number} height
   * @param {string} format
   * @param {(context: Painter, theme: Theme) => void} paint
   */
  saveUnderTitle(width, height, format, paint) {
    const theme = readTheme(this.root);
    const { title, file } = this.data;
    /** @param {Painter} context */
    const whole = (context) => {
      context.textBaseline = "middle";
      context.textAlign = "left";
      context.fillStyle = theme.text;
      context.font = `14px ${theme.font}`;
      context.fillText(title, 20, 20);
      context.save();
      context.translate(0, 40);
      paint(context, theme);
      context.restore();
    };
    savePainting(whole, width, height + 40, theme, file, format);
  }

  close() {
    this.observer.disconnect();
    this.stopSaving();
  }
}

/**
 * Write one line of text from the left.
 *
 * @param {Painter} context
 * @param {Theme} theme
 * @param {string} text
 * @param {number} size in pixels
 * @param {number} y
 */
export function writeLine(context, theme, text, size, y) {
  context.textAlign = "left";
  context.fillStyle = theme.text;
  context.font = `${size}px ${theme.font}`;
  context.fillText(text, 0, y);
}
