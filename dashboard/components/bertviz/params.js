// @ts-check
// What Python's side of BertViz would hand to its scripts, from what is in the page.

/** @typedef {number[][]} Table (query, key) of attention, (token, dim) of a query or a key */

/**
 * What Python wrote into the page. Layers are those that are in it, in order.
 *
 * @typedef {object} Given
 * @property {"head" | "model" | "neuron"} view
 * @property {boolean} dark
 * @property {number[]} layers
 * @property {number} all_layers how many the model has
 * @property {number} heads
 * @property {number} layer
 * @property {number} head
 * @property {string[]} tokens
 * @property {number | null} cut where segment B begins
 * @property {{ key: string, name: string, segments: [query: number, key: number] | null }[]} filters
 * @property {Table[][]} attention (layer, head)
 * @property {Table[][]} [queries]
 * @property {Table[][]} [keys]
 */

/**
 * What BertViz calls a filter: the tokens and weights of one segment looking at another.
 *
 * @typedef {object} Part
 * @property {string[]} left_text
 * @property {string[]} right_text
 * @property {Table[][]} attn
 * @property {Table[][]} [queries]
 * @property {Table[][]} [keys]
 */

/**
 * One filter's part of the whole.
 *
 * @param {Given} given
 * @param {[query: number, key: number] | null} segments
 * @returns {Part}
 */
export function partOf(given, segments) {
  const { view, layers, tokens } = given;
  /** @param {number} segment */
  const range = (segment) => (segment === 0 ? [0, given.cut ?? tokens.length] : [given.cut ?? 0, tokens.length]);
  const [[q0, q1], [k0, k1]] = segments ? segments.map(range) : [[0, tokens.length], [0, tokens.length]];
  /** @type {Part} */
  const part = {
    attn: given.attention.map((layer) => layer.map((head) => head.slice(q0, q1).map((row) => row.slice(k0, k1)))),
    left_text: tokens.slice(q0, q1),
    right_text: tokens.slice(k0, k1),
  };
  if (view !== "neuron" || !given.queries || !given.keys) return part;
  // The neuron view takes a layer's place for its name: layers that are left out stand for a neighbour, unseen.
  /** @param {Table[][]} there */
  const placed = (there) => Array.from({ length: given.all_layers }, (_, l) => there[Math.max(0, layers.indexOf(l))]);
  return {
    ...part,
    attn: placed(part.attn),
    queries: placed(given.queries.map((layer) => layer.map((head) => head.slice(q0, q1)))),
    keys: placed(given.keys.map((layer) => layer.map((head) => head.slice(k0, k1)))),
  };
}

/**
 * BertViz's parameters.
 *
 * @param {Given} given
 */
export function paramsOf(given) {
  const parts = given.filters.map(({ name, segments }) => ({ name, ...partOf(given, segments) }));
  const named = given.view === "neuron";
  return {
    attention: named ? Object.fromEntries(given.filters.map(({ key }, i) => [key, parts[i]])) : parts,
    default_filter: named ? "all" : "0",
    root_div_id: "bertviz",
    layer: given.layer,
    head: given.head,
    heads: null,
    include_layers: given.layers,
    include_heads: Array.from({ length: given.heads }, (_, h) => h),
    total_heads: given.heads,
    bidirectional: true,
    display_mode: given.dark ? "dark" : "light",
  };
}
