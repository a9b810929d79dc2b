"""Options that several commands share."""

from typing import Annotated

import typer

Profile = Annotated[str, typer.Option(help="smoke, open, paper, released: a file of profiles/")]
Reference = Annotated[
    bool, typer.Option("--reference", help="of the committed results instead of a run's")
]
