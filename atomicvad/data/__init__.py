"""Data preparation, from recordings to windows and clips: store, manifests, scenes, test sets."""
