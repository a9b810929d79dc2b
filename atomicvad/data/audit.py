"""Audit of manifests and their audio; nothing is changed."""

import hashlib
import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from atomicvad.audio.decode import decode, read_header
from atomicvad.audio.signal import SAMPLE_RATE, SILENCE_DB
from atomicvad.config import LABELS
from atomicvad.corpora.splits import NAMES
from atomicvad.data.manifest import GROUPS, read_manifest
from atomicvad.data.store import AudioStore
from atomicvad.errors import AtomicVADError
from atomicvad.files import SAMPLES

CLIPPED, CLIPPED_SHARE = 0.999, 0.001  # amplitude of a clipped sample; greatest share of them
OFFSET = 0.01  # greatest mean of a recording, of full scale
IMBALANCE = 2.0  # greatest ratio of the classes' windows
# The checks, and whether a finding is an error (else a warning).
CHECKS = {
    "unreadable": True,
    "past the end": True,
    "outside the root": True,
    "recording on two sides": True,
    "speaker on two sides": True,
    "source on two sides": True,
    "same sound on two sides": True,
    "same sound twice": False,
    "other rate": False,
    "silent": False,
    "clipped": False,
    "DC offset": False,
    "unbalanced": False,
}


@dataclass
class Report:
    """Places of the findings by check; windows and hours by manifest and class."""

    findings: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    classes: list[tuple] = field(default_factory=list)

    @property
    def errors(self) -> int:
        """Number of findings that are errors."""
        return sum(len(self.findings[name]) for name, error in CHECKS.items() if error)

    def table(self) -> pd.DataFrame:
        """A row for every check: number of findings, what that makes it, and the first place."""
        rows = [
            (
                name,
                len(self.findings[name]),
                ("error" if error else "warning") if self.findings[name] else "passed",
                *self.findings[name][:1],
            )
            for name, error in CHECKS.items()
        ]
        rows = [(*row, "")[:4] for row in rows]
        return pd.DataFrame(rows, columns=["check", "found", "result", "first found"])

    def balance(self) -> pd.DataFrame:
        """Windows and hours by manifest, and by class where it has any."""
        table = pd.DataFrame(self.classes, columns=["manifest", "label", "windows", "hours"])
        return table[table["windows"] > 0].reset_index(drop=True)

    def to_text(self) -> str:
        """Both tables and a line with the totals."""
        table, errors = self.table(), self.errors
        warnings = int(table["found"].sum()) - errors
        parts = [self.balance().to_string(index=False), table.to_string(index=False)]
        return "\n\n".join([*parts, f"{errors} errors, {warnings} warnings"])


class _Audio:
    """Audio of a manifest's recordings, from the store beside it or from files in ``root``."""

    def __init__(self, manifest: Path, root: Path | None, anywhere: bool):
        self.root, self.anywhere = Path(root or manifest.parent).resolve(), anywhere
        self.store: AudioStore | None = None
        self.numbers: dict[str, int] = {}
        self._last: tuple[str, np.ndarray] = ("", np.zeros(0, np.float32))
        if (manifest.parent / SAMPLES).is_file() and root is None:
            self.store = AudioStore(manifest.parent)
            self.numbers = {name: n for n, name in enumerate(self.store.recordings["recording"])}

    def path(self, name: str) -> Path | None:
        """The file of a recording; ``None`` if it is outside ``root`` and not in the store."""
        path = (self.root / name).resolve()
        inside = name in self.numbers or path.is_relative_to(self.root)
        return path if inside or self.anywhere else None

    def waveform(self, name: str, path: Path) -> np.ndarray:
        """A recording; the last one is kept, as its windows follow each other."""
        if self._last[0] != name:
            if self.store is not None and name in self.numbers:
                self._last = (name, self.store.read(self.numbers[name]))
            else:
                self._last = (name, decode(path))
        return self._last[1]


def audit(manifests: list[Path], root: Path | None = None, anywhere: bool = False) -> Report:
    """Check manifests against their audio, and against each other.

    The side of a manifest is the split that its name or its folder's name contains (training,
    dev …); without one, the manifest is a side of its own.

    Args:
        root: the folder of the audio; the manifest's own by default.
        anywhere: accept files outside that folder, which are an error by default.

    Raises:
        ManifestError: a malformed manifest; names ``file:line``.
    """
    report = Report()
    # For each field that sides may not share (speaker, source, recording): value -> its sides.
    sides: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    totals: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(LABELS, 0))
    sounds: dict[bytes, list] = defaultdict(list)
    names: dict[bytes, str] = {}  # of recordings, by their content
    for manifest in map(Path, manifests):
        frame = read_manifest(manifest)
        side = _side(manifest)
        for label in LABELS:
            seconds = frame.loc[frame["label"] == label, "duration"]
            report.classes.append(
                (manifest.name, label, len(seconds), round(seconds.sum() / 3600, 3))
            )
            totals[side][label] += len(seconds)
        for name in GROUPS:
            if name in frame:
                for value in frame[name].dropna().unique():
                    if value != "":
                        sides[name][str(value)].add(side)
        audio = _Audio(manifest, root, anywhere)
        _check_audio(frame, manifest, side, audio, report, sounds, sides["recording"], names)
    for name, places in sides.items():
        for value, where in places.items():
            if len(where) > 1:
                report.findings[f"{name} on two sides"].append(
                    f"{value}: {', '.join(sorted(where))}"
                )
    _check_copies(sounds, report)
    for side, classes in totals.items():
        low, high = sorted(classes.values())
        if high > IMBALANCE * low:
            report.findings["unbalanced"].append(f"{side}: {classes}")
    return report


def _side(manifest: Path) -> str:
    words = re.split(r"[^a-z]+", manifest.stem.lower())
    words.append(manifest.resolve().parent.name.lower())
    return next((NAMES[word] for word in words if word in NAMES), str(manifest))


def _check_audio(
    frame: pd.DataFrame,
    manifest: Path,
    side: str,
    audio: _Audio,
    report: Report,
    sounds: dict[bytes, list],
    recordings: dict[str, set],
    names: dict[bytes, str],
) -> None:
    frame = frame.sort_values("audio_filepath", kind="stable")
    groups = frame.groupby("audio_filepath", sort=False)
    for name, rows in tqdm(groups, desc=manifest.name, unit="file"):
        where = f"{manifest.name}:{rows['line'].iloc[0]}: {name}"
        try:
            path = audio.path(name)
            if path is None:
                report.findings["outside the root"].append(where)
                continue
            if name not in audio.numbers and (rate := read_header(path).rate) != SAMPLE_RATE:
                report.findings["other rate"].append(f"{where}: {rate} Hz")
            waveform = audio.waveform(name, path)
        except (ValueError, OSError, RuntimeError) as error:  # a name too long, a link to itself
            reason = error if isinstance(error, AtomicVADError) else "a bad name"
            report.findings["unreadable"].append(
                f"{manifest.name}:{rows['line'].iloc[0]}: {reason}"
            )
            continue
        if not _is_silent(waveform):  # by content, so that a copy under another name counts
            digest = hashlib.blake2b(waveform.tobytes(), digest_size=16).digest()
            recordings[names.setdefault(digest, name)].add(side)
        if abs(float(np.mean(waveform))) > OFFSET:
            report.findings["DC offset"].append(where)
        for row in rows.itertuples():
            place = f"{manifest.name}:{row.line}: {name} at {row.offset:.2f} s"
            start = round(row.offset * SAMPLE_RATE)
            end = start + round(row.duration * SAMPLE_RATE)
            if end > len(waveform):
                report.findings["past the end"].append(place)
                continue
            if _is_silent(waveform[start:end]):  # would be a copy of any other silent window
                report.findings["silent"].append(place)
                continue
            if np.mean(np.abs(waveform[start:end]) >= CLIPPED) > CLIPPED_SHARE:
                report.findings["clipped"].append(place)
            digest = hashlib.blake2b(waveform[start:end].tobytes(), digest_size=16).digest()
            sounds[digest].append((side, name, start, place))


def _is_silent(window: np.ndarray) -> bool:
    power = float(np.mean(np.square(window))) if len(window) else 0.0
    return 10 * np.log10(power + 1e-12) < SILENCE_DB


def _check_copies(sounds: dict[bytes, list], report: Report) -> None:
    """Report equal samples on two sides, or under two names or offsets (not: drawn twice)."""
    for places in sounds.values():
        if len({side for side, *_ in places}) > 1:
            report.findings["same sound on two sides"].append(places[0][-1])
        elif len({(name, start) for _, name, start, _ in places}) > 1:
            report.findings["same sound twice"].append(places[0][-1])
