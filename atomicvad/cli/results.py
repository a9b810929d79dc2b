"""Commands that score other systems, and make tables, figures and pages."""

import time
from typing import Annotated

import typer

from atomicvad.cli.options import Profile

app = typer.Typer()


@app.command()
def peers(profile: Profile = "open") -> None:
    """Score the peers that are installed, and the released checkpoints, on the scenes."""
    from atomicvad.config import load_profile
    from atomicvad.runs.systems import score_other_systems

    for name, outcome in score_other_systems(load_profile(profile)).items():
        typer.echo(f"{name}: {outcome}")


@app.command()
def atlas(profile: Profile = "open") -> None:
    """Score the atlas of hard cases with every system that can run here."""
    from atomicvad.config import load_profile
    from atomicvad.runs.systems import score_atlas

    table = score_atlas(load_profile(profile))
    typer.echo(f"{profile}: {table['case'].nunique()} cases, {table['system'].nunique()} systems")


@app.command()
def report(
    profile: Profile = "open",
    page: Annotated[
        list[str] | None,
        typer.Option(help="one of `atomicvad pages`; all by default"),
    ] = None,
) -> None:
    """Collate all seeds into tables, figures and pages (notebooks 01, 02, 04, 05 and 06)."""
    from atomicvad.config import load_profile
    from atomicvad.report.pages import PAGES, make_pages

    started = time.perf_counter()
    for name, html in make_pages(load_profile(profile), page or list(PAGES)):
        seconds = time.perf_counter() - started
        typer.echo(f"{name}: {html} ({seconds:.0f} s)" if html else f"{name}: up to date")
        started = time.perf_counter()


@app.command()
def pages() -> None:
    """Print the names of the pages."""
    from atomicvad.report.pages import PAGES

    typer.echo(" ".join(PAGES))


@app.command()
def figures(profile: Profile = "open") -> None:
    """Make tables and figures again from the files in results/, without audio."""
    from atomicvad.config import load_profile
    from atomicvad.report.collate import collate, read_paired, read_systems
    from atomicvad.report.draw import draw_results
    from atomicvad.report.tables import write_readme_table

    settings = load_profile(profile)
    collate(settings)
    if profile == "open":
        write_readme_table(read_systems(settings), read_paired(settings))
    for path in draw_results(settings):
        typer.echo(path)


@app.command()
def compare(profile: Profile = "open") -> None:
    """Say how the numbers compare with the committed ones."""
    from atomicvad.config import load_profile
    from atomicvad.report.collate import collate
    from atomicvad.report.compare import compare as compare_with_committed

    settings = load_profile(profile)
    collate(settings)
    typer.echo(compare_with_committed(settings))


@app.command()
def verify(profile: Profile = "open") -> None:
    """Score the weights in results/ again and compare with the tables beside them."""
    from atomicvad.config import load_profile
    from atomicvad.report.compare import verify as verify_tables

    typer.echo(verify_tables(load_profile(profile)))
