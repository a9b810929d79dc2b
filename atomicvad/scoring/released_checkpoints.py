"""Scores of the released checkpoints, by our protocols and as the released code computes them.

The released code calls ``predict`` for each segment, and its 80 dB floor is relative to the loudest
value in a batch of 32 windows, so that a window's features depend on the other windows.
"""

import os
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tqdm.auto import tqdm

from atomicvad.config import Settings
from atomicvad.corpora.clips import decoded_clips, read_labels
from atomicvad.errors import AtomicVADError
from atomicvad.files import CLIP_LABELS
from atomicvad.layers.features import Features
from atomicvad.model import load_model
from atomicvad.scoring.logits import network_logits
from atomicvad.scoring.models import score_models
from atomicvad.scoring.protocols import segment_bounds
from atomicvad.scoring.scores import Sets
from atomicvad.scoring.windows import segment_windows, step_of

FOLDER = "ATOMICVAD_PUBLISHED"  # environment variable with the checkpoints' folder
BATCH = 32  # windows in a batch of Keras' predict


def released_checkpoints() -> list[Path]:
    """The released checkpoints in ``$ATOMICVAD_PUBLISHED``; none if it is not set.

    Raises:
        AtomicVADError: a folder without checkpoints.
    """
    folder = os.environ.get(FOLDER)
    paths = sorted(Path(folder).glob("*.keras")) if folder else []
    if folder and not paths:
        raise AtomicVADError(f"{FOLDER}: {folder}: no .keras files in it")
    return paths


def released_facts(paths: list[Path]) -> dict[str, str]:
    """What a record of the released checkpoints' scores says of them."""
    return {
        "system": "released",
        "title": "AtomicVAD, released checkpoints",
        "package": ", ".join(path.name for path in paths),
        "license": "MIT",
        "how": "the released weights in the architecture built here; 80 dB floor per window",
    }


def score_released(paths: list[Path], settings: Settings) -> Sets:
    """Logits of released checkpoints on both sets; ``as_released``: SWI with a batch's floor."""
    models = [load_model(path) for path in paths]
    sets = score_models(models, settings)
    clips = settings.clips_folder("testing")
    sets["testing"]["as_released"] = batch_floor_scores(models, clips, settings)
    return sets


@keras.saving.register_keras_serializable("atomicvad")
class BatchFloor(Features):
    """``Features`` with one floor for the whole batch."""

    def decibels(self, mel_power: tf.Tensor) -> tf.Tensor:
        """Decibels of ``[batch, frame, bin]``, floored below the batch's maximum."""
        decibels = tf.math.log(tf.maximum(mel_power, 1e-10)) * np.float32(10 / np.log(10))
        return tf.maximum(decibels, tf.reduce_max(decibels) - self.floor_db)


def batch_floor_scores(models: list, folder: Path, settings: Settings) -> np.ndarray:
    """Logits of SWI's windows with ``BatchFloor``, ``[windows, models]``, as in ``score_set``."""
    features, window = tf.function(BatchFloor(), reduce_retracing=True), settings.window_samples
    networks = network_logits(*(model.layers[2] for model in models))
    labels, step, logits = read_labels(folder / CLIP_LABELS), step_of("swi", settings), []
    clips = tqdm(decoded_clips(folder, labels), desc="as released", unit="clip")
    for name, waveform in clips:
        bounds = segment_bounds(labels[labels["video_id"] == name], len(waveform), name)
        starts, segment = segment_windows(bounds, window, step)
        padded = np.concatenate([waveform, np.zeros(window, np.float32)])
        windows = np.lib.stride_tricks.sliding_window_view(padded, window)
        for number in range(len(bounds)):
            of_segment = starts[segment == number]
            for first in range(0, len(of_segment), BATCH):
                images = features(windows[of_segment[first : first + BATCH]]).numpy()
                logits.append(networks(images))
    return np.concatenate(logits)
