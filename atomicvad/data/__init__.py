"""From recordings to windows and clips: the store, manifests, scenes and test sets."""
