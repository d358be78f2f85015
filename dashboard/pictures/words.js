// Words in place, each on the colour of its score; a click can switch one off.

/** The colour behind a score, and one of black and white that can be read on it. */
function inkOf(row, score, theme) {
  const share = row.signed ? 0.5 + (0.5 * score) / (row.most || 1) : score / (row.most || 1);
  const level = Math.max(0, Math.min(255, Math.round(255 * share)));
  const ramp = row.signed ? theme.diverging : theme.ramp;
  const [r, g, b] = [0, 1, 2].map((part) => ramp[3 * level + part]);
  return [cssColour(ramp, level), 0.299 * r + 0.587 * g + 0.114 * b > 140 ? "#10161d" : "#ffffff"];
}

class Words extends Picture {
  constructor(root, send) {
    super(root, send);
    this.place = root.querySelector(".texts");
  }

  receive(data) {
    const same = this.data?.key === data.key;
    this.data = data;
    // An answer to an older click must not undo the next one.
    if (!same || data.off === null || data.sequence >= (this.sequence ?? 0)) {
      this.off = data.off === null ? null : new Set(data.off);
      this.sequence = data.sequence;
    }
    if (!same) this.build();
    this.drawn();
  }

  build() {
    this.focus = null;
    this.spans = [];
    this.keys = [];
    const figures = this.data.rows.map((row, r) => {
      const figure = document.createElement("figure");
      const title = document.createElement("figcaption");
      const note = document.createElement("small");
      title.textContent = row.title;
      note.textContent = row.note;
      const text = document.createElement("p");
      text.className = "words";
      text.tabIndex = 0;
      // What can be chosen is a list, of which any number of words can be.
      text.setAttribute("role", this.off ? "listbox" : "group");
      if (this.off) text.setAttribute("aria-multiselectable", "true");
      text.setAttribute("aria-label", fill(this.data.row, { method: row.title }));
      text.addEventListener("keydown", (event) => this.onKey(event, r));
      text.addEventListener("pointerleave", () => this.look(null));
      this.spans[r] = row.words.map(([word, , spaced, fixed], i) => {
        const span = document.createElement("span");
        span.textContent = word;
        span.classList.toggle("fixed", fixed);
        span.addEventListener("pointerenter", () => this.look([r, i]));
        span.classList.toggle("open", this.off !== null && !fixed);
        if (this.off) {
          span.id = `word-${r}-${i}`;
          span.setAttribute("role", "option");
          // Read by name even where a mask stands in its place.
          span.setAttribute("aria-label", word);
          if (fixed) span.setAttribute("aria-disabled", "true");
        }
        if (this.off && !fixed) span.addEventListener("click", () => this.turn(i));
        if (spaced) text.append(" ");
        text.append(span);
        return span;
      });
      const legend = document.createElement("small");
      this.keys[r] = row.legend.map(([name]) => {
        const key = document.createElement("span");
        key.textContent = name;
        legend.append(key, " ");
        return key;
      });
      figure.append(title, ...(row.note || !row.legend.length ? [note] : []), ...(row.legend.length ? [legend] : []), text);
      return figure;
    });
    this.place.replaceChildren(...figures);
  }

  onKey(event, r) {
    const move = arrowOf(event);
    const end = { Home: 0, End: this.spans[r].length - 1 }[event.key];
    if (event.key === "Escape") this.look(null);
    else if (end !== undefined) this.look([r, end]);
    else if ((event.key === " " || event.key === "Enter") && this.off && this.focus) this.turn(this.focus[1]);
    else if (move) this.look([r, clamp((this.focus?.[0] === r ? this.focus[1] : -1) + move[0] + move[1], this.spans[r].length)]);
    else return;
    event.preventDefault();
  }

  turn(i) {
    if (this.data.rows[0].words[i][3]) return;
    this.off.has(i) ? this.off.delete(i) : this.off.add(i);
    this.draw();
    this.sequence += 1;
    this.send("off", { places: [...this.off].sort((a, b) => a - b), sequence: this.sequence });
  }

  paintAll(theme) {
    this.data.rows.forEach((row, r) => {
      this.keys[r].forEach((key, i) => {
        const [back, front] = inkOf(row, row.legend[i][1], theme);
        Object.assign(key.style, { background: back, color: front });
      });
      if (this.off) {
        const at = this.focus?.[0] === r ? this.spans[r][this.focus[1]].id : "";
        this.spans[r][0]?.parentNode.setAttribute("aria-activedescendant", at);
      }
      row.words.forEach(([word, score, , fixed], i) => {
        const [back, front] = fixed || row.most === 0 ? ["", theme.text] : inkOf(row, score, theme);
        const span = this.spans[r][i];
        const off = Boolean(this.off?.has(i));
        Object.assign(span.style, { background: back, color: front });
        span.textContent = this.shown(word, i);
        span.classList.toggle("off", off && this.data.instead === null);
        span.classList.toggle("instead", off && this.data.instead !== null);
        span.classList.toggle("focus", this.focus?.[0] === r && this.focus[1] === i);
        if (this.off) span.setAttribute("aria-selected", off);
      });
    });
  }

  /** What stands in the place of a word. */
  shown(word, i) {
    return this.off?.has(i) ? this.data.instead ?? word : word;
  }

  read() {
    if (!this.focus) return this.data.hint;
    const [r, i] = this.focus;
    const row = this.data.rows[r];
    const [word, score, , fixed, note] = row.words[i];
    if (fixed || (row.most === 0 && !note)) return word;
    if (note) return `${word} · ${note}`;
    const side = !row.signed || score === 0 ? "" : ` · ${score > 0 ? this.data.for : this.data.against}`;
    return `${word} · ${row.title}: ${score > 0 && row.signed ? "+" : ""}${score.toFixed(4)}${side}`;
  }

  save(format) {
    const width = 900;
    const measure = document.createElement("canvas").getContext("2d");
    const font = `15px ${readTheme(this.root).font}`;
    measure.font = font;
    const placed = this.data.rows.map((row) => {
      let [x, y] = [0, 0];
      const words = row.words.map(([given, score, spaced, fixed], i) => {
        const word = this.shown(given, i);
        const wide = measure.measureText(word).width + 6;
        if (spaced && x > 0) x += 5;
        if (x + wide > width - 40 && x > 0) [x, y] = [0, y + 26];
        const at = { word, score, fixed, x, y, wide };
        x += wide;
        return at;
      });
      return { row, words, tall: y + 26 };
    });
    const height = placed.reduce((sum, one) => sum + one.tall + 50, 10);
    this.saveUnderTitle(width, height, format, (context, theme) => {
      context.translate(20, 0);
      for (const { row, words, tall } of placed) {
        writeLine(context, theme, row.title, 13, 8);
        writeLine(context, theme, row.note, 10, 24);
        let right = context.measureText(row.note).width;
        for (const [name, score] of row.legend) {
          const [back, front] = inkOf(row, score, theme);
          const wide = context.measureText(name).width + 8;
          context.fillStyle = back;
          context.fillRect(right, 16, wide, 16);
          context.fillStyle = front;
          context.fillText(name, right + 4, 24);
          right += wide + 6;
        }
        for (const { word, score, fixed, x, y, wide } of words) {
          const [back, front] = fixed || row.most === 0 ? [theme.background, theme.text] : inkOf(row, score, theme);
          context.fillStyle = back;
          context.fillRect(x, 36 + y, wide, 22);
          context.fillStyle = front;
          context.font = font;
          context.fillText(word, x + 3, 47 + y);
        }
        context.translate(0, tall + 50);
      }
    });
  }
}

export default component(".picture", (root, send) => new Words(root, send));
