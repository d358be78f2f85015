// @ts-check
// What a hand does on a map: scroll, pull, turn, draw around points, click. Plotly keeps its own rectangle for zooming
// and its buttons; the rest it would answer too slowly for a large map.

const OURS = ["pan", "lasso", "select", "turntable"];
const SHEETS = ".nsewdrag, #scene";
// What stands still for so long has settled, and Plotly draws it.
export const SETTLE_MS = 200;
const STILL_PX = 4;

/** @import { Plot } from "./plotly.js" */

/**
 * What gestures do something with. Places and ways are shares of the area, from its upper left corner.
 *
 * @typedef {object} Moved
 * @property {() => boolean} moves whether it can be pulled at all
 * @property {() => { left: number, top: number, width: number, height: number }} area
 * @property {() => any} view what is seen
 * @property {(view: any, factor: number, x: number, y: number) => any} zoomed another view
 * @property {(view: any, dx: number, dy: number) => any} pulled another view
 * @property {(view: any) => void} glide
 * @property {() => void} settle
 * @property {(add: boolean) => void} clicked
 * @property {(test: (x: number, y: number) => boolean, add: boolean) => void} chosen
 * @property {(whole: boolean) => void} letGo
 */

/**
 * Whether a place is within a polygon: how often a line from it to the left crosses the outline.
 *
 * @param {number[][]} outline
 * @param {number} x
 * @param {number} y
 */
export function within(outline, x, y) {
  let inside = false;
  for (let i = 0, j = outline.length - 1; i < outline.length; j = i++) {
    const [[x0, y0], [x1, y1]] = [outline[i], outline[j]];
    if (y0 > y !== y1 > y && x < ((x1 - x0) * (y - y0)) / (y1 - y0) + x0) inside = !inside;
  }
  return inside;
}

export class Gestures {
  /** @type {number | null} the pointer that is held down */
  held = null;
  /** @type {number[]} */
  begin = [0, 0];
  /** @type {number[][] | null} */
  path = null;
  /** @type {unknown} */
  from = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  settling = undefined;

  /**
   * @param {Plot} plot
   * @param {SVGSVGElement} outline
   * @param {Moved} map
   */
  constructor(plot, outline, map) {
    this.plot = plot;
    this.outline = outline;
    this.map = map;
    /** @param {Event} event */
    const over = (event) => map.moves() && event.target instanceof Element && event.target.closest(SHEETS) !== null;
    /** @param {Event} event */
    const mine = (event) => over(event) && OURS.includes(this.mode());
    /** @type {<Kind extends keyof HTMLElementEventMap>(kind: Kind, handle: (event: HTMLElementEventMap[Kind]) => void) => void} */
    const listen = (kind, handle) => plot.addEventListener(kind, handle, { capture: true, passive: false });
    listen("wheel", (event) => over(event) && this.wheel(event));
    // Plotly must not begin a drag of its own.
    for (const kind of /** @type {const} */ (["mousedown", "touchstart"])) listen(kind, (event) => mine(event) && event.stopPropagation());
    listen("pointerdown", (event) => event.isPrimary && event.button === 0 && mine(event) && this.down(event));
    listen("pointermove", (event) => this.held === event.pointerId && this.pull(event));
    listen("pointerup", (event) => this.held === event.pointerId && this.up(event));
    listen("pointercancel", () => this.drop());
    listen("dblclick", (event) => mine(event) && map.letGo(this.mode() === "pan"));
  }

  mode() {
    const layout = this.plot._fullLayout;
    return layout?.scene ? layout.scene.dragmode : layout?.dragmode;
  }

  /**
   * Where the pointer is, from the upper left corner of the area that points are drawn in.
   *
   * @param {MouseEvent} event
   */
  at(event) {
    const box = this.plot.getBoundingClientRect();
    const area = this.map.area();
    return [event.clientX - box.left - area.left, event.clientY - box.top - area.top];
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    event.preventDefault();
    event.stopPropagation();
    const [x, y] = this.at(event);
    const area = this.map.area();
    // A wheel counts in lines in some browsers; a notch is 100 pixels or 3 lines.
    const turned = Math.max(-300, Math.min(300, event.deltaY * (event.deltaMode === 1 ? 33 : 1)));
    const factor = Math.exp(turned / 500);
    this.map.glide(this.map.zoomed(this.map.view(), factor, x / area.width, y / area.height));
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.map.settle(), SETTLE_MS);
  }

  /** @param {PointerEvent} event */
  down(event) {
    this.held = event.pointerId;
    this.begin = this.at(event);
    this.path = null;
    this.from = this.map.view();
    clearTimeout(this.settling);
  }

  /** @param {PointerEvent} event */
  pull(event) {
    const mode = this.mode();
    // A browser hands on what it saw in between, so that a quick hand cuts no corners.
    const seen = event.getCoalescedEvents?.() ?? [];
    const places = (seen.length ? seen : [event]).map((one) => this.at(one));
    const [x, y] = places[places.length - 1];
    const [x0, y0] = this.begin;
    if (!this.path) {
      if (Math.hypot(x - x0, y - y0) < STILL_PX) return;
      this.path = [this.begin];
      // Not before: whoever holds the pointer also gets the click.
      this.plot.setPointerCapture(event.pointerId);
    }
    const area = this.map.area();
    if (mode === "pan" || mode === "turntable") {
      this.map.glide(this.map.pulled(this.from, (x - x0) / area.width, (y - y0) / area.height));
      return;
    }
    if (mode === "lasso") this.path.push(...places);
    else this.path = [[x0, y0], [x, y0], [x, y], [x0, y]];
    Object.assign(this.outline.style, { left: `${area.left}px`, top: `${area.top}px` });
    this.outline.setAttribute("width", String(area.width));
    this.outline.setAttribute("height", String(area.height));
    this.outline.firstElementChild?.setAttribute("d", `M${this.path.map((one) => one.join(" ")).join("L")}Z`);
    this.outline.style.display = "block";
  }

  /** @param {PointerEvent} event */
  up(event) {
    const path = this.path;
    const mode = this.mode();
    this.drop();
    if (!path) this.map.clicked(event.shiftKey);
    else if (mode === "pan" || mode === "turntable") this.map.settle();
    else {
      const { width, height } = this.map.area();
      this.map.chosen((x, y) => within(path, x * width, y * height), event.shiftKey);
    }
  }

  drop() {
    this.held = null;
    this.path = null;
    this.outline.style.display = "none";
  }
}
