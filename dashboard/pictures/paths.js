// What flows from one token down through the layers: ribbons between columns of tokens, or a map where there are many.

const LINE = 19;
const MARGIN = { top: 26, right: 120, bottom: 8 };

class Paths extends Picture {
  constructor(root) {
    super(root);
    this.canvas = root.querySelector("canvas");
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "img");
    this.canvas.addEventListener("pointermove", (event) => this.look(this.hit(event.offsetX, event.offsetY)));
    this.canvas.addEventListener("pointerleave", () => this.look(null));
    this.canvas.addEventListener("keydown", (event) => this.onKey(event));
  }

  receive(data) {
    this.data = data;
    this.focus = null;
    this.canvas.setAttribute("aria-label", data.about);
    this.drawn();
  }

  /** Levels from left to right, inputs first; tokens from top to bottom. With many tokens they go from left to right. */
  layout(width) {
    const { labels, mass, graph } = this.data;
    const levels = mass.length;
    const widest = Math.max(1, ...labels.map((one) => widthOf(one)));
    if (!graph) {
      const left = 92;
      return { left, cell: (width - left - 4) / labels.length, tall: 24, height: MARGIN.top + levels * 24 + 90 };
    }
    const left = Math.min(148, 74 + widest * 7);
    return {
      left,
      step: (width - left - MARGIN.right) / (levels - 1),
      height: MARGIN.top + labels.length * LINE + MARGIN.bottom,
      x: (level) => left + level * ((width - left - MARGIN.right) / (levels - 1)),
      y: (token) => MARGIN.top + (token + 0.5) * LINE,
    };
  }

  hit(x, y) {
    const { labels, mass, graph } = this.data;
    const at = this.layout(this.canvas.clientWidth);
    const place = graph
      ? { level: Math.round((x - at.left) / at.step), token: Math.floor((y - MARGIN.top) / LINE) }
      : { level: mass.length - 1 - Math.floor((y - MARGIN.top) / at.tall), token: Math.floor((x - at.left) / at.cell) };
    if (graph && x < at.left) place.level = 0;
    const inside = place.level >= 0 && place.level < mass.length && place.token >= 0 && place.token < labels.length;
    return inside ? place : null;
  }

  onKey(event) {
    const { labels, mass, graph } = this.data;
    if (event.key === "Escape") return this.look(null);
    const arrow = arrowOf(event);
    if (!arrow) return;
    // Levels go to the right in a graph, and up in a map.
    const move = graph ? [arrow[1], arrow[0]] : [-arrow[0], arrow[1]];
    event.preventDefault();
    const { level, token } = this.focus ?? { level: 0, token: -move[1] };
    this.look({ level: clamp(level + move[0], mass.length), token: clamp(token + move[1], labels.length) });
  }

  paintAll(theme) {
    this.canvas.style.height = `${this.layout(this.canvas.clientWidth).height}px`;
    paintOn(this.canvas, (context, width) => this.paint(context, width, theme));
  }

  read() {
    const { data, focus } = this;
    if (!focus) return data.hint;
    return fill(data.cell, {
      token: `“${shorten(data.labels[focus.token], 40)}” (${focus.token})`,
      level: data.levels[focus.level],
      mass: formatWeight(data.mass[focus.level][focus.token]),
    });
  }

  paint(context, width, theme) {
    context.textBaseline = "middle";
    context.font = `11px ${theme.font}`;
    if (this.data.graph) this.paintGraph(context, width, theme);
    else this.paintMap(context, width, theme);
  }

  paintGraph(context, width, theme) {
    const { labels, mass, edges, levels, least } = this.data;
    const { focus } = this;
    const at = this.layout(width);
    const thick = (share) => Math.max(0.4, share * (LINE - 3) * 1.6);
    for (const [level, upper, lower, share] of edges) {
      const lit = focus && ((focus.level === level && focus.token === lower) || (focus.level === level + 1 && focus.token === upper));
      context.globalAlpha = lit ? 0.9 : focus ? 0.16 : 0.42;
      context.strokeStyle = lit ? theme.accent : theme.line;
      context.lineWidth = Math.min(LINE, thick(share));
      const [x0, x1] = [at.x(level) + 4, at.x(level + 1) - 4];
      const bend = (x1 - x0) / 2;
      context.beginPath();
      context.moveTo(x0, at.y(lower));
      context.bezierCurveTo(x0 + bend, at.y(lower), x1 - bend, at.y(upper), x1, at.y(upper));
      context.stroke();
    }
    context.globalAlpha = 1;
    const last = levels.length - 1;
    levels.forEach((name, level) => {
      context.fillStyle = theme.text;
      context.textAlign = level === 0 ? "right" : "center";
      context.fillText(at.step > 78 || level === 0 ? name : `L${level - 1}`, at.x(level) + (level ? 0 : 4), 10);
      mass[level].forEach((share, token) => {
        if (share < least && level !== 0) return;
        const tall = Math.min(LINE - 2, Math.max(2, thick(share)));
        const lit = focus && focus.level === level && focus.token === token;
        context.fillStyle = lit ? theme.accent : theme.text;
        context.fillRect(at.x(level) - 3, at.y(token) - tall / 2, 6, tall);
      });
    });
    labels.forEach((label, token) => {
      const share = mass[0][token];
      const lit = focus && focus.token === token;
      context.textAlign = "right";
      context.fillStyle = lit ? theme.accent : theme.text;
      context.globalAlpha = share < least && !lit ? 0.55 : 1;
      context.fillText(shorten(label, 12), at.left - 54, at.y(token));
      const amount = this.data.shares ? `${(100 * share).toFixed(1)} %` : share.toFixed(3);
      context.fillText(share > 0 ? amount : "–", at.left - 9, at.y(token));
      context.globalAlpha = 1;
      if (mass[last][token] > 0) {
        context.textAlign = "left";
        context.fillStyle = theme.accent;
        context.fillText(shorten(label, 16), at.x(last) + 9, at.y(token));
      }
    });
  }

  paintMap(context, width, theme) {
    const { labels, mass, levels } = this.data;
    const { focus } = this;
    const at = this.layout(width);
    const values = new Float32Array(mass.length * labels.length);
    mass.forEach((row, level) => values.set(row, (mass.length - 1 - level) * labels.length));
    // At the top one token has all of it; below, many share it, and the largest share is the end of the scale.
    const most = Math.max(1e-9, ...mass.slice(0, -1).map((row) => Math.max(...row)));
    const unit = (value) => Math.sqrt(Math.min(1, value / most));
    const picture = paintPixels(values, mass.length, labels.length, theme.ramp, unit);
    context.imageSmoothingEnabled = false;
    context.drawImage(picture, at.left, MARGIN.top, at.cell * labels.length, at.tall * mass.length);
    context.strokeStyle = theme.faint;
    context.strokeRect(at.left, MARGIN.top, at.cell * labels.length, at.tall * mass.length);
    context.textAlign = "right";
    context.fillStyle = theme.text;
    levels.forEach((name, level) => {
      context.fillText(clip(name, 14), at.left - 6, MARGIN.top + (mass.length - level - 0.5) * at.tall);
    });
    const below = MARGIN.top + mass.length * at.tall + 6;
    const every = Math.max(1, Math.ceil(13 / at.cell));
    const write = (token, lit) => {
      context.save();
      context.translate(at.left + (token + 0.5) * at.cell, below);
      context.rotate(-Math.PI / 2);
      context.textAlign = "right";
      context.fillStyle = lit ? theme.accent : theme.text;
      context.fillText(clip(`${token} ${shorten(labels[token], 9)}`, 13), 0, 0);
      context.restore();
    };
    for (let token = 0; token < labels.length; token += every) if (!focus || Math.abs(token - focus.token) * at.cell > 13) write(token);
    if (!focus) return;
    write(focus.token, true);
    context.strokeStyle = theme.accent;
    const y = MARGIN.top + (mass.length - 1 - focus.level) * at.tall;
    context.strokeRect(at.left + focus.token * at.cell, y, Math.max(2, at.cell), at.tall);
  }

  save(format) {
    const width = 1200;
    const paint = (context, theme) => this.paint(context, width, theme);
    this.saveUnderTitle(width, this.layout(width).height, format, paint);
  }
}

export default component(".picture", (root) => new Paths(root));
