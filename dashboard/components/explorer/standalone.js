// @ts-check
// The explorer inside an exported file: every head's weights lie in the page, gzipped, as steps of their square roots.

import { askToSave, find } from "../canvas/dom.js";
import { weightsOf } from "./data.js";
import { Explorer } from "./explorer.js";

/** @import { Head, Header } from "./data.js" */

/** @param {string} base64 */
async function inflate(base64) {
  const packed = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function openExport() {
  /** @param {string} id */
  const read = (id) => find(document, `#${id}`, HTMLElement).textContent ?? "";
  /** @type {Header} */
  const header = JSON.parse(read("header"));
  const weights = weightsOf(await inflate(read("weights")), header.steps ?? 0);
  const thumbnails = await inflate(read("thumbnails"));
  const size = header.rows * header.columns;
  /** @param {Head[]} heads */
  const average = (heads) => {
    const total = new Float32Array(size);
    for (const [layer, head] of heads) {
      const begin = (layer * header.heads_per_layer + head) * size;
      for (let i = 0; i < size; i++) total[i] += weights(begin + i) / heads.length;
    }
    return total;
  };
  const explorer = new Explorer(find(document, ".explorer", HTMLElement), {
    send: ({ heads, scale, minimum, sequence }) =>
      explorer.receive({ header: { ...header, heads, scale, minimum, sequence }, matrix: average(heads) }),
  });
  explorer.receive({ header, matrix: average(header.heads), thumbnails });
  for (const format of ["png", "svg"]) {
    find(document, `#${format}`, HTMLElement).onclick = () => askToSave("explorer", format);
  }
}

openExport();
