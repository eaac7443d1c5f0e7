"""The words of each operation: its arguments, once, for the MCP tool, the CLI and the skill.

A word that is not said is None, and the model's own default holds. One vocabulary for all models: what a backend
calls `n_frames` or `image_input` is `duration_seconds` or `images` here; models.py's classes translate.
"""

import difflib
import json
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from callsheet.errors import RequestError

Prompt = Annotated[str, Field(min_length=1)]
Seconds = Annotated[float, Field(gt=0)]

OURS = frozenset({"model", "options", "max_credits", "wait_s", "variation", "count"})
"""Words for Callsheet itself; a model never sees them."""


class Words(BaseModel):
    """The arguments of one operation that makes something at a backend."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    operation: ClassVar[str]
    command: ClassVar[str | None] = None
    """The CLI command, where there is one; its first field is positional."""
    toolset: ClassVar[str] = "core"
    free: ClassVar[bool] = False

    model: str | None = None
    options: dict[str, Any] | None = None
    max_credits: Annotated[float, Field(ge=0)] | None = None
    wait_s: Annotated[float, Field(ge=0, le=600)] | None = None
    variation: int | None = None

    @model_validator(mode="before")
    @classmethod
    def _unpacked(cls, said: Any) -> Any:
        """Some clients send a list or an object as a JSON string; take it for what it is."""
        if not isinstance(said, dict):
            return said
        return {word: unpack(value) if cls._structured(word) else value for word, value in said.items()}

    @classmethod
    def _structured(cls, word: str) -> bool:
        field = cls.model_fields.get(word)
        return field is not None and any(kind in str(field.annotation) for kind in ("list[", "dict["))

    @field_validator("*", mode="before")
    @classmethod
    def _silence(cls, value: Any) -> Any:
        """An empty text or list is the same as nothing said."""
        return None if value in ("", [], {}) else value

    @property
    def said(self) -> dict[str, Any]:
        """The words meant for the model, without those nobody said."""
        return {word: value for word, value in self.model_dump(exclude_none=True).items() if word not in OURS}

    @classmethod
    def of(cls, said: dict[str, Any]) -> "Words":
        """Check arguments.

        Raises:
            RequestError: naming each fault, and the word that was probably meant.
        """
        try:
            return cls.model_validate(said)
        except ValidationError as error:
            raise RequestError(f"{cls.operation}: {faults(error, list(cls.model_fields))}") from None


def unpack(value: Any) -> Any:
    """A JSON list or object out of a string; anything else as it is."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def faults(error: ValidationError, known: Iterable[str]) -> str:
    """What is wrong with each argument, in a line; unknown ones with the nearest known word."""

    def lines() -> Iterator[str]:
        for fault in error.errors(include_url=False):
            word = ".".join(str(part) for part in fault["loc"])
            if fault["type"] == "extra_forbidden":
                near = difflib.get_close_matches(word, names, n=1, cutoff=0.5) or [n for n in names if n in word][:1]
                yield f"unknown argument `{word}`" + (f"; did you mean `{near[0]}`?" if near else "")
            elif fault["type"] == "missing":
                yield f"`{word}` is required"
            else:
                message = fault["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
                given = fault["input"]
                shown = f" (got {given!r:.60})" if word and isinstance(given, str | int | float) else ""
                yield (f"`{word}`: " if word else "") + message[:1].lower() + message[1:] + shown

    names = list(known)
    return "; ".join(dict.fromkeys(lines()))


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


class GenerateSpeech(Words):
    """Speak a text."""

    operation, command = "generate_speech", "speech"

    text: Prompt
    voice: str | None = None
    language: str | None = None
    speed: Annotated[float, Field(gt=0)] | None = None


class GenerateMusic(Words):
    """Compose a song or a tune."""

    operation, command = "generate_music", "music"

    prompt: Prompt
    style: str | None = None
    title: str | None = None
    instrumental: bool | None = None
    duration_seconds: Seconds | None = None


class GenerateSubtitles(Words):
    """Subtitle a video, from its sound or from a script."""

    operation, command = "generate_subtitles", "subtitles"

    video: str | None = None
    audio: str | None = None
    language: str | None = None
    script: str | None = None
    style: str | None = None
    burn: bool | None = None


class Chat(Words):
    """Ask a language model. Either prompt or messages ({role, content})."""

    operation, command = "chat", "chat"

    prompt: Prompt | None = None
    messages: list[dict[str, Any]] | None = None
    system: str | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    web_search: bool | None = None

    @model_validator(mode="after")
    def _something_said(self) -> "Chat":
        if (self.prompt is None) == (self.messages is None):
            raise ValueError("say either `prompt` or `messages`")
        return self


class MergeVideos(Words):
    """Join clips, one after the other."""

    operation, toolset = "merge_videos", "edit"

    videos: Annotated[list[str], Field(min_length=2, max_length=20)]


class AddAudio(Words):
    """Put a sound under a video."""

    operation, toolset = "add_audio", "edit"

    video: str
    audio: str
    offset_seconds: Annotated[float, Field(ge=0)] | None = None
    volume: Annotated[float, Field(ge=0)] | None = None


class MergeAudio(Words):
    """Join sounds, one after the other."""

    operation, toolset = "merge_audio", "edit"

    audios: Annotated[list[str], Field(min_length=2, max_length=20)]


class OverlayGif(Words):
    """Lay an animated GIF over a video."""

    operation, toolset = "overlay_gif", "edit"

    video: str
    gif: str


class ExtractFrames(Words):
    """Take stills out of a video."""

    operation, toolset = "extract_frames", "edit"

    video: str
    mode: Literal["first", "last", "middle", "all_1fps"] | None = None


class CreateCharacter(Words):
    """Make a character, to appear in later videos, from 1 to 4 s of video; the receipt's text is its id."""

    operation, toolset = "create_character", "avatar"

    video: str
    prompt: str | None = None


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


class DownloadVideo(Words):
    """Fetch a video, or its sound, from a public platform."""

    operation, toolset = "download_video", "library"

    url: str


OPERATIONS: dict[str, type[Words]] = {
    kind.operation: kind
    for kind in (
        *(GenerateImage, GenerateVideo, GenerateSpeech, GenerateMusic, GenerateSubtitles, Chat),
        *(MergeVideos, AddAudio, MergeAudio, OverlayGif, ExtractFrames),
        *(CreateCharacter, Transcribe, Embed, DownloadVideo),
    )
}
"""Every operation, in the order in which they are shown."""


def operation(name: str) -> type[Words]:
    """The words of an operation, by its name or its CLI command.

    Raises:
        RequestError: naming the operations there are.
    """
    for kind in OPERATIONS.values():
        if name in (kind.operation, kind.command):
            return kind
    near = difflib.get_close_matches(name, OPERATIONS, n=1)
    hint = f"Did you mean `{near[0]}`?" if near else f"There are {', '.join(OPERATIONS)}."
    raise RequestError(f"There is no operation `{name}`. {hint}")
