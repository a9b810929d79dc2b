"""``atomicvad listen``: speech from a microphone."""

import contextlib
import queue
import shutil
import sys
from collections.abc import Iterator
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
    Threshold,
)
from atomicvad.errors import AtomicVADError

if TYPE_CHECKING:
    import numpy as np

app = typer.Typer()
BLOCKS = 20  # per second
PATIENCE = 5.0  # s without a block, after which a device is given up


@app.command()
def listen(  # noqa: PLR0913, PLR0917, the options of a command
    device: Annotated[
        str | None, typer.Option(help="number of the microphone, or part of its name (see --list)")
    ] = None,
    list_devices: Annotated[
        bool, typer.Option("--list", help="list the microphones and exit")
    ] = False,
    seconds: Annotated[
        float | None, typer.Option(min=0, help="stop after this time; by default at Ctrl-C")
    ] = None,
    threshold: Threshold = None,
    offset_threshold: OffsetThreshold = None,
    min_speech: MinSpeech = None,
    min_silence: MinSilence = None,
    pad: Pad = None,
    max_speech: MaxSpeech = None,
    model: DetectionModel = None,
    step: Step = "10ms",
    channel: Channel = None,
) -> None:
    """Find speech from a microphone; show a meter, and print a line for each segment.

    If stdout is no terminal, print events in JSON like `atomicvad detect --stream`.

    For example: atomicvad listen --device USB --seconds 60
    """
    from atomicvad.cli.meter import Meter, found
    from atomicvad.cli.stream import as_json, quiet_stdout
    from atomicvad.detection.microphone import find_sounddevice
    from atomicvad.detection.recordings import Options

    sounddevice = find_sounddevice()
    if list_devices:
        typer.echo(_devices(sounddevice))
        return
    options = Options(
        cast("Any", model), cast("Any", step), channel,
        threshold, offset_threshold, min_speech, min_silence, pad, max_speech,
    )  # fmt: skip
    options.prepared()  # a mistake in them is told before anything is read
    chosen = int(device) if device is not None and device.isdigit() else device
    with _problems(sounddevice, chosen):
        rate = round(sounddevice.query_devices(chosen, "input")["default_samplerate"])
    meter, on_terminal = Meter(options.detector(rate)), sys.stdout.isatty()

    def show(events: Any) -> None:
        for event in events:
            if not on_terminal:
                print(as_json(event), flush=True)
            elif event.segment is not None:
                print(f"\r\x1b[K{found(event.segment)}")
        if on_terminal:
            print(
                f"\r\x1b[K{meter.line(shutil.get_terminal_size().columns - 1)}", end="", flush=True
            )

    try:
        with contextlib.suppress(KeyboardInterrupt):  # the way to stop
            for block in _blocks(sounddevice, chosen, rate, channel):
                show(meter.push(block))
                if seconds is not None and meter.seconds >= seconds:
                    break
        show(meter.flush())
        if on_terminal:
            print("\r\x1b[K", end="")
    except BrokenPipeError:
        quiet_stdout()


@contextlib.contextmanager
def _problems(sounddevice: Any, device: int | str | None) -> Iterator[None]:
    """What is wrong with a device, in one line."""
    try:
        yield
    except (ValueError, sounddevice.PortAudioError) as error:
        reason = " ".join(str(error.args[0] if error.args else error).split())
        what = "the default microphone" if device is None else f"--device {device}"
        raise AtomicVADError(f"{what}: {reason}; atomicvad listen --list shows all") from None


def _devices(sounddevice: Any) -> str:
    """Number, name, channels and sample rate of each microphone; a star before the default."""
    default = sounddevice.default.device[0]
    lines = [
        f"{'*' if one['index'] == default else ' '} {one['index']:2}  {one['name']}, "
        f"{one['max_input_channels']} channels, {one['default_samplerate']:.0f} Hz"
        for one in sounddevice.query_devices()
        if one["max_input_channels"] > 0
    ]
    if not lines:
        raise AtomicVADError("listen: PortAudio finds no microphone")
    return "\n".join(lines)


def _blocks(
    sounddevice: Any, device: int | str | None, rate: int, channel: int | None
) -> "Iterator[np.ndarray]":
    """Blocks of int16 ``[n, channels]`` as they come, until the device stops."""
    waiting: queue.Queue[np.ndarray] = queue.Queue()
    lost = 0

    def take(block: "np.ndarray", _count: int, _time: Any, status: Any) -> None:
        nonlocal lost
        lost += bool(status.input_overflow)
        waiting.put(block.copy())

    try:
        with (
            _problems(sounddevice, device),
            sounddevice.InputStream(
                samplerate=rate, blocksize=rate // BLOCKS, device=device, dtype="int16",
                channels=1 if channel is None else channel + 1, callback=take,
            ),
        ):  # fmt: skip
            while True:
                yield waiting.get(timeout=PATIENCE)
    except queue.Empty:
        raise AtomicVADError(f"listen: no sound from the device for {PATIENCE:g} s") from None
    finally:
        if lost:
            typer.echo(f"listen: the computer was too slow; sound was lost {lost} times", err=True)
