"""Commands about the detector outside of Python: exports, and its cost on microcontrollers."""

from pathlib import Path
from typing import Annotated

import typer

from atomicvad.cli.options import MODEL, Profile

app = typer.Typer()


@app.command()
def export(
    models: Annotated[
        list[str],
        typer.Argument(metavar="MODEL", help=MODEL),
    ],
    target: Annotated[str, typer.Option(help="c, numpy, onnx, tflite or wasm")],
    out: Annotated[Path, typer.Option(help="a new or empty folder; each model becomes OUT/MODEL/")],
    profile: Profile = "open",
) -> None:
    """Write a folder for every model: the file, a README, an example, and a test window.

    For example: atomicvad export 43185 released-0 mine.keras --target onnx --out exported
    """
    from atomicvad.config import load_profile
    from atomicvad.device.export.folder import export as export_models

    for path, folder in export_models(models, target, out, load_profile(profile)):
        typer.echo(f"{path}: {folder}")


@app.command()
def device(
    model: Annotated[str, typer.Argument(metavar="[MODEL]", help="a model, as for export")] = "",
    profile: Profile = "open",
) -> None:
    """Build a detector for microcontrollers and measure it in emulators: device.csv.

    By default the first seed of the profile (its committed weights).

    For example: atomicvad device 43185
    """
    from atomicvad.config import load_profile
    from atomicvad.device.emulate.measure import CYCLES
    from atomicvad.runs.device import measure_device

    settings = load_profile(profile)
    measured = measure_device(settings, model or str(settings.seeds[0]))
    columns = ["core", "form", "flash", "ram", "instructions"]
    columns += [f"milliseconds_{bound}" for bound in CYCLES]
    typer.echo(measured.costs[columns].to_string(index=False, float_format="{:.2f}".format))
    typer.echo("emulated; same outputs on all cores; milliseconds estimated, no hardware was timed")
