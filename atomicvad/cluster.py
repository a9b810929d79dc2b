"""The seeds of one reproduction on a Dask cluster: to the same bytes as on one machine.

A task trains and scores one seed in the checkout of its worker, in a process of its own that ends
with the worker, and brings the files of the run folder back. Where workers share the project's
folder, a seed whose worker is lost goes on from its last epoch on another one; else it begins anew.
"""

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from distributed import Client, LocalCluster, as_completed, get_worker

from atomicvad import provenance
from atomicvad.config import Settings, load_profile
from atomicvad.errors import AtomicVADError
from atomicvad.files import RUN_FILES, replacing
from atomicvad.progress import State, read_state, read_states, say, whole

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
    from atomicvad.data import prepare
    from atomicvad.evaluation.scores import record_scenes

    prepare(settings)
    trained = provenance.trained_seeds(settings)
    done = [seed for seed in trained if provenance.is_scored(settings, seed)]
    seeds = [seed for seed in settings.seeds if seed not in done]
    if seeds:
        with _client(scheduler, min(workers, len(seeds))) as client:
            _run(client, settings, seeds)
        record_scenes(settings)
    return whole(settings)


@contextmanager
def _client(scheduler: str, workers: int) -> Iterator[Client]:
    for handler in logging.getLogger("distributed").handlers:  # one for all of Dask's loggers
        handler.setLevel(logging.CRITICAL)
    if not scheduler:
        threads = max(1, (os.cpu_count() or 1) // workers)
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
    from atomicvad.run import holding

    expected = identity(settings.profile)
    data = provenance.data_fingerprint(settings)
    found = client.run(identity, settings.profile, on_error="return")
    for address, mine in found.items():
        _check(address, mine, expected)
    for seed in seeds:  # a run that fails shall leave no table of an earlier one behind
        with holding(settings.run_folder(seed)):
            (settings.run_folder(seed) / "metrics.csv").unlink(missing_ok=True)
    states = read_states(settings)

    def show(event) -> None:
        state = State.model_validate(event[1])
        if state.seed in seeds:
            states[state.seed] = state
            say(settings, state, states)

    client.subscribe_topic(TOPIC + settings.profile, show)
    tasks = {
        client.submit(_task, settings.profile, seed, expected, data, pure=False): seed
        for seed in seeds
    }
    print(f"{len(seeds)} seeds sent to {len(found)} workers of {client.scheduler.address}")
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
        print(f"seed {seed}: done; {whole(settings, states)}", flush=True)


def identity(profile: str) -> dict[str, str]:
    """What must be the same on every worker, by name; the data are compared once prepared."""
    settings = load_profile(profile)
    return {
        f"profiles/{profile}.yaml": provenance.fingerprint(settings.model_dump(mode="json")),
        "code of atomicvad/": provenance.code_fingerprint(
            (*provenance.TRAINING_CODE, *provenance.SCORING_CODE)
        ),
        **provenance.package_versions(),
    }


def _check(address: str, found: dict[str, str] | Exception, expected: dict[str, str]) -> None:
    """Raise AtomicVADError, in one line, for a worker that would make other numbers."""
    if isinstance(found, Exception):
        raise AtomicVADError(f"worker {address}: {_first_line(found)}")
    for name, value in expected.items():
        if found.get(name) != value:
            raise AtomicVADError(
                f"worker {address}: {name}: expected {value[:12]}, as here, "
                f"got {found.get(name, 'none')[:12]}"
            )


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"


def _task(profile: str, seed: int, expected: dict[str, str], data: str) -> dict[str, bytes]:
    """On a worker: one seed in a process of its own; the files of its run folder."""
    worker = get_worker()
    _check(worker.address, identity(profile), expected)
    settings = load_profile(profile)
    threads = str(worker.state.nthreads)
    shares = {"OMP_NUM_THREADS": threads, "TF_NUM_INTRAOP_THREADS": threads}
    command = [sys.executable, "-m", "atomicvad.cluster", profile, str(seed), data]
    with (
        _one_at_a_time,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **shares, "TQDM_DISABLE": "1"},
        ) as process,
    ):
        said, last = read_state(settings, seed), ""
        for line in process.stdout:
            last = line.strip() or last
            if (state := read_state(settings, seed)) not in (None, said):
                worker.log_event(TOPIC + profile, state.model_dump())
                said = state
    if process.returncode:
        raise AtomicVADError(f"worker {worker.address}: seed {seed}: {last}")
    folder = settings.run_folder(seed)
    return {name: (folder / name).read_bytes() for name in RUN_FILES}


def _receive(settings: Settings, seed: int, files: dict[str, bytes]) -> None:
    """Write the files of a run that was made elsewhere; nothing to do on a shared disk."""
    from atomicvad.run import holding

    if provenance.is_done(settings, seed):
        return
    folder = settings.run_folder(seed)
    with holding(folder):
        for name in RUN_FILES:
            with replacing(folder / name) as path:
                path.write_bytes(files[name])
        provenance.write_stamp(folder / ".stamp", provenance.run_fingerprint(settings, seed))
        expected = provenance.scores_fingerprint(settings, folder / "model.keras")
        provenance.write_stamp(folder / ".scores", expected)


def _end_with_parent() -> None:
    """End this process when its parent dies: the pipe from it ends then."""

    def watch() -> None:
        os.read(sys.stdin.fileno(), 1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def main(profile: str, seed: str, data: str) -> None:
    """The process of one seed on a worker."""
    _end_with_parent()
    from atomicvad.data import prepare
    from atomicvad.run import run_seed

    try:
        settings = load_profile(profile)
        prepare(settings)
        if (found := provenance.data_fingerprint(settings)) != data:
            raise AtomicVADError(
                f"data/{profile}: expected {data[:12]}, as where the seeds came from, "
                f"got {found[:12]}"
            )
        run_seed(settings, int(seed))
    except AtomicVADError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main(*sys.argv[1:])
