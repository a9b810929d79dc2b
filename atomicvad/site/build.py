"""Builds the site with Sphinx and MyST-NB, from a run's executed notebooks and the documents.

The site is static: it works from a folder and from any web server, and asks nothing of others.
"""

import contextlib
import io
import os
import re
import shutil
import tempfile
import uuid
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt

from atomicvad.config import Settings, load_profile
from atomicvad.errors import AtomicVADError
from atomicvad.files import project_root
from atomicvad.report.article import SOURCE, write_article
from atomicvad.report.collate import read_systems
from atomicvad.report.system_figures import auroc_by_system
from atomicvad.site.accessibility import accessible
from atomicvad.site.captions import caption
from atomicvad.site.charts import chart_html
from atomicvad.site.landing import landing_page
from atomicvad.site.notebooks import write_page
from atomicvad.site.try_it import block, write_try_it

ASSETS = Path(__file__).with_name("assets")
SCRIPT = Path(__file__).with_name("chart_files") / "charts.js"
SITE = "site"
EXTRA = "extra"  # files beside the pages
# Page -> the executed notebook below the run's folder.
PAGES = {
    "results": "report.ipynb",
    "systems": "systems.ipynb",
    "real": "real.ipynb",
    "atlas": "atlas.ipynb",
    "device": "device.ipynb",
    "benchmarks": "benchmarks.ipynb",
    "training": "seed-{seed}/training.ipynb",
    "augmentation": "augmentation.ipynb",
    "data": "data.ipynb",
}
DOCUMENTS = (
    *("README", "REPRODUCING", "MODEL_CARD", "DATA_CARD"),
    *("ARCHITECTURE", "CONTRIBUTING", "CHANGELOG"),
)
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
CONFIGURATION: dict[str, Any] = {
    "project": "AtomicVAD companion",
    "author": "The AtomicVAD companion contributors",
    "html_title": "AtomicVAD companion",
    "html_theme": "furo",
    "extensions": ["myst_nb", "sphinx_copybutton"],
    "nb_execution_mode": "off",
    "nb_render_markdown_format": "myst",
    "myst_heading_anchors": 4,
    "myst_enable_extensions": ["colon_fence", "attrs_block"],
    "html_css_files": ["site.css"],
    "html_favicon": "_static/favicon.svg",
    "html_static_path": ["_static"],
    "html_extra_path": [EXTRA],
    "html_copy_source": False,
    "html_show_copyright": False,
    "html_show_sourcelink": False,
    "html_use_index": False,
    "suppress_warnings": ["myst.xref_missing", "misc.highlighting_failure", "myst.header"],
    "html_theme_options": {"navigation_with_keys": True},
}


def build_site(settings: Settings, out: Path) -> Path:
    """Build the site of a finished run into ``out``, which is replaced as a whole.

    Returns:
        The landing page.

    Raises:
        AtomicVADError: the run has no page yet, Sphinx is not installed, or it fails.
    """
    made = {name: settings.results_folder / _path(settings, name) for name in PAGES}
    made = {name: path for name, path in made.items() if path.is_file()}
    if "results" not in made:
        raise AtomicVADError(
            f"{settings.results_folder}: no page to show; make reproduce PROFILE={settings.profile}"
        )
    out = out.resolve()
    temporary = out.with_name(f".{uuid.uuid4().hex[:8]}-{out.name}")
    with tempfile.TemporaryDirectory() as name:
        source = Path(name)
        try:
            _write_sources(settings, made, source)
            built = temporary / out.name  # MyST-NB leaves the notebooks beside it
            _run_sphinx(source, built)
            for page in built.glob("*.html"):
                text = accessible(page.read_text(encoding="utf-8"))
                page.write_text(text, encoding="utf-8")
            if out.exists():
                shutil.rmtree(out)
            os.replace(built, out)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return out / "index.html"


def _path(settings: Settings, name: str) -> str:
    return PAGES[name].format(seed=settings.seeds[0])


def _write_sources(settings: Settings, made: dict[str, Path], source: Path) -> None:
    static = source / "_static"
    shutil.copytree(ASSETS, static)
    figures = project_root() / "figures" / "open"  # which documents show
    if figures.is_dir():
        place = source / "figures" / "open"
        shutil.copytree(figures, place, ignore=shutil.ignore_patterns("*.pdf"))
    for name, path in made.items():
        captions, charts = (partial(make, settings, name) for make in (caption, chart_html))
        write_page(path, source / f"{name}.ipynb", static / "files", captions, charts, made)
    documents = [name for name in DOCUMENTS if (project_root() / f"{name}.md").is_file()]
    for name in documents:
        text = (project_root() / f"{name}.md").read_text(encoding="utf-8")
        (source / f"{name}.md").write_text(_relinked(text), encoding="utf-8")
    _draw_answer(settings, static)
    import vl_convert

    bundle = vl_convert.javascript_bundle()  # type: ignore[call-arg]
    wrapped = f"(() => {{{bundle}\n}})();\n"  # its names are its own
    (static / "vega.js").write_text(wrapped, encoding="utf-8")
    shutil.copyfile(SCRIPT, static / SCRIPT.name)
    extra = source / EXTRA
    extra.mkdir()
    if article := _can_typeset():
        shutil.copy(write_article(load_profile("open").reference), extra)
    write_try_it(static / "try_it")
    live = f"````{{raw}} html\n{block('_static/try_it')}\n````"
    page = landing_page(settings, list(made), documents, live, article)
    (source / "index.md").write_text(page, encoding="utf-8")


def _draw_answer(settings: Settings, static: Path) -> None:
    """The landing page's figure, for laptops and for phones."""
    systems = read_systems(settings)
    for name, narrow in (("laptop", False), ("phone", True)):
        figure = auroc_by_system(systems, narrow=narrow)
        figure.savefig(static / f"auroc_{name}.svg", metadata={"Date": None})
        plt.close(figure)


def _can_typeset() -> bool:
    """Whether this is a checkout with the article's text and results, and Typst is installed."""
    if not (project_root() / "article" / SOURCE).is_file() or find_spec("typst") is None:
        return False
    return load_profile("open").reference.results_folder.is_dir()


def _relinked(text: str) -> str:
    """A document whose links lead to the site's pages; what is no page of it stays as words."""

    def link(match: re.Match[str]) -> str:
        picture, words, place = match.groups()
        path = place.partition("#")[0]
        if picture or not path or "://" in place or path.removesuffix(".md") in DOCUMENTS:
            return match[0]
        number = Path(path).stem.partition("_")[2]
        return f"[{words}]({number}.ipynb)" if number in PAGES else words

    return LINK.sub(link, text)


def _run_sphinx(source: Path, target: Path) -> None:
    try:
        from sphinx.application import Sphinx
    except ImportError:
        raise AtomicVADError("sphinx: not installed; pip install 'atomicvad[site]'") from None

    said = io.StringIO()
    with tempfile.TemporaryDirectory() as doctrees, contextlib.redirect_stdout(io.StringIO()):
        application = Sphinx(
            source, None, target, doctrees, "html", CONFIGURATION, status=None, warning=said
        )
        application.build(force_all=True)
    if application.statuscode or not (target / "index.html").is_file():
        raise AtomicVADError(f"sphinx: {said.getvalue().strip().splitlines()[-1]}")
