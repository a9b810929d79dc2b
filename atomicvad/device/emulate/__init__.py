"""Compilers and emulators: the detector built, run and measured as on a microcontroller."""
