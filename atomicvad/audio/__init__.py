"""Samples: what the whole package takes a signal to be, and how files become one."""
