"""The replication article as a PDF: numbers and figures from the results, typeset by Typst."""

import datetime as dt
import json
from pathlib import Path

import matplotlib.pyplot as plt
import yaml
from matplotlib.figure import Figure

from atomicvad.config import Settings
from atomicvad.errors import AtomicVADError
from atomicvad.files import project_root, replacing
from atomicvad.report import figures, real_figures, system_figures
from atomicvad.report.article_data import article_data
from atomicvad.report.collate import all_metrics, read_systems, summarise
from atomicvad.report.real_tables import read_real, real_folder
from atomicvad.report.style import WIDTH, save

SOURCE = "article.typ"
BUILD = "build"  # what is made from the results, within the article's folder
PDF = "atomicvad-replication.pdf"


def article_folder() -> Path:
    """Where the article's text lies.

    Raises:
        AtomicVADError: this is no checkout.
    """
    folder = project_root() / "article"
    if not (folder / SOURCE).is_file():
        raise AtomicVADError(f"{folder / SOURCE}: no such file; expected the text of the article")
    return folder


def about() -> dict[str, str]:
    """Authors, version and date of the companion, as CITATION.cff has them."""
    citation = yaml.safe_load((project_root() / "CITATION.cff").read_text(encoding="utf-8"))
    return {
        "authors": ", ".join(author["name"] for author in citation["authors"]),
        "version": str(citation["version"]),
        "date": str(citation["date-released"]),
    }


def draw(settings: Settings) -> dict[str, Figure]:
    """The article's figures, by name, as high as a page allows."""
    metrics = all_metrics(settings)
    by_system = system_figures.auroc_by_system(read_systems(settings))
    _lower(by_system, 3.9)
    by_seed = figures.auroc_by_seed(metrics, summarise(metrics))
    axes = by_seed.axes[0]
    if beside := axes.get_legend():  # a column has no room for it
        beside.remove()
    by_seed.legend(loc="outside lower center", ncols=2, fontsize=7, columnspacing=1)
    axes.set_xlabel("speech segments")
    by_seed.set_size_inches(3.4, 2.9)
    found = {"auroc_by_system": by_system, "auroc_by_seed": by_seed}
    if folder := real_folder(settings):
        found["real_auroc"] = real_figures.real_auroc(read_real(folder))
        _lower(found["real_auroc"], 3.4)
    return found


def _lower(figure: Figure, height: float) -> None:
    """Make a figure lower, in inches; each name beside its axis takes one line then."""
    figure.set_size_inches(WIDTH, height)
    axes = figure.axes[0]
    names = [label.get_text().replace("\n", " ") for label in axes.get_yticklabels()]
    axes.set_yticks(axes.get_yticks(), names)


def write_build(settings: Settings, folder: Path) -> None:
    """Write what the text places, numbers and figures, into the folder ``build``."""
    data = {"about": about(), **article_data(settings)}
    with replacing(folder / "data.json") as path:
        path.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    for name, figure in draw(settings).items():
        save(figure, folder, name)
        plt.close(figure)


def write_article(settings: Settings) -> Path:
    """Build the article from the results; the same results give the same bytes.

    Args:
        settings: of the results to report: the reference of ``open``.

    Raises:
        AtomicVADError: this is no checkout, or the text has an error.
        ModuleNotFoundError: Typst is not installed.
    """
    import typst

    folder = article_folder()
    write_build(settings, folder / BUILD)
    released = dt.datetime.fromisoformat(about()["date"]).replace(tzinfo=dt.UTC)
    with replacing(folder / PDF) as path:
        try:
            typst.Compiler(root=folder, ignore_system_fonts=True).compile(
                folder / SOURCE, output=path, format="pdf", timestamp=released
            )
        except typst.TypstError as error:
            raise AtomicVADError(f"{folder / SOURCE}: {error.message}") from error
    return folder / PDF
