"""Batches for training: windows read from the store, augmented, and turned into features.

A window in a batch depends only on ``(seed, epoch, window number)``, so that any batch can be made
again, in any process, with the same bytes.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd

from atomicvad.config import Settings
from atomicvad.data.store import AudioStore
from atomicvad.errors import AtomicVADError
from atomicvad.kernels.features import CompiledFeatures, fast_features
from atomicvad.kernels.masks import spec_augment, spec_cutout
from atomicvad.kernels.random import MASK, PICK, uniform
from atomicvad.kernels.waveform import Plan, compose_all, compose_features
from atomicvad.model import build_features
from atomicvad.parallel import computed_ahead
from atomicvad.training.augment import (
    Places,
    filter_response,
    make_plan,
    make_sounds,
    shifts,
    tape_speeds,
    within,
)

GROUP = 256  # windows prepared at once, so that Python's lock is rarely taken
AHEAD = 4  # groups prepared in advance, a reserve for when the machine is busy


class WindowSet:
    """The windows of a manifest, as positions in a store.

    Attributes:
        starts: first sample of each window in the store, int64 ``[windows]``.
        lowest, ends: first sample of its recording, and the one past its last, int64 ``[windows]``.
        speech: which windows are speech, bool ``[windows]``.
        backgrounds, voices: numbers of the background windows, and of those with speech.
    """

    def __init__(self, manifest: pd.DataFrame, store: AudioStore, settings: Settings):
        recordings = store.recordings.set_index("recording").loc[manifest["audio_filepath"]]
        offsets = np.rint(manifest["offset"].to_numpy() * settings.sample_rate).astype(np.int64)
        self.lowest = recordings["start"].to_numpy(np.int64)
        self.ends = self.lowest + recordings["samples"].to_numpy()
        self.starts = self.lowest + offsets
        self.speech = (manifest["label"] == "speech").to_numpy()
        self.backgrounds, self.voices = np.flatnonzero(~self.speech), np.flatnonzero(self.speech)
        self.store, self.settings = store, settings

    def __len__(self) -> int:
        return len(self.starts)


class TrainingBatches:
    """Batches ``(features, targets)`` of one seed; every epoch is augmented anew.

    Args:
        masks: whether SpecAugment and SpecCutout are applied (not for validation).
    """

    def __init__(self, windows: WindowSet, settings: Settings, seed: int, masks: bool = True):
        self.windows, self.settings, self.seed, self.masks = windows, settings, seed, masks
        self.features = fast_features(build_features(settings))
        self.sounds = make_sounds(settings.waveform)
        self._file = windows.store.file.fileno()
        if not self.steps:
            raise AtomicVADError(
                f"training.batch_size: expected at most the {len(windows)} windows of a split, "
                f"got {settings.training.batch_size}"
            )

    @property
    def steps(self) -> int:
        """Batches per epoch; windows that do not fill a batch are left out of that epoch."""
        return len(self.windows) // self.settings.training.batch_size

    def order(self, epoch: int) -> np.ndarray:
        """Window numbers of an epoch, ``[steps, batch]``."""
        batch = self.settings.training.batch_size
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.windows))
        return order[: self.steps * batch].reshape(self.steps, batch)

    def epoch(self, epoch: int, workers: int = 1) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The batches of one epoch."""
        return self.epochs([epoch], workers)

    def epochs(
        self, epochs: Iterable[int], workers: int = 1
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The batches of several epochs, prepared in ``workers`` threads during training.

        The first batches of an epoch are prepared while the epoch before is validated.
        """
        batch = self.settings.training.batch_size
        size = batch * max(1, GROUP // batch)
        groups = (
            (epoch, numbers[first : first + size])
            for epoch in epochs
            for numbers in [self.order(epoch).ravel()]
            for first in range(0, len(numbers), size)
        )
        with ThreadPoolExecutor(workers) as pool:
            prepared = computed_ahead(pool, lambda group: self.prepare(*group), groups, AHEAD)
            for _, (features, targets) in prepared:
                for first in range(0, len(features), batch):
                    part = slice(first, first + batch)
                    yield features[part], targets[part]

    def prepare(self, epoch: int, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Features ``[n, height, width, 1]`` and one-hot targets ``[n, 2]`` of window numbers."""
        seeds, settings = self.seeds(epoch, numbers), self.settings
        plan, response = self.plan(numbers, seeds), self.response(seeds)[:, 0]
        if isinstance(self.features, CompiledFeatures):
            front, dct, samples = self.features.front, self.features.dct, settings.window_samples
            features = np.empty((len(numbers), *self.features.shape(samples)), np.float32)
            source = self._file, self.sounds, plan
            self._check_read(
                compose_features(*source, response, front, dct, samples, features[..., 0])
            )
        else:
            features = self.features(self.waveforms(numbers, seeds), response[:, np.newaxis])
        if self.masks:
            self.mask(features, seeds)
        return features, np.eye(2, dtype=np.float32)[self.windows.speech[numbers].astype(int)]

    def _check_read(self, read: bool) -> None:
        if not read:
            name = self.windows.store.file.name
            raise AtomicVADError(f"{name}: samples cannot be read; was the file changed?")

    def seeds(self, epoch: int, numbers: np.ndarray) -> np.ndarray:
        """The seeds of all draws for windows in an epoch, int64 ``[n, 2]``."""
        of_epoch = np.full(len(numbers), self.seed * 10_000 + epoch)
        return np.stack([of_epoch, numbers], axis=1)

    def plan(self, numbers: np.ndarray, seeds: np.ndarray) -> Plan:
        """The augmentation plan of windows."""
        windows, settings = self.windows, self.settings
        speeds, background_speeds = tape_speeds(seeds, windows.speech[numbers], settings.waveform)
        shift, moves = shifts(seeds, settings), np.zeros(len(numbers), np.int64)
        if settings.waveform.shift_fill == "zeros":
            shift, moves = moves, shift
        speech, draws = windows.speech[numbers], uniform(seeds, PICK, 2)
        backgrounds = windows.backgrounds[(draws[:, 0] * len(windows.backgrounds)).astype(int)]
        voices = windows.voices[(draws[:, 0] * len(windows.voices)).astype(int)]
        second = speech & (draws[:, 1] < settings.waveform.second_voice_probability)
        backgrounds = np.where(second, voices, backgrounds)
        plan = make_plan(
            self._within(numbers, shift, speeds),
            self._within(backgrounds, 0, background_speeds),
            speech,
            seeds,
            settings.waveform,
            settings.window_samples,
        )
        return plan._replace(moves=moves)

    def response(self, seeds: np.ndarray) -> np.ndarray:
        """Power responses of the windows' channels, ``[n, 1, bins]``."""
        bins = self.settings.features.fft_length // 2 + 1
        return filter_response(seeds, self.settings.waveform, bins)

    def waveforms(self, numbers: np.ndarray, seeds: np.ndarray) -> np.ndarray:
        """Augmented waveforms ``[n, samples]``, without the channel."""
        waveforms = np.empty((len(numbers), self.settings.window_samples), np.float32)
        self._check_read(compose_all(self._file, self.sounds, self.plan(numbers, seeds), waveforms))
        return waveforms

    def _within(self, numbers: np.ndarray, shift: np.ndarray | int, speeds: np.ndarray) -> Places:
        windows = self.windows
        return within(
            windows.starts[numbers] + shift,
            speeds,
            windows.lowest[numbers],
            windows.ends[numbers],
            self.settings.window_samples,
        )

    def mask(self, features: np.ndarray, seeds: np.ndarray) -> None:
        """Apply SpecAugment and SpecCutout to a random part of the features, in place."""
        masks = self.settings.masks
        masked = uniform(seeds, MASK, 1)[:, 0] < masks.probability
        widths = masks.coefficient_masks, masks.frame_masks
        spec_augment(features, seeds, *widths, where=masked, least=masks.least_width)
        box = masks.boxes, masks.box_size
        spec_cutout(features, seeds, *box, where=masked, cut_off=masks.cut_off_boxes)
