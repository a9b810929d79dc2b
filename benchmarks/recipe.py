"""What each part of the recipe of ``open`` brings: ``python -m benchmarks.recipe``.

One part at a time is taken away, or done otherwise, and three seeds are trained; the seeds of the
recipe itself, and of ``open-centre``, are the reference's. Measured on the validation scenes, and
on the real recordings where they are: ``results/recipe.csv`` and a table in REPRODUCING.md. About
25 minutes on two cores.
"""

import shutil
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import keras
import numpy as np
import pandas as pd
from scipy.special import logit
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

from atomicvad.config import LABELS, Settings, load_profile, merged, settings_from
from atomicvad.corpora.clips import read_labels
from atomicvad.data.manifest import manifest_path, write_manifest
from atomicvad.data.store import AudioStore
from atomicvad.data.windows import balance, cut_windows
from atomicvad.errors import AtomicVADError
from atomicvad.evaluation.items import ClipSet
from atomicvad.evaluation.real import RealClips
from atomicvad.evaluation.systems import OURS
from atomicvad.files import CLIP_LABELS, RECORDINGS, SAMPLES
from atomicvad.parallel import limit_threads
from atomicvad.scoring.logits import logit_score
from atomicvad.scoring.models import seed_models
from atomicvad.scoring.protocols import score_set
from atomicvad.scoring.real_recordings import real_corpora, score_windows
from atomicvad.training.loop import train
from benchmarks.published import publish

SEEDS = (43185, 86648, 92813)
# Packages and sounds that came with this recipe, by the beginning of their sources' names.
NEW_SOUNDS = (
    *("amoebax", "ardentryst", "asc", "hydrogen", "klettres", "lmms", "scorched3d", "sonic-pi"),
    *("tuxpaint-sounds", "wesnoth", "generated-voices"),
)
VOICES = ("tuxpaint-sounds", "wesnoth", "generated-voices")
# What differs from the recipe: settings, and sources that are left out.
CHANGES: dict[str, tuple[dict, tuple[str, ...]]] = {
    "no new packages and sounds": ({}, NEW_SOUNDS),
    "no voices without words": ({}, VOICES),
    "no quiet backgrounds": ({"waveform": {"quiet_probability": 0}}, ()),
    "no second voices": ({"waveform": {"second_voice_probability": 0}}, ()),
    "mixing as before: 7 of 10, -12 to 20 dB": (
        {"waveform": {"mix_probability": 0.7, "mix_snr_db": [-12, 20]}},
        (),
    ),
    "white noise as before: 5 of 10": ({"waveform": {"white_noise_probability": 0.5}}, ()),
    "rooms, 1 of 4": ({"waveform": {"room_probability": 0.25}}, ()),
    "rumble, 1 of 4": ({"waveform": {"rumble_probability": 0.25}}, ()),
    "epochs chosen by windows": ({"training": {"validation": "windows"}}, ()),
}


def variant(name: str) -> Settings:
    """The settings of a variant; its data lie in a folder of its own until it is measured."""
    base = load_profile("open")
    values = base.model_dump(mode="json", exclude={"profile", "place"})
    slug = "recipe-" + "".join(c if c.isalnum() else "-" for c in name)
    return settings_from(merged(values, CHANGES[name][0]), name, slug)


def prepare_variant(settings: Settings, left_out: tuple[str, ...]) -> AudioStore:
    """Manifests without some sources, beside links to the recordings of ``open``."""
    data, folder = load_profile("open").data_folder, settings.data_folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    clips = data / settings.clips_folder("validation").name
    for path in (data / RECORDINGS, data / SAMPLES, clips):
        (folder / path.name).symlink_to(path)
    store = AudioStore(folder)
    if not left_out:
        for label in LABELS:
            for split in ("training", "validation"):
                path = manifest_path(data, label, split)
                shutil.copy(path, folder / path.name)
        return store
    windows = cut_windows(store, settings)
    windows = windows[~windows["source"].str.startswith(left_out)]
    windows, _ = balance(windows, settings.windows.counts, settings.data_seed)
    for (label, split), rows in windows.groupby(["label", "split"]):
        write_manifest(rows.drop(columns="split"), manifest_path(folder, label, split))
    return store


def trained(name: str) -> list[tuple]:
    """Train the seeds of a variant; return its rows."""
    settings = variant(name)
    store = prepare_variant(settings, CHANGES[name][1])
    folder = settings.data_folder
    models = []
    for seed in SEEDS:
        run = folder / str(seed)
        run.mkdir()
        models.append(train(settings, seed, store, run, name, lambda *_: None)[0])
    rows = measured(name, models, load_profile("open"))
    shutil.rmtree(folder)
    return rows


def reference(profile: str) -> list[tuple]:
    """The rows of the reference's first seeds."""
    settings = load_profile(profile).reference
    name = "the recipe" if profile == "open" else "the recipe, windows answer for their centre"
    return measured(name, seed_models(settings, SEEDS), load_profile("open"))


def measured(name: str, models: list[keras.Model], settings: Settings) -> list[tuple]:
    """Rows ``(variant, seed, quantity, value)`` of three seeds."""
    score, folder = logit_score(*models), settings.clips_folder("validation")
    clips = ClipSet(settings, read_labels(folder / CLIP_LABELS))
    scores = score_set(score, folder, settings, ("swi", "stream"))
    rows = []
    for number, seed in enumerate(SEEDS):
        for quantity, protocol in (("segments", "swi-median"), ("frames", "frame")):
            items = clips.items(scores, OURS, number, protocol)
            auroc = float(roc_auc_score(items.speech, items.scores))
            rows.append((name, seed, f"validation scenes, AUROC of {quantity}", auroc))
    try:
        corpora = real_corpora(settings)
    except AtomicVADError as error:
        tqdm.write(f"real recordings are left out: {error}")
        return rows
    sets = score_windows(score, corpora, settings, name)
    for corpus in corpora:
        real = RealClips(corpus, sets[corpus.name]["clip_samples"], settings, 0)
        for number, seed in enumerate(SEEDS):
            frames = real.frames(sets[corpus.name], OURS, number, "frame")
            if real.speech.any():
                auroc = float(roc_auc_score(real.speech[real.labelled], frames[real.labelled]))
                rows.append((name, seed, f"{corpus.name}, AUROC of frames", auroc))
            else:
                false = np.mean(frames[real.quiet] >= logit(settings.evaluation.threshold))
                rows.append((name, seed, f"{corpus.name}, false share", float(false)))
    return rows


def markdown(table: pd.DataFrame) -> str:
    """Mean and standard deviation over seeds of every variant, as a table."""
    grouped = table.groupby(["variant", "quantity"], sort=False)["value"]
    means, stds = (part.map("{:.3f}".format) for part in (grouped.mean(), grouped.std()))
    cells = (means + " ± " + stds).unstack(sort=False)
    names = list(cells.columns)
    lines = ["| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    lines += [f"| {name} | " + " | ".join(row) + " |" for name, *row in cells.itertuples()]
    return "\n".join(lines)


def main() -> None:
    """Measure every variant, two at a time, and write the table."""
    rows = reference("open") + reference("open-centre")
    limit_threads()
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        for found in tqdm(pool.map(trained, CHANGES), total=len(CHANGES), desc="recipe"):
            rows += found
    table = pd.DataFrame(rows, columns=["variant", "seed", "quantity", "value"])
    publish(table, "recipe", markdown(table))


if __name__ == "__main__":
    main()
