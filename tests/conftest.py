"""What several tests share: released checkpoints where they are, and a small prepared profile."""

import os
import shutil
from pathlib import Path

from atomicvad.arithmetic import pin

pin()  # before NumPy is loaded

import pytest
import yaml
from processes import Checkout, Nursery

from atomicvad import config
from atomicvad.config import Settings, settings_from
from atomicvad.files import project_root
from atomicvad.parallel import limit_threads

limit_threads()  # several test files run at a time

TINY = {
    "corpus": "smoke",
    "seeds": [1, 4],  # of 1, the first start is chosen; of 4, the third one
    "windows": {
        "stride_seconds": {"speech": 0.3, "background": 0.3},
        "counts": {"training": 64, "validation": 32, "testing": 32},
    },
    "scenes": {"clips": 1, "clip_seconds": 30},
    "training": {
        "batch_size": 32,
        "epochs": 3,
        "trials": [3, 2],
        "learning_rate": 0.01,
    },
}


# Files that take half a minute or longer, longest first: they begin first, so that at the end no
# worker waits for the other one.
LONG = (
    *("lab", "paper", "cluster", "processors", "user_settings", "kernels", "training", "try_it"),
    *("integer", "site", "own_sets", "wheel", "systems", "stamps", "emulate"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests in the order in which they are given to the workers."""
    places = {f"test_{name}": place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))


@pytest.fixture(scope="session")
def published() -> Path:
    """The folder of released checkpoints and golden vectors."""
    folder = os.environ.get("ATOMICVAD_PUBLISHED")
    if not folder:
        pytest.skip("ATOMICVAD_PUBLISHED is not set: no released checkpoints to compare with")
    return Path(folder)


@pytest.fixture
def shown(monkeypatch) -> list:
    """What notebooks were told to display, in order: the newest content of each output."""
    outputs = []

    class Handle:
        def __init__(self, content):
            self.place = len(outputs)
            outputs.append(content)

        def update(self, content):
            outputs[self.place] = content

    def display(content, display_id=False):
        return Handle(content) if display_id else None

    monkeypatch.setattr("IPython.display.display", display)
    monkeypatch.setattr("atomicvad.report.sliders.display", display)
    return outputs


@pytest.fixture(scope="session")
def root(tmp_path_factory) -> Path:
    """A project root of the tests' own, so that no test touches data/ or results/."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(project_root() / "profiles", folder / "profiles")
    patch = pytest.MonkeyPatch()
    patch.setattr(config, "project_root", lambda: folder)
    yield folder
    patch.undo()


@pytest.fixture(scope="session")
def tiny(root: Path) -> Settings:
    """A profile of two seeds that trains in seconds on generated audio."""
    return settings_from(TINY, "tests", "tiny")


@pytest.fixture(scope="session")
def store(tiny: Settings):
    """The prepared data of ``tiny``."""
    from atomicvad.data.prepare import prepare

    return prepare(tiny)


@pytest.fixture(scope="session")
def checkout(tmp_path_factory, store) -> Checkout:
    """A checkout with the prepared profile ``tiny``, and its twin ``deterministic``."""
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copytree(project_root() / "atomicvad", folder / "atomicvad")
    shutil.copytree(project_root() / "profiles", folder / "profiles")
    shutil.copytree(store.folder, folder / "data" / "tiny")
    (folder / "profiles" / "tiny.yaml").write_text(yaml.safe_dump(TINY))
    twin = TINY | {"seeds": [1], "training": TINY["training"] | {"deterministic": True}}
    (folder / "profiles" / "deterministic.yaml").write_text(yaml.safe_dump(twin))
    (folder / "data" / "deterministic").symlink_to("tiny")
    return Checkout(folder)


@pytest.fixture(scope="session")
def nursery(checkout: Checkout):
    nursery = Nursery(checkout)
    yield nursery
    nursery.close()


@pytest.fixture(scope="session")
def serial(checkout: Checkout, nursery: Nursery) -> Checkout:
    """The checkout after both seeds of ``tiny`` were trained, one after another."""
    for seed in TINY["seeds"]:
        nursery.run("tiny", seed)
    return checkout
