// @ts-check
// Where BertViz's scripts expect require.js and Python's parameters: both, from what is in the page.

import { find } from "../canvas/dom.js";
import { paramsOf } from "./params.js";

/** @import { Given } from "./params.js" */

/** @type {Given} */
const given = JSON.parse(find(document, "#data", HTMLElement).textContent ?? "");

/** @type {Record<string, unknown>} */
const libraries = { jquery: Reflect.get(window, "jQuery"), d3: Reflect.get(window, "d3") };

/** @type {(names: string[], run: (...found: unknown[]) => void) => void} */
const requirejs = (names, run) => run(...names.map((name) => libraries[name]));
Object.assign(requirejs, { config: () => {} });
Object.assign(window, { requirejs, require: requirejs, bertviz_params: paramsOf(given) });

/**
 * Add a picker; BertViz fills those of layers and heads when it runs, right after this.
 *
 * @param {string} label
 * @param {string} id
 * @param {[value: string, text: string][]} options
 */
function addPicker(label, id, options) {
  const select = document.createElement("select");
  select.id = id;
  for (const [value, text] of options) select.add(new Option(text, value));
  const name = document.createElement("span");
  name.className = "dropdown-label";
  name.textContent = ` ${label}: `;
  find(document, "#pickers", HTMLElement).append(name, select);
}

const { view, filters, layers } = given;
if (view !== "model") addPicker("Layer", "layer", []);
if (view === "neuron") addPicker("Head", "att_head", []);
if (filters.length > 1) {
  addPicker("Attention", "filter", filters.map(({ key, name }, i) => [view === "neuron" ? key : `${i}`, name]));
}

// What is not in the page is taken out of BertViz's pickers again.
document.addEventListener("DOMContentLoaded", () => {
  for (const option of document.querySelectorAll("#layer option")) {
    if (option instanceof HTMLOptionElement && !layers.includes(Number(option.value))) option.remove();
  }
});
