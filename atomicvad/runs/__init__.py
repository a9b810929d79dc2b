"""A reproduction at work: run folders, what is current in them, progress, clusters."""
