"""The site: pages out of executed notebooks, with words for pictures, and nothing from outside."""

import base64
import io
import re
import shutil
from html.parser import HTMLParser

import nbformat
import numpy as np
import pandas as pd
import pytest
import soundfile
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from atomicvad.config import load_profile
from atomicvad.errors import AtomicVADError
from atomicvad.files import project_root
from atomicvad.site import build
from atomicvad.site.build import build_site

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


def notebook(title: str) -> nbformat.NotebookNode:
    """An executed notebook: prose, noise on stderr, a progress bar, a picture, a table, a sound."""
    outputs = [
        new_output("stream", name="stderr", text="WARNING: noise of a library"),
        new_output("display_data", {build_bar(): {"model_id": "x"}, "text/plain": "bar"}),
        new_output("display_data", {"image/png": PIXEL, "text/plain": "<Figure>"}),
    ]
    html = new_output("display_data", {"text/html": player(), "text/plain": "<Audio>"})
    table = "<table><tr><th>system</th><th>AUROC</th></tr><tr><td>a</td><td>0.9</td></tr></table>"
    return new_notebook(
        cells=[
            new_markdown_cell(f"# {title}\n\nAbout it."),
            new_code_cell("secret_call()"),
            new_markdown_cell("## A picture of *something*"),
            new_code_cell("draw_it()", outputs=outputs),
            new_code_cell("listen()", outputs=[html]),
            new_code_cell("t", outputs=[new_output("execute_result", {"text/html": table})]),
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
        nbformat.write(notebook(f"Page of {name}"), path)
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
    assert "A picture of something. Made by" in text and "metrics.csv" in text


def test_code_and_noise_stay_away(site):
    for name in build.PAGES:
        text = (site / f"{name}.html").read_text("utf-8")
        for word in ("secret_call", "draw_it", "noise of a library", "model_id"):
            assert word not in text


def test_sounds_are_files_and_pages_small(site):
    text = (site / "atlas.html").read_text("utf-8")
    (place,) = set(re.findall(r'src="(_static/sounds/\w+\.mp3)"', text))
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


def test_a_run_without_pages_is_one_line(tmp_path):
    settings = SMOKE.model_copy(update={"place": "nowhere"})
    with pytest.raises(AtomicVADError, match="no page to show; make reproduce PROFILE=smoke"):
        build_site(settings, tmp_path / "site")
    assert not (tmp_path / "site").exists()
