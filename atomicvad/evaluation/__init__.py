"""Scoring of labelled clips (protocols) and numbers from scores (metrics)."""
