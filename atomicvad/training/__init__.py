"""Training, from windows to weights: augmentation, batches, the training step, and the loop."""
