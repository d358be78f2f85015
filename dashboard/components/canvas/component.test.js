// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { component } from "./component.js";

class Element {}
Object.assign(globalThis, { HTMLElement: Element });

/** A place on a page, with the one element that a component looks for. */
function place() {
  const root = new Element();
  return /** @type {any} */ ({ root, querySelector: () => root });
}

test("one object for each place, fed with each message, telling by the newest way", () => {
  /** @type {any[]} */
  const events = [];
  const call = component(".x", (root, send) => {
    events.push(["made", root]);
    return { receive: (data) => (events.push(["got", data]), send("said", data)), close: () => events.push(["closed"]) };
  });
  const [one, other] = [place(), place()];
  /** @type {(name: string) => (key: string, value: unknown) => void} */
  const tell = (name) => (key, value) => events.push([name, key, value]);
  const close = call({ data: 1, parentElement: one, setStateValue: tell("first") });
  call({ data: 2, parentElement: one, setStateValue: tell("second") });
  call({ data: null, parentElement: other, setStateValue: tell("other") });
  assert.deepEqual(events, [
    ["made", one.root], ["got", 1], ["first", "said", 1], ["got", 2], ["second", "said", 2], ["made", other.root],
  ]);
  events.length = 0;
  close();
  call({ data: 3, parentElement: one, setStateValue: tell("third") });
  assert.deepEqual(events, [["closed"], ["made", one.root], ["got", 3], ["third", "said", 3]]);
});
