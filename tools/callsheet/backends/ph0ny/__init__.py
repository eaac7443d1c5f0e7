"""ph0ny."""
