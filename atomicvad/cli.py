"""``atomicvad …``: every stage of a reproduction, for make, scripts and clusters."""

import errno
import io
import os
import sys
import time
from typing import Annotated

import typer

from atomicvad.cli_data import app as data_app

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="AtomicVAD, a voice activity detector of 298 parameters: data, training, results.",
    pretty_exceptions_enable=False,
)
app.add_typer(data_app, name="data")
Profile = Annotated[str, typer.Option(help="smoke, open or paper: a file of profiles/")]
# What is wrong with a path that a user named.
PLACES = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM, errno.EROFS)
# The report, which draws all figures, comes last.
PAGES = {
    "atlas": "06_atlas",
    "systems": "05_systems",
    "data": "01_data",
    "augmentation": "02_augmentation",
    "report": "04_results",
}


def _settings(profile: str):
    from atomicvad.config import load_profile

    return load_profile(profile)


@app.command()
def seeds(profile: Profile = "open") -> None:
    """Print the seeds of a profile."""
    typer.echo(" ".join(map(str, _settings(profile).seeds)))


@app.command()
def train(
    seed: Annotated[int, typer.Option(help="one of the profile's")], profile: Profile = "open"
) -> None:
    """Train one seed, as the notebook 03_training, unless that is done."""
    from atomicvad import provenance
    from atomicvad.files import project_root
    from atomicvad.notebooks import run_notebook
    from atomicvad.progress import whole
    from atomicvad.run import holding

    settings = _settings(profile)
    folder = settings.run_folder(seed)
    if provenance.is_trained(settings, seed):
        typer.echo(f"seed {seed}: up to date")
        return
    # A run that fails shall leave no table of an earlier one behind.
    with holding(folder):
        (folder / "metrics.csv").unlink(missing_ok=True)
    run_notebook(
        project_root() / "notebooks" / "03_training.ipynb",
        folder / "training.ipynb",
        {"profile": profile, "seed": seed},
        with_code=True,
        aloud=True,
    )
    typer.echo(f"seed {seed}: done; {whole(settings)}")


@app.command()
def cluster(
    profile: Profile = "open",
    scheduler: Annotated[
        str, typer.Option(help="address of a Dask scheduler, as tcp://host:8786; none: start one")
    ] = "",
    workers: Annotated[int, typer.Option(min=1, help="processes to start without one")] = 2,
) -> None:
    """Train and score all seeds that are not done on a Dask cluster, or on one started here."""
    from atomicvad import cluster

    typer.echo(cluster.run_seeds(_settings(profile), scheduler, workers))


@app.command()
def progress(profile: Profile = "open") -> None:
    """Say how far the seeds of a reproduction are."""
    from atomicvad.progress import report

    typer.echo(report(_settings(profile)))


@app.command()
def score(
    profile: Profile = "open",
    seed: Annotated[int | None, typer.Option(help="one of the profile's; all by default")] = None,
) -> None:
    """Score the weights of the seeds on the scenes, together, where that is not done."""
    from atomicvad.evaluation.backgrounds import record_backgrounds
    from atomicvad.run import score_seeds

    settings = _settings(profile)
    seeds = list(settings.seeds) if seed is None else [seed]
    done = score_seeds(settings, seeds)
    record_backgrounds(settings)
    typer.echo(f"{profile}: {len(done)} of {len(seeds)} seeds scored, the rest up to date")


@app.command()
def peers(profile: Profile = "open") -> None:
    """Score the peers that are installed, and the released checkpoints, on the scenes."""
    from atomicvad.evaluation.others import score_others

    for name, said in score_others(_settings(profile)).items():
        typer.echo(f"{name}: {said}")


@app.command()
def atlas(profile: Profile = "open") -> None:
    """Score the atlas of hard cases with every system that can run here."""
    from atomicvad.evaluation.atlas import make_atlas
    from atomicvad.evaluation.others import atomicvad_models

    settings = _settings(profile)
    table = make_atlas(settings, atomicvad_models(settings))
    typer.echo(f"{profile}: {table['case'].nunique()} cases, {table['system'].nunique()} systems")


@app.command()
def report(
    profile: Profile = "open",
    page: Annotated[
        list[str] | None, typer.Option(help=f"of {', '.join(PAGES)}; all by default")
    ] = None,
) -> None:
    """Collate all seeds into tables, figures and pages (notebooks 01, 02, 04, 05 and 06)."""
    from atomicvad import provenance
    from atomicvad.errors import AtomicVADError
    from atomicvad.files import project_root
    from atomicvad.notebooks import run_notebook
    from atomicvad.run import require_seeds

    if unknown := [name for name in page or () if name not in PAGES]:
        raise AtomicVADError(f"--page: expected one of {', '.join(PAGES)}; got {unknown[0]!r}")
    settings = _settings(profile)
    folder = settings.results_folder
    require_seeds(settings)
    code = provenance.code_fingerprint(
        ["figures.py", "results.py", "comparison.py", "atomicvad.mplstyle", "evaluation"]
    )
    runs = [provenance.run_fingerprint(settings, seed) for seed in settings.seeds]
    tables = [
        path.read_text()
        for path in sorted(
            [*folder.glob("systems/*/system.json"), *folder.glob("seed-*/metrics.csv")]
        )
        if path.is_file()
    ]
    for name in page or PAGES:
        if name == "atlas" and settings.test:
            continue  # its cases are cut from recordings that scenes are mixed from
        source = project_root() / "notebooks" / f"{PAGES[name]}.ipynb"
        expected = provenance.fingerprint(code, runs, tables, source.read_text())
        stamp, output = folder / f".{name}", folder / f"{name}.ipynb"
        if provenance.is_current(stamp, expected) and output.with_suffix(".html").is_file():
            typer.echo(f"{name}: up to date")
            continue
        typer.echo(f"{name}: notebook {PAGES[name]} begins")
        started = time.perf_counter()
        run_notebook(source, output, {"profile": profile})
        provenance.write_stamp(stamp, expected)
        seconds = time.perf_counter() - started
        typer.echo(f"{name}: {output.with_suffix('.html')} ({seconds:.0f} s)")


@app.command()
def figures(profile: Profile = "open") -> None:
    """Make tables and figures again from the files in results/, without audio."""
    from atomicvad import figures as drawing
    from atomicvad import results

    settings = _settings(profile)
    results.collate(settings)
    if profile == "open":
        results.write_readme_table(settings)
    for path in drawing.draw_results(settings):
        typer.echo(path)


@app.command()
def compare(profile: Profile = "open") -> None:
    """Say how the numbers compare with the committed ones."""
    from atomicvad import comparison

    typer.echo(comparison.compare(_settings(profile)))


@app.command()
def verify(profile: Profile = "open") -> None:
    """Score the weights in results/ again and compare with the tables beside them."""
    from atomicvad import comparison

    typer.echo(comparison.verify(_settings(profile)))


def main() -> None:
    """The entry point: a user's mistake is one line on stderr, without a traceback."""
    from atomicvad.errors import AtomicVADError
    from atomicvad.logs import plain_log
    from atomicvad.threads import one_thread_each

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    one_thread_each()
    plain_log()
    for stream in (sys.stdout, sys.stderr):  # a terminal that lacks a letter shows it as "?"
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        app()
    except AtomicVADError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        if error.errno == errno.ENOSPC:
            sys.exit(f"error: {error.filename or 'writing'}: the disk is full")
        if error.errno not in PLACES:
            raise
        sys.exit(f"error: {error.filename}: {error.strerror}")
