"""SpecAugment and SpecCutout: rectangles of a spectrogram set to a value, for a batch at once.

Masks are a function of the seed alone, whatever came before. Axes are named by what they are,
coefficient (or mel bin) and frame. In the released code the names were swapped: its "frequency"
masks fell on frames and its "time" masks on coefficients.
"""

import numpy as np

from atomicvad.kernels.compile import compiled
from atomicvad.kernels.random import BOXES, COEFFICIENT_MASKS, FRAME_MASKS, uniform


def _starts(draws: np.ndarray, widths: np.ndarray | int, length: int) -> np.ndarray:
    """Where masks begin, anywhere they fit.

    Args:
        draws: float32 ``[batch, masks]`` in 0…1.
        widths: float32 ``[batch, masks]``, or one for all.
        length: of the axis they lie on.

    Returns:
        float32 ``[batch, masks]``, whole numbers.
    """
    return np.floor(draws * (length - widths + 1))


@compiled
def hide(spectrograms, items, boxes, mask_value):
    """Set rectangles to ``mask_value``, float32.

    Args:
        spectrograms: float32 ``[batch, coefficients, frames, 1]``, contiguous, changed in place.
        items: int64 ``[masked items]``, numbers within the batch.
        boxes: int64 ``[masked items, masks, 4]``: first coefficient, first frame, and how many of
            both.
    """
    _, rows, columns, _ = spectrograms.shape
    flat = spectrograms.reshape(-1)
    for n in range(len(items)):
        for top, left, height, width in boxes[n]:
            for row in range(top, top + height):
                start = np.uint64((items[n] * rows + row) * columns + left)
                for column in range(np.uint64(width)):
                    flat[start + column] = mask_value


def _hide_all(spectrograms: np.ndarray, items: np.ndarray, edges: tuple, mask_value: float) -> None:
    """Set rectangles to ``mask_value``.

    Args:
        spectrograms, items: see ``hide``.
        edges: first coefficient, first frame, and how many of both: each one number for all or
            float32 ``[masked items, masks]``.
    """
    boxes = np.stack(np.broadcast_arrays(*edges), axis=-1).astype(np.int64)
    hide(spectrograms, items, boxes, np.float32(mask_value))


def spec_augment(
    spectrograms: np.ndarray,
    seeds: np.ndarray,
    coefficient_masks: tuple[int, int] = (2, 25),
    frame_masks: tuple[int, int] = (2, 15),
    mask_value: float = 0.0,
    where: np.ndarray | bool = True,
    least: int = 0,
) -> None:
    """Mask whole rows and columns, in place (SpecAugment: Park et al. 2019, arXiv 1904.08779).

    Args:
        spectrograms: float32 ``[batch, coefficients, frames, 1]``, contiguous.
        seeds: int64 ``[batch, 2]``.
        coefficient_masks, frame_masks: (how many, greatest width).
        where: bool ``[batch]``, which spectrograms are masked.
        least: smallest width; widths are uniform from there.
    """
    (items,), shape = np.nonzero(np.broadcast_to(where, len(seeds))), spectrograms.shape[1:3]
    streams = (COEFFICIENT_MASKS, FRAME_MASKS)
    for axis, (count, greatest) in enumerate((coefficient_masks, frame_masks)):
        draws = uniform(seeds[items], streams[axis], 2 * count)
        widths = least + np.floor(draws[:, :count] * (greatest + 1 - least))
        widths = np.minimum(widths, shape[axis])
        starts = _starts(draws[:, count:], widths, shape[axis])
        edges = (starts, 0, widths, shape[1]) if axis == 0 else (0, starts, shape[0], widths)
        _hide_all(spectrograms, items, edges, mask_value)


def spec_cutout(
    spectrograms: np.ndarray,
    seeds: np.ndarray,
    boxes: int = 5,
    size: tuple[int, int] = (25, 15),
    mask_value: float = 0.0,
    where: np.ndarray | bool = True,
    cut_off: bool = False,
) -> None:
    """Mask ``boxes`` rectangles of ``size`` (coefficients, frames), in place: NeMo's SpecCutout.

    Args:
        spectrograms: float32 ``[batch, coefficients, frames, 1]``, contiguous.
        seeds: int64 ``[batch, 2]``.
        where: bool ``[batch]``, which spectrograms are masked.
        cut_off: as in the released code: boxes have even sizes (the half rounded down, twice) and
            their centre anywhere, and the edges of the spectrogram cut them off.
    """
    (items,), shape = np.nonzero(np.broadcast_to(where, len(seeds))), spectrograms.shape[1:3]
    draws = uniform(seeds[items], BOXES, 2 * boxes)
    places = _cut_off if cut_off else _whole
    tops, heights = places(draws[:, :boxes], size[0], shape[0])
    lefts, widths = places(draws[:, boxes:], size[1], shape[1])
    _hide_all(spectrograms, items, (tops, lefts, heights, widths), mask_value)


def _whole(draws: np.ndarray, width: int, length: int) -> tuple[np.ndarray, int]:
    """Starts and width of masks anywhere they fit on an axis of ``length``."""
    width = min(width, length)
    return _starts(draws, width, length), width


def _cut_off(draws: np.ndarray, width: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Starts and widths of masks around a centre anywhere on an axis of ``length``."""
    centres, half = np.floor(draws * length), width // 2
    starts = np.maximum(centres - half, 0)
    return starts, np.minimum(centres + half, length) - starts
