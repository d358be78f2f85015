// @ts-check
// The explorer inside the dashboard: Python answers each choice with the chosen head's weights.

import { component } from "../canvas/component.js";
import { unpack } from "./data.js";
import { Explorer } from "./explorer.js";

export default component(".explorer", (root, send) => {
  const explorer = new Explorer(root, { send: (look) => send("look", look) });
  return { receive: (data) => explorer.receive(unpack(data)), close: () => explorer.close() };
});
