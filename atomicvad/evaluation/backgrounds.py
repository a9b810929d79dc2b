"""What is heard where nobody speaks: AVA-Speech's labels do not say, the scenes' recipe does."""

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from atomicvad.config import Settings
from atomicvad.data import SCENES, prepare
from atomicvad.data.scenes import CLIP_START, Excerpts, clip
from atomicvad.errors import AtomicVADError
from atomicvad.evaluation.scores import recorded_digests, scene_labels
from atomicvad.files import replacing

NAME = "scenes-backgrounds.csv"


class _Noting(dict):
    """Excerpts by kind, and which kinds were asked for, in order."""

    def __init__(self, draws):
        super().__init__(draws)
        self.asked = []

    def __getitem__(self, kind):
        self.asked.append(kind)
        return super().__getitem__(kind)


def record_backgrounds(settings: Settings) -> None:
    """Mix the test scenes again, noting what each segment is made of; keep the kind of background.

    A test set that was not mixed here is left as it is.

    Raises:
        AtomicVADError: the recipe no longer gives the scenes that are there.
    """
    if settings.test:
        return
    path = settings.results_folder / NAME
    digest = recorded_digests(settings)["testing"]
    if path.is_file() and pd.read_csv(path, keep_default_na=False)["scenes"].iloc[0] == digest:
        return
    store, kinds, times = prepare(settings), [], []
    for number in tqdm(range(settings.scenes.clips), desc="backgrounds", unit="clip"):
        generator = np.random.default_rng([settings.data_seed, number])
        names = ("speech", "noise", "music")
        draws = _Noting({k: Excerpts(store, "testing", k, generator) for k in names})
        _, rows = clip(draws, settings.scenes, generator)
        asked = iter(draws.asked)
        for start, _, label in rows:
            first = next(asked)
            kinds.append(first if label == "NO_SPEECH" else "")
            if label.startswith("SPEECH_WITH"):
                next(asked)
            times.append(start + CLIP_START)
    labels = scene_labels(settings)
    if len(labels) != len(times) or not np.allclose(labels["start"], times, atol=1e-3):
        raise AtomicVADError(f"{SCENES['testing']}: mixed again, they are other scenes")
    with replacing(path) as temporary:
        pd.DataFrame({"kind": kinds, "scenes": digest}).to_csv(temporary, index=False)
