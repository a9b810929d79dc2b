"""The tables of the replication article: rows of texts, from the results."""

import re
from typing import Any

import numpy as np
import pandas as pd

from atomicvad.config import Settings
from atomicvad.evaluation.systems import titles
from atomicvad.report.device_files import read_device
from atomicvad.report.device_tables import cost_table
from atomicvad.report.real_tables import AMI, CELLS, SOUNDS, read_real, real_folder
from atomicvad.report.real_tables import pivot as real_pivot
from atomicvad.report.segment_tables import real_table, scenes_table
from atomicvad.report.tables import system_table
from atomicvad.report.text import with_interval

Row = list[str]
NUMBERS = (
    *("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve"),
)
# What a reader asks of a departure, in the order of a training: the setting's words and its keys.
DEPARTURES = (
    ("speech windows begin every (s)", "windows.stride_seconds.speech"),
    ("background windows every (s)", "windows.stride_seconds.background"),
    ("background mixed in, share", "waveform.mix_probability"),
    ("its SNR (dB)", "waveform.mix_snr_db"),
    ("second voice, share", "waveform.second_voice_probability"),
    ("quiet background, share", "waveform.quiet_probability"),
    ("speed of speech", "waveform.speech_speed"),
    ("level (dBFS)", "waveform.level_db"),
    ("white noise, share", "waveform.white_noise_probability"),
    ("masks, share", "masks.probability"),
    ("dropout", "model.dropout"),
    ("L1 of the units", "model.l1"),
    ("L2 of the units", "model.l2"),
    ("class balancing", "training.class_balancing"),
    ("epochs", "training.epochs"),
    ("batch", "training.batch_size"),
    ("learning rate", "training.learning_rate"),
    ("first cosine, share", "training.first_decay"),
    ("gradient norm at most", "training.clip_norm"),
    ("starts by round", "training.trials"),
    ("epoch kept by", "training.validation"),
    ("scale of the first kernel", "training.feature_scale"),
)


def in_words(number: int) -> str:
    """A small number as a word.

    >>> in_words(3), in_words(13)
    ('three', '13')
    """
    return NUMBERS[number] if number < len(NUMBERS) else str(number)


def joined(names: list[str]) -> str:
    """A list in a sentence.

    >>> joined([]), joined(["a"]), joined(["a", "b", "c"])
    ('no other system', 'a', 'a, b and c')
    """
    if not names:
        return "no other system"
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def bracketed(value: float, low: float, high: float, digits: int = 3, sign: str = "") -> str:
    """A number with its interval; with a true minus, and no sign before zero.

    >>> bracketed(-0.0136, -0.0236, 0.0001, sign="+")
    '−0.014 [−0.024, 0.000]'
    """
    text = with_interval(value, low, high, digits, sign).replace("-", "−")
    return re.sub(r"[+−](0\.0+)(?!\d)", r"\1", text)


def setting(settings: Settings, key: str) -> str:
    """A setting as it is printed; ``key`` names it, with dots between."""
    value: Any = settings.model_dump()
    for part in key.split("."):
        value = value[part]
    if value is None or value == ():
        return "none"
    if isinstance(value, tuple | list):
        distinct = list(dict.fromkeys(value)) if len(value) == 2 else value
        return (" to " if len(value) == 2 else ", ").join(map(_number, distinct))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _number(value) if isinstance(value, int | float) else str(value)


def _number(value: float) -> str:
    return np.format_float_positional(value, trim="-").replace("-", "−")


def departures(paper: Settings, ours: Settings) -> list[Row]:
    """What this reproduction does otherwise than the paper: the words, the paper's value, ours."""
    found = [[words, setting(paper, key), setting(ours, key)] for words, key in DEPARTURES]
    return [row for row in found if row[1] != row[2]]


def system_rows(systems: pd.DataFrame, paired: pd.DataFrame) -> list[Row]:
    """Every system on the scenes, best first: AUROCs, F2, and ours minus theirs on equal draws."""
    own = paired[
        (paired[["protocol", "condition", "metric"]] == ["swi-median", "all", "auroc"]).all(axis=1)
    ].set_index("other")
    aurocs = systems[
        (systems[["protocol", "condition", "metric"]] == ["swi-median", "all", "auroc"]).all(axis=1)
    ].sort_values("value", ascending=False)
    named, table = titles(systems), system_table(systems)
    found = []
    for name in aurocs["system"]:
        difference = ""
        if name in own.index:
            row = own.loc[name]
            difference = bracketed(row["difference"], row["low"], row["high"], sign="+")
        cells = [cell.replace("-", "−") for cell in table.loc[named[name]]]
        found.append([named[name], *cells, difference])
    return found


def real_rows(settings: Settings) -> list[Row]:
    """Every system on the real recordings, best on the meetings first."""
    folder = real_folder(settings)
    if folder is None:
        return []
    table = read_real(folder)
    order = table[
        (table[["corpus", "protocol", "metric", "group"]] == [AMI, "frame", "auroc", "all"]).all(
            axis=1
        )
    ].sort_values("value", ascending=False)["system"]
    wide = real_pivot(table, CELLS)
    named = titles(table)
    return [[named[name], *wide.loc[named[name]]] for name in order]


def segment_rows(settings: Settings) -> list[Row]:
    """Segments on the scenes, the meetings and the sounds without speech, by the defaults."""
    scenes, meetings = scenes_table(settings), real_table(settings, AMI)
    sounds = real_table(settings, SOUNDS)
    if scenes is None or meetings is None or sounds is None:
        return []
    short = ["segment F1", "detection error"]
    return [
        [
            str(name),
            *row[[*short, "onset error, median (s)", "offset error, median (s)"]],
            *meetings.loc[name, short],
            sounds.loc[name, "false-positive share"],
        ]
        for name, row in scenes.iterrows()
    ]


def device_rows(settings: Settings) -> list[Row]:
    """Memory, instructions and estimated time of both forms on every core."""
    costs = read_device(settings)
    if costs is None:
        return []
    table = cost_table(costs)
    columns = ["flash (kB)", "RAM (kB)", "instructions", "clock (MHz)", "time (ms, estimated)"]
    return [[core, form, *map(str, row[columns])] for (form, core), row in table.iterrows()]


def ledger_rows(ours: pd.DataFrame) -> list[Row]:
    """What was printed of AtomicVAD, what the released code computes here, and what is right."""
    return [
        [str(name), row["printed"] or "–", plain(row["as_released_code"]), plain(row["correct"])]
        for name, row in ours.iterrows()
    ]


def plain(value: str) -> str:
    """A number of the ledger without digits that say nothing; other texts as they are.

    >>> plain("298.0000"), plain("0.7530"), plain("19.2225"), plain("< 75"), plain("")
    ('298', '0.753', '19.2', '< 75', '–')
    """
    if not value:
        return "–"
    try:
        number = float(value)
    except ValueError:
        return value
    if number == round(number):
        return f"{number:.0f}"
    return f"{number:.3f}" if abs(number) < 10 else f"{number:.1f}"
