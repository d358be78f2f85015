// @ts-check
// Numbers in half precision (IEEE 754 binary16).

/**
 * The number that a pattern stands for. Weights are finite, so infinities and NaN do not come up.
 *
 * @param {number} bits
 */
export function fromHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
