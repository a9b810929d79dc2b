"""The integer detector: near the one in floating point, and the same bits in NumPy and C."""

from dataclasses import fields, replace
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from atomicvad.audio.signal import to_int16
from atomicvad.config import load_profile
from atomicvad.corpora.generated import generate
from atomicvad.device.emulate.host import HostDetector, run_sanitized
from atomicvad.device.emulate.signals import window_signals
from atomicvad.device.export.c import write_sources
from atomicvad.device.integer import detector, front_end, network, tables
from atomicvad.device.integer.detector import (
    NOT_READY,
    WARM_UP,
    mfcc_logits,
    stream_logits,
    stream_mfcc,
    window_logits,
    window_mfcc,
)
from atomicvad.device.integer.weights import Unit, integer_weights
from atomicvad.errors import AtomicVADError
from atomicvad.files import WEIGHTS, project_root
from atomicvad.layers.features import Features
from atomicvad.model import build_model, build_network, load_model
from atomicvad.scoring.logits import logit_score
from atomicvad.scoring.released_checkpoints import released_checkpoints

PROFILE = load_profile("open")
SEEDS = [PROFILE.reference.run_folder(seed) / WEIGHTS for seed in PROFILE.seeds]
TIME = np.arange(tables.WINDOW)
LOUD = 32767


def models() -> list[Path]:
    """The ten seeds, and the released checkpoints where they are."""
    return SEEDS + released_checkpoints()


def adversarial_windows() -> np.ndarray:
    """Windows at the limits of 16 bits: what makes sums large, int16 ``[n, 10080]``."""
    random = np.random.default_rng(3)
    squares = [
        np.where(TIME // width % 2, LOUD, -LOUD - 1) for width in (1, 2, 3, 5, 8, 20, 80, 400)
    ]
    coins = [np.where(random.random(len(TIME)) < 0.5, LOUD, -LOUD - 1) for _ in range(6)]
    # The Hamming-windowed cosine of one bin is the largest value that a spectrum can have.
    tones = [
        np.where(np.cos(2 * np.pi * k * TIME / 512) < 0, -LOUD - 1, LOUD) for k in range(1, 256, 16)
    ]
    clicks = [LOUD * (TIME % period == 0) for period in (160, 997, 10000)]
    faint = [random.integers(-1, 2, len(TIME)) for _ in range(3)]
    steady = [np.full(len(TIME), value) for value in (0, 1, -1, LOUD, -LOUD - 1)]
    bursts = [np.where(TIME // 2520 % 2, row, 0) for row in (*coins[:2], squares[0])]
    levels = [random.normal(0, 10 ** (n / 8), len(TIME)) for n in range(0, 38, 1)]
    rows = np.array([*squares, *coins, *tones, *clicks, *faint, *steady, *bursts, *levels])
    return np.clip(np.rint(rows), -LOUD - 1, LOUD).astype(np.int16)


@pytest.fixture(scope="module")
def speech(tmp_path_factory) -> np.ndarray:
    """A minute of generated voices and noises, int16."""
    folder = tmp_path_factory.mktemp("generated")
    import soundfile

    generate(folder, seed=7)
    parts = []
    for path in sorted(folder.rglob("*.wav")) + sorted(folder.rglob("*.flac")):
        parts.append(to_int16(soundfile.read(path, dtype="float32")[0]))
        if sum(map(len, parts)) > 60 * 16000:
            break
    return np.concatenate(parts)[: 60 * 16000]
