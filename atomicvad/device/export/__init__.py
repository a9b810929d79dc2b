"""The detector for other runtimes: a module a target."""
