// All heads at once: a layer × head grid of thumbnails.

class HeadGrid {
  constructor(root, onSelect) {
    this.root = root;
    this.onSelect = onSelect;
    this.shape = "";
    root.addEventListener("keydown", (event) => this.onKey(event));
  }

  /** Make the buttons anew where the model's shape or the language changed. */
  build(header) {
    const { layers, heads_per_layer: heads, strings } = header;
    const shape = `${layers}×${heads}×${strings.layer}`;
    if (shape === this.shape) return;
    this.shape = shape;
    this.cells = [];
    this.root.replaceChildren();
    this.root.setAttribute("aria-label", strings.grid);
    this.root.style.setProperty("--heads", heads);
    const all = Array.from({ length: layers }, (_, l) => Array.from({ length: heads }, (_, h) => [l, h]));
    const top = all[0].map((_, h) => {
      return this.label(`${h}`, fill(strings.averageHead, { head: h }), all.map((row) => row[h]));
    });
    this.buttons = [[this.label("⌀", strings.averageAll, all.flat()), ...top]];
    for (let l = 0; l < layers; l++) {
      const cells = all[l].map(([, h]) => this.cell(l, h, fill(strings.layerHead, { layer: l, head: h })));
      this.cells.push(cells);
      this.buttons.push([this.label(`L${l}`, fill(strings.averageLayer, { layer: l }), all[l]), ...cells]);
    }
    this.root.append(...this.buttons.flat());
  }

  label(text, about, heads) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "axis";
    button.textContent = text;
    button.title = about;
    button.setAttribute("aria-label", about);
    button.tabIndex = -1;
    button.onclick = (event) => {
      const others = event.shiftKey ? this.selected.filter(([l, h]) => !heads.some(([m, i]) => m === l && i === h)) : [];
      this.onSelect([...others, ...heads]);
    };
    return button;
  }

  cell(layer, head, name) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "head";
    button.title = name;
    button.setAttribute("aria-label", name);
    button.tabIndex = -1;
    button.append(document.createElement("canvas"));
    button.onclick = (event) => {
      const more = event.shiftKey || event.ctrlKey || event.metaKey;
      this.onSelect(more ? this.toggled(layer, head) : [[layer, head]]);
    };
    return button;
  }

  toggled(layer, head) {
    const others = this.selected.filter(([l, h]) => l !== layer || h !== head);
    if (others.length === this.selected.length) return [...others, [layer, head]];
    return others.length ? others : this.selected;
  }

  /** Arrows go from button to button, averages included; a head that is reached is chosen, with Shift added. */
  onKey(event) {
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    const move = moves[event.key];
    const row = this.buttons?.findIndex((one) => one.includes(event.target));
    if (!move || row === undefined || row < 0) return;
    event.preventDefault();
    const column = this.buttons[row].indexOf(event.target);
    const clamp = (value, count) => Math.max(0, Math.min(count - 1, value));
    const to = [clamp(row + move[0], this.buttons.length), clamp(column + move[1], this.buttons[0].length)];
    this.buttons[to[0]][to[1]].focus();
    const [layer, head] = [to[0] - 1, to[1] - 1];
    if (layer < 0 || head < 0 || (to[0] === row && to[1] === column)) return;
    const others = this.selected.filter(([l, h]) => l !== layer || h !== head);
    this.onSelect(event.shiftKey ? [...others, [layer, head]] : [[layer, head]]);
  }

  /** Mark what is chosen; one cell takes part in tabbing. */
  mark(selected) {
    this.selected = selected;
    const keys = new Set(selected.map(([l, h]) => `${l}.${h}`));
    const [lastLayer, lastHead] = selected.at(-1);
    this.cells.forEach((row, l) =>
      row.forEach((button, h) => {
        button.setAttribute("aria-pressed", keys.has(`${l}.${h}`));
        button.tabIndex = l === lastLayer && h === lastHead ? 0 : -1;
      })
    );
  }

  /** Draw the thumbnails, where anything about them has changed since the last time. */
  paint(header, thumbnails, theme, scaleName) {
    const [rows, columns] = header.thumbnailShape;
    const size = rows * columns;
    const pixels = Math.max(8, Math.round(this.cells[0][0].clientWidth * (window.devicePixelRatio || 1)));
    const about = [header.key, this.shape, theme.background, scaleName, pixels].join("|");
    if (about === this.painted) return;
    this.painted = about;
    const scale = SCALES[scaleName];
    this.cells.forEach((row, l) =>
      row.forEach((button, h) => {
        const begin = (l * header.heads_per_layer + h) * size;
        // A byte is 255·√weight. Pooled again where the button has fewer pixels than the thumbnail.
        const weights = Float32Array.from(thumbnails.subarray(begin, begin + size), (byte) => (byte / 255) ** 2);
        const small = pool(weights, columns, [0, rows, 0, columns], pixels, pixels);
        const picture = paintPixels(small.values, small.rows, small.cols, theme.ramp, scale.of);
        const canvas = button.firstElementChild;
        canvas.width = picture.width;
        canvas.height = picture.height;
        canvas.getContext("2d").drawImage(picture, 0, 0);
      })
    );
  }
}
