"""The one exception for mistakes that a user can mend."""


class AtomicVADError(ValueError):
    """A user's mistake in one line: which file, line or key, what came, what was expected."""
