// The explorer: grid, heat map and lines of one text's attention, linked. `host` is what stands behind it: the
// dashboard, or the arrays inside an exported file.

class Explorer {
  constructor(root, host) {
    this.root = root;
    this.host = host;
    this.sequence = 0;
    this.pinned = false;
    this.focus = { query: null, key: null };
    this.box = null;
    this.get = (name) => root.querySelector(`.${name}`);
    this.grid = new HeadGrid(this.get("grid"), (heads) => this.select(heads));
    this.matrixCanvas = this.get("matrix");
    this.linesCanvas = this.get("lines");
    this.listen();
    this.observer = new ResizeObserver(() => this.repaint(true));
    this.observer.observe(root);
  }

  /** Take what Python sent: always a head's weights, and the thumbnails where this browser has not got them. */
  receive({ header, matrix, thumbnails }) {
    if (thumbnails) this.thumbnails = { key: header.key, bytes: thumbnails };
    if (this.thumbnails?.key !== header.key) {
      // The page was drawn anew under a session that had sent them before.
      const { heads, scale, minimum, sequence } = header;
      this.host.send({ heads, scale, minimum, sequence, have: "" });
      return;
    }
    const other = header.key !== this.header?.key;
    this.header = header;
    this.matrix = matrix;
    if (other) {
      this.range = [0, header.rows, 0, header.columns];
      this.pinned = false;
      this.focus = { query: null, key: null };
    }
    // An answer to an older click must not move what has been chosen since, unless that is gone with its model.
    const gone = this.selected?.some(([l, h]) => l >= header.layers || h >= header.heads_per_layer);
    if (gone || header.sequence >= this.sequence) {
      this.sequence = header.sequence;
      this.selected = header.heads;
      this.scaleName = header.scale;
      this.minimum = header.minimum;
    }
    this.grid.build(header);
    this.grid.mark(this.selected);
    this.write();
    this.everything = true;
    this.draw();
  }

  select(heads) {
    this.selected = heads;
    this.grid.mark(heads);
    this.sequence += 1;
    this.send();
  }

  send() {
    clearTimeout(this.later);
    const { selected: heads, scaleName: scale, minimum, sequence } = this;
    this.host.send({ heads, scale, minimum, sequence, have: this.header.key });
  }

  /** Tell Python of a change that this page has already drawn, once it has settled. */
  sendLater() {
    this.sequence += 1;
    clearTimeout(this.later);
    this.later = setTimeout(() => this.send(), 400);
  }

  listen() {
    const { matrixCanvas, linesCanvas } = this;
    for (const [canvas, hit] of [[matrixCanvas, matrixHit], [linesCanvas, linesHit]]) {
      const find = (event) => hit(this.model(), canvas.clientWidth, canvas.clientHeight, event.offsetX, event.offsetY);
      canvas.addEventListener("pointermove", (event) => {
        if (this.drag) {
          this.box = [this.drag.x, this.drag.y, event.offsetX, event.offsetY];
          this.repaint();
        } else if (!this.pinned && this.header) {
          this.look(find(event));
        }
      });
      canvas.addEventListener("pointerleave", () => !this.pinned && !this.drag && this.look({ query: null, key: null }));
      canvas.addEventListener("pointerdown", (event) => {
        if (canvas === matrixCanvas && event.button === 0) {
          canvas.setPointerCapture(event.pointerId);
          this.drag = { x: event.offsetX, y: event.offsetY };
        }
      });
      canvas.addEventListener("pointerup", () => {
        const box = this.box;
        this.drag = this.box = null;
        this.dragged = Boolean(box && Math.hypot(box[2] - box[0], box[3] - box[1]) > 8);
        if (this.dragged) this.zoomTo(box);
      });
      canvas.addEventListener("pointercancel", () => {
        this.drag = this.box = null;
        this.repaint();
      });
      canvas.addEventListener("click", (event) => {
        if (this.dragged) {
          this.dragged = false;
          return;
        }
        const place = find(event);
        const same = place.query === this.focus.query && place.key === this.focus.key;
        this.pinned = (place.query !== null || place.key !== null) && !(this.pinned && same);
        this.look(place);
      });
      canvas.addEventListener("dblclick", () => this.zoom(0));
      canvas.addEventListener("keydown", (event) => this.onKey(event, canvas));
      // A wheel alone scrolls the page, as everywhere; with Ctrl, or a pinch, it zooms.
      canvas.addEventListener(
        "wheel",
        (event) => {
          if (!event.ctrlKey && !event.metaKey) return;
          event.preventDefault();
          this.zoom(event.deltaY < 0 ? 1.25 : 0.8, find(event));
        },
        { passive: false }
      );
    }
    this.get("zoom-in").onclick = () => this.zoom(1.6);
    this.get("zoom-out").onclick = () => this.zoom(1 / 1.6);
    this.get("zoom-reset").onclick = () => this.zoom(0);
    for (const button of this.root.querySelectorAll("[data-scale]")) {
      button.onclick = () => {
        this.scaleName = button.dataset.scale;
        this.write();
        this.repaint(true);
        this.sendLater();
      };
    }
    // Squared, so that the small weights, which are most of them, have most of the slider.
    this.get("minimum").oninput = (event) => {
      this.minimum = Math.round((event.target.value / 100) ** 2 * 1e4) / 1e4;
      this.write();
      this.repaint();
      this.sendLater();
    };
    this.onSave = (event) => event.detail.picture === "explorer" && savePicture(this.model(), event.detail.format);
    document.addEventListener("bertoscope:save", this.onSave);
  }

  onKey(event, canvas) {
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const [q0, q1, k0, k1] = this.range;
    if (moves[event.key]) {
      let { query, key } = this.focus;
      const [down, right] = moves[event.key];
      if (canvas === this.linesCanvas) {
        const left = right < 0 || (right === 0 && key === null);
        const now = query ?? key ?? (left ? q0 : k0) - down;
        [query, key] = left ? [now + down, null] : [null, now + down];
      } else {
        [query, key] = [(query ?? q0 - (down > 0)) + down, (key ?? k0 - (right > 0)) + right];
      }
      const clamp = (value, count) => (value === null ? null : Math.max(0, Math.min(count - 1, value)));
      this.look({ query: clamp(query, this.header.rows), key: clamp(key, this.header.columns) });
      this.follow();
    } else if (event.key === "Enter" || event.key === " ") {
      this.pinned = !this.pinned && (this.focus.query !== null || this.focus.key !== null);
      this.look(this.focus);
    } else if (event.key === "Escape") {
      this.pinned = false;
      this.look({ query: null, key: null });
    } else if (event.key === "+" || event.key === "=") {
      this.zoom(1.6);
    } else if (event.key === "-") {
      this.zoom(1 / 1.6);
    } else if (event.key === "0") {
      this.zoom(0);
    } else {
      return;
    }
    event.preventDefault();
  }

  /** Keep what the keyboard is on inside the part that is shown. */
  follow() {
    const shift = (place, low, high, count) => {
      if (place === null) return [low, high];
      const by = place < low ? place - low : place >= high ? place - high + 1 : 0;
      return [Math.max(0, low + by), Math.min(count, high + by)];
    };
    const [q0, q1, k0, k1] = this.range;
    this.range = [
      ...shift(this.focus.query, q0, q1, this.header.rows),
      ...shift(this.focus.key, k0, k1, this.header.columns),
    ];
    this.repaint();
  }

  look(place) {
    this.focus = place;
    this.writeReadout();
    this.repaint();
  }

  zoom(factor, around = { query: null, key: null }) {
    const { rows, columns } = this.header;
    const part = (low, high, count, place) => {
      if (!factor) return [0, count];
      const size = Math.max(Math.min(4, count), Math.min(count, Math.round((high - low) / factor)));
      const centre = place ?? (low + high) / 2;
      const share = (centre - low) / (high - low);
      const begin = Math.max(0, Math.min(count - size, Math.round(centre - size * share)));
      return [begin, begin + size];
    };
    const focus = this.pinned ? this.focus : around;
    const [q0, q1, k0, k1] = this.range;
    this.range = [...part(q0, q1, rows, focus.query), ...part(k0, k1, columns, focus.key)];
    this.repaint();
  }

  zoomTo([x0, y0, x1, y1]) {
    const at = matrixLayout(this.model(), this.matrixCanvas.clientWidth, this.matrixCanvas.clientHeight);
    const [q0, q1, k0, k1] = this.range;
    const part = (a, b, begin, cell, low, high) => {
      const first = Math.max(low, low + Math.floor((Math.min(a, b) - begin) / cell));
      const last = Math.min(high, low + Math.ceil((Math.max(a, b) - begin) / cell));
      return last - first >= 2 ? [first, last] : [low, high];
    };
    this.range = [
      ...part(y0, y1, at.top, at.cellHeight, q0, q1),
      ...part(x0, x1, at.left, at.cellWidth, k0, k1),
    ];
    this.repaint();
  }

  model() {
    const { header, matrix, range, focus, minimum, box } = this;
    const theme = (this.theme ??= readTheme(this.root));
    const model = { header, matrix, range, focus, minimum, box, theme, scale: SCALES[this.scaleName] };
    const about = [header.key, header.heads.join("+"), range, minimum].join("|");
    if (this.linksAbout !== about) {
      this.linksAbout = about;
      this.links = strongestLinks(model);
    }
    return { ...model, links: this.links };
  }

  /** Draw at the next frame; `everything` also reads the theme again and draws what thumbnails have changed. */
  repaint(everything = false) {
    this.everything ||= everything;
    if (!this.frame) this.frame = requestAnimationFrame(() => this.draw());
  }

  draw() {
    cancelAnimationFrame(this.frame);
    this.frame = null;
    if (!this.root.isConnected || !this.range || this.thumbnails?.key !== this.header?.key) return;
    if (this.everything) {
      this.theme = readTheme(this.root);
      // The heat map's cells are squares, so it needs as much height as width, and the lines as much as it.
      const height = Math.round(Math.min(620, Math.max(320, this.matrixCanvas.clientWidth + 30)));
      for (const canvas of [this.matrixCanvas, this.linesCanvas]) canvas.style.height = `${height}px`;
      this.grid.paint(this.header, this.thumbnails.bytes, this.theme, this.scaleName);
    }
    this.everything = false;
    const model = this.model();
    paintOn(this.matrixCanvas, (context, width, height) => {
      paintMatrix(context, model, width, height - 34);
      paintLegend(context, model, matrixLayout(model, width, height - 34).left, height - 26, 160);
    });
    paintOn(this.linesCanvas, (context, width, height) => paintLines(context, model, width, height));
    const { links, total } = model.links;
    const { drawn, drawnAll } = this.header.strings;
    this.get("drawn").textContent = fill(links.length < total ? drawn : drawnAll, {
      drawn: links.length.toLocaleString("en"),
      all: total.toLocaleString("en"),
      least: Math.max(this.minimum, 1e-4),
    });
    this.root.dataset.drawn = this.header.heads.map((one) => one.join(".")).join(",");
    this.root.dataset.key = this.header.key;
  }

  /** Everything that is text. User's text goes in as text, never as markup. */
  write() {
    const { header, matrix } = this;
    const { strings } = header;
    const name = nameOf(header);
    this.get("title").textContent = name;
    this.get("summary").textContent = describe(name, header, matrix);
    for (const button of this.root.querySelectorAll("[data-scale]")) {
      button.textContent = strings[button.dataset.scale];
      button.setAttribute("aria-pressed", button.dataset.scale === this.scaleName);
    }
    this.get("scales").setAttribute("aria-label", strings.colour);
    this.get("colour-label").textContent = strings.colour;
    this.get("minimum-label").textContent = strings.minimum;
    this.get("minimum").value = Math.round(Math.sqrt(this.minimum) * 100);
    this.get("minimum").setAttribute("aria-label", strings.minimum);
    this.get("minimum-value").textContent = this.minimum === 0 ? "0" : formatWeight(this.minimum);
    for (const button of ["zoom-in", "zoom-out", "zoom-reset"]) {
      this.get(button).title = strings[button];
      this.get(button).setAttribute("aria-label", strings[button]);
    }
    this.matrixCanvas.setAttribute("aria-label", strings.matrix);
    this.linesCanvas.setAttribute("aria-label", strings.lines);
    this.get("grid-hint").textContent = strings.gridHint;
    this.get("matrix-hint").textContent = strings.matrixHint;
    this.writeReadout();
  }

  writeReadout() {
    if (!this.header) return;
    const { header, matrix, focus } = this;
    const { strings } = header;
    const quote = (labels, i) => `“${shorten(labels[i], 40)}” (${i})`;
    let text = strings.readoutHint;
    if (focus.query !== null && focus.key !== null) {
      const weight = formatWeight(matrix[focus.query * header.columns + focus.key]);
      text = `${quote(header.queryLabels, focus.query)} → ${quote(header.keyLabels, focus.key)}: ${weight}`;
    } else if (focus.query !== null) {
      const best = strongest(header.columns, (k) => matrix[focus.query * header.columns + k]);
      text = fill(strings.looksAt, { token: quote(header.queryLabels, focus.query) });
      text += best.map(([k, weight]) => `${quote(header.keyLabels, k)} ${formatWeight(weight)}`).join(" · ");
    } else if (focus.key !== null) {
      const best = strongest(header.rows, (q) => matrix[q * header.columns + focus.key]);
      text = fill(strings.lookedAtBy, { token: quote(header.keyLabels, focus.key) });
      text += best.map(([q, weight]) => `${quote(header.queryLabels, q)} ${formatWeight(weight)}`).join(" · ");
    }
    this.get("readout").textContent = (this.pinned ? "📌 " : "") + text;
  }

  close() {
    this.observer.disconnect();
    document.removeEventListener("bertoscope:save", this.onSave);
    clearTimeout(this.later);
    cancelAnimationFrame(this.frame);
  }
}

/** The five largest of `count` weights, as [index, weight]. */
function strongest(count, weightOf) {
  return Array.from({ length: count }, (_, i) => [i, weightOf(i)])
    .sort((a, b) => b[1] - a[1])
    .slice(0, 5);
}

/** One head in words: for a screen reader, and for anybody who wants it said. */
function describe(name, header, matrix) {
  const { rows, columns, strings, queryPlaces, keyPlaces, keySpecial } = header;
  const shares = { self: 0, previous: 0, next: 0, special: 0 };
  const best = [];
  const placeOf = new Map(keyPlaces.map((place, k) => [place, k]));
  for (let q = 0; q < rows; q++) {
    const row = matrix.subarray(q * columns, (q + 1) * columns);
    for (const [name, step] of [["self", 0], ["previous", -1], ["next", 1]]) {
      shares[name] += row[placeOf.get(queryPlaces[q] + step)] ?? 0;
    }
    let top = 0;
    for (let k = 0; k < columns; k++) {
      if (keySpecial[k]) shares.special += row[k];
      if (row[k] > row[top]) top = k;
    }
    if (columns) best.push([q, top, row[top]]);
  }
  best.sort((a, b) => b[2] - a[2]);
  const links = best
    .slice(0, 3)
    .map(([q, k, weight]) => [shorten(header.queryLabels[q], 24), shorten(header.keyLabels[k], 24), formatWeight(weight)])
    .map(([query, key, weight]) => `“${query}” → “${key}” ${weight}`);
  const percent = (name) => `${Math.round((100 * shares[name]) / Math.max(1, rows))} %`;
  return fill(strings.summary, {
    name,
    links: links.join(", "),
    self: percent("self"),
    previous: percent("previous"),
    next: percent("next"),
    special: percent("special"),
  });
}

/** Save what is shown, heat map and lines side by side, as a PNG or an SVG file. */
function savePicture(model, format) {
  const [width, height, part] = [1180, 640, 620];
  const paint = (context) => {
    context.fillStyle = model.theme.text;
    context.textBaseline = "middle";
    context.textAlign = "left";
    context.font = `13px ${model.theme.font}`;
    context.fillText(`${model.header.title} · ${nameOf(model.header)}`, 12, 18);
    context.translate(12, 36);
    paintMatrix(context, model, part - 24, height - 84);
    context.translate(part, 0);
    paintLines(context, model, width - part - 24, height - 84);
    context.translate(-part, 0);
    paintLegend(context, model, 20, height - 70, 160);
  };
  savePainting(paint, width, height, model.theme, model.header.file, format);
}

/** What is chosen, in words: a head, a layer's average, a head's over the layers, or that of some heads. */
function nameOf({ heads, layers, heads_per_layer, strings }) {
  const [layer, head] = heads[0];
  if (heads.length === 1) return fill(strings.layerHead, { layer, head });
  if (heads.length === layers * heads_per_layer) return strings.averageAll;
  if (heads.length === heads_per_layer && heads.every(([l]) => l === layer)) return fill(strings.averageLayer, { layer });
  if (heads.length === layers && heads.every(([, h]) => h === head)) return fill(strings.averageHead, { head });
  return fill(strings.average, { count: heads.length });
}
