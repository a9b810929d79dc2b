"""The integer detector as two systems: its C, compiled for this computer, on clips and recordings.

Scores are those of the specification, which the C follows to the bit.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np
from tqdm.auto import tqdm

from atomicvad.audio.signal import to_int16
from atomicvad.config import CLIP_SETS, Settings
from atomicvad.corpora.clips import decoded_clips, read_labels
from atomicvad.device.emulate.host import HostDetector
from atomicvad.device.export.c import CORE, write_sources
from atomicvad.device.integer.detector import STREAM_FRAMES, WARM_UP
from atomicvad.device.integer.tables import FRAME, HOP
from atomicvad.device.integer.weights import LOGIT_BITS, integer_weights
from atomicvad.evaluation.items import STREAM
from atomicvad.evaluation.systems import INTEGER, TITLES
from atomicvad.files import CLIP_LABELS
from atomicvad.scoring.protocols import score_set
from atomicvad.scoring.scores import Sets
from atomicvad.stamps import content_of, fingerprint

STEP = np.float32(2.0**-LOGIT_BITS)
# Samples from the middle of what a decision of a stream is about to the end of its hop.
PAST_MIDDLE = STREAM_FRAMES // 2 * HOP + FRAME // 2
# Hops of silence before a stream, for its first decision to be about the first 10 ms.
LEAD = WARM_UP + 1 - (PAST_MIDDLE // HOP + 1)


def core_digest() -> str:
    """Fingerprint of the C sources, which no import names."""
    return fingerprint(content_of([CORE / "atomicvad.c", CORE / "atomicvad.h"], CORE))


@contextmanager
def host_detectors(models: Sequence[keras.Model]) -> Iterator[list[HostDetector]]:
    """The integer detectors of models, compiled for this computer.

    Raises:
        AtomicVADError: no C compiler, or weights that the integer detector cannot hold.
    """
    with tempfile.TemporaryDirectory() as name:
        detectors = []
        for number, model in enumerate(models):
            folder = Path(name) / str(number)
            folder.mkdir()
            write_sources(integer_weights(model.get_weights()), folder)
            detectors.append(HostDetector(folder, folder))
        yield detectors


def score_integer(models: Sequence[keras.Model], settings: Settings) -> Sets:
    """Logits of the window form on both sets of clips: the windows that ``score_models`` scores."""
    with host_detectors(models) as detectors:
        score = window_score(detectors)
        return {
            split: score_set(score, settings.clips_folder(split), settings) for split in CLIP_SETS
        }


def score_stream(models: Sequence[keras.Model], settings: Settings) -> Sets:
    """Outputs of the stream form on both sets of clips, in the form of ``save_scores``."""
    sets = {}
    with host_detectors(models) as detectors:
        for split, name in CLIP_SETS.items():
            folder = settings.clips_folder(split)
            labels = read_labels(folder / CLIP_LABELS)
            count = labels["video_id"].nunique()
            clips = tqdm(decoded_clips(folder, labels), total=count, desc=name, unit="clip")
            sets[split] = stream_outputs(detectors, (waveform for _, waveform in clips))
    return sets


def device_facts(name: str) -> dict[str, str]:
    """What a record of these systems' scores says of them."""
    hows = {INTEGER: "its C, on the windows of the seeds", STREAM: "its C, a stream a clip"}
    return {
        "system": name,
        "title": TITLES[name],
        "package": "atomicvad",
        "license": "MIT",
        "how": hows[name],
    }


def window_score(detectors: Sequence[HostDetector]) -> Callable[[np.ndarray], np.ndarray]:
    """The function from float32 windows ``[n, 10080]`` to logits of speech ``[n, detectors]``."""

    def score(windows: np.ndarray) -> np.ndarray:
        samples = to_int16(windows)
        return np.stack([one.windows(samples) for one in detectors], 1) * STEP

    return score


def stream_outputs(
    detectors: Sequence[HostDetector], waveforms: Iterable[np.ndarray]
) -> dict[str, np.ndarray]:
    """Decisions along waveforms: an output for every 10 ms, with silence beyond both ends.

    Returns:
        ``outputs``, logits ``[outputs, detectors]``; ``output_counts`` and ``clip_samples``.
    """
    lengths, outputs = [], []
    with ThreadPoolExecutor(2) as pool:
        for waveform in waveforms:
            lengths.append(len(waveform))
            hops = -(-len(waveform) // HOP)
            padded = np.zeros((LEAD + hops + PAST_MIDDLE // HOP + 1) * HOP, np.int16)
            padded[LEAD * HOP : LEAD * HOP + len(waveform)] = to_int16(waveform)
            decisions = list(pool.map(lambda one, heard=padded: one.stream(heard), detectors))
            outputs.append(np.stack(decisions, 1)[WARM_UP : WARM_UP + hops] * STEP)
    return {
        "outputs": np.concatenate(outputs),
        "output_counts": np.array([len(part) for part in outputs], np.int32),
        "clip_samples": np.array(lengths, np.int32),
    }
