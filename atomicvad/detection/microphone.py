"""A microphone, by sounddevice and PortAudio."""

from typing import Any

import numpy as np

from atomicvad.errors import AtomicVADError

PORTAUDIO = (
    "a microphone needs PortAudio: apt install libportaudio2 (Debian, Ubuntu), "
    "dnf install portaudio (Fedora), brew install portaudio (macOS)"
)


def find_sounddevice() -> Any:
    """The module ``sounddevice``.

    Raises:
        AtomicVADError: it, or the library that it loads, is not installed.
    """
    try:
        import sounddevice
    except ModuleNotFoundError:
        raise AtomicVADError(
            "a microphone needs sounddevice: pip install 'atomicvad[microphone]'"
        ) from None
    except OSError:  # the library that it loads
        raise AtomicVADError(PORTAUDIO) from None
    return sounddevice


def record(seconds: float) -> tuple[np.ndarray, int]:
    """What the default microphone hears from now on.

    Returns:
        int16 ``[samples]``, and their rate in Hz.

    Raises:
        AtomicVADError: sounddevice, PortAudio or a microphone is missing.
    """
    sounddevice = find_sounddevice()
    try:
        rate = round(sounddevice.query_devices(None, "input")["default_samplerate"])
        samples = sounddevice.rec(
            round(seconds * rate), samplerate=rate, channels=1, dtype="int16", blocking=True
        )
    except (ValueError, sounddevice.PortAudioError) as error:
        reason = " ".join(str(error.args[0] if error.args else error).split())
        raise AtomicVADError(
            f"no microphone: {reason}; `atomicvad listen --list` lists the microphones"
        ) from None
    return samples[:, 0], rate
