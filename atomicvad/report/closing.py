"""The closing block of ``make reproduce``: verdict, headline numbers, where the report is."""

import time

from atomicvad.config import Settings
from atomicvad.console import duration
from atomicvad.report.collate import collate, headline_lines, testing_lines
from atomicvad.report.compare import compare, rows_outside


def closing_block(settings: Settings, since: float | None = None) -> str:
    """Compare a run with the reference; what it says, in a few lines.

    Args:
        since: when the run began, in seconds since 1970; ``None``: its time is not printed.
    """
    collate(settings)
    verdict = compare(settings)
    lines = ["", f"Test set: {settings.profile}, {len(settings.seeds)} seeds, mean ± std over them"]
    lines += headline_lines(settings)
    lines += ["", "Windows of the testing split:", *testing_lines(settings), ""]
    if verdict is None:
        lines.append(f"{settings.profile}: there is no reference to compare with")
    else:
        lines += [f"{settings.profile}: {verdict.text}", rows_outside(settings)]
    report = settings.results_folder / "report.html"
    lines.append(f"Report: {report}" if report.is_file() else f"Tables: {settings.results_folder}")
    if since is not None:
        lines.append(f"Time taken: {duration(time.time() - since)}")
    return "\n".join(lines)
