"""The site: pages out of executed notebooks, with words for pictures, and nothing from outside.

In a real browser, every page is looked at in three widths, light and dark, with axe-core's rules of
accessibility; figures are touched, and the search finds.
"""

import base64
import io
import json
import re
import shutil
from html.parser import HTMLParser
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
import pandas as pd
import pytest
import soundfile
from axe_playwright_python.sync_playwright import Axe
from browser import Watch, launched, served
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from atomicvad.config import load_profile
from atomicvad.errors import AtomicVADError
from atomicvad.files import project_root
from atomicvad.site import build, charts
from atomicvad.site.accessibility import accessible
from atomicvad.site.build import build_site
from atomicvad.site.captions import SOURCES, caption
from atomicvad.site.charts import CHARTS

PIXEL = base64.b64encode(
    (project_root() / "figures" / "open" / "int8_costs.png").read_bytes()
).decode()
SMOKE = load_profile("smoke")
LARGEST = 3e6  # bytes of a page with all that it loads at once


def player() -> str:
    """A sound as IPython shows it."""
    file = io.BytesIO()
    soundfile.write(file, np.zeros(8000, np.float32), 16000, format="WAV")
    sound = base64.b64encode(file.getvalue()).decode()
    source = f'<source src="data:audio/wav;base64,{sound}" type="audio/wav" />'
    return f'<audio  controls="controls" >\n{source}\n</audio>'


def notebook(name: str) -> nbformat.NotebookNode:
    """An executed notebook: prose, noise on stderr, a progress bar, a picture, a table, a sound.

    One of a page with charts has their headings, too, each with a picture.
    """
    outputs = [
        new_output("stream", name="stderr", text="WARNING: noise of a library"),
        new_output("display_data", {build_bar(): {"model_id": "x"}, "text/plain": "bar"}),
        new_output("display_data", {build_bar(): {"model_id": "x"}, "text/plain": "VBox(child"}),
        *(new_output("stream", name="stdout", text=f"line {number}\n") for number in (1, 2)),
        new_output("display_data", {"image/png": PIXEL, "text/plain": "<Figure>"}),
    ]
    cases = f"<table><tr><td>no speech: digital silence</td><td>{player()}</td></tr></table>"
    html = new_output("display_data", {"text/html": cases, "text/plain": "<Audio>"})
    table = "<table><tr><th>system</th><th>AUROC</th></tr><tr><td>a</td><td>0.9</td></tr></table>"
    markdown = "| system | AUROC |\n|---|---|\n| rendered | 0.9 |\n"
    charts = [
        cell
        for heading in CHARTS.get(name, ())
        for cell in (new_markdown_cell(f"## {heading}"), new_code_cell("d()", outputs=outputs[-1:]))
    ]
    return new_notebook(
        cells=[
            new_markdown_cell(f"# Page of {name}\n\nAbout it, as notebook `05_systems` says."),
            new_markdown_cell("Choose below.", metadata={"tags": ["remove-cell"]}),
            *charts,
            new_code_cell("secret_call()"),
            new_markdown_cell("## A picture of *something*"),
            new_code_cell("draw_it()", outputs=outputs),
            new_code_cell("listen()", outputs=[html]),
            new_code_cell("t", outputs=[new_output("execute_result", {"text/html": table})]),
            new_code_cell("m", outputs=[new_output("display_data", {"text/markdown": markdown})]),
        ]
    )


def build_bar() -> str:
    return "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A site of the committed results, with notebooks made here."""
    patch, settings = pytest.MonkeyPatch(), load_profile("open").reference
    root = tmp_path_factory.mktemp("root")
    reference = project_root()
    for name in build.DOCUMENTS:
        shutil.copyfile(reference / f"{name}.md", root / f"{name}.md")
    shutil.copytree(reference / "results" / "open", root / "results" / "open")
    shutil.copytree(reference / "figures" / "open", root / "figures" / "open")
    patch.setattr("atomicvad.config.project_root", lambda: root)
    patch.setattr("atomicvad.site.build.project_root", lambda: root)
    for name in build.PAGES:
        path = settings.results_folder / build._path(settings, name)
        nbformat.write(notebook(name), path)
    yield build_site(settings, root / "site").parent
    patch.undo()


class Links(HTMLParser):
    """What a page loads and where it leads."""

    def __init__(self, text: str):
        super().__init__()
        self.loaded, self.links, self.ids, self.without_alt = [], [], set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.ids |= {found["id"]} if "id" in found else set()
        if tag in ("img", "script", "source", "audio", "iframe") and found.get("src"):
            self.loaded.append(found["src"])
        if tag == "link" and found.get("rel") in ("stylesheet", "preload", "icon"):
            self.loaded.append(found["href"])
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        if tag == "img" and not found.get("alt"):
            self.without_alt.append(found.get("src"))


def pages(site):
    return {path.name: Links(path.read_text("utf-8")) for path in sorted(site.glob("*.html"))}


def test_nothing_comes_from_outside_and_all_of_it_is_there(site):
    for name, page in pages(site).items():
        assert not [place for place in page.loaded if re.match(r"(https?:)?//", place)], name
        for place in page.loaded:
            if not place.startswith("data:"):
                assert (site / place.partition("?")[0]).is_file(), (name, place)


def test_links_between_pages_resolve(site):
    found = pages(site)
    for name, page in found.items():
        for link in page.links:
            place, _, anchor = link.partition("#")
            if re.match(r"\w+:", link) or (place and not place.endswith(".html")):
                continue
            target = place or name
            assert target in found, (name, link)
            assert not anchor or anchor in found[target].ids, (name, link)


def test_pictures_have_words_and_captions_say_where_from(site):
    for name, page in pages(site).items():
        assert page.without_alt == [], name
    text = (site / "results.html").read_text("utf-8")
    assert "<figcaption>A picture of something.</figcaption>" in text
    source = "Made by <code>make report</code> from <code>results/open/seed-*/history.csv</code>."
    assert f"<figcaption>Training. {source}</figcaption>" in text


@pytest.mark.parametrize("place", ["runs", "results"])
def test_a_caption_names_the_folder_that_the_site_is_made_from(place):
    settings = SimpleNamespace(place=place, profile="smoke")
    found = caption(settings, "results", "Training")
    assert found.endswith(f"from `{place}/smoke/seed-*/history.csv`.")


def test_code_and_noise_stay_away(site):
    for name in build.PAGES:
        text = (site / f"{name}.html").read_text("utf-8")
        assert "The sliders are in the notebook" in text and "line 1\nline 2\n" in text
        for word in ("secret_call", "draw_it", "noise of a library", "model_id", "Choose below"):
            assert word not in text
        assert re.search(
            r'as <a [^>]*href="(systems\.html|#)"[^>]*>.*Page of systems.*</a> says', text
        )


def test_sounds_are_files_and_pages_small(site):
    text = (site / "atlas.html").read_text("utf-8")
    (place,) = set(re.findall(r'src="(_static/files/\w+\.mp3)"', text))
    assert soundfile.info(site / place).duration == pytest.approx(0.5, abs=0.1)
    for name, page in pages(site).items():
        loaded = {place.partition("?")[0] for place in page.loaded if ".mp3" not in place}
        sizes = [(site / place).stat().st_size for place in loaded if not place.startswith("data:")]
        assert sum(sizes) + (site / name).stat().st_size < LARGEST, name


def test_the_landing_page_answers_with_the_results_numbers(site):
    text = (site / "index.html").read_text("utf-8")
    systems = pd.read_csv(project_root() / "results" / "open" / "systems.csv")
    keys = {"system": "atomicvad", "protocol": "swi-median", "condition": "all", "metric": "auroc"}
    row = systems[(systems[list(keys)] == pd.Series(keys)).all(axis=1)].iloc[0]
    said = f"10 seeds reach an AUROC of {row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
    assert said in text
    assert "What is not known" in text and "make reproduce" in text


def test_the_landing_page_has_a_figure_for_phones_which_need_not_scroll(address, page):
    page.goto(f"{address}/index.html")
    shown = page.locator("article picture img")
    for width, name in ((390, "auroc_phone.svg"), (1440, "auroc_laptop.svg")):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(
            "name => document.querySelector('picture img').currentSrc.endsWith(name)", arg=name
        )
        assert shown.bounding_box()["width"] <= width
        assert not page.locator("article .scroll:has(picture)").count()


def test_markdown_tables_are_tables(site):
    text = (site / "systems.html").read_text("utf-8")
    assert re.search(r"<td[^>]*><p>rendered</p></td>", text)


def test_charts_hold_the_results_numbers(site):
    text = (site / "systems.html").read_text("utf-8")
    data = re.search(r'data-chart="chart-auroc"[^>]*>(.+?)</script>', text)
    (rows,) = json.loads(data[1])["datasets"].values()
    (ours,) = (one for one in rows if one["ours"] and one["condition"] == "noise")
    systems = pd.read_csv(project_root() / "results" / "open" / "systems.csv")
    keys = {
        "system": "atomicvad",
        "protocol": "swi-median",
        "condition": "noise",
        "metric": "auroc",
    }
    row = systems[(systems[list(keys)] == pd.Series(keys)).all(axis=1)].iloc[0]
    assert [ours[name] for name in ("value", "low", "high")] == list(row[["value", "low", "high"]])


def test_a_long_training_can_be_drawn(monkeypatch):
    """Ten seeds of 150 epochs, as the paper's: more rows than Altair takes of itself."""
    epochs = pd.MultiIndex.from_product([range(10), range(150)], names=["seed", "epoch"])
    table = pd.DataFrame(0.5, index=epochs, columns=[*charts.CURVES]).reset_index()
    monkeypatch.setattr(charts, "histories", lambda settings: table)
    assert 'data-chart="chart-training"' in charts.chart_html(SMOKE, "results", "Training")


def test_charts_and_captions_stand_below_headings_that_notebooks_have():
    for page, headings in (*CHARTS.items(), *SOURCES.items()):
        stem = Path(build.PAGES[page]).stem.replace("report", "results")
        (path,) = (project_root() / "notebooks").glob(f"*_{stem}.ipynb")
        cells = nbformat.read(path, as_version=4).cells
        prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        assert set(headings) <= set(re.findall("^#+ (.+)$", prose, re.MULTILINE)), page


def test_cells_of_prose_name_their_columns_and_rows():
    """Two rows share a heading; on a phone, where each is a card, both have it."""
    prose = "a sentence " * 10
    page = f"""<article><h2>Ledger<a>#</a></h2><table>
    <thead><tr><th></th><th></th><th>why</th></tr><tr><th>system</th><th>of</th><th></th></tr></thead>
    <tbody><tr><th rowspan="2">ours</th><th>AUROC</th><td>{prose}</td></tr>
    <tr><th>F2</th><td></td></tr></tbody></table></article>"""
    found = BeautifulSoup(accessible(page), "html.parser")
    rows = [[cell.get("data-label") for cell in row.find_all(["th", "td"])]
            for row in found.select("tbody tr")]  # fmt: skip
    assert rows == [["system", "of", "why"]] * 2
    assert found.select_one("tbody tr:last-child th.repeated").text == "ours"
    assert found.select_one("div.scroll")["aria-label"] == "table: Ledger"


WIDTHS = (390, 768, 1440)  # a phone, a tablet, a laptop
SERIOUS = ("serious", "critical")
LIMITS = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21aa"],
    "resultTypes": ["violations"],  # what else it finds takes most of the time to be told
    "preload": False,
}


@pytest.fixture(scope="module")
def browser():
    with launched("--autoplay-policy=no-user-gesture-required") as browser:
        yield browser


@pytest.fixture(scope="module")
def address(site):
    with served(site) as address:
        yield address


@pytest.fixture
def page(browser):
    """A page that complains of nothing."""
    page = browser.new_page()
    page.watch = Watch(page)
    yield page
    assert page.watch.complaints == []
    page.close()


def test_nothing_is_left_beside_the_site(site):
    documents = {f"{name}.md" for name in build.DOCUMENTS}
    assert {path.name for path in site.parent.iterdir()} == documents | {
        "results",
        "figures",
        "site",
    }


def test_every_page_reads_in_every_width(site, address, page):
    """No complaint, no request to others, nothing wider than the page, no serious fault."""
    for name in sorted(path.name for path in site.glob("*.html")):
        page.goto(f"{address}/{name}")
        for scheme, width in product(("light", "dark"), WIDTHS):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 900})
            excess = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert excess <= 0, (name, scheme, width)
            if (scheme, width) in (("dark", WIDTHS[0]), ("light", WIDTHS[-1])):
                found = Axe().run(page, options=LIMITS).response["violations"]
                faults = [one for one in found if one["impact"] in SERIOUS]
                assert not faults, (name, [(f["id"], f["nodes"][0]["html"]) for f in faults])
    requests = page.watch.requests
    assert all(request.startswith((address, "data:", "blob:")) for request in requests)


def test_charts_are_drawn_in_a_folder_and_answer(site, page):
    page.goto(f"file://{site}/systems.html")
    page.wait_for_selector("#chart-auroc svg")
    label = "#chart-auroc svg [aria-label*='Energy']"
    before = page.locator(label).last.get_attribute("aria-label")
    page.locator("#chart-auroc").get_by_label("music").check()
    page.wait_for_function(
        "([label, before]) => ![...document.querySelectorAll(label)]"
        ".some(one => one.getAttribute('aria-label') === before)",
        arg=[label, before],
    )


def test_a_case_of_the_atlas_is_chosen_heard_and_followed(site, page):
    page.goto(f"file://{site}/atlas.html")
    page.wait_for_selector("#chart-atlas-scores svg")
    player = page.locator("#chart-atlas-scores + audio")
    player.wait_for(state="attached")  # from then on a click is heard
    assert player.is_hidden()  # the hardest case has no sound on this page
    page.locator("#chart-atlas svg path[aria-label*='case: digital silence']").first.click()
    page.wait_for_function("document.querySelector('#chart-atlas-scores + audio').currentTime > 0")
    assert page.locator("#chart-atlas-scores select").input_value() == "digital silence"
    assert page.locator("#chart-atlas-scores svg path[aria-label*='Energy']").count() == 12
    page.locator("#chart-atlas-scores select").select_option("music on hold")
    player.wait_for(state="hidden")


def test_the_atlas_is_a_table_too(site):
    text = (site / "atlas.html").read_text("utf-8")
    rows = BeautifulSoup(text, "html.parser").select("details tbody tr")
    atlas = pd.read_csv(project_root() / "results" / "open" / "atlas.csv")
    shares = atlas[(atlas["case"] == "music on hold") & (atlas["system"] == "atomicvad")]["right"]
    (row,) = (row for row in rows if "music on hold" in row.text)
    assert len(rows) == atlas["case"].nunique()
    assert row.td.text == str(int(100 * shares.item() + 0.5))


def test_pictures_stay_where_no_script_runs(site, browser):
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(f"file://{site}/systems.html")
    assert page.locator("#chart-auroc img").is_visible()
    page.context.close()


def test_the_search_finds(address, page):
    page.goto(f"{address}/search.html?q=Holm")
    page.wait_for_selector("ul.search li a")
    assert "REPRODUCING" in page.locator("ul.search li a").first.get_attribute("href")


def test_the_landing_page_is_light(address, page):
    page.goto(f"{address}/index.html")
    page.wait_for_load_state("load")
    size = page.evaluate(
        """() => ["navigation", "resource"]
          .flatMap(kind => performance.getEntriesByType(kind))
          .reduce((sum, one) => sum + one.decodedBodySize, 0)"""
    )
    assert 1e5 < size < 1e6


def test_a_run_without_pages_is_one_line(tmp_path):
    settings = SMOKE.model_copy(update={"place": "nowhere"})
    with pytest.raises(AtomicVADError, match="no page to show; make reproduce PROFILE=smoke"):
        build_site(settings, tmp_path / "site")
    assert not (tmp_path / "site").exists()
