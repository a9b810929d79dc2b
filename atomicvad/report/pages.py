"""The pages of a report: which notebook each is, and when it must be made again."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from atomicvad.config import CLIP_SETS, Settings
from atomicvad.data.prepare import prepared_fingerprint
from atomicvad.errors import AtomicVADError
from atomicvad.files import (
    ATLAS,
    DEVICE,
    DEVICE_FUNCTIONS,
    HISTORY,
    METRICS,
    REAL,
    REAL_RECORDINGS,
    SCORES,
    SYSTEM_RECORD,
    WEIGHTS,
    project_root,
)
from atomicvad.report.benchmark_tables import BENCHMARKS
from atomicvad.report.notebooks import run_notebook
from atomicvad.report.real_tables import real_folder
from atomicvad.runs.folder import require_seeds
from atomicvad.stamps import code_of_notebook, content_of, fingerprint, is_current, write_stamp

SEEDS = tuple(f"seed-*/{name}" for name in (WEIGHTS, HISTORY, SCORES, METRICS))
OTHERS = tuple(f"systems/*/{name}" for name in (SCORES, SYSTEM_RECORD))


class Page(NamedTuple):
    """A notebook, which files below the results it reads, and whether it takes a profile."""

    notebook: str
    inputs: tuple[str, ...] = ()
    is_of_a_profile: bool = True


# The atlas needs the peers' scores, and the report, which draws all figures, comes last.
PAGES = {
    "systems": Page("05_systems", (*SEEDS, *OTHERS)),
    "atlas": Page("06_atlas", (*SEEDS, *OTHERS, ATLAS)),
    "real": Page("08_real", (f"{REAL}/*.csv", f"{REAL}/{REAL_RECORDINGS}")),
    "device": Page("09_device", (*SEEDS, *OTHERS, DEVICE, DEVICE_FUNCTIONS, f"{REAL}/*.csv")),
    "benchmarks": Page("07_benchmarks", is_of_a_profile=False),
    "data": Page("01_data"),
    "augmentation": Page("02_augmentation"),
    "report": Page("04_results", (*SEEDS, *OTHERS, ATLAS)),
}


def source_fingerprint(settings: Settings, name: str) -> str:
    """What a page is made from before anything runs: settings, notebook, and all code of that."""
    notebook = _source(PAGES[name])
    return fingerprint(settings.model_dump(mode="json"), code_of_notebook(notebook))


def inputs_fingerprint(settings: Settings, name: str) -> str:
    """The data, results and reference that a page shows; some are written while it is made."""
    results = settings.results_folder
    inputs = [path for pattern in PAGES[name].inputs for path in results.glob(pattern)]
    reference = settings.reference.results_folder
    measured = (project_root() / "results").glob("*.csv")  # by benchmarks, for all profiles
    compared = [path for pattern in PAGES[name].inputs for path in reference.glob(pattern)]
    clips = [path for split in CLIP_SETS for path in settings.clips_folder(split).glob("[!.]*.*")]
    return fingerprint(
        prepared_fingerprint(settings),
        content_of(clips, settings.data_folder),
        content_of(inputs, results),
        content_of(compared, reference),
        content_of(measured, project_root()),
    )


def _source(page: Page) -> Path:
    return project_root() / "notebooks" / f"{page.notebook}.ipynb"


def make_pages(settings: Settings, names: Sequence[str]) -> Iterator[tuple[str, Path | None]]:
    """Make the pages that are not current; yield each name and its page, or nothing if it was.

    Raises:
        AtomicVADError: no such page, a seed without a table, or a notebook that fails.
    """
    if unknown := [name for name in names if name not in PAGES]:
        raise AtomicVADError(f"--page: expected one of {', '.join(PAGES)}; got {unknown[0]!r}")
    require_seeds(settings)
    for name in names:
        if name == "atlas" and settings.test:
            continue  # its cases are cut from recordings that scenes are mixed from
        if name == "real" and real_folder(settings) is None:
            continue  # neither this run nor the reference was measured on real recordings
        if name == "benchmarks" and not (project_root() / BENCHMARKS).is_file():
            continue  # nothing was measured in this checkout
        stamp = settings.results_folder / f".{name}"
        output = settings.results_folder / f"{name}.ipynb"
        html, source = output.with_suffix(".html"), source_fingerprint(settings, name)
        made_from = fingerprint(source, inputs_fingerprint(settings, name))
        if html.is_file() and is_current(stamp, made_from):
            yield name, None
            continue
        parameters = {"profile": settings.profile} if PAGES[name].is_of_a_profile else {}
        run_notebook(_source(PAGES[name]), output, parameters)
        write_stamp(stamp, fingerprint(source, inputs_fingerprint(settings, name)))
        yield name, html
