"""What the companion costs: ``make bench`` writes ``results/benchmarks.csv``."""
