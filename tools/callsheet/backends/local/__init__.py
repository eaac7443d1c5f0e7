"""FFmpeg on this machine, as a backend like any other."""
