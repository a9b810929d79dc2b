"""Check of label files against the recordings beside them; nothing is changed."""

from dataclasses import dataclass, field
from pathlib import Path

from tqdm.auto import tqdm

from atomicvad.audio.decode import read_header
from atomicvad.corpora.folder import find_labels, only_one
from atomicvad.corpora.index import find_files, passed_over
from atomicvad.corpora.labels import SUFFIXES, fill, read_segments, remarks
from atomicvad.errors import AtomicVADError


@dataclass
class LabelReport:
    """What a check has found: one line each, which begins with the file, and its line if known."""

    checked: int = 0
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def to_text(self) -> str:
        """All findings, and a line with the totals."""
        lines = [f"error: {line}" for line in self.errors]
        lines += [f"warning: {line}" for line in self.warnings]
        total = f"{self.checked} recordings with labels, {len(self.errors)} errors, "
        return "\n".join([*lines, f"{total}{len(self.warnings)} warnings"])


def check_labels(folder: Path, name: str | None = None) -> LabelReport:
    """Check the labels of all recordings in a folder that have a label file beside them.

    Args:
        folder: laid out as for the corpus ``folder``.
        name: check only the recordings with this label file, a path relative to the folder.

    Raises:
        AtomicVADError: no such folder, no label file with that name, or one without a recording.
    """
    if not folder.is_dir():
        raise AtomicVADError(f"{folder}: no such folder")
    report = LabelReport()
    labels, others, alone = find_labels(folder, find_files(folder))
    if name is not None:
        labels = {path: [name] for path, names in labels.items() if name in names}
        others, alone = [], []
        if not labels:
            raise AtomicVADError(f"{folder / name}: expected labels, and the recording beside them")
    report.warnings += [f"{folder / path}: a transcript, no labels" for path in others]
    report.warnings += [f"{folder / path}: labels without a recording" for path in alone]
    if name is None and (line := passed_over(folder, SUFFIXES)):
        report.warnings.append(line)
    for path, names in tqdm(labels.items(), desc="labels", unit="file"):
        report.checked += 1
        try:
            segments = read_segments(only_one(folder, names))
            header = read_header(folder / path)
            fill(segments, header.seconds, header.rate)
        except AtomicVADError as error:
            report.errors.append(str(error))
        else:
            report.warnings += remarks(segments, header.seconds)
    return report
