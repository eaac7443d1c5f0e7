"""Callsheet: images, video, speech, music, subtitles and edits for agents, with a price before every job."""

__version__ = "0.1.0"
