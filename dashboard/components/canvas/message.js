// @ts-check
// A message from Python in bytes.

/**
 * Take a message apart: the length of its header (u32), its header (JSON), and what follows.
 *
 * @param {Uint8Array} bytes
 * @returns {{ header: any, rest: Uint8Array }}
 */
export function unpackMessage(bytes) {
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  return { header, rest: bytes.subarray(4 + length) };
}

/**
 * Bytes as numbers. They are copied: where they lie in a message need be no whole number of words from its beginning.
 *
 * @param {Uint8Array} bytes
 */
export function floatsOf(bytes) {
  return new Float32Array(bytes.slice().buffer);
}
