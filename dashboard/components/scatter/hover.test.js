// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { hoverText } from "./hover.js";

test("a text is text, whatever it holds", () => {
  assert.equal(hoverText("<b>a</b> & b"), "&lt;b&gt;a&lt;/b&gt; &amp; b");
});

test("lines break between words, after so many letters, and where the text has its own", () => {
  const word = "a".repeat(30);
  assert.equal(hoverText(`${word} ${word} ${word}`), `${word} ${word} <br>${word}`);
  // Ideographs may break anywhere: 37 of 1.7 letters are 62.9, and one more would be 64.6.
  assert.equal(hoverText("银".repeat(40)), `${"银".repeat(37)}<br>银银银`);
});

test("at most five lines, and the last says that there is more", () => {
  const lines = hoverText(Array.from({ length: 7 }, (_, i) => String(i).repeat(60)).join(" ")).split("<br>");
  assert.equal(lines.length, 5);
  assert.ok(lines[4].startsWith("4".repeat(60)));
  assert.ok(lines[4].endsWith(" …"));
});

test("a word that is longer than any line is cut", () => {
  assert.equal(hoverText("x".repeat(200)), `${"x".repeat(89)}…`);
});
