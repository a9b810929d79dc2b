"""Options that several commands share."""

from typing import Annotated

import typer

INTERRUPTED = 130  # the exit code after Ctrl-C

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

# Of the commands that detect speech; the defaults were chosen on validation scenes.
Threshold = Annotated[float | None, typer.Option(help="probability at which speech begins, 0 to 1")]
OffsetThreshold = Annotated[
    float | None, typer.Option(help="probability below which speech ends, 0 to 1")
]
MinSpeech = Annotated[float | None, typer.Option(help="leave out speech shorter than this, in s")]
MinSilence = Annotated[float | None, typer.Option(help="bridge silence shorter than this, in s")]
Pad = Annotated[float | None, typer.Option(help="extend segments by this at both ends, in s")]
MaxSpeech = Annotated[
    float | None, typer.Option(help="split longer speech where its probability is lowest, in s")
]
DetectionModel = Annotated[
    str | None,
    typer.Option(
        "--model", help="a seed, such as 43185; ensemble (all ten); or a .npz or .keras file"
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
    """Ctrl-C that was already reported to the user."""
