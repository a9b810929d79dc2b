"""The tables of DATA_CARD.md, from committed results and the lists of packages and exclusions."""

from collections import Counter
from pathlib import Path

import pandas as pd

from atomicvad.config import CLIP_SETS, KINDS, SPLITS, Settings
from atomicvad.corpora.exclusions import decisions
from atomicvad.errors import AtomicVADError
from atomicvad.files import RECORDINGS
from atomicvad.report.data_tables import base_language
from atomicvad.report.real_tables import AMI, SOUNDS, real_facts, real_folder
from atomicvad.report.segment_tables import markdown
from atomicvad.report.sources import LEVELS
from atomicvad.scoring.scores import recorded_labels

PACKAGES = Path(__file__).with_name("packages.csv")
USES = {"training": "training", "validation": "validation", "testing": "test"}


def read_recordings(settings: Settings) -> pd.DataFrame:
    """Recordings and hours by source, kind, language and split."""
    return pd.read_csv(settings.results_folder / RECORDINGS, keep_default_na=False)


def read_packages() -> pd.DataFrame:
    """Every package, the beginning of its sources' names, what it holds, and its licence."""
    return pd.read_csv(PACKAGES, keep_default_na=False)


def packages_of(sources: pd.Series, packages: pd.DataFrame) -> pd.Series:
    """The row of ``packages`` of every source.

    Raises:
        AtomicVADError: a source of no package, or of several.
    """
    rows = []
    for source in sources:
        found = [
            number
            for number, prefix in packages["sources"].items()
            if f"{source}-".startswith(f"{prefix}-")
        ]
        if len(found) != 1:
            raise AtomicVADError(f"{PACKAGES.name}: expected one package of {source}, got {found}")
        rows += found
    return pd.Series(rows, sources.index)


def hours_block(settings: Settings) -> str:
    """Hours and recordings by kind and split."""
    table = read_recordings(settings)
    rows = {}
    for kind in KINDS:
        for split in SPLITS:
            part = table[(table["kind"] == kind) & (table["split"] == split)]
            languages = part["language"].map(base_language).nunique() if kind == "speech" else ""
            rows[f"{kind}, {USES[split]}"] = [
                f"{part['hours'].sum():.2f}",
                f"{part['recordings'].sum():,}",
                part["source"].nunique(),
                languages,
            ]
    columns = ["hours", "recordings", "sources", "languages"]
    return markdown(pd.DataFrame(rows, columns).T.map(str), "kind, split")


def _minutes(hours: float) -> str:
    minutes = 60 * hours
    if minutes < 0.1:
        return "< 0.1"
    return f"{minutes:.1f}" if minutes < 10 else f"{minutes:.0f}"


def languages_block(settings: Settings) -> str:
    """Minutes of speech of every language, by split."""
    table = read_recordings(settings)
    speech = table[table["kind"] == "speech"]
    rows = {}
    for split in SPLITS:
        part = speech[speech["split"] == split]
        hours = part.groupby(part["language"].map(base_language))["hours"].sum()
        named = hours.sort_values(ascending=False, kind="stable").items()
        rows[USES[split]] = [", ".join(f"{name} {_minutes(value)}" for name, value in named)]
    return markdown(pd.DataFrame(rows, ["minutes by language (ISO 639)"]).T, "split")


def packages_block(settings: Settings) -> str:
    """What every package holds, its licence, and how many minutes of it are used for what."""
    table, packages = read_recordings(settings), read_packages()
    table = table.assign(package=packages_of(table["source"], packages))
    used = table.groupby(["package", "split", "kind"])["hours"].sum()
    rows = {}
    for number, row in packages.iterrows():
        uses = []
        for split in SPLITS:
            kinds = [kind for kind in KINDS if (number, split, kind) in used.index]
            named = [f"{kind} {_minutes(used[number, split, kind])}" for kind in kinds]
            uses += [f"{USES[split]}: {', '.join(named)}"] if named else []
        name = f"`{row['package']}`" if row["package"] else "none: generated"
        rows[name] = [row["what"], row["licence"], "; ".join(uses)]
    return markdown(pd.DataFrame(rows, ["what", "licence", "use (min)"]).T, "Debian package")


def levels_block(settings: Settings) -> str:
    """Level and bandwidth by kind: half of the recordings lie above, and nine in ten between."""
    table = pd.read_csv(settings.results_folder / LEVELS).set_index(["kind", "percentile"])
    rows = {
        kind: [
            f"{of[50]:,.0f} ({of[5]:,.0f} to {of[95]:,.0f})"
            for of in (table.loc[kind, name] for name in ("level_db", "bandwidth_hz"))
        ]
        for kind in KINDS
    }
    columns = ["level (dBFS)", "bandwidth (Hz)"]
    return markdown(pd.DataFrame(rows, columns).T, "median (5 % to 95 %)")


def exclusions_block(settings: Settings) -> str:
    """How many recordings were looked at and left out, and of what."""
    left_out = [row for row in decisions() if row["decision"] == "left out"]
    sources = Counter(row["recording"].split("/")[0] for row in left_out)
    named = ", ".join(f"{name} {number}" for name, number in sources.most_common())
    return (
        f"{len(decisions())} suspects were examined: {len(left_out)} are left out ({named}), "
        f"{len(decisions()) - len(left_out)} stay."
    )


def scenes_block(settings: Settings) -> str:
    """Clips and segments of both sets of scenes, by class."""
    rows = {}
    for split in CLIP_SETS:
        labels = recorded_labels(settings, split)
        seconds = labels["end"] - labels["start"]
        conditions = labels["condition"].replace("", "none").value_counts()
        rows[USES[split]] = [
            labels["video_id"].nunique(),
            f"{seconds.sum() / 60:.0f}",
            f"{len(labels):,}",
            f"{seconds[labels['speech']].sum() / seconds.sum():.2f}",
            ", ".join(f"{name} {number}" for name, number in conditions.items()),
        ]
    columns = ["clips", "minutes", "segments", "share of speech", "segments by condition"]
    return markdown(pd.DataFrame(rows, columns).T.map(str), "scenes")


def real_block(settings: Settings) -> str:
    """The development recordings."""
    if not (folder := real_folder(settings)):
        return ""
    facts = real_facts(folder)
    rows = {
        name: [
            str(of["recordings"]),
            f"{of['seconds'] / 60:.1f}",
            f"{of['speech_seconds'] / 60:.1f}",
        ]
        for name, of in facts.items()
        if name in (AMI, SOUNDS)
    }
    columns = ["recordings", "minutes", "minutes of speech"]
    return markdown(pd.DataFrame(rows, columns).T, "corpus")


DATA_BLOCKS = {
    "hours": hours_block,
    "languages": languages_block,
    "packages": packages_block,
    "levels": levels_block,
    "exclusions": exclusions_block,
    "scenes": scenes_block,
    "development": real_block,
}
