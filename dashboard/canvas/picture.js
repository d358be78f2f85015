// What every picture does: draw anew when its size changes, read out what is pointed at, save itself when asked.

class Picture {
  /** `send(name, value)` tells Python. A kind of picture has `paintAll(theme)`, `read()` and `save(format)`. */
  constructor(root, send) {
    this.root = root;
    this.send = send;
    this.readout = root.querySelector(".readout");
    this.focus = null;
    this.onSave = (event) => event.detail.picture === this.data?.picture && this.save(event.detail.format);
    document.addEventListener("bertoscope:save", this.onSave);
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(root);
  }

  look(place) {
    this.focus = place;
    this.draw();
  }

  draw() {
    if (!this.data || !this.root.isConnected) return;
    this.paintAll(readTheme(this.root));
    this.readout.textContent = this.read();
  }

  /** Draw and say so, for whoever waits for it. */
  drawn() {
    this.draw();
    this.root.dataset.drawn = this.data.key;
  }

  /** Save what `paint(context, theme)` draws, under the picture's title. */
  saveUnderTitle(width, height, format, paint) {
    const theme = readTheme(this.root);
    const whole = (context) => {
      context.textBaseline = "middle";
      context.textAlign = "left";
      context.fillStyle = theme.text;
      context.font = `14px ${theme.font}`;
      context.fillText(this.data.title, 20, 20);
      context.save();
      context.translate(0, 40);
      paint(context, theme);
      context.restore();
    };
    savePainting(whole, width, height + 40, theme, this.data.file, format);
  }

  close() {
    this.observer.disconnect();
    document.removeEventListener("bertoscope:save", this.onSave);
  }
}

/** Where an arrow key goes, as [down, right]; undefined for other keys. */
function arrowOf(event) {
  return { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
}

function clamp(value, count) {
  return Math.max(0, Math.min(count - 1, value));
}

/** Write one line of text from the left. */
function writeLine(context, theme, text, size, y) {
  context.textAlign = "left";
  context.fillStyle = theme.text;
  context.font = `${size}px ${theme.font}`;
  context.fillText(text, 0, y);
}
