// From logits to segments; what atomicvad/detection/segmenter.py does, without cutting long speech.

const probabilityOf = (logit) => (logit > -700 ? 1 / (1 + Math.exp(-logit)) : 0);
const logitOf = (probability) => Math.log(probability / (1 - probability));

/** The rules of detection with a threshold, whose distance to that of offsets is in logits. */
function rulesWith(threshold, { offset_distance, min_speech, min_silence, pad }) {
  const odds = (threshold / (1 - threshold)) * Math.exp(-offset_distance);
  return { threshold, offset_threshold: odds / (1 + odds), min_speech, min_silence, pad };
}

/** Two thresholds, shortest speech, shortest silence, padding; times in s. */
class Segmenter {
  /** `step`: seconds that a logit stands for. */
  constructor(rules, step) {
    const steps = (seconds) => Math.max(1, Math.ceil(seconds / step - 1e-6));
    this.pad = rules.pad;
    this.step = step;
    this.on = logitOf(rules.threshold);
    this.off = logitOf(rules.offset_threshold);
    this.least = steps(rules.min_speech);
    this.gap = steps(Math.max(rules.min_silence, 2 * rules.pad));
    this.now = 0; // logits seen
    this.start = null; // of the segment; null: silence
  }

  /** Whether a segment has begun that is long enough. */
  get isSpeech() {
    return this.start !== null && this.isAnnounced;
  }

  /** The events that further logits complete: { kind, time } and, of an end, { segment }. */
  push(logits) {
    const events = [];
    for (const logit of logits) {
      if (this.start === null && logit >= this.on) {
        this.start = this.last = this.now;
        this.isAnnounced = false;
        this.total = this.totalAtLast = this.peak = 0;
      }
      this.now += 1;
      if (this.start !== null) {
        this.goOn(logit, events);
      }
    }
    return events;
  }

  /** The events at the end of a stream of `duration` seconds. */
  flush(duration) {
    const events = [];
    if (this.start !== null) {
      this.end(events, duration);
    }
    return events;
  }

  goOn(logit, events) {
    const probability = probabilityOf(logit);
    this.total += probability;
    if (logit >= this.off) {
      this.last = this.now;
      this.totalAtLast = this.total;
      this.peak = Math.max(this.peak, probability);
      if (!this.isAnnounced && this.last - this.start >= this.least) {
        events.push({ kind: "start", time: this.startTime });
        this.isAnnounced = true;
      }
    } else if (this.now - this.last >= this.gap) {
      this.end(events, Infinity);
    }
  }

  get startTime() {
    return Math.max(0, this.start * this.step - this.pad);
  }

  end(events, duration) {
    if (this.isAnnounced) {
      const time = Math.min(this.last * this.step + this.pad, duration);
      const mean = this.totalAtLast / (this.last - this.start);
      const segment = { start: this.startTime, end: time, mean, peak: this.peak };
      events.push({ kind: "end", time, segment });
    }
    this.start = null;
  }
}
