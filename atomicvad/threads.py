"""How many threads the libraries take."""

import os
from collections.abc import MutableMapping


def one_thread_each(environment: MutableMapping[str, str] = os.environ) -> None:
    """One thread a library, unless ``environment`` says otherwise; before they are imported.

    A core for the training step, one for its batches or for another seed: more threads would wait
    for each other.
    """
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
        environment.setdefault(name, "1")
