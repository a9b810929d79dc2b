"""The integer detector as two systems, on clips and recordings."""

from collections.abc import Callable, Iterable, Sequence

import keras
import numpy as np
from tqdm.auto import tqdm

from atomicvad.audio.signal import to_int16
from atomicvad.config import CLIP_SETS, Settings
from atomicvad.corpora.clips import decoded_clips, read_labels
from atomicvad.device.engine import LEAD, PAST_MIDDLE, STEP, Engine
from atomicvad.device.export.c import CORE
from atomicvad.device.integer.detector import WARM_UP
from atomicvad.device.integer.tables import HOP
from atomicvad.device.integer.weights import integer_weights
from atomicvad.evaluation.items import STREAM
from atomicvad.evaluation.systems import INTEGER, TITLES
from atomicvad.files import CLIP_LABELS
from atomicvad.scoring.protocols import score_set
from atomicvad.scoring.scores import Sets
from atomicvad.stamps import content_of, fingerprint


def core_digest() -> str:
    """Fingerprint of the C sources, which no import names."""
    return fingerprint(content_of([CORE / "atomicvad.c", CORE / "atomicvad.h"], CORE))


def engine_of(models: Sequence[keras.Model]) -> Engine:
    """The integer detectors of models.

    Raises:
        AtomicVADError: weights that the integer detector cannot hold.
    """
    return Engine([integer_weights(model.get_weights()) for model in models])


def score_integer(models: Sequence[keras.Model], settings: Settings) -> Sets:
    """Logits of the window form on both sets of clips: the windows that ``score_models`` scores."""
    score = window_score(engine_of(models))
    return {split: score_set(score, settings.clips_folder(split), settings) for split in CLIP_SETS}


def score_stream(models: Sequence[keras.Model], settings: Settings) -> Sets:
    """Outputs of the stream form on both sets of clips, in the form of ``save_scores``."""
    sets, engine = {}, engine_of(models)
    for split, name in CLIP_SETS.items():
        folder = settings.clips_folder(split)
        labels = read_labels(folder / CLIP_LABELS)
        count = labels["video_id"].nunique()
        clips = tqdm(decoded_clips(folder, labels), total=count, desc=name, unit="clip")
        sets[split] = stream_outputs(engine, (waveform for _, waveform in clips))
    return sets


def device_facts(name: str) -> dict[str, str]:
    """What a record of these systems' scores says of them."""
    hows = {INTEGER: "on the windows of the seeds", STREAM: "a stream a clip"}
    return {
        "system": name,
        "title": TITLES[name],
        "package": "atomicvad",
        "license": "MIT",
        "how": hows[name],
    }


def window_score(engine: Engine) -> Callable[[np.ndarray], np.ndarray]:
    """The function from float32 windows ``[n, 10080]`` to logits of speech ``[n, models]``."""

    def score(windows: np.ndarray) -> np.ndarray:
        return engine.windows(to_int16(windows).ravel()) * np.float32(STEP)

    return score


def stream_outputs(engine: Engine, waveforms: Iterable[np.ndarray]) -> dict[str, np.ndarray]:
    """Decisions along waveforms: an output for every 10 ms, with silence beyond both ends.

    Returns:
        ``outputs``, logits ``[outputs, models]``; ``output_counts`` and ``clip_samples``.
    """
    lengths, outputs = [], []
    for waveform in waveforms:
        lengths.append(len(waveform))
        hops = -(-len(waveform) // HOP)
        padded = np.zeros((LEAD + hops + PAST_MIDDLE // HOP + 1) * HOP, np.int16)
        padded[LEAD * HOP : LEAD * HOP + len(waveform)] = to_int16(waveform)
        logits = engine.stream().push(padded)[WARM_UP : WARM_UP + hops]
        outputs.append(logits * np.float32(STEP))
    return {
        "outputs": np.concatenate(outputs),
        "output_counts": np.array([len(part) for part in outputs], np.int32),
        "clip_samples": np.array(lengths, np.int32),
    }
