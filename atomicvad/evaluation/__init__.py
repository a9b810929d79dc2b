"""Scores in, numbers out: protocols, metrics, intervals, systems side by side."""
