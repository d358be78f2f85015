// @ts-check
// A switch for every head, a row for each layer; a layer's own switch turns its whole row.

import { component } from "../canvas/component.js";
import { find } from "../canvas/dom.js";
import { arrowOf, clamp } from "../canvas/keys.js";
import { fill } from "../canvas/text.js";
import { turned } from "./turned.js";

/** @import { Send } from "../canvas/component.js" */

/**
 * What Python sends.
 *
 * @typedef {object} SwitchesData
 * @property {number} layers
 * @property {number} heads
 * @property {[layer: number, head: number][]} off
 * @property {number} sequence how many clicks this answers
 * @property {{ all: string, layer: string, head: string }} strings
 */

class Switches {
  /** @type {Set<string>} heads that are off, as "layer.head" */
  off = new Set();
  sequence = 0;
  shape = "";
  heads = 0;
  /** @type {HTMLButtonElement[][]} each row with its layer's own switch first */
  rows = [];

  /**
   * @param {HTMLElement} root
   * @param {Send} send
   */
  constructor(root, send) {
    this.root = find(root, ".switches", HTMLElement);
    this.send = send;
    this.root.addEventListener("keydown", (event) => this.onKey(event));
  }

  /** @param {SwitchesData} data */
  receive(data) {
    const { layers, heads, off, strings, sequence } = data;
    const shape = `${layers}×${heads}×${strings.layer}`;
    // An answer to an older click must not undo the next one.
    if (shape !== this.shape || sequence >= this.sequence) {
      this.off = new Set(off.map((one) => one.join(".")));
      this.sequence = sequence;
    }
    if (shape !== this.shape) {
      this.shape = shape;
      this.build(data);
    }
    this.mark();
  }

  /** @param {SwitchesData} data */
  build({ layers, heads, strings }) {
    this.heads = heads;
    this.root.style.setProperty("--heads", String(heads));
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-label", strings.all);
    this.rows = Array.from({ length: layers }, (_, layer) => {
      const name = this.button("layer", fill(strings.layer, { layer }), () => this.turn(layer));
      const cells = Array.from({ length: heads }, (_, head) => {
        const cell = this.button("head", `${head}`, () => this.turn(layer, head));
        cell.setAttribute("role", "switch");
        cell.setAttribute("aria-label", fill(strings.head, { layer, head }));
        return cell;
      });
      return [name, ...cells];
    });
    this.rows[0][1].tabIndex = 0;
    this.root.replaceChildren(...this.rows.flat());
  }

  /**
   * @param {string} name
   * @param {string} text
   * @param {() => void} act
   */
  button(name, text, act) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = name;
    button.textContent = text;
    button.tabIndex = -1;
    button.onclick = act;
    return button;
  }

  /**
   * @param {number} layer
   * @param {number} [head] none for the whole layer
   */
  turn(layer, head) {
    this.off = turned(this.off, layer, head, this.heads);
    this.mark();
    this.sequence += 1;
    this.send("off", { heads: [...this.off].map((key) => key.split(".").map(Number)), sequence: this.sequence });
  }

  mark() {
    this.rows.forEach((row, layer) =>
      row.slice(1).forEach((cell, head) => cell.setAttribute("aria-checked", String(!this.off.has(`${layer}.${head}`))))
    );
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const move = arrowOf(event);
    const row = this.rows.findIndex((one) => one.some((button) => button === event.target));
    if (!move || row < 0) return;
    event.preventDefault();
    const column = this.rows[row].findIndex((button) => button === event.target);
    const to = this.rows[clamp(row + move[0], this.rows.length)];
    const next = to[clamp(column + move[1], to.length)];
    this.rows[row][column].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }

  close() {}
}

export default component(".picture", (root, send) => new Switches(root, send));
