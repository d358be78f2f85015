// @ts-check
// The map itself: Plotly's picture of one layer, the picture that moves in its place, and what is selected.

import { find } from "../canvas/dom.js";
import { readTheme } from "../canvas/theme.js";
import { columnsOf, edgesOf, partsOf } from "./data.js";
import { boxEdges, nearer, seenFrom, turned } from "./depth.js";
import { Gestures, SETTLE_MS } from "./gestures.js";
import { hoverText } from "./hover.js";
import { configOf, layoutOf, roomyOf } from "./layout.js";
import { MovingPicture } from "./moving.js";
import { plotly, plotlyHere } from "./plotly.js";
import { SHRUNK, allTracesOf, dressOf, inkOf, tracesOf } from "./traces.js";
import { insideOf, pulledPlane, zoomedPlane } from "./view.js";

/**
 * @import { Theme } from "../canvas/theme.js"
 * @import { CloudHeader } from "./data.js"
 * @import { Grid } from "./layout.js"
 * @import { Plot } from "./plotly.js"
 */

const MOVE_MS = 600;
const NARROW_PX = 620;

export class PointMap {
  /** @type {CloudHeader | null} */
  given = null;
  /** @type {Float32Array[]} (layer), each (point, dim) */
  clouds = [];
  /** @type {Float32Array} */
  values = new Float32Array(0);
  /** @type {string[]} */
  hover = [];
  /** @type {number[][]} the points of each trace */
  places = [];
  /** @type {[number, number][]} what a map shows of each coordinate */
  whole = [];
  /** @type {number[]} */
  marked = [];
  /** @type {number | null} the point that the pointer is on */
  hovered = null;
  layer = 0;
  /** The layer that Plotly has drawn. */
  drawn = 0;
  drawnOnce = false;
  /** Counts what moves, so that a later move overtakes an earlier one. */
  move = 0;
  /** @type {Float32Array | null} where points lie between two layers */
  lying = null;
  /** @type {any} what is seen while it is pulled, turned or zoomed */
  gliding = null;
  /** @type {number | null} */
  painting = null;
  /** @type {Theme | null} */
  theme = null;

  /**
   * @param {HTMLElement} root
   * @param {(places: number[]) => void} tellSelected
   */
  constructor(root, tellSelected) {
    this.root = root;
    this.tellSelected = tellSelected;
    this.plot = /** @type {Plot} */ (find(root, ".plot", HTMLElement));
    this.picture = new MovingPicture(find(root, ".moving", HTMLCanvasElement));
    this.gestures = new Gestures(this.plot, find(root, ".outline", SVGSVGElement), this);
    this.observer = new ResizeObserver(() => this.drawnOnce && plotly().Plots.resize(this.plot));
    this.observer.observe(this.plot);
  }

  /** What was sent; nothing is asked of it before. */
  get header() {
    if (!this.given) throw new TypeError("nothing has been sent yet");
    return this.given;
  }

  /**
   * Take points and colours. Whatever still moves, moves no more: it would put old places under new colours.
   *
   * @param {CloudHeader} header
   * @param {Float32Array[]} clouds
   * @param {Float32Array} values
   */
  take(header, clouds, values) {
    this.move++;
    this.lying = null;
    this.gliding = null;
    this.given = header;
    this.clouds = clouds;
    this.values = values;
    this.hover = header.hover.map(hoverText);
    this.layer = header.start;
  }

  /**
   * Have Plotly draw what was taken, and say so for whoever waits for it.
   *
   * @param {Grid} grid of the maps, where there is one for each layer
   */
  async draw(grid) {
    const key = this.header.key;
    await plotlyHere();
    const { header, clouds, values, hover } = this;
    if (header.key !== key || !this.root.isConnected) return;
    const theme = (this.theme = readTheme(this.root));
    const places = (this.places = partsOf(header, values));
    const style = getComputedStyle(this.root);
    const palette = style.getPropertyValue("--st-chart-categorical-colors").split(",").map((one) => one.trim());
    const drawn = { header, clouds, values, places, hover, theme, palette };
    const traces = (header.multiples ? allTracesOf : tracesOf)(drawn, this.layer);
    this.whole = roomyOf(edgesOf(clouds, header.shape[2]));
    const layout = layoutOf(header, this.whole, grid, this.plot.clientWidth < NARROW_PX, theme);
    await plotly().react(this.plot, traces, layout, configOf(header));
    if (!this.drawnOnce) {
      this.drawnOnce = true;
      /** @param {{ points: any[] }} event */
      const placeOf = ({ points: [point] }) => point.data.customdata[point.pointNumber];
      this.plot.on("plotly_hover", (event) => (this.hovered = placeOf(event)));
      this.plot.on("plotly_unhover", () => (this.hovered = null));
    }
    this.hovered = null;
    this.marked = [];
    if (this.moves()) this.picture.dress(dressOf(drawn, traces));
    this.picture.hide();
    if (!header.multiples) this.mark(header.marked);
    this.drawn = this.layer;
    delete this.root.dataset.moving;
    this.root.dataset.drawn = key;
    this.root.dataset.layer = String(this.layer);
  }

  /** Whether this is one map, that a hand can pull, turn and draw on. */
  moves() {
    return this.drawnOnce && !this.header.multiples;
  }

  deep() {
    return this.header.shape[2] === 3;
  }

  /** For each group, whether it is shown: a click in the legend hides it. */
  seen() {
    return this.plot.data.map((trace) => (trace.visible ?? true) === true);
  }

  /** Where points are drawn, in the plot. */
  area() {
    const { xaxis, yaxis, scene, _size } = this.plot._fullLayout;
    if (scene) return { left: _size.l, top: _size.t, width: _size.w, height: _size.h };
    return { left: xaxis._offset, top: yaxis._offset, width: xaxis._length, height: yaxis._length };
  }

  /** What is seen: a part of the plane, or what a camera sees. */
  view() {
    const { xaxis, yaxis, scene } = this.plot._fullLayout;
    return this.gliding ?? (scene ? scene._scene.getCamera() : { x: [...xaxis.range], y: [...yaxis.range] });
  }

  /**
   * @param {any} view
   * @param {number} factor
   * @param {number} x
   * @param {number} y
   */
  zoomed(view, factor, x, y) {
    return this.deep() ? nearer(view, factor) : zoomedPlane(view, factor, x, y);
  }

  /**
   * @param {any} view
   * @param {number} dx
   * @param {number} dy
   */
  pulled(view, dx, dy) {
    return this.deep() ? turned(view, dx * 2 * Math.PI, dy * Math.PI) : pulledPlane(view, dx, dy);
  }

  /** Show the points as they lie now, by the picture that moves. */
  showMoving() {
    const marked = this.marked.length ? new Set(this.marked) : null;
    const cloud = this.lying ?? this.clouds[this.layer];
    const [view, area, seen] = [this.view(), this.area(), this.seen()];
    if (this.deep()) {
      const { _scene } = this.plot._fullLayout.scene;
      const lines = seenFrom(_scene, view, boxEdges(this.whole));
      const plane = { x: /** @type {[number, number]} */ ([0, 1]), y: /** @type {[number, number]} */ ([0, 1]) };
      this.picture.show(seenFrom(_scene, view, cloud), plane, area, marked, seen, lines, this.theme?.faint);
    } else this.picture.show(cloud, view, area, marked, seen);
    this.root.dataset.moving = "";
  }

  /**
   * Show another part of the plane, or from elsewhere, until `settle`.
   *
   * @param {any} view
   */
  glide(view) {
    this.gliding = view;
    if (this.painting) return;
    this.painting = requestAnimationFrame(() => {
      this.painting = null;
      if (this.gliding && this.moves()) this.showMoving();
    });
  }

  /** Have Plotly draw what is seen, and take the picture that moves away. */
  async settle() {
    if (!this.moves() || this.lying) return;
    const { gliding, drawn, layer } = this;
    if (drawn !== layer) {
      const [x, y, z] = columnsOf(this.clouds[layer], this.header.shape[2], this.places);
      await plotly().restyle(this.plot, this.deep() ? { x, y, z } : { x, y });
      this.drawn = layer;
    }
    if (gliding) {
      const there = { "xaxis.range": gliding.x, "yaxis.range": gliding.y };
      await plotly().relayout(this.plot, this.deep() ? { "scene.camera": gliding } : there);
    }
    // A camera is moved at once, and what it sees drawn in the frame after.
    for (let frame = 0; frame < 2 && this.deep(); frame++) await new Promise(requestAnimationFrame);
    // Somebody may have gone on meanwhile.
    if (this.gliding !== gliding || this.layer !== layer || this.lying) return;
    this.gliding = null;
    this.picture.hide();
    delete this.root.dataset.moving;
    this.root.dataset.layer = String(layer);
  }

  /**
   * Take the point that the pointer is on, instead of those taken before or with them.
   *
   * @param {boolean} add
   */
  clicked(add) {
    if (this.hovered !== null) this.select(add ? [...this.marked, this.hovered] : [this.hovered]);
  }

  /**
   * Take all points that a test on their place in the area, as shares of it, says are inside.
   *
   * @param {(x: number, y: number) => boolean} test
   * @param {boolean} add
   */
  chosen(test, add) {
    const seen = this.seen();
    const shown = this.places.flatMap((part, g) => (seen[g] ? part : []));
    const inside = insideOf(this.clouds[this.layer], shown, this.view(), test);
    this.select(add ? [...this.marked, ...inside] : inside);
  }

  /**
   * Let go of what is selected, and if asked go back to the whole map.
   *
   * @param {boolean} whole
   */
  letGo(whole) {
    if (this.marked.length) this.select([]);
    if (whole) {
      plotly().relayout(this.plot, { "xaxis.range": [...this.whole[0]], "yaxis.range": [...this.whole[1]] });
    }
  }

  /** @param {number[]} points */
  select(points) {
    const places = [...new Set(points)].sort((a, b) => a - b);
    this.mark(places);
    this.tellSelected(places);
  }

  /**
   * Set points off from the rest; none sets all alike.
   *
   * @param {number[]} marked
   */
  async mark(marked) {
    if (String(marked) === String(this.marked)) return;
    this.marked = marked;
    const wanted = new Set(marked);
    const inside = this.places.map((part) => Array.from(part, (i) => wanted.has(i)));
    if (this.header.shape[2] === 3) {
      const plain = inkOf(this.header.shape[1], 3).size;
      const size = inside.map((flags) => (wanted.size ? flags.map((one) => SHRUNK[Number(one)] * plain) : plain));
      await plotly().restyle(this.plot, { "marker.size": size });
    } else {
      const chosen = inside.map((flags) => (wanted.size ? flags.flatMap((one, i) => (one ? [i] : [])) : null));
      await plotly().restyle(this.plot, { selectedpoints: chosen });
    }
  }

  /**
   * Move the points to another layer's map; a later call overtakes an earlier one.
   *
   * @param {number} layer
   */
  async goTo(layer) {
    const from = this.lying ?? this.clouds[this.layer];
    this.layer = layer;
    // What is not drawn yet will be drawn where it belongs.
    if (!this.drawnOnce) return;
    const to = this.clouds[layer];
    const move = ++this.move;
    const begin = performance.now();
    const quick = window.matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : MOVE_MS;
    const between = new Float32Array(to.length);
    for (let share = 0; share < 1 && quick; ) {
      share = Math.min(1, (performance.now() - begin) / quick);
      const eased = share * share * (3 - 2 * share);
      for (let i = 0; i < to.length; i++) between[i] = from[i] + (to[i] - from[i]) * eased;
      this.lying = between;
      this.showMoving();
      await new Promise(requestAnimationFrame);
      if (this.move !== move || !this.root.isConnected) return;
    }
    this.lying = null;
    this.showMoving();
    // Whoever goes on at once through the layers should not wait for Plotly at each.
    await new Promise((done) => setTimeout(done, SETTLE_MS));
    if (this.move === move && this.root.isConnected) await this.settle();
  }

  /**
   * @param {string} format
   * @param {string} title
   */
  async save(format, title) {
    const layout = { ...this.plot.layout, paper_bgcolor: this.theme?.background, plot_bgcolor: this.theme?.background };
    layout.title = { text: hoverText(title), font: { size: 14 } };
    layout.margin = { ...layout.margin, t: 50 };
    await plotly().downloadImage(
      { data: this.plot.data, layout, config: {} },
      { format, filename: this.header.file, width: 1100, height: 850, scale: format === "png" ? 2 : 1 }
    );
  }

  close() {
    this.move++;
    this.observer.disconnect();
    if (this.drawnOnce) plotly().purge(this.plot);
  }
}
