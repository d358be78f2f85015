// @ts-check
// Labels and numbers as they are shown.

/**
 * A weight as text: four decimals, or two figures and a power of ten where that would be nothing.
 *
 * @param {number} weight
 */
export function formatWeight(weight) {
  return weight >= 0.001 || weight === 0 ? weight.toFixed(4) : weight.toExponential(1);
}

/**
 * Put values where a translated sentence has {names}.
 *
 * @param {string} sentence
 * @param {Record<string, string | number>} values
 */
export function fill(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/**
 * How wide a label is, in letters: ideographs count for nearly two.
 *
 * @param {string} label
 */
export function widthOf(label) {
  let width = 0;
  for (const character of label) width += (character.codePointAt(0) ?? 0) > 0x2e7f ? 1.7 : 1;
  return width;
}

/**
 * A token's label, its white space made visible, in at most so many letters.
 *
 * @param {string} label
 * @param {number} letters
 */
export function shorten(label, letters) {
  return clip(label.replace(/\s+/g, "␣"), letters);
}

/**
 * A text in at most so many letters.
 *
 * @param {string} text
 * @param {number} letters
 */
export function clip(text, letters) {
  if (widthOf(text) <= letters) return text;
  let out = "";
  for (const character of text) {
    if (widthOf(out + character) > letters - 1) break;
    out += character;
  }
  return out + "…";
}
