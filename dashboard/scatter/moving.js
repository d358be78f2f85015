// The picture of a map while it moves. Plotly draws 50,000 points in a fifth of a second where there is no
// graphics card, and goes through all of them at each move of the mouse; this writes them into pixels in some
// milliseconds, on any machine, and steps back for Plotly's own picture once all is still.

/** How much of each pixel a point of such a shape covers: offsets from its middle, and shares of 255. */
function stampOf(symbol, size) {
  const reach = Math.ceil(size / 2);
  const stamp = [];
  const within = {
    circle: (x, y) => size / 2 - Math.hypot(x, y),
    square: (x, y) => (size / 2) * 0.9 - Math.max(Math.abs(x), Math.abs(y)),
    diamond: (x, y) => size * 0.62 - Math.abs(x) - Math.abs(y),
    cross: (x, y) => (Math.min(Math.abs(x), Math.abs(y)) < size / 6 ? size / 2 - Math.max(Math.abs(x), Math.abs(y)) : -1),
  }[symbol];
  for (let y = -reach; y <= reach; y++) {
    for (let x = -reach; x <= reach; x++) {
      const share = Math.min(1, Math.max(0, within(x, y) + 0.5));
      if (share > 0) stamp.push([x, y, Math.round(255 * share)]);
    }
  }
  return stamp;
}

class MovingPicture {
  constructor(canvas) {
    this.canvas = canvas;
  }

  /**
   * Say how the points look.
   *
   * @param groups for each group in drawing order, `places` of its points, its `symbol`, and `inks`: an [r, g, b] for
   *   each of its points, or one for all; `marks` is how much larger points are that are not marked and that are, and
   *   `fades` how opaque.
   */
  dress(groups, { size, opacity, background, marks, fades }) {
    Object.assign(this, { groups, size, opacity, background, marks, fades });
  }

  /**
   * Draw points as they lie, in the part of the plane that `ranges` says, over `area` of the plot.
   *
   * @param marked the points set off from the rest, or null; `seen` which groups are shown
   * @param lines pairs of places to draw lines between, in colour `faint`
   */
  show(cloud, ranges, area, marked, seen, lines = [], faint = "") {
    const scale = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(area.width * scale), Math.round(area.height * scale)];
    const { canvas } = this;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    Object.assign(canvas.style, {
      left: `${area.left}px`, top: `${area.top}px`, width: `${area.width}px`, height: `${area.height}px`,
    });
    if (this.image?.width !== width || this.image?.height !== height) this.image = new ImageData(width, height);
    const pixels = this.image.data;
    const [red, green, blue] = this.background;
    new Uint32Array(pixels.buffer).fill(((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0);
    const [across, up] = [width / (ranges.x[1] - ranges.x[0]), height / (ranges.y[1] - ranges.y[0])];
    // What is not marked lies under what is.
    for (const turn of marked ? [false, true] : [true]) {
      const opacity = marked ? this.fades[Number(turn)] : this.opacity;
      const size = this.size * scale * (marked ? this.marks[Number(turn)] : 1);
      for (const { places, symbol, inks } of this.groups.filter((_, g) => seen[g])) {
        const stamp = stampOf(symbol, size);
        for (let k = 0; k < places.length; k++) {
          const i = places[k];
          if (marked && marked.has(i) !== turn) continue;
          const x = Math.round((cloud[2 * i] - ranges.x[0]) * across);
          const y = Math.round((ranges.y[1] - cloud[2 * i + 1]) * up);
          if (!(x >= 0 && x < width && y >= 0 && y < height)) continue;
          const ink = inks.length > 1 ? inks[k] : inks[0];
          for (const [dx, dy, share] of stamp) {
            const [px, py] = [x + dx, y + dy];
            if (px < 0 || px >= width || py < 0 || py >= height) continue;
            const at = 4 * (py * width + px);
            const weight = (share * opacity) / 255;
            pixels[at] += (ink[0] - pixels[at]) * weight;
            pixels[at + 1] += (ink[1] - pixels[at + 1]) * weight;
            pixels[at + 2] += (ink[2] - pixels[at + 2]) * weight;
          }
        }
      }
    }
    const context = canvas.getContext("2d");
    context.putImageData(this.image, 0, 0);
    context.strokeStyle = faint;
    context.beginPath();
    for (let i = 0; i < lines.length; i += 4) {
      for (const k of [i, i + 2]) {
        const place = [(lines[k] - ranges.x[0]) * across, (ranges.y[1] - lines[k + 1]) * up];
        if (k === i) context.moveTo(...place);
        else context.lineTo(...place);
      }
    }
    context.stroke();
    canvas.hidden = false;
  }

  hide() {
    this.canvas.hidden = true;
  }
}
