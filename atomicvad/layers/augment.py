"""SpecAugment and SpecCutout: rectangles of a spectrogram set to a value, for a batch at once.

Masks are a function of the seed alone, whatever came before. Axes are named by what they are,
coefficient (or mel bin) and frame. In the released code the names were swapped: its "frequency"
masks fell on frames and its "time" masks on coefficients.
"""

import numpy as np

from atomicvad.layers.kernels import compiled

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@compiled
def _mix(state):
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


@compiled
def _fill(seeds, first, draws):
    for row in range(len(seeds)):
        state = _mix(seeds[row, 0] * GOLDEN + seeds[row, 1])
        for n in range(draws.shape[1]):
            bits = _mix(state + (first + np.uint64(n)) * GOLDEN) >> np.uint64(40)
            draws[row, n] = np.float32(bits) * np.float32(2.0**-24)


def uniform(seeds: np.ndarray, stream: int, count: int) -> np.ndarray:
    """float32 ``[batch, count]`` in 0…1, a row for each row of ``seeds`` (int64 ``[batch, 2]``).

    A row depends on its own seed and ``stream`` alone, so an item's augmentation does not depend
    on the batch it travels in. (SplitMix: Steele et al. 2014, doi 10.1145/2660193.2660195.)
    """
    draws = np.empty((len(seeds), count), np.float32)
    _fill(np.asarray(seeds, np.int64).view(np.uint64), np.uint64(1009 * stream + 1), draws)
    return draws


def _starts(draws, widths, length: int) -> np.ndarray:
    """Where masks begin, anywhere they fit."""
    return np.floor(draws * (length - widths + 1))


@compiled
def _hide(spectrograms, items, boxes, mask_value):
    _, rows, columns, _ = spectrograms.shape
    values = spectrograms.reshape(-1)
    for n in range(len(items)):
        for top, left, tall, wide in boxes[n]:
            for row in range(top, top + tall):
                place = np.uint64((items[n] * rows + row) * columns + left)
                for column in range(np.uint64(wide)):
                    values[place + column] = mask_value


def _hide_all(spectrograms, items, columns, mask_value: float) -> None:
    """``columns``: first coefficient, first frame, and how many of both, of ``[items, masks]``."""
    boxes = np.stack(np.broadcast_arrays(*columns), axis=-1).astype(np.int64)
    _hide(spectrograms, items, boxes, np.float32(mask_value))


def spec_augment(
    spectrograms: np.ndarray,
    seeds: np.ndarray,
    coefficient_masks: tuple[int, int] = (2, 25),
    frame_masks: tuple[int, int] = (2, 15),
    mask_value: float = 0.0,
    where: np.ndarray | bool = True,
) -> None:
    """Mask whole rows and columns, in place (SpecAugment: Park et al. 2019, arXiv 1904.08779).

    Args:
        spectrograms: float32 ``[batch, coefficient, frame, 1]``, contiguous.
        seeds: integers ``[batch, 2]``.
        coefficient_masks, frame_masks: (how many, greatest width); a width is uniform from 0.
        where: of which spectrograms, ``[batch]``.
    """
    (items,), shape = np.nonzero(np.broadcast_to(where, len(seeds))), spectrograms.shape[1:3]
    for stream, (count, greatest) in enumerate((coefficient_masks, frame_masks)):
        draws = uniform(seeds[items], stream, 2 * count)
        widths = np.floor(draws[:, :count] * (greatest + 1))
        starts = _starts(draws[:, count:], widths, shape[stream])
        boxes = (starts, 0, widths, shape[1]) if stream == 0 else (0, starts, shape[0], widths)
        _hide_all(spectrograms, items, boxes, mask_value)


def spec_cutout(
    spectrograms: np.ndarray,
    seeds: np.ndarray,
    boxes: int = 5,
    size: tuple[int, int] = (25, 15),
    mask_value: float = 0.0,
    where: np.ndarray | bool = True,
) -> None:
    """Mask ``boxes`` rectangles of ``size`` (coefficients, frames), in place: NeMo's SpecCutout.

    Args:
        spectrograms: float32 ``[batch, coefficient, frame, 1]``, contiguous.
        seeds: integers ``[batch, 2]``.
        where: of which spectrograms, ``[batch]``.
    """
    (items,), shape = np.nonzero(np.broadcast_to(where, len(seeds))), spectrograms.shape[1:3]
    draws = uniform(seeds[items], 2, 2 * boxes)
    tops = _starts(draws[:, :boxes], size[0], shape[0])
    lefts = _starts(draws[:, boxes:], size[1], shape[1])
    _hide_all(spectrograms, items, (tops, lefts, *size), mask_value)
