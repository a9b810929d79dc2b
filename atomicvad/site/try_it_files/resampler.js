// From a microphone's sample rate to 16 kHz, as the samples come.

const CROSSINGS = 24; // of the sinc on each side
const KAISER = 9; // the window's shape: aliases are 90 dB down

/** A band-limited interpolation, in phases: a windowed sinc for each place between two samples. */
class Resampler {
  constructor(from, to) {
    const divisor = gcd(from, to);
    this.up = to / divisor; // phases
    this.down = from / divisor;
    this.filters = filters(this.up, Math.max(1, from / to));
    this.half = this.filters[0].length / 2;
    this.delay = this.half / from; // in s
    this.rest = new Float32Array(this.half - 1); // silence before the first sample
    this.place = 0; // of the next output: in 1/up of a sample of the input
  }

  /** The samples that further ones complete, Float32Array. */
  push(samples) {
    const input = new Float32Array(this.rest.length + samples.length);
    input.set(this.rest);
    input.set(samples, this.rest.length);
    const length = 2 * this.half;
    const output = [];
    while (Math.floor(this.place / this.up) + length <= input.length) {
      const first = Math.floor(this.place / this.up);
      const filter = this.filters[this.place % this.up];
      let sum = 0;
      for (let n = 0; n < length; n++) {
        sum += filter[n] * input[first + n];
      }
      output.push(sum);
      this.place += this.down;
    }
    const done = Math.min(Math.floor(this.place / this.up), input.length);
    this.place -= done * this.up;
    this.rest = input.slice(done);
    return Float32Array.from(output);
  }
}

function filters(phases, ratio) {
  const half = Math.ceil(CROSSINGS * ratio);
  const cutoff = 0.94 / ratio; // of the input's Nyquist frequency
  return Array.from({ length: phases }, (_, phase) => {
    const filter = Float64Array.from({ length: 2 * half }, (_, n) => {
      const at = n - (half - 1) - phase / phases;
      const sinc = at === 0 ? 1 : Math.sin(Math.PI * cutoff * at) / (Math.PI * cutoff * at);
      return sinc * bessel(KAISER * Math.sqrt(Math.max(0, 1 - (at / half) ** 2)));
    });
    const sum = filter.reduce((a, b) => a + b);
    return filter.map((value) => value / sum);
  });
}

/** The modified Bessel function of order 0. */
function bessel(x) {
  let sum = 1;
  for (let n = 1, term = 1; term > 1e-12 * sum; n++) {
    term *= (x / (2 * n)) ** 2;
    sum += term;
  }
  return sum;
}

function gcd(a, b) {
  return b ? gcd(b, a % b) : a;
}
