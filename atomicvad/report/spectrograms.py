"""Waveforms, mel spectrograms and MFCC on the axes of a figure, in seconds, hertz and decibels."""

from collections.abc import Sequence

import librosa.feature
import numpy as np
from librosa.display import specshow
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.ticker import MaxNLocator

from atomicvad.audio.signal import SAMPLE_RATE

HOP, LENGTH, BANDS = 160, 512, 64  # samples between two columns, of a column; mel bands
RANGE = 80.0  # dB from the loudest colour to the darkest
TICKS = 4  # steps along time, at most
BEFORE = "0.75"  # grey of what is compared with
# Blue and red for values below and above zero; black is no value of a coefficient.
COEFFICIENTS = colormaps["RdBu_r"].with_extremes(bad="black")


def draw_waveform(axes: Axes, waveform: np.ndarray, before: np.ndarray | None = None) -> None:
    """A waveform, over another one in grey.

    Args:
        axes: to draw on.
        waveform, before: 16 kHz mono, ``[samples]``.
    """
    for one, colour in ((before, BEFORE), (waveform, "C0")):
        if one is not None:
            axes.plot(np.arange(len(one)) / SAMPLE_RATE, one, color=colour, lw=0.5)
    axes.set(ylabel="amplitude", xlim=(0, len(waveform) / SAMPLE_RATE))
    axes.xaxis.set_major_locator(MaxNLocator(TICKS))


def mel_decibels(waveform: np.ndarray) -> np.ndarray:
    """Mel spectrogram of a 16 kHz waveform in dB, a full-scale sine near 0, ``[bands, frames]``."""
    power = librosa.feature.melspectrogram(
        y=waveform, sr=SAMPLE_RATE, n_fft=LENGTH, hop_length=HOP, n_mels=BANDS, norm=None
    )
    return librosa.power_to_db(power / (LENGTH / 4) ** 2, amin=1e-14, top_db=None)


def loudest(spectrograms: Sequence[np.ndarray]) -> float:
    """The greatest level in dB of several mel spectrograms: the top of their common scale."""
    return float(max(np.max(one) for one in spectrograms))


def draw_spectrogram(axes: Axes, decibels: np.ndarray, top: float) -> ScalarMappable:
    """A mel spectrogram whose colours reach from ``top`` dB to 80 dB below; return the colours."""
    image = specshow(
        decibels, sr=SAMPLE_RATE, hop_length=HOP, n_fft=LENGTH, fmax=SAMPLE_RATE / 2, x_axis="s",
        y_axis="mel", ax=axes, vmin=top - RANGE, vmax=top, cmap="magma",
    )  # fmt: skip
    axes.set(xlabel="", ylabel="frequency (Hz)", yticks=(500, 2000, 8000))
    axes.grid(False)
    axes.xaxis.set_major_locator(MaxNLocator(TICKS))
    return image


def draw_coefficients(axes: Axes, features: np.ndarray) -> ScalarMappable:
    """MFCC from the first on, ``[coefficient, frame]``; masked ones are black. Return the colours.

    The zeroth is the level and would leave no colour for the others.
    """
    shown = features[1:]
    limit = float(np.percentile(np.abs(np.ma.compressed(shown)), 99)) or 1.0
    seconds = features.shape[1] * HOP / SAMPLE_RATE
    image = axes.imshow(
        shown, aspect="auto", origin="lower", cmap=COEFFICIENTS, interpolation="nearest",
        vmin=-limit, vmax=limit, extent=(0, seconds, 1, len(features)),
    )  # fmt: skip
    axes.grid(False)
    axes.xaxis.set_major_locator(MaxNLocator(TICKS))
    axes.set_ylabel("coefficient")
    return image
