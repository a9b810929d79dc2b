"""Options that several commands share."""

from typing import Annotated

import typer

from atomicvad.detection.defaults import defaults, offset_threshold

INTERRUPTED = 130  # the exit code that typer makes of Ctrl-C

Profile = Annotated[
    str,
    typer.Option(help="smoke, open, open-centre, paper, released, or another file in profiles/"),
]
Reference = Annotated[
    bool, typer.Option("--reference", help="use the committed results instead of a run's")
]
MODEL = (
    "a .keras file; a seed of the profile (its committed weights), such as 43185; "
    "or a released checkpoint in $ATOMICVAD_PUBLISHED, such as released-0"
)

# Of the commands that detect speech. Help tells the defaults of the default model.
_CHOSEN = defaults()["steps"]["10ms"]
_UPPER = _CHOSEN["thresholds"]["ensemble"]
_LOWER = offset_threshold(_UPPER, _CHOSEN["offset_distance"])
Threshold = Annotated[
    float | None,
    typer.Option(
        help=f"probability at which speech begins, 0 to 1; by default {_UPPER:.2f}; "
        "another --model or --step has its own"
    ),
]
OffsetThreshold = Annotated[
    float | None,
    typer.Option(
        help=f"probability below which speech ends, 0 to 1; by default {_LOWER:.2f}, or "
        f"{_CHOSEN['offset_distance']:g} logits below a --threshold of your own"
    ),
]
MinSpeech = Annotated[
    float | None,
    typer.Option(
        help=f"leave out speech shorter than this, in s; by default {_CHOSEN['min_speech']:g}"
    ),
]
MinSilence = Annotated[
    float | None,
    typer.Option(
        help=f"bridge silence shorter than this, in s; by default {_CHOSEN['min_silence']:g}"
    ),
]
Pad = Annotated[
    float | None,
    typer.Option(help=f"extend segments by this at both ends, in s; by default {_CHOSEN['pad']:g}"),
]
MaxSpeech = Annotated[
    float | None,
    typer.Option(
        help="split longer speech where its probability is lowest, in s; by default none is split"
    ),
]
DetectionModel = Annotated[
    str | None,
    typer.Option(
        "--model",
        help="ensemble (all ten, the default); a seed, such as 43185; or a .npz or .keras file",
    ),
]
Step = Annotated[
    str,
    typer.Option(help="time between decisions: 10ms (streaming) or 79ms (windows, slower)"),
]
Channel = Annotated[
    int | None,
    typer.Option(min=0, help="use this channel alone, counted from 0; by default the mean of all"),
]


class Stopped(SystemExit):
    """An interrupt that was already reported to the user."""
