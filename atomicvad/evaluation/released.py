"""What the released code would make of the released checkpoints, defect for defect.

It calls ``predict`` once a segment, and its 80 dB floor lies below the loudest value of the whole
batch of 32 windows: a quiet window beside a loud one becomes another image.
"""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tqdm.auto import tqdm

from atomicvad.config import Settings
from atomicvad.evaluation.protocols import decoded_clips, read_labels, segment_bounds
from atomicvad.evaluation.scoring import network_logits
from atomicvad.evaluation.windows import segment_windows, step_of
from atomicvad.layers.features import Features

BATCH = 32  # of Keras' predict


@keras.saving.register_keras_serializable("atomicvad")
class BatchFloor(Features):
    """``Features`` with one floor for a batch."""

    def decibels(self, mel_power):
        decibels = tf.math.log(tf.maximum(mel_power, 1e-10)) * np.float32(10 / np.log(10))
        return tf.maximum(decibels, tf.reduce_max(decibels) - self.floor_db)


def released_scores(models: list, folder: Path, settings: Settings) -> np.ndarray:
    """Logits of SWI's windows, ``[windows, models]``, in the order of ``score_set``."""
    features, window = tf.function(BatchFloor(), reduce_retracing=True), settings.window_samples
    networks = network_logits(*(model.layers[2] for model in models))
    labels, step, found = read_labels(folder / "labels.csv"), step_of("swi", settings), []
    clips = tqdm(decoded_clips(folder, labels), desc="as released", unit="clip")
    for name, waveform in clips:
        bounds = segment_bounds(labels[labels["video_id"] == name], len(waveform), name)
        starts, segment = segment_windows(bounds, window, step)
        padded = np.concatenate([waveform, np.zeros(window, np.float32)])
        windows = np.lib.stride_tricks.sliding_window_view(padded, window)
        for number in range(len(bounds)):
            own = starts[segment == number]
            for first in range(0, len(own), BATCH):
                images = features(windows[own[first : first + BATCH]]).numpy()
                found.append(networks(images))
    return np.concatenate(found)
