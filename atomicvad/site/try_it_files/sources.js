// Where samples come from: files, the example, a microphone.

const LONGEST = 3600; // s of a file; its samples take 230 MB while it is decoded
const LARGEST = 500e6; // bytes of a file
const LONGEST_LIVE = 600; // s from a microphone

/** A file's content: floats of one channel, and their rate. */
async function decoded(content) {
  const audio = waveOf(content) ?? (await decodedByBrowser(content));
  const minutes = audio.waveform.length / audio.rate / 60;
  if (minutes > LONGEST / 60) {
    throw new Error(`it is ${Math.round(minutes)} min long, at most ${LONGEST / 60} min fit`);
  }
  return audio;
}

/** Whatever a browser decodes comes at 16 kHz. */
async function decodedByBrowser(content) {
  let audio;
  try {
    audio = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(content);
  } catch {
    throw new Error("this browser finds no audio in it that it can decode");
  }
  const waveform = audio.getChannelData(0);
  for (let channel = 1; channel < audio.numberOfChannels; channel++) {
    const other = audio.getChannelData(channel);
    for (let n = 0; n < waveform.length; n++) {
      waveform[n] += other[n];
    }
  }
  const { numberOfChannels } = audio;
  return {
    waveform: numberOfChannels > 1 ? waveform.map((value) => value / numberOfChannels) : waveform,
    rate: RATE,
  };
}

/** Load a script that lies beside this one; it sets a name of `assets`. */
function loadScript(name) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL(name, assets.address);
    script.onload = resolve;
    script.onerror = () => reject(new Error(`${name} cannot be loaded`));
    document.head.append(script);
  });
}

let example; // a promise of its content

/** The example's content: Ogg Vorbis, or MP3 for browsers without it. */
function exampleContent() {
  const isOgg = new Audio().canPlayType('audio/ogg; codecs="vorbis"') !== "";
  example ??= loadScript(isOgg ? "example-ogg.js" : "example-mp3.js");
  return example.then(() => bytesOf(globalThis.atomicvadExample).buffer);
}

const TROUBLES = {
  NotAllowedError:
    "The microphone is not allowed. Allow it for this page in the browser, or choose a recording.",
  NotFoundError: "No microphone was found. Connect one, or choose a recording.",
  NotReadableError: "The microphone cannot be opened: another program may be using it.",
};

/** A microphone that is open. */
class Microphone {
  /** Opens it; `hear` gets blocks of floats. Throws an error with a text for the reader. */
  static async open(hear) {
    if (!navigator.mediaDevices?.getUserMedia || !globalThis.AudioWorkletNode) {
      throw new Error(
        "This page may not use a microphone: browsers allow it on https pages and on local " +
          "files. Choose a recording instead.",
      );
    }
    const microphone = new Microphone();
    try {
      const raw = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
      microphone.stream = await navigator.mediaDevices.getUserMedia({ audio: raw });
    } catch (error) {
      throw new Error(TROUBLES[error.name] ?? `The microphone cannot be opened: ${error.message}`);
    }
    try {
      await microphone.prepare(hear);
    } catch (error) {
      await microphone.stop();
      throw error;
    }
    return microphone;
  }

  async prepare(hear) {
    this.context = new AudioContext();
    this.rate = this.context.sampleRate;
    const source = encodeURIComponent(assets.recorder); // from a folder, a blob is not loaded
    await this.context.audioWorklet.addModule(`data:text/javascript,${source}`);
    this.recorder = new AudioWorkletNode(this.context, "recorder");
    this.recorder.port.onmessage = ({ data }) => hear(data);
  }

  /** Samples come from now on. */
  async start() {
    this.context.createMediaStreamSource(this.stream).connect(this.recorder);
    this.recorder.connect(this.context.destination); // it gives silence
    await this.context.resume();
  }

  async stop() {
    this.stream.getTracks().forEach((track) => track.stop());
    await this.context.close();
  }
}

/** Plays parts of a recording. */
class Player {
  /** Play from `from` to `to` s; `ended` is called when it is over or stopped. */
  play(samples, from, to, ended) {
    this.stop();
    const part = samples.subarray(Math.round(from * RATE), Math.round(to * RATE));
    if (!part.length) {
      return;
    }
    this.context ??= new AudioContext();
    this.context.resume();
    const audio = this.context.createBuffer(1, part.length, RATE);
    audio.copyToChannel(Float32Array.from(part, (value) => value / 32768), 0);
    this.source = this.context.createBufferSource();
    this.source.buffer = audio;
    this.source.connect(this.context.destination);
    this.source.onended = () => this.stop();
    Object.assign(this, { from, ended, began: this.context.currentTime });
    this.source.start();
  }

  /** In s; undefined while nothing plays. */
  get position() {
    return this.source && this.from + this.context.currentTime - this.began;
  }

  stop() {
    const { source } = this;
    if (source) {
      this.source = source.onended = undefined;
      source.stop();
      this.ended();
    }
  }
}
