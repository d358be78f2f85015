// The chosen head as a heat map: rows are queries, columns are keys.

const LABEL = 11;

/** Where things stand in a heat map of a given size. */
function matrixLayout(model, width, height) {
  const measure = (labels) => Math.min(82, 14 + LABEL * 0.62 * Math.max(1, ...labels.map((one) => widthOf(one))));
  const left = measure(model.header.queryLabels);
  const top = measure(model.header.keyLabels) + 16;
  const [q0, q1, k0, k1] = model.range;
  const cell = Math.min((width - left - 2) / (k1 - k0), (height - top - 2) / (q1 - q0));
  return { left, top, cellWidth: cell, cellHeight: cell, width: cell * (k1 - k0), height: cell * (q1 - q0) };
}

/** Draw the heat map on a canvas context, or on anything with its methods. */
function paintMatrix(context, model, width, height) {
  const { header, matrix, range, theme, focus } = model;
  const [q0, q1, k0, k1] = range;
  const at = matrixLayout(model, width, height);
  const pixels = window.devicePixelRatio || 1;
  const pooled = pool(matrix, header.columns, range, at.height * pixels, at.width * pixels);
  const unit = (weight) => (weight < model.minimum ? 0 : model.scale.of(weight));
  const picture = paintPixels(pooled.values, pooled.rows, pooled.cols, theme.ramp, unit);
  context.imageSmoothingEnabled = false;
  context.drawImage(picture, at.left, at.top, at.width, at.height);
  context.strokeStyle = theme.faint;
  context.lineWidth = 1;
  context.strokeRect(at.left, at.top, at.width, at.height);
  // Where segment B begins.
  for (const [edge, first, last, across] of [[header.queryBreak, q0, q1, true], [header.keyBreak, k0, k1, false]]) {
    if (edge === null || edge <= first || edge >= last) continue;
    context.strokeStyle = theme.accent;
    context.beginPath();
    if (across) {
      const y = at.top + (edge - q0) * at.cellHeight;
      context.moveTo(at.left, y);
      context.lineTo(at.left + at.width, y);
    } else {
      const x = at.left + (edge - k0) * at.cellWidth;
      context.moveTo(x, at.top);
      context.lineTo(x, at.top + at.height);
    }
    context.stroke();
  }
  context.font = `${LABEL}px ${theme.font}`;
  context.textBaseline = "middle";
  const step = Math.max(1, Math.ceil((LABEL + 0.5) / at.cellHeight));
  const label = (text, x, y, above, lit) => {
    const shown = shorten(text, 10);
    // A single ideograph over a column stands upright, as it is read.
    const upright = above && [...shown].length === 1 && widthOf(shown) > 1;
    const turned = above && !upright;
    context.save();
    context.translate(x, upright ? y - LABEL / 2 : y);
    if (turned) context.rotate(-Math.PI / 2);
    context.textAlign = upright ? "center" : turned ? "left" : "right";
    if (lit) {
      const wide = widthOf(shown) * LABEL * 0.62 + 6;
      context.fillStyle = theme.background;
      context.fillRect(upright ? -wide / 2 : turned ? -2 : -wide, -LABEL * 0.7, wide + 2, LABEL * 1.4);
    }
    context.fillStyle = lit ? theme.accent : theme.text;
    context.fillText(shown, 0, 0);
    context.restore();
  };
  const y = (q) => at.top + (q - q0 + 0.5) * at.cellHeight;
  const x = (k) => at.left + (k - k0 + 0.5) * at.cellWidth;
  for (let q = q0; q < q1; q += step) label(header.queryLabels[q], at.left - 5, y(q), false, false);
  for (let k = k0; k < k1; k += step) label(header.keyLabels[k], x(k), at.top - 5, true, false);
  const inside = (i, low, high) => i !== null && i >= low && i < high;
  context.strokeStyle = theme.accent;
  context.lineWidth = 1.5;
  if (inside(focus.query, q0, q1)) {
    context.strokeRect(at.left, at.top + (focus.query - q0) * at.cellHeight, at.width, Math.max(2, at.cellHeight));
    label(header.queryLabels[focus.query], at.left - 5, y(focus.query), false, true);
  }
  if (inside(focus.key, k0, k1)) {
    context.strokeRect(at.left + (focus.key - k0) * at.cellWidth, at.top, Math.max(2, at.cellWidth), at.height);
    label(header.keyLabels[focus.key], x(focus.key), at.top - 5, true, true);
  }
  if (model.box) {
    const [x0, y0, x1, y1] = model.box;
    context.strokeRect(Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0));
  }
  context.fillStyle = theme.text;
  context.textAlign = "left";
  context.fillText(header.strings.axes, 2, 8);
}

/** Draw the colour scale with its ticks, in weights. */
function paintLegend(context, model, x, y, width) {
  const { theme, scale } = model;
  const ramp = paintPixels(Float32Array.from({ length: 256 }, (_, i) => i / 255), 1, 256, theme.ramp, (value) => value);
  context.imageSmoothingEnabled = false;
  context.drawImage(ramp, x, y, width, 8);
  context.strokeStyle = theme.faint;
  context.lineWidth = 1;
  context.strokeRect(x, y, width, 8);
  context.fillStyle = theme.text;
  context.font = `10px ${theme.font}`;
  context.textBaseline = "top";
  context.textAlign = "center";
  for (const tick of scale.ticks) context.fillText(String(tick), x + scale.of(tick) * width, y + 11);
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.fillText(model.header.strings.weight, x + width + 14, y + 4);
}

/** Which cell a point is in: its query and key, null where it is on a label or outside. */
function matrixHit(model, width, height, x, y) {
  const at = matrixLayout(model, width, height);
  const [q0, q1, k0, k1] = model.range;
  const query = q0 + Math.floor((y - at.top) / at.cellHeight);
  const key = k0 + Math.floor((x - at.left) / at.cellWidth);
  return {
    query: y >= at.top && query < q1 ? query : null,
    key: x >= at.left && key < k1 ? key : null,
  };
}
