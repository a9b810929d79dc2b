// The page: buttons, sliders, pictures, and what is said.

const PIECE = 5; // s of a file that are scored before the next picture
const LIVE_SPAN = 10; // s that are shown while the microphone is on
const element = (name) => document.getElementById(`try-${name}`);

/** The section `Try it`. */
class Page {
  microphone = null;
  cursor = 0; // s

  constructor() {
    this.player = new Player();
    this.setUpThreshold();
    this.recording = new Recording("nothing yet", this.rules);
    this.isStill = matchMedia("(prefers-reduced-motion: reduce)");
    element("microphone").onclick = () => (this.microphone ? this.stop() : this.listen());
    element("example").onclick = () => this.loadExample();
    element("file").onchange = ({ target }) => {
      this.openFile(target.files[0]);
      target.value = ""; // the same file may be chosen again
    };
    element("play").onclick = () => this.togglePlay();
    element("position").oninput = ({ target }) => this.moveTo(Number(target.value));
    element("span").onchange = () => this.draw();
    element("pictures").onpointerdown = (event) => this.point(event);
    this.setUpDropping();
    this.followColours();
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
    await this.loadExample();
  }

  // ---- Sources

  async loadExample() {
    try {
      await this.openContent("the example", await exampleContent());
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
      await this.openContent(file.name, await file.arrayBuffer());
    } catch (error) {
      this.say(`${file.name} cannot be opened: ${error.message}.`);
    }
  }

  async openContent(name, content) {
    const { waveform, rate } = await decoded(content);
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
    this.draw();
    return true;
  }

  async listen() {
    element("microphone").disabled = true;
    try {
      await this.openMicrophone();
    } catch (error) {
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
    recording = this.begun("the microphone");
    this.microphone = microphone;
    recording.delay = (await this.detector.ask("open", { rate: microphone.rate })).delay;
    await microphone.start();
    this.showMicrophone();
    this.say("Listening.");
  }

  takeLive(recording, answer) {
    if (this.recording !== recording || recording.isDone) {
      return;
    }
    for (const { kind } of recording.take(answer)) {
      this.say(kind === "start" ? "Listening: speech." : "Listening: no speech.");
    }
    this.draw();
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
    const button = element("microphone");
    button.textContent = this.microphone ? "Stop" : "Use the microphone";
    button.setAttribute("aria-pressed", String(Boolean(this.microphone)));
  }

  begun(name) {
    this.player.stop();
    this.cursor = 0;
    this.recording = new Recording(name, this.rules);
    this.draw();
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
    this.say(`${recording.seconds.toFixed(1)} s of ${recording.name}: ${found} of speech.`);
    this.draw();
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
      this.openFile(event.dataTransfer.files[0]);
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
    this.draw();
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
    this.play(this.cursor < seconds - 0.05 ? this.cursor : 0, seconds);
  }

  play(from, to) {
    const ended = () => {
      element("play").textContent = "Play";
      this.draw();
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
    this.cursor = Math.min(position, this.playedTo);
    this.draw();
    const again = () => this.follow();
    if (this.isStill.matches) {
      setTimeout(again, 500);
    } else {
      requestAnimationFrame(again);
    }
  }

  /** Move the cursor to where the pictures are touched. */
  point({ clientX, currentTarget }) {
    if (this.recording.isDone) {
      const { left, width } = currentTarget.getBoundingClientRect();
      const { from, to } = this.view;
      const time = from + ((clientX - left) / width) * (to - from);
      this.moveTo(Math.max(0, Math.min(time, this.recording.seconds)));
    }
  }

  moveTo(time) {
    this.player.stop();
    this.cursor = time;
    this.draw();
  }

  // ---- Showing

  say(text) {
    element("status").textContent = text;
  }

  /** The times that the pictures show. */
  get view() {
    const { seconds } = this.recording;
    const span = Number(element("span").value);
    if (this.microphone) {
      const length = Number.isFinite(span) ? span : LIVE_SPAN;
      return { from: Math.max(0, seconds - length), to: Math.max(length, seconds) };
    }
    const length = Math.min(span, Math.max(seconds, 1));
    const from = Math.max(0, Math.min(this.cursor - length / 2, Math.max(seconds, 1) - length));
    return { from, to: from + length };
  }

  /** Draw everything, soon, and once for all that happens until then. */
  draw() {
    if (this.isDrawing) {
      return;
    }
    this.isDrawing = true;
    const now = () => {
      this.isDrawing = false;
      this.show();
    };
    if (!this.recording.isDone && (!this.microphone || this.isStill.matches)) {
      setTimeout(now, 250); // a file is still being scored, or nothing shall move
    } else {
      requestAnimationFrame(now);
    }
  }

  show() {
    const { recording, view } = this;
    const { from, to } = view;
    const { isDone, rules } = recording;
    const { length } = recording.samples;
    const shown = [length, recording.mean.length, isDone, rules.threshold, from, to];
    if (this.shown !== shown.join()) {
      this.shown = shown.join();
      drawWave(element("wave"), recording, view);
      drawScores(element("scores"), recording, view);
      drawMfcc(element("mfcc"), recording, view);
      drawAxis(element("axis"), view);
      showFacts(recording);
      this.showSegments();
    }
    const cursor = element("cursor");
    cursor.hidden = !isDone;
    cursor.style.left = `${(100 * (this.cursor - from)) / (to - from)}%`;
    this.showNow();
    this.showPosition();
  }

  showNow() {
    const { recording } = this;
    const step = Math.min(Math.floor(this.cursor / STEP), recording.mean.length - 1);
    const probability =
      this.microphone || step < 0
        ? recording.probability
        : probabilityOf(recording.mean.values[step]);
    element("now").value = probability === undefined ? "–" : probability.toFixed(2);
    element("bar").style.width = `${100 * (probability ?? 0)}%`;
    const isSpeech = this.microphone
      ? recording.segmenter.isSpeech
      : recording.segments.some(({ start, end }) => start <= this.cursor && this.cursor < end);
    element("state").textContent = isSpeech ? "speech" : "no speech";
  }

  showPosition() {
    const slider = element("position");
    const isIdle = this.recording.isDone;
    element("play").disabled = slider.disabled = !isIdle;
    slider.max = this.recording.seconds;
    slider.value = this.cursor;
    element("position-text").value = `${this.cursor.toFixed(1)} s`;
  }

  showSegments() {
    const body = element("segments");
    const { segments, isDone } = this.recording;
    const key = JSON.stringify([segments, isDone]);
    if (this.listed === key) {
      return; // buttons keep the keyboard's focus
    }
    this.listed = key;
    body.replaceChildren(...segments.map((segment) => this.row(segment, isDone)));
  }

  row({ start, end, mean }, isDone) {
    const row = document.createElement("tr");
    for (const value of [start, end, mean]) {
      row.insertCell().textContent = value.toFixed(2);
    }
    const button = document.createElement("button");
    const name = `Play from ${start.toFixed(2)} to ${end.toFixed(2)} s`;
    Object.assign(button, { type: "button", textContent: "▶", ariaLabel: name });
    button.disabled = !isDone;
    button.onclick = () => this.play(start, end);
    row.insertCell().append(button);
    return row;
  }

  /** Draw again where sizes or colours change. */
  followColours() {
    const again = () => {
      this.shown = "";
      this.draw();
      unit.draw();
    };
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
    new ResizeObserver(again).observe(element("wave"));
    const themes = new MutationObserver(again);
    for (const node of [document.documentElement, document.body]) {
      themes.observe(node, { attributes: true, attributeFilter: ["data-theme", "class"] });
    }
  }
}

function showFacts(recording) {
  const { options } = assets;
  const { seconds, busy, delay = 0 } = recording;
  const speech = recording.segments.reduce((sum, { start, end }) => sum + end - start, 0);
  const facts = {
    Length: `${seconds.toFixed(1)} s`,
    Speech: seconds ? `${speech.toFixed(1)} s, ${Math.round((100 * speech) / seconds)} %` : "–",
    Speed: busy ? `${Math.round(seconds / busy)} times real time, ten detectors` : "–",
    "Delay of a decision": `${(options.delay + delay).toFixed(2)} s`,
  };
  const parts = Object.entries(facts).map(([name, value]) => {
    const part = document.createElement("div");
    const [term, definition] = ["dt", "dd"].map((tag) => document.createElement(tag));
    term.textContent = name;
    definition.textContent = value;
    part.append(term, definition);
    return part;
  });
  element("facts").replaceChildren(...parts);
}

const unit = new UnitView();
const page = new Page();
globalThis.atomicvadPage = page; // for the browser's console, and for tests
page.begin();
