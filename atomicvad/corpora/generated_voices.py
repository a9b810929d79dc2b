"""Generated sounds that are voiced, as speech is, but hold no words: cries, laughs, hums, glides.

Each is a pulse train through resonances, as of a throat; what speech has and these lack is the
change of resonances from syllable to syllable. Deterministic; nothing is downloaded.
"""

from collections.abc import Callable

import numpy as np
from scipy.signal import lfilter

from atomicvad.audio.signal import SAMPLE_RATE
from atomicvad.corpora.generated import SECONDS


def _throat(
    generator: np.random.Generator, pitch: np.ndarray, breath: float, formants: tuple
) -> np.ndarray:
    """A voice of a pitch that may change, ``[samples]`` in Hz, through fixed resonances in Hz."""
    phase = np.cumsum(pitch) / SAMPLE_RATE + generator.random()
    sound = np.diff(np.floor(phase), prepend=0.0) + breath * generator.standard_normal(len(pitch))
    sound = lfilter([1], [1, -0.9], sound)  # the glottis: weaker towards high frequencies
    total = np.zeros(len(pitch))
    for number, frequency in enumerate(formants):
        radius = np.exp(-np.pi * (50 + frequency / 15) / SAMPLE_RATE)
        turn = 2 * np.pi * frequency / SAMPLE_RATE
        resonance = [1, -2 * radius * np.cos(turn), radius**2]
        total += lfilter([1 - radius], resonance, sound) / (1 + number) ** 0.5
    return total


def _vowel(generator: np.random.Generator, size: float) -> tuple:
    """Three resonances of one vowel; ``size`` 1 is a grown person's throat, more a child's."""
    lows = generator.uniform((280, 800, 2200), (850, 2200, 3200))
    return tuple(size * lows)


def _times(seconds: float) -> np.ndarray:
    return np.arange(max(round(seconds * SAMPLE_RATE), 16)) / SAMPLE_RATE


def _cry(generator: np.random.Generator) -> np.ndarray:
    """A baby's cry: a long vowel whose pitch rises and falls, then a breath."""
    time = _times(generator.uniform(0.5, 1.5))
    share, peak = time / time[-1], generator.uniform(350, 650)
    pitch = peak * (0.75 + 0.25 * np.sin(np.pi * share**0.7)) * (1 + 0.02 * np.sin(35 * time))
    cry = _throat(generator, pitch, 0.01, _vowel(generator, 1.4)) * np.sin(np.pi * share) ** 0.4
    return np.concatenate([cry, np.zeros(round(generator.uniform(0.1, 0.4) * SAMPLE_RATE))])


def _laugh(generator: np.random.Generator) -> np.ndarray:
    """Short equal vowels, four to six a second, with a falling pitch."""
    rate, count = generator.uniform(3.5, 6.5), generator.integers(4, 10)
    pitch, vowel = generator.uniform(150, 450), _vowel(generator, generator.uniform(1, 1.3))
    pieces = []
    for number in range(count):
        time = _times(generator.uniform(0.8, 1.2) / rate)
        fall = pitch * (1 - 0.03 * number) * (1.1 - 0.2 * time / time[-1])
        piece = _throat(generator, fall, generator.uniform(0.01, 0.08), vowel)
        pieces.append(piece * np.maximum(np.sin(np.pi * (time * rate)), 0) ** 1.5)
    return np.concatenate([*pieces, np.zeros(round(generator.uniform(0.1, 0.5) * SAMPLE_RATE))])


def _sustained(generator: np.random.Generator) -> np.ndarray:
    """One vowel, held or sung, with vibrato."""
    time = _times(generator.uniform(0.8, 3))
    depth, rate = generator.uniform(0, 0.03), generator.uniform(4, 7)
    pitch = generator.uniform(90, 500) * (1 + depth * np.sin(2 * np.pi * rate * time))
    size = generator.uniform(0.9, 1.3)
    return _throat(generator, pitch, 0.01, _vowel(generator, size)) * _swell(time)


def _hum(generator: np.random.Generator) -> np.ndarray:
    """With closed lips: little above 500 Hz; a note follows the other."""
    time = _times(generator.uniform(0.3, 1.2))
    pitch = 110 * 2 ** (generator.integers(0, 20) / 12) * np.ones(len(time))
    return _throat(generator, pitch, 0.003, (250, 1100, 2300)) * _swell(time)


def _glide(generator: np.random.Generator) -> np.ndarray:
    """A moan, a howl or a siren: the pitch glides over up to two octaves."""
    time = _times(generator.uniform(0.4, 2))
    turns, octaves = generator.uniform(0.3, 1.5), generator.uniform(-1, 1)
    pitch = generator.uniform(120, 600) * np.exp2(octaves * np.sin(np.pi * turns * time / time[-1]))
    size = generator.uniform(0.8, 1.4)
    return _throat(generator, pitch, 0.02, _vowel(generator, size)) * _swell(time)


def _bark(generator: np.random.Generator) -> np.ndarray:
    """A bark, a cough or a grunt: a burst of breath and voice, then a pause."""
    time = _times(generator.uniform(0.12, 0.4))
    pitch = generator.uniform(70, 500) * (1.3 - 0.6 * time / time[-1])
    breath, size = generator.uniform(0.05, 0.5), generator.uniform(0.8, 1.3)
    bark = _throat(generator, pitch, breath, _vowel(generator, size)) * _swell(time, 0.01)
    return np.concatenate([bark, np.zeros(round(generator.uniform(0.05, 0.4) * SAMPLE_RATE))])


def _swell(time: np.ndarray, attack: float = 0.05) -> np.ndarray:
    """An envelope that rises within ``attack`` s and falls towards the end."""
    return np.minimum(time / attack, 1) * np.minimum((time[-1] - time) / (0.3 * time[-1]), 1)


SOUNDS: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "cry": _cry,
    "laugh": _laugh,
    "sustained": _sustained,
    "hum": _hum,
    "glide": _glide,
    "bark": _bark,
}
VOICES = tuple(SOUNDS)


def generate_voice(sound: str, seed: tuple, seconds: float = SECONDS) -> np.ndarray:
    """A float32 waveform at 16 kHz of one of ``VOICES``, over faint noise; ``seed`` fixes all."""
    generator = np.random.default_rng(seed)
    pieces, count = [np.zeros(0)], round(seconds * SAMPLE_RATE)
    while sum(map(len, pieces)) < count:
        piece = SOUNDS[sound](generator)
        pieces.append(piece / (np.abs(piece).max() + 1e-9) * generator.uniform(0.3, 1))
    waveform = np.concatenate(pieces)[:count]
    return (0.3 * waveform + 1e-3 * generator.standard_normal(count)).astype(np.float32)
