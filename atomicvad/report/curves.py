"""What the figures of the results draw, from scores, labels and weights."""

import numpy as np
import pandas as pd
from scipy.special import expit

from atomicvad.audio.decode import decode
from atomicvad.config import Settings
from atomicvad.corpora.clips import CLIP_START, find_clip
from atomicvad.evaluation.calibration import reliability_counts, reliability_curve
from atomicvad.evaluation.items import members, recorded_clips
from atomicvad.evaluation.systems import load_system, system_files
from atomicvad.files import SCORES, WEIGHTS
from atomicvad.model import load_model, new_model
from atomicvad.scoring.protocols import window_table
from atomicvad.scoring.scores import load_scores, recorded_labels


def window_scores(settings: Settings, protocol: str = "swi") -> dict[int, pd.DataFrame]:
    """Window scores of every seed: ``segment``, ``window_start``, ``probability``."""
    labels, tables = recorded_labels(settings), {}
    for seed in settings.seeds:
        scores = load_scores(settings.run_folder(seed) / SCORES, settings)["testing"]
        table = window_table(labels, scores["clip_samples"], settings, protocol)
        tables[seed] = table.assign(probability=expit(scores[protocol][:, 0]))
    return tables


def segment_scores(settings: Settings, protocol: str = "swi") -> dict[int, pd.Series]:
    """A score a segment (the median of its windows'), by seed."""
    tables = window_scores(settings, protocol)
    return {s: table.groupby("segment")["probability"].median() for s, table in tables.items()}


def reliability_curves(settings: Settings, protocol: str = "swi-median") -> dict[str, list[dict]]:
    """How scores of segments relate to the share with speech: a curve a member, by system."""
    clips = recorded_clips(settings)
    curves: dict[str, list[dict]] = {}
    for name in system_files(settings):
        scores = load_system(name, settings)["testing"]
        curves[name] = []
        for member in range(members(scores)):
            items = clips.items(scores, name, member, protocol)
            counts = reliability_counts(items.speech, expit(items.scores), items.clip, clips.count)
            curves[name].append(reliability_curve(counts))
    return curves


def activation_weights(settings: Settings) -> dict[int, dict[str, np.ndarray]]:
    """The four scalars (w1, w2, b1, b2) of both GGCUs, by seed."""
    weights_by_seed, model = {}, new_model(settings)
    for seed in settings.seeds:
        load_model(settings.run_folder(seed) / WEIGHTS, model)
        network = model.get_layer("network")
        weights_by_seed[seed] = {
            block: np.concatenate([weight.numpy() for weight in layer.weights])
            for block in ("b1", "b2")
            for layer in [network.get_layer(f"{block}_activation")]
        }
    return weights_by_seed


def scene_stretch(settings: Settings, seconds: float) -> dict:
    """The first ``seconds`` of the first scene: what ``figures.timeline`` draws."""
    labels = recorded_labels(settings)
    clip = labels["video_id"].iloc[0]
    waveform = np.zeros(0, np.float32)
    folder = settings.clips_folder("testing")
    if folder.is_dir():  # without audio the scores are drawn alone
        waveform = decode(find_clip(folder, clip))[: round(seconds * settings.sample_rate)]
    tables = [table.assign(seed=seed) for seed, table in window_scores(settings).items()]
    scores = pd.concat(tables)
    return {
        "waveform": waveform,
        "segments": labels[labels["video_id"] == clip],
        "scores": scores[scores["segment"].map(labels["video_id"]) == clip],
        "start": CLIP_START,
        "seconds": seconds,
        "window_seconds": settings.window_seconds,
    }
