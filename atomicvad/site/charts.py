"""Interactive figures of the site, drawn by Vega in the page (vega.github.io/vega-lite).

The notebook's own figure stands in their place until a page's script has run, and where none runs.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from atomicvad.audio.signal import SAMPLE_RATE
from atomicvad.config import Settings
from atomicvad.corpora.clips import CONDITIONS
from atomicvad.evaluation.atlas import PIECE, PIECES
from atomicvad.evaluation.systems import OURS, TITLES, titles
from atomicvad.files import ATLAS, ATLAS_SCORES
from atomicvad.report.collate import histories, read_paired, read_systems

OURS_COLOR, OTHER_COLOR = "#D55E00", "#0072B2"  # of Okabe and Ito
PROTOCOL = "swi-median"
ROW = 22  # pixels of a row
CURVES = {
    "val_auroc": "AUROC, validation",
    "auroc": "AUROC, training",
    "val_loss": "loss, validation",
    "loss": "loss, training",
    "val_f2": "F2, validation",
}


def auroc_chart(settings: Settings) -> Any:
    """AUROC of every system with its interval, in a condition that is chosen."""
    import altair as alt

    table = _of_segments(read_systems(settings))
    table = table.assign(name=table["system"].map(titles(table)), ours=table["system"] == OURS)
    order = _names_by(table, "value")
    base = _chosen(alt.Chart(table[["name", "ours", "condition", "value", "low", "high"]]), table)
    return _intervals(base, "AUROC of segments", order).properties(
        description="AUROC of every system on segments of the test scenes, with 95 % intervals",
        height=ROW * len(order),
    )


def paired_chart(settings: Settings) -> Any:
    """Our seeds minus every other system, on the same draws of clips: a forest plot."""
    import altair as alt

    table = _of_segments(read_paired(settings)).rename(columns={"difference": "value"})
    table = table.assign(name=table["other"].map(titles(table, "other")), ours=False)
    order = _names_by(table, "value")
    base = _chosen(alt.Chart(table[["name", "ours", "condition", "value", "low", "high"]]), table)
    zero_line = alt.Chart().mark_rule(strokeDash=[4, 3], aria=False).encode(x=alt.datum(0))
    return alt.layer(zero_line, _intervals(base, "difference in AUROC", order)).properties(
        description="Differences in AUROC between this companion and every other system, paired",
        height=ROW * len(order),
    )


def training_chart(settings: Settings) -> Any:
    """A quantity of training over the epochs; a seed stands out where it is chosen."""
    import altair as alt

    table = histories(settings)[["seed", "epoch", *CURVES]].rename(columns=CURVES)
    long = table.melt(["seed", "epoch"], var_name="quantity").assign(
        seed=lambda rows: rows["seed"].astype(str)
    )
    options = list(CURVES.values())
    quantity = alt.selection_point(
        fields=["quantity"], value=options[0],
        bind=alt.binding_select(options=options, name="quantity "),
    )  # fmt: skip
    seeds = sorted(long["seed"].unique())
    seed = alt.selection_point(
        fields=["seed"], empty=True,
        bind=alt.binding_select(options=[None, *seeds], labels=["all", *seeds], name="seed "),
    )  # fmt: skip
    base = alt.Chart(long).transform_filter(quantity)
    x = alt.X("epoch:Q", axis=alt.Axis(tickMinStep=1, grid=False))
    lines = base.mark_line(point=True).encode(
        x=x,
        y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False)),
        detail="seed:N",
        color=alt.condition(seed, alt.value(OTHER_COLOR), alt.value("#BBBBBB")),
        opacity=alt.condition(seed, alt.value(0.8), alt.value(0.4)),
        tooltip=["seed:N", "epoch:Q", alt.Tooltip("value:Q", format=".4f")],
    )
    mean = base.mark_line(strokeWidth=3, color="black").encode(x=x, y="mean(value):Q")
    return (
        alt.layer(lines, mean)
        .add_params(quantity, seed)
        .properties(description="Training of all seeds, epoch by epoch", height=260)
    )


def atlas_chart(settings: Settings) -> Any:
    """The atlas: the share of pieces decided correctly, cases by systems."""
    import altair as alt

    table = pd.read_csv(settings.results_folder / ATLAS)
    table = table.assign(name=table["system"].map(titles(table)), right=100 * table["right"])
    cases = table["case"].drop_duplicates().tolist()
    base = alt.Chart(table[["name", "group", "case", "right"]]).encode(
        x=alt.X(
            "name:N",
            sort=_in_order(table),
            title=None,
            axis=alt.Axis(orient="top", labelAngle=-40, labelLimit=190),
        ),
        y=alt.Y("case:N", sort=cases, title=None),
        tooltip=["group", "case", alt.Tooltip("name", title="system"), _number("right", ".0f")],
    )
    color = alt.Color(
        "right:Q", scale=alt.Scale(scheme="cividis", domain=[0, 100]),
        legend=alt.Legend(title="decided correctly (%)", orient="bottom"),
    )  # fmt: skip
    below = base.transform_filter("datum.right < 99.5")  # the others need no number
    text = below.mark_text(fontSize=10, tooltip=None).encode(
        text=alt.Text("right:Q", format=".0f"),
        color=alt.condition("datum.right > 55", alt.value("black"), alt.value("white")),
    )
    return alt.layer(base.mark_rect(cursor="pointer").encode(color=color), text).properties(
        description="Share of two-second pieces decided correctly, hard cases by systems",
        height=ROW * len(cases),
    )


def atlas_scores_chart(settings: Settings) -> Any:
    """The scores of a case over time, a row a system; crosses are pieces decided wrongly."""
    import altair as alt

    scores = pd.read_csv(settings.results_folder / ATLAS_SCORES)
    table = pd.read_csv(settings.results_folder / ATLAS)
    keys = ["system", "case"]
    rows = scores.groupby([*keys, "threshold"], as_index=False).agg({"piece": list, "score": list})
    rows = rows.merge(table[[*keys, "speech"]], on=keys)
    rows["name"] = rows["system"].map(titles(table))
    cases = table["case"].drop_duplicates().tolist()
    hardest = table[table["system"] == OURS].set_index("case")["right"].idxmin()
    chosen = alt.param(
        "chosen", value=hardest, bind=alt.binding_select(options=cases, name="case ")
    )
    at = alt.param("at", value=-1)  # where the player is, in s
    y = alt.Y("name:N", sort=_in_order(rows), title=None, axis=alt.Axis(labelLimit=190))
    seconds = PIECE / SAMPLE_RATE
    base = (
        alt.Chart(rows[["name", "case", "piece", "score", "threshold", "speech"]])
        .transform_filter("datum['case'] === chosen")
        .transform_flatten(["piece", "score"])
        .transform_calculate(
            start=f"{seconds} * datum.piece",
            middle=f"{seconds} * (datum.piece + 0.5)",
            end=f"{seconds} * (datum.piece + 1)",
        )
    )
    color = alt.Color(
        "score:Q", scale=alt.Scale(scheme="cividis", domain=[0, 1]),
        legend=alt.Legend(title="score", orient="bottom"),
    )  # fmt: skip
    tooltip = [alt.Tooltip("name", title="system"), _number("score"), _number("threshold")]
    x = alt.X("start:Q", title="time (s)", scale=alt.Scale(domain=[0, PIECES * seconds]))
    pieces = base.mark_rect(stroke="white").encode(x=x, x2="end", y=y, color=color, tooltip=tooltip)
    crosses = (
        base.transform_filter("(datum.score >= datum.threshold) !== datum.speech")
        .mark_text(text="✕", color=OURS_COLOR, fontWeight="bold")
        .encode(x="middle:Q", y=y)
    )
    cursor = (
        alt.Chart(pd.DataFrame({"zero": [0]}))
        .transform_calculate(now="at")
        .transform_filter("at >= 0")
        .mark_rule(color=OURS_COLOR, strokeWidth=2, aria=False)
        .encode(x="now:Q")
    )
    return (
        alt.layer(pieces, crosses, cursor)
        .add_params(chosen, at)
        .properties(
            title=alt.Title(
                [
                    "One case over time, by every system.",
                    "A cross: the mean score is on the wrong side of the threshold.",
                    "Choose a case below, or click on one above to hear it.",
                ],
                anchor="start",
                fontSize=11,
                fontWeight="normal",
            ),
            description="Scores of systems over the 24 s of a case",
            height=ROW * rows["name"].nunique(),
        )
    )


def atlas_table(settings: Settings) -> str:
    """The atlas as a table of HTML, for readers to whom the colours of a map say nothing."""
    table = pd.read_csv(settings.results_folder / ATLAS)
    table = table.assign(name=table["system"].map(titles(table)), right=100 * table["right"])
    cases = pd.MultiIndex.from_frame(table[["group", "case"]].drop_duplicates())
    wide = table.pivot(index=["group", "case"], columns="name", values="right")
    wide = wide.loc[cases, _in_order(table)].rename_axis(columns="decided correctly (%)")
    rows = wide.to_html(float_format=lambda share: str(int(share + 0.5)), na_rep="", border=0)
    return f"<details><summary>The map as a table</summary>\n{rows}\n</details>"


# Page of the site -> heading of the notebook -> the charts that stand for its figure, or above it.
CHARTS: Mapping[str, Mapping[str, tuple[Callable[[Settings], Any], ...]]] = {
    "systems": {"AUROC by condition": (auroc_chart,), "Differences, paired": (paired_chart,)},
    "results": {"Training": (training_chart,)},
    "atlas": {"Atlas of hard cases": (atlas_chart, atlas_scores_chart)},
}

# A chart -> what says the same in words.
TABLES = {atlas_chart: atlas_table}


def chart_html(settings: Settings, page: str, heading: str, fallback: str = "") -> str:
    """The charts of a page below a heading; ``fallback`` where there are none, or nothing to draw.

    Args:
        fallback: HTML that stands for the first chart until it is drawn.
    """
    import altair as alt

    blocks = []
    for make in CHARTS.get(page, {}).get(heading, ()):
        try:
            with alt.data_transformers.enable("default", max_rows=None):
                chart = make(settings).properties(width="container").to_dict()
        except FileNotFoundError:  # the run has no such results
            continue
        name = make.__name__.removesuffix("_chart").replace("_", "-")
        data = json.dumps(chart).replace("<", r"\u003c")
        blocks.append(
            f'<div class="chart" id="chart-{name}">{fallback}</div>\n'
            f'<script type="application/json" data-chart="chart-{name}">{data}</script>'
        )
        if make in TABLES:
            blocks.append(TABLES[make](settings))
        fallback = ""
    return "\n".join(blocks) or fallback


def _of_segments(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of AUROC by the first protocol, conditions as their order is."""
    rows = table[(table["protocol"] == PROTOCOL) & (table["metric"] == "auroc")]
    return rows[rows["condition"].isin(CONDITIONS)]


def _names_by(table: pd.DataFrame, column: str) -> list[str]:
    """Names of the systems, the greatest value over all conditions first."""
    rows = table[table["condition"] == "all"].sort_values(column, ascending=False)
    return rows["name"].tolist()


def _in_order(table: pd.DataFrame) -> list[str]:
    """Names of the systems as every table has them."""
    names = table.drop_duplicates("system").set_index("system")["name"]
    return [names[system] for system in TITLES if system in names]


def _chosen(chart: Any, table: pd.DataFrame) -> Any:
    """A chart of the condition that is chosen among those of a table."""
    import altair as alt

    options = [name for name in CONDITIONS if name in set(table["condition"])]
    condition = alt.selection_point(
        fields=["condition"], value="all", bind=alt.binding_radio(options=options, name="speech ")
    )
    return chart.add_params(condition).transform_filter(condition)


def _intervals(base: Any, title: str, order: list[str]) -> Any:
    """Points and their 95 % intervals, a row a system."""
    import altair as alt

    color = alt.condition("datum.ours", alt.value(OURS_COLOR), alt.value(OTHER_COLOR))
    y = alt.Y("name:N", sort=order, title=None, axis=alt.Axis(grid=True, labelLimit=190))
    axis = alt.Axis(labelOverlap="parity", labelSeparation=4)  # phones are narrow
    tooltip = [alt.Tooltip("name", title="system"), *map(_number, ("value", "low", "high"))]
    rules = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", title=title, scale=alt.Scale(zero=False), axis=axis),
        x2="high",
        y=y,
        color=color,
    )
    points = base.mark_point(filled=True, size=70, opacity=1)
    return rules + points.encode(x="value:Q", y=y, color=color, tooltip=tooltip)


def _number(field: str, form: str = ".3f") -> Any:
    import altair as alt

    return alt.Tooltip(f"{field}:Q", format=form)
