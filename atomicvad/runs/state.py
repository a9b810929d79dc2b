"""What is current: each stage of a run, by the stamp beside its files.

The modules that make a stage are named here rather than imported, so that to ask costs no import of
TensorFlow.
"""

from pathlib import Path

from atomicvad.config import CLIP_SETS, Settings
from atomicvad.data.manifest import training_content
from atomicvad.data.prepare import dataset_of, is_prepared
from atomicvad.files import CLIP_LABELS
from atomicvad.runs.folder import RunFolder, run_folders
from atomicvad.stamps import code_of, content_of, fingerprint, is_current

# Stage -> the module that makes its files.
MAKERS = {
    "weights": "atomicvad.training.loop",
    "scores": "atomicvad.scoring.models",
    "metrics": "atomicvad.evaluation.seed_table",
}


def weights_fingerprint(settings: Settings, seed: int) -> str:
    """What the weights of a seed are made from: settings, data and code; not their scoring."""
    parts = settings.model_dump(exclude={"seeds", "evaluation"}, mode="json")
    data = training_content(settings.data_folder)
    return fingerprint(parts, seed, data, code_of(MAKERS["weights"]))


def models_fingerprint(settings: Settings, *weights: Path) -> str:
    """What scores of detectors are made from: weight files, clips, settings and code."""
    parts = settings.model_dump(include={"features", "window_samples", "evaluation"}, mode="json")
    clips = [
        content_of(folder.rglob("*.*"), folder) for folder in map(settings.clips_folder, CLIP_SETS)
    ]
    digests = [content_of([path], path.parent) for path in weights]
    return fingerprint(parts, digests, clips, code_of(MAKERS["scores"]))


def metrics_fingerprint(settings: Settings, folder: RunFolder) -> str:
    """What the table of a seed is made from: its scores, labels, settings and code."""
    inputs = [folder.scores, settings.clips_folder("testing") / CLIP_LABELS]
    contents = [content_of([path], path.parent) for path in inputs]
    parts = settings.model_dump(include={"window_samples", "evaluation"}, mode="json")
    return fingerprint(parts, contents, dataset_of(settings), code_of(MAKERS["metrics"]))


def is_trained(settings: Settings, seed: int) -> bool:
    """Whether a seed's weights are in place and were trained here, from what is here now."""
    folder = RunFolder(settings, seed)
    return (
        folder.weights.is_file()
        and is_prepared(settings)
        and is_current(folder.stamps["weights"], weights_fingerprint(settings, seed))
    )


def has_scores(settings: Settings, seed: int) -> bool:
    """Whether a seed's scores are in place and were made here from the weights that are there."""
    folder = RunFolder(settings, seed)
    return (
        folder.weights.is_file()
        and folder.scores.is_file()
        and is_prepared(settings)
        and is_current(folder.stamps["scores"], models_fingerprint(settings, folder.weights))
    )


def is_scored(settings: Settings, seed: int) -> bool:
    """Whether a seed's table, too, is in place and was made here from the scores that are there."""
    folder = RunFolder(settings, seed)
    return (
        folder.metrics.is_file()
        and has_scores(settings, seed)
        and is_current(folder.stamps["metrics"], metrics_fingerprint(settings, folder))
    )


def is_done(settings: Settings, seed: int) -> bool:
    """Whether a seed is trained and scored, here, from what is here now."""
    return is_trained(settings, seed) and is_scored(settings, seed)


def trained_seeds(settings: Settings) -> list[int]:
    """The seeds that are trained, here, from what is here now."""
    return [seed for seed in run_folders(settings) if is_trained(settings, seed)]
