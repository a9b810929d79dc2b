"""``atomicvad …``: every stage of a reproduction, for make, scripts and clusters.

Commands import what they need when they are called: help must not wait for TensorFlow.
"""

import errno
import io
import sys
from importlib.metadata import version
from itertools import pairwise
from typing import Annotated

import typer

from atomicvad.cli import data, detect, device, evaluate, listen, results, runs
from atomicvad.cli.options import INTERRUPTED, Stopped
from atomicvad.console import end_bars, plain_bars
from atomicvad.errors import AtomicVADError
from atomicvad.interrupts import exit_code, keep_interrupts
from atomicvad.isolation import isolate_process
from atomicvad.parallel import limit_threads

# What is wrong with a path that a user named.
PLACES = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM, errno.EROFS)
# Of the packages that another extra than ``reproduce`` brings.
EXTRAS = {"matplotlib": "plot", "sounddevice": "microphone", "typst": "article"}
EXTRAS |= dict.fromkeys(("elftools", "onnx", "onnxruntime", "unicorn"), "device")
EXTRAS |= dict.fromkeys(("altair", "bs4", "myst_nb", "sphinx", "vl_convert"), "site")

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(detect.app)
app.add_typer(listen.app)
app.add_typer(data.app, name="data")
app.add_typer(runs.app)
app.add_typer(results.app)
app.add_typer(device.app)
app.add_typer(evaluate.app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"atomicvad {version('atomicvad')}")
        raise typer.Exit


@app.callback()
def atomicvad(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="print the version and exit"
        ),
    ] = False,
) -> None:
    """AtomicVAD, a voice activity detector of 298 parameters: detect speech, reproduce results.

    For example: atomicvad detect call.mp3
    """


def _require_words(arguments: list[str]) -> None:
    """Refuse empty arguments: as a path, one would mean the current folder."""
    for before, argument in pairwise(["", *arguments]):
        if not argument or (argument.startswith("--") and argument.endswith("=")):
            where = argument.removesuffix("=") or before
            after = f" after {where}" if where else ""
            raise AtomicVADError(
                f"expected a value{after}, got an empty one; is a variable of the shell not set?"
            )


def main() -> None:
    """The entry point: a user's mistake is one line on stderr, without a traceback."""
    if notice := isolate_process():
        typer.echo(notice, err=True)
    limit_threads()
    plain_bars()
    keep_interrupts()
    for stream in (sys.stdout, sys.stderr):  # a terminal that lacks a letter shows it as "?"
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        _require_words(sys.argv[1:])
        app()
    except Stopped:
        raise
    except (SystemExit, KeyboardInterrupt) as stop:
        if isinstance(stop, KeyboardInterrupt) or stop.code == INTERRUPTED:
            end_bars()
            typer.echo("stopped; the same command continues", err=True)
            sys.exit(exit_code())
        raise
    except AtomicVADError as error:
        sys.exit(f"error: {error}")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "atomicvad":
            raise
        extra = EXTRAS.get((error.name or "").partition(".")[0], "reproduce")
        sys.exit(f"error: this command needs {error.name}: pip install 'atomicvad[{extra}]'")
    except OSError as error:
        if error.errno == errno.ENOSPC:
            sys.exit(f"error: {error.filename or 'writing'}: the disk is full")
        if error.errno not in PLACES:
            raise
        sys.exit(f"error: {error.filename}: {error.strerror}")
