"""Words for edits of videos, sounds and pictures."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from callsheet.catalogue.words.base import Pixels, Prompt, Seconds, Words


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


class ApplyFilter(Words):
    """Put a picture of people through a filter, by its number in options (describe_model lists them)."""

    operation, toolset = "apply_filter", "edit"

    image: str
