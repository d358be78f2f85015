// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { boxEdges, lookAt, nearer, seenFrom, turned } from "./depth.js";

const UP = { x: 0, y: 0, z: 1 };
const CAMERA = { eye: { x: 2, y: 0, z: 0 }, center: { x: 0, y: 0, z: 0 }, up: UP };

/** @type {(found: ArrayLike<number>, want: number[]) => void} */
function near(found, want) {
  assert.equal(found.length, want.length);
  want.forEach((one, i) => assert.ok(Math.abs(found[i] - one) < 1e-6, `${[...Array.from(found)]} is not ${want}`));
}

test("from the front, the right is where y grows and up is where z does", () => {
  const [right, up, back, eye] = lookAt(CAMERA);
  near(right, [0, 1, 0]);
  near(up, [0, 0, 1]);
  near(back, [1, 0, 0]);
  near(eye, [2, 0, 0]);
});

test("turned by a quarter the camera is as far as before, about the middle", () => {
  const moved = { ...CAMERA, eye: { x: 12, y: 20, z: 30 }, center: { x: 10, y: 20, z: 30 } };
  const { eye } = turned(moved, Math.PI / 2, 0);
  near([eye.x, eye.y, eye.z], [10, 18, 30]);
  const raised = turned(CAMERA, 0, Math.PI / 6).eye;
  near([raised.x, raised.y, raised.z], [Math.sqrt(3), 0, 1]);
});

test("nobody is turned over the top", () => {
  const { eye } = turned(CAMERA, 0, 9);
  near([eye.x, eye.y, eye.z], [2 * Math.cos(1.5), 0, 2 * Math.sin(1.5)]);
});

test("half as far is half the way to the middle", () => {
  const { eye } = nearer({ ...CAMERA, center: { x: 1, y: 4, z: -2 } }, 0.5);
  near([eye.x, eye.y, eye.z], [1.5, 2, -1]);
});

test("points are seen where a pinhole would put them: across by y, up by z, smaller the farther they are", () => {
  const model = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
  const projection = [2, 0, 0, 0, 0, 4];
  const scene = { dataScale: [1, 1, 1], glplot: { cameraParams: { model, projection } } };
  // At depth 2: 0.5 + 0.5 / 2 · 2 · 0.5 across, 0.5 + 0.5 / 2 · 4 · 0.25 up; and at depth 4 half of it.
  near(seenFrom(scene, CAMERA, [0, 0.5, 0.25, -2, 0.5, 0.25]), [0.75, 0.75, 0.625, 0.625]);
  const behind = seenFrom(scene, CAMERA, [3, 0.5, 0.25]);
  assert.ok(Number.isNaN(behind[0]) && Number.isNaN(behind[1]));
});

test("coordinates are scaled and moved as the scene says", () => {
  const model = [10, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, -20, 0, 0, 1];
  const scene = { dataScale: [0.5, 2, 1], glplot: { cameraParams: { model, projection: [2, 0, 0, 0, 0, 2] } } };
  // x: 4 · 0.5 · 10 - 20 = 0; y: 0.25 · 2 = 0.5.
  near(seenFrom(scene, CAMERA, [4, 0.25, 0]), [0.75, 0.5]);
});

test("a box has twelve edges, each along one coordinate", () => {
  const edges = boxEdges([[0, 1], [10, 12], [20, 23]]);
  assert.equal(edges.length, 12 * 6);
  const lengths = [];
  for (let i = 0; i < edges.length; i += 6) {
    const ways = [0, 1, 2].map((d) => Math.abs(edges[i + d] - edges[i + 3 + d]));
    assert.equal(ways.filter(Boolean).length, 1);
    lengths.push(Math.max(...ways));
  }
  assert.deepEqual(lengths.sort(), [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3]);
  const starts = new Set(Array.from({ length: 12 }, (_, i) => edges.slice(6 * i, 6 * i + 6).join()));
  assert.equal(starts.size, 12);
});
