// A cloud of points: Plotly draws it, the slider moves it from layer to layer.

const SYMBOLS = ["circle", "diamond", "square", "cross"];
const MOVE_MS = 600;
// What is not marked and what is: how opaque, or how large.
const FADED = [0.12, 1];
const SHRUNK = [0.45, 1.6];

/** Plotly, as soon as it has arrived. */
function plotlyHere() {
  if (window.Plotly) return Promise.resolve(window.Plotly);
  return new Promise((done) =>
    document.addEventListener("bertoscope:plotly", () => done(window.Plotly), { once: true })
  );
}

/** Unpack one message: header length (u32), header (JSON), points (f32: layer, point, dim), colour values (f32). */
function unpackCloud(bytes) {
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  const numbers = new Float32Array(bytes.slice(4 + length).buffer);
  return { header, numbers };
}

/** Text as Plotly shows it as it is, in lines of at most so many letters and at most five of them. */
function hoverText(text) {
  const lines = [""];
  for (const part of text.split(/(\s+|(?<=[\u2e80-\u9fff])|\n)/)) {
    if (!part) continue;
    if (part === "\n" || (widthOf(lines.at(-1) + part) > 64 && lines.at(-1))) lines.push("");
    if (part !== "\n") lines[lines.length - 1] += lines.at(-1) ? part : part.trimStart();
  }
  const shown = lines.slice(0, 5).map((line) => clip(line, 90));
  if (lines.length > 5) shown[4] += " …";
  return shown.join("\n").replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/\n/g, "<br>");
}

class Scatter {
  constructor(root, send) {
    this.root = root;
    this.send = send;
    this.plot = root.querySelector(".plot");
    this.bar = root.querySelector(".layers");
    this.slider = root.querySelector("input");
    this.output = root.querySelector("output");
    this.play = root.querySelector(".play");
    this.hint = root.querySelector(".hint");
    this.picture = new MovingPicture(root.querySelector(".moving"));
    this.gestures = new Gestures(this.plot, root.querySelector(".outline"), this);
    this.move = 0;
    this.slider.addEventListener("input", () => this.goTo(Number(this.slider.value)));
    this.slider.addEventListener("change", () => this.tellLayer());
    this.play.addEventListener("click", () => this.toggle());
    this.onSave = (event) => event.detail.picture === this.header?.picture && this.save(event.detail.format);
    document.addEventListener("bertoscope:save", this.onSave);
    this.observer = new ResizeObserver(() => this.drawnOnce && window.Plotly.Plots.resize(this.plot));
    this.observer.observe(this.plot);
  }

  receive(bytes) {
    const { header, numbers } = unpackCloud(bytes);
    if (!header.hover) {
      // Only what is marked has changed, or this is a new page that has nothing yet.
      if (this.header?.key !== header.key) this.send("have", "");
      else if (this.drawnOnce) this.mark(header.marked);
      return;
    }
    const same = this.header?.key === header.key;
    this.header = header;
    if (same) return;
    // Whatever still moves, moves no more: it would put old places under new colours.
    this.move++;
    this.lying = null;
    this.gliding = null;
    this.playing = false;
    const [layers, count, dims] = header.shape;
    this.clouds = [...Array(layers).keys()].map((l) => numbers.subarray(l * count * dims, (l + 1) * count * dims));
    this.values = numbers.subarray(layers * count * dims);
    this.hover = header.hover.map(hoverText);
    this.layer = header.start;
    this.slider.max = layers - 1;
    this.slider.value = this.layer;
    this.bar.classList.toggle("single", layers < 2 || header.multiples);
    this.root.classList.toggle("multiples", header.multiples);
    // A row of maps is as tall as its maps are wide.
    const columns = Math.min(layers, this.root.clientWidth < 620 ? 2 : 4);
    this.grid = { columns, rows: Math.ceil(layers / columns) };
    this.plot.style.height = header.multiples
      ? `${60 + this.grid.rows * Math.min(300, this.root.clientWidth / columns + 20)}px`
      : "";
    this.slider.setAttribute("aria-label", header.strings.layer);
    this.hint.textContent = header.multiples ? "" : dims === 3 ? header.strings.hint3 : header.strings.hint;
    this.plot.setAttribute("aria-label", fill(header.strings.plot, { count }));
    this.showPlaying();
    this.name();
    this.draw();
    this.send("have", header.key);
  }

  name() {
    const name = this.header.layers[this.layer];
    this.output.textContent = name;
    this.slider.setAttribute("aria-valuetext", name);
  }

  /** Which points are in each trace: those of a group, or all. */
  parts() {
    const count = this.header.shape[1];
    if (!this.header.groups.length) {
      const all = [...Array(count).keys()];
      const unknown = all.filter((i) => Number.isNaN(this.values[i]));
      return unknown.length ? [unknown, all.filter((i) => !Number.isNaN(this.values[i]))] : [all];
    }
    const parts = this.header.groups.map(() => []);
    for (let i = 0; i < count; i++) parts[this.values[i]].push(i);
    // All others come first, and so lie under the groups that have a colour.
    return this.header.others ? [parts.at(-1), ...parts.slice(0, -1)] : parts;
  }

  /** The coordinates of each trace, from one cloud as it lies. */
  columns(cloud) {
    const dims = this.header.shape[2];
    return [...Array(dims).keys()].map((d) => this.places.map((part) => Float32Array.from(part, (i) => cloud[i * dims + d])));
  }

  /** The traces of every map beside the others: flat, without a legend but in the first. */
  allTraces(theme) {
    const one = this.traces(theme);
    return this.clouds.flatMap((cloud, l) => {
      const [x, y] = this.columns(cloud);
      const axis = l ? l + 1 : "";
      return one.map((trace, g) => ({
        ...trace,
        type: "scattergl",
        z: undefined,
        x: x[g],
        y: y[g],
        xaxis: `x${axis}`,
        yaxis: `y${axis}`,
        marker: { ...trace.marker, size: Math.max(2.5, trace.marker.size * 0.6) },
        legendgroup: String(g),
        showlegend: trace.showlegend && l === 0,
      }));
    });
  }

  traces(theme) {
    const [, count, dims] = this.header.shape;
    const style = getComputedStyle(this.root);
    const palette = style.getPropertyValue("--st-chart-categorical-colors").split(",").map((one) => one.trim());
    const ramp = [...Array(11).keys()].map((i) => [i / 10, cssColour(theme.ramp, 60 + Math.round(19.5 * i))]);
    const columns = this.columns(this.clouds[this.layer]);
    this.size = (count > 20000 ? 3 : count > 5000 ? 4 : count > 1000 ? 5.5 : count > 200 ? 7 : 9) * (dims === 3 ? 0.6 : 1);
    this.opacity = count > 5000 ? 0.7 : 0.85;
    return this.places.map((part, g) => {
      const last = this.header.others && g === 0;
      const marker = { size: this.size, opacity: this.opacity, line: { width: 0 } };
      const names = this.header.groups;
      let name = names[last ? names.length - 1 : this.header.others ? g - 1 : g];
      if (names.length) {
        const rank = this.header.ranks[this.header.others ? g - 1 : g];
        marker.color = last ? theme.faint : palette[rank % palette.length];
        marker.symbol = last ? "circle" : SYMBOLS[Math.floor(rank / palette.length) % SYMBOLS.length];
      } else if (g < this.places.length - 1) {
        name = this.header.strings.unknown;
        marker.color = theme.faint;
      } else {
        Object.assign(marker, {
          color: Array.from(part, (i) => this.values[i]),
          colorscale: ramp,
          colorbar: { title: { text: hoverText(this.header.colour), side: "right" }, thickness: 12, outlinewidth: 0 },
        });
      }
      return {
        type: dims === 3 ? "scatter3d" : "scattergl",
        mode: "markers",
        name: hoverText(clip(name ?? "", 30)),
        legendrank: last ? 2000 : 1000 + g,
        x: columns[0][g],
        y: columns[1][g],
        ...(dims === 3 ? { z: columns[2][g] } : {}),
        customdata: part,
        text: Array.from(part, (i) => this.hover[i]),
        hovertemplate: "%{text}<extra></extra>",
        marker,
        selected: { marker: { opacity: FADED[1] } },
        unselected: { marker: { opacity: FADED[0] } },
        showlegend: this.header.groups.length > 0,
      };
    });
  }

  layout(theme) {
    const dims = this.header.shape[2];
    // One frame for all layers, so that nothing jumps when the points move.
    const edges = [...Array(dims).keys()].map(() => [Infinity, -Infinity]);
    for (const cloud of this.clouds) {
      for (let i = 0; i < cloud.length; i++) {
        const edge = edges[i % dims];
        if (cloud[i] < edge[0]) edge[0] = cloud[i];
        if (cloud[i] > edge[1]) edge[1] = cloud[i];
      }
    }
    this.whole = edges.map(([low, high]) => {
      const room = (high - low) * 0.04 + 1e-6;
      return [low - room, high + room];
    });
    const axis = (d) => {
      const plain = { showgrid: dims === 3, gridcolor: theme.faint, zeroline: false, showticklabels: false, ticks: "" };
      return { ...plain, range: [...this.whole[d]], title: { text: "" } };
    };
    const flat = { xaxis: axis(0), yaxis: { ...axis(1), scaleanchor: "x" } };
    const depth = dims === 3 ? { scene: { xaxis: axis(0), yaxis: axis(1), zaxis: axis(2), aspectmode: "data" } } : {};
    const narrow = this.plot.clientWidth < 620;
    return {
      ...(this.header.multiples ? this.gridLayout(axis, theme) : dims === 3 ? depth : flat),
      dragmode: this.header.multiples ? "pan" : dims === 3 ? "turntable" : "lasso",
      clickmode: "event+select",
      hovermode: "closest",
      uirevision: this.header.cloud,
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: theme.font, color: theme.text, size: 12 },
      hoverlabel: { align: "left", bgcolor: theme.background, bordercolor: theme.faint, font: { color: theme.text } },
      margin: { l: 8, r: 8, t: 30, b: narrow && this.header.groups.length ? 70 : 8 },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: theme.text, activecolor: theme.accent },
      legend: {
        title: { text: narrow ? "" : hoverText(this.header.colour) }, itemsizing: "constant",
        ...(narrow
          ? { orientation: "h", y: -0.02, yanchor: "top", font: { size: 11 }, entrywidth: 0.3, entrywidthmode: "fraction" }
          : {}),
      },
    };
  }

  /** Places for maps beside each other, each with its layer's name over it. */
  gridLayout(axis, theme) {
    const { columns, rows } = this.grid;
    const layout = { annotations: [] };
    const lined = { showline: true, mirror: true, linecolor: theme.faint };
    this.header.layers.forEach((name, l) => {
      const [column, row] = [l % columns, Math.floor(l / columns)];
      const end = l ? l + 1 : "";
      const [left, right] = [column / columns + 0.008, (column + 1) / columns - 0.008];
      const [bottom, top] = [1 - (row + 1) / rows + 0.01, 1 - row / rows - 0.17 / rows];
      layout[`xaxis${end}`] = { ...axis(0), ...lined, domain: [left, right], anchor: `y${end}`, constrain: "domain" };
      layout[`yaxis${end}`] = { ...axis(1), ...lined, domain: [bottom, top], anchor: `x${end}`, scaleanchor: `x${end}` };
      layout.annotations.push({
        text: hoverText(name), showarrow: false, xref: "paper", yref: "paper", x: (left + right) / 2, y: top,
        xanchor: "center", yanchor: "bottom", font: { size: 12, color: theme.text },
      });
    });
    return layout;
  }

  async draw() {
    const key = this.header.key;
    const plotly = await plotlyHere();
    if (this.header.key !== key || !this.root.isConnected) return;
    this.theme = readTheme(this.root);
    this.places = this.parts();
    const config = {
      displaylogo: false, responsive: false, scrollZoom: true, displayModeBar: true,
      modeBarButtons: this.header.multiples
        ? [["zoom2d", "pan2d", "resetScale2d"]]
        : this.header.shape[2] === 3
          ? [["resetCameraDefault3d"]]
          : [["lasso2d", "select2d", "pan2d", "zoom2d"], ["zoomIn2d", "zoomOut2d", "resetScale2d"]],
    };
    const traces = this.header.multiples ? this.allTraces(this.theme) : this.traces(this.theme);
    await plotly.react(this.plot, traces, this.layout(this.theme), config);
    if (!this.drawnOnce) {
      this.drawnOnce = true;
      const placeOf = ({ points: [point] }) => point.data.customdata[point.pointNumber];
      this.plot.on("plotly_hover", (event) => (this.hovered = placeOf(event)));
      this.plot.on("plotly_unhover", () => (this.hovered = null));
    }
    this.hovered = null;
    this.marked = [];
    if (this.moves()) this.dress(traces);
    this.picture.hide();
    if (!this.header.multiples) this.mark(this.header.marked);
    this.drawn = this.layer;
    delete this.root.dataset.moving;
    this.root.dataset.drawn = key;
    this.root.dataset.layer = this.layer;
  }

  /** Whether this is one map, that a hand can pull, turn and draw on. */
  moves() {
    return Boolean(this.drawnOnce) && !this.header.multiples;
  }

  deep() {
    return this.header.shape[2] === 3;
  }

  /** Tell the picture that moves how Plotly draws the points. */
  dress(traces) {
    const numbers = this.values.filter((one) => !Number.isNaN(one));
    let [low, high] = [Infinity, -Infinity];
    for (const one of numbers) [low, high] = [Math.min(low, one), Math.max(high, one)];
    const rampInk = (i) => {
      const level = 60 + Math.round(195 * ((this.values[i] - low) / (high - low || 1)));
      return [0, 1, 2].map((part) => this.theme.ramp[3 * level + part]);
    };
    const groups = traces.map(({ marker }, g) => ({
      places: this.places[g],
      symbol: marker.symbol ?? "circle",
      inks: marker.colorscale ? this.places[g].map(rampInk) : [parseColour(marker.color)],
    }));
    // Points in depth cannot be dimmed one by one, so those not meant shrink.
    const emphasis = this.deep() ? { marks: SHRUNK, fades: [this.opacity, this.opacity] } : { marks: [1, 1], fades: FADED };
    // Plotly draws points in depth larger than it says.
    const size = this.size * (this.deep() ? 1.7 : 1);
    this.picture.dress(groups, { size, opacity: this.opacity, background: parseColour(this.theme.background), ...emphasis });
  }

  /** For each group, whether it is shown: a click in the legend hides it. */
  seen() {
    return this.plot.data.map((trace) => (trace.visible ?? true) === true);
  }

  /** Where points are drawn, in the plot. */
  area() {
    const { xaxis, yaxis, scene, _size } = this.plot._fullLayout;
    if (scene) return { left: _size.l, top: _size.t, width: _size.w, height: _size.h };
    return { left: xaxis._offset, top: yaxis._offset, width: xaxis._length, height: yaxis._length };
  }

  /** What is seen: a part of the plane, or what a camera sees. */
  view() {
    const { xaxis, yaxis, scene } = this.plot._fullLayout;
    return this.gliding ?? (scene ? scene._scene.getCamera() : { x: [...xaxis.range], y: [...yaxis.range] });
  }

  zoomed(view, factor, x, y) {
    if (this.deep()) return nearer(view, factor);
    const about = ([low, high], share) => {
      const still = low + (high - low) * share;
      return [still + (low - still) * factor, still + (high - still) * factor];
    };
    return { x: about(view.x, x), y: about(view.y, 1 - y) };
  }

  pulled(view, dx, dy) {
    if (this.deep()) return turned(view, dx * 2 * Math.PI, dy * Math.PI);
    const along = ([low, high], share) => [low + (high - low) * share, high + (high - low) * share];
    return { x: along(view.x, -dx), y: along(view.y, dy) };
  }

  /** Show the points as they lie now, by the picture that moves. */
  showMoving() {
    const marked = this.marked.length ? new Set(this.marked) : null;
    const cloud = this.lying ?? this.clouds[this.layer];
    const [view, area, seen] = [this.view(), this.area(), this.seen()];
    if (this.deep()) {
      const { _scene } = this.plot._fullLayout.scene;
      const box = boxEdges(this.whole);
      const unit = { x: [0, 1], y: [0, 1] };
      const lines = seenFrom(_scene, view, box);
      this.picture.show(seenFrom(_scene, view, cloud), unit, area, marked, seen, lines, this.theme.faint);
    } else this.picture.show(cloud, view, area, marked, seen);
    this.root.dataset.moving = "";
  }

  /** Show another part of the plane, or from elsewhere, until `settle`. */
  glide(view) {
    this.gliding = view;
    if (this.painting) return;
    this.painting = requestAnimationFrame(() => {
      this.painting = null;
      if (this.gliding && this.moves()) this.showMoving();
    });
  }

  /** Have Plotly draw what is seen, and take the picture that moves away. */
  async settle() {
    if (!this.moves() || this.lying) return;
    const { gliding, drawn, layer } = this;
    if (drawn !== layer) {
      const [x, y, z] = this.columns(this.clouds[layer]);
      await window.Plotly.restyle(this.plot, this.deep() ? { x, y, z } : { x, y });
      this.drawn = layer;
    }
    if (gliding) {
      const there = { "xaxis.range": gliding.x, "yaxis.range": gliding.y };
      await window.Plotly.relayout(this.plot, this.deep() ? { "scene.camera": gliding } : there);
    }
    // A camera is moved at once, and what it sees drawn in the frame after.
    for (let frame = 0; frame < 2 && this.deep(); frame++) await new Promise(requestAnimationFrame);
    // Somebody may have gone on meanwhile.
    if (this.gliding !== gliding || this.layer !== layer || this.lying) return;
    this.gliding = null;
    this.picture.hide();
    delete this.root.dataset.moving;
    this.root.dataset.layer = layer;
  }

  /** Take the point that the pointer is on, instead of those taken before or with them. */
  clicked(add) {
    if (this.hovered !== null) this.select(add ? [...this.marked, this.hovered] : [this.hovered]);
  }

  /** Take all points that a test on their place in the area, as shares of it, says are inside. */
  chosen(test, add) {
    const { x, y } = this.view();
    const cloud = this.clouds[this.layer];
    const seen = this.seen();
    const shown = this.places.flatMap((part, g) => (seen[g] ? part : []));
    const inside = shown.filter((i) =>
      test((cloud[2 * i] - x[0]) / (x[1] - x[0]), (y[1] - cloud[2 * i + 1]) / (y[1] - y[0]))
    );
    this.select(add ? [...this.marked, ...inside] : inside);
  }

  /** Let go of what is selected, and if asked go back to the whole map. */
  letGo(whole) {
    if (this.marked.length) this.select([]);
    if (whole) {
      window.Plotly.relayout(this.plot, { "xaxis.range": [...this.whole[0]], "yaxis.range": [...this.whole[1]] });
    }
  }

  select(points) {
    const places = [...new Set(points)].sort((a, b) => a - b);
    this.mark(places);
    this.send("selected", { cloud: this.header.cloud, places });
  }

  /** Set points off from the rest; none sets all alike. */
  async mark(marked) {
    if (String(marked) === String(this.marked)) return;
    this.marked = marked;
    const wanted = new Set(marked);
    const inside = this.places.map((part) => Array.from(part, (i) => wanted.has(i)));
    if (this.header.shape[2] === 3) {
      const size = inside.map((flags) => (wanted.size ? flags.map((one) => SHRUNK[Number(one)] * this.size) : this.size));
      await window.Plotly.restyle(this.plot, { "marker.size": size });
    } else {
      const chosen = inside.map((flags) => (wanted.size ? flags.flatMap((one, i) => (one ? [i] : [])) : null));
      await window.Plotly.restyle(this.plot, { selectedpoints: chosen });
    }
  }

  tellLayer() {
    this.send("layer", { cloud: this.header.cloud, layer: this.layer });
  }

  /** Move the points to another layer's map; a later call overtakes an earlier one. */
  async goTo(layer) {
    const from = this.lying ?? this.clouds[this.layer];
    this.layer = layer;
    this.slider.value = layer;
    this.name();
    // What is not drawn yet will be drawn where it belongs.
    if (!this.drawnOnce) return;
    const to = this.clouds[layer];
    const move = ++this.move;
    const begin = performance.now();
    const quick = window.matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : MOVE_MS;
    const between = new Float32Array(to.length);
    for (let share = 0; share < 1 && quick; ) {
      share = Math.min(1, (performance.now() - begin) / quick);
      const eased = share * share * (3 - 2 * share);
      for (let i = 0; i < to.length; i++) between[i] = from[i] + (to[i] - from[i]) * eased;
      this.lying = between;
      this.showMoving();
      await new Promise(requestAnimationFrame);
      if (this.move !== move || !this.root.isConnected) return;
    }
    this.lying = null;
    this.showMoving();
    // Whoever goes on at once through the layers should not wait for Plotly at each.
    await new Promise((done) => setTimeout(done, SETTLE_MS));
    if (this.move === move && this.root.isConnected) await this.settle();
  }

  async toggle() {
    this.playing = !this.playing;
    this.showPlaying();
    if (!this.playing) return;
    const last = this.clouds.length - 1;
    if (this.layer === last) await this.goTo(0);
    while (this.playing && this.root.isConnected && this.layer < last) {
      await new Promise((done) => setTimeout(done, 500));
      if (this.playing) await this.goTo(this.layer + 1);
    }
    this.playing = false;
    this.showPlaying();
    this.tellLayer();
  }

  showPlaying() {
    this.play.textContent = this.playing ? "■" : "▶";
    this.play.title = this.playing ? this.header.strings.stop : this.header.strings.play;
    this.play.setAttribute("aria-label", this.play.title);
  }

  async save(format) {
    const layout = { ...this.plot.layout, paper_bgcolor: this.theme.background, plot_bgcolor: this.theme.background };
    const title = [this.header.title, ...(this.header.multiples ? [] : [this.header.layers[this.layer]])].join(" · ");
    layout.title = { text: hoverText(title), font: { size: 14 } };
    layout.margin = { ...layout.margin, t: 50 };
    await window.Plotly.downloadImage(
      { data: this.plot.data, layout, config: {} },
      { format, filename: this.header.file, width: 1100, height: 850, scale: format === "png" ? 2 : 1 }
    );
  }

  close() {
    this.playing = false;
    this.move++;
    this.observer.disconnect();
    document.removeEventListener("bertoscope:save", this.onSave);
    if (this.drawnOnce) window.Plotly.purge(this.plot);
  }
}

export default component(".bertoscope-scatter", (root, send) => new Scatter(root, send));
