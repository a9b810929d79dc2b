"""The landing page: the question, the answer with its intervals, what is not known."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from atomicvad.config import Settings
from atomicvad.evaluation.items import STREAM
from atomicvad.evaluation.systems import OURS
from atomicvad.report.article import PDF
from atomicvad.report.collate import read_systems
from atomicvad.report.device_files import read_device
from atomicvad.report.real_tables import AMI, SOUNDS, read_real, real_facts, real_folder
from atomicvad.report.text import with_interval
from atomicvad.scoring.scores import recorded_labels

ARTICLE = (
    "Question, method, results and limits on a few pages: "
    f'the <a href="{PDF}">replication article</a> (PDF).'
)
TERMS = (
    "Brackets hold 95 % intervals. AUROC is the probability that speech gets a higher score than "
    "sound without speech: 0.5 is chance, 1 is perfect. A seed is one training, from random "
    "numbers of its own."
)
PAGE = Path(__file__).with_name("pages") / "index.md"


def landing_page(
    settings: Settings, results: list[str], made: list[str], try_it: str, article: bool
) -> str:
    """The page in MyST Markdown.

    Args:
        settings: of the profile whose results are shown.
        results, made: names of the pages, in order.
        try_it: what stands where the detector can be tried.
        article: whether the article lies beside the page.
    """
    return PAGE.read_text(encoding="utf-8").format(
        answer=answer(settings),
        folder=f"{settings.place}/{settings.profile}",
        results="\n".join(results),
        made="\n".join(made).replace("README", "README <README>"),
        try_it=try_it,
        article=ARTICLE if article else "",
    )


def answer(settings: Settings) -> str:
    """Three points, every number out of the results; what was not measured is left out."""
    points = [*_scenes(settings), *_real(settings), *_device(settings)]
    return "\n".join(f"- {point}" for point in points) + f"\n\n{TERMS}"


def _scenes(settings: Settings) -> Iterator[str]:
    systems = read_systems(settings)

    def auroc(system: str, condition: str = "all") -> str | None:
        keys = {"system": system, "protocol": "swi-median", "condition": condition}
        return _cell(systems, keys | {"metric": "auroc"})

    clean, released = auroc(OURS, "clean"), auroc("released")
    sentence = (
        f"{len(settings.seeds)} seeds reach an AUROC of {auroc(OURS)} on "
        f"{len(recorded_labels(settings)):,} segments of mixed scenes"
    )
    sentence += f", {clean} on clean speech" if clean else ""
    if released:
        sentence += (
            f"; the checkpoints that the authors released reach {released} on the same scenes"
        )
    yield sentence + "."


def _real(settings: Settings) -> Iterator[str]:
    if not (real := real_folder(settings)):
        return
    table = read_real(real)
    keys = {"system": OURS, "protocol": "frame", "group": "all"}
    meetings = _cell(table, keys | {"corpus": AMI, "metric": "auroc"})
    of_sounds = keys | {"corpus": SOUNDS, "metric": "false_share_tuned"}
    sounds, silero = (_cell(table, of_sounds | {"system": name}) for name in (OURS, "silero"))
    if meetings and sounds and silero:
        facts = real_facts(real)
        minutes = facts[AMI]["seconds"] / 60
        yield (
            f"On {facts[AMI]['recordings']} excerpts of real meetings ({minutes:.1f} min) the "
            f"AUROC of frames is {meetings}; in {facts[SOUNDS]['recordings']} recordings of "
            f"sounds without speech the detector takes {sounds} of the time for speech, Silero VAD "
            f"{silero}."
        )


def _device(settings: Settings) -> Iterator[str]:
    if (costs := read_device(settings)) is not None:
        row = costs[(costs["form"] == STREAM) & (costs["core"] == "Cortex-M0+")].iloc[0]
        yield (
            f"In integers it decides every 10 ms from {row['flash'] / 1000:.1f} kB of flash and "
            f"{row['ram'] / 1000:.1f} kB of RAM, with {row['instructions']:,.0f} instructions on a "
            "Cortex-M0+, without loss of accuracy."
        )


def _cell(table: pd.DataFrame, keys: dict[str, str]) -> str | None:
    """The row with ``keys``: its value and interval; nothing where there is none."""
    rows = table[(table[list(keys)] == pd.Series(keys)).all(axis=1)]
    for row in rows.itertuples():
        return with_interval(row.value, row.low, row.high)
    return None
