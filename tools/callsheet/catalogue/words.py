"""The words of each operation: its arguments, once, for the MCP tool, the CLI and the skill.

A word that is not said is None, and the model's own default holds. One vocabulary for all models: what a backend
calls `n_frames` or `image_input` is `duration_seconds` or `images` here; models.py's classes translate.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import from_json

from callsheet.errors import RequestError

Prompt = Annotated[str, Field(min_length=1)]
Seconds = Annotated[float, Field(gt=0)]
Pixels = Annotated[int, Field(ge=2)]
Credits = Annotated[float, Field(ge=0), AfterValidator(lambda credits: min(credits, 1e9))]
"""A bound on a price; nothing costs as much as the highest that the ledger can hold."""

OURS = frozenset({"model", "options", "max_credits", "wait_s", "variation", "count"})
"""Words for Callsheet itself; a model never sees them."""


class Words(BaseModel):
    """The arguments of one operation that makes something at a backend."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    operation: ClassVar[str]
    command: ClassVar[str | None] = None
    """The CLI command, where there is one; its first field is positional."""
    toolset: ClassVar[str] = "core"
    free: ClassVar[bool] = False
    account_wide: ClassVar[bool] = False
    """Whether it uses what belongs to the whole account, which only an admin may."""
    personal: ClassVar[Mapping[str, str]] = {}
    """Words that only a person may say, and what they are asked for; no tool takes them."""

    model: str | None = None
    options: dict[str, Any] | None = None
    max_credits: Credits | None = Field(default=None, description="what the user agreed to, at most")
    wait_s: Annotated[float, Field(ge=0, le=600)] | None = None
    variation: int | None = None

    @model_validator(mode="before")
    @classmethod
    def _unpacked(cls, said: Any) -> Any:
        """Some clients send a list or an object as a JSON string; take it for what it is."""
        return unpacked(cls, said)

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
    def of(cls, said: dict[str, Any], *, by_person: bool = False) -> "Words":
        """Check arguments; `by_person` where what is `personal` was said by a person.

        Raises:
            RequestError: naming each fault, and the word that was probably meant.
        """
        if cls.personal and not by_person:
            command = f"callsheet {cls.command or cls.operation.replace('_', '-')}"
            raise RequestError(
                f"{cls.operation} needs what only a person can say: {'; '.join(cls.personal.values())}. Nobody may say "
                f"it for them, so it is asked for in a terminal: let the user run `{command}` there."
            )
        try:
            return cls.model_validate(said)
        except ValidationError as error:
            raise RequestError(f"{cls.operation}: {faults(error, list(cls.model_fields))}") from None


def unpacked(words: type[BaseModel], said: Any) -> Any:
    """Arguments, with those that must be lists or objects out of the strings in which some clients send them."""
    if not isinstance(said, dict):
        return said
    whole = {n for n, field in words.model_fields.items() if re.search(r"list\[|dict\[", str(field.annotation))}
    return {word: unpack(value) if word in whole else value for word, value in said.items()}


def unpack(value: Any) -> Any:
    """A JSON list or object out of a string; anything else as it is."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        try:
            return from_json(value)
        except ValueError:
            return value
    return value


def nearest(word: str, names: list[str]) -> str | None:
    """The name that was probably meant: a longer or shorter one, or one spelt nearly so."""
    inside = [name for name in names if min(len(word), len(name)) > 2 and (word in name or name in word)]
    return next(iter(inside or difflib.get_close_matches(word, names, n=1, cutoff=0.5)), None)


def faults(error: ValidationError, known: Iterable[str]) -> str:
    """What is wrong with each argument, in a line; unknown ones with the nearest known word."""

    def lines() -> Iterator[str]:
        for fault in error.errors(include_url=False):
            word = ".".join(str(part) for part in fault["loc"])
            if fault["type"] == "extra_forbidden":
                near = nearest(word, names)
                yield f"unknown argument `{word}`" + (f"; did you mean `{near}`?" if near else "")
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
    """Subtitle a video, from its sound or a script; in Thai unless language says otherwise."""

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


class TrimVideo(Words):
    """Keep the part of a video from start to end."""

    operation, toolset = "trim_video", "edit"

    video: str
    start_seconds: Annotated[float, Field(ge=0)] | None = None
    end_seconds: Seconds | None = None


class ChangeSpeed(Words):
    """Play a video faster (2 = twice as fast) or slower (0.5)."""

    operation, toolset = "change_speed", "edit"

    video: str
    speed_factor: Annotated[float, Field(gt=0)]


class CropVideo(Words):
    """Cut a rectangle, in pixels, out of a video."""

    operation, toolset = "crop_video", "edit"

    video: str
    x: Annotated[int, Field(ge=0)] | None = None
    y: Annotated[int, Field(ge=0)] | None = None
    width: Pixels
    height: Pixels


class ResizeVideo(Words):
    """Fit a video into another size, by preset or by width and height; bars fill what is left."""

    operation, toolset = "resize_video", "edit"

    video: str
    preset: Literal["1080p", "720p"] | None = None
    width: Pixels | None = None
    height: Pixels | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "ResizeVideo":
        sides = (self.width, self.height)
        if (None in sides) if self.preset is None else any(sides):
            raise ValueError("say either `preset`, or `width` and `height`")
        return self


class OverlayText(Words):
    """Write over a video, for all of it or from start_time to end_time (seconds)."""

    operation, toolset = "overlay_text", "edit"

    video: str
    text: Prompt
    position: str | None = None
    font_size: Annotated[int, Field(ge=1)] | None = None
    color: str | None = None
    start_time: Annotated[float, Field(ge=0)] | None = None
    end_time: Seconds | None = None


class VideoToGif(Words):
    """Make an animated GIF of a video."""

    operation, toolset = "video_to_gif", "edit"

    video: str
    width: Pixels | None = None
    fps: Annotated[int, Field(ge=1, le=60)] | None = None


class AddWatermark(Words):
    """Mark a video with a text or a picture."""

    operation, toolset = "add_watermark", "edit"

    video: str
    text: Prompt | None = None
    image: str | None = None

    @model_validator(mode="after")
    def _one_mark(self) -> "AddWatermark":
        if (self.text is None) == (self.image is None):
            raise ValueError("say either `text` or `image`")
        return self


class BurnSubtitles(Words):
    """Draw an .srt file's lines into a video."""

    operation, toolset = "burn_subtitles", "edit"

    video: str
    subtitles: str
    style: str | None = None


class TranslateSubtitles(Words):
    """The same .srt file in another language."""

    operation, toolset = "translate_subtitles", "edit"

    subtitles: str
    target_language: str


class ExtendVideo(Words):
    """Go on from a video's last frame: a new clip with a prompt; without one, only that frame."""

    operation, toolset = "extend_video", "edit"

    video: str
    prompt: Prompt | None = None
    duration_seconds: Seconds | None = None
    aspect_ratio: str | None = None
    resolution: str | None = None
    negative_prompt: str | None = None
    seed: int | None = None


class RestyleVideo(Words):
    """Give a video another look; strength 0 keeps it, 1 forgets it."""

    operation, toolset = "restyle_video", "edit"

    video: str
    prompt: Prompt
    strength: Annotated[float, Field(ge=0, le=1)] | None = None


class UpscaleVideo(Words):
    """Make a video's sides 2 to 4 times as long."""

    operation, toolset = "upscale_video", "edit"

    video: str
    scale_factor: Annotated[float, Field(ge=2, le=4)] | None = None


class RemoveBackground(Words):
    """Cut out what a picture shows."""

    operation, toolset = "remove_background", "edit"

    image: str


class FaceSwap(Words):
    """Put the face of the source picture into the target picture."""

    operation, toolset = "face_swap", "edit"

    source: str
    target: str


class Generate3D(Words):
    """Make a solid thing (.glb) from text or a picture."""

    operation, toolset = "generate_3d", "avatar"

    prompt: Prompt | None = None
    image: str | None = None
    seed: int | None = None


class DownloadStock(Words):
    """Take a stock medium that search_stock found, so that edits can use it."""

    operation, toolset = "download_stock", "library"

    url: str
    type: Literal["video", "image", "music"]


class ApplyBrandKit(Words):
    """Dress a video in a brand kit."""

    operation, toolset, account_wide = "apply_brand_kit", "team", True

    video: str
    brand_kit_id: int


class ExportProject(Words):
    """Join the videos of a project's shots to one film."""

    operation, toolset, account_wide = "export_project", "studio", True

    project_id: int
    resolution: str | None = None


class CreateCharacter(Words):
    """Make a character, to appear in later videos, from 1 to 4 s of video; the receipt's text is its id."""

    operation, toolset = "create_character", "avatar"

    video: str
    prompt: str | None = None


class CreateAvatar(Words):
    """Let the person in a picture speak: a recording (audio), or a text in a voice."""

    operation, toolset = "create_avatar", "avatar"

    image: str
    audio: str | None = None
    text: Prompt | None = None
    voice: str | None = None
    language: str | None = None


class LipsyncVideo(Words):
    """Move the lips in a video to another recording."""

    operation, toolset = "lipsync_video", "avatar"

    video: str
    audio: str


class DubVideo(Words):
    """Let a video speak another language (es-ES)."""

    operation, toolset = "dub_video", "avatar"

    video: str
    target_language: str
    source_language: str | None = None
    voice: str | None = None


class CloneVoice(Words):
    """Make a voice, named by its title, out of recordings of a person who agrees; the receipt's text is its id."""

    operation, toolset = "clone_voice", "avatar"
    personal = {"consent": "The speaker's own words that this is their voice and may be cloned"}

    title: Prompt
    audios: Annotated[list[str], Field(min_length=1)]
    language: str | None = None
    description: str | None = None
    consent: SkipJsonSchema[str | None] = None


class AnalyzeVideo(Words):
    """Watch a video: what is said (transcribe), shots (scenes), vectors (embed), or the answer to a question."""

    operation, toolset = "analyze_video", "understand"

    video: str
    tasks: Annotated[list[str], Field(min_length=1)] | None = None
    question: str | None = None


class ApplyFilter(Words):
    """Put a picture of people through a filter, by its number in options (describe_model lists them)."""

    operation, toolset = "apply_filter", "edit"

    image: str


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
        *(TrimVideo, ChangeSpeed, CropVideo, ResizeVideo, OverlayText),
        *(MergeVideos, AddAudio, MergeAudio, OverlayGif, ExtractFrames),
        *(VideoToGif, AddWatermark, BurnSubtitles, TranslateSubtitles),
        *(ExtendVideo, RestyleVideo, UpscaleVideo, RemoveBackground, FaceSwap, Generate3D),
        *(DownloadStock, ApplyBrandKit, ExportProject),
        *(CreateCharacter, CreateAvatar, LipsyncVideo, DubVideo, CloneVoice),
        *(ApplyFilter, AnalyzeVideo, Transcribe, Embed, DownloadVideo),
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
