// @ts-check
// A Streamlit component from a class: one object for each place on the page, fed with each new `data`.

import { find } from "./dom.js";

/**
 * What tells Python: a value under a name.
 *
 * @typedef {(name: string, value: unknown) => void} Send
 */

/**
 * What Streamlit calls a component with.
 *
 * @typedef {object} Call
 * @property {any} data what Python sent, as the component's own message
 * @property {HTMLElement | ShadowRoot} parentElement
 * @property {Send} setStateValue
 */

/**
 * What draws one component: it takes each new message, and is told when its place is gone.
 *
 * @typedef {object} Drawer
 * @property {(data: any) => void} receive
 * @property {() => void} close
 */

/**
 * Make a Streamlit component.
 *
 * @param {string} selector the element that is drawn in
 * @param {(root: HTMLElement, send: Send) => Drawer} make
 */
export function component(selector, make) {
  /** @type {WeakMap<Node, { host: { send: Send }, drawer: Drawer }>} */
  const living = new WeakMap();
  return (/** @type {Call} */ { data, parentElement, setStateValue }) => {
    const known = living.get(parentElement);
    const host = known?.host ?? { send: setStateValue };
    const drawer = known?.drawer ?? make(find(parentElement, selector, HTMLElement), (name, value) => host.send(name, value));
    host.send = setStateValue;
    living.set(parentElement, { host, drawer });
    if (data) drawer.receive(data);
    return () => {
      drawer.close();
      living.delete(parentElement);
    };
  };
}
