"""What the notebooks show of recordings and augmentations: tables, examples, steps."""

import numpy as np
import pandas as pd
import tensorflow as tf

from atomicvad.config import Settings
from atomicvad.data import augment
from atomicvad.data.audio import AudioStore
from atomicvad.data.manifest import SPLITS, read_split
from atomicvad.data.pipeline import TrainingBatches, WindowSet, build_features
from atomicvad.layers.augment import spec_augment, spec_cutout

Rows = dict[str, tuple[np.ndarray, np.ndarray]]


def hours_table(recordings: pd.DataFrame) -> pd.DataFrame:
    """Hours, recordings, languages and speakers by split and kind."""
    table = recordings.assign(hours=recordings["samples"] / 16000 / 3600)
    table = table.replace({"language": {"": None}, "speaker": {"": None}})
    return table.groupby(["split", "kind"], sort=False).agg(
        hours=("hours", lambda hours: round(hours.sum(), 2)),
        recordings=("recording", "size"),
        languages=("language", "nunique"),
        speakers=("speaker", "nunique"),
        sources=("source", "nunique"),
    )


def windows_table(settings: Settings) -> pd.DataFrame:
    """Windows in the manifests, by split, class and how many sources they come from."""
    tables = [read_split(settings.data_folder, split).assign(split=split) for split in SPLITS]
    grouped = pd.concat(tables).groupby(["split", "label"], sort=False)
    return grouped.agg(windows=("offset", "size"), sources=("source", "nunique"))


def levels_and_bandwidths(store: AudioStore, most: int = 400, seconds: float = 10) -> pd.DataFrame:
    """Level (dBFS) and bandwidth (Hz) of up to ``most`` recordings of every kind."""
    rows = []
    for kind, table in store.recordings.groupby("kind"):
        table = table[table["samples"] >= 4000]
        for row in table.sample(min(most, len(table)), random_state=0).itertuples():
            waveform = store.read(row.Index, 0, min(row.samples, round(seconds * 16000)))
            energy = np.abs(np.fft.rfft(waveform)) ** 2
            total = np.cumsum(energy)
            if total[-1] > 0:
                edge = np.searchsorted(total, 0.995 * total[-1]) / len(waveform) * 16000
                level = 10 * np.log10(np.mean(np.square(waveform)))
                rows.append((kind, level, edge))
    return pd.DataFrame(rows, columns=["kind", "level_db", "bandwidth_hz"])


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
    chosen = examples.sort_values(["turn", "label"]).head(most)
    numbers = {name: index for index, name in enumerate(store.recordings["recording"])}
    waveforms = {
        f"{row.label}: {row.audio_filepath}": store.read(
            numbers[row.audio_filepath],
            round(row.offset * settings.sample_rate),
            settings.window_samples,
        )
        for row in chosen.itertuples()
    }
    return _with_features(waveforms, settings)


def _one_speech_window(store: AudioStore, settings: Settings):
    """Batches of one, and the number of the loudest of a few speech windows."""
    settings = settings.model_copy(
        update={"training": settings.training.model_copy(update={"batch_size": 1})}
    )
    windows = WindowSet(read_split(settings.data_folder, "training", store), store, settings)
    batches = TrainingBatches(windows, settings, seed=settings.seeds[0])
    speech = np.flatnonzero(windows.speech)[:: max(1, int(windows.speech.sum()) // 50)]
    levels = np.square(windows.gather(windows.starts[speech]).astype(float)).mean(axis=1)
    return batches, int(speech[np.argmax(levels)])


def augmentation_steps(store: AudioStore, settings: Settings) -> Rows:
    """One speech window as it is, and after each augmentation of the waveform alone."""
    batches, number = _one_speech_window(store, settings)
    always = settings.waveform.model_copy(
        update={
            "mix_probability": 1.0,
            "filter_probability": 1.0,
            "white_noise_probability": 1.0,
            "level_db": settings.waveform.level_db or (-40.0, -20.0),
            "mix_snr_db": (3.0, 3.0),
        }
    )
    seeds = tf.constant([[settings.seeds[0], number]], tf.int64)
    waveform, background = batches.waveforms(tf.constant([number]), seeds)
    bins = settings.features.fft_length // 2 + 1
    response = augment.filter_response(seeds, always, bins, settings.sample_rate)
    steps = {
        "as recorded": waveform,
        "with background at 3 dB": augment.mix_background(waveform, background, seeds, always),
        "at another level": augment.set_level(waveform, seeds, always),
        "with white noise": augment.add_white_noise(waveform, batches.tape, seeds, always),
        "filtered": augment.filter_waveforms(waveform, response),
    }
    return _with_features({name: step.numpy()[0] for name, step in steps.items()}, settings)


def mask_steps(store: AudioStore, settings: Settings) -> Rows:
    """One window's features without masks, with SpecAugment, and with SpecCutout."""
    batches, number = _one_speech_window(store, settings)
    seeds, masks = tf.constant([[settings.seeds[0], number]], tf.int64), settings.masks
    waveform, _ = batches.waveforms(tf.constant([number]), seeds)
    features = batches.layer(waveform)
    shown = {
        "no masks": features,
        "SpecAugment": spec_augment(features, seeds, masks.coefficient_masks, masks.frame_masks),
        "SpecCutout": spec_cutout(features, seeds, masks.boxes, masks.box_size),
    }
    return {name: (waveform.numpy()[0], step.numpy()[0, :, :, 0]) for name, step in shown.items()}


def epochs_of_one_window(store: AudioStore, settings: Settings, epochs: int) -> Rows:
    """One window in several epochs: its augmented waveform, and the features with masks."""
    batches, number = _one_speech_window(store, settings)
    rows, numbers = {}, tf.constant([number])
    for epoch in range(epochs):
        seeds = batches.seeds(epoch, numbers)
        waveform, response = batches.augment(*batches.waveforms(numbers, seeds), seeds)
        features = batches.mask(waveform, response, seeds).numpy()[0, :, :, 0]
        heard = augment.filter_waveforms(waveform, response)
        rows[f"epoch {epoch + 1}"] = (heard.numpy()[0], features)
    return rows
