// WAV of 16 bits, read here: browsers differ in what their floats are for the same samples.

/** The samples of such a file, one channel, and their rate; undefined for anything else. */
function waveOf(content) {
  const view = new DataView(content);
  const name = (at) => String.fromCharCode(...new Uint8Array(content, at, 4));
  if (view.byteLength < 44 || name(0) !== "RIFF" || name(8) !== "WAVE") {
    return undefined;
  }
  let format;
  for (let at = 12; at + 8 <= view.byteLength; ) {
    const size = view.getUint32(at + 4, true);
    if (name(at) === "fmt ") {
      format = {
        isPlain: view.getUint16(at + 8, true) === 1 && view.getUint16(at + 22, true) === 16,
        channels: view.getUint16(at + 10, true),
        rate: view.getUint32(at + 12, true),
      };
    }
    if (name(at) === "data") {
      if (!format?.isPlain || !format.channels) {
        return undefined;
      }
      return { waveform: mono(view, at + 8, size, format.channels), rate: format.rate };
    }
    at += 8 + size + (size % 2);
  }
  return undefined;
}

/** The mean of channels, in floats of 32 bits as Python's. */
function mono(view, at, size, channels) {
  const length = Math.floor(Math.min(size, view.byteLength - at) / (2 * channels));
  const waveform = new Float32Array(length);
  for (let n = 0; n < length; n++) {
    for (let channel = 0; channel < channels; channel++) {
      waveform[n] += view.getInt16(at, true) / 32768;
      at += 2;
    }
    waveform[n] /= channels;
  }
  return waveform;
}
