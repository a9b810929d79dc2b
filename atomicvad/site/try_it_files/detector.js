// The page's side of the worker, and what is known of a recording.

const STEP = 0.01; // s that a score stands for
const RATE = 16000; // Hz

/** The detector in a worker of its own; questions are answered in order. */
class Detector {
  constructor() {
    const source = new Blob([assets.worker], { type: "text/javascript" });
    this.worker = new Worker(URL.createObjectURL(source));
    this.waiting = [];
    this.worker.onmessage = ({ data }) => {
      const { resolve, reject } = this.waiting.shift();
      if (data.kind === "error") {
        reject(new Error(data.message));
      } else {
        resolve(data);
      }
    };
    this.worker.onerror = (event) => this.waiting.shift()?.reject(new Error(event.message));
  }

  ask(kind, content = {}, moved = []) {
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.worker.postMessage({ kind, ...content }, moved);
    });
  }

  begin() {
    const [module, weights] = [bytesOf(assets.module), bytesOf(assets.weights)];
    return this.ask("begin", { module, weights, options: assets.options });
  }
}

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** An array that is appended to. */
class Growing {
  length = 0;

  constructor(type) {
    this.content = new type(1 << 14);
  }

  append(values) {
    const length = this.length + values.length;
    if (length > this.content.length) {
      const larger = new this.content.constructor(Math.max(length, 2 * this.content.length));
      larger.set(this.values);
      this.content = larger;
    }
    this.content.set(values, this.length);
    this.length = length;
  }

  get values() {
    return this.content.subarray(0, this.length);
  }
}

/** Samples at 16 kHz, scores of every 10 ms, and segments, so far. */
class Recording {
  isDone = false;
  busy = 0; // s of computing
  samples = new Growing(Int16Array);
  mean = new Growing(Float64Array); // logits
  seeds = new Growing(Float32Array); // logits [steps, seeds]
  coefficients = new Growing(Int16Array); // [hops, 64]
  rowSums = new Float64Array(BANDS);
  rowSquares = new Float64Array(BANDS);

  constructor(name, rules) {
    this.name = name;
    this.segment(rules);
  }

  get seconds() {
    return this.samples.length / RATE;
  }

  /** The newest probability; undefined before the first. */
  get probability() {
    return this.mean.length ? probabilityOf(this.mean.values.at(-1)) : undefined;
  }

  /** Take in an answer of the worker; the events that follow. */
  take({ samples, mean, seeds, coefficients, busy }) {
    this.samples.append(samples);
    this.mean.append(mean);
    this.seeds.append(seeds);
    this.coefficients.append(coefficients);
    for (let n = 0; n < coefficients.length; n++) {
      this.rowSums[n % BANDS] += coefficients[n];
      this.rowSquares[n % BANDS] += coefficients[n] ** 2;
    }
    this.busy += busy;
    return this.note(this.segmenter.push(mean));
  }

  /** The recording is complete. */
  finish() {
    this.isDone = true;
    return this.note(this.segmenter.flush(this.seconds));
  }

  /** Find the segments anew. */
  segment(rules) {
    this.rules = rules;
    this.segmenter = new Segmenter(rules, STEP);
    this.segments = [];
    this.note(this.segmenter.push(this.mean.values));
    if (this.isDone) {
      this.note(this.segmenter.flush(this.seconds));
    }
  }

  note(events) {
    for (const { segment } of events) {
      if (segment) {
        this.segments.push(segment);
      }
    }
    return events;
  }

  /** Finished segments, and the one that goes on. */
  get spans() {
    const { segmenter } = this;
    const open = segmenter.isSpeech
      ? [{ start: segmenter.startTime, end: segmenter.last * STEP }]
      : [];
    return [...this.segments, ...open];
  }
}
