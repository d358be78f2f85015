// Where BertViz's scripts expect require.js and Python's parameters: both, from what is in the page.

const given = JSON.parse(document.getElementById("data").textContent);

window.requirejs = (names, run) => run(...names.map((name) => ({ jquery: window.jQuery, d3: window.d3 })[name]));
window.requirejs.config = () => {};
window.require = window.requirejs;

window.bertviz_params = (() => {
  const { view, layers, tokens, cut, filters } = given;
  const range = (segment) => (segment === 0 ? [0, cut] : [cut, tokens.length]);
  const part = ({ segments }) => {
    const [[q0, q1], [k0, k1]] = segments ? segments.map(range) : [[0, tokens.length], [0, tokens.length]];
    const found = {
      attn: given.attention.map((layer) => layer.map((head) => head.slice(q0, q1).map((row) => row.slice(k0, k1)))),
      left_text: tokens.slice(q0, q1),
      right_text: tokens.slice(k0, k1),
    };
    if (view !== "neuron") return found;
    found.queries = given.queries.map((layer) => layer.map((head) => head.slice(q0, q1)));
    found.keys = given.keys.map((layer) => layer.map((head) => head.slice(k0, k1)));
    // The neuron view takes a layer's place for its name: layers that are left out stand for a neighbour, unseen.
    for (const name of ["attn", "queries", "keys"]) {
      const there = found[name];
      found[name] = Array.from({ length: given.all_layers }, (_, l) => there[Math.max(0, layers.indexOf(l))]);
    }
    return found;
  };
  const pickers = document.getElementById("pickers");
  const picker = (label, id, options) => {
    const select = document.createElement("select");
    select.id = id;
    for (const [value, text] of options) select.add(new Option(text, value));
    const name = document.createElement("span");
    name.className = "dropdown-label";
    name.textContent = ` ${label}: `;
    pickers.append(name, select);
    return select;
  };
  if (view !== "model") picker("Layer", "layer", []);
  if (view === "neuron") picker("Head", "att_head", []);
  const named = view === "neuron";
  if (filters.length > 1) picker("Attention", "filter", filters.map(({ key, name }, i) => [named ? key : `${i}`, name]));
  const parts = filters.map((one) => ({ name: one.name, ...part(one) }));
  return {
    attention: named ? Object.fromEntries(filters.map(({ key }, i) => [key, parts[i]])) : parts,
    default_filter: named ? "all" : "0",
    root_div_id: "bertviz",
    layer: given.layer,
    head: given.head,
    heads: null,
    include_layers: layers,
    include_heads: Array.from({ length: given.heads }, (_, h) => h),
    total_heads: given.heads,
    bidirectional: true,
    display_mode: given.dark ? "dark" : "light",
  };
})();

// BertViz fills its pickers when it runs, right after this; what is not in the page is then taken out again.
document.addEventListener("DOMContentLoaded", () => {
  for (const option of [...document.querySelectorAll("#layer option")]) {
    if (!given.layers.includes(+option.value)) option.remove();
  }
});
