"""From run folders to tables: all seeds together, with their spread."""

import hashlib

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import bootstrap

from atomicvad import provenance
from atomicvad.config import Settings
from atomicvad.data import dataset_of
from atomicvad.evaluation.calibration import reliability_counts, reliability_curve
from atomicvad.evaluation.judge import members, scene_judge, seed_metrics
from atomicvad.evaluation.ledger import PRINTED, write_ledger
from atomicvad.evaluation.protocols import window_table
from atomicvad.evaluation.scores import load_scores, scene_labels
from atomicvad.evaluation.systems import evaluate, load_system, system_files
from atomicvad.evaluation.tables import readme_text
from atomicvad.files import project_root, replacing

TABLES = ("metrics", "summary", "systems", "paired", "ledger")
KEYS = ["variant", "dataset", "protocol", "condition", "metric"]
TABLE_START, TABLE_END = "<!-- table:start -->", "<!-- table:end -->"


def _seed_table(settings: Settings, name: str, **options) -> pd.DataFrame:
    """One CSV of every seed, with a column ``seed``."""
    from atomicvad.run import require_seeds

    require_seeds(settings)
    tables = [
        pd.read_csv(settings.run_folder(seed) / name, **options).assign(seed=seed)
        for seed in settings.seeds
    ]
    return pd.concat(tables, ignore_index=True)


def histories(settings: Settings) -> pd.DataFrame:
    """The training histories of all seeds."""
    return _seed_table(settings, "history.csv")


def released_metrics(settings: Settings) -> pd.DataFrame:
    """Metrics of the released checkpoints on the same scenes; empty where there are no scores."""
    if "released" not in system_files(settings):
        return pd.DataFrame()
    scores = load_system("released", settings)["testing"]
    judge = scene_judge(settings)
    tables = [
        seed_metrics(
            judge,
            scores,
            "released",
            settings,
            member,
            seed=member,
            variant="released",
            dataset=dataset_of(settings),
        )
        for member in range(members(scores))
    ]
    return pd.concat(tables, ignore_index=True)


def window_scores(settings: Settings, protocol: str = "swi") -> dict[int, pd.DataFrame]:
    """Window scores of every seed: ``segment``, ``window_start``, ``probability``."""
    labels, tables = scene_labels(settings), {}
    for seed in settings.seeds:
        scores = load_scores(settings.run_folder(seed) / "scores.npz", settings)["testing"]
        table = window_table(labels, scores["clip_samples"], settings, protocol)
        tables[seed] = table.assign(probability=expit(scores[protocol][:, 0]))
    return tables


def segment_scores(settings: Settings, protocol: str = "swi") -> dict[int, pd.Series]:
    """A score a segment (the median of its windows'), by seed."""
    tables = window_scores(settings, protocol)
    return {s: table.groupby("segment")["probability"].median() for s, table in tables.items()}


def reliability_curves(settings: Settings, protocol: str = "swi-median") -> dict[str, list[dict]]:
    """How scores of segments relate to the share with speech: a curve a member, by system."""
    judge, curves = scene_judge(settings), {}
    for name in system_files(settings):
        scores = load_system(name, settings)["testing"]
        curves[name] = []
        for member in range(members(scores)):
            items = judge.items(scores, name, member, protocol)
            counts = reliability_counts(items.speech, expit(items.scores), items.clip, judge.clips)
            curves[name].append(reliability_curve(counts))
    return curves


def activation_weights(settings: Settings) -> dict[int, dict[str, np.ndarray]]:
    """The four scalars (w1, w2, b1, b2) of both GGCUs, by seed."""
    from atomicvad.model import load_model
    from atomicvad.training import new_model

    found, model = {}, new_model(settings)
    for seed in settings.seeds:
        load_model(settings.run_folder(seed) / "model.keras", model)
        network = model.get_layer("network")
        found[seed] = {
            block: np.concatenate([weight.numpy() for weight in layer.weights])
            for block in ("b1", "b2")
            for layer in [network.get_layer(f"{block}_activation")]
        }
    return found


def interval(values: np.ndarray) -> tuple[float, float]:
    """95 % percentile bootstrap interval of the mean over seeds."""
    if len(values) < 2 or np.ptp(values) == 0:
        return float(np.mean(values)), float(np.mean(values))
    result = bootstrap(
        (values,), np.mean, n_resamples=10_000, method="percentile", rng=np.random.default_rng(0)
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def summarise(metrics: pd.DataFrame) -> pd.DataFrame:
    """Mean, standard deviation (n - 1) and 95 % interval over seeds of every number."""
    rows = []
    for key, group in metrics.groupby(KEYS, sort=False):
        values = group["value"].to_numpy()
        low, high = interval(values)
        std = values.std(ddof=1) if len(values) > 1 else 0.0
        row = dict(zip(KEYS, key, strict=True))
        rows.append(
            row | {"mean": values.mean(), "std": std, "low": low, "high": high, "n": len(values)}
        )
    return pd.DataFrame(rows)


def all_metrics(settings: Settings) -> pd.DataFrame:
    """The table of every seed and released checkpoint, as collated."""
    return pd.read_csv(settings.results_folder / "metrics.csv")


def collate(settings: Settings) -> pd.DataFrame:
    """All seeds and systems into ``TABLES``, unless these were made from what is here now.

    Returns:
        The summary as it stands in the file, so that text made from either is the same.
    """
    stamp = settings.results_folder / ".tables"
    if not provenance.is_current(stamp, _collated(settings)):
        _collate(settings)
        provenance.write_stamp(stamp, _collated(settings))
    return pd.read_csv(settings.results_folder / "summary.csv")


def _collated(settings: Settings) -> str:
    """Fingerprint of the tables and of all that they are made from."""
    folder = settings.results_folder
    paths = [*(folder / f"{name}.csv" for name in TABLES), *folder.glob("scenes*")]
    paths += [*folder.glob("seed-*/metrics.csv"), *folder.glob("seed-*/scores.npz")]
    paths += [*folder.glob("systems/*/*"), PRINTED]
    digests = {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths if path.is_file()
    }
    code = provenance.code_fingerprint(["results.py", "evaluation"])
    return provenance.fingerprint(settings.model_dump(mode="json"), digests, code)


def _collate(settings: Settings) -> None:
    metrics = pd.concat(
        [_seed_table(settings, "metrics.csv"), released_metrics(settings)], ignore_index=True
    )
    systems, paired = evaluate(settings)
    named = {"dataset": dataset_of(settings)}  # every table says what it is of
    tables = {"metrics": metrics, "summary": summarise(metrics)}
    tables |= {"systems": systems.assign(**named), "paired": paired.assign(**named)}
    for name, table in tables.items():
        with replacing(settings.results_folder / f"{name}.csv") as path:
            table.to_csv(path, index=False, float_format="%.6f")
    write_ledger(settings, read_systems(settings))


def read_systems(settings: Settings) -> pd.DataFrame:
    """``systems.csv``, as collated."""
    return pd.read_csv(settings.results_folder / "systems.csv")


def protocol_table(summary: pd.DataFrame) -> pd.DataFrame:
    """AUROC from scores and as the released code has it, by protocol and system."""
    chosen = summary[
        (summary["condition"] == "all") & summary["metric"].isin(["auroc", "auroc_hard"])
    ]
    text = chosen.apply(lambda row: f"{row['mean']:.3f} ± {row['std']:.3f}", axis=1)
    return chosen.assign(text=text).pivot(
        index="protocol", columns=["variant", "metric"], values="text"
    )


def scene_stretch(settings: Settings, seconds: float) -> dict:
    """The first ``seconds`` of the first scene: what ``figures.timeline`` draws."""
    from atomicvad.data import SCENES
    from atomicvad.data.audio import decode
    from atomicvad.data.scenes import CLIP_START
    from atomicvad.evaluation.protocols import find_clip

    labels = scene_labels(settings)
    clip = labels["video_id"].iloc[0]
    waveform = np.zeros(0, np.float32)
    folder = settings.data_folder / SCENES["testing"]
    if folder.is_dir():  # without audio the scores are drawn alone
        waveform = decode(find_clip(folder, clip))[: round(seconds * settings.sample_rate)]
    tables = [table.assign(seed=seed) for seed, table in window_scores(settings).items()]
    scores = pd.concat(tables)
    return {
        "waveform": waveform,
        "segments": labels[labels["video_id"] == clip],
        "scores": scores[scores["segment"].map(labels["video_id"]) == clip],
        "start": CLIP_START,
        "seconds": seconds,
    }


def write_readme_table(settings: Settings) -> None:
    """Put the table between its marks in README.md."""
    path = project_root() / "README.md"
    before, rest = path.read_text(encoding="utf-8").split(TABLE_START)
    after = rest.split(TABLE_END)[1]
    text = readme_text(read_systems(settings), pd.read_csv(settings.results_folder / "paired.csv"))
    with replacing(path) as temporary:
        table = f"{TABLE_START}\n{text}\n{TABLE_END}"
        temporary.write_text(before + table + after, encoding="utf-8")
