"""Which reproduction a notebook shows when it is not told: the real one, once it is there."""

from atomicvad.config import Settings, load_profile
from atomicvad.data.prepare import is_prepared
from atomicvad.runs.folder import missing_seeds

REAL, GENERATED = "open", "smoke"


def chosen(profile: str | None, trained: bool = False) -> Settings:
    """The settings of a profile; of none: ``open`` where its data are prepared, else ``smoke``.

    Args:
        profile: its name, or none.
        trained: its seeds must be trained as well, so that a notebook does not begin to train ten.

    Raises:
        AtomicVADError: no such profile.
    """
    if profile is not None:
        return load_profile(profile)
    real = load_profile(REAL)
    there = is_prepared(real) and not (trained and missing_seeds(real))
    return real if there else load_profile(GENERATED)
