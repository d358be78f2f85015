// The same head as lines between two columns of tokens: queries on the left, keys on the right.

const MOST_LINES = 2500;

/** The strongest links in a range, weakest first, and how many there are at or above the minimum. */
function strongestLinks(model) {
  const { header, matrix, range, minimum } = model;
  const [q0, q1, k0, k1] = range;
  const least = Math.max(minimum, 1e-4);
  // Counted by size first: sorting a quarter of a million links would take longer than drawing the picture.
  const level = (weight) => Math.min(4095, Math.floor(Math.sqrt(weight) * 4096));
  const counts = new Uint32Array(4096);
  let total = 0;
  for (let q = q0; q < q1; q++) {
    for (let i = q * header.columns + k0; i < q * header.columns + k1; i++) {
      if (matrix[i] >= least) {
        counts[level(matrix[i])]++;
        total++;
      }
    }
  }
  let limit = 4095;
  let above = 0;
  for (; limit > 0 && above + counts[limit] < MOST_LINES; limit--) above += counts[limit];
  // Of the level that only partly fits, every so many: a head that looks everywhere alike is shown as one.
  const share = Math.min(1, (MOST_LINES - above) / Math.max(1, counts[limit]));
  const links = [];
  let due = 0;
  for (let q = q0; q < q1; q++) {
    for (let i = q * header.columns + k0; i < q * header.columns + k1; i++) {
      if (matrix[i] < least || level(matrix[i]) < limit) continue;
      if (level(matrix[i]) === limit && (due += share) < 1) continue;
      if (level(matrix[i]) === limit) due -= 1;
      links.push(i);
    }
  }
  return { total, links: links.sort((a, b) => matrix[a] - matrix[b]) };
}

function linesLayout(model, width, height) {
  const [q0, q1, k0, k1] = model.range;
  const measure = (labels) => Math.min(110, width * 0.3, 12 + LABEL * 0.62 * Math.max(1, ...labels.map((one) => widthOf(one))));
  const left = measure(model.header.queryLabels);
  const right = width - measure(model.header.keyLabels) - 44;
  const top = 18;
  // Few tokens stay close together rather than being torn apart by the height.
  const step = Math.min(26, (height - top - 4) / Math.max(q1 - q0, k1 - k0));
  return { left, right, top, step };
}

/** Draw the lines on a canvas context, or on anything with its methods. */
function paintLines(context, model, width, height) {
  const { header, matrix, range, theme, focus, scale } = model;
  const [q0, q1, k0, k1] = range;
  const at = linesLayout(model, width, height);
  const y = (i, first) => at.top + (i - first + 0.5) * at.step;
  const middle = (at.left + at.right) / 2;
  const draw = (query, key, strength) => {
    context.globalAlpha = strength;
    context.beginPath();
    context.moveTo(at.left + 3, y(query, q0));
    context.bezierCurveTo(middle, y(query, q0), middle, y(key, k0), at.right - 3, y(key, k0));
    context.stroke();
  };
  const lit = focus.query !== null || focus.key !== null;
  context.strokeStyle = theme.line;
  context.lineWidth = 1;
  for (const i of model.links.links) {
    draw(Math.floor(i / header.columns), i % header.columns, scale.of(matrix[i]) * (lit ? 0.06 : 0.85));
  }
  context.strokeStyle = theme.accent;
  context.lineWidth = 1.6;
  if (focus.query !== null && focus.query >= q0 && focus.query < q1) {
    for (let k = k0; k < k1; k++) {
      if (focus.key !== null && focus.key !== k) continue;
      const weight = matrix[focus.query * header.columns + k];
      if (weight >= Math.max(model.minimum, 1e-4)) draw(focus.query, k, Math.max(0.08, scale.of(weight)));
    }
  } else if (focus.key !== null && focus.key >= k0 && focus.key < k1) {
    for (let q = q0; q < q1; q++) {
      const weight = matrix[q * header.columns + focus.key];
      if (weight >= Math.max(model.minimum, 1e-4)) draw(q, focus.key, Math.max(0.08, scale.of(weight)));
    }
  }
  context.globalAlpha = 1;
  context.font = `${LABEL}px ${theme.font}`;
  context.textBaseline = "middle";
  const thin = Math.max(1, Math.ceil((LABEL + 2) / at.step));
  const column = (labels, first, last, x, align, mine, weightOf) => {
    context.textAlign = align;
    for (let i = first; i < last; i++) {
      if ((i - first) % thin && i !== mine) continue;
      if (mine !== null && i !== mine && Math.abs(i - mine) < thin) continue;
      const weight = weightOf(i);
      context.fillStyle = i === mine ? theme.accent : theme.text;
      context.globalAlpha = weight === null ? 1 : 0.35 + 0.65 * scale.of(weight);
      context.fillText(shorten(labels[i], 14), x, y(i, first));
    }
    context.globalAlpha = 1;
  };
  const toKey = (k) => (focus.query !== null && focus.key === null ? matrix[focus.query * header.columns + k] : null);
  const fromQuery = (q) => (focus.key !== null && focus.query === null ? matrix[q * header.columns + focus.key] : null);
  column(header.queryLabels, q0, q1, at.left - 3, "right", focus.query, fromQuery);
  column(header.keyLabels, k0, k1, at.right + 3, "left", focus.key, toKey);
  // Exact weights stand beside the tokens while there is room for each.
  if (at.step >= LABEL && (focus.query === null) !== (focus.key === null)) {
    context.fillStyle = theme.text;
    context.font = `10px ${theme.font}`;
    context.textAlign = "right";
    const byKey = focus.query !== null;
    for (let i = byKey ? k0 : q0; i < (byKey ? k1 : q1); i++) {
      const weight = byKey ? toKey(i) : fromQuery(i);
      if (weight >= Math.max(model.minimum, 0.0005)) context.fillText(formatWeight(weight), width - 2, y(i, byKey ? k0 : q0));
    }
  }
  context.fillStyle = theme.text;
  context.font = `10px ${theme.font}`;
  context.textAlign = "left";
  context.fillText(header.strings.from, 2, 7);
  context.textAlign = "right";
  context.fillText(header.strings.to, width - 2, 7);
}

/** Which token a point is on or nearest to: a query in the left half, a key in the right one. */
function linesHit(model, width, height, x, y) {
  const at = linesLayout(model, width, height);
  const [q0, q1, k0, k1] = model.range;
  const row = Math.floor((y - at.top) / at.step);
  const left = x < (at.left + at.right) / 2;
  const index = left ? q0 + row : k0 + row;
  const good = row >= 0 && index < (left ? q1 : k1);
  return { query: good && left ? index : null, key: good && !left ? index : null };
}
