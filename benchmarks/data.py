"""Speed of indexing and decoding a corpus: a generated tree of many small files."""

import io
import tempfile
import time
from pathlib import Path

import soundfile

from atomicvad.audio.signal import SAMPLE_RATE
from atomicvad.config import Settings, settings_from
from atomicvad.corpora.generated import generate
from atomicvad.corpora.index import find_files, index_files
from atomicvad.data.sources import collect
from atomicvad.data.store import AudioStore
from benchmarks.timing import Row

FORMATS = {"wav": ("WAV", "PCM_16"), "flac": ("FLAC", "PCM_16"), "mp3": ("MP3", None)}
FORMATS |= {"opus": ("OGG", "OPUS")}


def make_tree(folder: Path, files: int, seconds: float) -> None:
    """Write ``files`` recordings, a quarter in each format, a thousand per folder."""
    contents = {}
    for suffix, (form, subtype) in FORMATS.items():
        content = io.BytesIO()
        waveform = generate("pink", (0, 1), seconds)
        soundfile.write(content, waveform, SAMPLE_RATE, format=form, subtype=subtype)
        contents[suffix] = content.getvalue()
    for number in range(files):
        suffix = list(FORMATS)[number % len(FORMATS)]
        path = folder / "noise" / f"{number // 1000:04d}" / f"{number:06d}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents[suffix])


def bench(files: int = 100_000, decoded: int = 2_000, seconds: float = 1.0) -> list[Row]:
    """Time indexing ``files`` files, the same from the cache, and decoding ``decoded`` of them."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        make_tree(root / "tree", files, seconds)
        started = time.perf_counter()
        paths = find_files(root / "tree")
        index_files(root / "tree", paths, root / "index.jsonl")
        rows.append((f"index_of_{files}_files", time.perf_counter() - started, "s"))
        started = time.perf_counter()
        index_files(root / "tree", paths, root / "index.jsonl")
        rows.append((f"index_of_{files}_known_files", time.perf_counter() - started, "s"))
        recordings = collect(_settings(root / "tree")).recordings[:decoded]
        (root / "store").mkdir()
        started = time.perf_counter()
        AudioStore.build(root / "store", recordings, len(recordings))
        took = time.perf_counter() - started
        rows.append(("decoding_into_the_store", len(recordings) / took, "files/s"))
    return rows


def _settings(folder: Path) -> Settings:
    values = {
        "corpus": "sources",
        "sources": [{"corpus": "folder", "folder": str(folder)}],
        "seeds": [1],
        "windows": {
            "stride_seconds": {"speech": 1, "background": 1},
            "counts": {"training": 1, "validation": 1, "testing": 1},
        },
        "scenes": {"clips": 1, "clip_seconds": 10},
    }
    return settings_from(values, "benchmark", "benchmark")
