"""``atomicvad export``: the detector for other runtimes."""

from pathlib import Path
from typing import Annotated

import typer

from atomicvad.cli.options import Profile

app = typer.Typer()


@app.command()
def export(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL",
            help="a .keras file; a seed of the profile (its committed weights), as 43185; "
            "or a released checkpoint of $ATOMICVAD_PUBLISHED, as released-0",
        ),
    ],
    target: Annotated[str, typer.Option(help="onnx or tflite")],
    out: Annotated[Path, typer.Option(help="a folder that is new or empty: OUT/MODEL/…")],
    profile: Profile = "open",
) -> None:
    """Write a folder for every model: the file, README, an example, a window with its result.

    For example: atomicvad export 43185 released-0 mine.keras --target onnx --out exported
    """
    from atomicvad.config import load_profile
    from atomicvad.device.export.folder import export as export_models

    for path, folder in export_models(models, target, out, load_profile(profile)):
        typer.echo(f"{path}: {folder}")
