"""The detector's defaults, chosen on the validation scenes, and the weights the package brings.

A setting's score is ``onset_f1 + offset_f1 - detection_error_rate``: how many boundaries are found
within 200 ms, and how much time is wrong, false alarms included. It is the mean over the seeds,
each at its best threshold. One option after the other takes its best value until none changes.
"""

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from atomicvad.audio.signal import FRAME
from atomicvad.config import Settings
from atomicvad.corpora.clips import decoded_clips, read_labels
from atomicvad.detection.defaults import DEFAULTS
from atomicvad.detection.models import ENSEMBLE, ONNX, Step
from atomicvad.detection.models import WEIGHTS as PACKAGED
from atomicvad.detection.segmenter import Rules
from atomicvad.device.engine import STEP
from atomicvad.device.export.onnx import onnx_model
from atomicvad.device.weights import flat
from atomicvad.evaluation.intervals import clip_draws
from atomicvad.evaluation.items import recorded_clips
from atomicvad.evaluation.segments import decisions, labelled_speech, match_counts, match_metrics
from atomicvad.files import CLIP_LABELS, WEIGHTS, replacing
from atomicvad.model import load_model
from atomicvad.runs.hysteresis import curve, segments
from atomicvad.runs.segments import SECONDS, Logits, raw_logits, seeds_model

CHOICE = "detection_choice.csv"
# The scenes have no speech and no silence shorter than 0.65 s, and cannot tell how to treat them:
# durations end at less than half of that.
OPTIONS: dict[Step, dict[str, tuple[float, ...]]] = {
    "10ms": {
        "smoothing": (1, 5, 9, 17, 25, 33, 49),
        "offset_distance": (0.0, 0.25, 0.5, 0.75, 1.0),
        "min_speech": (0.1, 0.2, 0.3),
        "min_silence": (0.1, 0.2, 0.3),
        "pad": (0.0, 0.03, 0.06, 0.1),
    }
}
OPTIONS["79ms"] = OPTIONS["10ms"] | {"smoothing": (1, 3, 5, 7)}
START = {"offset_distance": 0.5, "min_speech": 0.2, "min_silence": 0.2, "pad": 0.0}
ENOUGH = 0.01  # of the score: the narrowest smoothing this near to the best delays least
COARSE, FINE = np.arange(-1.8, 1.81, 0.2), np.arange(-0.2, 0.21, 0.05)  # logits


@dataclass(frozen=True)
class Scenes:
    """The validation scenes: what is spoken, and the logits of all seeds."""

    true: list[np.ndarray]
    speech: np.ndarray  # bool [frames], clip after clip
    clip_frames: np.ndarray
    logits: Logits
    step: Step

    def score(self, curves: list[np.ndarray], setting: dict[str, float], threshold: float) -> float:
        """How good the segments of one member are."""
        rules = rules_of(setting, threshold)
        found = [segments(values, rules, SECONDS[self.step]) for values in curves]
        draws = clip_draws(len(found), 0)
        f1 = match_metrics(match_counts(self.true, found), draws)
        wrong = (decisions(found, self.clip_frames) != self.speech).sum() / self.speech.sum()
        return float(f1["onset_f1"][0] + f1["offset_f1"][0] - wrong)

    def best(
        self, members: list[int], setting: dict[str, float], thresholds: np.ndarray
    ) -> tuple[float, float]:
        """The best of ``thresholds`` (logits) for the mean of some seeds, and its score."""
        curves = [
            curve(values[:, members], silent, int(setting["smoothing"]), STEP)
            for values, silent in self.logits
        ]
        scores = [self.score(curves, setting, threshold) for threshold in thresholds]
        return float(thresholds[int(np.argmax(scores))]), max(scores)


def rules_of(setting: dict[str, float], threshold: float) -> Rules:
    """The rules of a setting at a threshold in logits."""
    on, off = (1 / (1 + np.exp(-x)) for x in (threshold, threshold - setting["offset_distance"]))
    durations = {name: setting[name] for name in ("min_speech", "min_silence", "pad")}
    return Rules(float(on), float(off), **durations)


def choose(settings: Settings) -> tuple[dict[str, Any], pd.DataFrame]:
    """The defaults of both forms, and the score of every setting that was compared.

    Raises:
        AtomicVADError: a seed has no weights.
    """
    folder = settings.clips_folder("validation")
    waveforms = [
        waveform for _, waveform in decoded_clips(folder, read_labels(folder / CLIP_LABELS))
    ]
    model, clips = seeds_model(settings), recorded_clips(settings, "validation")
    true = labelled_speech(clips.labels)
    clip_frames = np.array([len(waveform) // FRAME for waveform in waveforms])
    speech = decisions(true, clip_frames)
    steps, rows, means = {}, [], {}
    for step in OPTIONS:
        logits = raw_logits(model, waveforms, step)
        scenes = Scenes(true, speech, clip_frames, logits, step)
        steps[step], table, means[step] = _choose_step(scenes, settings.seeds)
        rows.append(table)
    scores = means["10ms"]
    seed = max((str(seed) for seed in settings.seeds), key=scores.__getitem__)
    best = {"model": max((seed, ENSEMBLE), key=scores.__getitem__), "seed": seed}
    return best | {"steps": steps}, pd.concat(rows, ignore_index=True)


def _choose_step(
    scenes: Scenes, seeds: Iterable[int]
) -> tuple[dict[str, Any], pd.DataFrame, dict[str, float]]:
    """Defaults, the settings that were compared, and the score of each seed and of their mean."""
    names, options = list(seeds), OPTIONS[scenes.step]
    known: dict[tuple, float] = {}
    rows = []

    def mean_score(setting: dict[str, float]) -> float:
        key = tuple(setting.values())
        if key not in known:
            with ThreadPoolExecutor(2) as pool:
                tasks = [pool.submit(scenes.best, [n], setting, COARSE) for n in range(len(names))]
                known[key] = float(np.mean([task.result()[1] for task in tasks]))
            rows.append({"step": scenes.step, **setting, "score": known[key]})
            bar.update()
        return known[key]

    setting, before = {"smoothing": options["smoothing"][2], **START}, None
    with tqdm(desc=f"defaults, {scenes.step}", unit="setting") as bar:
        while setting != before:
            before = dict(setting)
            for name, values in options.items():
                scores = [mean_score({**setting, name: value}) for value in values]
                enough = ENOUGH if name == "smoothing" else 0.0
                reached = [s >= max(scores) - enough for s in scores]
                setting[name] = values[reached.index(True)]
    members = {str(seed): [number] for number, seed in enumerate(names)}
    members[ENSEMBLE] = list(range(len(names)))
    best = {name: _threshold(scenes, chosen, setting) for name, chosen in members.items()}
    thresholds = {name: threshold for name, (threshold, _) in best.items()}
    table = pd.DataFrame(rows).sort_values("score", ascending=False, ignore_index=True)
    return setting | {"thresholds": thresholds}, table, {n: score for n, (_, score) in best.items()}


def _threshold(
    scenes: Scenes, members: list[int], setting: dict[str, float]
) -> tuple[float, float]:
    """The best threshold as a probability, and its score."""
    coarse, _ = scenes.best(members, setting, COARSE)
    found, score = scenes.best(members, setting, coarse + FINE)
    return round(float(1 / (1 + np.exp(-found))), 4), score


def write_package_data(settings: Settings) -> pd.DataFrame:
    """Choose the defaults, and write them, the seeds' weights and an ONNX file into the package.

    Returns:
        The settings that were compared, also in ``detection_choice.csv``.

    Raises:
        AtomicVADError: a seed has no weights.
    """
    chosen, table = choose(settings)
    with replacing(settings.results_folder / CHOICE) as path:
        table.to_csv(path, index=False, float_format="%.6g")
    with replacing(DEFAULTS) as path:
        path.write_text(json.dumps(chosen, indent=1) + "\n", encoding="utf-8")
    model = seeds_model(settings)
    with replacing(PACKAGED) as path, open(path, "wb") as file:
        weights = np.stack([flat(arrays) for arrays in model.members])
        np.savez(file, seeds=np.array(settings.seeds), weights=weights)
    of_seed = load_model(settings.run_folder(int(chosen["seed"])) / WEIGHTS)
    with replacing(ONNX) as path:
        path.write_bytes(onnx_model(of_seed).SerializeToString(deterministic=True))
    return table
