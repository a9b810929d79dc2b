// The page: buttons, sliders, pictures, and what is said.

const PIECE = 5; // s of a file that are scored before the next picture

/** The section `Try it`. */
class Page {
  microphone = null;
  turn = 0; // of what was asked for: only the newest is shown

  constructor() {
    this.player = new Player();
    this.setUpThreshold();
    const play = (from, to) => this.play(from, to);
    this.view = new View(new Recording("nothing yet", this.rules), play);
    element("microphone").onclick = () => (this.microphone ? this.stop() : this.listen());
    element("example").onclick = () => this.loadExample();
    element("file").onchange = ({ target }) => {
      this.openFile(target.files[0]);
      target.value = ""; // the same file may be chosen again
    };
    element("play").onclick = () => this.togglePlay();
    element("position").oninput = ({ target }) => this.moveTo(Number(target.value));
    element("pictures").onpointerdown = ({ clientX }) => this.point(clientX);
    this.setUpDropping();
  }

  get recording() {
    return this.view.recording;
  }

  /** Load the detector, and show the example. */
  async begin() {
    if (!globalThis.WebAssembly || !globalThis.Worker || !globalThis.OffscreenCanvas) {
      this.say("This browser is too old for the detector: it needs WebAssembly and workers.");
      return;
    }
    try {
      this.detector = new Detector();
      await this.detector.begin();
    } catch (error) {
      this.say(`The detector cannot run in this browser: ${error.message}.`);
      return;
    }
    element("sources").disabled = false;
    await this.loadExample();
  }

  // ---- Sources

  async loadExample() {
    try {
      await this.openContent("The example", exampleContent());
    } catch (error) {
      this.say(`The example cannot be opened: ${error.message}.`);
    }
  }

  async openFile(file) {
    if (!file) {
      return;
    }
    try {
      if (file.size > LARGEST) {
        throw new Error(`it has ${Math.round(file.size / 1e6)} MB, at most 500 MB fit`);
      }
      this.say(`Decoding ${file.name} …`);
      await this.openContent(file.name, file.arrayBuffer());
    } catch (error) {
      this.say(`${file.name} cannot be opened: ${error.message}.`);
    }
  }

  async openContent(name, content) {
    const turn = ++this.turn;
    const { waveform, rate } = await decoded(await content);
    if (turn !== this.turn) {
      return;
    }
    await this.stop();
    const recording = this.begun(name);
    recording.delay = (await this.detector.ask("open", { rate })).delay;
    const asked = []; // one piece is scored while the one before is drawn
    for (let at = 0; at < waveform.length; at += PIECE * rate) {
      const piece = waveform.slice(at, at + PIECE * rate);
      asked.push(this.detector.ask("push", { waveform: piece }, [piece.buffer]));
      if (asked.length > 1 && !(await this.takeNext(recording, asked))) {
        return;
      }
    }
    if (!asked.length || (await this.takeNext(recording, asked))) {
      await this.finish(recording);
    }
  }

  /** Take in the first of several answers; false: another recording was chosen meanwhile. */
  async takeNext(recording, asked) {
    const answer = await asked.shift();
    if (this.recording !== recording) {
      return false;
    }
    recording.take(answer);
    this.view.draw();
    return true;
  }

  async listen() {
    this.turn += 1;
    element("microphone").disabled = true;
    try {
      await this.openMicrophone();
    } catch (error) {
      await this.stop();
      this.say(error.message);
    }
    element("microphone").disabled = false;
  }

  async openMicrophone() {
    let recording;
    const hear = async (waveform) => {
      const answer = await this.detector.ask("push", { waveform }, [waveform.buffer]);
      this.takeLive(recording, answer);
    };
    this.say("Waiting for the microphone …");
    const microphone = await Microphone.open(hear);
    recording = this.begun("The microphone");
    this.microphone = microphone;
    recording.delay = (await this.detector.ask("open", { rate: microphone.rate })).delay;
    this.showMicrophone();
    await microphone.start();
    this.say("Listening.");
  }

  takeLive(recording, answer) {
    if (this.recording !== recording || recording.isDone) {
      return;
    }
    for (const { kind } of recording.take(answer)) {
      this.say(kind === "start" ? "Listening: speech." : "Listening: no speech.");
    }
    this.view.draw();
    if (recording.seconds > LONGEST_LIVE) {
      this.stop();
    }
  }

  /** Close the microphone, if it is open. */
  async stop() {
    const { microphone, recording } = this;
    if (!microphone) {
      return;
    }
    this.microphone = null;
    this.showMicrophone();
    await microphone.stop();
    await this.finish(recording);
  }

  showMicrophone() {
    this.view.isLive = Boolean(this.microphone);
    const button = element("microphone");
    button.textContent = this.microphone ? "Stop" : "Use the microphone";
    button.setAttribute("aria-pressed", String(this.view.isLive));
  }

  begun(name) {
    this.player.stop();
    this.view.begin(new Recording(name, this.rules));
    return this.recording;
  }

  async finish(recording) {
    const answer = await this.detector.ask("flush");
    if (this.recording !== recording) {
      return;
    }
    recording.take(answer);
    recording.finish();
    const { length } = recording.segments;
    const found = length === 1 ? "one segment" : `${length || "no"} segments`;
    this.say(`${recording.name}: ${recording.seconds.toFixed(1)} s, ${found} of speech.`);
    this.view.draw();
  }

  setUpDropping() {
    const section = document.getElementById("try-it");
    const over = (isOver) => section.classList.toggle("try-over", isOver);
    section.ondragover = (event) => {
      event.preventDefault();
      over(true);
    };
    section.ondragleave = () => over(false);
    section.ondrop = (event) => {
      event.preventDefault();
      over(false);
      if (!element("sources").disabled) {
        this.openFile(event.dataTransfer.files[0]);
      }
    };
  }

  // ---- The threshold

  setUpThreshold() {
    const { rules } = assets.options;
    const slider = element("threshold");
    const least = (rules.threshold % 0.01) + 0.01; // the default lies on the slider's grid
    Object.assign(slider, { min: least.toFixed(4), max: (least + 0.97).toFixed(4), step: 0.01 });
    slider.oninput = () => this.threshold(Number(slider.value));
    element("reset").onclick = () => this.threshold(rules.threshold);
    this.rules = rulesWith(rules.threshold, rules);
    this.showThreshold();
  }

  threshold(value) {
    this.rules = rulesWith(value, assets.options.rules);
    this.recording.segment(this.rules);
    this.showThreshold();
    this.view.draw();
  }

  showThreshold() {
    element("threshold").value = this.rules.threshold.toFixed(4);
    element("threshold-text").value = this.rules.threshold.toFixed(2);
  }

  // ---- Playing

  togglePlay() {
    if (this.player.position !== undefined) {
      this.player.stop();
      return;
    }
    const { seconds } = this.recording;
    this.play(this.view.cursor < seconds - 0.05 ? this.view.cursor : 0, seconds);
  }

  play(from, to) {
    const ended = () => {
      element("play").textContent = "Play";
      this.view.draw();
    };
    this.player.play(this.recording.samples.values, from, to, ended);
    element("play").textContent = "Pause";
    this.playedTo = to;
    if (!this.isFollowing) {
      this.follow();
    }
  }

  /** The cursor goes where the player is. */
  follow() {
    const { position } = this.player;
    this.isFollowing = position !== undefined;
    if (!this.isFollowing) {
      return;
    }
    this.view.cursor = Math.min(position, this.playedTo);
    this.view.draw();
    const again = () => this.follow();
    if (this.view.isStill) {
      setTimeout(again, STILL);
    } else {
      requestAnimationFrame(again);
    }
  }

  /** Move the cursor to where the pictures are touched. */
  point(place) {
    if (this.recording.isDone) {
      this.moveTo(this.view.timeAt(place));
    }
  }

  moveTo(time) {
    this.player.stop();
    this.view.cursor = time;
    this.view.draw();
  }

  say(text) {
    element("status").textContent = text;
  }
}

const unit = new UnitView();
const page = new Page();
followColours(() => {
  page.view.drawAnew();
  unit.draw();
});
globalThis.atomicvadPage = page; // for the browser's console, and for tests
page.begin();
