// @ts-check
// What a click switches.

/**
 * Which heads are off after a click on a head's switch or, without a head, on that of its layer: a layer is switched
 * on where all of it is off, and off otherwise.
 *
 * @param {ReadonlySet<string>} off as "layer.head"
 * @param {number} layer
 * @param {number | undefined} head
 * @param {number} heads how many a layer has
 */
export function turned(off, layer, head, heads) {
  const keys = head === undefined ? Array.from({ length: heads }, (_, h) => `${layer}.${h}`) : [`${layer}.${head}`];
  const out = keys.every((key) => off.has(key));
  const after = new Set(off);
  for (const key of keys) {
    if (out) after.delete(key);
    else after.add(key);
  }
  return after;
}
