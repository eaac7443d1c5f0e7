"""Words for what is seen and heard."""

from typing import Annotated

from pydantic import Field

from callsheet.catalogue.words.base import Words


class AnalyzeVideo(Words):
    """Watch a video: what is said (transcribe), shots (scenes), vectors (embed), or the answer to a question."""

    operation, toolset = "analyze_video", "understand"

    video: str
    tasks: Annotated[list[str], Field(min_length=1)] | None = None
    question: str | None = None


class Transcribe(Words):
    """Write down what is said in a sound or a video."""

    operation, toolset = "transcribe", "understand"

    audio: str | None = None
    video: str | None = None
    language: str | None = None


class Embed(Words):
    """Turn texts into vectors, stored as a JSON file."""

    operation, toolset = "embed", "understand"

    texts: Annotated[list[str], Field(min_length=1)]
