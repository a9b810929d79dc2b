"""The command that measures the detector on emulated microcontrollers."""

from pathlib import Path
from typing import Annotated

import typer

from atomicvad.cli.options import Profile

app = typer.Typer()


@app.command()
def device(
    sources: Annotated[Path, typer.Argument(help="a folder with atomicvad.c and its headers")],
    profile: Profile = "open",
) -> None:
    """Build the detector for microcontrollers and measure it in emulators: device.csv."""
    from atomicvad.config import load_profile
    from atomicvad.device.emulate.measure import CYCLES
    from atomicvad.runs.device import measure_device

    measured = measure_device(load_profile(profile), sources)
    columns = [
        "core",
        "form",
        "flash",
        "ram",
        "instructions",
        *(f"milliseconds_{b}" for b in CYCLES),
    ]
    typer.echo(measured.costs[columns].to_string(index=False, float_format="{:.2f}".format))
    typer.echo("emulated, the same outputs on all; milliseconds estimated; no hardware was timed")
