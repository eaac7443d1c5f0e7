"""What FFmpeg on this machine lays over a film, for nothing: text, subtitles, pictures, and the motion of a still."""

import base64
import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from callsheet.backends.local.models import FONTS, Film, Local, Moment, Picture, Recording, Redrawn
from callsheet.catalogue.model import Input, Model
from callsheet.catalogue.words import (
    AddWatermark,
    BurnSubtitles,
    GenerateSubtitles,
    GenerateVideo,
    OverlayGif,
    OverlayText,
)
from callsheet.errors import RequestError
from callsheet.media import edits, ffmpeg, fonts, lettering, subtitles
from callsheet.media.edits import AAC, H264, STREAMED, Edit, Source, opened
from callsheet.media.lettering import Look, Position, Saying, Writing
from callsheet.media.reel import Layer, Reel
from callsheet.media.script import spread

LARGEST_SUBTITLES = 4 << 20


def where(said: Any) -> Any:
    """A place in the frame, as people write it."""
    name = str(said).strip().casefold().replace("_", "-").replace(" ", "-")
    parts = [part for part in name.split("-") if part not in ("center", "centre", "middle")]
    upright = [part for part in parts if part in ("top", "bottom")]
    return "-".join(upright + [part for part in parts if part not in upright]) or "center"


def known_color(said: str) -> str:
    """A colour that can be drawn."""
    lettering.rgb(said)
    return said


def written_out(said: Any) -> Any:
    """Subtitles that were said themselves, not where they are, as a reference that holds them."""
    if not isinstance(said, str) or "-->" not in said:
        return said
    try:
        cues = subtitles.parse(said)
    except RequestError as error:
        raise ValueError(error.message) from None
    text = said.lstrip() if ffmpeg.form_of(said.lstrip().encode()[: ffmpeg.HEAD]) else subtitles.srt(cues)
    return f"data:application/x-subrip;base64,{base64.b64encode(text.encode()).decode()}"


Subtitles = Annotated[str, BeforeValidator(written_out), Input("subtitles", by="file")]
Text = Annotated[str, Field(max_length=2000), AfterValidator(fonts.clean)]
Place = Annotated[Position, BeforeValidator(where)]
Color = Annotated[str, AfterValidator(known_color)]
Part = Annotated[float, Field(ge=0.02, le=1)]
Letters = Annotated[int, Field(ge=6, le=1000)]
Style = Literal["default", "bold-yellow", "minimal"]


class WriteOver(Redrawn):
    """Text with a dark edge, wrapped to the frame, in Noto Sans or a font of the system that has its letters."""

    words, path = OverlayText, "text"

    video: Film
    text: Text
    position: Place = "bottom"
    font_size: Letters | None = None
    color: Color = "white"
    start_time: Moment = 0.0
    end_time: Annotated[float, Field(gt=0)] | None = None
    bold: bool = False

    @model_validator(mode="after")
    def _ends(self) -> "WriteOver":
        if self.end_time is not None and self.end_time <= self.start_time:
            raise ValueError("`end_time` must be after `start_time`")
        return self

    async def drawn(self, reel: Reel, folder: Path) -> Reel:
        reel.inside("start_time", self.start_time)
        size = self.font_size or max(12.0, min(reel.size) / 14)
        look = Look(size, self.color, self.position, self.bold)
        saying = Saying(self.text, self.start_time, self.end_time or lettering.FOREVER)
        return reel.add(Writing(reel.size, look, (saying,)))


class Sticker(Redrawn):
    """A GIF that plays again and again over a corner of the video; `scale` is its part of the frame's width."""

    words, path = OverlayGif, "gif"

    video: Film
    gif: Picture
    position: Place = "bottom-right"
    scale: Part = 0.25
    opacity: Part = 1.0

    async def drawn(self, reel: Reel, folder: Path) -> Reel:
        gif = await opened(self.gif, "image", "video", folder=folder)
        moves = gif.still is None or (gif.facts.picture is not None and gif.facts.picture.frames > 1)
        again = ("-stream_loop", "-1") if moves and gif.still is None else ()
        return laid(reel, gif, self.position, self.scale, self.opacity, again)


def laid(reel: Reel, mark: Source, position: str, scale: float, opacity: float, again: tuple[str, ...] = ()) -> Reel:
    """A picture over a film, scaled to a part of its width; one that plays again ends with it."""
    wide = max(2, round(reel.size[0] * scale))
    filters = f"scale={wide}:-1,format=rgba,colorchannelmixer=aa={opacity:.4f}"
    place = edits.placed(position, str(round(min(reel.size) * 0.03)))
    return reel.add(Layer((*again, *mark.reading), filters, f"{place}{':shortest=1' if again else ''}"))


class Watermark(Redrawn):
    """A text or a picture in a corner, half seen through; `scale` is a picture's part of the frame's width."""

    words, path = AddWatermark, "watermark"

    video: Film
    text: Annotated[Text, Field(max_length=200)] | None = None
    image: Picture | None = None
    position: Place = "bottom-right"
    opacity: Part = 0.6
    scale: Part = 0.15
    font_size: Letters | None = None
    color: Color = "white"

    async def drawn(self, reel: Reel, folder: Path) -> Reel:
        if self.image:
            mark = await opened(self.image, "image", folder=folder)
            return laid(reel, mark, self.position, self.scale, self.opacity)
        size = self.font_size or max(10.0, min(reel.size) / 24)
        look = Look(size, self.color, self.position, opacity=self.opacity, margin=0.03)
        return reel.add(Writing(reel.size, look, (Saying(str(self.text)),)))


async def cues_of(path: str, film: Source) -> tuple[list[subtitles.Cue], list[str], list[str]]:
    """The cues of a subtitle file, what a viewer would stumble over, and what was left out.

    Raises:
        RequestError: none can be shown.
    """
    file = Path(path)
    if file.stat().st_size > LARGEST_SUBTITLES:
        raise RequestError(f"{file.name!r} is too large for subtitles.")
    text, guessed = subtitles.decoded(file.read_bytes())
    found, notes = subtitles.read(text)
    cues, more = subtitles.mended(found)
    notes = [*([f"Its letters were read as {guessed}."] if guessed else []), *notes, *more]
    stumbles = subtitles.faults(cues, film.seconds)
    rest = [f"And {len(stumbles) - 5} more."] if len(stumbles) > 5 else []
    return cues, [*(f"{stumble}." for stumble in stumbles[:5]), *rest], notes


def burned(reel: Reel, cues: list[subtitles.Cue], style: str, size: int | None = None) -> Reel:
    """A film with cues drawn into it."""
    look = lettering.styled(style, reel.size, size)
    sayings = tuple(Saying(c.styled or c.text, c.start, c.end, c.position, c.marks) for c in cues)
    return reel.add(Writing(reel.size, look, sayings))


class Burn(Redrawn):
    """SRT, VTT or ASS, as a file or said in full, drawn into the picture; `soft` adds them as a track to switch on."""

    words, path = BurnSubtitles, "subtitles"

    video: Film
    subtitles: Subtitles
    style: Style = "default"
    font_size: Letters | None = None
    soft: bool = False
    language: Annotated[str, Field(pattern="^[a-z]{3}$")] = "und"

    async def drawn(self, reel: Reel, folder: Path) -> Reel:
        cues, said, notes = await cues_of(self.subtitles, reel.source)
        reel = burned(reel.note(*notes), cues, self.style, self.font_size)
        return replace(reel, said=(*reel.said, *said))

    async def edit(self, folder: Path) -> Edit:
        if not self.soft:
            return await super().edit(folder)
        film = await opened(self.video, "video")
        cues, said, notes = await cues_of(self.subtitles, film)
        if (container := film.container) is None:
            raise RequestError("This kind of video cannot carry a track of subtitles; leave out `soft`.")
        (folder / "text.srt").write_text(subtitles.srt(cues), encoding="utf-8")
        maps = ("-map", f"0:{film.film.index}", *edits.sound_maps(film), "-c:v:0", "copy")
        maps += (*edits.sound_coding(film, container, copied=True), *edits.cover_maps(film, container))
        texts = tuple(arg for track in film.texts for arg in ("-map", f"0:{track.index}"))
        coding = ("-c:s", "mov_text" if container == ".mp4" else "webvtt")
        track = (*texts, "-map", "1:0", *coding, f"-metadata:s:s:{len(film.texts)}", f"language={self.language}")
        args = (*film.reading, "-f", "srt", "-i", "text.srt", *maps, *track, *edits.finished(container))
        lost = edits.lost(film, container)
        return Edit(args, (f"out{container}",), film.seconds, " ".join(said) or None, notes=(*notes, *lost))


class Estimate(Redrawn):
    """A script spread over the length of a video or sound as SRT; nobody listens, so its times are guesses."""

    words, path, makes, auto = GenerateSubtitles, "spread", "text", False

    video: Film | None = None
    audio: Recording | None = None
    script: Annotated[str, Field(min_length=1, max_length=100_000)]
    style: Style = "default"
    burn: bool = False
    format: Literal["srt", "vtt"] = "srt"

    @model_validator(mode="after")
    def _one(self) -> "Estimate":
        if (self.audio is None) == (self.video is None):
            raise ValueError("say either `video` or `audio`")
        if self.burn and self.audio:
            raise ValueError("`burn` needs a `video`")
        return self

    async def edit(self, folder: Path) -> Edit:
        source = await opened(str(self.video or self.audio), "video" if self.video else "audio")
        if not (length := source.seconds or source.heard):
            raise RequestError("The length of the recording is not known.")
        cues = spread(self.script, length)
        stumbles = subtitles.faults(cues, length)
        said = f"{len(cues)} cues. Their times are estimated from the length of the text; nobody listened."
        said += f" {'. '.join(stumbles[:3])}." if stumbles else ""
        files = {f".{self.format}": subtitles.srt(cues) if self.format == "srt" else subtitles.vtt(cues)}
        if not self.burn:
            return Edit(text=said, files=files)
        reel = burned(Reel.of(source), cues, self.style)
        made = await reel.render(folder, fonts.Fonts.around(os.environ.get(FONTS, "")))
        return replace(made, text=said, files=files)


SHAPES = {"16:9": (16, 9), "9:16": (9, 16), "1:1": (1, 1), "4:3": (4, 3), "3:4": (3, 4), "21:9": (21, 9)}
MOTIONS = {
    "zoom-in": ("1+{far}*{at}", "(iw-iw/zoom)/2", "(ih-ih/zoom)/2"),
    "zoom-out": ("1+{far}*(1-{at})", "(iw-iw/zoom)/2", "(ih-ih/zoom)/2"),
    "pan-left": ("1+{far}", "(iw-iw/zoom)*(1-{at})", "(ih-ih/zoom)/2"),
    "pan-right": ("1+{far}", "(iw-iw/zoom)*{at}", "(ih-ih/zoom)/2"),
    "pan-up": ("1+{far}", "(iw-iw/zoom)/2", "(ih-ih/zoom)*(1-{at})"),
    "pan-down": ("1+{far}", "(iw-iw/zoom)/2", "(ih-ih/zoom)*{at}"),
    "none": ("1", "0", "0"),
}
"""How far in, and where the window's corner is; `at` goes from 0 to 1."""
Motion = Literal["zoom-in", "zoom-out", "pan-left", "pan-right", "pan-up", "pan-down", "none"]


class KenBurns(Local):
    """Pans and zooms over one picture, with sound if given. No new picture is made, so never chosen by itself."""

    words, path, auto, typical_s = GenerateVideo, "ken-burns", False, 8.0

    image: Picture
    audio: Recording | None = None
    aspect_ratio: Literal["16:9", "9:16", "4:3", "3:4", "1:1", "21:9"] | None = None
    resolution: Literal["480p", "720p", "1080p"] = "720p"
    duration_seconds: Annotated[float, Field(ge=0.5, le=120)] = 5.0
    motion: Motion = "zoom-in"
    strength: Annotated[float, Field(gt=0, le=1)] = 0.25
    fps: Literal[24, 25, 30, 50, 60] = 25

    async def edit(self, folder: Path) -> Edit:
        still = await opened(self.image, "image", folder=folder)
        across, down = SHAPES[self.aspect_ratio] if self.aspect_ratio else still.size
        short = int(self.resolution[:-1])
        shape = min(4.0, max(0.25, across / down))
        width, height = (round(short * max(1.0, side) / 2) * 2 for side in (shape, 1 / shape))
        frames = round(self.duration_seconds * self.fps)
        at = f"(on/{max(1, frames - 1)})"
        zoom, x, y = (part.format(far=self.strength, at=at) for part in MOTIONS[self.motion])
        fine = 2 if self.motion != "none" else 1  # the window moves by whole pixels of what it looks at
        look = edits.fitted(width * fine, height * fine, "crop")
        move = f"zoompan=z='{zoom}':x='{x}':y='{y}':d={frames}:s={width}x{height}:fps={self.fps}"
        film = ("-vf", f"{look},{move},format=yuv420p", "-frames:v", str(frames), "-map", "0:v:0", *H264)
        voice = await opened(self.audio, "audio") if self.audio else None
        heard = voice.reading if voice else ()
        sound = (
            ("-af", f"apad,atrim=end={frames / self.fps:.6f}", "-map", f"1:{voice.sounds[0].index}", *AAC)
            if voice
            else ()
        )
        return Edit((*still.reading, *heard, *film, *sound, *STREAMED, "out.mp4"), ("out.mp4",), frames / self.fps)


MODELS: tuple[type[Model], ...] = (WriteOver, Sticker, Watermark, Burn, Estimate, KenBurns)
