// Scores along samples, as they come; what atomicvad/detection/scorer.py does for a stream.

const LOGIT = 1 / 256; // what logits are counted in

/** Floats in ±1 as 16 bits, rounded like NumPy: half to even. */
function toInt16(waveform) {
  const samples = new Int16Array(waveform.length);
  const half = 1.5 * 2 ** 52; // doubles above it have no fraction
  for (let n = 0; n < samples.length; n++) {
    const clipped = Math.max(-1, Math.min(1, waveform[n]));
    samples[n] = Math.fround(clipped * 32767) + half - half;
  }
  return samples;
}

/** Logits of every 10 ms: each the mean over `smoothing` neighbours, of all models and of each. */
class Scorer {
  /** `lead`: hops of silence before the stream; `waiting`: logits after them that say nothing. */
  constructor(core, { smoothing, lead, waiting }) {
    this.core = core;
    this.smoothing = smoothing;
    this.waiting = waiting;
    this.ahead = waiting * HOP;
    this.recent = Array.from({ length: smoothing }, () => new Int16Array(core.models));
    this.sums = new Int32Array(core.models); // over the newest hops
    this.silent = []; // of the hops without a logit: are all samples the same?
    this.rest = new Int16Array(0);
    this.length = this.seen = this.given = 0; // samples, hops that were scored, logits given
    core.start();
    core.push(new Int16Array(lead * HOP));
  }

  /** What further samples complete: `mean` [steps], `seeds` [steps, models], `coefficients`. */
  push(samples) {
    this.length += samples.length;
    const all = new Int16Array(this.rest.length + samples.length);
    all.set(this.rest);
    all.set(samples, this.rest.length);
    const whole = all.length - (all.length % HOP);
    this.rest = all.slice(whole);
    for (let at = 0; at < whole; at += HOP) {
      this.silent.push(isConstant(all.subarray(at, at + HOP)));
    }
    return this.score(all.subarray(0, whole));
  }

  /** The last steps; silence follows the samples. */
  flush() {
    const steps = Math.ceil(this.length / HOP);
    const filling = this.rest.length ? HOP : 0;
    if (filling) {
      this.silent.push(isConstant(this.rest));
    }
    const padded = new Int16Array(filling + this.ahead);
    padded.set(this.rest);
    const scored = this.score(padded);
    const count = steps - this.given;
    const mean = new Float64Array(scored.mean.length + count);
    const seeds = new Float32Array(scored.seeds.length + count * this.core.models);
    mean.set(scored.mean);
    seeds.set(scored.seeds);
    for (let n = scored.mean.length; n < mean.length; n++) {
      const left = steps - this.given + (this.smoothing >> 1);
      if (Math.min(this.seen, this.smoothing) - this.dropped > left) {
        this.drop();
      }
      mean[n] = this.give(seeds, n);
    }
    return { mean, seeds, coefficients: scored.coefficients.subarray(0, filling && BANDS) };
  }

  score(samples) {
    const { logits, coefficients } = this.core.push(samples);
    const { models } = this.core;
    const hops = samples.length / HOP;
    const skipped = Math.min(this.waiting, hops);
    this.waiting -= skipped;
    const late = this.smoothing >> 1;
    const steps = Math.max(0, hops - skipped - Math.max(0, late - this.seen));
    const mean = new Float64Array(steps);
    const seeds = new Float32Array(steps * models);
    let given = 0;
    for (let hop = skipped; hop < hops; hop++) {
      this.take(logits.subarray(hop * models, (hop + 1) * models));
      if (this.seen > late) {
        mean[given] = this.give(seeds, given);
        given += 1;
      }
    }
    return { mean, seeds, coefficients };
  }

  dropped = 0; // of the newest hops, at the end of a stream

  /** The logits of one more hop enter the sums, and the oldest leave. */
  take(logits) {
    const oldest = this.recent[this.seen % this.smoothing];
    for (let model = 0; model < logits.length; model++) {
      this.sums[model] += logits[model] - oldest[model];
    }
    oldest.set(logits);
    this.seen += 1;
  }

  /** At the end: the oldest logits leave, and none come. */
  drop() {
    const count = Math.min(this.seen, this.smoothing);
    const oldest = this.recent[(this.seen - count + this.dropped) % this.smoothing];
    for (let model = 0; model < oldest.length; model++) {
      this.sums[model] -= oldest[model];
    }
    this.dropped += 1;
  }

  /** The next logit; those of each model go to a row of `seeds`. */
  give(seeds, row) {
    const { models } = this.core;
    const isSilent = this.silent[this.given];
    const count = Math.min(this.seen, this.smoothing) - this.dropped;
    let total = 0;
    for (let model = 0; model < models; model++) {
      total += this.sums[model];
      seeds[row * models + model] = isSilent ? -Infinity : (this.sums[model] / count) * LOGIT;
    }
    this.given += 1;
    return isSilent ? -Infinity : (total / count) * (LOGIT / models);
  }
}

function isConstant(samples) {
  return samples.every((sample) => sample === samples[0]);
}
