// @ts-check
// Where keys go.

/**
 * Where an arrow key goes, as [down, right]; undefined for other keys.
 *
 * @param {{ key: string }} event
 * @returns {[number, number] | undefined}
 */
export function arrowOf(event) {
  /** @type {Record<string, [number, number]>} */
  const arrows = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  return Object.hasOwn(arrows, event.key) ? arrows[event.key] : undefined;
}

/**
 * The nearest of so many places, counted from 0.
 *
 * @param {number} value
 * @param {number} count
 */
export function clamp(value, count) {
  return Math.max(0, Math.min(count - 1, value));
}
