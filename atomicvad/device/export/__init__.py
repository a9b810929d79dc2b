"""The detector as a file for other runtimes: a module a target."""
