"""``atomicvad detect``: speech in recordings, or in a stream of raw PCM."""

import os
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from atomicvad.cli.options import (
    Channel,
    DetectionModel,
    MaxSpeech,
    MinSilence,
    MinSpeech,
    OffsetThreshold,
    Pad,
    Step,
    Stopped,
    Threshold,
)
from atomicvad.errors import AtomicVADError
from atomicvad.interrupts import exit_code

if TYPE_CHECKING:
    from atomicvad.detection.formats import Detections
    from atomicvad.detection.places import Place
    from atomicvad.detection.recordings import Options

app = typer.Typer()
STDIN = "-"


@app.command()
def detect(  # noqa: PLR0913, PLR0917, the options of a command
    recordings: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE|FOLDER|-", help="audio files, folders of them, or - for stdin"
        ),
    ],
    output_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="json, csv, rttm, textgrid, audacity, srt or vtt; by default from the suffix of "
            "--out, otherwise csv",
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            help="a file (NAME.SUFFIX), or a folder for one file per recording; by default stdout"
        ),
    ] = None,
    plot: Annotated[
        bool,
        typer.Option(
            "--plot",
            help="also draw each recording with its score and segments: NAME.png in the folder of "
            "--out, otherwise in the current one; takes 0.5 GB of memory an hour",
        ),
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite",
            help="replace existing files; without it, recordings whose files exist in the folder "
            "of --out are skipped",
        ),
    ] = False,
    processes: Annotated[
        int, typer.Option("-j", "--jobs", min=1, help="recordings processed at the same time")
    ] = 1,
    threshold: Threshold = None,
    offset_threshold: OffsetThreshold = None,
    min_speech: MinSpeech = None,
    min_silence: MinSilence = None,
    pad: Pad = None,
    max_speech: MaxSpeech = None,
    model: DetectionModel = None,
    step: Step = "10ms",
    channel: Channel = None,
    stream: Annotated[
        bool,
        typer.Option(
            "--stream",
            help="with -: read raw PCM (16 bits, signed, little endian), print events in JSON",
        ),
    ] = False,
    rate: Annotated[
        int | None, typer.Option(help="with --stream: samples per second; 16000 by default")
    ] = None,
    channels: Annotated[
        int | None,
        typer.Option(min=1, max=64, help="with --stream: interleaved channels; 1 by default"),
    ] = None,
) -> None:
    """Find speech in recordings; print one line per segment, or write files of many formats.

    A recording that cannot be read is reported on stderr, and the exit code is 1.
    The defaults were chosen on validation scenes.

    For example: atomicvad detect call.mp3 interviews/ --format rttm --out segments -j 4

    From a stream: ffmpeg -i URL -f s16le -ar 16000 -ac 1 - | atomicvad detect - --stream
    """
    from atomicvad.detection.recordings import Options

    options = Options(
        model,
        cast("Any", step),
        channel,
        threshold,
        offset_threshold,
        min_speech,
        min_silence,
        pad,
        max_speech,
    )
    options.prepared()  # a mistake in them is told before anything is read
    if STDIN in recordings and len(recordings) > 1:
        raise AtomicVADError("-: expected stdin alone, got other recordings as well")
    if STDIN in recordings and (sys.stdin is None or sys.stdin.isatty()):
        raise AtomicVADError("-: expected audio from a pipe or a file as stdin, got none")
    if stream:
        if recordings != [STDIN] or output_format or out or plot:
            raise AtomicVADError("--stream: expected - alone, without --format, --out and --plot")
        from atomicvad.cli.stream import detect_stream

        detect_stream(options, 16000 if rate is None else rate, channels or 1)
        return
    if (rate, channels) != (None, None):
        raise AtomicVADError("--rate, --channels: expected --stream; a file states its own")
    if plot:
        import matplotlib  # noqa: F401, before recordings are read
    request = _Request(recordings, output_format, out, plot, overwrite)
    if not _carry_out(request, options, processes):
        raise typer.Exit(1)


class _Request:
    """Recordings, and what is to be written about them.

    Attributes:
        jobs: a job a recording that is not skipped.
        skipped: how many are.
        whole: the file for all recordings, if there is one.
        format: a name of ``FORMATS``.
        problems: a line for each folder without recordings, or that cannot be looked into.
    """

    def __init__(
        self, arguments: list[str], name: str | None, out: str | None, plot: bool, overwrite: bool
    ):
        from atomicvad.detection.places import (
            Place,
            Recording,
            find_recordings,
            names_of_outputs,
            require_free,
        )
        from atomicvad.detection.recordings import Job

        found, self.problems = [Recording(Path("stdin"), Path("stdin"))], list[str]()
        if arguments != [STDIN]:
            found, self.problems = find_recordings([Path(argument) for argument in arguments])
        place = Place.of(out)
        self.format, suffix = _format_of(name, place, len(found))
        self.whole = None if place.is_folder else place.out
        names = names_of_outputs(found)
        outputs = place.paths(names, suffix) if place.is_folder else []
        pictures = place.paths(names, ".png") if plot else []
        self.jobs = []
        for number, recording in enumerate(found):
            output = outputs[number] if outputs else None
            picture = pictures[number] if pictures else None
            wanted = [path for path in (output, picture) if path is not None]
            there = bool(outputs) and all(map(os.path.lexists, wanted))
            if overwrite or not there:
                source = sys.stdin.buffer if arguments == [STDIN] else recording.path
                self.jobs.append(Job(str(recording.path), source, output, self.format, picture))
        self.skipped = len(found) - len(self.jobs)
        alone = [self.whole] if self.whole else []
        require_free(alone + ([] if outputs else pictures), found, overwrite)
        require_free(outputs + pictures, found, True)


def _format_of(name: str | None, place: "Place", count: int) -> tuple[str, str]:
    """The format's name and its files' suffix."""
    from atomicvad.detection.formats import FORMATS

    by_suffix = {one.suffix.lower(): name for name, one in FORMATS.items()}
    if name is None and place.out is not None and not place.is_folder:
        name = by_suffix.get(place.out.suffix.lower())
        if name is None:
            raise AtomicVADError(
                f"{place.out}: expected a suffix of {', '.join(by_suffix)}, or --format"
            )
    name = name or "csv"
    if name not in FORMATS:
        raise AtomicVADError(f"--format: expected one of {', '.join(FORMATS)}; got {name!r}")
    if count > 1 and not (FORMATS[name].several or place.is_folder):
        raise AtomicVADError(
            f"--format {name}: a file holds one recording; expected --out FOLDER for {count}"
        )
    return name, FORMATS[name].suffix


def _carry_out(request: _Request, options: "Options", processes: int) -> bool:
    """Do all jobs; whether every recording could be read."""
    from tqdm.auto import tqdm

    from atomicvad.detection.formats import FORMATS
    from atomicvad.detection.recordings import run_all, write

    started, outcomes, on_terminal = time.perf_counter(), [], sys.stderr.isatty()
    for problem in request.problems:
        _complain(problem)
    jobs = request.jobs
    try:
        with (
            tqdm(total=len(jobs), unit="file", disable=not on_terminal or len(jobs) < 2) as bar,
            closing(run_all(jobs, options, processes, on_terminal)) as results,
        ):
            for outcome in results:
                bar.update()
                outcomes.append(outcome)
                if outcome.problem:
                    _complain(outcome.problem)
    except KeyboardInterrupt:
        typer.echo(f"stopped after {len(outcomes)} of {len(jobs)} recordings", err=True)
        raise Stopped(exit_code()) from None
    found = [outcome.found for outcome in outcomes if outcome.found is not None]
    if found and request.whole is not None:
        write(request.whole, found, request.format)
    elif found and jobs[0].output is None:
        text = FORMATS[request.format].write(found)
        # A file is UTF-8 whatever a terminal would be.
        typer.echo(text if sys.stdout.isatty() else text.encode("utf-8"), nl=False)
    failed = len(request.problems) + len(outcomes) - len(found)
    seconds = time.perf_counter() - started
    typer.echo(_summary(found, failed, request.skipped, seconds), err=True)
    return not failed


def _complain(problem: str) -> None:
    """One line on stderr, beside a progress bar."""
    from tqdm.auto import tqdm

    tqdm.write(f"error: {' '.join(problem.splitlines())}", file=sys.stderr)


def _summary(found: "list[Detections]", failed: int, skipped: int, seconds: float) -> str:
    """Recordings, seconds of audio and of speech, speed."""
    audio = sum(one.duration for one in found)
    speech = sum(segment.end - segment.start for one in found for segment in one.segments)
    files = f"{len(found)} recording{'' if len(found) == 1 else 's'}"
    line = f"{files}: {audio:.1f} s of audio, {speech:.1f} s of speech"
    if audio:
        line += f", {audio / seconds:.0f} times real time"
    if failed:
        line += f"; {failed} could not be read"
    return line + (f"; {skipped} skipped because their files exist" if skipped else "")
