// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { SvgContext } from "./svg.js";

test("shapes are written with the colours of their time", () => {
  const context = new SvgContext(100, 50);
  context.fillStyle = "red";
  context.fillRect(1, 2, 3, 4.567);
  context.strokeStyle = "blue";
  context.lineWidth = 1.5;
  context.strokeRect(5, 6, 7, 8);
  assert.deepEqual(context.parts, [
    '<rect x="1" y="2" width="3" height="4.57" fill="red"/>',
    '<rect x="5" y="6" width="7" height="8" fill="none" stroke="blue" stroke-width="1.5"/>',
  ]);
});

test("a path is drawn once it is stroked, and begun anew", () => {
  const context = new SvgContext(10, 10);
  context.beginPath();
  context.moveTo(1, 2);
  context.bezierCurveTo(3, 4, 5, 6, 7, 8);
  context.lineTo(9, 0.004);
  context.stroke();
  context.beginPath();
  context.stroke();
  assert.match(context.parts[0], / d="M1 2C3 4 5 6 7 8L9 0" /);
  assert.match(context.parts[1], / d="" /);
});

test("moving and turning compose as on a canvas: first what was said last", () => {
  const context = new SvgContext(10, 10);
  context.save();
  context.translate(10, 20);
  context.rotate(Math.PI / 2);
  context.translate(1, 2);
  context.fillRect(0, 0, 1, 1);
  // Turned by a quarter, (1, 2) lies at (-2, 1) from (10, 20).
  assert.match(context.parts[0], /transform="matrix\(0 1 -1 0 8 21\)"/);
  context.restore();
  context.fillRect(0, 0, 1, 1);
  assert.doesNotMatch(context.parts[1], /transform/);
});

test("text stands where its alignment says, and is text", () => {
  const context = new SvgContext(10, 10);
  context.font = "10px A, B";
  context.textAlign = "right";
  context.fillText("<b> & \"x\"\u0000", 4, 5);
  context.textBaseline = "top";
  context.textAlign = "center";
  context.fillText("y", 4, 5);
  // The middle of a line is 0.35 of its size over its base, the top 0.8.
  assert.equal(
    context.parts[0],
    '<text x="4" y="8.5" font-size="10" font-family="A, B" text-anchor="end" fill="#000">&#60;b&#62; &#38; &#34;x&#34;</text>'
  );
  assert.match(context.parts[1], /x="4" y="13" .* text-anchor="middle"/);
});

test("what is half seen says so, and the file has its size", () => {
  const context = new SvgContext(30, 20);
  context.globalAlpha = 0.456;
  context.fillRect(0, 0, 1, 1);
  assert.match(context.parts[0], / opacity="0.46"/);
  assert.match(String(context), /^<svg xmlns="[^"]*" width="30" height="20" viewBox="0 0 30 20"><rect .*<\/svg>$/);
});
