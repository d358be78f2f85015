// @ts-check
// Plotly, which a component of its own brings into the page.

/**
 * An element that Plotly draws in, with what Plotly puts there.
 *
 * @typedef {HTMLElement & {
 *   data: any[],
 *   layout: any,
 *   _fullLayout: any,
 *   on: (name: string, handle: (event: any) => void) => void,
 * }} Plot
 */

/** @returns {any} */
export function plotly() {
  return Reflect.get(window, "Plotly");
}

/** Plotly, as soon as it has arrived. */
export function plotlyHere() {
  if (plotly()) return Promise.resolve(plotly());
  return new Promise((done) =>
    document.addEventListener("bertoscope:plotly", () => done(plotly()), { once: true })
  );
}
