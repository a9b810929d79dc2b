// AtomicVAD in WebAssembly: logits of speech in steps of 1/256, 0 or above for speech.

export const WINDOW = 10080; // samples of a window: 0.63 s at 16 kHz
export const HOP = 160; // samples between decisions of a stream: 10 ms
export const NOT_READY = -32768; // what push returns while a stream has not heard enough

/** The detector, from the bytes of atomicvad.wasm or a response of fetch() with them. */
export async function load(source) {
  const instantiate =
    typeof Response !== "undefined" && source instanceof Response
      ? WebAssembly.instantiateStreaming
      : WebAssembly.instantiate;
  const { exports } = (await instantiate(source)).instance;
  const samples = new Int16Array(exports.memory.buffer, exports.samples(), WINDOW);
  const call = (decide, length, heard) => {
    if (!(heard instanceof Int16Array)) {
      throw new TypeError("an Int16Array expected: of a Float32Array, 32767 times each sample");
    }
    if (heard.length !== length) {
      throw new RangeError(`${length} samples expected, ${heard.length} given`);
    }
    samples.set(heard);
    return decide();
  };
  exports.start();
  return {
    /** The logit of a window: an Int16Array of WINDOW samples. */
    window: (heard) => call(exports.window, WINDOW, heard),
    /** The logit after the next HOP samples of the stream. */
    push: (heard) => call(exports.push, HOP, heard),
    /** Begin a new stream. */
    start: () => exports.start(),
  };
}
