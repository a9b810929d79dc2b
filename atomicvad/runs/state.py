"""What is current: each stage of a run, by the stamp beside its files.

The modules that make a stage are named here rather than imported, so that to ask costs no import of
TensorFlow.
"""

from pathlib import Path

from atomicvad.config import CLIP_SETS, Settings
from atomicvad.corpora.clips import clip_files
from atomicvad.data.manifest import manifest_paths, training_content
from atomicvad.data.prepare import dataset_of, is_prepared
from atomicvad.files import CLIP_LABELS, RECORDINGS
from atomicvad.runs.folder import RunFolder, run_folders
from atomicvad.scoring.scores import clips_are_recorded, is_of_these_clips
from atomicvad.stamps import code_of, content_of, fingerprint, is_current, write_stamp

# The modules that make the files of a stage.
MAKERS = {
    "weights": ("atomicvad.training.loop",),
    "scores": ("atomicvad.scoring.models", "atomicvad.scoring.testing_split"),
    "metrics": ("atomicvad.evaluation.seed_table",),
}


def weights_fingerprint(settings: Settings, seed: int) -> str:
    """What the weights of a seed are made from: settings, data and code; not their scoring."""
    sections = {"features", "masks", "model", "sample_rate", "training", "waveform"}
    parts = settings.model_dump(include=sections | {"window_samples"}, mode="json")
    data = training_content(settings.data_folder)
    if settings.training.validation == "scenes":
        folder = settings.clips_folder("validation")
        data |= content_of(clip_files(folder), folder)
    return fingerprint(parts, seed, data, code_of(*MAKERS["weights"]))


def scores_fingerprint(settings: Settings, *weights: Path) -> str:
    """What scores of detectors are made from: weight files, clips, settings and code."""
    parts = settings.model_dump(include={"features", "model", "window_samples"}, mode="json")
    windows = settings.evaluation.model_dump(include={"overlap", "batch_windows"})
    loss = settings.training.model_dump(include={"class_balancing", "focal_gamma"})
    paths = [settings.data_folder / RECORDINGS, *manifest_paths(settings.data_folder, ["testing"])]
    split = content_of(paths, settings.data_folder)
    clips = [
        content_of(clip_files(folder), folder) for folder in map(settings.clips_folder, CLIP_SETS)
    ]
    digests = [content_of([path], path.parent) for path in weights]
    code = code_of(*MAKERS["scores"])
    return fingerprint(parts, windows, loss, digests, clips, split, code)


def metrics_fingerprint(settings: Settings, folder: RunFolder) -> str:
    """What the table of a seed is made from: its scores, labels, settings and code."""
    inputs = [folder.scores, settings.clips_folder("testing") / CLIP_LABELS]
    contents = [content_of([path], path.parent) for path in inputs]
    parts = settings.evaluation.model_dump(include={"overlap", "threshold", "fpr_target"})
    window = settings.window_samples
    return fingerprint(parts, window, contents, dataset_of(settings), code_of(*MAKERS["metrics"]))


def mark_current(folder: RunFolder, stage: str, made_from: str) -> None:
    """Write the stamp of a stage: what it was made from, and the files that came of it."""
    write_stamp(folder.stamps[stage], _stamp(folder, stage, made_from))


def _stamp(folder: RunFolder, stage: str, made_from: str) -> str:
    # With the files themselves: others in their place, such as committed ones, are not current.
    return fingerprint(made_from, content_of(folder.outputs[stage], folder.path))


def _is_current(folder: RunFolder, stage: str, made_from: str) -> bool:
    whole = all(path.is_file() for path in folder.outputs[stage])
    return whole and is_current(folder.stamps[stage], _stamp(folder, stage, made_from))


def is_trained(settings: Settings, seed: int) -> bool:
    """Whether a seed's weights are in place and were trained here, from what is here now."""
    folder = RunFolder(settings, seed)
    return is_prepared(settings) and _is_current(
        folder, "weights", weights_fingerprint(settings, seed)
    )


def has_scores(settings: Settings, seed: int) -> bool:
    """Whether a seed's scores are in place and were made here from the weights that are there."""
    folder = RunFolder(settings, seed)
    return is_prepared(settings) and _is_current(
        folder, "scores", scores_fingerprint(settings, folder.weights)
    )


def is_scored(settings: Settings, seed: int) -> bool:
    """Whether a seed's table, too, is in place, and all of it is of the clips that are recorded."""
    folder = RunFolder(settings, seed)
    return (
        has_scores(settings, seed)
        and _is_current(folder, "metrics", metrics_fingerprint(settings, folder))
        and clips_are_recorded(settings)
        and is_of_these_clips(folder.scores, settings)
    )


def is_done(settings: Settings, seed: int) -> bool:
    """Whether a seed is trained and scored, here, from what is here now."""
    return is_trained(settings, seed) and is_scored(settings, seed)


def trained_seeds(settings: Settings) -> list[int]:
    """The seeds that are trained, here, from what is here now."""
    return [seed for seed in run_folders(settings) if is_trained(settings, seed)]
