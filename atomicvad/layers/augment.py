"""SpecAugment and SpecCutout: rectangles of a spectrogram set to a value, for a batch at once.

Both are functions of ``(spectrograms, seeds)``: the same seed gives the same masks, whatever came
before. Axes are named by what they are, coefficient (or mel bin) and frame. In the released code
the names were swapped: its "frequency" masks fell on frames and its "time" masks on coefficients.
"""

import numpy as np

from atomicvad.layers.kernels import compiled

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def uniform(seeds: np.ndarray, stream: int, count: int) -> np.ndarray:
    """float32 ``[batch, count]`` in 0…1, a row for each row of ``seeds`` (int64 ``[batch, 2]``).

    A row depends on its own seed and ``stream`` alone, so an item's augmentation does not depend
    on the batch it travels in. (SplitMix: Steele et al. 2014, doi 10.1145/2660193.2660195.)
    """
    seeds = np.asarray(seeds, np.int64).view(np.uint64)
    counter = np.arange(1, count + 1, dtype=np.uint64) + np.uint64(1009 * stream)
    state = _mix(seeds[:, :1] * GOLDEN + seeds[:, 1:])
    bits = _mix(state + counter * GOLDEN) >> np.uint64(40)
    return bits.astype(np.float32) * np.float32(2.0**-24)


def _mix(state: np.ndarray) -> np.ndarray:
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        state = (state ^ (state >> np.uint64(shift))) * np.uint64(factor)
    return state ^ (state >> np.uint64(31))


def _starts(draws, widths, length: int) -> np.ndarray:
    """Where masks begin, anywhere they fit."""
    return np.floor(draws * (length - widths + 1))


@compiled
def _hide(spectrograms, boxes, mask_value):
    """``boxes [batch, masks, 4]``: first coefficient, first frame, and how many of both."""
    for item in range(len(boxes)):
        for top, left, tall, wide in boxes[item]:
            spectrograms[item, top : top + tall, left : left + wide] = mask_value


def _hidden(spectrograms, columns, mask_value: float) -> np.ndarray:
    boxes = np.stack(np.broadcast_arrays(*columns), axis=-1).astype(np.int64)
    masked = spectrograms.copy()
    _hide(masked, boxes, np.float32(mask_value))
    return masked


def spec_augment(
    spectrograms: np.ndarray,
    seeds: np.ndarray,
    coefficient_masks: tuple[int, int] = (2, 25),
    frame_masks: tuple[int, int] = (2, 15),
    mask_value: float = 0.0,
) -> np.ndarray:
    """Mask whole rows and whole columns (SpecAugment: Park et al. 2019, arXiv 1904.08779).

    Args:
        spectrograms: ``[batch, coefficient, frame, 1]``.
        seeds: integers ``[batch, 2]``.
        coefficient_masks, frame_masks: (how many, greatest width); a width is uniform from 0.
    """
    rows, columns = spectrograms.shape[1:3]
    for stream, (count, greatest) in enumerate((coefficient_masks, frame_masks)):
        draws = uniform(seeds, stream, 2 * count)
        widths = np.floor(draws[:, :count] * (greatest + 1))
        starts = _starts(draws[:, count:], widths, (rows, columns)[stream])
        boxes = (starts, 0, widths, columns) if stream == 0 else (0, starts, rows, widths)
        spectrograms = _hidden(spectrograms, boxes, mask_value)
    return spectrograms


def spec_cutout(
    spectrograms: np.ndarray,
    seeds: np.ndarray,
    boxes: int = 5,
    size: tuple[int, int] = (25, 15),
    mask_value: float = 0.0,
) -> np.ndarray:
    """Mask ``boxes`` rectangles of ``size`` (coefficients, frames): SpecCutout, as in NeMo.

    Args:
        spectrograms: ``[batch, coefficient, frame, 1]``.
        seeds: integers ``[batch, 2]``.
    """
    rows, columns = spectrograms.shape[1:3]
    draws = uniform(seeds, 2, 2 * boxes)
    tops = _starts(draws[:, :boxes], size[0], rows)
    lefts = _starts(draws[:, boxes:], size[1], columns)
    return _hidden(spectrograms, (tops, lefts, *size), mask_value)
