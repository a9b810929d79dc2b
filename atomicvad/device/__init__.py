"""The detector outside of Python: exports, and what they cost."""
