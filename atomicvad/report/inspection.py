"""What the notebooks show of recordings and augmentations: tables, examples, steps."""

import numpy as np
import pandas as pd

from atomicvad.config import SPLITS, Settings, WaveformSettings
from atomicvad.corpora import speech_commands
from atomicvad.corpora.clips import CLIP_START, read_labels
from atomicvad.data.audit import Report, audit
from atomicvad.data.manifest import manifest_paths, read_split
from atomicvad.data.sources import locate
from atomicvad.data.store import AudioStore
from atomicvad.files import BALANCE, CLIP_LABELS, CLIP_STATES
from atomicvad.kernels.masks import spec_augment, spec_cutout
from atomicvad.model import build_features
from atomicvad.training import augment
from atomicvad.training.batches import TrainingBatches, WindowSet

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


def balance_table(settings: Settings) -> pd.DataFrame:
    """How many windows of a class there were, were drawn, and were drawn again."""
    return pd.read_csv(settings.data_folder / BALANCE)


def clips_table(settings: Settings) -> pd.DataFrame:
    """Clips of the test set by state: how many, how long, and segments scored and left out."""
    folder = settings.clips_folder("testing")
    if not settings.test:
        labels = read_labels(folder / CLIP_LABELS)
        spans = labels.groupby("video_id")["end"].max() - CLIP_START
        rows = [("whole", len(spans), round(spans.sum() / 60, 1), len(labels), 0)]
        columns = ["state", "clips", "minutes", "segments", "left_out"]
        return pd.DataFrame(rows, columns=columns).set_index("state")
    clips = pd.read_csv(folder / CLIP_STATES).assign(minutes=lambda t: t["seconds"] / 60)
    table = clips.groupby("state").agg(
        clips=("clip", "size"),
        minutes=("minutes", "sum"),
        segments=("segments", "sum"),
        left_out=("left_out", "sum"),
    )
    return table.round({"minutes": 1})


def checks(settings: Settings) -> Report:
    """The auditor's report on the profile's six manifests."""
    return audit(manifest_paths(settings.data_folder))


def leak_table(settings: Settings) -> pd.DataFrame | str:
    """How far Speech Commands' splits share speakers with training; a word where it is not used."""
    for source in settings.sources:
        if source.corpus == "speech_commands":
            return speech_commands.leak(locate(source), settings.data_seed)
    return "no Speech Commands in this profile"


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
    pieces = store.gather(windows.starts[speech], settings.window_samples)
    levels = np.square(pieces.astype(float)).mean(axis=1)
    return batches, int(speech[np.argmax(levels)])


def augmentation_steps(store: AudioStore, settings: Settings) -> Rows:
    """One speech window as it is, and after each augmentation of the waveform alone."""
    level = settings.waveform.level_db or (-40.0, -20.0)
    steps = {
        "as recorded": {},
        "shifted": {"shift_probability": 1.0},
        "with background at 3 dB": {"mix_probability": 1.0, "mix_snr_db": (3.0, 3.0)},
        "played 1.2 times as fast": {"speech_speed": (1.2, 1.2)},
        "at another level": {"level_db": level},
        "with white noise": {"white_noise_probability": 1.0},
        "filtered": {"filter_probability": 1.0},
    }
    none = {name: 0.0 for name in WaveformSettings.model_fields if name.endswith("_probability")}
    none |= {"level_db": None, "speech_speed": (1.0, 1.0), "background_speed": (1.0, 1.0)}
    waveforms = {}
    for name, step in steps.items():
        waveform = settings.waveform.model_copy(update=none | step)
        alone = settings.model_copy(update={"waveform": waveform})
        waveforms[name], _ = _augmented(*_one_speech_window(store, alone))
    return _with_features(waveforms, settings)


def _augmented(batches: TrainingBatches, number: int, epoch: int = 0):
    """A window as training hears it in an epoch: its waveform, and its features unmasked."""
    numbers = np.array([number])
    seeds = batches.seeds(epoch, numbers)
    waveforms, response = batches.waveforms(numbers, seeds), batches.response(seeds)
    heard = augment.filter_waveforms(waveforms, response)
    return heard[0], batches.features(waveforms, response)


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
