"""The integer detector in its two forms: one window, and a stream with a decision every 10 ms."""

import numpy as np

from atomicvad.device.integer import network
from atomicvad.device.integer.front_end import (
    BIAS,
    RANGE,
    band_logarithms,
    coefficients,
    frames_of,
    spectra,
)
from atomicvad.device.integer.tables import FFT_LENGTH, FRAME, FRAMES, HOP
from atomicvad.device.integer.weights import IntegerWeights

EDGE = 3  # frames that the first convolution sees on either side
STREAM_FRAMES = network.CELLS * network.FIRST_POOL + 2 * EDGE  # that a decision of a stream hears
WARM_UP = STREAM_FRAMES + 1  # hops of a stream before the first decision
NOT_READY = -(2**15)  # what a stream in C returns for these


def window_logarithms(windows: np.ndarray) -> np.ndarray:
    """Logarithms of mel bands of 16-bit windows ``[..., 10080]``: ``[..., frame, band]``.

    Edges are reflected, and logarithms end 80 dB below the window's largest.
    """
    edge = FFT_LENGTH // 2
    padded = np.pad(windows, [(0, 0)] * (windows.ndim - 1) + [(edge, edge)], mode="reflect")
    middle = (FFT_LENGTH - FRAME) // 2
    frames = frames_of(padded[..., middle:])[..., :FRAMES, :]
    logarithms = band_logarithms(*spectra(frames))
    return np.maximum(logarithms, logarithms.max((-2, -1), keepdims=True) - RANGE)


def window_mfcc(windows: np.ndarray) -> np.ndarray:
    """MFCC of 16-bit windows ``[..., 10080]``: ``[..., frame, coefficient]``, 64 of each."""
    return coefficients(window_logarithms(windows))


def window_logits(windows: np.ndarray, weights: IntegerWeights) -> np.ndarray:
    """Logits of speech of 16-bit windows ``[..., 10080]``, in steps of 1 / 256."""
    return mfcc_logits(window_mfcc(windows), weights)


def pooled_sums(mfcc: np.ndarray, weights: IntegerWeights) -> np.ndarray:
    """The first convolution of whole windows ``[..., 64, 64]``, pooled: ``[..., 13, 13, 3]``."""
    padded = np.pad(mfcc, [(0, 0)] * (mfcc.ndim - 2) + [(EDGE, EDGE), (0, 0)])
    # Zero is what a coefficient of 0 would be; coefficient 0 lacks a constant.
    for outside in (np.s_[..., :EDGE, 0], np.s_[..., -EDGE:, 0]):
        padded[outside] = -round(BIAS)
    rows = network.pooled_rows(network.first_convolution(padded, weights))
    columns = np.concatenate([rows, rows[..., -1:, :, :]], -3)
    shape = (network.CELLS, network.FIRST_POOL)
    return columns.reshape(*rows.shape[:-3], *shape, *rows.shape[-2:]).max(-3)


def block_logits(block: np.ndarray, weights: IntegerWeights) -> np.ndarray:
    """Logits of the first block's output ``[..., column, row, channel]``, zeros around it."""
    around = np.pad(block, [(0, 0)] * (block.ndim - 3) + [(1, 1), (0, 0), (0, 0)])
    second = network.second_convolution(around, weights)
    return network.logits(network.pooled_cells(second), network.pooled_cells(block), weights)


def mfcc_logits(mfcc: np.ndarray, weights: IntegerWeights) -> np.ndarray:
    """Logits of the MFCC ``[..., 64, 64]`` of whole windows."""
    return block_logits(network.first_block(pooled_sums(mfcc, weights), weights), weights)


def stream_mfcc(samples: np.ndarray) -> np.ndarray:
    """MFCC ``[frames, 64]`` of a stream, a frame for every hop from the third on.

    A frame ends with its hop. Logarithms have no floor but that of power.
    """
    return coefficients(band_logarithms(*spectra(frames_of(samples[2 * HOP + HOP - FRAME :]))))


def pushed_logits(hops: np.ndarray, weights: IntegerWeights) -> np.ndarray:
    """What the C returns for each hop ``[n, 160]`` of a new stream: int64 ``[n]``."""
    logits = stream_logits(stream_mfcc(hops.ravel()), weights)
    return np.concatenate([np.full(WARM_UP, NOT_READY), logits])


def stream_logits(mfcc: np.ndarray, weights: IntegerWeights) -> np.ndarray:
    """Logits of speech after every hop that completes ``STREAM_FRAMES`` frames.

    Each is that of 65 frames with their real neighbours: 13 columns of 5 frames that are pooled.
    The depthwise convolution sees zeros beyond them, as it does in training.

    Args:
        mfcc: ``[frames, 64]``.
        weights: of the detector.

    Returns:
        int64 ``[frames - 70]``, steps of 1 / 256.
    """
    rows = network.pooled_rows(network.first_convolution(mfcc, weights))
    pooled = np.lib.stride_tricks.sliding_window_view(rows, network.FIRST_POOL, 0).max(-1)
    block = network.first_block(pooled, weights)
    decisions = len(block) - network.FIRST_POOL * (network.CELLS - 1)
    columns = np.arange(network.CELLS) * network.FIRST_POOL
    return block_logits(block[np.arange(decisions)[:, np.newaxis] + columns], weights)
