"""Real recordings with human labels, and what systems answer along them.

They measure and choose nothing: thresholds and the smoothing width come from validation scenes, and
they are not used in training.
"""

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from atomicvad.audio.decode import decode
from atomicvad.audio.signal import to_int16
from atomicvad.config import Settings
from atomicvad.corpora.clips import CLIP_START
from atomicvad.data.sources import indexed, locate
from atomicvad.errors import AtomicVADError
from atomicvad.parallel import computed_ahead
from atomicvad.scoring.peer_scores import peer_outputs
from atomicvad.scoring.peers import Peer
from atomicvad.scoring.protocols import padded_stream
from atomicvad.scoring.scores import Sets
from atomicvad.sections import SourceSettings


@dataclass(frozen=True)
class RealCorpus:
    """The recordings of a corpus and who speaks when in them.

    Attributes:
        folder: where the recordings lie.
        labels: of all recordings, without gaps or overlaps: ``video_id`` (path below ``folder``),
            ``start`` and ``end`` (s from ``CLIP_START`` on), ``condition``, ``speech``, and
            ``category`` (of sounds without speech).
        digest: SHA-256 over labels and samples.
    """

    name: str
    folder: Path
    labels: pd.DataFrame
    digest: str

    def waveforms(self, what: str = "") -> Iterator[np.ndarray]:
        """The recordings at 16 kHz in order of name, with a progress bar that says ``what``."""
        names = sorted(self.labels["video_id"].unique())
        with ThreadPoolExecutor(1) as pool:
            decoded = computed_ahead(pool, lambda name: decode(self.folder / name), names, 3)
            description = f"{what}, {self.name}".lstrip(", ")
            for _, waveform in tqdm(decoded, total=len(names), desc=description, unit="clip"):
                yield waveform

    def facts(self) -> dict[str, Any]:
        """What was measured on: recordings, seconds, and seconds of speech."""
        seconds = self.labels["end"] - self.labels["start"]
        return {
            "recordings": int(self.labels["video_id"].nunique()),
            "seconds": round(float(seconds.sum()), 1),
            "speech_seconds": round(float(seconds[self.labels["speech"]].sum()), 1),
            "digest": self.digest,
        }


def read_corpus(source: SourceSettings, settings: Settings) -> RealCorpus:
    """The recordings of a source; a corpus that is missing is fetched if it can be.

    Raises:
        AtomicVADError: no such folder, or none of its files is a recording with labels.
    """
    folder = locate(source)
    rows = [
        (entry.path, start, end, speech, entry.source)
        for entry, header in indexed(source, folder, settings)
        for start, end, speech in (
            entry.segments or [(0.0, header.seconds, entry.kind == "speech")]
        )
    ]
    if not rows:
        raise AtomicVADError(f"{folder}: no recording of {source.corpus} can be read")
    columns = ["video_id", "start", "end", "speech", "category"]
    labels = pd.DataFrame(rows, columns=columns)
    labels["category"] = labels["category"].where(~labels["speech"], "")
    labels["condition"] = np.where(labels["speech"], "clean", "background")
    labels[["start", "end"]] += CLIP_START
    whole = RealCorpus(source.corpus, folder, labels, "")
    digest = hashlib.sha256(labels.to_csv(index=False).encode())
    for waveform in whole.waveforms("reading"):
        digest.update(to_int16(waveform).tobytes())
    return RealCorpus(source.corpus, folder, labels, digest.hexdigest())


def real_corpora(settings: Settings) -> list[RealCorpus]:
    """All real recordings that the profile names.

    Raises:
        AtomicVADError: a corpus is missing or named twice.
    """
    names = [source.corpus for source in settings.real]
    if len(set(names)) < len(names):
        raise AtomicVADError(f"real: expected different corpora, got {', '.join(names)}")
    return [read_corpus(source, settings) for source in settings.real]


def score_windows(
    score: Callable[[np.ndarray], np.ndarray],
    corpora: list[RealCorpus],
    settings: Settings,
    what: str,
) -> Sets:
    """Logits of SWI's windows along all recordings, by corpus: ``stream`` and ``clip_samples``.

    Args:
        score: float32 windows ``[n, samples]`` -> logits ``[n, models]``.
    """
    sets: Sets = {}
    for corpus in corpora:
        logits: list[np.ndarray] = []
        lengths = []
        for waveform in corpus.waveforms(what):
            lengths.append(len(waveform))
            logits += padded_stream(score, waveform, settings)
        sets[corpus.name] = {
            "stream": np.concatenate(logits),
            "clip_samples": np.array(lengths, np.int32),
        }
    return sets


def score_peer(peer: Peer, corpora: list[RealCorpus]) -> Sets:
    """A peer's outputs along all recordings, by corpus."""
    return {corpus.name: peer_outputs(peer, corpus.waveforms(peer.name)) for corpus in corpora}
