// Drawing on a canvas, and saving what is drawn.

/** A canvas with one pixel per value. */
function paintPixels(values, rows, cols, ramp, toUnit) {
  const canvas = document.createElement("canvas");
  canvas.width = cols;
  canvas.height = rows;
  const context = canvas.getContext("2d");
  const image = context.createImageData(cols, rows);
  for (let i = 0; i < values.length; i++) {
    const level = Math.max(0, Math.min(255, Math.round(255 * toUnit(values[i]))));
    image.data[4 * i] = ramp[3 * level];
    image.data[4 * i + 1] = ramp[3 * level + 1];
    image.data[4 * i + 2] = ramp[3 * level + 2];
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

function paintOn(canvas, paint) {
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  paint(context, width, height);
}

/** Save what `paint(context)` draws as a PNG, at twice its size, or as an SVG file. */
function savePainting(paint, width, height, theme, file, format) {
  const whole = (context) => {
    context.fillStyle = theme.background;
    context.fillRect(0, 0, width, height);
    paint(context);
  };
  if (format === "svg") {
    const context = new SvgContext(width, height);
    whole(context);
    saveFile(new Blob([context.toString()], { type: "image/svg+xml" }), `${file}.svg`);
    return;
  }
  const canvas = document.createElement("canvas");
  canvas.width = 2 * width;
  canvas.height = 2 * height;
  const context = canvas.getContext("2d");
  context.scale(2, 2);
  whole(context);
  canvas.toBlob((blob) => saveFile(blob, `${file}.png`), "image/png");
}

function saveFile(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
