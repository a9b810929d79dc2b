// The detector: WebAssembly of the same C that a microcontroller runs, for all seeds at once.

const HOP = 160; // samples between decisions: 10 ms at 16 kHz
const BANDS = 64; // coefficients of a hop
const MOST_HOPS = 100; // that the module takes at once

/** One stream, scored by several models. */
class Core {
  /** From the module's exports, and the weights of `models` models one after another. */
  constructor(exports, weights, models) {
    if (weights.length !== models * exports.weights_bytes()) {
      throw new RangeError(`weights of ${models} models expected, ${weights.length} bytes given`);
    }
    const { buffer } = exports.memory;
    new Uint8Array(buffer, exports.weights(), weights.length).set(weights);
    this.exports = exports;
    this.models = models;
    this.samples = new Int16Array(buffer, exports.samples(), MOST_HOPS * HOP);
    this.logits = new Int16Array(buffer, exports.logits(), MOST_HOPS * models);
    this.coefficients = new Int16Array(buffer, exports.coefficients(), MOST_HOPS * BANDS);
    this.start();
  }

  /** Begin a new stream. */
  start() {
    this.exports.start(this.models);
  }

  /** Hear whole hops: logits [hops, models] in 1/256, and coefficients [hops, 64] in 1/16. */
  push(samples) {
    const hops = samples.length / HOP;
    const logits = new Int16Array(hops * this.models);
    const coefficients = new Int16Array(hops * BANDS);
    for (let at = 0; at < hops; at += MOST_HOPS) {
      const count = Math.min(MOST_HOPS, hops - at);
      this.samples.set(samples.subarray(at * HOP, (at + count) * HOP));
      this.exports.push(count);
      logits.set(this.logits.subarray(0, count * this.models), at * this.models);
      coefficients.set(this.coefficients.subarray(0, count * BANDS), at * BANDS);
    }
    return { logits, coefficients };
  }
}
