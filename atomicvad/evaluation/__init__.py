"""Evaluation, from scores to metrics: protocols, intervals, events, and all systems compared."""
