// The worker: samples in, scores out. It answers every message in order, with the job's number.

let core, scorer, resampler, settings;

async function begin({ module, weights, options }) {
  settings = options;
  const { instance } = await WebAssembly.instantiate(module);
  core = new Core(instance.exports, weights, settings.seeds.length);
  return {};
}

function open({ rate }) {
  scorer = new Scorer(core, settings);
  resampler = rate === 16000 ? null : new Resampler(rate, 16000);
  return { delay: resampler ? resampler.delay : 0 };
}

/** What `score` makes of samples that `take` gives, and how many seconds both took. */
function timed(take, score) {
  const began = performance.now();
  const samples = take();
  return { samples, ...score(samples), busy: (performance.now() - began) / 1000 };
}

const answers = {
  begin,
  open,
  // Floats at the rate that `open` was told.
  push: ({ waveform }) =>
    timed(
      () => toInt16(resampler ? resampler.push(waveform) : waveform),
      (samples) => scorer.push(samples),
    ),
  flush: () => timed(() => new Int16Array(0), () => scorer.flush()),
};

onmessage = async ({ data }) => {
  try {
    postMessage({ job: data.job, kind: data.kind, ...(await answers[data.kind](data)) });
  } catch (error) {
    postMessage({ job: data.job, kind: "error", message: String(error.message ?? error) });
  }
};
