"""Augmented waveforms, and at once their features: windows read, played, mixed and levelled."""

from typing import NamedTuple

import numpy as np
from numba.types import ExternalFunction, int32, int64, uint64, voidptr

from atomicvad.kernels import features as feature_kernels
from atomicvad.kernels.compile import compiled

TAPE_LENGTH = 1 << 20


class Plan(NamedTuple):
    """What becomes of each window of a batch; ``[batch]`` each, positions in samples.

    Attributes:
        starts, speeds: int64 and float64, where the window begins in the store, and how fast it is
            played.
        background_starts, background_speeds: the same of its background.
        ratios: float32, amplitude of the background over that of the window; 0: no background.
        rooms: int64, number of the room that the window is heard in; -1: none.
        reflections: float32, amplitude of that room's reflections over that of the window.
        rumble_starts: int64, where its low-frequency noise begins on the tape.
        rumble_ratios: float32, amplitude of that noise over that of the mixture; 0: none.
        levels: float32, RMS that the mixture is brought to; 0: as it is.
        noise_starts: int64, where its white noise begins on the tape.
        noise_gains: float32, RMS of the white noise; 0: none.
        moves: int64, by how much the finished window is moved to the left, with zeros where nothing
            comes in; 0: not at all.
    """

    starts: np.ndarray
    speeds: np.ndarray
    background_starts: np.ndarray
    background_speeds: np.ndarray
    ratios: np.ndarray
    rooms: np.ndarray
    reflections: np.ndarray
    rumble_starts: np.ndarray
    rumble_ratios: np.ndarray
    levels: np.ndarray
    noise_starts: np.ndarray
    noise_gains: np.ndarray
    moves: np.ndarray


class Sounds(NamedTuple):
    """What windows are played with; the same for all of them.

    Attributes:
        noise: float32 ``[TAPE_LENGTH]``, white noise of unit power, to cut pieces from; that is far
            cheaper than fresh numbers for each window.
        rumble: float32 ``[TAPE_LENGTH]``, the same below some 150 Hz.
        delays: int32 ``[rooms, reflections]``, in samples, at least 1.
        gains: float32 ``[rooms, reflections]``; the sum of a room's squares is 1.
    """

    noise: np.ndarray
    rumble: np.ndarray
    delays: np.ndarray
    gains: np.ndarray


class Workspace(NamedTuple):
    """Where a window is composed.

    Attributes:
        stored: int16 ``[stored samples]``, as many as the fastest window takes.
        neighbours: int16 ``[2 * stored samples]``, each sample with the one after it.
        pairs: int32 ``[samples]``, the two neighbours of each sample played.
        background: float32 ``[samples]``.
    """

    stored: np.ndarray
    neighbours: np.ndarray
    pairs: np.ndarray
    background: np.ndarray


# The system's own: without Python's lock, and without the memory that a mapped file takes.
_pread = ExternalFunction("pread", int64(int32, voidptr, uint64, int64))


@compiled
def new_workspace(length, plan):
    """The workspace for windows of ``length`` samples and a ``Plan``."""
    longest = int(max(plan.speeds.max(), plan.background_speeds.max()) * length) + 2
    return Workspace(
        np.empty(longest, np.int16),
        np.empty(2 * longest, np.int16),
        np.empty(length, np.int32),
        np.empty(length, np.float32),
    )


@compiled
def _read(file, start, speed, workspace, waveform):
    """Play stored samples at a speed, by straight lines between them.

    Args:
        file: descriptor of the store.
        start: first sample.
        speed: 1 as recorded, 2 twice as fast.
        workspace: a ``Workspace``.
        waveform: float32 ``[samples]`` in ±1, written.

    Returns:
        Whether all samples could be read.
    """
    stored, neighbours, pairs = workspace.stored, workspace.neighbours, workspace.pairs
    length = np.uint32(len(waveform))
    count = len(waveform) if speed == 1 else int(speed * (len(waveform) - 1)) + 2
    if _pread(file, stored.ctypes, np.uint64(2 * count), 2 * start) != 2 * count:
        return False
    if speed == 1:
        for n in range(length):
            waveform[n] = stored[n] * np.float32(1 / 32768)
        return True
    # Two neighbours as one number: picking numbers from all over is what takes time.
    for n in range(np.uint64(count - 1)):
        neighbours[np.uint64(2) * n] = stored[n]
        neighbours[np.uint64(2) * n + np.uint64(1)] = stored[n + np.uint64(1)]
    stored_pairs = neighbours.view(np.int32)
    # Positions in 1/65536, of 32 bits, unsigned: half the time of other numbers.
    step = np.uint32(speed * 65536)
    for n in range(length):
        position = np.uint32(n * step)
        pairs[n] = stored_pairs[np.uint64(position >> np.uint32(16))]
    for n in range(length):
        position = np.uint32(n * step)
        share = np.float32(np.int32(position & np.uint32(65535))) * np.float32(1 / 65536)
        value = np.float32(np.int32(np.int32(pairs[n] << np.int32(16)) >> np.int32(16)))
        following = np.float32(np.int32(pairs[n] >> np.int32(16)))
        waveform[n] = np.float32(1 / 32768) * (value + share * (following - value))
    return True


@compiled
def _power(waveform):
    """Mean square, float32, of a waveform, float32 ``[samples]``."""
    total = np.float32(0)
    for n in range(len(waveform)):  # by index: over the values it would not be vectorised
        total += waveform[n] * waveform[n]
    return total / np.float32(len(waveform))


@compiled
def _move(waveform, samples):
    """Move a waveform, float32 ``[samples]``, in place: left, or right if negative."""
    length = len(waveform)
    if samples > 0:
        for n in range(length):
            waveform[n] = waveform[n + samples] if n + samples < length else np.float32(0)
    elif samples < 0:
        for n in range(length - 1, -1, -1):
            waveform[n] = waveform[n + samples] if n + samples >= 0 else np.float32(0)


@compiled
def _play_in_room(waveform, dry, delays, gains, strength):
    """Add a room's reflections to a waveform.

    Args:
        waveform, dry: float32 ``[samples]``; the second one is overwritten with the first.
        delays, gains: of the reflections, see ``Sounds``.
        strength: float32, factor of the gains.
    """
    length = len(waveform)
    for n in range(length):
        dry[n] = waveform[n]
    for reflection in range(len(delays)):
        delay, gain = delays[reflection], strength * gains[reflection]
        late = waveform[delay:]
        for n in range(len(late)):
            late[n] += gain * dry[n]


@compiled
def compose(file, sounds, plan, item, workspace, waveform):
    """Carry out a ``Plan`` for one of its windows.

    Args:
        file: descriptor of a store's int16 samples.
        sounds: ``Sounds``.
        plan: a ``Plan``.
        item: number of the window in the plan.
        workspace: a ``Workspace``.
        waveform: float32 ``[samples]`` in ±1, written.

    Returns:
        Whether all samples could be read.
    """
    length, background = len(waveform), workspace.background
    if not _read(file, plan.starts[item], plan.speeds[item], workspace, waveform):
        return False
    room = plan.rooms[item]
    if room >= 0:
        delays, gains = sounds.delays[room], sounds.gains[room]
        _play_in_room(waveform, background, delays, gains, plan.reflections[item])
    if plan.ratios[item] > 0:
        start, speed = plan.background_starts[item], plan.background_speeds[item]
        if not _read(file, start, speed, workspace, background):
            return False
        # A background near digital silence is not blown up into noise.
        loudness = max(_power(background), np.float32(1e-8))
        gain = plan.ratios[item] * np.sqrt(_power(waveform) / loudness)
        for n in range(length):
            waveform[n] += gain * background[n]
    if plan.rumble_ratios[item] > 0:
        rumble = sounds.rumble[plan.rumble_starts[item] : plan.rumble_starts[item] + length]
        gain = plan.rumble_ratios[item] * np.sqrt(_power(waveform))
        for n in range(length):
            waveform[n] += gain * rumble[n]
    if plan.levels[item] > 0:
        gain = plan.levels[item] / np.sqrt(_power(waveform) + np.float32(1e-12))
        for n in range(length):
            waveform[n] = min(max(gain * waveform[n], np.float32(-1)), np.float32(1))
    gain = plan.noise_gains[item]
    if gain > 0:
        noise = sounds.noise[plan.noise_starts[item] : plan.noise_starts[item] + length]
        for n in range(length):
            waveform[n] += gain * noise[n]
    _move(waveform, plan.moves[item])
    return True


@compiled
def compose_all(file, sounds, plan, waveforms):
    """``compose`` for all windows of a plan, into float32 ``[batch, samples]``."""
    workspace = new_workspace(waveforms.shape[1], plan)
    for item in range(len(waveforms)):
        if not compose(file, sounds, plan, item, workspace, waveforms[item]):
            return False
    return True


@compiled
def compose_features(file, sounds, plan, response, front, dct, length, features):
    """Features of a plan's windows, each composed and transformed while the cache holds it.

    Args:
        file, sounds, plan: see ``compose``.
        response: float32 ``[batch, bins]``, power response of each window's channel.
        front, dct: see ``features.window_features``.
        length: samples of a window.
        features: float32 ``[batch, coefficients or mel bins, frames]``, written.

    Returns:
        Whether all samples could be read.
    """
    workspace = new_workspace(length, plan)
    feature_workspace = feature_kernels.new_workspace(length, front)
    for item in range(len(features)):
        if not compose(file, sounds, plan, item, workspace, feature_workspace.waveform):
            return False
        feature_kernels.window_features(
            feature_workspace, response[item], front, dct, features[item]
        )
    return True
