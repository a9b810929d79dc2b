"""``atomicvad evaluate``: any models on any labelled recordings."""

from pathlib import Path
from typing import Annotated

import typer

from atomicvad.cli.options import MODEL, Profile

MODELS = f"{MODEL}; or ensemble, all seeds of the profile with their logits averaged"

app = typer.Typer()


@app.command()
def evaluate(
    models: Annotated[list[str], typer.Argument(metavar="MODEL", help=MODELS)],
    data: Annotated[
        list[Path],
        typer.Option(
            help="a folder of recordings with label files beside them, or in folders named speech, "
            "noise, music; or a manifest (JSON Lines, in NeMo's fields); may be repeated"
        ),
    ],
    unit: Annotated[
        str,
        typer.Option(
            help="what is counted: window (of 0.63 s, within labelled spans), segment (a labelled "
            "span, by the median of its windows) or frame (10 ms, along whole recordings)"
        ),
    ] = "window",
    threshold: Annotated[
        float, typer.Option(min=0, max=1, help="probability from which a unit counts as speech")
    ] = 0.5,
    out: Annotated[
        Path, typer.Option(help="folder for evaluation.csv, confusion.csv and evaluation.html")
    ] = Path("evaluation"),
    profile: Profile = "open",
) -> None:
    """Measure models on labelled recordings; write tables and a page.

    For example: atomicvad evaluate ensemble mine/*.keras --data recordings --out evaluation
    """
    from atomicvad.config import load_profile
    from atomicvad.report.evaluation_page import require_folder, write_evaluation
    from atomicvad.report.evaluation_text import as_text, summary
    from atomicvad.runs.evaluation import evaluate_models

    require_folder(out)
    outcome = evaluate_models(models, data, load_profile(profile), unit, threshold)
    files = write_evaluation(outcome, out)
    typer.echo(as_text(outcome.evaluation))
    typer.echo("")
    typer.echo(summary(outcome))
    typer.echo(f"{out}: {', '.join(path.name for path in files)}")
