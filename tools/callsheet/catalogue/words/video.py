"""Words for clips."""

from callsheet.catalogue.words.base import Prompt, Seconds, Words


class GenerateVideo(Words):
    """Make a clip from text, stills (image = first frame, last_image, images = references) or motion."""

    operation, command = "generate_video", "video"

    prompt: Prompt | None = None
    image: str | None = None
    last_image: str | None = None
    images: list[str] | None = None
    video: str | None = None
    audio: str | None = None
    aspect_ratio: str | None = None
    duration_seconds: Seconds | None = None
    resolution: str | None = None
    negative_prompt: str | None = None
    seed: int | None = None
