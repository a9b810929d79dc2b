"""The ``smoke`` corpus: generated audio, for a complete run within minutes.

Speech-like sounds (a pulse train through moving formants, in syllables, with bursts of noise) and
backgrounds (coloured noise, hum, clicks, gusts, chords). Deterministic; nothing is downloaded.
Results on it show that the pipeline runs, and nothing about real speech.
"""

from collections.abc import Iterator
from functools import partial

import numpy as np
from scipy.signal import lfilter

from atomicvad.audio.signal import SAMPLE_RATE
from atomicvad.corpora.recordings import Recording

SECONDS = 12.0
# Of the voices and rooms, in turn.
SPLITS = ("training", "training", "training", "validation", "testing", "testing")
NOISES = ("white", "pink", "brown", "hum", "clicks", "gusts")


def recordings() -> Iterator[Recording]:
    """Speakers, noises and chords, two recordings each; splits share no speaker or source."""
    for number in range(12):
        split = SPLITS[number % len(SPLITS)]
        for take in range(2):
            seed = (1, number, take)
            noise = NOISES[(number + take) % len(NOISES)]
            voice, room = f"voice-{number:02d}", f"room-{number:02d}"
            yield _recording(f"{voice}/{take}.wav", "speech", voice, split, seed)
            yield _recording(f"{room}/{noise}-{take}.wav", noise, room, split, seed)
            yield _recording(f"{room}/chords-{take}.wav", "chords", room, split, seed)


def _recording(name: str, sound: str, source: str, split: str, seed: tuple) -> Recording:
    speech = sound == "speech"
    kind = {"speech": "speech", "chords": "music"}.get(sound, "noise")
    return Recording(
        recording=f"generated/{name}",
        label="speech" if speech else "background",
        kind=kind,
        language="none" if speech else "",
        speaker=source if speech else "",
        source=source,
        split=split,
        load=partial(generate, sound, seed),
    )


def generate(sound: str, seed: tuple, seconds: float = SECONDS) -> np.ndarray:
    """A float32 waveform at 16 kHz; ``seed`` fixes every sample."""
    generator = np.random.default_rng(seed)
    count = round(seconds * SAMPLE_RATE)
    if sound == "speech":
        waveform = _speech(generator, count)
    elif sound == "chords":
        waveform = _chords(generator, count)
    else:
        waveform = _noise(sound, generator, count)
    return (0.3 * waveform / np.abs(waveform).max()).astype(np.float32)


def _resonance(signal: np.ndarray, frequency: float, width: float) -> np.ndarray:
    radius = np.exp(-np.pi * width / SAMPLE_RATE)
    return lfilter(
        [1 - radius],
        [1, -2 * radius * np.cos(2 * np.pi * frequency / SAMPLE_RATE), radius**2],
        signal,
    )


def _speech(generator: np.random.Generator, count: int) -> np.ndarray:
    pitch, tract = generator.uniform(90, 240), generator.uniform(0.85, 1.2)
    pieces, total = [], 0
    while total < count:
        length = round(generator.uniform(0.12, 0.3) * SAMPLE_RATE)
        glide = pitch * np.linspace(
            generator.uniform(0.9, 1.2), generator.uniform(0.8, 1.1), length
        )
        phase = np.cumsum(glide) / SAMPLE_RATE
        pulses = np.diff(np.floor(phase), prepend=0.0) + 0.01 * generator.standard_normal(length)
        formants = tract * generator.uniform((250, 800, 2200), (850, 2100, 3200))
        low, middle, high = (_resonance(pulses, f, 60 + f / 20) for f in formants)
        syllable = low + middle + high
        fricative = lfilter([1, -0.9], [1], generator.standard_normal(length // 3)) * 0.02
        syllable[: length // 3] += fricative * generator.integers(2)
        pieces.append(syllable * np.hanning(length) ** 0.5)
        if generator.random() < 0.08:
            pieces.append(np.zeros(round(0.9 * SAMPLE_RATE)))
        total = sum(map(len, pieces))
    return np.concatenate(pieces)[:count]


def _noise(sound: str, generator: np.random.Generator, count: int) -> np.ndarray:
    white = generator.standard_normal(count)
    time = np.arange(count) / SAMPLE_RATE
    if sound == "pink":
        return lfilter([0.05, -0.096, 0.051, -0.0044], [1, -2.495, 2.017, -0.522], white)
    if sound == "brown":
        return lfilter([1], [1, -0.995], white)
    if sound == "hum":
        base = generator.uniform(50, 120)
        return sum(np.sin(2 * np.pi * base * k * time) / k for k in range(1, 12)) + 0.05 * white
    if sound == "clicks":
        clicks = white * (generator.random(count) < 8 / SAMPLE_RATE)
        return _resonance(clicks, generator.uniform(800, 3000), 300) + 1e-3 * white
    if sound == "gusts":
        swell = 0.3 + np.abs(np.sin(2 * np.pi * generator.uniform(0.1, 0.4) * time))
        return swell * lfilter([1], [1, -0.97], white)
    return white


def _chords(generator: np.random.Generator, count: int) -> np.ndarray:
    time, waveform = np.arange(count) / SAMPLE_RATE, np.zeros(count)
    for start in np.arange(0, count / SAMPLE_RATE, 0.8):
        root = 110 * 2 ** (generator.integers(0, 24) / 12)
        first = np.searchsorted(time, start)
        since = time[first:] - start
        decay = np.exp(-3 * since)
        for step in (0, 4, 7):
            for partial_number in range(1, 5):
                frequency = root * 2 ** (step / 12) * partial_number
                tone = np.sin(2 * np.pi * frequency * since) / partial_number
                waveform[first:] += tone * decay
    return waveform
