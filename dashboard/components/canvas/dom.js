// @ts-check
// What is looked up in a page, with its kind: what is not there is a mistake of ours, and said at once.

/**
 * The first element that a selector finds.
 *
 * @template {Element} Kind
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new () => Kind} kind
 * @returns {Kind}
 */
export function find(root, selector, kind) {
  const found = root.querySelector(selector);
  if (!(found instanceof kind)) throw new TypeError(`no ${kind.name} at ${selector}`);
  return found;
}

/**
 * What draws on a canvas.
 *
 * @param {HTMLCanvasElement} canvas
 */
export function contextOf(canvas) {
  const context = canvas.getContext("2d");
  if (!context) throw new TypeError("this browser draws on no canvas");
  return context;
}

/**
 * Call when somebody asks for pictures to be saved; return what ends it.
 *
 * @param {(picture: string, format: string) => void} save
 */
export function onSave(save) {
  /** @param {Event} event */
  const listener = (event) => {
    if (event instanceof CustomEvent) save(event.detail.picture, event.detail.format);
  };
  document.addEventListener("bertoscope:save", listener);
  return () => document.removeEventListener("bertoscope:save", listener);
}

/**
 * Ask a picture on the page to save itself. It listens on the document, so whoever asks need not know what drew it.
 *
 * @param {string} picture
 * @param {string} format
 */
export function askToSave(picture, format) {
  document.dispatchEvent(new CustomEvent("bertoscope:save", { detail: { picture, format } }));
}
