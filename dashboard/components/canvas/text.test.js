// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { clip, fill, formatWeight, shorten, widthOf } from "./text.js";

test("a weight has four decimals, or two figures where that would be nothing", () => {
  assert.equal(formatWeight(0.12345), "0.1235");
  assert.equal(formatWeight(0.001), "0.0010");
  assert.equal(formatWeight(0.00099), "9.9e-4");
  assert.equal(formatWeight(0), "0.0000");
});

test("a sentence is filled by name, and what is not given stays", () => {
  assert.equal(fill("{b}, {a}, {c}, {a}", { a: 1, b: "{a}" }), "{a}, 1, {c}, 1");
  // What a replacement pattern would mean is text here.
  assert.equal(fill("{a}", { a: "$&" }), "$&");
});

test("ideographs count for nearly two letters, and characters outside the first plane once", () => {
  assert.equal(widthOf("bank"), 4);
  assert.equal(widthOf("银行"), 3.4);
  assert.equal(widthOf("\u2e7f"), 1);
  assert.equal(widthOf("\u2e80"), 1.7);
  assert.equal(widthOf("😀"), 1.7);
});

test("a text is cut with room for the mark, and never inside a character", () => {
  assert.equal(clip("abcdef", 6), "abcdef");
  assert.equal(clip("abcdefg", 6), "abcde…");
  // Three fit into 6 - 1 letters' room, were they 1.7 wide only two: 3.4, and 5.1 is too much.
  assert.equal(clip("银行银行", 6), "银行…");
  assert.equal(clip("😀😀😀", 4), "😀…");
});

test("white space in a label can be seen", () => {
  assert.equal(shorten(" a \n b", 10), "␣a␣b");
});
