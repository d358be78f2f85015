// A layer × head heat map for each of several numbers, side by side where there is room. Clicking a cell chooses its head.

const MAP_LEFT = 18;
const MAP_BOTTOM = 16;

class Maps extends Picture {
  constructor(root, send) {
    super(root, send);
    this.place = root.querySelector(".maps");
  }

  receive(data) {
    this.data = data;
    this.focus = null;
    this.canvases = data.maps.map((map, i) => {
      const canvas = document.createElement("canvas");
      canvas.tabIndex = 0;
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", `${map.title}. ${map.about}`);
      canvas.addEventListener("pointermove", (event) => this.look(this.hit(i, event.offsetX, event.offsetY)));
      canvas.addEventListener("pointerleave", () => this.look(null));
      canvas.addEventListener("click", (event) => this.choose(this.hit(i, event.offsetX, event.offsetY)));
      canvas.addEventListener("keydown", (event) => this.onKey(event, i));
      return canvas;
    });
    const figures = data.maps.map((map, i) => {
      const figure = document.createElement("figure");
      const title = document.createElement("figcaption");
      const about = document.createElement("small");
      title.textContent = map.title;
      about.textContent = map.about;
      figure.append(title, about, this.canvases[i]);
      return figure;
    });
    this.place.replaceChildren(...figures);
    this.drawn();
  }

  layout(map, width) {
    const [rows, columns] = [map.values.length, map.values[0].length];
    const cell = (width - MAP_LEFT - 1) / columns;
    const tall = Math.max(9, Math.min(22, cell));
    return { rows, columns, cell, tall, height: rows * tall + MAP_BOTTOM };
  }

  hit(i, x, y) {
    const map = this.data.maps[i];
    const at = this.layout(map, this.canvases[i].clientWidth);
    const [row, column] = [Math.floor(y / at.tall), Math.floor((x - MAP_LEFT) / at.cell)];
    return row >= 0 && row < at.rows && column >= 0 && column < at.columns ? { map: i, row, column } : null;
  }

  onKey(event, i) {
    const move = arrowOf(event);
    if (event.key === "Escape") this.look(null);
    else if (event.key === "Enter" || event.key === " ") this.choose(this.focus);
    else if (move) {
      const { rows, columns } = this.layout(this.data.maps[i], 100);
      const here = this.focus?.map === i ? this.focus : { row: -move[0], column: -move[1] };
      this.look({ map: i, row: clamp(here.row + move[0], rows), column: clamp(here.column + move[1], columns) });
    } else return;
    event.preventDefault();
  }

  choose(place) {
    if (place) this.send("head", [place.row, place.column]);
  }

  paintAll(theme) {
    this.data.maps.forEach((map, i) => {
      const canvas = this.canvases[i];
      canvas.style.height = `${this.layout(map, canvas.clientWidth).height}px`;
      paintOn(canvas, (context, width) => this.paint(context, map, width, theme));
    });
  }

  read() {
    const { focus, data } = this;
    if (!focus) return data.hint;
    const { row: layer, column: head } = focus;
    const value = data.maps[focus.map].values[layer][head];
    const numbers = fill(data.head, { layer, head });
    const name = data.names?.[layer]?.[head];
    return `${numbers}${name ? ` (${name})` : ""} · ${data.maps[focus.map].title}: ${value.toFixed(4)}`;
  }

  paint(context, map, width, theme) {
    const at = this.layout(map, width);
    const ramp = map.diverging ? theme.diverging : theme.ramp;
    map.values.forEach((values, row) =>
      values.forEach((value, column) => {
        const share = (value - map.least) / (map.most - map.least || 1);
        context.fillStyle = cssColour(ramp, Math.max(0, Math.min(255, Math.round(255 * share))));
        context.fillRect(MAP_LEFT + column * at.cell, row * at.tall, at.cell - 1, at.tall - 1);
      })
    );
    const outline = (row, column, colour) => {
      context.strokeStyle = colour;
      context.lineWidth = 1.5;
      context.strokeRect(MAP_LEFT + column * at.cell - 0.5, row * at.tall - 0.5, at.cell, at.tall);
    };
    const [layer, head] = this.data.chosen ?? [];
    if (layer < at.rows && head < at.columns) outline(layer, head, theme.accent);
    if (this.focus) outline(this.focus.row, this.focus.column, theme.text);
    context.font = `10px ${theme.font}`;
    context.fillStyle = theme.text;
    context.textBaseline = "middle";
    context.textAlign = "right";
    const every = (size, room) => Math.max(1, Math.ceil(room / size));
    for (let row = 0; row < at.rows; row += every(at.tall, 11)) context.fillText(`${row}`, MAP_LEFT - 4, (row + 0.5) * at.tall);
    context.textAlign = "center";
    for (let column = 0; column < at.columns; column += every(at.cell, 16)) {
      context.fillText(`${column}`, MAP_LEFT + (column + 0.5) * at.cell, at.rows * at.tall + 8);
    }
  }

  save(format) {
    const [columns, gap, part] = [4, 20, 270];
    const tall = this.layout(this.data.maps[0], part).height + 56;
    const rows = Math.ceil(this.data.maps.length / columns);
    this.saveUnderTitle(columns * (part + gap) + gap, rows * tall + 10, format, (context, theme) =>
      this.data.maps.forEach((map, i) => {
        context.save();
        context.translate(gap + (i % columns) * (part + gap), Math.floor(i / columns) * tall);
        writeLine(context, theme, map.title, 12, 6);
        writeLine(context, theme, map.about, 10, 22);
        context.translate(0, 34);
        this.paint(context, map, part, theme);
        context.restore();
      })
    );
  }
}

export default component(".picture", (root, send) => new Maps(root, send));
