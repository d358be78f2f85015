// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { rampOf } from "../canvas/theme.js";
import { inkOf, linesOf } from "./ink.js";

const THEME = { ramp: rampOf([[255, 255, 255], [0, 0, 0]]), diverging: rampOf([[0, 0, 255], [255, 255, 255], [255, 0, 0]]) };

test("of signed scores nothing is in the middle, and the two ends are against and for", () => {
  const row = { most: 2, signed: true };
  assert.deepEqual(inkOf(row, 2, THEME), ["rgb(255, 0, 0)", "#000000"]);
  assert.deepEqual(inkOf(row, -2, THEME), ["rgb(0, 0, 255)", "#ffffff"]);
  // Level 128 of 255, a two-hundred-fifty-fifth past the middle.
  assert.deepEqual(inkOf(row, 0, THEME), ["rgb(255, 254, 254)", "#000000"]);
  assert.deepEqual(inkOf(row, 9, THEME), inkOf(row, 2, THEME));
});

test("of others nothing is at the beginning", () => {
  const row = { most: 0.5, signed: false };
  assert.deepEqual(inkOf(row, 0, THEME), ["rgb(255, 255, 255)", "#000000"]);
  assert.deepEqual(inkOf(row, 0.1, THEME), ["rgb(204, 204, 204)", "#000000"]);
  assert.deepEqual(inkOf(row, 0.5, THEME), ["rgb(0, 0, 0)", "#ffffff"]);
});

test("whatever is behind, the ink has a contrast of 4.5 to 1", () => {
  const flat = (/** @type {number[]} */ colour) => ({ ramp: rampOf([colour, colour]), diverging: THEME.diverging });
  const row = { most: 1, signed: false };
  // Of #5592c2 white has 3.34 by axe-core, so black has 21 / 3.34 = 6.29. Of #777777 white has 4.48, WCAG's own example.
  assert.equal(inkOf(row, 0, flat([0x55, 0x92, 0xc2]))[1], "#000000");
  assert.equal(inkOf(row, 0, flat([0x77, 0x77, 0x77]))[1], "#000000");
  // White has 4.54 here.
  assert.equal(inkOf(row, 0, flat([0x76, 0x76, 0x76]))[1], "#000000");
  assert.equal(inkOf(row, 0, flat([0x70, 0x70, 0x70]))[1], "#ffffff");
  assert.equal(inkOf(row, 0, flat([0, 0, 255]))[1], "#ffffff");
});

test("words stand side by side, with a space where one is, until the line is full", () => {
  const words = [
    { text: "aaaa", spaced: true },
    { text: "bb", spaced: true },
    { text: "c", spaced: false },
    { text: "dddd", spaced: true },
  ];
  const { places, tall } = linesOf(words, 100, (text) => 10 * text.length);
  // 40, 20, 10 and 40 wide, each with 6 around it; before the first of a line there is no space.
  assert.deepEqual(places, [
    { x: 0, y: 0, wide: 46 },
    { x: 51, y: 0, wide: 26 },
    { x: 77, y: 0, wide: 16 },
    { x: 0, y: 26, wide: 46 },
  ]);
  assert.equal(tall, 52);
});

test("a word that is wider than a line stands alone on one", () => {
  const words = ["aaaaaaaaaaaa", "b"].map((text) => ({ text, spaced: true }));
  assert.deepEqual(linesOf(words, 100, (text) => 10 * text.length).places.map(({ x, y }) => [x, y]), [[0, 0], [0, 26]]);
});
