// In the audio thread: what the microphone hears, in blocks of 20 ms or more, one channel.

class Recorder extends AudioWorkletProcessor {
  heard = [];
  count = 0;

  process([input]) {
    if (input.length) {
      const mono = input[0].map((_, n) => {
        let sum = 0;
        for (const channel of input) {
          sum += channel[n];
        }
        return sum / input.length;
      });
      this.heard.push(mono);
      this.count += mono.length;
    }
    if (this.count >= sampleRate / 50) {
      const block = new Float32Array(this.count);
      let at = 0;
      for (const part of this.heard) {
        block.set(part, at);
        at += part.length;
      }
      this.port.postMessage(block, [block.buffer]);
      this.heard = [];
      this.count = 0;
    }
    return true;
  }
}

registerProcessor("recorder", Recorder);
