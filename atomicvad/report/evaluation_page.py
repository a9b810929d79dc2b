"""The files of an evaluation: two tables and a page that is whole by itself."""

import base64
from dataclasses import dataclass
from pathlib import Path

import jinja2
from matplotlib.figure import Figure

from atomicvad.errors import AtomicVADError
from atomicvad.files import replacing
from atomicvad.report import evaluation_figures as figures
from atomicvad.report.evaluation_text import (
    ITEMS,
    confusion_table,
    heading,
    main_column,
    metric_rows,
    notes,
    summary,
    title,
)
from atomicvad.runs.evaluation import Outcome

TABLE, CONFUSION, PAGE = "evaluation.csv", "confusion.csv", "evaluation.html"
TEMPLATE = Path(__file__).with_name("evaluation.html.j2")


@dataclass(frozen=True)
class Picture:
    """A picture within a page: an address that holds the picture itself, and its description."""

    address: str
    description: str


def require_folder(out: Path) -> None:
    """Check, before anything is scored, that ``out`` is or can become a folder.

    Raises:
        AtomicVADError: it is a file, or lies below one.
    """
    found = next(place for place in (out, *out.absolute().parents) if place.exists())
    if not found.is_dir():
        raise AtomicVADError(f"--out: {found}: expected a folder, found a file")


def write_evaluation(outcome: Outcome, out: Path) -> list[Path]:
    """Write both tables and the page into the folder ``out``; return their paths."""
    evaluation = outcome.evaluation
    for name, table in ((TABLE, evaluation.table), (CONFUSION, evaluation.confusion)):
        with replacing(out / name) as path:
            table.to_csv(path, index=False, float_format="%.6f")
    with replacing(out / PAGE) as path:
        path.write_text(page(outcome), encoding="utf-8")
    return [out / name for name in (TABLE, CONFUSION, PAGE)]


def page(outcome: Outcome) -> str:
    """The page of an evaluation: HTML with its pictures inside."""
    evaluation = outcome.evaluation
    curves = []
    if evaluation.curves:
        curves = [_picture(figures.roc(evaluation), figures.roc_description(evaluation))]
    matrices = [
        _picture(
            figures.confusion(evaluation, model), figures.confusion_description(evaluation, model)
        )
        for model in evaluation.models
    ]
    wide, counts = evaluation.wide(), confusion_table(evaluation)
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        heading=heading(evaluation),
        notes=notes(evaluation),
        summary=summary(outcome),
        intervals=bool(evaluation.table["low"].notna().any()),
        several=len(evaluation.models) > 1,
        main=main_column(evaluation),
        has_mean=evaluation.has_mean,
        metrics=metric_rows(evaluation),
        titles=[title(name, evaluation) for name in wide],
        models=[(name, [f"{v:.3f}" for v in row]) for name, row in zip(wide.index, wide.to_numpy(),
                                                                       strict=True)],
        outcomes=list(counts.columns),
        counts=[(name, [f"{n:,}" for n in row])
                for name, row in zip(counts.index, counts.to_numpy(), strict=True)],
        items=ITEMS[evaluation.unit],
        threshold=f"{evaluation.threshold:g}",
        fpr=f"{evaluation.fpr_target:g}",
        curves=curves,
        matrices=matrices,
    )  # fmt: skip


def _picture(figure: Figure, description: str) -> Picture:
    encoded = base64.b64encode(figures.as_svg(figure)).decode()
    return Picture(f"data:image/svg+xml;base64,{encoded}", description)
