// @ts-check
// Two buttons that ask the picture on the page to save itself.

import { askToSave, find } from "../canvas/dom.js";

/** @import { Call } from "../canvas/component.js" */

export default (/** @type {Call} */ { data, parentElement }) => {
  const bar = find(parentElement, ".bar", HTMLElement);
  if (bar.childElementCount) return;
  for (const format of ["png", "svg"]) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = format.toUpperCase();
    button.onclick = () => askToSave(data.picture, format);
    bar.append(button);
  }
};
