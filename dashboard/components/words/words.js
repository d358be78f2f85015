// @ts-check
// Words in place, each on the colour of its score; a click can switch one off.

import { component } from "../canvas/component.js";
import { contextOf, find } from "../canvas/dom.js";
import { arrowOf, clamp } from "../canvas/keys.js";
import { Picture, writeLine } from "../canvas/picture.js";
import { fill } from "../canvas/text.js";
import { readTheme } from "../canvas/theme.js";
import { inkOf, linesOf } from "./ink.js";

/**
 * @import { Send } from "../canvas/component.js"
 * @import { PictureData } from "../canvas/picture.js"
 * @import { Painter } from "../canvas/svg.js"
 * @import { Theme } from "../canvas/theme.js"
 */

/** @typedef {[text: string, score: number, spaced: boolean, fixed: boolean, note: string]} Word */

/**
 * One method's words; where `most` is 0 they have no colours.
 *
 * @typedef {object} WordRow
 * @property {string} title
 * @property {string} note
 * @property {Word[]} words
 * @property {number} most
 * @property {boolean} signed
 * @property {[name: string, score: number][]} legend
 * @property {string} more
 */

/**
 * What Python sends. `off` is null where words cannot be switched off; `instead` is what then stands in their place.
 *
 * @typedef {PictureData & {
 *   rows: WordRow[],
 *   off: number[] | null,
 *   sequence: number,
 *   instead: string | null,
 *   against: string,
 *   for: string,
 *   hint: string,
 *   row: string,
 * }} WordsData
 */

/** @extends {Picture<WordsData, [row: number, word: number]>} */
class Words extends Picture {
  /** @type {Set<number> | null} */
  off = null;
  sequence = 0;
  /** @type {HTMLElement[][]} */
  spans = [];
  /** @type {HTMLElement[][]} of each row's legend */
  keys = [];

  /**
   * @param {HTMLElement} root
   * @param {Send} send
   */
  constructor(root, send) {
    super(root, send);
    this.place = find(root, ".texts", HTMLElement);
  }

  /** @param {WordsData} data */
  receive(data) {
    const same = this.take(data);
    // An answer to an older click must not undo the next one.
    if (!same || data.off === null || data.sequence >= this.sequence) {
      this.off = data.off === null ? null : new Set(data.off);
      this.sequence = data.sequence;
    }
    if (!same) this.build();
    this.drawn();
  }

  build() {
    this.focus = null;
    this.spans = [];
    this.keys = [];
    const figures = this.data.rows.map((row, r) => {
      const figure = document.createElement("figure");
      const title = document.createElement("figcaption");
      const note = document.createElement("small");
      title.textContent = row.title;
      note.textContent = row.note;
      title.title = row.more;
      const legend = document.createElement("small");
      this.keys[r] = row.legend.map(([name]) => {
        const key = document.createElement("span");
        key.textContent = name;
        legend.append(key, " ");
        return key;
      });
      const text = this.buildText(row, r);
      figure.append(title, ...(row.note || !row.legend.length ? [note] : []), ...(row.legend.length ? [legend] : []), text);
      return figure;
    });
    this.place.replaceChildren(...figures);
  }

  /**
   * @param {WordRow} row
   * @param {number} r
   */
  buildText(row, r) {
    const text = document.createElement("p");
    text.className = "words";
    text.tabIndex = 0;
    // What can be chosen is a list, of which any number of words can be.
    text.setAttribute("role", this.off ? "listbox" : "group");
    if (this.off) text.setAttribute("aria-multiselectable", "true");
    text.setAttribute("aria-label", fill(this.data.row, { method: row.title }));
    text.addEventListener("keydown", (event) => this.onKey(event, r));
    text.addEventListener("pointerleave", () => this.look(null));
    this.spans[r] = row.words.map(([word, , spaced, fixed], i) => {
      const span = document.createElement("span");
      span.textContent = word;
      span.hidden = word === "";
      span.classList.toggle("fixed", fixed);
      span.addEventListener("pointerenter", () => this.look([r, i]));
      span.classList.toggle("open", this.off !== null && !fixed);
      if (this.off) {
        span.id = `word-${r}-${i}`;
        span.setAttribute("role", "option");
        // Read by name even where a mask stands in its place.
        span.setAttribute("aria-label", word);
        if (fixed) span.setAttribute("aria-disabled", "true");
      }
      if (this.off && !fixed) span.addEventListener("click", () => this.turn(i));
      if (spaced && word !== "") text.append(" ");
      text.append(span);
      return span;
    });
    return text;
  }

  /**
   * @param {KeyboardEvent} event
   * @param {number} r
   */
  onKey(event, r) {
    const move = arrowOf(event);
    const count = this.spans[r].length;
    const end = event.key === "Home" ? 0 : event.key === "End" ? count - 1 : undefined;
    if (event.key === "Escape") this.look(null);
    else if (end !== undefined) this.look([r, end]);
    else if ((event.key === " " || event.key === "Enter") && this.off && this.focus) this.turn(this.focus[1]);
    else if (move) this.look([r, clamp((this.focus?.[0] === r ? this.focus[1] : -1) + move[0] + move[1], count)]);
    else return;
    event.preventDefault();
  }

  /** @param {number} i */
  turn(i) {
    const { off } = this;
    if (!off || this.data.rows[0].words[i][3]) return;
    if (off.has(i)) off.delete(i);
    else off.add(i);
    this.draw();
    this.sequence += 1;
    this.send("off", { places: [...off].sort((a, b) => a - b), sequence: this.sequence });
  }

  /** @param {Theme} theme */
  paintAll(theme) {
    this.data.rows.forEach((row, r) => {
      this.keys[r].forEach((key, i) => {
        const [back, front] = inkOf(row, row.legend[i][1], theme);
        Object.assign(key.style, { background: back, color: front });
      });
      if (this.off) {
        const at = this.focus?.[0] === r ? this.spans[r][this.focus[1]].id : "";
        this.spans[r][0]?.parentElement?.setAttribute("aria-activedescendant", at);
      }
      row.words.forEach(([word, score, , fixed], i) => {
        const [back, front] = fixed || row.most === 0 ? ["", theme.text] : inkOf(row, score, theme);
        const span = this.spans[r][i];
        const off = Boolean(this.off?.has(i));
        Object.assign(span.style, { background: back, color: front });
        span.textContent = this.shown(word, i);
        span.classList.toggle("off", off && this.data.instead === null);
        span.classList.toggle("instead", off && this.data.instead !== null);
        span.classList.toggle("focus", this.focus?.[0] === r && this.focus[1] === i);
        if (this.off) span.setAttribute("aria-selected", String(off));
      });
    });
  }

  /**
   * What stands in the place of a word.
   *
   * @param {string} word
   * @param {number} i
   */
  shown(word, i) {
    return this.off?.has(i) ? this.data.instead ?? word : word;
  }

  read() {
    if (!this.focus) return this.data.hint;
    const [r, i] = this.focus;
    const row = this.data.rows[r];
    const [word, score, , fixed, note] = row.words[i];
    if (fixed || (row.most === 0 && !note)) return word;
    if (note) return `${word} · ${note}`;
    const side = !row.signed || score === 0 ? "" : ` · ${score > 0 ? this.data.for : this.data.against}`;
    return `${word} · ${row.title}: ${score > 0 && row.signed ? "+" : ""}${score.toFixed(4)}${side}`;
  }

  /** @param {string} format */
  save(format) {
    const width = 900;
    const measure = contextOf(document.createElement("canvas"));
    const { font } = readTheme(this.root);
    /** @type {(text: string, size: number) => number} */
    const widthAt = (text, size) => {
      measure.font = `${size}px ${font}`;
      return measure.measureText(text).width;
    };
    const laid = this.data.rows.map((row) => {
      const words = row.words.map(([word, , spaced], i) => ({ text: this.shown(word, i), spaced }));
      return { row, words, ...linesOf(words, width - 40, (text) => widthAt(text, 15)) };
    });
    const height = laid.reduce((sum, one) => sum + one.tall + 50, 10);
    this.saveUnderTitle(width, height, format, (context, theme) => {
      context.translate(20, 0);
      for (const { row, words, places, tall } of laid) {
        writeLine(context, theme, row.title, 13, 8);
        writeLine(context, theme, row.note, 10, 24);
        // Not measured by what is drawn on: a file's writer knows no widths.
        let right = widthAt(row.note, 10);
        for (const [name, score] of row.legend) {
          const wide = widthAt(name, 10) + 8;
          writeOn(context, inkOf(row, score, theme), name, { x: right, y: 16, wide, tall: 16, inset: 4 });
          right += wide + 6;
        }
        context.font = `15px ${font}`;
        row.words.forEach(([, score, , fixed], i) => {
          const ink = fixed || row.most === 0 ? [theme.background, theme.text] : inkOf(row, score, theme);
          const { x, y, wide } = places[i];
          writeOn(context, ink, words[i].text, { x, y: 36 + y, wide, tall: 22, inset: 3 });
        });
        context.translate(0, tall + 50);
      }
    });
  }
}

/**
 * Write a text on its colour.
 *
 * @param {Painter} context
 * @param {string[]} ink behind it, and its own
 * @param {string} text
 * @param {{ x: number, y: number, wide: number, tall: number, inset: number }} at
 */
function writeOn(context, [back, front], text, { x, y, wide, tall, inset }) {
  context.fillStyle = back;
  context.fillRect(x, y, wide, tall);
  context.fillStyle = front;
  context.fillText(text, x + inset, y + tall / 2);
}

export default component(".picture", (root, send) => new Words(root, send));
