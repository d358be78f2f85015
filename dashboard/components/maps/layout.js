// @ts-check
// Where the cells of a layer × head map stand.

export const LEFT = 18;
export const BOTTOM = 16;

/**
 * @param {{ values: number[][] }} map (layer, head)
 * @param {number} width
 */
export function mapLayout(map, width) {
  const [rows, columns] = [map.values.length, map.values[0].length];
  const cell = (width - LEFT - 1) / columns;
  const tall = Math.max(9, Math.min(22, cell));
  return { rows, columns, cell, tall, height: rows * tall + BOTTOM };
}

/**
 * The cell that a point is in, or null.
 *
 * @param {{ values: number[][] }} map
 * @param {number} width
 * @param {number} x
 * @param {number} y
 */
export function mapHit(map, width, x, y) {
  const at = mapLayout(map, width);
  const [row, column] = [Math.floor(y / at.tall), Math.floor((x - LEFT) / at.cell)];
  return row >= 0 && row < at.rows && column >= 0 && column < at.columns ? { row, column } : null;
}

/**
 * Where a value is on its map's scale of 256 colours.
 *
 * @param {{ least: number, most: number }} map
 * @param {number} value
 */
export function levelOf({ least, most }, value) {
  const share = (value - least) / (most - least || 1);
  return Math.max(0, Math.min(255, Math.round(255 * share)));
}
