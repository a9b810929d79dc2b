"""The integer detector beside floating point: ``python -m benchmarks.integers``.

On all windows of SWI on the test scenes, for the reference's seeds and the released checkpoints
where they are: ``results/integers.csv``; errors of each step for the first seed, on windows of the
validation scenes: ``results/integer_steps.csv``. C and specification are compared on 10,000 random
windows. The table in REPRODUCING.md is written anew. About 6 minutes on two cores.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

from atomicvad.audio.signal import to_int16
from atomicvad.config import Settings, load_profile
from atomicvad.corpora.clips import decoded_clips, read_labels
from atomicvad.device.engine import Engine
from atomicvad.device.errors import step_errors
from atomicvad.device.export.models import exportable_model
from atomicvad.device.integer.detector import window_logits
from atomicvad.device.integer.tables import WINDOW
from atomicvad.device.integer.weights import integer_weights
from atomicvad.device.scoring import engine_of, window_score
from atomicvad.errors import AtomicVADError
from atomicvad.files import CLIP_LABELS, INTEGER_STEPS, WEIGHTS, project_root
from atomicvad.scoring.logits import logit_score
from atomicvad.scoring.protocols import score_set, window_table
from atomicvad.scoring.released_checkpoints import released_checkpoints
from benchmarks.published import publish

RANDOM = 10_000
CLEAR = 0.1  # a logit that rounding should not move across 0


def beside_float(settings: Settings, paths: list[Path]) -> pd.DataFrame:
    """Decisions that differ, and AUROC of windows, by model."""
    models = [exportable_model(path) for path in paths]
    folder = settings.clips_folder("testing")
    exact = score_set(logit_score(*models), folder, settings, ("swi",))
    found = score_set(window_score(engine_of(models)), folder, settings, ("swi",))["swi"]
    labels = read_labels(folder / CLIP_LABELS)
    table = window_table(labels, exact["clip_samples"], settings, "swi")
    speech = labels["speech"].to_numpy()[table["segment"]]
    rows = []
    for path, logits, integers in zip(paths, exact["swi"].T, found.T, strict=True):
        differs = (logits >= 0) != (integers >= 0)
        clear = differs & (np.abs(logits) > CLEAR)
        auroc = [roc_auc_score(speech, scores) for scores in (logits, integers)]
        name = path.parent.name if path.name == WEIGHTS else path.stem
        share = round(100 * differs.mean(), 2)
        rows.append((name, len(logits), differs.sum(), share, clear.sum(), *auroc))
    columns = ["model", "windows", "differ", "percent", "clear", "auroc_float", "auroc_integer"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(change=table["auroc_integer"] - table["auroc_float"])


def validation_windows(settings: Settings, count: int = 200) -> np.ndarray:
    """16-bit windows of the validation scenes, evenly taken."""
    folder = settings.clips_folder("validation")
    clips = decoded_clips(folder, read_labels(folder / CLIP_LABELS))
    windows = np.concatenate(
        [to_int16(clip[: len(clip) // WINDOW * WINDOW]).reshape(-1, WINDOW) for _, clip in clips]
    )
    return windows[:: len(windows) // count][:count]


def compare_random_windows(path: Path) -> None:
    """C and specification on random windows of all levels.

    Raises:
        AtomicVADError: they differ.
    """
    random, model = np.random.default_rng(5), exportable_model(path)
    weights = integer_weights(model.get_weights())
    engine = Engine([weights], compiled=True)
    for _ in tqdm(range(RANDOM // 100), desc="random windows"):
        levels = 10 ** random.uniform(-1, 5, (100, 1))
        walk = random.normal(0, 1, (100, WINDOW)).cumsum(1) * random.integers(0, 2, (100, 1))
        drawn = levels * (random.normal(0, 1, (100, WINDOW)) + walk)
        windows = np.clip(drawn, -32768, 32767).astype(np.int16)
        if not np.array_equal(
            engine.windows(windows.ravel())[:, 0], window_logits(windows, weights)
        ):
            raise AtomicVADError("C and specification differ on random windows")


def markdown(table: pd.DataFrame) -> str:
    """What REPRODUCING.md says of ``beside_float``."""
    seeds = table["model"].str.startswith("seed")
    groups = {"ten seeds": table[seeds], "released checkpoints": table[~seeds]}
    groups = {name: group for name, group in groups.items() if len(group)}
    count = table["windows"].iloc[0]
    lines = [f"| of {count:,} windows | {' | '.join(groups)} |", "|---" * (len(groups) + 1) + "|"]
    for title, text in (
        ("decisions that differ", lambda g: f"{g['differ'].min()} to {g['differ'].max()}"),
        ("the most of them, in %", lambda g: f"{g['percent'].max():.2f}"),
        (f"with a logit beyond ±{CLEAR}, at most", lambda g: f"{g['clear'].max()}"),
        ("change of AUROC, at most", lambda g: f"{g['change'].abs().max():.6f}"),
    ):
        lines.append(f"| {title} | {' | '.join(text(group) for group in groups.values())} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, and write the tables."""
    settings = load_profile("open").reference
    paths = [settings.run_folder(seed) / WEIGHTS for seed in settings.seeds]
    paths += released_checkpoints()
    errors = step_errors(exportable_model(paths[0]), validation_windows(settings))
    errors.to_csv(project_root() / "results" / INTEGER_STEPS, index=False, float_format="%.6f")
    table = beside_float(settings, paths)
    publish(table, "integers", markdown(table), digits=6)
    compare_random_windows(paths[0])
    print(f"{RANDOM:,} random windows: C and specification give the same bits")


if __name__ == "__main__":
    main()
