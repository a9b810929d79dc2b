"""Benchmarks of speed and memory: ``make bench`` writes ``results/benchmarks.csv``."""
