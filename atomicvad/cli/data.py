"""``atomicvad data …``: prepare a profile's data, fetch corpora, check manifests."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from atomicvad.cli.options import Profile


class _WithCorpora(TyperGroup):
    """Help that ends with the corpora: size, licence, where from, and what is already present."""

    def format_help(self, ctx: Any, formatter: Any) -> None:  # typer keeps its own click
        super().format_help(ctx, formatter)
        typer.echo(_corpora())


app = typer.Typer(
    cls=_WithCorpora,
    invoke_without_command=True,
    help="Fetch and decode the recordings, cut windows, write manifests, mix the test set.\n\n"
    "For example: atomicvad data --profile open",
)


def _corpora() -> str:
    from atomicvad.corpora.registry import NAMED
    from atomicvad.data.sources import corpora_folder

    lines = []
    for name, corpus in NAMED.items():
        about, folder = corpus.ABOUT, corpora_folder() / name
        lines.append(f"  {name}: {about.title}")
        rows = {"size": about.size, "licence": about.license, "from": about.home}
        rows |= {"layout": about.layout}
        if name != "folder":
            rows["present"] = _what_is_there(folder)
        lines += [f"      {key:8}{value}" for key, value in rows.items() if value]
    head = f"Corpora, each in {corpora_folder()}/NAME (ATOMICVAD_CORPORA, or folder in a profile):"
    return "\n".join([head, *lines])


def _what_is_there(folder: Path, most: int = 200_000) -> str:
    """How many files lie in a corpus' folder; nothing is opened, and a huge one not walked."""
    if not folder.is_dir():
        return "nothing"
    files = 0
    for _, _, names in os.walk(folder):
        files += len(names)
        if files > most:
            return f"over {most} files"
    return f"{files} files"


@app.callback()
def data(
    ctx: typer.Context,
    profile: Profile = "open",
) -> None:
    """Fetch and decode the recordings, cut windows, write manifests, mix the test set."""
    if ctx.invoked_subcommand:
        return
    from atomicvad.config import load_profile
    from atomicvad.data.prepare import prepare

    store = prepare(load_profile(profile))
    typer.echo(f"data/{profile}: {len(store.recordings)} recordings")


@app.command()
def fetch(
    corpus: Annotated[
        str,
        typer.Argument(
            help="one of speech_commands, freesound, ava_speech, ami_excerpts, nonspeech"
        ),
    ],
    archive: Annotated[Path | None, typer.Option(help="use this downloaded archive")] = None,
    mirror: Annotated[str, typer.Option(help="download the archive from this address")] = "",
    lock: Annotated[
        Path | None, typer.Option(help="freesound: fetch the sounds of this lock file")
    ] = None,
) -> None:
    """Fetch a corpus into its folder. An interrupted download resumes.

    FreeSound requires a key in FREESOUND_API_KEY. Of AVA-Speech only the labels can be fetched.

    For example: atomicvad data fetch ami_excerpts
    """
    from atomicvad.console import report_left_out
    from atomicvad.corpora import ami_excerpts, ava_speech, freesound, nonspeech, speech_commands
    from atomicvad.data.sources import corpora_folder
    from atomicvad.errors import AtomicVADError

    folder = corpora_folder() / corpus
    if corpus == "speech_commands":
        if folder.exists():
            raise AtomicVADError(f"{folder}: already exists; move it away to fetch it again")
        speech_commands.fetch(folder, archive, mirror)
    elif corpus == "freesound":
        key = os.environ.get("FREESOUND_API_KEY", "")
        report_left_out(freesound.fetch(folder, key, lock))
    elif corpus == "ava_speech":
        ava_speech.fetch(folder)
    elif corpus in ("ami_excerpts", "nonspeech"):
        {"ami_excerpts": ami_excerpts, "nonspeech": nonspeech}[corpus].fetch(folder)
    else:
        raise AtomicVADError(
            "corpus: expected speech_commands, freesound, ava_speech, ami_excerpts or nonspeech; "
            f"got {corpus!r} (others are fetched by hand: atomicvad data --help)"
        )
    typer.echo(f"{folder}: {_what_is_there(folder)}")


@app.command()
def leak(
    folder: Annotated[Path | None, typer.Option(help="folder of Speech Commands")] = None,
) -> None:
    """Measure how many test files of Speech Commands have a speaker of the training side.

    For example: atomicvad data leak --folder corpora/speech_commands
    """
    from atomicvad.corpora import speech_commands
    from atomicvad.data.sources import corpora_folder
    from atomicvad.errors import AtomicVADError

    folder = folder or corpora_folder() / "speech_commands"
    if not folder.is_dir():
        raise AtomicVADError(f"{folder}: no such folder; expected Speech Commands in it")
    place = folder.resolve()
    typer.echo(speech_commands.leak(place, seed=42).to_string(index=False))


@app.command()
def check(
    paths: Annotated[
        list[Path],
        typer.Argument(help="manifests (JSON Lines, in NeMo's fields), label files or folders"),
    ],
    root: Annotated[Path | None, typer.Option(help="folder of the audio of a manifest")] = None,
    anywhere: Annotated[bool, typer.Option(help="also allow files outside that folder")] = False,
) -> None:
    """Check manifests, or labels, and their audio; the exit code is 1 if there are errors.

    The audio of a manifest is expected in the store beside it, or below --root (by default the
    manifest's folder). In a folder, all recordings with a label file beside them are checked.

    For example: atomicvad data check recordings/ train.json --root /audio
    """
    from atomicvad.corpora.labels import is_label_file
    from atomicvad.data.audit import audit
    from atomicvad.data.label_check import check_labels

    errors, manifests = 0, []
    for path in paths:
        suffix = path.suffix.lower()
        if path.is_dir():
            report = check_labels(path)
        elif suffix not in (".json", ".jsonl") and path.is_file() and is_label_file(path):
            report = check_labels(path.parent, path.name)
        else:
            manifests.append(path)
            continue
        typer.echo(report.to_text())
        errors += len(report.errors)
    if manifests:
        found = audit(manifests, root, anywhere)
        typer.echo(found.to_text())
        errors += found.errors
    raise typer.Exit(1 if errors else 0)


@app.command()
def audit(
    profile: Profile = "open",
    output: Annotated[
        Path | None, typer.Option(help="the table; by default data/PROFILE/audit.csv")
    ] = None,
) -> None:
    """List recordings whose label other detectors contradict, and sounds with two names.

    Nothing is changed. The same command continues after an interruption.

    For example: atomicvad data audit --profile mine --output doubts.csv
    """
    from atomicvad.config import load_profile
    from atomicvad.data.prepare import prepare
    from atomicvad.files import WEIGHTS, replacing
    from atomicvad.scoring.label_audit import audit_store, auditors
    from atomicvad.scoring.models import mean_probability

    settings = load_profile(profile)
    peers, store = auditors(), prepare(settings)
    folder = settings.data_folder
    seeds = [seed for seed in settings.seeds if (settings.run_folder(seed) / WEIGHTS).is_file()]
    ours = mean_probability(settings, seeds) if seeds else None
    found = audit_store(store, peers, folder / ".audit", ours)
    output = output or folder / "audit.csv"
    with replacing(output) as path:
        found.to_csv(path, index=False)
    for finding, rows in found.groupby("finding"):
        typer.echo(f"{finding}: {len(rows)}")
    typer.echo(f"{output}: {len(found)} findings")
