// @ts-check
// A cloud of points: a map, and a slider that moves it from layer to layer.

import { component } from "../canvas/component.js";
import { find, onSave } from "../canvas/dom.js";
import { fill } from "../canvas/text.js";
import { unpackCloud } from "./data.js";
import { PointMap } from "./map.js";

/** @import { Send } from "../canvas/component.js" */

const PAUSE_MS = 500;

class Scatter {
  playing = false;

  /**
   * @param {HTMLElement} root
   * @param {Send} send
   */
  constructor(root, send) {
    this.root = root;
    this.send = send;
    this.bar = find(root, ".layers", HTMLElement);
    this.slider = find(root, "input", HTMLInputElement);
    this.output = find(root, "output", HTMLOutputElement);
    this.play = find(root, ".play", HTMLButtonElement);
    this.hint = find(root, ".hint", HTMLElement);
    this.map = new PointMap(root, (places) => this.send("selected", { cloud: this.map.header.cloud, places }));
    this.slider.addEventListener("input", () => this.goTo(Number(this.slider.value)));
    this.slider.addEventListener("change", () => this.tellLayer());
    this.play.addEventListener("click", () => this.toggle());
    this.stopSaving = onSave((picture, format) => {
      if (picture === this.map.given?.picture) this.save(format);
    });
  }

  /** @param {Uint8Array} bytes */
  receive(bytes) {
    const { header, clouds, values } = unpackCloud(bytes);
    const { map } = this;
    const same = map.given?.key === header.key;
    if (!header.hover) {
      // Only what is marked has changed, or this is a new page that has nothing yet.
      if (!same) this.send("have", "");
      else if (map.drawnOnce) map.mark(header.marked);
      return;
    }
    if (same) {
      map.given = header;
      return;
    }
    this.playing = false;
    map.take(header, clouds, values);
    const [layers, count, dims] = header.shape;
    this.slider.max = String(layers - 1);
    this.bar.classList.toggle("single", layers < 2 || header.multiples);
    this.root.classList.toggle("multiples", header.multiples);
    // A row of maps is as tall as its maps are wide.
    const columns = Math.min(layers, this.root.clientWidth < 620 ? 2 : 4);
    const rows = Math.ceil(layers / columns);
    map.plot.style.height = header.multiples ? `${60 + rows * Math.min(300, this.root.clientWidth / columns + 20)}px` : "";
    this.slider.setAttribute("aria-label", header.strings.layer);
    this.hint.textContent = header.multiples ? "" : dims === 3 ? header.strings.hint3 : header.strings.hint;
    map.plot.setAttribute("aria-label", fill(header.strings.plot, { count }));
    this.showPlaying();
    this.showLayer(map.layer);
    map.draw({ columns, rows });
    this.send("have", header.key);
  }

  /** @param {number} layer */
  showLayer(layer) {
    const name = this.map.header.layers[layer];
    this.slider.value = String(layer);
    this.output.textContent = name;
    this.slider.setAttribute("aria-valuetext", name);
  }

  tellLayer() {
    this.send("layer", { cloud: this.map.header.cloud, layer: this.map.layer });
  }

  /** @param {number} layer */
  goTo(layer) {
    this.showLayer(layer);
    return this.map.goTo(layer);
  }

  async toggle() {
    this.playing = !this.playing;
    this.showPlaying();
    if (!this.playing) return;
    const last = this.map.clouds.length - 1;
    if (this.map.layer === last) await this.goTo(0);
    while (this.playing && this.root.isConnected && this.map.layer < last) {
      await new Promise((done) => setTimeout(done, PAUSE_MS));
      if (this.playing) await this.goTo(this.map.layer + 1);
    }
    this.playing = false;
    this.showPlaying();
    this.tellLayer();
  }

  showPlaying() {
    this.play.textContent = this.playing ? "■" : "▶";
    const { strings } = this.map.header;
    this.play.title = this.playing ? strings.stop : strings.play;
    this.play.setAttribute("aria-label", this.play.title);
  }

  /** @param {string} format */
  save(format) {
    const { title, multiples, layers } = this.map.header;
    return this.map.save(format, [title, ...(multiples ? [] : [layers[this.map.layer]])].join(" · "));
  }

  close() {
    this.playing = false;
    this.map.close();
    this.stopSaving();
  }
}

export default component(".bertoscope-scatter", (root, send) => new Scatter(root, send));
