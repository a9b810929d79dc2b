"""Where a benchmark's table goes: a CSV in ``results/``, and a block between marks on a page."""

import pandas as pd

from atomicvad.files import project_root, replacing
from atomicvad.report.tables import write_blocks


def publish(table: pd.DataFrame, name: str, block: str, digits: int = 4) -> None:
    """Write ``results/<name>.csv``, and ``block`` between the marks ``name`` in REPRODUCING.md."""
    with replacing(project_root() / "results" / f"{name}.csv") as path:
        table.to_csv(path, index=False, float_format=f"%.{digits}f")
    write_blocks({"REPRODUCING.md": block}, f"<!-- {name}:start -->", f"<!-- {name}:end -->")
