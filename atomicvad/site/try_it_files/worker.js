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

function scored(samples, score) {
  const began = performance.now();
  const found = score(samples);
  return { samples, ...found, busy: (performance.now() - began) / 1000 };
}

const answers = {
  begin,
  open,
  // Floats at the job's rate.
  push: ({ waveform }) =>
    scored(toInt16(resampler ? resampler.push(waveform) : waveform), (s) => scorer.push(s)),
  flush: () => scored(new Int16Array(0), () => scorer.flush()),
};

onmessage = async ({ data }) => {
  try {
    postMessage({ job: data.job, kind: data.kind, ...(await answers[data.kind](data)) });
  } catch (error) {
    postMessage({ job: data.job, kind: "error", message: String(error.message ?? error) });
  }
};
