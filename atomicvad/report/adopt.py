"""A finished run becomes the reference: committed, and what later runs are compared with."""

import shutil
from pathlib import Path

from atomicvad.config import Settings
from atomicvad.errors import AtomicVADError
from atomicvad.evaluation.items import STREAM
from atomicvad.evaluation.scene_groups import SCENE_GROUPS, write_scene_groups
from atomicvad.evaluation.systems import INTEGER
from atomicvad.files import (
    ATLAS,
    ATLAS_SCORES,
    BACKGROUNDS,
    CLIP_DIGESTS,
    DEVICE,
    DEVICE_FUNCTIONS,
    REAL,
    REAL_RECORDINGS,
    RECORDINGS,
    SCORES,
    SEGMENTS,
    SMOOTHING,
    SYSTEM_RECORD,
    VERDICT,
    replacing,
)
from atomicvad.report.cards import write_cards
from atomicvad.report.collate import TABLES
from atomicvad.report.draw import draw_results
from atomicvad.report.sources import LEVELS, write_sources
from atomicvad.report.tables import write_device_tables, write_readme, write_segment_tables
from atomicvad.runs.folder import RESULTS, run_folders
from atomicvad.runs.state import is_done

# Of a run, below its folder.
FILES = (
    *TABLES,
    VERDICT,
    SMOOTHING,
    ATLAS,
    ATLAS_SCORES,
    str(Path(ATLAS).with_suffix(".json")),
    CLIP_DIGESTS,
    BACKGROUNDS,
    DEVICE,
    DEVICE_FUNCTIONS,
    SEGMENTS,
    RECORDINGS,
    LEVELS,
    SCENE_GROUPS,
)
NOT_KEPT = (INTEGER, STREAM)  # scores that are too large; their rows of the tables are kept
PATTERNS = (
    *("scenes*.csv", f"systems/*/{SCORES}", f"systems/*/{SYSTEM_RECORD}"),
    *(f"{REAL}/*.csv", f"{REAL}/{REAL_RECORDINGS}"),
    *(f"{REAL}/*/{SCORES}", f"{REAL}/*/{SYSTEM_RECORD}"),
)


def adopt(settings: Settings) -> int:
    """Copy a run's results over the reference's, and draw its figures; return how many files.

    Raises:
        AtomicVADError: a seed that is not trained and scored from what is here now; or the
            reference was measured on real recordings, and this run was not.
    """
    unfinished = [seed for seed in settings.seeds if not is_done(settings, seed)]
    if unfinished:
        raise AtomicVADError(
            f"{settings.results_folder}: seed {unfinished[0]} is not finished; "
            f"run make reproduce PROFILE={settings.profile}"
        )
    run, reference = settings.results_folder, settings.reference
    if (reference.results_folder / REAL).is_dir() and not (run / REAL).is_dir():
        raise AtomicVADError(
            f"{run / REAL}: no such folder: the reference would keep the numbers of other seeds; "
            f"run make real PROFILE={settings.profile}"
        )
    write_sources(settings)
    write_scene_groups(settings)
    paths = [run / name for name in FILES]
    paths += [path for pattern in PATTERNS for path in run.glob(pattern)]
    paths += [folder.path / name for folder in run_folders(settings).values() for name in RESULTS]
    pairs = {path: reference.results_folder / path.relative_to(run) for path in paths}
    pairs = {source: target for source, target in pairs.items() if source.is_file()}
    for name in NOT_KEPT:
        pairs.pop(run / "systems" / name / SCORES, None)
    for source, target in pairs.items():
        with replacing(target) as temporary:
            shutil.copyfile(source, temporary)
    draw_results(reference)  # anew: a run's figures show an older reference beside it
    if settings.profile == "open":
        write_readme(reference)
        write_segment_tables(reference)
        write_device_tables(reference)
        write_cards(reference)
    return len(pairs)
