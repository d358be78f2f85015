// @ts-check
// What is seen of a flat map while it is zoomed and pulled.

/** @typedef {[low: number, high: number]} Span */
/** @typedef {{ x: Span, y: Span }} Plane a part of the plane */

/**
 * See more or less, a place staying where it is.
 *
 * @param {Plane} plane
 * @param {number} factor above 1 for more
 * @param {number} x the place, as shares of what is seen, from its upper left corner
 * @param {number} y
 * @returns {Plane}
 */
export function zoomedPlane(plane, factor, x, y) {
  /** @type {(span: Span, share: number) => Span} */
  const about = ([low, high], share) => {
    const still = low + (high - low) * share;
    return [still + (low - still) * factor, still + (high - still) * factor];
  };
  return { x: about(plane.x, x), y: about(plane.y, 1 - y) };
}

/**
 * Pull the plane along, by shares of what is seen.
 *
 * @param {Plane} plane
 * @param {number} dx to the right
 * @param {number} dy downwards
 * @returns {Plane}
 */
export function pulledPlane(plane, dx, dy) {
  /** @type {(span: Span, share: number) => Span} */
  const along = ([low, high], share) => [low + (high - low) * share, high + (high - low) * share];
  return { x: along(plane.x, -dx), y: along(plane.y, dy) };
}

/**
 * Which points a test on their place, as shares of what is seen, says are inside.
 *
 * @param {Float32Array} cloud (point, 2)
 * @param {number[]} points
 * @param {Plane} plane
 * @param {(x: number, y: number) => boolean} test
 */
export function insideOf(cloud, points, { x, y }, test) {
  return points.filter((i) =>
    test((cloud[2 * i] - x[0]) / (x[1] - x[0]), (y[1] - cloud[2 * i + 1]) / (y[1] - y[0]))
  );
}
