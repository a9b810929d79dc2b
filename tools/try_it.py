"""Compile the detector of the site's page anew, after an edit of its C.

python tools/try_it.py
"""

from atomicvad.device.export.wasm import write_several
from atomicvad.site.try_it import MODULE


def main() -> None:
    """Write the module into the package."""
    write_several(MODULE)
    print(f"{MODULE}: {MODULE.stat().st_size} bytes")


if __name__ == "__main__":
    main()
