"""A run beside the reference, and the reference beside its own weights."""

from pathlib import Path

import numpy as np
import pandas as pd

from atomicvad.config import Settings
from atomicvad.data.prepare import dataset_of, prepare
from atomicvad.errors import AtomicVADError
from atomicvad.evaluation.items import recorded_clips
from atomicvad.evaluation.seed_table import seed_metrics
from atomicvad.files import COMPARISON, METRICS, SCORES, VERDICT, WEIGHTS, replacing
from atomicvad.report.collate import KEYS, headline_table
from atomicvad.report.verdict import Verdict, difference, judge
from atomicvad.runs.folder import require_seeds, run_folders
from atomicvad.scoring.logits import logit_score
from atomicvad.scoring.models import seed_models
from atomicvad.scoring.protocols import score_set
from atomicvad.scoring.scores import recorded_digests
from atomicvad.stamps import content_of


def compare(settings: Settings) -> Verdict | None:
    """Whether a run reproduced the reference; nothing where there is no reference.

    Writes the answer, and all other numbers side by side, into the run.

    Raises:
        AtomicVADError: a seed of the run has no table, or the scenes are not the reference's.
    """
    require_seeds(settings)
    reference = settings.reference
    if not (reference.results_folder / METRICS).is_file():
        return None
    if recorded_digests(reference)["testing"] != recorded_digests(settings)["testing"]:
        raise AtomicVADError(
            f"{settings.results_folder}: the scenes differ from those of "
            f"{reference.results_folder}, so the numbers cannot be compared"
        )
    verdict = judge(headline_table(settings), headline_table(reference))
    if _bytes(settings) == _bytes(reference):
        text = f"the same bytes: weights, scores and tables of {len(settings.seeds)} seeds"
        verdict = verdict._replace(text=text)
    with replacing(settings.results_folder / VERDICT) as path:
        path.write_text(verdict.text + "\n", encoding="utf-8")
    with replacing(settings.results_folder / COMPARISON) as path:
        all_rows(settings).to_csv(path, index=False, float_format="%.6f")
    return verdict


def _bytes(settings: Settings) -> dict[str, str]:
    """Digests of the weights, scores and tables of all seeds."""
    names = (WEIGHTS, SCORES, METRICS)
    paths = [folder.path / name for folder in run_folders(settings).values() for name in names]
    return content_of(paths, settings.results_folder)


def all_rows(settings: Settings) -> pd.DataFrame:
    """Every row of ``metrics.csv`` that run and reference have: means, difference, p.

    The p values are of single rows, not corrected: chance alone puts one in twenty below 0.05.
    """
    tables = []
    for place in (settings, settings.reference):
        table = pd.read_csv(place.results_folder / METRICS)
        table = table[table["variant"] == "atomicvad"]
        tables.append({key: g["value"].to_numpy() for key, g in table.groupby(KEYS, sort=False)})
    rows = [
        dict(zip(KEYS, key, strict=True)) | difference(values, tables[1][key])
        for key, values in tables[0].items()
        if key in tables[1]
    ]
    return pd.DataFrame(rows)


def rows_outside(settings: Settings) -> str:
    """How many rows of ``comparison.csv`` differ, and how many would by chance: one sentence."""
    table = pd.read_csv(settings.results_folder / COMPARISON)
    outside = int((table["p"] < 0.05).sum())
    return (
        f"Of {len(table)} rows in {COMPARISON}, {outside} differ with p < 0.05; "
        f"about {0.05 * len(table):.0f} would by chance alone."
    )


def verify(settings: Settings) -> str:
    """Score the reference's weights again and compare with the tables beside them.

    Raises:
        AtomicVADError: a number differs by more than 0.0005.
    """
    reference = settings.reference
    require_seeds(reference)
    prepare(settings)
    models = seed_models(reference, reference.seeds)
    scores = score_set(
        logit_score(*models), settings.clips_folder("testing"), settings, ("swi", "spi")
    )
    clips = recorded_clips(reference)
    for member, (seed, folder) in enumerate(run_folders(reference).items()):
        ids = {"seed": seed, "variant": "atomicvad", "dataset": dataset_of(settings)}
        again = seed_metrics(clips, scores, "atomicvad", settings, member, **ids)
        _check_table(again, folder.metrics, seed)
    return (
        f"{settings.profile}: the weights of {len(settings.seeds)} seeds give the tables' numbers"
    )


def _check_table(again: pd.DataFrame, path: Path, seed: int) -> None:
    reference = pd.read_csv(path)
    both = again.merge(reference, on=KEYS, suffixes=("", "_reference"))
    gap = np.abs(both["value"] - both["value_reference"]).max()
    if len(both) != len(reference) or gap > 5e-4:
        raise AtomicVADError(f"seed {seed}: scored again, {path} differs by {gap:.4f}")
