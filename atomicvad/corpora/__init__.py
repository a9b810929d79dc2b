"""Corpora: one module for each, and what they share (index, labels, downloads, splits)."""
