"""Speed of training: windows per second from end to end, and the time of each stage."""

import os
import statistics

import numpy as np

from atomicvad.config import Settings, load_profile
from atomicvad.data.manifest import read_split
from atomicvad.data.prepare import prepare
from atomicvad.kernels.waveform import Plan, compose_all
from atomicvad.training.batches import TrainingBatches, WindowSet
from atomicvad.training.trainer import Trainer, configure
from benchmarks.plain import PlainTraining
from benchmarks.timing import Row, in_turns, turns

STEPS = 400  # per measurement, at the profile's batch size
IN_CACHE = 16  # waveforms that fit into the CPU's cache
MACS_FIRST, MACS_REST = 602_112, 612_058 - 602_112  # per window


def with_batch(settings: Settings, size: int) -> Settings:
    """The same settings with another batch size."""
    training = settings.training.model_copy(update={"batch_size": size})
    return settings.model_copy(update={"training": training})


def training_batches(settings: Settings) -> TrainingBatches:
    """Batches of the profile's first seed."""
    store = prepare(settings)
    windows = WindowSet(read_split(settings.data_folder, "training", store), store, settings)
    return TrainingBatches(windows, settings, settings.seeds[0])


class Fit:
    """Endless training of a profile, a number of steps at a time."""

    def __init__(self, batches: TrainingBatches, settings: Settings):
        configure(settings, settings.seeds[0])
        self.trainer = Trainer(settings, settings.seeds[0], 100_000)
        self.batches = batches
        self.stream = batches.epochs(range(10_000))

    def steps(self, count: int) -> None:
        """Train on the next ``count`` batches."""
        for _ in range(count):
            self.trainer.step(*next(self.stream))

    def resident(self, count: int) -> None:
        """Train ``count`` steps on one batch that stays in memory, without the data pipeline."""
        batch = self.batches.prepare(0, self.batches.order(0)[0])
        for _ in range(count):
            self.trainer.step(*batch)


def end_to_end(settings: Settings) -> list[Row]:
    """Windows per second of training, with the data pipeline and on a resident batch."""
    batches = training_batches(settings)
    fit, steps = Fit(batches, settings), batches.steps
    taken = turns(
        {"fit": lambda: fit.steps(steps), "resident": lambda: fit.resident(steps)}, rounds=15
    )
    rate = {
        name: steps * settings.training.batch_size / statistics.median(times)
        for name, times in taken.items()
    }
    # Ratios by turn: the load of the machine varies.
    ratios = [fit / resident for fit, resident in zip(*taken.values(), strict=True)]
    return [
        *((f"{name}_windows_per_second", value, "windows/s") for name, value in rate.items()),
        ("pipeline_overhead", statistics.median(ratios) - 1, "ratio"),
    ]


def plain(settings: Settings) -> list[Row]:
    """Windows per second of the plain pipeline."""
    batches, size = training_batches(settings), settings.training.batch_size
    training = PlainTraining(batches, settings)
    stream, steps = training.waveforms(size), STEPS // 4

    def train() -> None:
        for _ in range(steps):
            training.step(*next(stream))

    taken = in_turns({"plain": train}, rounds=4)
    return [("plain_windows_per_second", steps * size / taken["plain"], "windows/s")]


def stages(settings: Settings) -> list[Row]:
    """Time of each stage alone on one core, in µs per window."""
    batches = training_batches(settings)
    numbers = batches.order(0).ravel()[:512]
    seeds, length = batches.seeds(0, numbers), settings.window_samples
    plan, response = batches.plan(numbers, seeds), batches.response(seeds)
    waveforms = np.empty((IN_CACHE, length), np.float32)
    parts = [slice(first, first + IN_CACHE) for first in range(0, len(numbers), IN_CACHE)]
    features, targets = batches.prepare(0, batches.order(0)[0])
    trainer, repeats = Trainer(settings, 0, 100_000), len(numbers) // len(features)
    file = batches.windows.store.file.fileno()

    def gather() -> None:
        for start in batches.windows.starts[numbers]:
            os.pread(file, 2 * length, 2 * start)

    def augment() -> None:
        batches.plan(numbers, seeds)
        batches.response(seeds)
        for part in parts:
            compose_all(file, batches.sounds, Plan(*(column[part] for column in plan)), waveforms)

    def mfcc() -> None:
        for part in parts:
            batches.features(waveforms, response[part])

    def masks() -> None:
        batches.mask(np.ones((len(numbers), *features.shape[1:]), np.float32), seeds)

    taken = in_turns(
        {
            "gather": gather,
            "augment": augment,
            "mfcc": mfcc,
            "masks": masks,
            # The same number of windows as above: a single batch depends on the cache's state.
            "forward": lambda: [trainer.evaluate(features, targets) for _ in range(repeats)],
            "step": lambda: [trainer.step(features, targets) for _ in range(repeats)],
        },
        rounds=15,
    )
    times = {name: 1e6 * time / len(numbers) for name, time in taken.items()}
    times["backward"] = times.pop("step") - times["forward"]
    return [(f"stage_{name}", value, "us/window") for name, value in times.items()]


def needed(settings: Settings) -> list[Row]:
    """Lower bounds of arithmetic (operations) and memory traffic (bytes) of a window's stages.

    A transform of n real numbers takes 2.5 n log2 n operations (half of a complex one's 5 n log2 n:
    Frigo and Johnson 2005, doi 10.1109/JPROC.2004.840301); a multiplication with its addition
    counts as two. Traffic: samples read once, features written and read once.
    """
    features, length = settings.features, settings.window_samples
    frames, points = length // features.hop_length + 1, features.fft_length
    waveform = settings.waveform
    sources = 1 + waveform.mix_probability  # waveforms that are read for a window
    image = features.mel_bins * frames
    pooled = 13 * 13 * 3
    operations = {
        "gather": 0,
        "augment": length * (4 * sources + 6),
        "mfcc": frames * (2.5 * points * np.log2(points) + points + 7 * points / 2)
        + 2 * features.mel_bins * image,
        "forward": 2 * (MACS_FIRST + MACS_REST),
        "backward": 2 * 49 * pooled + 4 * MACS_REST,
    }
    moved = {
        "gather": 4 * length,
        "augment": 2 * length * sources + 4 * length,
        "mfcc": 4 * (length + image),
        "forward": 4 * image,
        "backward": 4 * image,
    }
    return [
        *(
            (f"operations_{name}", float(value), "FLOP/window")
            for name, value in operations.items()
        ),
        *((f"traffic_{name}", float(value), "B/window") for name, value in moved.items()),
    ]


def batch_sizes(settings: Settings) -> list[Row]:
    """Epochs per second of the profile's training windows, by batch size."""
    rows = []
    for size in (32, 64, 128, 256):
        sized = with_batch(settings, size)
        fit = Fit(training_batches(sized), sized)
        count = 6400 // size
        seconds = in_turns({"fit": lambda: fit.steps(count)}, rounds=5)["fit"]  # noqa: B023
        windows = fit.batches.steps * size
        rows.append((f"epochs_per_second_batch_{size}", count * size / seconds / windows, "1/s"))
    return rows


def open_profile() -> Settings:
    """The profile that is benchmarked."""
    return load_profile("open")
