// @ts-check
// A calculation as a row of cards: each a line of mathematics and the numbers it gives, as a small picture. Rows that
// stand for the same thing light up together. What is drawn is told by Python; nothing here knows about attention.

import { component } from "../canvas/component.js";
import { find } from "../canvas/dom.js";
import { arrowOf, clamp } from "../canvas/keys.js";
import { paintOn } from "../canvas/paint.js";
import { Picture, writeLine } from "../canvas/picture.js";
import { fill } from "../canvas/text.js";
import { formatSigned, paintCard } from "./cards.js";
import { ROW, cardHit, sheetLayout } from "./layout.js";

/**
 * @import { Send } from "../canvas/component.js"
 * @import { PictureData } from "../canvas/picture.js"
 * @import { Painter } from "../canvas/svg.js"
 * @import { Theme } from "../canvas/theme.js"
 * @import { Card } from "./cards.js"
 */

/** @typedef {{ part: number, index: number }} Where among the parts a card is */

/**
 * A row that is pointed at; without a card it is one that Python chose.
 *
 * @typedef {{ group: string, row: number, column?: number, card?: Where }} Row
 */

/**
 * What Python sends; `worked` has a line of words for each row of a group.
 *
 * @typedef {PictureData & {
 *   hint: string,
 *   pinned: string,
 *   focus: Row,
 *   worked: Record<string, string[]>,
 *   parts: { title: string, cards: Card[] }[],
 * }} StepsData
 */

/**
 * A card's elements.
 *
 * @typedef {object} Drawn
 * @property {Where} where
 * @property {Record<"number" | "name" | "formula" | "shape" | "about", HTMLElement>} texts
 * @property {HTMLCanvasElement} canvas
 */

/** @extends {Picture<StepsData, Row>} */
class Steps extends Picture {
  pinned = false;
  shape = "";
  /** @type {Drawn[]} */
  cards = [];

  /**
   * @param {HTMLElement} root
   * @param {Send} send
   */
  constructor(root, send) {
    super(root, send);
    this.place = find(root, ".steps", HTMLElement);
  }

  /** @param {StepsData} data */
  receive(data) {
    this.take(data);
    const shape = JSON.stringify(data.parts.map((part) => [part.title, part.cards.map((card) => [card.kind, card.span])]));
    if (shape !== this.shape) {
      this.shape = shape;
      this.build();
    }
    this.cards.forEach((card) => this.write(card));
    if (!this.pinned) this.focus = data.focus;
    this.drawn();
  }

  build() {
    this.cards = [];
    this.place.replaceChildren();
    this.data.parts.forEach(({ title, cards }, part) => {
      const heading = element("h3", "part");
      heading.textContent = title;
      const grid = element("div", "cards");
      cards.forEach(({ span }, index) => {
        const section = grid.appendChild(element("section", `card ${span}`));
        const [top, formula] = [element("h4", ""), element("p", "formula")];
        const texts = {
          number: top.appendChild(element("span", "number")),
          name: top.appendChild(element("span", "")),
          formula: formula.appendChild(element("span", "")),
          shape: formula.appendChild(element("span", "shape")),
          about: element("p", "about"),
        };
        const card = { where: { part, index }, texts, canvas: document.createElement("canvas") };
        card.canvas.tabIndex = 0;
        card.canvas.setAttribute("role", "img");
        section.append(top, formula, texts.about, card.canvas);
        this.listen(card);
        this.cards.push(card);
      });
      this.place.append(heading, grid);
    });
  }

  /** @param {Where} where */
  cardAt({ part, index }) {
    return this.data.parts[part].cards[index];
  }

  /** @param {Drawn} drawn */
  write({ where, texts, canvas }) {
    const { title, formula, shape, about, number } = this.cardAt(where);
    texts.number.textContent = number;
    texts.name.textContent = title;
    texts.formula.textContent = `${formula}  `;
    texts.shape.textContent = shape;
    texts.about.textContent = about;
    canvas.setAttribute("aria-label", `${title}. ${formula}`);
  }

  /** @param {Drawn} drawn */
  listen({ where, canvas }) {
    /** @param {MouseEvent} event */
    const at = ({ offsetX, offsetY }) => {
      const card = this.cardAt(where);
      const found = cardHit(card, canvas.clientWidth, offsetX, offsetY);
      return found && { group: card.group, card: where, ...found };
    };
    canvas.addEventListener("pointermove", (event) => !this.pinned && this.look(at(event)));
    canvas.addEventListener("pointerleave", () => !this.pinned && this.look(this.data.focus));
    canvas.addEventListener("click", (event) => {
      const place = at(event);
      this.pinned = place !== null && !(this.pinned && place.row === this.focus?.row);
      this.look(place ?? this.data.focus);
    });
    canvas.addEventListener("keydown", (event) => this.onKey(event, where));
  }

  /**
   * @param {KeyboardEvent} event
   * @param {Where} where
   */
  onKey(event, where) {
    const arrow = arrowOf(event);
    const { group, values } = this.cardAt(where);
    if (event.key === "Escape") this.pinned = false;
    else if (event.key === "Enter" || event.key === " ") this.pinned = !this.pinned;
    else if (!arrow) return;
    event.preventDefault();
    const here = this.focus?.group === group ? this.focus : { row: 0, column: 0 };
    const [down, right] = arrow ?? [0, 0];
    this.look({
      group,
      card: where,
      row: clamp(here.row + down, values.length),
      column: clamp((here.column ?? 0) + right, values[0].length),
    });
  }

  /** @param {Theme} theme */
  paintAll(theme) {
    for (const { where, canvas } of this.cards) {
      canvas.style.height = `${this.cardAt(where).values.length * ROW + 2}px`;
      paintOn(canvas, (context, width) => this.paint(context, this.cardAt(where), width, theme));
    }
  }

  /**
   * @param {Painter} context
   * @param {Card} card
   * @param {number} width
   * @param {Theme} theme
   */
  paint(context, card, width, theme) {
    paintCard(context, card, this.focus?.group === card.group ? this.focus.row : -1, width, theme);
  }

  /** The chosen row in words: a worked line where there is one for its group, and the cell that is pointed at. */
  read() {
    const { focus, data } = this;
    if (!focus) return data.hint;
    const worked = data.worked[focus.group]?.[focus.row] ?? "";
    const card = focus.card && this.cardAt(focus.card);
    // What is pinned may be gone with a longer text.
    if (!card?.values[focus.row]) return worked || data.hint;
    const { title, kind, labels, values, largest } = card;
    const column = kind === "matrix" ? focus.column ?? 0 : 0;
    const value = values[focus.row][column];
    const which = kind === "matrix" ? ` [${column}]` : "";
    const cell = `${title} · ${labels[focus.row]}${which}: ${value === null ? "−∞" : formatSigned(value, largest)}`;
    const read = [cell, worked].filter(Boolean).join("  —  ");
    return this.pinned ? fill(data.pinned, { what: read }) : read;
  }

  /** @param {string} format */
  save(format) {
    const width = 1240;
    const cards = this.cards.map(({ where }) => this.cardAt(where));
    const sizes = this.cards.map(({ where }, i) => {
      return { part: where.part, whole: cards[i].span === "whole", rows: cards[i].values.length };
    });
    const { places, height } = sheetLayout(sizes, width);
    this.saveUnderTitle(width, height, format, (context, theme) => {
      places.forEach((place, i) => {
        const { number, title, formula } = cards[i];
        context.save();
        context.translate(place.x, place.y);
        writeLine(context, theme, `${number}  ${title}`, 12, 8);
        writeLine(context, theme, formula, 11, 26);
        context.translate(0, 40);
        this.paint(context, cards[i], place.width, theme);
        context.restore();
      });
    });
  }
}

/**
 * @param {string} tag
 * @param {string} name
 */
function element(tag, name) {
  const made = document.createElement(tag);
  made.className = name;
  return made;
}

export default component(".picture", (root, send) => new Steps(root, send));
