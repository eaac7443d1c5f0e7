"""Words for speech."""

from typing import Annotated

from pydantic import Field

from callsheet.catalogue.words.base import Prompt, Words


class GenerateSpeech(Words):
    """Speak a text."""

    operation, command = "generate_speech", "speech"

    text: Prompt
    voice: str | None = None
    language: str | None = None
    speed: Annotated[float, Field(gt=0)] | None = None
