"""Commands that score other systems, and make tables, figures and pages."""

import time
from pathlib import Path
from typing import Annotated

import typer

from atomicvad.cli.options import Profile, Reference

app = typer.Typer()


@app.command()
def peers(
    systems: Annotated[
        list[str] | None,
        typer.Argument(help="names of systems, such as: integer stream; by default all"),
    ] = None,
    profile: Profile = "open",
) -> None:
    """Score the peers, the integer detector and the released checkpoints on the scenes.

    For example: atomicvad peers integer stream
    """
    from atomicvad.config import load_profile
    from atomicvad.runs.systems import score_other_systems

    for name, outcome in score_other_systems(load_profile(profile), systems or ()).items():
        typer.echo(f"{name}: {outcome}")


@app.command()
def atlas(profile: Profile = "open") -> None:
    """Score the atlas of hard cases with every system that can run here.

    For example: atomicvad atlas --profile open
    """
    from atomicvad.config import load_profile
    from atomicvad.runs.systems import score_atlas

    table = score_atlas(load_profile(profile))
    typer.echo(f"{profile}: {table['case'].nunique()} cases, {table['system'].nunique()} systems")


@app.command()
def real(profile: Profile = "open") -> None:
    """Score all systems on real recordings: meetings with human labels, sounds without speech.

    For example: atomicvad real --profile open
    """
    from atomicvad.config import load_profile
    from atomicvad.report.real_tables import real_lines
    from atomicvad.runs.real import measure_real

    settings = load_profile(profile)
    for name, outcome in measure_real(settings).items():
        typer.echo(f"{name}: {outcome}")
    typer.echo(real_lines(settings))


@app.command()
def smoothing(
    profile: Profile = "open",
    reference: Reference = False,
) -> None:
    """Measure AUROC of frames on the validation scenes by smoothing width: smoothing.csv.

    For example: atomicvad smoothing --reference
    """
    from atomicvad.config import load_profile
    from atomicvad.evaluation.smoothing import auroc_by_width
    from atomicvad.files import SMOOTHING, replacing

    settings = load_profile(profile)
    settings = settings.reference if reference else settings
    table = auroc_by_width(settings)
    by_width = table.groupby("smoothing_seconds")["auroc"].agg(["mean", "std", "min", "max"])
    with replacing(settings.results_folder / SMOOTHING) as path:
        by_width.to_csv(path, float_format="%.6f")
    typer.echo(by_width.to_string(float_format="%.4f"))


@app.command()
def defaults(profile: Profile = "open", reference: Reference = False) -> None:
    """Choose the detector's defaults on validation scenes and write the package's data.

    For maintainers, after new weights became the reference.

    For example: atomicvad defaults --reference
    """
    from atomicvad.config import load_profile
    from atomicvad.detection.defaults import DATA
    from atomicvad.runs.defaults import write_package_data

    settings = load_profile(profile)
    settings = settings.reference if reference else settings
    typer.echo(write_package_data(settings).groupby("step").head(3).to_string(index=False))
    typer.echo(f"{DATA}: weights, defaults, ONNX")


@app.command()
def report(
    profile: Profile = "open",
    page: Annotated[
        list[str] | None,
        typer.Option(help="a name from `atomicvad pages`; by default all"),
    ] = None,
) -> None:
    """Collate all seeds into tables, figures and pages (the executed notebooks).

    For example: atomicvad report --page systems --page atlas
    """
    from atomicvad.config import load_profile
    from atomicvad.report.pages import PAGES, make_pages

    started = time.perf_counter()
    for name, html in make_pages(load_profile(profile), page or list(PAGES)):
        seconds = time.perf_counter() - started
        typer.echo(f"{name}: {html} ({seconds:.0f} s)" if html else f"{name}: up to date")
        started = time.perf_counter()


@app.command()
def site(
    profile: Profile = "open",
    out: Annotated[Path, typer.Option(help="the folder to write, which is replaced")] = Path(
        "site"
    ),
) -> None:
    """Build the site of a finished run: static pages that work from a folder.

    For example: atomicvad site --profile smoke --out /tmp/site
    """
    from atomicvad.config import load_profile
    from atomicvad.site.build import build_site

    typer.echo(build_site(load_profile(profile), out))


@app.command()
def pages() -> None:
    """Print the names of the pages.

    For example: atomicvad pages
    """
    from atomicvad.report.pages import PAGES

    typer.echo(" ".join(PAGES))


@app.command()
def figures(
    profile: Profile = "open",
    reference: Reference = False,
) -> None:
    """Make tables and figures from scores and weights, without audio.

    For example: atomicvad figures --profile open --reference
    """
    from atomicvad.config import load_profile
    from atomicvad.report.cards import write_cards
    from atomicvad.report.collate import collate
    from atomicvad.report.draw import draw_results
    from atomicvad.report.tables import write_device_tables, write_readme, write_segment_tables

    settings = load_profile(profile)
    if reference:
        settings = settings.reference
    collate(settings)
    for path in draw_results(settings):
        typer.echo(path)
    if reference and profile == "open":
        write_readme(settings)
        write_segment_tables(settings)
        write_device_tables(settings)
        write_cards(settings)


@app.command()
def article() -> None:
    """Write the replication article as a PDF, from the committed results.

    For example: atomicvad article
    """
    from atomicvad.config import load_profile
    from atomicvad.report.article import write_article

    path = write_article(load_profile("open").reference)
    typer.echo(f"{path} ({path.stat().st_size / 1000:.0f} kB)")


@app.command()
def compare(
    profile: Profile = "open",
    since: Annotated[
        float | None, typer.Option(help="when the run began, in seconds since 1970")
    ] = None,
) -> None:
    """Compare a run with the reference; these are the last lines of make reproduce.

    For example: atomicvad compare --profile smoke
    """
    from atomicvad.config import load_profile
    from atomicvad.report.closing import closing_block

    typer.echo(closing_block(load_profile(profile), since))


@app.command()
def adopt(profile: Profile = "open") -> None:
    """Make a finished run the committed reference (for maintainers).

    For example: atomicvad adopt --profile open
    """
    from atomicvad.config import load_profile
    from atomicvad.report.adopt import adopt as adopt_run

    settings = load_profile(profile)
    copied = adopt_run(settings)
    typer.echo(f"{profile}: {copied} files copied to {settings.reference.results_folder}")


@app.command()
def verify(profile: Profile = "open") -> None:
    """Score the reference's weights again and compare with the tables beside them.

    For example: atomicvad verify --profile open
    """
    from atomicvad.config import load_profile
    from atomicvad.report.compare import verify as verify_tables

    typer.echo(verify_tables(load_profile(profile)))
