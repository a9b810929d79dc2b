"""Waveforms: signal conventions and levels, and decoding of audio files."""
