"""Options that several commands share."""

from typing import Annotated

import typer

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
