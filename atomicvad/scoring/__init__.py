"""Scoring, from audio to scores: windows, logits, protocols, peers, and score files."""
