// A calculation as a row of cards: each a line of mathematics and the numbers it gives, as a small picture. Rows that
// stand for the same thing light up together. What is drawn is told by Python; nothing here knows about attention.

const ROW = 18;
const PICTURE_LABEL = 11;

class Steps extends Picture {
  constructor(root) {
    super(root);
    this.place = root.querySelector(".steps");
    this.pinned = false;
  }

  receive(data) {
    this.data = data;
    const shape = JSON.stringify(data.parts.map((part) => [part.title, part.cards.map((card) => [card.kind, card.span])]));
    if (shape !== this.shape) {
      this.shape = shape;
      this.build();
    }
    this.cards.forEach((card) => this.write(card));
    if (!this.pinned) this.focus = data.focus;
    this.drawn();
  }

  build() {
    this.cards = [];
    this.place.replaceChildren();
    this.data.parts.forEach((part, p) => {
      const heading = document.createElement("h3");
      heading.className = "part";
      heading.textContent = part.title;
      const grid = document.createElement("div");
      grid.className = "cards";
      part.cards.forEach((given, c) => {
        const element = document.createElement("section");
        element.className = `card ${given.span}`;
        const make = (tag, name, parent = element) => {
          const made = document.createElement(tag);
          made.className = name;
          parent.append(made);
          return made;
        };
        const title = make("h4", "");
        const card = { p, c, number: make("span", "number", title), name: make("span", "", title) };
        const formula = make("p", "formula");
        card.formula = make("span", "", formula);
        card.shape = make("span", "shape", formula);
        card.about = make("p", "about");
        card.canvas = make("canvas", "");
        card.canvas.tabIndex = 0;
        card.canvas.setAttribute("role", "img");
        this.listen(card);
        this.cards.push(card);
        grid.append(element);
      });
      this.place.append(heading, grid);
    });
  }

  given(card) {
    return this.data.parts[card.p].cards[card.c];
  }

  write(card) {
    const { title, formula, shape, about, number } = this.given(card);
    card.number.textContent = number;
    card.name.textContent = title;
    card.formula.textContent = `${formula}  `;
    card.shape.textContent = shape;
    card.about.textContent = about;
    card.canvas.setAttribute("aria-label", `${title}. ${formula}`);
  }

  listen(card) {
    const { canvas } = card;
    const at = (event) => this.hit(card, event.offsetX, event.offsetY);
    canvas.addEventListener("pointermove", (event) => !this.pinned && this.look(at(event)));
    canvas.addEventListener("pointerleave", () => !this.pinned && this.look(this.data.focus));
    canvas.addEventListener("click", (event) => {
      const place = at(event);
      this.pinned = Boolean(place) && !(this.pinned && place.row === this.focus?.row);
      this.look(place ?? this.data.focus);
    });
    canvas.addEventListener("keydown", (event) => {
      const move = arrowOf(event);
      const given = this.given(card);
      if (event.key === "Escape") this.pinned = false;
      else if (event.key === "Enter" || event.key === " ") this.pinned = !this.pinned;
      else if (!move) return;
      event.preventDefault();
      const here = this.focus?.group === given.group ? this.focus : { row: 0, column: 0 };
      const [down, right] = move ?? [0, 0];
      this.look({
        group: given.group,
        card,
        row: clamp(here.row + down, given.values.length),
        column: clamp((here.column ?? 0) + right, given.values[0].length),
      });
    });
  }

  layout(card, width) {
    const given = this.given(card);
    const widest = PICTURE_LABEL * 0.6 * Math.max(1, ...given.labels.map((one) => widthOf(one)));
    const label = Math.min(Math.max(96, width * 0.3), 12 + widest);
    return { left: label, width: Math.max(20, width - label - 2), height: given.values.length * ROW };
  }

  hit(card, x, y) {
    const given = this.given(card);
    const at = this.layout(card, card.canvas.clientWidth);
    const row = Math.floor(y / ROW);
    if (row < 0 || row >= given.values.length) return null;
    const columns = given.values[0].length;
    const column = Math.max(0, Math.min(columns - 1, Math.floor(((x - at.left) / at.width) * columns)));
    return { group: given.group, card, row, column };
  }

  paintAll(theme) {
    for (const card of this.cards) {
      const given = this.given(card);
      card.canvas.style.height = `${given.values.length * ROW + 2}px`;
      paintOn(card.canvas, (context, width) => this.paint(context, card, width, theme));
    }
  }

  paint(context, card, width, theme) {
    const given = this.given(card);
    const at = this.layout(card, width);
    const lit = this.focus && this.focus.group === given.group ? this.focus.row : -1;
    context.textBaseline = "middle";
    given.values.forEach((values, row) => {
      const y = row * ROW;
      const mine = row === lit || given.marked === row;
      if (row === lit) {
        context.fillStyle = theme.faint;
        context.globalAlpha = 0.45;
        context.fillRect(0, y, width, ROW);
        context.globalAlpha = 1;
      }
      context.font = `${PICTURE_LABEL}px ${theme.font}`;
      context.textAlign = "right";
      context.fillStyle = mine ? theme.accent : theme.text;
      context.fillText(clip(given.labels[row], (at.left - 8) / (PICTURE_LABEL * 0.58)), at.left - 6, y + ROW / 2);
      if (given.kind === "matrix") this.paintRow(context, given, values, at, y, theme);
      else this.paintBar(context, given, values[0], at, y, theme, row === lit, row);
    });
  }

  paintRow(context, given, values, at, y, theme) {
    const cell = at.width / values.length;
    const levels = values.map((value) => Math.round(127.5 + (127.5 * value) / (given.largest || 1)));
    const colours = levels.map((level) => cssColour(theme.diverging, level));
    values.forEach((value, i) => {
      context.fillStyle = colours[i];
      context.fillRect(at.left + i * cell, y + 1, Math.max(0.5, cell - (cell > 5 ? 1 : 0)), ROW - 2);
    });
    if (cell < 27) return;
    context.font = `9px ${theme.font}`;
    context.textAlign = "center";
    values.forEach((value, i) => {
      // Strong colours are dark on a light page and bright on a dark one: there the page's own colour can be read.
      context.fillStyle = Math.abs(levels[i] - 127.5) > 75 ? theme.background : theme.text;
      context.fillText(value.toFixed(2).replace("-", "−"), at.left + (i + 0.5) * cell, y + ROW / 2);
    });
  }

  paintBar(context, given, value, at, y, theme, mine, row) {
    const room = at.width - 62;
    const zero = given.lowest < 0 ? (room * -given.lowest) / (given.largest - given.lowest || 1) : 0;
    const unit = room / (given.largest - Math.min(0, given.lowest) || 1);
    if (value !== null) {
      context.fillStyle = mine ? theme.accent : theme.line;
      const length = value * unit;
      context.fillRect(at.left + zero + Math.min(0, length), y + 4, Math.max(1, Math.abs(length)), ROW - 8);
    }
    const usual = given.usual?.[row];
    if (usual !== undefined) {
      context.fillStyle = theme.text;
      context.fillRect(at.left + zero + usual * unit - 1, y + 2, 2, ROW - 4);
    }
    context.textAlign = "right";
    context.fillStyle = theme.text;
    context.fillText(value === null ? "−∞" : formatSigned(value, given.largest), at.left + at.width, y + ROW / 2);
  }

  /** The chosen row in words: a worked line where there is one for its group, and the cell that is pointed at. */
  read() {
    const { focus, data } = this;
    if (!focus) return data.hint;
    const worked = data.worked[focus.group]?.[focus.row] ?? "";
    const given = focus.card && this.given(focus.card);
    if (!given) return worked || data.hint;
    const value = given.values[focus.row]?.[given.kind === "matrix" ? focus.column : 0];
    const which = given.kind === "matrix" ? ` [${focus.column}]` : "";
    const cell = `${given.title} · ${given.labels[focus.row]}${which}: ${value === null ? "−∞" : formatSigned(value, given.largest)}`;
    return (this.pinned ? "📌 " : "") + [cell, worked].filter(Boolean).join("  —  ");
  }

  save(format) {
    const [width, gap, columns] = [1240, 24, 3];
    const part = (width - gap * (columns + 1)) / columns;
    const tall = (card) => this.given(card).values.length * ROW + 44;
    let [y, column, row] = [4, 0, 0];
    const places = this.cards.map((card, i) => {
      const span = this.given(card).span === "whole" ? columns : 1;
      if (column + span > columns || (i && this.cards[i - 1].p !== card.p)) [y, column, row] = [y + row, 0, 0];
      const place = { card, x: gap + column * (part + gap), y, width: span * part + (span - 1) * gap };
      column += span;
      row = Math.max(row, tall(card) + 16);
      return place;
    });
    this.saveUnderTitle(width, y + row + 16, format, (context, theme) => {
      for (const place of places) {
        const { number, title, formula } = this.given(place.card);
        context.save();
        context.translate(place.x, place.y);
        writeLine(context, theme, `${number}  ${title}`, 12, 8);
        writeLine(context, theme, formula, 11, 26);
        context.translate(0, 40);
        this.paint(context, place.card, place.width, theme);
        context.restore();
      }
    });
  }
}

/** A number with a true minus, and as many decimals as its whole picture has. */
function formatSigned(value, largest) {
  const text = Math.abs(value).toFixed(largest >= 100 ? 1 : largest >= 10 ? 2 : 4);
  return value < 0 ? `−${text}` : text;
}

export default component(".picture", (root) => new Steps(root));
