"""The tables of MODEL_CARD.md, from committed results."""

from itertools import product

import numpy as np
import pandas as pd

from atomicvad.config import Settings
from atomicvad.detection.defaults import defaults
from atomicvad.detection.detector import SpeechDetector
from atomicvad.evaluation.items import STREAM
from atomicvad.evaluation.scene_groups import SCENE_GROUPS, level_groups
from atomicvad.evaluation.systems import ENSEMBLE, INTEGER, OURS
from atomicvad.files import ATLAS, HEADLINE, project_root
from atomicvad.report.real_tables import AMI, SOUNDS, read_real, real_facts, real_folder
from atomicvad.report.segment_tables import ALARMS, NAMES, markdown, real_table, scenes_table
from atomicvad.report.text import with_interval
from atomicvad.runs.defaults import CHOICE
from atomicvad.runs.segments import PROTOCOL

DEGRADED = "degraded.csv"
PEERS = {"silero": "Silero VAD 6.2", "ten": "TEN VAD"}
# Quantities of the table of figures, by set; the README has more, and others' beside them.
FIGURES = {
    "Test scenes": [
        *("segment F1", "onset F1", "offset F1", "detection error", "false-positive share"),
        *("onset error, median (s)", "offset error, median (s)"),
        *("false alarms an hour, noise", "false alarms an hour, music"),
    ],
    "Meetings": ["segment F1", "detection error", "false-positive share"],
    "Sounds without speech": ["false-positive share"],
}
BACKGROUNDS = {
    "asterisk-moh-music": "music on hold (Asterisk)",
    "lincity-music": "music of LinCity",
    "lincity-noise": "noise of LinCity: crowds, farms, traffic, machines",
    "minetest-noise": "noise of Minetest: steps, doors, digging, water",
}
FAILS = 0.98  # cases of the atlas of which less is right are shown
OPTIONS = {
    "smoothing": "smoothing (scores)",
    "offset_distance": "end threshold below the start threshold by (logits)",
    "min_speech": "`min_speech` (s)",
    "min_silence": "`min_silence` (s)",
    "pad": "`pad` (s)",
}


def figures_block(settings: Settings) -> str:
    """The key figures of the three forms, a row a quantity."""
    tables = {
        "Test scenes": scenes_table(settings),
        "Meetings": real_table(settings, AMI),
        "Sounds without speech": real_table(settings, SOUNDS),
    }
    ours = [NAMES[name] for name in (ENSEMBLE, STREAM, INTEGER)]
    columns = {
        f"{name.lower()}: {quantity}": table.reindex(ours)[quantity]
        for name, table in tables.items()
        if table is not None
        for quantity in FIGURES[name]
    }
    shown = pd.DataFrame(columns).T
    return markdown(shown.rename(columns=lambda name: name.removeprefix("AtomicVAD, ")), "")


def seeds_block(settings: Settings) -> str:
    """The headline numbers over seeds."""
    table = pd.read_csv(settings.results_folder / HEADLINE)
    values = table.groupby("quantity", sort=False)["value"].agg(["mean", "std", "min", "max"])
    named = {"std": "standard deviation", "min": "least", "max": "most"}
    shown = values.map("{:.3f}".format).rename(columns=named)
    return markdown(shown, f"test scenes, {table['seed'].nunique()} seeds")


def defaults_block(settings: Settings) -> str:
    """The default of every option, and what other values scored on the validation scenes."""
    choice = pd.read_csv(settings.results_folder / CHOICE)
    steps, rows = defaults()["steps"], {}
    of_step = choice[choice["step"] == "10ms"]
    chosen = {name: steps["10ms"][name] for name in OPTIONS}
    for option, title in OPTIONS.items():
        others = [name for name in OPTIONS if name != option]
        alone = np.isclose(of_step[others], [chosen[name] for name in others]).all(1)
        tried = of_step[alone].sort_values(option)
        scores = (f"{getattr(r, option):g}: {r.score:.3f}" for r in tried.itertuples())
        rows[title] = [*(f"{steps[step][option]:g}" for step in steps), ", ".join(scores)]
    for title, names in (("ensemble", ["ensemble"]), ("a seed", None)):
        values = [_thresholds(steps[step]["thresholds"], names) for step in steps]
        rows[f"threshold, {title}"] = [*values, ""]
    delays = [f"{SpeechDetector(step=step).delay:.2f}" for step in steps]
    rows["greatest delay of a decision (s)"] = [*delays, ""]
    columns = [*(f"every {step.replace('ms', ' ms')}" for step in steps)]
    table = pd.DataFrame(rows, [*columns, "score by value, every 10 ms"]).T
    return markdown(table, "option")


def _thresholds(known: dict[str, float], names: list[str] | None) -> str:
    values = [known[name] for name in names or known if names or name != "ensemble"]
    low, high = f"{min(values):.2f}", f"{max(values):.2f}"
    return low if low == high else f"{low} to {high}"


def atlas_block(settings: Settings) -> str:
    """Cases of the atlas in which our seeds err, beside two peers, and the rest in a sentence."""
    atlas = pd.read_csv(settings.results_folder / ATLAS)
    wide = atlas.pivot_table("right", ["group", "case"], "system", sort=False)
    poor = wide[(wide[OURS] < FAILS) & (wide.index.get_level_values(0) != "unseen language")]
    shown = poor[[OURS, *PEERS]].sort_values(OURS).map("{:.2f}".format)
    shown.index = [f"{group}: {case}" for group, case in shown.index]
    table = markdown(
        shown.rename(columns={OURS: "ten seeds, mean"} | PEERS), "share decided correctly"
    )
    rest = wide[wide[OURS] >= FAILS].drop("unseen language").index.get_level_values(1)
    return f"{table}\n\nDecided correctly in {FAILS} of the pieces or more: {'; '.join(rest)}."


def languages_block(settings: Settings) -> str:
    """How well languages are found that are not in the training data: two sentences."""
    atlas = pd.read_csv(settings.results_folder / ATLAS)
    rows = atlas[(atlas["system"] == OURS) & (atlas["group"] == "unseen language")]
    poor = rows[rows["right"] < FAILS].sort_values("right")
    named = ", ".join(f"{row.case} {row.right:.2f}" for row in poor.itertuples())
    return (
        f"Of {len(rows)} languages that are not in the training data, {len(rows) - len(poor)} are "
        f"found in {FAILS} of the pieces or more. The others are {named}."
    )


def sounds_block(settings: Settings) -> str:
    """Real sounds in which nobody speaks, by category."""
    if not (folder := real_folder(settings)):
        return ""
    table = read_real(folder)
    table = table[table["corpus"] == SOUNDS].set_index(["protocol", "system", "metric"])
    seconds = pd.Series(real_facts(folder)[SOUNDS]["seconds_of"])

    def column(protocol: str, system: str, metric: str, digits: int) -> pd.Series:
        rows = table.loc[[(protocol, system, metric)]].set_index("group")
        text = [with_interval(r.value, r.low, r.high, digits) for r in rows.itertuples()]
        return pd.Series(text, rows.index)

    alarms = table.loc[[(PROTOCOL, ENSEMBLE, ALARMS)]].set_index("group")["value"]
    shown = pd.DataFrame(
        {
            "duration (s)": seconds.map("{:.0f}".format),
            "false alarms an hour, default": column(PROTOCOL, ENSEMBLE, ALARMS, 0),
            "false alarms an hour, Silero": column(PROTOCOL, "silero", ALARMS, 0),
            "false-positive share, one seed": column("frame", STREAM, "false_share_tuned", 2),
        }
    ).reindex(alarms.sort_values(ascending=False).index)
    return markdown(shown.dropna(), "real sound")


def turns_block(settings: Settings) -> str:
    """How much of short and long turns is found in the meetings, and of pauses taken for speech."""
    if not (folder := real_folder(settings)):
        return ""
    table = read_real(folder)
    rows = table[(table["corpus"] == AMI) & (table["protocol"] == "frame")]
    rows = rows[rows["metric"].isin(["recall_tuned", "false_share_tuned"])]
    seconds, columns = real_facts(folder)[AMI]["seconds_of"], {}
    for system, title in ((STREAM, "one seed"), ("silero", PEERS["silero"])):
        own = rows[(rows["system"] == system) & rows["group"].isin(seconds)].set_index("group")
        text = [with_interval(r.value, r.low, r.high, 2) for r in own.itertuples()]
        columns[title] = pd.Series(text, own.index)
    durations = pd.Series(seconds).map("{:.1f}".format)
    return markdown(
        pd.DataFrame({"duration (s)": durations} | columns).loc[list(seconds)], "meetings"
    )


def groups_block(settings: Settings) -> str:
    """Sources of background and levels in the test scenes: taken for speech, and speech found."""
    path = settings.results_folder / SCENE_GROUPS
    if not path.is_file():
        return ""
    table = pd.read_csv(path).set_index(["group", "system", "speech"]).sort_index()
    levels = level_groups(pd.Series([-45.0, -35.0, -25.0]))
    rows = {}
    for group, title in (BACKGROUNDS | dict(zip(levels, levels, strict=True))).items():
        cells = []
        for speech, system in product((False, True), (ENSEMBLE, STREAM, "silero")):
            row = table.loc[(group, system, speech)]
            low, high = (row["least"], row["most"]) if row["members"] > 1 else (np.nan, np.nan)
            cells.append(with_interval(row["share"], low, high, 2))
        rows[title] = cells
    names = ("default", "a seed", "Silero")
    what = ("false-positive share", "recall")
    columns = [": ".join(parts) for parts in product(what, names)]
    return markdown(pd.DataFrame(rows, columns).T, "test scenes")


def degraded_block(settings: Settings) -> str:
    """Test scenes that are fainter, offset or of few samples, as ``benchmarks.degraded`` found."""
    table = pd.read_csv(project_root() / "results" / DEGRADED).set_index("scenes")
    names = {"found": "recall", "taken": "false-positive share"}
    return markdown(table.map("{:.2f}".format).rename(columns=names), "test scenes, default")


MODEL_BLOCKS = {
    "figures": figures_block,
    "seeds": seeds_block,
    "defaults": defaults_block,
    "atlas": atlas_block,
    "languages": languages_block,
    "groups": groups_block,
    "degraded": degraded_block,
    "sounds": sounds_block,
    "turns": turns_block,
}
