// @ts-check
// What a hand does in the explorer: point, click, draw around a part, press keys, use the tools over the pictures.

import { arrowOf } from "../canvas/keys.js";
import { linesHit } from "./lines.js";
import { matrixHit } from "./matrix.js";
import { following, stepInLines, stepInMatrix } from "./range.js";

/**
 * @import { Place } from "./data.js"
 * @import { Explorer } from "./explorer.js"
 */

/** @type {Place} */
const NOWHERE = { query: null, key: null };
const ZOOM = 1.6;
const WHEEL_ZOOM = 1.25;
// A shorter drag is a click with an unsteady hand.
const DRAG_PX = 8;

/** @param {Explorer} explorer */
export function listen(explorer) {
  listenToPointer(explorer, explorer.matrixCanvas, matrixHit);
  listenToPointer(explorer, explorer.linesCanvas, linesHit);
  listenToDrags(explorer);
  listenToTools(explorer);
}

/**
 * Listen to what is pointed at on a canvas.
 *
 * @param {Explorer} explorer
 * @param {HTMLCanvasElement} canvas
 * @param {typeof matrixHit} hit
 */
function listenToPointer(explorer, canvas, hit) {
  /** @param {MouseEvent} event */
  const place = ({ offsetX, offsetY }) => {
    const { header, range } = explorer;
    return header ? hit({ header, range }, canvas.clientWidth, canvas.clientHeight, offsetX, offsetY) : NOWHERE;
  };
  canvas.addEventListener("pointermove", (event) => {
    if (explorer.drag) {
      explorer.box = [explorer.drag.x, explorer.drag.y, event.offsetX, event.offsetY];
      explorer.repaint();
    } else if (!explorer.pinned) {
      explorer.look(place(event));
    }
  });
  canvas.addEventListener("pointerleave", () => !explorer.pinned && !explorer.drag && explorer.look(NOWHERE));
  canvas.addEventListener("click", (event) => {
    if (explorer.dragged) {
      explorer.dragged = false;
      return;
    }
    const to = place(event);
    const same = to.query === explorer.focus.query && to.key === explorer.focus.key;
    explorer.pinned = (to.query !== null || to.key !== null) && !(explorer.pinned && same);
    explorer.look(to);
  });
  canvas.addEventListener("dblclick", () => explorer.zoom(0));
  canvas.addEventListener("keydown", (event) => onKey(explorer, event, canvas));
  // A wheel alone scrolls the page, as everywhere; with Ctrl, or a pinch, it zooms.
  canvas.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      explorer.zoom(event.deltaY < 0 ? WHEEL_ZOOM : 1 / WHEEL_ZOOM, place(event));
    },
    { passive: false }
  );
}

/**
 * Listen to a part of the heat map being drawn around.
 *
 * @param {Explorer} explorer
 */
function listenToDrags(explorer) {
  explorer.matrixCanvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    explorer.matrixCanvas.setPointerCapture(event.pointerId);
    explorer.drag = { x: event.offsetX, y: event.offsetY };
  });
  for (const canvas of [explorer.matrixCanvas, explorer.linesCanvas]) {
    canvas.addEventListener("pointerup", () => {
      const box = explorer.box;
      explorer.drag = explorer.box = null;
      explorer.dragged = false;
      if (box && Math.hypot(box[2] - box[0], box[3] - box[1]) > DRAG_PX) {
        explorer.dragged = true;
        explorer.zoomTo(box);
      }
    });
    canvas.addEventListener("pointercancel", () => {
      explorer.drag = explorer.box = null;
      explorer.repaint();
    });
  }
}

/** @param {Explorer} explorer */
function listenToTools(explorer) {
  explorer.get("zoom-in").onclick = () => explorer.zoom(ZOOM);
  explorer.get("zoom-out").onclick = () => explorer.zoom(1 / ZOOM);
  explorer.get("zoom-reset").onclick = () => explorer.zoom(0);
  for (const [name, button] of explorer.scales) {
    button.onclick = () => {
      explorer.scaleName = name;
      explorer.write();
      explorer.repaint(true);
      explorer.sendLater();
    };
  }
  // Squared, so that the small weights, which are most of them, have most of the slider.
  explorer.slider.oninput = () => {
    explorer.minimum = Math.round((Number(explorer.slider.value) / 100) ** 2 * 1e4) / 1e4;
    explorer.write();
    explorer.repaint();
    explorer.sendLater();
  };
}

/**
 * @param {Explorer} explorer
 * @param {KeyboardEvent} event
 * @param {HTMLCanvasElement} canvas
 */
function onKey(explorer, event, canvas) {
  if (!explorer.header) return;
  const { rows, columns } = explorer.header;
  const arrow = arrowOf(event);
  if (arrow) {
    const step = canvas === explorer.linesCanvas ? stepInLines : stepInMatrix;
    explorer.look(step(explorer.focus, arrow, explorer.range, rows, columns));
    explorer.range = following(explorer.range, explorer.focus, rows, columns);
    explorer.repaint();
  } else if (event.key === "Enter" || event.key === " ") {
    explorer.pinned = !explorer.pinned && (explorer.focus.query !== null || explorer.focus.key !== null);
    explorer.look(explorer.focus);
  } else if (event.key === "Escape") {
    explorer.pinned = false;
    explorer.look(NOWHERE);
  } else if (event.key === "+" || event.key === "=") {
    explorer.zoom(ZOOM);
  } else if (event.key === "-") {
    explorer.zoom(1 / ZOOM);
  } else if (event.key === "0") {
    explorer.zoom(0);
  } else {
    return;
  }
  event.preventDefault();
}
