"""Tables to read, from ``systems.csv`` and its neighbours."""

import json

import numpy as np
import pandas as pd

from atomicvad.config import Settings
from atomicvad.corpora.clips import CONDITIONS
from atomicvad.evaluation.systems import OURS, system_files, title, titles
from atomicvad.files import LEDGER, SYSTEM_RECORD, VERDICT, project_root, replacing
from atomicvad.report.collate import read_paired, read_systems
from atomicvad.report.device_files import read_device
from atomicvad.report.device_tables import markdown_costs
from atomicvad.report.real_tables import markdown_block, real_folder
from atomicvad.report.segment_tables import ALARMS, segment_blocks
from atomicvad.report.text import ROUNDED, of_kind, with_interval
from atomicvad.report.verdict import Verdict

# What the paper prints for AVA-Speech (another test set), from its abstract.
PAPER = {"auroc": 0.903, "f2": 0.891}


def test_set_line(systems: pd.DataFrame) -> str:
    """The test set's name, and why there are no intervals if there are none."""
    whole = systems[["low", "high"]].notna().any(axis=None)
    return f"Test set: {systems['dataset'].iloc[0]}" + (
        "" if whole else "; one clip, so no intervals can be drawn"
    )


def _pivot(
    systems: pd.DataFrame, cells: dict[str, tuple[str, str, str]], digits: int = 3
) -> pd.DataFrame:
    """A row a system, a column for each (protocol, condition, metric): value and interval.

    False alarms an hour are whole numbers: their intervals are tens wide.
    """
    text = [
        with_interval(r.value, r.low, r.high, 0 if str(r.metric).startswith(ALARMS) else digits)
        for r in systems.itertuples()
    ]
    keyed = systems.assign(text=text).set_index(["protocol", "condition", "metric"]).sort_index()
    columns = {
        name: keyed.loc[[key]].set_index("system")["text"]
        for name, key in cells.items()
        if key in keyed.index
    }
    table = pd.DataFrame(columns)
    order = [name for name in systems["system"].unique() if name in table.index]
    return table.loc[order].fillna("").rename(index=titles(systems))


def system_table(systems: pd.DataFrame, protocol: str = "swi-median") -> pd.DataFrame:
    """AUROC by condition and of frames, and F2 at the threshold chosen on validation."""
    names = {"AUROC": "all", "clean": "clean", "in noise": "noise", "in music": "music"}
    cells = {name: (protocol, condition, "auroc") for name, condition in names.items()}
    cells |= {"AUROC of frames": ("frame", "all", "auroc"), "F2": (protocol, "all", "f2_tuned")}
    return _pivot(systems, cells)


def markdown_table(systems: pd.DataFrame) -> str:
    """The README's table, with the paper's own figures in a row of their own."""
    table = system_table(systems)
    lines = ["| system | " + " | ".join(table.columns) + " |", "|---" * (1 + table.shape[1]) + "|"]
    lines += [f"| {name} | " + " | ".join(row) + " |" for name, row in table.iterrows()]
    printed = {"AUROC": f"{PAPER['auroc']:.3f}", "F2": f"{PAPER['f2']:.3f}"}
    paper = "|".join(f" {printed[name]} " if name in printed else " " for name in table.columns)
    lines.append(f"| *the paper, on AVA-Speech: another test set* |{paper}|")
    return "\n".join(lines)


def standing(paired: pd.DataFrame, protocol: str = "swi-median") -> str:
    """Who is above our seeds in AUROC, by how much and in which condition: a list."""
    above = paired[
        (paired["protocol"] == protocol)
        & (paired["metric"] == "auroc")
        & (paired["difference"] < -ROUNDED)
    ]
    if above.empty:
        return "No other system has a higher AUROC than this companion in any condition."
    named, parts = titles(above, "other"), []
    for condition in CONDITIONS:
        if (rows := above[above["condition"] == condition]).empty:
            continue
        names = [
            f"{named[r.other]} by {with_interval(-r.difference, -r.high, -r.low)}"
            for r in rows.sort_values("difference").itertuples()
        ]
        where = {"all": "all conditions together", "clean": "clean speech"}
        parts.append(f"{where.get(condition, f'speech in {condition}')}: {', '.join(names)}")
    listed = "".join(f"\n- {part}" for part in parts)
    return f"Systems with a higher AUROC than this companion, with paired 95 % intervals:\n{listed}"


def readme_text(settings: Settings) -> str:
    """What stands between the marks in README.md: the table, who is ahead, and the last verdict."""
    results = settings.results_folder
    verdict = (results / VERDICT).read_text(encoding="utf-8").strip()
    text = f"{markdown_table(read_systems(settings))}\n\n{standing(read_paired(settings))}"
    return f"{text}\n\nVerdict of the last `make reproduce`: *{verdict}*."


def by_protocol(systems: pd.DataFrame) -> pd.DataFrame:
    """AUROC under every protocol."""
    protocols = systems.loc[systems["metric"] == "auroc", "protocol"].unique()
    return _pivot(systems, {name: (name, "all", "auroc") for name in protocols})


def decision_table(systems: pd.DataFrame, protocol: str = "swi-median") -> pd.DataFrame:
    """Decisions at each system's own threshold, and at 0.5."""
    cells = {"threshold": (protocol, "all", "threshold_tuned")}
    for name in ("balanced_accuracy", "f2", "precision", "recall"):
        cells[name.replace("_", " ").replace("f2", "F2")] = (protocol, "all", f"{name}_tuned")
    cells |= {"F2 at 0.5": (protocol, "all", "f2"), "EER": (protocol, "all", "eer")}
    return _pivot(systems, cells | {"calibration error": (protocol, "all", "ece")})


def event_table(systems: pd.DataFrame, protocol: str = "frame-causal") -> pd.DataFrame:
    """Latencies (s), false alarms an hour, and the detection error rate."""
    metrics = ["detection_error_rate", "missed_speech"]
    metrics += [f"{edge}_latency_p{part}" for edge in ("onset", "offset") for part in (50, 95)]
    alarms = systems["metric"][systems["metric"].str.startswith(ALARMS)]
    metrics += sorted(alarms.unique())
    cells = {_in_words(name): (protocol, "all", name) for name in metrics}
    return _pivot(systems, cells, digits=2)


def _in_words(metric: str) -> str:
    """The heading of a column.

    >>> _in_words("onset_latency_p50"), _in_words("false_alarms_per_hour noise")
    ('onset latency, median (s)', 'false alarms an hour, noise')
    """
    if metric.startswith(ALARMS):
        return f"false alarms an hour, {metric.removeprefix(ALARMS).strip()}".rstrip(", ")
    text = metric.replace("_", " ")
    return text.replace(" p50", ", median (s)").replace(" p95", ", 95 % (s)")


def paired_table(
    settings: Settings, protocols: tuple[str, ...] = ("swi-median", "frame")
) -> pd.DataFrame:
    """AUROC of our seeds minus every other system's, by condition."""
    table = read_paired(settings)
    table = table[(table["metric"] == "auroc") & table["protocol"].isin(protocols)]
    text = [
        with_interval(r.difference, r.low, r.high, sign="+")
        + (f" p {r.p:.3f}" if np.isfinite(r.p) else "")
        for r in table.itertuples()
    ]
    wide = table.assign(text=text).pivot(
        index=["protocol", "other"], columns="condition", values="text"
    )
    shown = [condition for condition in CONDITIONS if condition in wide]
    return wide.rename(index=titles(table, "other"))[shown].rename_axis(["protocol", "system"])


def peer_table(settings: Settings) -> pd.DataFrame:
    """Every other system with scores: package, license, how it is run, when, seconds."""
    files = [paths[0] for name, paths in system_files(settings).items() if name != OURS]
    records = [json.loads(path.with_name(SYSTEM_RECORD).read_text()) for path in sorted(files)]
    columns = {
        "title": "system", "package": "package", "license": "license", "how": "how it is run",
        "scored": "date of scores", "seconds": "time (s)",
    }  # fmt: skip
    table = pd.DataFrame(records, columns=[*columns]).rename(columns=columns)
    return table.set_index("system")


def verdict_text(settings: Settings, verdict: Verdict | None) -> str:
    """What a comparison with the reference says, in Markdown."""
    if verdict is None:
        return f"There is no reference for the profile `{settings.profile}`."
    lines = ["| number | here | reference | difference [95 %] | p |", "|---" * 5 + "|"]
    lines += [
        f"| {r.quantity} | {r.here:.4f} | {r.reference:.4f} | "
        f"{r.difference:+.4f} [{r.low:+.4f}, {r.high:+.4f}] | {r.p:.2g} |"
        for r in verdict.table.itertuples()
    ]
    return f"**{verdict.text}**\n\n" + "\n".join(lines)


def ledger_table(settings: Settings) -> pd.DataFrame:
    """The ledger as it stands in ``ledger.csv``, its numbers with the digits of their kinds."""
    path = settings.results_folder / LEDGER
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    for column in ("as_released_code", "correct", "difference"):
        sign = "+" if column == "difference" else ""
        table[column] = [
            of_kind(float(text or "nan"), quantity, sign)
            for text, quantity in zip(table[column], table["quantity"], strict=True)
        ]
    return table.set_index(["system", "quantity"]).rename(
        columns=lambda name: name.replace("_", " ")
    )


TABLE_START, TABLE_END = "<!-- table:start -->", "<!-- table:end -->"
DEVICE_START, DEVICE_END = "<!-- device:start -->", "<!-- device:end -->"
README_CORES = ("Cortex-M0+", "Cortex-M4F")
SEGMENTS_START, SEGMENTS_END = "<!-- segments:start -->", "<!-- segments:end -->"
REAL_START, REAL_END = "<!-- real:start -->", "<!-- real:end -->"


def protocol_table(summary: pd.DataFrame) -> pd.DataFrame:
    """AUROC from scores and as the released code has it, by protocol and system."""
    rows = summary[
        (summary["condition"] == "all") & summary["metric"].isin(["auroc", "auroc_hard"])
    ]
    text = rows.apply(lambda row: f"{row['mean']:.3f} ± {row['std']:.3f}", axis=1)
    systems = [title(row.variant, row.n) for row in rows.itertuples()]
    measures = {"auroc": "AUROC", "auroc_hard": "AUROC of decisions"}
    wide = rows.assign(text=text, system=systems, metric=rows["metric"].map(measures)).pivot(
        index="protocol", columns=["system", "metric"], values="text"
    )
    return wide.rename_axis(columns=[None, None])


def write_readme(settings: Settings) -> None:
    """Put ``readme_text``, and the block of real recordings, between their marks in README.md."""
    path = project_root() / "README.md"
    text = between(path.read_text(encoding="utf-8"), TABLE_START, TABLE_END, readme_text(settings))
    if folder := real_folder(settings):
        text = between(text, REAL_START, REAL_END, markdown_block(folder))
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_blocks(blocks: dict[str, str], start: str, end: str) -> None:
    """Put a block between two marks of every page that ``blocks`` names."""
    for name, block in blocks.items():
        path = project_root() / name
        text = between(path.read_text(encoding="utf-8"), start, end, block)
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


def write_segment_tables(settings: Settings) -> None:
    """Put what was found in scenes and real recordings into README.md and REPRODUCING.md."""
    write_blocks(segment_blocks(settings), SEGMENTS_START, SEGMENTS_END)


def write_device_tables(settings: Settings) -> None:
    """Put what ``make device`` measured between its marks in README.md and REPRODUCING.md."""
    if (costs := read_device(settings)) is not None:
        pages = {"README.md": README_CORES, "REPRODUCING.md": ()}
        blocks = {name: markdown_costs(costs, cores) for name, cores in pages.items()}
        write_blocks(blocks, DEVICE_START, DEVICE_END)


def between(text: str, start: str, end: str, block: str) -> str:
    """``text`` with ``block`` between two marks."""
    before, rest = text.split(start)
    return f"{before}{start}\n{block}\n{end}{rest.split(end)[1]}"
