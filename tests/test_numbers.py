"""Every number that README, REPRODUCING, cards and notebooks print stands in a committed file."""

import re

import nbformat
import pandas as pd
import pytest

from atomicvad import config
from atomicvad.config import load_profile
from atomicvad.files import project_root
from atomicvad.model import build_network
from atomicvad.scoring.scores import is_of_these_clips

ROOT = project_root()
# What defines the method, the data or the project, and is no result.
DEFINITIONS = {
    "298": "parameters; counted below",
    "0.63": "s, the window",
    "10,080": "samples of a window",
    "16": "kHz",
    "64": "mel bins",
    "10": "ms, a frame; seeds; dB",
    "79": "ms, SWI's step",
    "87.5": "% of overlap",
    "95": "% intervals; percentiles",
    "80": "dB floor; an example of calibration",
    "0.8": "an example of calibration",
    "35": "volume",
    "2026": "year",
    "101822": "article",
    "3.11": "Python",
    "3.12": "Python",
    "3.13": "Python",
    "440": "Hz",
    "0": "the start",
    "1": "one",
    "2": "two, F2",
    "5": "seconds between tries, seeds",
    "24": "s, a case of the atlas",
    "70": "% of active frames in a speech window",
    "30": "dB, the energy gate",
    "900": "s, where AVA-Speech's labels begin",
    "0.0005": "the tolerance of `make compare`",
    "0.002": "the smallest p of 1000 draws",
    "2100": "Warzone 2100",
    "17": "GB of FreeSound at most",
    "6.2": "Silero VAD 6.2",
    "0.76": "rank correlation of validation scenes, of the seeds before",
    "0.22": "that of validation windows",
    "0.65": "s, the shortest segment",
    "0.315": "the released code's FPR",
    "10,000": "files on a held-out side of Speech Commands",
    "36": "FreeSound categories",
    "122": "clips that MarbleNet used",
    "161,000": "training windows of the paper",
    "507": "pooled positions, 13 x 13 x 3",
    "602,112": "multiplications of the first layer",
    "2.4": "GB of Speech Commands",
    "3.4": "GB of it unpacked",
    "4.6": "GB of AVA-Speech",
    "192": "kbit/s of FreeSound's previews",
    "4.0": "CC BY 4.0",
    "8786": "Dask's port",
    "0.903": "the paper's",
    "0.891": "the paper's",
    "16,000": "Hz",
    "2013": "the first processors with AVX2",
    "0.01": "level and margin of the verdict",
    "0.015": "a shift that the verdict finds",
    "0.05": "of a single p",
    "1.0": "ODbL 1.0",
    "3.0": "CC BY-NC 3.0",
    "7": "excerpts of meetings in the development part",
    "99": "sounds in the development part",
    "1.3": "cycles that an instruction is estimated to take at most",
    "240": "MHz, the paper's Cortex-M7",
    "53": "MB of compilers, twice; µA/MHz of a part's data sheet",
    "367": "MB of compilers and emulator in the cache",
    "42": "MB of compilers for RISC-V",
    "20": "kB of a window's samples",
    "52": "µA/MHz of a part's data sheet",
    "48": "MHz of a Cortex-M0+",
    "160": "MHz of other cores; samples of a hop",
    "75": "kB, the paper's",
    "65": "kB, the paper's; points of a table; frames of a decision",
    "26": "ms, the paper's",
    "1.22": "s, the paper's",
    "1,000": "hops of a stream that all processors are compared on",
    "73": "hops of a stream up to its first decision",
    "0.36": "s from what a decision is about to when it is made",
    "10,618": "multiplications of a decision of the stream after the MFCC",
    "9,408": "of them in the first convolution: 64 x 3 x 49",
    "256": "complex points",
    "512": "samples of an FFT; steps of a logarithm",
    "32": "bits",
    "14": "bits of a normalised value",
    "97": "points of a table",
    "257": "points of a table",
    "8": "bits",
    "15": "binary digits",
    "12": "MB of QEMU; GCC 12",
    "3,400": "Hz, the upper edge of the atlas' telephone",
    "99.5": "% of the energy lie below a bandwidth",
}
NUMBER = re.compile(r"(?<![\w.,/#-])\d[\d,]*(?:\.\d+)?(?![\w]*[/\w]*\.(?:ipynb|csv|png))")


def numbers(text: str) -> set[str]:
    """Numbers in prose: no code, links, generated tables or numbered names."""
    text = re.sub(r"<!-- (\w+):start -->.*?<!-- \1:end -->", "", text, flags=re.DOTALL)
    text = re.sub(r"(?s)```.*?```", "", text)
    text = re.sub(r"`[^`]*`|\]\([^)]*\)|https?://\S+|\b0\d\b", "", text)
    found = (match.rstrip(",") for match in NUMBER.findall(text))
    return {number for number in found if number}


def sources() -> set[str]:
    """Numbers of committed files: settings as they are written, results as they are rounded."""
    known = set(DEFINITIONS)
    for path in [
        *(ROOT / "profiles").glob("*.yaml"),
        *(ROOT / "atomicvad" / n for n in ("config.py", "sections.py")),
    ]:
        written = re.findall(r"\d+(?:\.\d+)?", path.read_text(encoding="utf-8"))
        known |= {number.removesuffix(".0") for number in written}
    known |= set(pd.read_csv(ROOT / "results" / "measured.csv", dtype=str)["value"])
    results = ROOT / "results" / "open"
    counted = ("exports.csv", "int8_costs.csv", "integers.csv", "integer_steps.csv")
    for path in (
        *(ROOT / "results" / name for name in counted),
        *(*results.glob("*.csv"), *results.glob("real/*.csv")),
    ):
        if path.name.startswith("scenes"):
            continue
        for values in pd.read_csv(path).select_dtypes("number").to_numpy().ravel():
            known |= {f"{values:.{digits}f}" for digits in (2, 3)}
    return known


def texts() -> dict[str, str]:
    names = ("README.md", "REPRODUCING.md", "MODEL_CARD.md", "DATA_CARD.md")
    found = {name: (ROOT / name).read_text(encoding="utf-8") for name in names}
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        found[path.name] = "\n\n".join(c.source for c in cells if c.cell_type == "markdown")
    return found


@pytest.mark.parametrize("name", texts())
def test_every_printed_number_stands_in_a_file(name):
    assert numbers(texts()[name]) - sources() == set()


def test_a_number_from_nowhere_is_found():
    text = "AUROC 0.91234 after 9,876 steps, `0.5555` in code, window 0.63 s"
    assert numbers(text) - sources() == {"0.91234", "9,876"}


def test_the_parameters_are_counted():
    assert str(build_network().count_params()) == "298"


def test_committed_scores_are_of_the_committed_scenes(monkeypatch):
    monkeypatch.setattr(config, "project_root", lambda: ROOT)
    settings = load_profile("open").reference
    files = sorted(settings.results_folder.glob("s*/**/scores.npz"))
    assert len(files) >= len(settings.seeds) + 1
    for path in files:
        assert is_of_these_clips(path, settings), path
