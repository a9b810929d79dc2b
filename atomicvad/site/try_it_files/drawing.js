// Pictures on canvases, in the colours of the style sheet.

/** A canvas at the screen's resolution, emptied: its context, width and height in CSS pixels. */
function emptied(canvas) {
  const { width, height } = canvas.getBoundingClientRect();
  const scale = window.devicePixelRatio || 1;
  const [columns, rows] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== columns || canvas.height !== rows) {
    canvas.width = columns;
    canvas.height = rows;
  }
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = `12px ${getComputedStyle(canvas).fontFamily}`;
  return { context, width, height };
}

/** Colours by name from the style sheet: `text` for --try-text. */
function coloursOf(element) {
  const style = getComputedStyle(element);
  return new Proxy({}, { get: (_, name) => style.getPropertyValue(`--try-${name}`).trim() });
}

/** The waveform between two times, and segments. */
function drawWave(canvas, recording, { from, to }) {
  const { context, width, height } = emptied(canvas);
  const colours = coloursOf(canvas);
  const x = (time) => ((time - from) / (to - from)) * width;
  for (const { start, end } of recording.spans) {
    context.fillStyle = colours.shade;
    context.fillRect(x(start), 0, Math.max(1, x(end) - x(start)), height);
    context.fillStyle = colours.mean;
    context.fillRect(x(start), height - 4, Math.max(1, x(end) - x(start)), 4);
  }
  const samples = recording.samples.values;
  const perPixel = ((to - from) * RATE) / width;
  context.fillStyle = colours.wave;
  for (let column = 0; column < width; column++) {
    const first = Math.floor(from * RATE + column * perPixel);
    const end = Math.min(samples.length, Math.ceil(from * RATE + (column + 1) * perPixel));
    const stride = Math.max(1, Math.floor(perPixel / 400)); // enough to see
    let [low, high] = [0, 0];
    for (let n = Math.max(0, first); n < end; n += stride) {
      low = Math.min(low, samples[n]);
      high = Math.max(high, samples[n]);
    }
    const top = (0.5 - high / 65536) * (height - 6);
    context.fillRect(column, top, 1, Math.max(1, ((high - low) / 65536) * (height - 6)));
  }
}

/** Probabilities of the mean, of each seed, and thresholds. */
function drawScores(canvas, recording, { from, to }) {
  const { context, width, height } = emptied(canvas);
  const colours = coloursOf(canvas);
  const x = (time) => ((time - from) / (to - from)) * width;
  const y = (probability) => height - 2 - probability * (height - 4);
  context.strokeStyle = colours.grid;
  context.lineWidth = 1;
  for (const probability of [0, 0.5, 1]) {
    level(context, y(probability), width);
  }
  const models = assets.options.seeds.length;
  const [mean, seeds] = [recording.mean.values, recording.seeds.values];
  const first = Math.max(0, Math.floor(from / STEP) - 1);
  const end = Math.min(mean.length, Math.ceil(to / STEP) + 1);
  const stride = Math.max(1, Math.floor((end - first) / (2 * width)));
  const curve = (value) => {
    const points = [];
    for (let n = first; n < end; n += stride) {
      points.push([x((n + 0.5) * STEP), y(probabilityOf(value(n)))]);
    }
    return points;
  };
  context.strokeStyle = colours.seed;
  for (let seed = 0; seed < models; seed++) {
    line(context, curve((n) => seeds[n * models + seed]));
  }
  context.strokeStyle = colours.threshold;
  context.lineWidth = 1.5;
  const { threshold, offset_threshold: offset } = recording.rules;
  for (const [probability, dashes] of [
    [threshold, [7, 4]],
    [offset, [2, 4]],
  ]) {
    context.setLineDash(dashes);
    level(context, y(probability), width);
  }
  context.setLineDash([]);
  context.strokeStyle = colours.mean;
  context.lineWidth = 2.5;
  line(context, curve((n) => mean[n]));
  context.fillStyle = colours.text;
  context.fillText("1", 3, 13);
  context.fillText("0", 3, height - 5);
}

/** Dark to light, as readers with any colour vision see it (after the colour map cividis). */
const SHADES = [
  [0, 34, 78],
  [53, 69, 108],
  [102, 105, 112],
  [148, 142, 119],
  [200, 184, 102],
  [254, 232, 56],
];
const PALETTE = Array.from({ length: 256 }, (_, n) => {
  const at = (n / 256) * (SHADES.length - 1);
  const [low, high] = [SHADES[Math.floor(at)], SHADES[Math.floor(at) + 1]];
  return low.map((part, channel) => part + (high[channel] - part) * (at % 1));
});
const SPREAD = 2.5; // standard deviations from the middle shade to the ends

/** Coefficients as an image, low ones at the bottom. */
function drawMfcc(canvas, recording, { from, to }) {
  const { context, width, height } = emptied(canvas);
  const values = recording.coefficients.values;
  const hops = values.length / BANDS;
  const columns = Math.max(1, Math.min(Math.round(width), Math.ceil((to - from) / STEP)));
  const perColumn = (to - from) / STEP / columns;
  const stride = Math.max(1, Math.floor(perColumn / 8)); // of many hops, some are averaged
  const image = new ImageData(columns, BANDS);
  const means = recording.rowSums.map((sum) => sum / hops);
  const spreads = recording.rowSquares.map((sum, n) => Math.sqrt(sum / hops - means[n] ** 2) || 1);
  for (let column = 0; column < columns; column++) {
    const first = Math.floor(from / STEP + column * perColumn);
    const end = Math.min(hops, Math.max(first + 1, Math.floor(first + perColumn)));
    const count = Math.ceil((end - first) / stride);
    for (let band = 0; band < BANDS && count > 0; band++) {
      let sum = 0;
      for (let hop = first; hop < end; hop += stride) {
        sum += values[hop * BANDS + band];
      }
      const value = (sum / count - means[band]) / spreads[band] / SPREAD;
      const at = 4 * ((BANDS - 1 - band) * columns + column);
      const colour = PALETTE[Math.max(0, Math.min(255, Math.floor(128 + 128 * value)))];
      [image.data[at], image.data[at + 1], image.data[at + 2]] = colour;
      image.data[at + 3] = 255;
    }
  }
  const small = new OffscreenCanvas(columns, BANDS);
  small.getContext("2d").putImageData(image, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, width, height);
}

/** Times below the pictures. */
function drawAxis(canvas, { from, to }) {
  const { context, width } = emptied(canvas);
  context.fillStyle = coloursOf(canvas).text;
  context.textAlign = "center";
  const apart = ((to - from) / width) * 70;
  const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200].find((s) => s > apart);
  for (let time = Math.ceil(from / step) * step; time <= to; time += step) {
    const x = ((time - from) / (to - from)) * width;
    context.fillRect(x, 0, 1, 4);
    const text = `${Number(time.toFixed(1))} s`;
    const room = context.measureText(text).width / 2;
    context.fillText(text, Math.max(room, Math.min(width - room, x)), 16);
  }
}

function level(context, y, width) {
  line(context, [
    [0, y],
    [width, y],
  ]);
}

function line(context, points) {
  context.beginPath();
  points.forEach(([x, y]) => context.lineTo(x, y));
  context.stroke();
}
