"""Audio in, scores out: windows, logits, peers, and how scores are kept."""
