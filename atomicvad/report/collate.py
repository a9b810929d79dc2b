"""From run folders to tables: all seeds together, with their spread."""

import pandas as pd

from atomicvad.config import Settings
from atomicvad.data.prepare import dataset_of
from atomicvad.evaluation.headline import headline
from atomicvad.evaluation.intervals import interval_of_mean
from atomicvad.evaluation.items import STREAM, members, recorded_clips
from atomicvad.evaluation.seed_table import seed_metrics
from atomicvad.evaluation.systems import INTEGER, TITLES, evaluate, load_system, system_files
from atomicvad.files import (
    HEADLINE,
    HISTORY,
    LEDGER,
    METRICS,
    PAIRED,
    SCORES,
    SEGMENTS,
    SUMMARY,
    SYSTEMS,
    TESTING,
    replacing,
)
from atomicvad.report.ledger import write_ledger
from atomicvad.runs.folder import require_seeds, run_folders
from atomicvad.runs.segments import PROTOCOL, scene_rows
from atomicvad.scoring.scores import recorded_digests
from atomicvad.stamps import code_of, content_of, fingerprint, is_current, write_stamp

TABLES = (METRICS, SUMMARY, HEADLINE, TESTING, SYSTEMS, PAIRED, LEDGER)
KEYS = ["variant", "dataset", "protocol", "condition", "metric"]


def _seed_table(settings: Settings, name: str) -> pd.DataFrame:
    """One CSV of every seed, with a column ``seed``."""
    require_seeds(settings)
    tables = [
        pd.read_csv(folder.path / name).assign(seed=seed)
        for seed, folder in run_folders(settings).items()
    ]
    return pd.concat(tables, ignore_index=True)


def histories(settings: Settings) -> pd.DataFrame:
    """The training histories of all seeds."""
    return _seed_table(settings, HISTORY)


def released_metrics(settings: Settings) -> pd.DataFrame:
    """Metrics of the released checkpoints on the same scenes; empty where there are no scores."""
    if "released" not in system_files(settings):
        return pd.DataFrame()
    scores = load_system("released", settings)["testing"]
    clips = recorded_clips(settings)
    tables = [
        seed_metrics(
            clips,
            scores,
            "released",
            settings,
            member,
            seed=member,
            variant="released",
            dataset=dataset_of(settings),
        )
        for member in range(members(scores))
    ]
    return pd.concat(tables, ignore_index=True)


def summarise(metrics: pd.DataFrame, keys: list[str] = KEYS) -> pd.DataFrame:
    """Mean, standard deviation (n - 1) and 95 % interval over seeds of every number."""
    rows = []
    for key, group in metrics.groupby(keys, sort=False):
        values = group["value"].to_numpy()
        low, high = interval_of_mean(values)
        std = values.std(ddof=1) if len(values) > 1 else 0.0
        row = dict(zip(keys, key, strict=True))
        rows.append(
            row | {"mean": values.mean(), "std": std, "low": low, "high": high, "n": len(values)}
        )
    return pd.DataFrame(rows)


def all_metrics(settings: Settings) -> pd.DataFrame:
    """The table of every seed and released checkpoint, as collated."""
    return pd.read_csv(settings.results_folder / METRICS)


def collate(settings: Settings) -> pd.DataFrame:
    """All seeds and systems into ``TABLES``, unless these were made from what is here now.

    Returns:
        The summary as it stands in the file, so that text made from either is the same.
    """
    stamp = settings.results_folder / ".tables"
    if not is_current(stamp, _tables_fingerprint(settings)):
        _write_tables(settings)
        write_stamp(stamp, _tables_fingerprint(settings))
    return pd.read_csv(settings.results_folder / SUMMARY)


def _tables_fingerprint(settings: Settings) -> str:
    """Of the tables, of all that they are made from, and of this code."""
    folder = settings.results_folder
    paths = [*(folder / name for name in (*TABLES, SEGMENTS)), *folder.glob("scenes*")]
    for pattern in (f"seed-*/{METRICS}", f"seed-*/{TESTING}", f"seed-*/{SCORES}", "systems/*/*"):
        paths += folder.glob(pattern)
    reference = settings.reference.results_folder
    contents = (
        content_of(paths, folder),
        content_of([reference / SYSTEMS, reference / PAIRED], reference),
    )
    return fingerprint(settings.model_dump(mode="json"), contents, code_of(__name__))


def _write_tables(settings: Settings) -> None:
    metrics = pd.concat(
        [_seed_table(settings, METRICS), released_metrics(settings)], ignore_index=True
    )
    systems, paired = (
        _with_reference(table, settings, name)
        for table, name in zip(evaluate(settings), (SYSTEMS, PAIRED), strict=True)
    )
    systems = pd.concat([systems, scene_rows(settings)], ignore_index=True)
    named = {"dataset": metrics["dataset"].iloc[0]}  # every table names its test set
    tables = {METRICS: metrics, SUMMARY: summarise(metrics), HEADLINE: headline(settings)}
    tables[TESTING] = summarise(_seed_table(settings, TESTING), ["metric"])
    tables |= {SYSTEMS: systems.assign(**named), PAIRED: paired.assign(**named)}
    for name, table in tables.items():
        with replacing(settings.results_folder / name) as path:
            table.to_csv(path, index=False, float_format="%.6f")
    write_ledger(settings, read_systems(settings))


def _with_reference(table: pd.DataFrame, settings: Settings, name: str) -> pd.DataFrame:
    """``table`` with the reference's rows of the integer detector, where its scores are not here.

    They are too large to be committed; the rows count if they are of the same scenes.
    """
    reference = settings.reference
    path = reference.results_folder / name
    same = recorded_digests(reference) == recorded_digests(settings)
    if not (same and path.is_file()):
        return table
    column = "system" if name == SYSTEMS else "other"
    kept = pd.read_csv(path)
    if column not in kept:  # no other system was ever compared
        return table
    kept = kept[kept["protocol"] != PROTOCOL]  # these are found anew
    missing = kept[column].isin((INTEGER, STREAM)) & ~kept[column].isin(system_files(settings))
    table = pd.concat([table, kept.loc[missing, table.columns]], ignore_index=True)
    order = {name: number for number, name in enumerate(TITLES)}
    return table.sort_values(column, key=lambda names: names.map(order), kind="stable")


def reference_summary(settings: Settings) -> pd.DataFrame | None:
    """The reference's summary, to draw beside a run's; nothing where there is none, or it is it."""
    path = settings.reference.results_folder / SUMMARY
    return pd.read_csv(path) if settings.place == "runs" and path.is_file() else None


def headline_table(settings: Settings) -> pd.DataFrame:
    """The headline numbers of every seed, as collated."""
    return pd.read_csv(settings.results_folder / HEADLINE)


def headline_lines(settings: Settings) -> list[str]:
    """Mean and spread over seeds of every headline number."""
    return _lines(summarise(headline_table(settings), ["quantity"]), "quantity")


def testing_lines(settings: Settings) -> list[str]:
    """Mean and spread over seeds on the testing split, as the released training prints them."""
    return _lines(pd.read_csv(settings.results_folder / TESTING), "metric")


def _lines(summary: pd.DataFrame, name: str) -> list[str]:
    """A line a row of a table of ``summarise``: the cell of the column ``name``, mean ± std."""
    return [f"{row[name]}: {row['mean']:.4f} ± {row['std']:.4f}" for _, row in summary.iterrows()]


def read_systems(settings: Settings) -> pd.DataFrame:
    """The table of all systems, as collated."""
    return pd.read_csv(settings.results_folder / SYSTEMS)


def read_paired(settings: Settings) -> pd.DataFrame:
    """The differences of our seeds to every other system, as collated."""
    return pd.read_csv(settings.results_folder / PAIRED)
