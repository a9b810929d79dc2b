"""A recording to try things with."""

from pathlib import Path

EXAMPLE = Path(__file__).with_name("data") / "example.ogg"


def example() -> Path:
    """The path of a recording that comes with the package: a telephone call of 33.5 s.

    A woman in English, clear and over music on hold; music alone; a man in Italian, faint; pauses.
    No detector was trained or chosen on these recordings. They are free (CC BY-SA 3.0);
    ``example.md`` beside the file names their authors.

    Example:
        >>> example().name
        'example.ogg'
    """
    return EXAMPLE
