"""The C sources ``atomicvad.c`` and ``.h``; ``headers`` writes their numbers."""
