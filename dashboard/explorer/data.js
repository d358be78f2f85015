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
