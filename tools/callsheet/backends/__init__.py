"""The backends: a folder each."""
