"""Speech in many recordings: found, written and drawn file by file, one after the other or not."""

import errno
import warnings
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np

from atomicvad.audio.signal import SAMPLE_RATE, to_int16
from atomicvad.detection.detect import waveforms
from atomicvad.detection.detector import SpeechDetector, segments_of
from atomicvad.detection.formats import FORMATS, Detections
from atomicvad.detection.models import Model, Step, find_model
from atomicvad.detection.plot import plot
from atomicvad.detection.processes import (
    call_in_process,
    end_if_told,
    ended_early,
    prepare_process,
)
from atomicvad.detection.scorer import probabilities_of
from atomicvad.detection.segment import Segment
from atomicvad.detection.segmenter import Rules, Segmenter
from atomicvad.errors import AtomicVADError
from atomicvad.files import replacing
from atomicvad.parallel import computed_ahead, process_pool


@dataclass(frozen=True)
class Options:
    """How speech is found; see ``detect``."""

    model: str | None = None
    step: Step = "10ms"
    channel: int | None = None
    threshold: float | None = None
    offset_threshold: float | None = None
    min_speech: float | None = None
    min_silence: float | None = None
    pad: float | None = None
    max_speech: float | None = None

    def prepared(self) -> tuple[Model, Rules]:
        """The model, and what its scores are compared with.

        Raises:
            AtomicVADError: an option outside its range, or no such model.
        """
        changes = asdict(self)
        del changes["model"], changes["channel"], changes["step"]
        model = find_model(self.model)
        return model, model.rules(self.step, **changes)

    def detector(self, rate: int) -> SpeechDetector:
        """For a stream."""
        return SpeechDetector(rate, **asdict(self))


@dataclass(frozen=True)
class Job:
    """What is to be done with a recording.

    Attributes:
        name: by which output calls it.
        source: a path, or a file opened in binary mode.
        output, format: the file that is written, if any, and a name of ``FORMATS``.
        picture: the picture that is drawn, if any.
    """

    name: str
    source: Path | BinaryIO
    output: Path | None = None
    format: str = "csv"
    picture: Path | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of a job: detections, or the reason why the recording cannot be read."""

    job: Job
    found: Detections | None
    problem: str = ""


def run(job: Job, options: Options, progress: bool = False) -> Outcome:
    """Find speech in a recording, and write what was asked for.

    Args:
        job: the recording.
        options: how speech is found.
        progress: whether to show the seconds that were read.

    Raises:
        OSError: the disk is full.
    """
    try:
        return Outcome(job, _run(job, options, progress))
    except AtomicVADError as error:
        return Outcome(job, None, str(error))


def _run(job: Job, options: Options, progress: bool) -> Detections:
    model, rules = options.prepared()
    scorer, pictured, scores = model.scorer(options.step), [], []
    segmenter = Segmenter(rules, scorer.step / SAMPLE_RATE)
    segments: list[Segment] = []
    for waveform in waveforms(job.source, None, options.channel, progress):
        end_if_told()
        logits = scorer.push(to_int16(waveform))
        segments += segments_of(segmenter.push(logits))
        if job.picture is not None:
            pictured.append(waveform)
            scores += logits
    logits, duration = scorer.flush(), scorer.length / SAMPLE_RATE
    segments += segments_of(segmenter.push(logits) + segmenter.flush(duration))
    found = Detections(job.name, duration, segments)
    if job.output is not None:
        write(job.output, [found], job.format)
    if job.picture is not None:
        probabilities = probabilities_of(np.array(scores + logits))
        times = (np.arange(len(probabilities)) + 0.5) * scorer.step / SAMPLE_RATE
        waveform, title = np.concatenate(pictured), Path(job.name).name
        pictured.clear()
        figure = plot(waveform, times, probabilities, segments, rules, title)
        with _written(job.picture) as path, warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph")  # a box stands for a letter of the name
            figure.savefig(path, format="png")
    return found


def write(path: Path, found: Sequence[Detections], name: str) -> None:
    """Write detections in the format called ``name``.

    Raises:
        AtomicVADError: the path cannot be written to.
        OSError: the disk is full.
    """
    text = FORMATS[name].write(found)
    with _written(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


@contextmanager
def _written(path: Path) -> Iterator[Path]:
    """``replacing``, with a line for what is wrong with a path."""
    try:
        with replacing(path) as temporary:
            yield temporary
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        raise AtomicVADError(f"{path}: cannot be written: {error.strerror or error}") from None


def run_all(
    jobs: Sequence[Job], options: Options, processes: int, progress: bool = False
) -> Generator[Outcome, None, None]:
    """Run jobs in so many processes; the outcomes have the order of the jobs.

    Args:
        jobs: their sources are paths, if there are several.
        options: how speech is found.
        processes: at most.
        progress: of a single job, whether to show the seconds that were read.

    Raises:
        AtomicVADError: a process died.
        OSError: the disk is full.
    """
    processes = min(processes, len(jobs))
    # Other processes do not have the shell's pipes.
    if processes <= 1 or any(isinstance(job.source, Path) and job.source.is_fifo() for job in jobs):
        for job in jobs:
            yield run(job, options, progress and len(jobs) == 1)
        return
    try:
        with process_pool(processes, prepare=prepare_process) as pool, ended_early():
            function = partial(call_in_process, partial(run, options=options))
            for _, outcome in computed_ahead(pool, function, jobs, 4 * processes):
                yield outcome
    except BrokenProcessPool:
        raise AtomicVADError(
            "-j: a process died, perhaps for lack of memory; try a smaller number"
        ) from None
