"""Progressive Robot's edits and tools. They take its own files by name: results of its jobs, and stock brought in."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field

from callsheet.backends.progressive_robot.prices import (
    NamedFilm,
    NamedSound,
    NamedSubtitles,
    PictureFile,
    RobotModel,
    metered,
)
from callsheet.catalogue.model import Model, Price, exactly
from callsheet.catalogue.words import (
    AddAudio,
    AddWatermark,
    ApplyBrandKit,
    BurnSubtitles,
    ChangeSpeed,
    CropVideo,
    DownloadStock,
    ExportProject,
    ExtractFrames,
    FaceSwap,
    MergeVideos,
    OverlayText,
    RemoveBackground,
    ResizeVideo,
    TranslateSubtitles,
    TrimVideo,
    UpscaleVideo,
    VideoToGif,
)

Moment = Annotated[float, Field(ge=0)]
Side = Annotated[int, Field(ge=2)]


class RobotEdit(RobotModel):
    """An edit of one video, done while the caller waits, for 3 credits."""

    typical_s = 10.0

    video: NamedFilm = Field(serialization_alias="video_filename")

    def price(self) -> Price:
        return exactly(3)


class RobotTool(RobotEdit):
    """A small tool on one video, for 1 credit."""

    def price(self) -> Price:
        return exactly(1)


class Free(RobotModel):
    """Work that nobody publishes a price for, and that nobody was seen to pay for."""

    typical_s = 10.0

    def price(self) -> Price:
        return exactly(0)


class ToolsTrim(RobotTool):
    """The cheaper of Progressive Robot's two trims."""

    words, id, path = TrimVideo, "progressive-robot/tools-trim", "/api/tools/trim-video"

    start_seconds: Moment | None = Field(default=None, serialization_alias="start_time")
    end_seconds: Moment | None = Field(default=None, serialization_alias="end_time")


class Trim(RobotEdit):
    """The dearer of Progressive Robot's two trims."""

    words, id, path = TrimVideo, "progressive-robot/trim", "/api/edit/trim"

    start_seconds: Moment | None = None
    end_seconds: Moment | None = None


class Speed(RobotEdit):
    """Faster or slower, at Progressive Robot."""

    words, id, path = ChangeSpeed, "progressive-robot/speed", "/api/edit/speed"

    speed_factor: Annotated[float, Field(ge=0.25, le=4.0)]


class Crop(RobotEdit):
    """A part of the frame, at Progressive Robot."""

    words, id, path = CropVideo, "progressive-robot/crop", "/api/edit/crop"

    x: Annotated[int, Field(ge=0)] = 0
    y: Annotated[int, Field(ge=0)] = 0
    width: Side
    height: Side


class Resize(RobotEdit):
    """Another size, with bars, at Progressive Robot."""

    words, id, path = ResizeVideo, "progressive-robot/resize", "/api/edit/resize"

    preset: Literal["1080p", "720p"] | None = None
    width: Side | None = None
    height: Side | None = None


class TextOverlay(RobotEdit):
    """Words over a video, at Progressive Robot."""

    words, id, path = OverlayText, "progressive-robot/text-overlay", "/api/edit/text-overlay"

    text: str
    position: str | None = None
    font_size: Annotated[int, Field(ge=1)] | None = None
    color: str | None = None
    start_time: Moment | None = None
    end_time: Moment | None = None


class Merge(RobotModel):
    """2 to 20 clips in a row, at Progressive Robot; 2 credits each, at least 3."""

    words, id, path, typical_s = MergeVideos, "progressive-robot/merge", "/api/edit/merge", 15.0

    videos: Annotated[list[NamedFilm], Field(min_length=2, max_length=20)] = Field(
        serialization_alias="video_filenames"
    )

    def price(self) -> Price:
        return exactly(max(3, 2 * len(self.videos)))


class AddSound(Free):
    """A sound under a video, at Progressive Robot."""

    words, id, path = AddAudio, "progressive-robot/add-audio", "/api/video/add-audio"

    video: NamedFilm = Field(serialization_alias="video_filename")
    audio: NamedSound = Field(serialization_alias="audio_filename")


class AddSpeech(Free):
    """Speech under a video, from a moment on and as loud as asked, at Progressive Robot."""

    words, id, path = AddAudio, "progressive-robot/tts-add-to-video", "/api/tts/add-to-video"

    video: NamedFilm = Field(serialization_alias="video_filename")
    audio: NamedSound = Field(serialization_alias="tts_filename")
    offset_seconds: Moment | None = None
    volume: Moment | None = None


class ExtractStills(RobotTool):
    """Stills out of a video, at Progressive Robot."""

    words, id, path = ExtractFrames, "progressive-robot/extract-frames", "/api/tools/extract-frames"
    makes = "image"

    mode: Literal["first", "last", "middle", "all_1fps"] = "first"


class Gif(RobotTool):
    """An animated GIF, at Progressive Robot."""

    words, id, path = VideoToGif, "progressive-robot/video-to-gif", "/api/tools/video-to-gif"
    makes = "image"

    width: Side | None = None
    fps: Annotated[int, Field(ge=1)] | None = None


class Watermark(RobotTool):
    """A mark on a video, at Progressive Robot."""

    words, id, path = AddWatermark, "progressive-robot/add-watermark", "/api/tools/add-watermark"
    multipart = True

    text: str | None = None
    image: PictureFile | None = None

    def body(self) -> dict[str, Any]:
        return super().body() | {"type": "image" if self.image else "text"}


class Upscale(RobotEdit):
    """Sides 2 to 4 times as long; about 2 credits for each 10 s. Needs the Creator plan."""

    words, id, path = UpscaleVideo, "progressive-robot/upscale-video", "/api/tools/upscale-video"
    measures, typical_s = ("video",), 30.0

    scale_factor: Annotated[float, Field(ge=2, le=4)] = 2

    def price(self) -> Price:
        return metered(2, 10, self.length("video"), 2)


class CutOut(RobotModel):
    """A picture without its background."""

    words, id, path = RemoveBackground, "progressive-robot/remove-background", "/api/tools/remove-background"
    makes, multipart = "image", True

    image: PictureFile

    def price(self) -> Price:
        return exactly(1)


class SwapFaces(RobotModel):
    """The face of one picture in another. Needs the Pro plan."""

    words, id, path = FaceSwap, "progressive-robot/face-swap", "/api/tools/face-swap"
    makes, multipart = "image", True

    source: PictureFile
    target: PictureFile

    def price(self) -> Price:
        return exactly(1)


class Burn(Free):
    """Subtitles drawn into a video, at Progressive Robot."""

    words, id, path = BurnSubtitles, "progressive-robot/subtitles-burn", "/api/subtitles/burn"

    video: NamedFilm = Field(serialization_alias="video_filename")
    subtitles: NamedSubtitles = Field(serialization_alias="srt_filename")
    style: Literal["default", "bold-yellow", "minimal"] | None = None


class Translate(RobotModel):
    """Subtitles in another language. Needs the Pro plan."""

    words, id, path = TranslateSubtitles, "progressive-robot/subtitles-translate", "/api/subtitles/translate"
    makes = "text"

    subtitles: NamedSubtitles = Field(serialization_alias="srt_filename")
    target_language: str

    def price(self) -> Price:
        return exactly(5)


class Stock(Free):
    """Stock media from Pexels and Pixabay, as found by search_stock. Needs the Creator plan."""

    words, id, path = DownloadStock, "progressive-robot/stock", "/api/stock/download"

    url: Annotated[str, Field(pattern="^https?://")]
    type: Literal["video", "image", "music"]


class Branded(Free):
    """A video with a brand kit's logo, colours and intro. Needs the Pro plan."""

    words, id, path = ApplyBrandKit, "progressive-robot/brand-kit", "/api/brand-kits/{}/apply"

    video: NamedFilm = Field(serialization_alias="video_filename")
    brand_kit_id: int

    def create(self) -> str:
        return self.path.format(self.brand_kit_id)

    def body(self) -> dict[str, Any]:
        return {"video_filename": self.video}


class Export(RobotModel):
    """The film of a project; 2 credits for each shot that has a video, at least 3."""

    words, id, path, typical_s = ExportProject, "progressive-robot/export", "/api/projects/{}/export", 30.0

    project_id: int
    resolution: str | None = None

    def create(self) -> str:
        return self.path.format(self.project_id)

    def body(self) -> dict[str, Any]:
        return {"resolution": self.resolution} if self.resolution else {}

    def price(self) -> Price:
        return Price(Decimal(3), Decimal(100), note="2 for each shot that has a video, at least 3")


MODELS: tuple[type[Model], ...] = (
    *(ToolsTrim, Trim, Speed, Crop, Resize, TextOverlay, Merge, AddSound, AddSpeech, ExtractStills, Gif, Watermark),
    *(Upscale, CutOut, SwapFaces, Burn, Translate, Stock, Branded, Export),
)
