// @ts-check
// A map in depth while it is turned: where Plotly's camera would see its points.

/** @typedef {[x: number, y: number, z: number]} Vector */
/** @typedef {{ x: number, y: number, z: number }} Point as Plotly writes it */
/** @typedef {{ eye: Point, center: Point, up: Point }} Camera */

/**
 * What of Plotly's scene says how coordinates are scaled, and how wide the camera sees.
 *
 * @typedef {object} Scene
 * @property {{ cameraParams: { model: ArrayLike<number>, projection: ArrayLike<number> } }} glplot
 * @property {ArrayLike<number>} dataScale
 */

const UP = { x: 0, y: 0, z: 1 };

/**
 * Turn a camera about the middle by angles, the way up staying up.
 *
 * @param {Camera} camera
 * @param {number} across
 * @param {number} up
 * @returns {Camera}
 */
export function turned(camera, across, up) {
  const { eye, center } = camera;
  const [x, y, z] = [eye.x - center.x, eye.y - center.y, eye.z - center.z];
  const far = Math.hypot(x, y, z);
  const round = Math.atan2(y, x) - across;
  const high = Math.max(-1.5, Math.min(1.5, Math.asin(z / far) + up));
  return {
    ...camera,
    up: UP,
    eye: {
      x: center.x + far * Math.cos(high) * Math.cos(round),
      y: center.y + far * Math.cos(high) * Math.sin(round),
      z: center.z + far * Math.sin(high),
    },
  };
}

/**
 * Bring a camera nearer, or take it farther away.
 *
 * @param {Camera} camera
 * @param {number} factor
 * @returns {Camera}
 */
export function nearer(camera, factor) {
  const { eye, center } = camera;
  /** @param {"x" | "y" | "z"} axis */
  const go = (axis) => center[axis] + (eye[axis] - center[axis]) * factor;
  return { ...camera, eye: { x: go("x"), y: go("y"), z: go("z") } };
}

/**
 * What a camera looks along: to its right, upwards and backwards, and where it is.
 *
 * @param {Camera} camera
 * @returns {[right: Vector, up: Vector, back: Vector, eye: Vector]}
 */
export function lookAt({ eye, center, up }) {
  /** @type {(a: Point, b: Point) => Vector} */
  const minus = (a, b) => [a.x - b.x, a.y - b.y, a.z - b.z];
  /** @type {(a: Vector, b: Vector) => Vector} */
  const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
  /** @type {(a: Vector) => Vector} */
  const unit = (a) => [a[0] / Math.hypot(...a), a[1] / Math.hypot(...a), a[2] / Math.hypot(...a)];
  const back = unit(minus(eye, center));
  const right = unit(cross([up.x, up.y, up.z], back));
  return [right, cross(back, right), back, [eye.x, eye.y, eye.z]];
}

/**
 * Return where points (x, y, z, ...) are seen, as shares (across, up, ...) of the picture; NaN behind the camera.
 *
 * @param {Scene} scene
 * @param {Camera} camera
 * @param {ArrayLike<number>} cloud
 */
export function seenFrom(scene, camera, cloud) {
  const { model, projection } = scene.glplot.cameraParams;
  const scale = scene.dataScale;
  const [right, up, back, eye] = lookAt(camera);
  const seen = new Float32Array((cloud.length / 3) * 2);
  const at = [0, 0, 0];
  for (let i = 0, k = 0; i < cloud.length; i += 3, k += 2) {
    for (let d = 0; d < 3; d++) at[d] = cloud[i + d] * scale[d] * model[5 * d] + model[12 + d] - eye[d];
    const depth = -(back[0] * at[0] + back[1] * at[1] + back[2] * at[2]);
    const share = depth > 0 ? 0.5 / depth : NaN;
    seen[k] = 0.5 + share * projection[0] * (right[0] * at[0] + right[1] * at[1] + right[2] * at[2]);
    seen[k + 1] = 0.5 + share * projection[5] * (up[0] * at[0] + up[1] * at[1] + up[2] * at[2]);
  }
  return seen;
}

/**
 * The twelve edges of a box between the least and the most of each coordinate, as pairs of corners (x, y, z).
 *
 * @param {[number, number][]} spans
 */
export function boxEdges([x, y, z]) {
  /** @type {number[]} */
  const corners = [];
  for (let c = 0; c < 8; c++) {
    for (let d = 0; d < 3; d++) {
      if (c & (1 << d)) continue;
      for (const corner of [c, c | (1 << d)]) corners.push(x[corner & 1], y[(corner >> 1) & 1], z[corner >> 2]);
    }
  }
  return corners;
}
