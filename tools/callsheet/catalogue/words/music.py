"""Words for music."""

from callsheet.catalogue.words.base import Prompt, Seconds, Words


class GenerateMusic(Words):
    """Compose a song or a tune."""

    operation, command = "generate_music", "music"

    prompt: Prompt
    style: str | None = None
    title: str | None = None
    instrumental: bool | None = None
    duration_seconds: Seconds | None = None
