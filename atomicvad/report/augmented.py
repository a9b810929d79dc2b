"""A speech window of the training split, augmented step by step, to look at and listen to."""

from typing import Any, NamedTuple

import numpy as np

from atomicvad.config import Settings
from atomicvad.data.manifest import read_split
from atomicvad.data.store import AudioStore
from atomicvad.kernels.masks import spec_augment, spec_cutout
from atomicvad.report.examples import Rows, clearest, decibels
from atomicvad.sections import MaskSettings, WaveformSettings
from atomicvad.training import augment
from atomicvad.training.batches import TrainingBatches, WindowSet

WINDOWS_TRIED, EPOCHS_TRIED = 50, 30


class Changes(NamedTuple):
    """How a window is changed for show; the first values change nothing."""

    shift_ms: float = 0.0
    snr_db: float | None = None  # of the speech to a background; None: none is mixed in
    speed: float = 1.0
    level_db: float | None = None  # dBFS; None: as recorded
    noise_db: float | None = None  # dBFS of white noise; None: none is added
    band_hz: tuple[float, float] | None = None  # what a filter leaves; None: everything

    def settings(self, settings: Settings) -> Settings:
        """A profile's settings with these changes, each for certain, and no other."""
        values: dict[str, Any] = {
            name: 0.0 for name in WaveformSettings.model_fields if name.endswith("_probability")
        }
        values |= {"speech_speed": (self.speed, self.speed), "background_speed": (1.0, 1.0)}
        values |= {"level_db": None if self.level_db is None else (self.level_db, self.level_db)}
        if self.shift_ms:
            values |= {"shift_probability": 1.0, "shift_ms": (self.shift_ms, self.shift_ms)}
        if self.snr_db is not None:
            values |= {"mix_probability": 1.0, "mix_snr_db": (self.snr_db, self.snr_db)}
        if self.noise_db is not None:
            values |= {"white_noise_probability": 1.0}
            values |= {"white_noise_db": (self.noise_db, self.noise_db)}
        if self.band_hz is not None:
            low, high = self.band_hz
            values |= {"filter_probability": 1.0, "colour_db": 0.0}
            values |= {"high_pass_hz": (low, low), "low_pass_hz": (high, high)}
        return settings.model_copy(update={"waveform": settings.waveform.model_copy(update=values)})


class Example:
    """A speech window that is clear, in an epoch whose background is heard.

    Attributes:
        settings: of the profile.
        number: of the window in the training split.
        epoch: whose draws are shown.
    """

    def __init__(self, store: AudioStore, settings: Settings):
        self.settings = settings.model_copy(
            update={"training": settings.training.model_copy(update={"batch_size": 1})}
        )
        manifest = read_split(settings.data_folder, "training", store)
        self.windows = WindowSet(manifest, store, settings)
        speech = self.windows.voices[:: max(1, len(self.windows.voices) // WINDOWS_TRIED)]
        pieces = store.gather(self.windows.starts[speech], settings.window_samples)
        self.number = int(speech[clearest(list(pieces / 32768))])
        self.epoch = self._heard_epoch()

    def augmented(self, settings: Settings, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """The window as it is trained on in an epoch, before masks.

        Args:
            settings: of the augmentation.
            epoch: whose draws are taken.

        Returns:
            The waveform at 16 kHz, ``[samples]``, and its MFCC, ``[1, coefficient, frame, 1]``.
        """
        batches, numbers = self._batches(settings), np.array([self.number])
        seeds = batches.seeds(epoch, numbers)
        waveforms, response = batches.waveforms(numbers, seeds), batches.response(seeds)
        filtered = augment.filter_waveforms(waveforms, response)
        return filtered[0], batches.features(waveforms, response)

    def changed(self, changes: Changes) -> tuple[np.ndarray, np.ndarray]:
        """The window after some changes alone: its waveform and MFCC, as ``augmented``."""
        return self.augmented(changes.settings(self.settings), self.epoch)

    def masked(self, features: np.ndarray, masks: MaskSettings, name: str) -> np.ma.MaskedArray:
        """MFCC with the masks of ``SpecAugment`` or ``SpecCutout``, ``[coefficient, frame]``."""
        left, seeds = features.copy(), self.seeds(self.epoch)
        if name == "SpecAugment":
            spec_augment(left, seeds, masks.coefficient_masks, masks.frame_masks)
        else:
            spec_cutout(left, seeds, masks.boxes, masks.box_size)
        return hidden(left, features)

    def trained_on(self, epoch: int) -> tuple[np.ndarray, np.ma.MaskedArray]:
        """What the network gets in an epoch: the waveform, and MFCC ``[coefficient, frame]``."""
        waveform, features = self.augmented(self.settings, epoch)
        left = features.copy()
        self._batches(self.settings).mask(left, self.seeds(epoch))
        return waveform, hidden(left, features)

    def seeds(self, epoch: int) -> np.ndarray:
        """The seeds of all draws for the window in an epoch, int64 ``[1, 2]``."""
        return self._batches(self.settings).seeds(epoch, np.array([self.number]))

    def _batches(self, settings: Settings) -> TrainingBatches:
        return TrainingBatches(self.windows, settings, seed=settings.seeds[0])

    def _heard_epoch(self) -> int:
        """The first epoch that mixes in a background at the ratio that it is asked for.

        A background may be digital silence, which no gain makes louder.
        """
        alone, mixed = (
            changes.settings(self.settings) for changes in (Changes(), Changes(snr_db=0.0))
        )
        speech, _ = self.augmented(alone, 0)
        for epoch in range(EPOCHS_TRIED):
            background = self.augmented(mixed, epoch)[0] - speech
            if abs(decibels(speech) - decibels(background)) < 1:
                return epoch
        return 0


def hidden(masked: np.ndarray, features: np.ndarray) -> np.ma.MaskedArray:
    """Features ``[1, coefficient, frame, 1]`` as ``[coefficient, frame]``, changed ones masked."""
    return np.ma.masked_array(masked, masked != features)[0, :, :, 0]


def augmentation_steps(example: Example) -> dict[str, np.ndarray]:
    """The window as it is, and after each augmentation of the waveform alone, ``[samples]``."""
    steps = {
        "as recorded": Changes(),
        "shifted by 5 ms": Changes(shift_ms=5.0),
        "with background 3 dB below it": Changes(snr_db=3.0),
        "played 1.2 times as fast": Changes(speed=1.2),
        "brought to −35 dBFS": Changes(level_db=-35.0),
        "with white noise of −46 dBFS": Changes(noise_db=-46.0),
        "through 300 to 3,000 Hz": Changes(band_hz=(300.0, 3000.0)),
    }
    return {name: example.changed(changes)[0] for name, changes in steps.items()}


def mask_steps(example: Example) -> dict[str, np.ndarray]:
    """The window's MFCC, and what SpecAugment and SpecCutout leave of them."""
    _, features = example.changed(Changes())
    steps = {"no masks": features[0, :, :, 0]}
    for name in ("SpecAugment", "SpecCutout"):
        steps[name] = example.masked(features, example.settings.masks, name)
    return steps


def epochs_of_one_window(example: Example, epochs: int) -> Rows:
    """The window in several epochs: its augmented waveform, and the features with masks."""
    return {f"epoch {epoch + 1}": example.trained_on(epoch) for epoch in range(epochs)}
