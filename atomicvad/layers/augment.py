"""SpecAugment and SpecCutout: rectangles of a spectrogram set to a value, for a batch at once.

Both are functions of ``(spectrograms, seeds)``: the same seed gives the same masks, whatever came
before. Axes are named by what they are, coefficient (or mel bin) and frame. In the released code
the names were swapped: its "frequency" masks fell on frames and its "time" masks on coefficients.
"""

import numpy as np

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


def _masks(draws, widths, length: int) -> np.ndarray:
    """``[batch, masks, length]``: what masks hide that start anywhere they fit."""
    starts = np.floor(draws * (length - widths + 1))[..., np.newaxis]
    positions = np.arange(length)
    return (positions >= starts) & (positions < starts + np.expand_dims(widths, -1))


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
    hidden = np.zeros(spectrograms.shape[:3], bool)
    for stream, (axis, (count, greatest)) in enumerate(((1, coefficient_masks), (2, frame_masks))):
        draws = uniform(seeds, stream, 2 * count)
        widths = np.floor(draws[:, :count] * (greatest + 1))
        masks = _masks(draws[:, count:], widths, spectrograms.shape[axis]).any(axis=1)
        hidden |= np.expand_dims(masks, 3 - axis)
    return np.where(hidden[..., np.newaxis], np.float32(mask_value), spectrograms)


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
    tall = _masks(draws[:, :boxes], np.array(size[0]), rows)
    wide = _masks(draws[:, boxes:], np.array(size[1]), columns)
    # Counting overlaps is a small matrix product: faster than five boxes one after another.
    overlaps = tall.transpose(0, 2, 1).astype(np.float32) @ wide.astype(np.float32)
    return np.where(overlaps[..., np.newaxis] > 0, np.float32(mask_value), spectrograms)
