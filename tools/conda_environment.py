"""Write environment.yml with the pins of requirements.lock, for conda users."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEAD = """# For conda users: conda env create --file environment.yml,
# then pip install --no-deps --editable .
# The pins of requirements.lock, written by `make lock`.
name: atomicvad
channels:
  - conda-forge
dependencies:
  - python>=3.11,<3.14
  - pip
  - pip:
"""


def pins(lock: str) -> list[str]:
    """``name==version ; marker`` of every line of a lock file that pins a package."""
    return [pin.strip() for pin in re.findall(r"^([\w.\[\]-]+==[^\\\n]+)", lock, re.MULTILINE)]


def environment(lock: str) -> str:
    """The text of environment.yml."""
    return HEAD + "".join(f'      - "{pin}"\n' for pin in pins(lock))


if __name__ == "__main__":
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    (ROOT / "environment.yml").write_text(environment(lock), encoding="utf-8")
