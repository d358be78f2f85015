// A switch for every head, a row for each layer; a layer's own switch turns its whole row.

class Switches {
  constructor(root, send) {
    this.root = root.querySelector(".switches");
    this.send = send;
    this.root.addEventListener("keydown", (event) => this.onKey(event));
  }

  receive({ layers, heads, off, strings, sequence }) {
    const shape = `${layers}×${heads}×${strings.layer}`;
    this.strings = strings;
    this.counts = [layers, heads];
    // An answer to an older click must not undo the next one.
    if (shape !== this.shape || sequence >= (this.sequence ?? 0)) {
      this.off = new Set(off.map((one) => one.join(".")));
      this.sequence = sequence;
    }
    if (shape !== this.shape) {
      this.shape = shape;
      this.build();
    }
    this.mark();
  }

  build() {
    const [layers, heads] = this.counts;
    this.root.style.setProperty("--heads", heads);
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-label", this.strings.all);
    this.rows = Array.from({ length: layers }, (_, layer) => {
      const name = this.button("layer", fill(this.strings.layer, { layer }), () => this.turn(layer));
      const cells = Array.from({ length: heads }, (_, head) => {
        const cell = this.button("head", `${head}`, () => this.turn(layer, head));
        cell.setAttribute("role", "switch");
        cell.setAttribute("aria-label", fill(this.strings.head, { layer, head }));
        return cell;
      });
      return [name, ...cells];
    });
    this.rows[0][1].tabIndex = 0;
    this.root.replaceChildren(...this.rows.flat());
  }

  button(name, text, act) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = name;
    button.textContent = text;
    button.tabIndex = -1;
    button.onclick = act;
    return button;
  }

  turn(layer, head) {
    const keys = head === undefined ? Array.from({ length: this.counts[1] }, (_, h) => `${layer}.${h}`) : [`${layer}.${head}`];
    const out = keys.every((key) => this.off.has(key));
    for (const key of keys) out ? this.off.delete(key) : this.off.add(key);
    this.mark();
    this.sequence += 1;
    this.send("off", { heads: [...this.off].map((key) => key.split(".").map(Number)), sequence: this.sequence });
  }

  mark() {
    this.rows.forEach((row, layer) =>
      row.slice(1).forEach((cell, head) => cell.setAttribute("aria-checked", !this.off.has(`${layer}.${head}`)))
    );
  }

  onKey(event) {
    const move = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    const row = this.rows.findIndex((one) => one.includes(event.target));
    if (!move || row < 0) return;
    event.preventDefault();
    const clamp = (value, count) => Math.max(0, Math.min(count - 1, value));
    const to = this.rows[clamp(row + move[0], this.rows.length)];
    const next = to[clamp(this.rows[row].indexOf(event.target) + move[1], to.length)];
    event.target.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }

  close() {}
}

export default component(".picture", (root, send) => new Switches(root, send));
