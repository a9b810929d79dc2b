"""Validation during training: on windows of the validation split, or of its scenes."""

import numpy as np
import tensorflow as tf

from atomicvad.audio.signal import SAMPLE_RATE
from atomicvad.config import Settings
from atomicvad.corpora.clips import CLIP_START, decoded_clips, read_labels
from atomicvad.files import CLIP_LABELS
from atomicvad.kernels.features import fast_features
from atomicvad.metrics import binary_metrics
from atomicvad.model import build_features
from atomicvad.sections import WaveformSettings
from atomicvad.training.batches import TrainingBatches, WindowSet
from atomicvad.training.trainer import Trainer

EPOCH_METRICS = ("auroc", "accuracy", "f1", "f2")  # of the speech column, at 0.5
UNAUGMENTED = WaveformSettings(shift_probability=0, white_noise_probability=0)


def validation_batches(settings: Settings, windows: WindowSet) -> list[tuple]:
    """Validation batches without masks, otherwise augmented like training; the same for all seeds.

    With ``training.augment_validation`` off, of windows as they are. With ``training.validation:
    scenes``, of the windows of the validation scenes instead.
    """
    if settings.training.validation == "scenes":
        return scene_batches(settings)
    if not settings.training.augment_validation:
        settings = settings.model_copy(update={"waveform": UNAUGMENTED})
    batches = TrainingBatches(windows, settings, seed=0, masks=False)
    return list(batches.epoch(0))


def scene_batches(settings: Settings) -> list[tuple]:
    """Batches of adjacent windows of the segments of the validation clips, as they are."""
    folder, window = settings.clips_folder("validation"), settings.window_samples
    labels = read_labels(folder / CLIP_LABELS)
    windows, speech = [], []
    for name, waveform in decoded_clips(folder, labels):
        for row in labels[labels["video_id"] == name].itertuples():
            first, last = (round((t - CLIP_START) * SAMPLE_RATE) for t in (row.start, row.end))
            for start in range(first, min(last, len(waveform)) - window + 1, window):
                windows.append(waveform[start : start + window])
                speech.append(int(row.speech))
    features, targets = fast_features(build_features(settings)), np.eye(2, dtype=np.float32)
    size, rows = settings.training.batch_size, np.array(windows, np.float32)
    return [
        (np.array(features(rows[first : first + size])), targets[speech[first : first + size]])
        for first in range(0, len(rows), size)
    ]


class EpochMetrics:
    """Loss and metrics of the first start over the batches of an epoch."""

    def __init__(self) -> None:
        self._losses: list[tf.Tensor] = []
        self._scores: list[tf.Tensor] = []
        self._targets: list[np.ndarray] = []

    def add(self, result: tuple[tf.Tensor, tf.Tensor], targets: np.ndarray) -> None:
        """Count a batch: losses and probabilities as of ``Trainer.step``, one-hot targets."""
        self._losses.append(result[0][0])
        self._scores.append(result[1])
        self._targets.append(targets[:, 1])

    def row(self, prefix: str = "") -> dict[str, float]:
        """Mean loss and ``EPOCH_METRICS``, by name."""
        scores, speech = np.concatenate(self._scores), np.concatenate(self._targets)
        metrics = binary_metrics(speech, scores.astype(np.float32))
        row = {f"{prefix}loss": float(np.mean(self._losses, dtype=np.float64))}
        return row | {f"{prefix}{name}": metrics[name] for name in EPOCH_METRICS}


def validate(trainer: Trainer, batches: list[tuple]) -> dict[str, float]:
    """Loss and metrics of the first start on the validation batches."""
    metrics = EpochMetrics()
    for features, targets in batches:
        metrics.add(trainer.evaluate(features, targets), targets)
    return metrics.row("val_")
