"""Do numbers agree: a run with the committed tables, and the tables with the committed weights."""

import io
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd

from atomicvad.config import Settings
from atomicvad.data.prepare import dataset_of, prepare
from atomicvad.errors import AtomicVADError
from atomicvad.evaluation.items import recorded_clips
from atomicvad.evaluation.seed_table import seed_metrics
from atomicvad.files import SUMMARY, project_root
from atomicvad.report.collate import KEYS
from atomicvad.runs.folder import require_seeds, run_folders
from atomicvad.scoring.logits import logit_score
from atomicvad.scoring.models import seed_models
from atomicvad.scoring.protocols import score_set


def committed(path: Path) -> pd.DataFrame | None:
    """A table as it was committed, or nothing where there is none."""
    name = path.relative_to(project_root()).as_posix()
    try:
        result = subprocess.run(
            ["git", "show", f"HEAD:{name}"],
            cwd=project_root(),
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return None
    return pd.read_csv(io.StringIO(result.stdout)) if result.returncode == 0 else None


def compare(settings: Settings) -> str:
    """How the numbers on the scenes compare with the committed ones, in one line.

    *The same*: every mean agrees to 0.0005. *Within the spread*: no mean is further from the
    committed one than three standard errors of a difference of two such means. Otherwise the
    worst row is named; so is a committed row that has no counterpart now.
    """
    path = settings.results_folder / SUMMARY
    if not path.is_file():
        raise AtomicVADError(f"{path}: no such table; make reproduce PROFILE={settings.profile}")
    reference = committed(path)
    if reference is None:
        return f"{settings.profile}: no committed numbers to compare with"
    reference = reference[reference["variant"] == "atomicvad"]
    both = pd.read_csv(path).merge(
        reference, on=KEYS, how="right", suffixes=("", "_committed"), validate="one_to_one"
    )
    missing = both[both["mean"].isna()]
    if len(missing) or both.empty:
        first = " ".join(missing[KEYS].iloc[0]) if len(missing) else "all of them"
        return (
            f"{settings.profile}: NOT the committed numbers: "
            f"{len(missing)} of {len(both)} have no counterpart ({first})"
        )
    difference = (both["mean"] - both["mean_committed"]).abs()
    if (difference <= 5e-4).all():
        return f"{settings.profile}: the same numbers as the committed ones ({len(both)} compared)"
    excess = difference - 3 * both["std_committed"] * np.sqrt(
        1 / both["n"] + 1 / both["n_committed"]
    )
    if (excess <= 0).all():
        return (
            f"{settings.profile}: within the spread of the committed numbers "
            f"({len(both)} compared, largest difference {difference.max():.4f})"
        )
    worst = both.loc[excess.idxmax()]
    return (
        f"{settings.profile}: NOT the committed numbers: {worst['protocol']} {worst['condition']} "
        f"{worst['metric']} is {worst['mean']:.4f}, committed {worst['mean_committed']:.4f} "
        f"± {worst['std_committed']:.4f}"
    )


def verify(settings: Settings) -> str:
    """Score the weights in ``results/`` again and compare with the tables beside them.

    Raises:
        AtomicVADError: a number differs by more than 0.0005.
    """
    require_seeds(settings)
    prepare(settings)
    models = seed_models(settings, settings.seeds)
    scores = score_set(
        logit_score(*models), settings.clips_folder("testing"), settings, ("swi", "spi")
    )
    clips = recorded_clips(settings)
    for member, (seed, folder) in enumerate(run_folders(settings).items()):
        reference = pd.read_csv(folder.metrics)
        ids = {"seed": seed, "variant": "atomicvad", "dataset": dataset_of(settings)}
        again = seed_metrics(clips, scores, "atomicvad", settings, member, **ids)
        both = again.merge(reference, on=KEYS, suffixes=("", "_committed"))
        difference = (both["value"] - both["value_committed"]).abs().max()
        if len(both) != len(reference) or difference > 5e-4:
            raise AtomicVADError(
                f"seed {seed}: scored again, {folder.metrics} differs by {difference:.4f}"
            )
    return (
        f"{settings.profile}: the weights of {len(settings.seeds)} seeds give the tables' numbers"
    )
