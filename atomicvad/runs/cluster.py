"""The seeds of one reproduction on a Dask cluster: to the same bytes as on one machine.

A task trains and scores one seed in the checkout of its worker, in a process of its own that ends
with the worker, and brings the files of the run folder back. Where workers share the project's
folder, a seed whose worker is lost goes on from its last epoch on another one; else it begins anew.
"""

import logging
import os
import platform
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import joblib
from distributed import Client, LocalCluster, as_completed, get_worker

from atomicvad.arithmetic import arithmetic
from atomicvad.config import Settings, load_profile
from atomicvad.data.prepare import data_content, prepare
from atomicvad.errors import AtomicVADError
from atomicvad.files import replacing
from atomicvad.parallel import limit_threads
from atomicvad.runs import state
from atomicvad.runs.folder import RunFolder, run_folders
from atomicvad.runs.progress import SeedState, print_state, read_state, read_states, summary
from atomicvad.runs.record import package_versions
from atomicvad.scoring.scores import record_clips
from atomicvad.stamps import code_of, fingerprint

TOPIC = "atomicvad-progress-"
CONNECT_SECONDS = 5
_one_at_a_time = threading.Lock()  # on a worker, however many tasks it takes


def run_seeds(settings: Settings, scheduler: str = "", workers: int = 2) -> str:
    """Train and score every seed that is not done; return how far the reproduction is then.

    Args:
        scheduler: address of a Dask scheduler; empty: a cluster of ``workers`` processes is
            started here, which share the cores.

    Raises:
        AtomicVADError: no scheduler at the address, a worker with other code, settings, data or
            libraries, or a seed that failed. What is done stays done.
    """
    prepare(settings)
    seeds = [seed for seed in settings.seeds if not state.is_done(settings, seed)]
    if seeds:
        record_clips(settings)
        with _client(scheduler, min(workers, len(seeds))) as client:
            _run(client, settings, seeds)
    return summary(settings)


@contextmanager
def _client(scheduler: str, workers: int) -> Iterator[Client]:
    for handler in logging.getLogger("distributed").handlers:  # one for all of Dask's loggers
        handler.setLevel(logging.CRITICAL)
    if not scheduler:
        threads = max(1, joblib.cpu_count() // workers)
        with (
            LocalCluster(
                n_workers=workers,
                threads_per_worker=threads,
                memory_limit=None,
                dashboard_address=None,
                silence_logs=logging.CRITICAL,
            ) as cluster,
            Client(cluster) as client,
        ):
            yield client
        return
    try:
        client = Client(scheduler, timeout=CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        raise AtomicVADError(
            f"scheduler: no Dask scheduler at {scheduler} ({_first_line(error)})"
        ) from None
    with client:
        yield client


def _run(client: Client, settings: Settings, seeds: list[int]) -> None:
    expected = identity(settings.profile)
    data = data_content(settings)
    identities = client.run(identity, settings.profile, on_error="return")
    for address, own in identities.items():
        _check(address, own, expected)
    for folder in run_folders(settings, seeds).values():
        with folder.held():
            folder.begin("metrics")
    states = read_states(settings)

    def show(event: tuple[float, dict]) -> None:
        new = SeedState.model_validate(event[1])
        if new.seed in seeds:
            states[new.seed] = new
            print_state(settings, new, states)

    client.subscribe_topic(TOPIC + settings.profile, show)
    tasks = {
        client.submit(_task, settings.profile, seed, expected, data, pure=False): seed
        for seed in seeds
    }
    print(f"{len(seeds)} seeds sent to {len(identities)} workers of {client.scheduler.address}")
    for task in as_completed(tasks):
        seed = tasks[task]
        try:
            files = task.result()
        except AtomicVADError:
            raise
        except Exception as error:  # whatever a worker can die of
            raise AtomicVADError(f"seed {seed}: {_first_line(error)}") from None
        _receive(settings, seed, files)
        states.pop(seed, None)
        print(f"seed {seed}: done; {summary(settings, states)}", flush=True)


def identity(profile: str) -> dict[str, str]:
    """What must be the same on every worker, by name; the data are compared once prepared."""
    settings = load_profile(profile)
    return {
        f"profiles/{profile}.yaml": fingerprint(settings.model_dump(mode="json")),
        "code of atomicvad/": code_of(__name__, "atomicvad.runs.seed"),
        "arithmetic": arithmetic(),
        "python": platform.python_version(),
        **package_versions(),
    }


def _check(address: str, own: dict[str, str] | Exception, expected: dict[str, str]) -> None:
    """Raise AtomicVADError, in one line, for a worker that would make other numbers."""
    if isinstance(own, Exception):
        raise AtomicVADError(f"worker {address}: {_first_line(own)}")
    for name, value in expected.items():
        if own.get(name) != value:
            raise AtomicVADError(
                f"worker {address}: {name}: expected {value[:12]} as on this machine, "
                f"got {own.get(name, 'none')[:12]}"
            )


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"


def _task(profile: str, seed: int, expected: dict[str, str], data: str) -> dict[str, bytes]:
    """On a worker: one seed in a process of its own; the files of its run folder."""
    worker = get_worker()
    _check(worker.address, identity(profile), expected)
    settings = load_profile(profile)
    environment = os.environ | {"TQDM_DISABLE": "1"}
    limit_threads(environment, worker.state.nthreads)
    command = [sys.executable, "-m", "atomicvad.runs.cluster", profile, str(seed), data]
    with (
        _one_at_a_time,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
        ) as process,
    ):
        reported, last = read_state(settings, seed), ""
        for line in process.stdout or ():
            last = line.strip() or last
            if (new := read_state(settings, seed)) not in (None, reported):
                worker.log_event(TOPIC + profile, new.model_dump())
                reported = new
    if process.returncode:
        raise AtomicVADError(f"worker {worker.address}: seed {seed}: {last}")
    return {path.name: path.read_bytes() for path in RunFolder(settings, seed).results}


def _receive(settings: Settings, seed: int, files: dict[str, bytes]) -> None:
    """Write the files of a run that was made elsewhere; nothing to do on a shared disk."""
    if state.is_done(settings, seed):
        return
    folder = RunFolder(settings, seed)
    with folder.held():
        for file in folder.results:
            with replacing(file) as path:
                path.write_bytes(files[file.name])
        fingerprints = {
            "weights": state.weights_fingerprint(settings, seed),
            "scores": state.scores_fingerprint(settings, folder.weights),
            "metrics": state.metrics_fingerprint(settings, folder),
        }
        for stage, made_from in fingerprints.items():
            state.mark_current(folder, stage, made_from)


def _end_with_parent() -> None:
    """End this process when its parent dies: the pipe from it ends then."""

    def watch() -> None:
        os.read(sys.stdin.fileno(), 1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def main(profile: str, seed: str, data: str) -> None:
    """The process of one seed on a worker."""
    _end_with_parent()
    from atomicvad.runs.seed import run_seed  # imports TensorFlow

    try:
        settings = load_profile(profile)
        prepare(settings)
        if (own := data_content(settings)) != data:
            raise AtomicVADError(
                f"data/{profile}: expected {data[:12]} as where the seeds were sent from, "
                f"got {own[:12]}"
            )
        run_seed(settings, int(seed))
    except AtomicVADError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main(*sys.argv[1:])
