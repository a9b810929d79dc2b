"""The C sources: ``atomicvad.c`` and ``.h``; their headers of numbers are written by ``headers``."""
