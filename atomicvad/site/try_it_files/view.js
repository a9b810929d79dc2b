// What is shown of a recording.

const LIVE_SPAN = 10; // s that are shown while the microphone is on
const SLOWLY = 250; // ms between pictures of a file that is being scored
const STILL = 500; // ms between pictures where nothing shall move
const element = (name) => document.getElementById(`try-${name}`);

/** The pictures, numbers and segments of a recording, and a cursor in it. */
class View {
  isLive = false; // the microphone is on
  cursor = 0; // s

  /** `play` is called with two times in s when a segment's button is pressed. */
  constructor(recording, play) {
    this.recording = recording;
    this.play = play;
    this.stillness = matchMedia("(prefers-reduced-motion: reduce)");
    element("span").onchange = () => this.draw();
  }

  get isStill() {
    return this.stillness.matches;
  }

  /** Show another recording from its beginning. */
  begin(recording) {
    this.recording = recording;
    this.cursor = 0;
    this.draw();
  }

  /** The times that the pictures show. */
  get times() {
    const { seconds } = this.recording;
    const span = Number(element("span").value);
    if (this.isLive) {
      const length = Number.isFinite(span) ? span : LIVE_SPAN;
      return { from: Math.max(0, seconds - length), to: Math.max(length, seconds) };
    }
    const length = Math.min(span, Math.max(seconds, 1));
    const from = Math.max(0, Math.min(this.cursor - length / 2, Math.max(seconds, 1) - length));
    return { from, to: from + length };
  }

  /** The time at a place in the pictures, in CSS pixels from the window's left. */
  timeAt(place) {
    const { left, width } = element("pictures").getBoundingClientRect();
    const { from, to } = this.times;
    const time = from + ((place - left) / width) * (to - from);
    return Math.max(0, Math.min(time, this.recording.seconds));
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
    if (this.recording.isDone || (this.isLive && !this.isStill)) {
      requestAnimationFrame(now);
    } else {
      setTimeout(now, this.isLive ? STILL : SLOWLY);
    }
  }

  show() {
    const { recording, times } = this;
    const { from, to } = times;
    const { isDone, rules } = recording;
    const { length } = recording.samples;
    const shown = [length, recording.mean.length, isDone, rules.threshold, from, to];
    if (this.shown !== shown.join()) {
      this.shown = shown.join();
      drawWave(element("wave"), recording, times);
      drawScores(element("scores"), recording, times);
      drawMfcc(element("mfcc"), recording, times);
      drawAxis(element("axis"), times);
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
      this.isLive || step < 0
        ? recording.probability
        : probabilityOf(recording.mean.values[step]);
    element("now").value = probability === undefined ? "–" : probability.toFixed(2);
    element("bar").style.width = `${100 * (probability ?? 0)}%`;
    const isSpeech = this.isLive
      ? recording.segmenter.isSpeech
      : recording.segments.some(({ start, end }) => start <= this.cursor && this.cursor < end);
    const place = this.isLive ? "now" : "at the cursor";
    element("now-label").textContent = `Probability of speech ${place}`;
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
    Object.assign(button, { type: "button", textContent: "▶", disabled: !isDone });
    button.setAttribute("aria-label", name);
    button.onclick = () => this.play(start, end);
    row.insertCell().append(button);
    return row;
  }

  /** Draw everything anew: sizes or colours have changed. */
  drawAnew() {
    this.shown = "";
    this.draw();
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

/** Call `again` where sizes or colours change. */
function followColours(again) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  new ResizeObserver(again).observe(element("wave"));
  const themes = new MutationObserver(again);
  for (const node of [document.documentElement, document.body]) {
    themes.observe(node, { attributes: true, attributeFilter: ["data-theme", "class"] });
  }}
