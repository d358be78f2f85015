// The explorer inside an exported file: every head's weights lie in the page, gzipped, in half precision.

/** The number that a half-precision pattern stands for (IEEE 754 binary16). */
function fromHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

async function inflate(base64) {
  const packed = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function openExport() {
  const read = (id) => document.getElementById(id).textContent;
  const header = JSON.parse(read("header"));
  const halves = new Uint16Array((await inflate(read("weights"))).buffer);
  const thumbnails = await inflate(read("thumbnails"));
  const table = Float32Array.from({ length: 65536 }, (_, bits) => fromHalf(bits));
  const size = header.rows * header.columns;
  const average = (heads) => {
    const total = new Float32Array(size);
    for (const [layer, head] of heads) {
      const begin = (layer * header.heads_per_layer + head) * size;
      for (let i = 0; i < size; i++) total[i] += table[halves[begin + i]] / heads.length;
    }
    return total;
  };
  const explorer = new Explorer(document.querySelector(".explorer"), {
    send: ({ heads, scale, minimum, sequence }) =>
      explorer.receive({ header: { ...header, heads, scale, minimum, sequence }, matrix: average(heads) }),
  });
  explorer.receive({ header, matrix: average(header.heads), thumbnails });
  for (const format of ["png", "svg"]) {
    document.getElementById(format).onclick = () =>
      document.dispatchEvent(new CustomEvent("bertoscope:save", { detail: { picture: "explorer", format } }));
  }
}

openExport();
