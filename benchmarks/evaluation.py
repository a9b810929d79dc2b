"""Speed of scoring labelled clips."""

import tempfile
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import soundfile

from atomicvad.audio.signal import SAMPLE_RATE
from atomicvad.config import load_profile
from atomicvad.corpora.clips import CLIP_START, read_labels
from atomicvad.files import CLIP_LABELS
from atomicvad.model import build_model, build_network
from atomicvad.scoring.logits import logit_score
from atomicvad.scoring.protocols import score_set, segment_bounds
from atomicvad.scoring.windows import step_of, window_starts
from benchmarks.timing import Row, seconds


def _write_set(folder: Path, clips: int, seconds: int) -> None:
    """Write clips of noise in AVA-Speech's format, with segments of 0.65 to 4 s."""
    generator, rows = np.random.default_rng(0), []
    (folder / "audio").mkdir(parents=True)
    for number in range(clips):
        waveform = generator.normal(0, 0.05, seconds * SAMPLE_RATE).clip(-1, 1)
        soundfile.write(folder / "audio" / f"clip-{number}.flac", waveform, SAMPLE_RATE)
        edges = np.cumsum(generator.uniform(0.65, 4, 2 * seconds))
        edges = np.concatenate([[0], edges[edges < seconds - 0.65], [seconds]]) + CLIP_START
        for count, (start, end) in enumerate(pairwise(edges)):
            label = "NO_SPEECH" if count % 2 else "CLEAN_SPEECH"
            rows.append(f"clip-{number},{start:.4f},{end:.4f},{label}")
    (folder / CLIP_LABELS).write_text("\n".join(rows) + "\n")


def evaluation_rows(clips: int = 8, clip_seconds: int = 450) -> list[Row]:
    """Time SWI on ``clips`` clips with one and ten seeds, and Keras' ``predict`` per segment."""
    settings, models = load_profile("open"), [build_model(build_network(seed=s)) for s in range(10)]
    scorers = {"one": logit_score(models[0]), "ten": logit_score(*models)}
    for score in scorers.values():  # compile
        score(np.zeros((2, settings.window_samples), np.float32))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_set(folder, clips, clip_seconds)
        times = {}
        for label, score in scorers.items():
            score_clips = partial(score_set, score, folder, settings, ("swi",))
            times[label] = min(seconds(score_clips) for _ in range(2))
        windows = len(score_set(scorers["one"], folder, settings, ("swi",))["swi"])
        labels = read_labels(folder / CLIP_LABELS).query("video_id == 'clip-0'").head(60)
        waveform, _ = soundfile.read(folder / "audio" / "clip-0.flac", dtype="float32")
        parts = []
        for start, end in segment_bounds(labels, len(waveform)):
            starts = window_starts(start, end, settings.window_samples, step_of("swi", settings))
            parts.append(np.stack([waveform[s : s + settings.window_samples] for s in starts]))
        models[0].predict(parts[0], verbose=0)
        predict = seconds(lambda: [models[0].predict(part, verbose=0) for part in parts])
    throughput, plain = windows / times["one"], sum(map(len, parts)) / predict
    audio = clips * clip_seconds
    return [
        ("swi_one_seed_real_time", audio / times["one"], "x real time"),
        ("swi_one_seed_windows_per_second", throughput, "windows/s"),
        ("swi_predict_windows_per_second", plain, "windows/s"),
        ("swi_one_seed_over_predict", throughput / plain, "ratio"),
        ("swi_ten_seeds_real_time", audio / times["ten"], "x real time"),
        ("swi_ten_seeds_over_one", times["ten"] / times["one"], "ratio"),
    ]
