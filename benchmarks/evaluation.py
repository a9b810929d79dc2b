"""How fast the scenes are scored: rows of ``(name, value, unit)``, measured in one run."""

import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import soundfile

from atomicvad.config import load_profile
from atomicvad.corpora.clips import read_labels
from atomicvad.model import build_model, build_network
from atomicvad.scoring.logits import logit_score
from atomicvad.scoring.protocols import score_set, segment_bounds
from atomicvad.scoring.windows import window_starts
from benchmarks.timing import seconds


def _write_set(folder: Path, clips: int, seconds: int) -> None:
    """Noise in AVA-Speech's shape: segments of 0.65 to 4 s."""
    generator, rows = np.random.default_rng(0), []
    (folder / "audio").mkdir(parents=True)
    for number in range(clips):
        waveform = generator.normal(0, 0.05, seconds * 16000).clip(-1, 1)
        soundfile.write(folder / "audio" / f"clip-{number}.flac", waveform, 16000)
        edges = np.cumsum(generator.uniform(0.65, 4, 2 * seconds))
        edges = np.concatenate([[0], edges[edges < seconds - 0.65], [seconds]]) + 900
        for count, (start, end) in enumerate(pairwise(edges)):
            label = "NO_SPEECH" if count % 2 else "CLEAN_SPEECH"
            rows.append(f"clip-{number},{start:.4f},{end:.4f},{label}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")


def evaluation_rows(clips: int = 8, clip_seconds: int = 450) -> list[tuple[str, float, str]]:
    """SWI of ``clips`` clips with one seed and ten; one ``predict`` a segment beside it."""
    settings, models = load_profile("open"), [build_model(build_network(seed=s)) for s in range(10)]
    one, ten = logit_score(models[0]), logit_score(*models)
    silence = np.zeros((2, settings.window_samples), np.float32)
    one(silence), ten(silence)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_set(folder, clips, clip_seconds)
        times = {}
        for label, score in (("one", one), ("ten", ten)):
            times[label] = min(
                seconds(lambda score=score: score_set(score, folder, settings, ("swi",)))
                for _ in range(2)
            )
        windows = len(score_set(one, folder, settings, ("swi",))["swi"])
        labels = read_labels(folder / "labels.csv").query("video_id == 'clip-0'").head(60)
        waveform, _ = soundfile.read(folder / "audio" / "clip-0.flac", dtype="float32")
        parts = []
        for start, end in segment_bounds(labels, len(waveform)):
            starts = window_starts(start, end, settings.window_samples, 1260)
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
