"""What the replication article says in numbers: texts and rows for Typst, from the results alone.

Every value is a text, rounded as it is printed, so that ``article/article.typ`` places it and
computes nothing.
"""

import json
from typing import Any

import numpy as np
import pandas as pd

from atomicvad.config import Settings, load_profile
from atomicvad.device.emulate.measure import CYCLES
from atomicvad.evaluation.headline import F2
from atomicvad.evaluation.items import STREAM
from atomicvad.evaluation.systems import ENSEMBLE, INTEGER, OURS, TITLES, title, titles
from atomicvad.files import (
    HEADLINE,
    LEDGER,
    REAL_PAIRED,
    REAL_RECORDINGS,
    TESTING,
    VERDICT,
    project_root,
)
from atomicvad.report import article_rows as rows
from atomicvad.report.article_rows import bracketed, joined
from atomicvad.report.collate import read_paired, read_systems
from atomicvad.report.device_files import read_device
from atomicvad.report.real_tables import AGAINST, AMI, SOUNDS, read_real, real_folder
from atomicvad.runs.segments import PROTOCOL

AUROC = "AUROC"  # of segments, all conditions: as ``headline.csv`` names it
CONDITIONS = ("all", "clean", "noise", "music")
FORMS = (OURS, INTEGER, STREAM, ENSEMBLE, "released")  # of AtomicVAD, not of others


def article_data(settings: Settings) -> dict[str, Any]:
    """Everything that the article places, by section.

    Args:
        settings: of the results to report: the reference of ``open``.

    Raises:
        OSError: a table of the results is missing.
    """
    systems, paired = read_systems(settings), read_paired(settings)
    return {
        "design": _design(settings, systems),
        "scenes": _scenes(settings, systems, paired),
        "seeds": _seeds(settings),
        "real": _real(settings),
        "device": _device(settings),
        "segments": _segments(settings, systems),
        "ledger": _ledger(settings, systems),
        "departures": rows.departures(load_profile("paper"), settings),
        "tables": {
            "systems": rows.system_rows(systems, paired),
            "real": rows.real_rows(settings),
            "segments": rows.segment_rows(settings),
            "device": rows.device_rows(settings),
        },
    }


def _counted(name: str) -> list[str]:
    """The values of ``results/measured.csv`` under a name, with their units."""
    table = pd.read_csv(project_root() / "results" / "measured.csv", dtype=str)
    found = table[table["name"] == name]
    return [f"{row.value} {row.unit}" for row in found.itertuples()]


def _design(settings: Settings, systems: pd.DataFrame) -> dict[str, str]:
    scenes = settings.scenes
    assert scenes is not None
    labels = pd.read_csv(
        settings.results_folder / "scenes.csv", names=["clip", "start", "end", "label"]
    )
    speech = labels["label"] != "NO_SPEECH"
    return {
        "seeds": rows.in_words(len(settings.seeds)),
        "window": f"{settings.window_seconds:g}",
        "samples": f"{settings.window_samples:,}",
        "smoothing": f"{settings.evaluation.smoothing_seconds:g}",
        "mel_bins": str(settings.features.mel_bins),
        "clips": rows.in_words(scenes.clips),
        "snr": rows.setting(settings, "scenes.snr_db"),
        "levels": rows.setting(settings, "scenes.level_db"),
        "cycles": " to ".join(f"{factor:.1f}" for factor in CYCLES.values()),
        "minutes": f"{scenes.clips * scenes.clip_seconds / 60:.0f}",
        "segments": f"{len(labels):,}",
        "speech_segments": f"{speech.sum():,}",
        "peers": rows.in_words(systems.loc[~systems["system"].isin(FORMS), "system"].nunique()),
        "recordings": _counted("audit, recordings")[0],
        "packages": _counted("packages")[0],
        "downloads": _counted("downloads")[0],
        "time": " ".join(_counted("make reproduce, environment and pages with it")),
    }


def _value(table: pd.DataFrame, *keys: str, digits: int = 3) -> str:
    """One cell of ``systems.csv``: system, protocol, condition, metric."""
    names = ["system", "protocol", "condition", "metric"]
    row = table[(table[names] == list(keys)).all(axis=1)].iloc[0]
    return bracketed(row["value"], row["low"], row["high"], digits)


def _scenes(settings: Settings, systems: pd.DataFrame, paired: pd.DataFrame) -> dict[str, Any]:
    keys = {name: ("swi-median", name, "auroc") for name in CONDITIONS}
    keys |= {"frames": ("frame", "all", "auroc"), "f2": ("swi-median", "all", "f2_tuned")}
    keys |= {"causal": ("frame-causal", "all", "auroc")}
    found: dict[str, Any] = {
        system: {name: _value(systems, system, *key) for name, key in keys.items()}
        for system in (OURS, "released", STREAM, INTEGER)
    }
    members = systems.loc[systems["system"] == "released", "members"].iloc[0]
    found["released"]["title"] = title("released", members)
    found["released"]["count"] = rows.in_words(int(members))
    differences = paired[
        (paired[["protocol", "metric"]] == ["swi-median", "auroc"]).all(axis=1)
        & ~paired["other"].isin((INTEGER, STREAM, ENSEMBLE))
    ]
    for condition in CONDITIONS:
        found[f"sides_{condition}"] = _sides(differences[differences["condition"] == condition])
    own = paired[
        (paired[["protocol", "condition", "metric"]] == ["swi-median", "all", "auroc"]).all(axis=1)
    ]
    own = own.set_index("other")
    found["over_released"] = _difference(own.loc["released"])
    found["stream_over_window"] = _difference(own.loc[STREAM], sign=-1)
    results = settings.results_folder
    found["verdict"] = (results / VERDICT).read_text(encoding="utf-8").strip()
    testing = pd.read_csv(results / TESTING, index_col="metric").loc["auc"]
    found["windows"] = f"{testing['mean']:.3f} ± {testing['std']:.3f}"
    return found


def _difference(row: pd.Series, sign: int = 1) -> str:
    low, high = sorted((sign * row["low"], sign * row["high"]))
    return bracketed(sign * row["difference"], low, high)


def _sides(differences: pd.DataFrame) -> dict[str, str]:
    """Who is clearly ahead of our seeds, who clearly behind, and who neither.

    Args:
        differences: ``other``, ``members``, and ours minus theirs with a 95 % interval.
    """
    named = titles(differences, "other") | {"released": "the released checkpoints"}
    ordered = differences.sort_values("difference")
    ahead, behind = ordered[ordered["high"] < 0], ordered[ordered["low"] > 0]
    between = ordered[(ordered["low"] <= 0) & (ordered["high"] >= 0)]
    return {
        "ahead": joined(
            [f"{named[r['other']]} by {_difference(r, -1)}" for _, r in ahead.iterrows()]
        ),
        "ahead_names": joined([named[name] for name in ahead["other"]]),
        "ahead_count": rows.in_words(len(ahead)),
        "behind": joined([named[name] for name in behind["other"]]),
        "between": joined([named[name] for name in between["other"]]),
    }


def _seeds(settings: Settings) -> dict[str, str]:
    table = pd.read_csv(settings.results_folder / HEADLINE)
    wide = table.pivot(index="seed", columns="quantity", values="value")
    values = wide[AUROC]
    found = {
        "mean": f"{values.mean():.3f}",
        "std": f"{values.std():.3f}",
        "least": f"{values.min():.3f}",
        "most": f"{values.max():.3f}",
        "worst_seed": str(values.idxmin()),
        "best_seed": str(values.idxmax()),
        "f2": f"{wide[F2].mean():.3f} ± {wide[F2].std():.3f}",
        "noise_std": f"{wide['AUROC, speech in noise'].std():.3f}",
        "clean_std": f"{wide['AUROC, clean speech'].std():.3f}",
    }
    earlier = pd.read_csv(project_root() / "results" / "earlier_seeds.csv")
    earlier = earlier.set_index(["recordings", "quantity"])
    for name, key in {
        "test": ("test scenes", "AUROC of segments, all"),
        "validation": ("validation scenes", "AUROC of segments, all"),
        "sounds": (SOUNDS, "false share of frames at 0.5"),
    }.items():
        row = earlier.loc[key]
        found[f"earlier_{name}"] = bracketed(row["difference"], row["low"], row["high"], sign="+")
    return found


def _real(settings: Settings) -> dict[str, Any]:
    folder = real_folder(settings)
    if folder is None:
        return {}
    table, paired = read_real(folder), read_real(folder, REAL_PAIRED)
    facts = json.loads((folder / REAL_RECORDINGS).read_text(encoding="utf-8"))
    cells = {
        "meetings": (AMI, "auroc", "all"),
        "against": (SOUNDS, "auroc", AGAINST),
        "sounds": (SOUNDS, "false_share_tuned", "all"),
        "recall": (AMI, "recall_tuned", "all"),
        "pauses": (AMI, "false_share_tuned", "all"),
        "cries": (SOUNDS, "false_share_tuned", "baby cry"),
    }
    frame = table[table["protocol"] == "frame"].set_index(["corpus", "metric", "group", "system"])
    found: dict[str, Any] = {
        system: {
            name: bracketed(*frame.loc[(*cell, system), ["value", "low", "high"]])
            for name, cell in cells.items()
        }
        for system in (OURS, "released", "silero")
    }
    for name, sign in (("meetings", 1), ("sounds", -1)):
        chosen = paired[
            (paired[["protocol", "corpus", "metric", "group"]] == ["frame", *cells[name]]).all(
                axis=1
            )
            & ~paired["other"].isin((INTEGER, STREAM, ENSEMBLE))
        ].copy()
        if sign < 0:  # fewer is better
            chosen[["low", "high"]] = -chosen[["high", "low"]].to_numpy()
            chosen["difference"] *= -1
        found[f"sides_{name}"] = _sides(chosen)
    for corpus, name in ((AMI, "ami"), (SOUNDS, "nonspeech")):
        found[name] = {
            "recordings": str(facts[corpus]["recordings"]),
            "minutes": f"{facts[corpus]['seconds'] / 60:.1f}",
            "speech": f"{facts[corpus]['speech_seconds'] / 60:.1f}",
        }
    return found


def _device(settings: Settings) -> dict[str, Any]:
    costs = read_device(settings)
    if costs is None:
        return {}
    root = project_root() / "results"
    integers = pd.read_csv(root / "integers.csv")
    ours = integers[integers["model"].str.startswith("seed-")]
    exports, int8 = pd.read_csv(root / "exports.csv"), pd.read_csv(root / "int8_costs.csv")
    of_a_file = exports.groupby("file")["windows"].sum().iloc[0]
    whole = int8[int8["quantised"] == "whole network"]
    found = {
        "flips": f"{ours['differ'].min()} to {ours['differ'].max()}",
        "windows": f"{ours['windows'].iloc[0]:,}",
        "most_percent": f"{ours['percent'].max():.2f}",
        "largest_change": f"{ours['change'].abs().max():.6f}",
        "exported": f"{exports.groupby('file')['flips'].sum().max():,} of {of_a_file:,}",
        "int8_share": f"{100 * whole['share'].mean():.1f}",
        "int8_auroc": f"{whole['auroc'].mean():.3f}",
        "float_auroc": f"{whole['auroc_float'].mean():.3f}",
        "int8_windows": f"{whole['windows'].iloc[0]:,}",
    }
    indexed = costs.set_index(["form", "core"])
    for core, name in (("Cortex-M4F", "m4"), ("Cortex-M7", "m7")):
        row = indexed.loc[("window", core)]
        found[f"{name}_ms"] = f"{row['milliseconds_low']:.0f} to {row['milliseconds_high']:.0f}"
        found[f"{name}_mhz"] = f"{row['megahertz']:.0f}"
    found["m4_flash"] = f"{indexed.loc[('window', 'Cortex-M4F'), 'flash'] / 1000:.1f}"
    found["m4_ram"] = f"{indexed.loc[('window', 'Cortex-M4F'), 'ram'] / 1000:.1f}"
    stream = indexed.loc[("stream", "Cortex-M4F")]
    found["stream_ms"] = f"{stream['milliseconds_low']:.1f} to {stream['milliseconds_high']:.1f}"
    return found


def _segments(settings: Settings, systems: pd.DataFrame) -> dict[str, str]:
    """The default detector's segments on the scenes, and the peers' as their authors set them."""
    wanted = {"f1": ("segment_f1", 3), "error": ("detection_error_rate", 3)}
    wanted |= {"onset": ("onset_error_abs_p50", 2), "offset": ("offset_error_abs_p50", 2)}
    found = {
        f"{system}_{name}": _value(systems, system, PROTOCOL, "all", metric, digits=digits)
        for system in (ENSEMBLE, "silero", "ten")
        for name, (metric, digits) in wanted.items()
    }
    if folder := real_folder(settings):
        table = read_real(folder)
        keys = ["corpus", "protocol", "metric", "group"]
        wanted_rows = [AMI, PROTOCOL, "detection_error_rate", "all"]
        errors = table[(table[keys] == wanted_rows).all(axis=1)].set_index("system")["value"]
        lower = [name for name in ("silero", "ten") if errors[name] < errors[ENSEMBLE]]
        found["lower_in_meetings"] = joined([TITLES[name] for name in lower])
    return found


def _ledger(settings: Settings, systems: pd.DataFrame) -> dict[str, Any]:
    """Rows of AtomicVAD in the ledger, and the numbers that the text repeats."""
    table = pd.read_csv(settings.results_folder / LEDGER, dtype=str, keep_default_na=False)
    ours = table[table["system"] == "AtomicVAD"].set_index("quantity")
    printed = ours["printed"]
    return {
        "rows": rows.ledger_rows(ours),
        "auroc": printed["AUROC (SWI median)"],
        "f2": printed["F2 (SWI median)"],
        "causal": printed["AUROC (causal)"],
        "m7": printed["latency on a Cortex-M7 at 240 MHz (ms)"],
        "m4": printed["latency on a Cortex-M4F at 64 MHz (s)"],
        "flash": printed["flash (kB)"],
        "ram": printed["SRAM (kB)"],
        "fewer": printed["parameters below MarbleNet's (%)"],
        "parameters": f"{float(ours.loc['parameters', 'correct']):.0f}",
        "only_hard_auroc": _value(systems, "released", "swi-median", "all", "auroc_hard"),
        "hard_auroc": _three(ours.loc["AUROC (SWI median)", "as_released_code"]),
        "f2_released": _three(ours.loc["F2 (SWI median)", "as_released_code"]),
        "f2_right": _three(ours.loc["F2 (SWI median)", "correct"]),
        "right_auroc": _three(ours.loc["AUROC (SWI median)", "correct"]),
        "spi_hard": _three(ours.loc["AUROC (SPI)", "as_released_code"]),
        "spi_right": _three(ours.loc["AUROC (SPI)", "correct"]),
    }


def _three(text: str) -> str:
    return f"{float(text):.3f}" if text and np.isfinite(float(text)) else ""
