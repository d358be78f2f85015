// What arrives from Python, and how weights become colours.

/** Unpack one message: header length (u32), header (JSON), weights (f32), thumbnails (u8) where they are sent. */
function unpack(bytes) {
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  const begin = 4 + length;
  const size = header.rows * header.columns * 4;
  const matrix = new Float32Array(bytes.slice(begin, begin + size).buffer);
  const thumbnails = header.thumbnails ? bytes.slice(begin + size) : null;
  return { header, matrix, thumbnails };
}

// Each scale maps a weight from 0…1 to 0…1, the same for every head, so that heads can be compared.
const SCALES = {
  linear: { of: (weight) => weight, ticks: [0, 0.25, 0.5, 0.75, 1] },
  sqrt: { of: Math.sqrt, ticks: [0, 0.01, 0.1, 0.3, 0.6, 1] },
  log: { of: (weight) => (weight <= 1e-4 ? 0 : 1 + Math.log10(weight) / 4), ticks: [1e-4, 1e-3, 0.01, 0.1, 1] },
};

/** The colours of the page's theme as they are now. */
function readTheme(element) {
  const style = getComputedStyle(element);
  const get = (name, fallback) => style.getPropertyValue(`--st-${name}`).trim() || fallback;
  const anchors = get("chart-sequential-colors", "#ffffff,#06264d").split(",").map(parseColour);
  const background = get("background-color", "#ffffff");
  // The scale starts where the page is: no weight, no ink.
  const ramp = rampOf([parseColour(background), ...anchors.slice(1)]);
  return {
    ramp,
    background,
    text: get("text-color", "#1c2530"),
    faint: get("border-color", "#c9d2dc"),
    accent: get("primary-color", "#b35806"),
    line: cssColour(ramp, 200),
    font: `${get("font", "sans-serif")}, "Noto Sans", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif`,
  };
}

function parseColour(text) {
  const hex = text.trim().replace("#", "");
  if (/^[0-9a-f]{6}/i.test(hex)) return [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16));
  return (text.match(/[\d.]+/g) || [0, 0, 0]).slice(0, 3).map(Number);
}

/** 256 colours through the anchors, as bytes r g b. */
function rampOf(anchors) {
  const ramp = new Uint8ClampedArray(256 * 3);
  for (let i = 0; i < 256; i++) {
    const place = (i / 255) * (anchors.length - 1);
    const low = Math.min(Math.floor(place), anchors.length - 2);
    for (let c = 0; c < 3; c++) ramp[3 * i + c] = anchors[low][c] + (anchors[low + 1][c] - anchors[low][c]) * (place - low);
  }
  return ramp;
}

function cssColour(ramp, i) {
  return `rgb(${ramp[3 * i]}, ${ramp[3 * i + 1]}, ${ramp[3 * i + 2]})`;
}

/**
 * The part of a matrix that `range` names, at most `height` by `width`: each element is the largest of those under
 * it, so that nothing strong is lost where there are more weights than pixels.
 */
function pool(matrix, columns, range, height, width) {
  const [q0, q1, k0, k1] = range;
  const rows = Math.min(q1 - q0, Math.max(1, Math.floor(height)));
  const cols = Math.min(k1 - k0, Math.max(1, Math.floor(width)));
  const out = new Float32Array(rows * cols);
  const columnOf = new Uint32Array(k1 - k0);
  for (let k = 0; k < k1 - k0; k++) columnOf[k] = Math.floor((k * cols) / (k1 - k0));
  for (let q = q0; q < q1; q++) {
    const row = Math.floor(((q - q0) * rows) / (q1 - q0)) * cols;
    for (let k = k0; k < k1; k++) {
      const at = row + columnOf[k - k0];
      const value = matrix[q * columns + k];
      if (value > out[at]) out[at] = value;
    }
  }
  return { rows, cols, values: out };
}

/** A canvas with one pixel per value. */
function paintPixels(values, rows, cols, ramp, toUnit) {
  const canvas = document.createElement("canvas");
  canvas.width = cols;
  canvas.height = rows;
  const context = canvas.getContext("2d");
  const image = context.createImageData(cols, rows);
  for (let i = 0; i < values.length; i++) {
    const level = Math.max(0, Math.min(255, Math.round(255 * toUnit(values[i]))));
    image.data[4 * i] = ramp[3 * level];
    image.data[4 * i + 1] = ramp[3 * level + 1];
    image.data[4 * i + 2] = ramp[3 * level + 2];
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

/** A weight as text: four decimals, or two figures and a power of ten where that would be nothing. */
function formatWeight(weight) {
  return weight >= 0.001 || weight === 0 ? weight.toFixed(4) : weight.toExponential(1);
}

/** Put values where a translated sentence has {names}. */
function fill(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}
