"""The words of each operation: its arguments, once, for the MCP tool, the CLI and the skill.

A word that is not said is None, and the model's own default holds. One vocabulary for all models: what a backend
calls `n_frames` or `image_input` is `duration_seconds` or `images` here; the models' classes translate.
"""

from callsheet.catalogue.words.avatar import (
    CloneVoice,
    CreateAvatar,
    CreateCharacter,
    DubVideo,
    Generate3D,
    LipsyncVideo,
)
from callsheet.catalogue.words.base import (
    OURS,
    Credits,
    Pixels,
    Prompt,
    Seconds,
    Words,
    faults,
    unpack,
    unpacked,
)
from callsheet.catalogue.words.chat import Chat
from callsheet.catalogue.words.edit import (
    AddAudio,
    AddWatermark,
    ApplyFilter,
    ChangeSpeed,
    CropVideo,
    ExtendVideo,
    ExtractFrames,
    FaceSwap,
    MergeAudio,
    MergeVideos,
    OverlayGif,
    OverlayText,
    RemoveBackground,
    ResizeVideo,
    RestyleVideo,
    TrimVideo,
    UpscaleVideo,
    VideoToGif,
)
from callsheet.catalogue.words.image import GenerateImage
from callsheet.catalogue.words.library import ApplyBrandKit, DownloadStock, DownloadVideo, ExportProject
from callsheet.catalogue.words.music import GenerateMusic
from callsheet.catalogue.words.speech import GenerateSpeech
from callsheet.catalogue.words.subtitles import BurnSubtitles, GenerateSubtitles, TranslateSubtitles
from callsheet.catalogue.words.understand import AnalyzeVideo, Embed, Transcribe
from callsheet.catalogue.words.video import GenerateVideo
from callsheet.errors import RequestError, cut, nearest

__all__ = [
    "OPERATIONS",
    "OURS",
    "AddAudio",
    "AddWatermark",
    "AnalyzeVideo",
    "ApplyBrandKit",
    "ApplyFilter",
    "BurnSubtitles",
    "ChangeSpeed",
    "Chat",
    "CloneVoice",
    "CreateAvatar",
    "CreateCharacter",
    "Credits",
    "CropVideo",
    "DownloadStock",
    "DownloadVideo",
    "DubVideo",
    "Embed",
    "ExportProject",
    "ExtendVideo",
    "ExtractFrames",
    "FaceSwap",
    "Generate3D",
    "GenerateImage",
    "GenerateMusic",
    "GenerateSpeech",
    "GenerateSubtitles",
    "GenerateVideo",
    "LipsyncVideo",
    "MergeAudio",
    "MergeVideos",
    "OverlayGif",
    "OverlayText",
    "Pixels",
    "Prompt",
    "RemoveBackground",
    "ResizeVideo",
    "RestyleVideo",
    "Seconds",
    "Transcribe",
    "TranslateSubtitles",
    "TrimVideo",
    "UpscaleVideo",
    "VideoToGif",
    "Words",
    "faults",
    "operation",
    "unpack",
    "unpacked",
]

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
    near = nearest(name, OPERATIONS, 0.6)
    hint = f"Did you mean `{near}`?" if near else f"There are {', '.join(OPERATIONS)}."
    raise RequestError(f"There is no operation `{cut(name)}`. {hint}")
