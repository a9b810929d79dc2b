"""Commands that train and score seeds, and show their progress."""

from typing import Annotated

import typer

from atomicvad.cli.options import Profile

app = typer.Typer()


@app.command()
def seeds(profile: Profile = "open") -> None:
    """Print the seeds of a profile.

    For example: atomicvad seeds --profile smoke
    """
    from atomicvad.config import load_profile

    typer.echo(" ".join(map(str, load_profile(profile).seeds)))


@app.command()
def train(
    seed: Annotated[int, typer.Option(help="a seed of the profile")], profile: Profile = "open"
) -> None:
    """Train one seed with the notebook 03_training, unless it is up to date.

    For example: atomicvad train --seed 43185 --profile open
    """
    from atomicvad.config import load_profile
    from atomicvad.data.prepare import prepare
    from atomicvad.files import project_root
    from atomicvad.report.notebooks import run_notebook
    from atomicvad.runs.folder import RunFolder
    from atomicvad.runs.progress import summary
    from atomicvad.runs.state import is_trained

    settings = load_profile(profile)
    folder = RunFolder(settings, seed)
    prepare(settings)
    if is_trained(settings, seed):
        typer.echo(f"seed {seed}: up to date")
        return
    with folder.held():
        folder.begin("metrics")
    run_notebook(
        project_root() / "notebooks" / "03_training.ipynb",
        folder.path / "training.ipynb",
        {"profile": profile, "seed": seed},
        with_code=True,
        echo=True,
    )
    typer.echo(f"seed {seed}: done; {summary(settings)}")


@app.command()
def cluster(
    profile: Profile = "open",
    scheduler: Annotated[
        str,
        typer.Option(help="a Dask scheduler, such as tcp://host:8786; by default one is started"),
    ] = "",
    workers: Annotated[
        int, typer.Option(min=1, help="workers to start when there is no --scheduler")
    ] = 2,
) -> None:
    """Train and score all unfinished seeds on a Dask cluster, or on one started here.

    For example: atomicvad cluster --scheduler tcp://host:8786
    """
    from atomicvad.config import load_profile
    from atomicvad.runs.cluster import run_seeds

    typer.echo(run_seeds(load_profile(profile), scheduler, workers))


@app.command()
def progress(profile: Profile = "open") -> None:
    """Show the progress of the seeds of a reproduction.

    For example: atomicvad progress --profile open
    """
    from atomicvad.config import load_profile
    from atomicvad.runs.progress import report

    typer.echo(report(load_profile(profile)))


@app.command()
def score(
    profile: Profile = "open",
    seed: Annotated[int | None, typer.Option(help="a seed of the profile; by default all")] = None,
) -> None:
    """Score the weights of all seeds on the scenes, unless their scores are up to date.

    For example: atomicvad score --seed 43185
    """
    from atomicvad.config import load_profile
    from atomicvad.runs.seed import score_seeds
    from atomicvad.runs.segments import find_segments

    settings = load_profile(profile)
    chosen = list(settings.seeds) if seed is None else [seed]
    done = score_seeds(settings, chosen)
    typer.echo(f"{profile}: {len(done)} of {len(chosen)} seeds scored, the rest up to date")
    if seed is None and find_segments(settings):
        typer.echo(f"{profile}: segments of the scenes written")
