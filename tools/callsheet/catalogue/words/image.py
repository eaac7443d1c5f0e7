"""Words for pictures."""

from typing import Annotated

from pydantic import Field

from callsheet.catalogue.words.base import Prompt, Words


class GenerateImage(Words):
    """Make a picture from text, or from pictures."""

    operation, command = "generate_image", "image"

    prompt: Prompt
    images: list[str] | None = None
    aspect_ratio: str | None = None
    resolution: str | None = None
    negative_prompt: str | None = None
    seed: int | None = None
    count: Annotated[int, Field(ge=1, le=20)] | None = None
