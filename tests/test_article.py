"""The replication article: built from the results alone, the same bytes twice, true to its data."""

import io
import json
import re
import shutil
import sys

import pandas as pd
import pypdf
import pytest
import yaml

from atomicvad import config
from atomicvad.cli.main import EXTRAS
from atomicvad.config import load_profile
from atomicvad.errors import AtomicVADError
from atomicvad.files import project_root
from atomicvad.report import article

ROOT = project_root()
# Numbers of the method, not of a result: what the text may spell out.
DEFINITIONS = {
    "16": "kHz; bits of an integer",
    "32": "bits of an integer",
    "8": "bits of the paper's device",
    "10": "ms, a frame",
    "95": "% intervals",
    "200": "ms, how near a boundary must be",
}


@pytest.fixture(scope="module", autouse=True)
def settings():
    """Of the committed results, whatever root other tests have set."""
    patch = pytest.MonkeyPatch()
    patch.setattr(config, "project_root", lambda: ROOT)
    yield load_profile("open").reference
    patch.undo()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A copy of the article's sources, so that the checkout stays as it is."""
    folder = tmp_path_factory.mktemp("article")
    for name in ("article.typ", "style.typ", "references.yml"):
        shutil.copy(ROOT / "article" / name, folder)
    return folder


@pytest.fixture(scope="module")
def built(settings, folder):
    """The bytes of two builds, and what the text was given."""
    patch = pytest.MonkeyPatch()
    patch.setattr(article, "article_folder", lambda: folder)
    pdfs = [article.write_article(settings).read_bytes() for _ in range(2)]
    patch.undo()
    return pdfs, json.loads((folder / "build" / "data.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def pages(built):
    """The text of every page, on one line each."""
    reader = pypdf.PdfReader(io.BytesIO(built[0][0]))
    return [re.sub(r"\s+", " ", page.extract_text()) for page in reader.pages]


def source(name="article.typ"):
    return (ROOT / "article" / name).read_text(encoding="utf-8")


def test_the_same_bytes_twice_and_small(built, pages):
    first, second = built[0]
    assert first == second
    assert first.startswith(b"%PDF") and len(first) < 2e6
    assert 4 <= len(pages) <= 6


def test_the_headline_numbers_stand_in_the_text(settings, pages):
    text = " ".join(pages)
    headline = pd.read_csv(settings.results_folder / "headline.csv")
    for value in headline.loc[headline["quantity"] == "AUROC", "value"].agg(["min", "mean", "max"]):
        assert f"{value:.3f}" in text
    systems = pd.read_csv(settings.results_folder / "systems.csv")
    rows = systems[
        (systems[["system", "protocol", "metric"]] == ["atomicvad", "swi-median", "auroc"]).all(
            axis=1
        )
    ]
    assert len(rows) == 4
    for row in rows.itertuples():
        assert f"{row.value:.3f} [{row.low:.3f}, {row.high:.3f}]" in text
    ledger = pd.read_csv(settings.results_folder / "ledger.csv", dtype=str)
    assert ledger["printed"].iloc[0] in text
    assert (settings.results_folder / "verdict.txt").read_text().strip() in text


def test_nothing_is_left_to_do(pages):
    text = " ".join(pages)
    assert not re.search(r"TODO|FIXME|\?\?|\bnan\b|None|no other system", text)


def prose(text):
    """The words of a Typst source, without comments, code, layout and places of values."""
    text = re.sub(r"//.*", "", text)
    text = re.sub(r"`[^`]*`|\$[^$]*\$|@\w+|<\w+>", "", text)
    text = re.sub(r"#[a-z][\w.]*", "", text)
    return re.sub(r"[\d.]+(pt|em|mm|fr|%(?=,))|\* 7|\* 6|\(1", "", text)


def test_no_result_is_typed_by_hand():
    numbers = set(re.findall(r"(?<![\w.−-])\d[\d,]*(?:\.\d+)?", prose(source())))
    assert {number.rstrip(",") for number in numbers} <= DEFINITIONS.keys()
    assert "0.937" in re.findall(r"(?<![\w.−-])\d[\d,]*(?:\.\d+)?", prose("AUROC 0.937 is"))


def test_a_semicolon_after_a_value_is_seen():
    """Typst takes one as the end of the code and prints nothing."""
    assert not re.search(r"#[a-z][\w.]*;", source())


def test_the_prose_holds_for_the_data(built):
    """Sentences with a direction, which no placed number would turn."""
    data = built[1]
    sides, seeds = data["real"]["sides_meetings"], data["seeds"]
    assert (
        "released" in sides["between"] + sides["ahead"]
    )  # "not ahead of the released checkpoints"
    assert "released" in data["scenes"]["sides_all"]["behind"]
    assert seeds["earlier_test"].startswith("−") and seeds["earlier_validation"].startswith("+")
    assert seeds["earlier_sounds"].startswith("−")
    ledger = data["ledger"]
    assert ledger["hard_auroc"] < ledger["right_auroc"]
    assert ledger["f2_released"] == ledger["f2_right"]
    # "hardly matters": the floor over a batch
    assert abs(float(ledger["only_hard_auroc"][:5]) - float(ledger["hard_auroc"])) < 0.002
    assert not data["scenes"]["stream_over_window"].startswith("−")
    assert all(float(data["segments"][f"{name}_f1"][:5]) < 0.2 for name in ("ensemble", "silero"))


def test_every_work_is_cited_and_every_citation_is_a_work():
    works = set(yaml.safe_load(source("references.yml")))
    labels = set(re.findall(r"<(\w+)>", source()))
    assert set(re.findall(r"@(\w+)", source())) - labels == works


def test_every_system_and_figure_is_described():
    text = source()
    assert text.count("image(") == text.count("alt: ")
    assert set(re.findall(r"<(\w+)>", text)) <= set(re.findall(r"@(\w+)", text))


def test_a_mistake_in_the_text_is_one_line(settings, folder, monkeypatch, tmp_path):
    shutil.copytree(folder, tmp_path / "article")
    (tmp_path / "article" / "article.typ").write_text("#missing")
    monkeypatch.setattr(article, "article_folder", lambda: tmp_path / "article")
    monkeypatch.setattr(article, "write_build", lambda *_: None)
    with pytest.raises(AtomicVADError, match=r"article\.typ: unknown variable: missing") as caught:
        article.write_article(settings)
    assert "\n" not in str(caught.value)


def test_without_typst_a_line_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(ModuleNotFoundError) as caught:
        article.write_article(None)
    assert EXTRAS[caught.value.name] == "article"


def test_outside_a_checkout_a_line_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(article, "project_root", lambda: tmp_path)
    with pytest.raises(AtomicVADError, match=r"article\.typ: no such file"):
        article.article_folder()
