"""The default detector on degraded test scenes: ``python -m benchmarks.degraded``.

Fainter, with a constant offset, or at the sampling rate of a telephone: how much of the speech is
found, how much of the rest is taken for speech. ``results/degraded.csv`` and a table in
MODEL_CARD.md. It needs the prepared ``open`` data, and about 3 minutes.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
import soxr
from tqdm import tqdm

from atomicvad.audio.signal import SAMPLE_RATE
from atomicvad.config import Settings, load_profile
from atomicvad.corpora.clips import CLIP_START, decoded_clips, read_labels
from atomicvad.detection.detect import detect
from atomicvad.evaluation.scene_groups import shares_taken
from atomicvad.files import CLIP_LABELS, project_root, replacing
from atomicvad.report.cards import write_cards
from atomicvad.report.model_card import DEGRADED

TELEPHONE = 8000
Change = Callable[[np.ndarray], tuple[np.ndarray, int]]  # to a waveform and its rate


def _fainter(decibels: float) -> Change:
    return lambda waveform: (waveform * np.float32(10 ** (-decibels / 20)), SAMPLE_RATE)


def _offset(value: float) -> Change:
    return lambda waveform: (np.clip(waveform + np.float32(value), -1, 1), SAMPLE_RATE)


CHANGES: dict[str, Change] = {
    "as they are": _fainter(0),
    **{f"{decibels} dB fainter": _fainter(decibels) for decibels in (10, 20, 30)},
    **{f"constant offset of {value}": _offset(value) for value in (0.003, 0.01, 0.03, 0.1)},
    "sampled at 8 kHz": lambda waveform: (
        soxr.resample(waveform, SAMPLE_RATE, TELEPHONE),
        TELEPHONE,
    ),
}


def measured(settings: Settings) -> pd.DataFrame:
    """Every change: the share of time of speech that is found, and of the rest that is taken."""
    folder, rows = settings.clips_folder("testing"), []
    labels = read_labels(folder / CLIP_LABELS)
    labels[["start", "end"]] -= CLIP_START
    seconds, speech = labels["end"] - labels["start"], labels["speech"]
    clips = [waveform for _, waveform in decoded_clips(folder, labels)]
    for name, change in tqdm(CHANGES.items(), desc="degraded scenes"):
        spans = [
            (number, segment.start, segment.end)
            for number, waveform in enumerate(clips)
            for segment in detect(*change(waveform))
        ]
        taken = seconds * shares_taken(
            labels, pd.DataFrame(spans, columns=["clip", "start", "end"])
        )
        shares = [taken[of].sum() / seconds[of].sum() for of in (speech, ~speech)]
        rows.append((name, *shares))
    return pd.DataFrame(rows, columns=["scenes", "found", "taken"])


def main() -> None:
    """Measure, and write the table and the card."""
    settings = load_profile("open")
    table = measured(settings)
    with replacing(project_root() / "results" / DEGRADED) as path:
        table.to_csv(path, index=False, float_format="%.4f")
    write_cards(settings.reference)


if __name__ == "__main__":
    main()
