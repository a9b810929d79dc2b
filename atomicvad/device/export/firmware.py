"""The detector as a folder for Arduino, Zephyr and ESP-IDF, with a bare-metal example."""

import shutil
from pathlib import Path

from atomicvad.files import replacing

TEMPLATE = Path(__file__).parents[1] / "firmware"
SOURCES = "src"


def write_firmware(sources: Path, folder: Path) -> None:
    """Write the folder: what surrounds the detector, and its sources in ``src/``.

    Args:
        sources: a folder with ``atomicvad.c``, its headers, and the weights.
        folder: where it goes; files of the same names are replaced.
    """
    pairs = [(path, path.relative_to(TEMPLATE)) for path in TEMPLATE.rglob("*") if path.is_file()]
    pairs += [(path, Path(SOURCES, path.name)) for path in sources.glob("*.[ch]")]
    for path, name in sorted(pairs):
        with replacing(folder / name) as temporary:
            shutil.copyfile(path, temporary)
