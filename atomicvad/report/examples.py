"""Examples to look at and listen to: windows of recordings, and each augmentation by itself."""

from typing import Any

import numpy as np

from atomicvad.config import Settings
from atomicvad.data.manifest import read_split
from atomicvad.data.store import AudioStore
from atomicvad.kernels.masks import spec_augment, spec_cutout
from atomicvad.model import build_features
from atomicvad.sections import WaveformSettings
from atomicvad.training import augment
from atomicvad.training.batches import TrainingBatches, WindowSet

# Waveform and features by name.
Rows = dict[str, tuple[np.ndarray, np.ndarray]]


def _with_features(waveforms: dict[str, np.ndarray], settings: Settings) -> Rows:
    layer = build_features(settings)
    return {
        name: (waveform, layer(waveform[np.newaxis]).numpy()[0, :, :, 0])
        for name, waveform in waveforms.items()
    }


def example_windows(store: AudioStore, split: str, settings: Settings, most: int = 6) -> Rows:
    """A window of up to ``most`` sources of a split, both classes in turn."""
    windows = read_split(settings.data_folder, split, store)
    examples = windows.groupby(["label", "source"]).sample(1, random_state=1)
    examples = examples.assign(turn=examples.groupby("label").cumcount())
    shown = examples.sort_values(["turn", "label"]).head(most)
    numbers = {name: index for index, name in enumerate(store.recordings["recording"])}
    waveforms = {
        f"{row.label}: {row.audio_filepath}": store.read(
            numbers[row.audio_filepath],
            round(row.offset * settings.sample_rate),
            settings.window_samples,
        )
        for row in shown.itertuples()
    }
    return _with_features(waveforms, settings)


def _one_speech_window(store: AudioStore, settings: Settings) -> tuple[TrainingBatches, int]:
    """Batches of one, and the number of the loudest of a few speech windows."""
    settings = settings.model_copy(
        update={"training": settings.training.model_copy(update={"batch_size": 1})}
    )
    windows = WindowSet(read_split(settings.data_folder, "training", store), store, settings)
    batches = TrainingBatches(windows, settings, seed=settings.seeds[0])
    speech = np.flatnonzero(windows.speech)[:: max(1, int(windows.speech.sum()) // 50)]
    pieces = store.gather(windows.starts[speech], settings.window_samples)
    levels = np.square(pieces.astype(float)).mean(axis=1)
    return batches, int(speech[np.argmax(levels)])


def augmentation_steps(store: AudioStore, settings: Settings) -> Rows:
    """One speech window as it is, and after each augmentation of the waveform alone."""
    level = settings.waveform.level_db or (-40.0, -20.0)
    steps: dict[str, dict[str, Any]] = {
        "as recorded": {},
        "shifted": {"shift_probability": 1.0},
        "with background at 3 dB": {"mix_probability": 1.0, "mix_snr_db": (3.0, 3.0)},
        "played 1.2 times as fast": {"speech_speed": (1.2, 1.2)},
        "at another level": {"level_db": level},
        "with white noise": {"white_noise_probability": 1.0},
        "filtered": {"filter_probability": 1.0},
    }
    off: dict[str, Any] = {
        name: 0.0 for name in WaveformSettings.model_fields if name.endswith("_probability")
    }
    off |= {"level_db": None, "speech_speed": (1.0, 1.0), "background_speed": (1.0, 1.0)}
    waveforms = {}
    for name, step in steps.items():
        waveform = settings.waveform.model_copy(update=off | step)
        alone = settings.model_copy(update={"waveform": waveform})
        waveforms[name], _ = _augmented(*_one_speech_window(store, alone))
    return _with_features(waveforms, settings)


def _augmented(
    batches: TrainingBatches, number: int, epoch: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """A window as it is trained on in an epoch: its waveform, and its features without masks."""
    numbers = np.array([number])
    seeds = batches.seeds(epoch, numbers)
    waveforms, response = batches.waveforms(numbers, seeds), batches.response(seeds)
    filtered = augment.filter_waveforms(waveforms, response)
    return filtered[0], batches.features(waveforms, response)


def mask_steps(store: AudioStore, settings: Settings) -> Rows:
    """One window's features without masks, with SpecAugment, and with SpecCutout."""
    batches, number = _one_speech_window(store, settings)
    seeds, masks = batches.seeds(0, np.array([number])), settings.masks
    waveform, features = _augmented(batches, number)
    shown = {name: features.copy() for name in ("no masks", "SpecAugment", "SpecCutout")}
    spec_augment(shown["SpecAugment"], seeds, masks.coefficient_masks, masks.frame_masks)
    spec_cutout(shown["SpecCutout"], seeds, masks.boxes, masks.box_size)
    return {name: (waveform, step[0, :, :, 0]) for name, step in shown.items()}


def epochs_of_one_window(store: AudioStore, settings: Settings, epochs: int) -> Rows:
    """One window in several epochs: its augmented waveform, and the features with masks."""
    batches, number = _one_speech_window(store, settings)
    rows, numbers = {}, np.array([number])
    for epoch in range(epochs):
        waveform, features = _augmented(batches, number, epoch)
        batches.mask(features, batches.seeds(epoch, numbers))
        rows[f"epoch {epoch + 1}"] = (waveform, features[0, :, :, 0])
    return rows
