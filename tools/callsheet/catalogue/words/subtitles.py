"""Words for subtitles: made, drawn into a video, translated."""

from callsheet.catalogue.words.base import Words


class GenerateSubtitles(Words):
    """Subtitle a video, from its sound or a script; in Thai unless language says otherwise."""

    operation, command = "generate_subtitles", "subtitles"

    video: str | None = None
    audio: str | None = None
    language: str | None = None
    script: str | None = None
    style: str | None = None
    burn: bool | None = None


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
