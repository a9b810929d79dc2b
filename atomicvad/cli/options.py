"""Options that several commands share."""

from typing import Annotated

import typer

INTERRUPTED = 130  # the exit code after Ctrl-C

Profile = Annotated[
    str,
    typer.Option(help="a file of profiles/: smoke, open, open-centre, paper, released, or yours"),
]
Reference = Annotated[
    bool, typer.Option("--reference", help="of the committed results instead of a run's")
]
MODEL = (
    "a .keras file; a seed of the profile (its committed weights), as 43185; "
    "or a released checkpoint of $ATOMICVAD_PUBLISHED, as released-0"
)

# Of the commands that detect speech; what is left out is as it was chosen on validation scenes.
Threshold = Annotated[
    float | None, typer.Option(help="speech begins where the probability reaches this, 0 to 1")
]
OffsetThreshold = Annotated[
    float | None, typer.Option(help="speech ends where the probability falls below this")
]
MinSpeech = Annotated[float | None, typer.Option(help="shorter speech is left out, in s")]
MinSilence = Annotated[
    float | None, typer.Option(help="a shorter silence does not end speech, in s")
]
Pad = Annotated[
    float | None, typer.Option(help="segments are made longer by this at both ends, in s")
]
MaxSpeech = Annotated[
    float | None, typer.Option(help="longer speech is cut where it is least likely, in s")
]
DetectionModel = Annotated[
    str | None,
    typer.Option("--model", help="a seed, as 43185; ensemble (all ten); a file .npz or .keras"),
]
Step = Annotated[
    str,
    typer.Option(help="10ms: from a stream, a decision every 10 ms; 79ms: from windows, slower"),
]
Channel = Annotated[
    int | None, typer.Option(min=0, help="the only one that is used, from 0; by default the mean")
]


class Stopped(SystemExit):
    """Ctrl-C, of which the user was told already."""
