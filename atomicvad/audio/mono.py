"""One channel at 16 kHz out of blocks of several, of any rate."""

from collections.abc import Iterator
from operator import index

import numpy as np
import soxr

from atomicvad.audio.files import LOG, AudioError
from atomicvad.audio.signal import SAMPLE_RATE

CANCELS = 0.01  # power of the mean of channels by their mean power: 20 dB
TOO_LOUD = 100.0  # full scale is 1: whole numbers stored as floats


class Mixer:
    """Averages channels, or takes one, and remembers what is odd about that.

    Args:
        name: of the file, used in errors and notices.
        channel: the only one that is used, from 0 on; by default the mean of all.

    Raises:
        AudioError: a channel that is no whole number.
    """

    def __init__(self, name: str, channel: int | None = None):
        try:
            channel = None if channel is None else index(channel)
        except TypeError:
            raise AudioError(f"channel: expected a whole number, got {channel!r}") from None
        self.name, self.channel, self.peak = name, channel, 0.0
        self.power_of_mean = self.mean_power = 0.0

    def mono(self, block: np.ndarray) -> np.ndarray:
        """``[samples, channels]`` -> ``[samples]``.

        Raises:
            AudioError: there is no such channel.
        """
        if self.channel is not None:
            block = self._one_of(block, self.channel)
        with np.errstate(over="ignore", invalid="ignore"):  # NaN and more are found afterwards
            mono = block.mean(axis=1, dtype=np.float32)
            self.peak = max(self.peak, float(np.max(np.abs(mono), initial=0)))
            if block.shape[1] > 1:
                self.power_of_mean += float(np.vdot(mono, mono))
                self.mean_power += float(np.vdot(block, block)) / block.shape[1]
        return mono

    def _one_of(self, block: np.ndarray, channel: int) -> np.ndarray:
        count = block.shape[1]
        if not 0 <= channel < count:
            has = "one channel, 0" if count == 1 else f"{count} channels, 0 to {count - 1}"
            raise AudioError(f"{self.name}: no channel {channel}; it has {has}")
        return block[:, channel : channel + 1]

    def warn(self) -> None:
        """Log what was odd."""
        if self.power_of_mean < CANCELS * self.mean_power:
            LOG.warning("%s: its channels cancel each other when they are averaged", self.name)
        if self.peak > TOO_LOUD:
            LOG.warning("%s: its samples reach %.3g; full scale is 1", self.name, self.peak)


def at_16_khz(blocks: Iterator[tuple[int, np.ndarray]]) -> Iterator[np.ndarray]:
    """Mono blocks of any rate as one signal; the same bits as if resampled as a whole."""
    last: tuple[int, np.ndarray] | None = None
    resampler = None
    for rate, block in blocks:
        if last is not None:
            yield _resampled(resampler, last[1], rate != last[0])
        if last is None or rate != last[0]:
            resampler = None
            if rate != SAMPLE_RATE:
                resampler = soxr.ResampleStream(rate, SAMPLE_RATE, 1, "float32")
        last = rate, block
    if last is not None:
        yield _resampled(resampler, last[1], True)


def _resampled(
    resampler: soxr.ResampleStream | None, block: np.ndarray, is_last: bool
) -> np.ndarray:
    return block if resampler is None else resampler.resample_chunk(block, is_last)
