"""SpecAugment and SpecCutout: rectangles of a spectrogram set to a value, for a batch at once.

Both are functions of ``(spectrograms, seeds)``: the same seed gives the same masks, whatever came
before. Axes are named by what they are, coefficient (or mel bin) and frame. In the released code
the names were swapped: its "frequency" masks fell on frames and its "time" masks on coefficients.
"""

import tensorflow as tf


def uniform(seeds, stream: int, count: int):
    """``[batch, count]`` uniform numbers, a row for each row of ``seeds`` ``[batch, 2]``.

    A row depends on its own seed and ``stream`` alone, so an item's augmentation does not depend
    on the batch it travels in. (SplitMix-style integer hashing; one pass for the whole batch.)
    """
    seeds = tf.cast(tf.bitcast(tf.cast(seeds, tf.int64), tf.uint64), tf.uint64)
    counter = tf.cast(tf.range(1, count + 1) + 1009 * stream, tf.uint64)
    state = seeds[:, :1] * tf.constant(0x9E3779B97F4A7C15, tf.uint64) + seeds[:, 1:]
    state = _mix(state) + counter * tf.constant(0x9E3779B97F4A7C15, tf.uint64)
    bits = tf.bitwise.right_shift(_mix(state), tf.constant(40, tf.uint64))
    return tf.cast(bits, tf.float32) * 2.0**-24


def _mix(state):
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        state = tf.bitwise.bitwise_xor(
            state, tf.bitwise.right_shift(state, tf.constant(shift, tf.uint64))
        ) * tf.constant(factor, tf.uint64)
    return tf.bitwise.bitwise_xor(state, tf.bitwise.right_shift(state, tf.constant(31, tf.uint64)))


def _inside(starts, widths, length: int):
    """``[batch, masks, length]``: whether a position lies within a mask."""
    positions = tf.range(length, dtype=tf.float32)
    starts, widths = starts[..., tf.newaxis], widths[..., tf.newaxis]
    return (positions >= starts) & (positions < starts + widths)


def _masks(draws, widths, length: int):
    """Masks of whole-number ``widths`` that start anywhere they fit."""
    return _inside(tf.floor(draws * (length - widths + 1)), widths, length)


def spec_augment(
    spectrograms, seeds, coefficient_masks=(2, 25), frame_masks=(2, 15), mask_value=0.0
):
    """Mask whole rows and whole columns (SpecAugment: Park et al. 2019, arXiv 1904.08779).

    Args:
        spectrograms: ``[batch, coefficient, frame, 1]``.
        seeds: integers ``[batch, 2]``.
        coefficient_masks, frame_masks: (how many, greatest width); a width is uniform from 0.
    """
    hidden = tf.zeros_like(spectrograms[..., 0], tf.bool)
    for stream, (axis, (count, greatest)) in enumerate(((1, coefficient_masks), (2, frame_masks))):
        length = spectrograms.shape[axis]
        draws = uniform(seeds, stream, 2 * count)
        widths = tf.floor(draws[:, :count] * (greatest + 1))
        masks = tf.reduce_any(_masks(draws[:, count:], widths, length), axis=1)
        hidden |= tf.expand_dims(masks, 3 - axis)
    return tf.where(hidden[..., tf.newaxis], mask_value, spectrograms)


def spec_cutout(spectrograms, seeds, boxes=5, size=(25, 15), mask_value=0.0):
    """Mask ``boxes`` rectangles of ``size`` (coefficients, frames): SpecCutout, as in NeMo.

    Args:
        spectrograms: ``[batch, coefficient, frame, 1]``.
        seeds: integers ``[batch, 2]``.
    """
    rows, columns = spectrograms.shape[1:3]
    draws = uniform(seeds, 2, 2 * boxes)
    tall = _masks(draws[:, :boxes], tf.cast(size[0], tf.float32)[tf.newaxis, tf.newaxis], rows)
    wide = _masks(draws[:, boxes:], tf.cast(size[1], tf.float32)[tf.newaxis, tf.newaxis], columns)
    # Counting overlaps is a small matrix product: faster than five boxes one after another.
    hidden = tf.matmul(tf.cast(tall, tf.float32), tf.cast(wide, tf.float32), transpose_a=True) > 0
    return tf.where(hidden[..., tf.newaxis], mask_value, spectrograms)
