"""The reference's seeds beside those of an earlier commit: ``python -m benchmarks.earlier_seeds``.

Both score the same clips and the same recordings, by today's protocols, on the same draws of the
bootstrap; differences are paired. ``results/earlier_seeds.csv`` and a table in REPRODUCING.md. The
weights of the earlier seeds are read out of the repository's history.
"""

import argparse
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import logit

from atomicvad.config import Settings, load_profile
from atomicvad.corpora.clips import read_labels
from atomicvad.evaluation import intervals
from atomicvad.evaluation.items import ClipSet, of_condition
from atomicvad.evaluation.real import RealClips, share
from atomicvad.evaluation.systems import OURS
from atomicvad.files import CLIP_LABELS, WEIGHTS, project_root
from atomicvad.model import load_model
from atomicvad.scoring.logits import logit_score
from atomicvad.scoring.models import seed_models
from atomicvad.scoring.protocols import score_set
from atomicvad.scoring.real_recordings import real_corpora, score_windows
from benchmarks.published import publish

COMMIT = "88a2f2b"  # the last one whose seeds were trained on the smaller choice of recordings
COLUMNS = ["recordings", "quantity", "earlier", "now", "difference", "low", "high", "p"]
Values = dict[tuple[str, str], np.ndarray]  # by recordings and quantity, for every draw


def earlier_models(settings: Settings, commit: str) -> list:
    """The models of the profile's seeds as they were committed."""
    models = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in settings.seeds:
            name = (settings.reference.run_folder(seed) / WEIGHTS).relative_to(project_root())
            shown = ["git", "-C", str(project_root()), "show", f"{commit}:{name.as_posix()}"]
            path = Path(folder, f"{seed}.keras")
            path.write_bytes(subprocess.run(shown, capture_output=True, check=True).stdout)
            models.append(load_model(path))
    return models


def on_scenes(models: list, settings: Settings, split: str) -> Iterator[tuple[str, list]]:
    """Quantity, and its values by model for every draw, on the scenes of a split."""
    folder = settings.clips_folder(split)
    clips = ClipSet(settings, read_labels(folder / CLIP_LABELS))
    draws = intervals.clip_draws(clips.count, settings.evaluation.resamples)
    scores = score_set(logit_score(*models), folder, settings, ("swi", "stream"))
    for what, protocol in (("segments", "swi-median"), ("frames", "frame")):
        found: dict[str, list] = {condition: [] for condition in clips.conditions}
        for number in range(len(models)):
            items = clips.items(scores, OURS, number, protocol)
            for condition in clips.conditions:
                kept = of_condition(items, condition)
                truth, values, clip = items.speech[kept], items.scores[kept], items.clip[kept]
                counts = intervals.coarsen(
                    intervals.ranking_counts(truth, values, clip, clips.count)
                )
                metrics = intervals.ranking_metrics(counts, draws, settings.evaluation.fpr_target)
                found[condition].append(metrics["auroc"])
        yield from ((f"AUROC of {what}, {name}", values) for name, values in found.items())


def on_real(models: list, settings: Settings) -> Iterator[tuple[str, str, list]]:
    """Corpus, quantity, and its values by model for every draw, on the real recordings."""
    corpora, cut = real_corpora(settings), logit(settings.evaluation.threshold)
    sets = score_windows(logit_score(*models), corpora, settings, "seeds")
    for number, corpus in enumerate(corpora):
        real = RealClips(corpus, sets[corpus.name]["clip_samples"], settings, number)
        frames = [
            real.frames(sets[corpus.name], OURS, member, "frame") for member in range(len(models))
        ]
        if real.speech.any():
            values = [next(real.auroc(scores))[2] for scores in frames]
            yield corpus.name, "AUROC of frames", values
        values = [share(scores >= cut, real.quiet, real.clip, real.draws) for scores in frames]
        yield corpus.name, "false share of frames at 0.5", values


def measured(models: list, settings: Settings) -> Values:
    """All quantities of one set of seeds, over resampled seeds, for every draw of clips."""
    found: Values = {}
    for split, title in (("testing", "test scenes"), ("validation", "validation scenes")):
        for quantity, values in on_scenes(models, settings, split):
            found[title, quantity] = intervals.over_seeds(np.stack(values))
    for corpus, quantity, values in on_real(models, settings):
        found[corpus, quantity] = intervals.over_seeds(np.stack(values))
    return found


def markdown(table: pd.DataFrame) -> str:
    """The table in REPRODUCING.md."""
    lines = ["| recordings | quantity | earlier | now | now - earlier |", "|---|---|---|---|---|"]
    for row in table.itertuples(index=False):
        difference = f"{row.difference:+.3f} [{row.low:+.3f}, {row.high:+.3f}]"
        cells = (row.recordings, row.quantity, f"{row.earlier:.3f}", f"{row.now:.3f}", difference)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure both sets of seeds and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("commit", nargs="?", default=COMMIT)
    settings = load_profile("open")
    earlier = measured(earlier_models(settings, parser.parse_args().commit), settings)
    now = measured(seed_models(settings.reference, settings.seeds), settings)
    rows = [
        (
            *key,
            earlier[key][0],
            now[key][0],
            *intervals.paired_difference(now[key], earlier[key]).values(),
        )
        for key in now
    ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    publish(table, "earlier_seeds", markdown(table))


if __name__ == "__main__":
    main()
