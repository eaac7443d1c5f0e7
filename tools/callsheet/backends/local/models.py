"""FFmpeg on this machine, for nothing: every edit that needs no artist."""

import math
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from callsheet.catalogue.model import Input, Kind, Model, Price, exactly
from callsheet.catalogue.words import (
    AddAudio,
    ChangeSpeed,
    CropVideo,
    ExtractFrames,
    MergeAudio,
    MergeVideos,
    ResizeVideo,
    TrimVideo,
    VideoToGif,
)
from callsheet.errors import RequestError
from callsheet.media import edits
from callsheet.media.edits import AAC, H264, PICTURE, SOUND, STREAMED, Edit, Source, opened

MOST_GIF_PIXELS = 150_000_000
"""Of all frames together, which are held in memory while the palette is chosen."""


Film = Annotated[str, Input("video", by="file")]
Sound = Annotated[str, Input("audio", by="file")]
Recording = Annotated[str, Input("media", by="file")]
Picture = Annotated[str, Input("image", by="file")]
Side = Annotated[int, Field(ge=edits.SIDES[0], le=edits.SIDES[1]), AfterValidator(lambda side: side - side % 2)]
"""Even, as the commonest video format has it."""
Moment = Annotated[float, Field(ge=0)]


class Local(Model):
    """What all edits here have in common: they cost nothing, and can be cancelled and given a time limit."""

    id, path = "local/ffmpeg", "edit"
    makes: ClassVar[Kind] = "video"
    cancels, typical_s = True, 3.0

    timeout_seconds: Annotated[int, Field(ge=1, le=14_400)] = 1800

    def price(self) -> Price:
        return exactly(0)

    async def edit(self, folder: Path) -> Edit:
        """What is to be run, in a folder of its own.

        Raises:
            RequestError: it cannot be done with what the inputs hold.
        """
        raise NotImplementedError


class Trim(Local):
    """Copies the streams, from the keyframe at or before the start; `accurate` cuts at the very frame."""

    words, path = TrimVideo, "trim"

    video: Film
    start_seconds: Moment = 0.0
    end_seconds: Annotated[float, Field(gt=0)] | None = None
    accurate: bool = False

    @model_validator(mode="after")
    def _ends(self) -> "Trim":
        if self.end_seconds is not None and self.end_seconds <= self.start_seconds:
            raise ValueError("`end_seconds` must be after `start_seconds`")
        return self

    async def edit(self, folder: Path) -> Edit:
        film = await opened(self.video, "video")
        film.inside("start_seconds", start := self.start_seconds)
        end = min(self.end_seconds or film.seconds, film.seconds or math.inf)
        said = f"The video ends at {film.seconds:g} s." if self.end_seconds and end < self.end_seconds else None
        if self.accurate or film.container is None:
            cut = ("-ss", f"{start:.6f}", *film.reading, "-t", f"{end - start:.6f}", *PICTURE, *SOUND)
            return Edit((*cut, *H264, *AAC, *STREAMED, "out.mp4"), ("out.mp4",), end - start, said)
        key, last, frames = await edits.copyable(film, start, end)
        if start - key > 0.001 or abs(last - end) > 0.02:
            said = f"It holds {key:.3f} to {last:.3f} s, as it can be copied; options={{'accurate': true}} cuts there."
        seek = ("-ss", f"{math.ceil(key * 1e6 - 1e-3) / 1e6:.6f}") if key else ()
        part = (*seek, *film.reading, *PICTURE, *SOUND, *edits.texts(film), "-c", "copy", "-t", f"{last - key:.6f}")
        count = ("-frames:v", str(frames)) if frames else ()
        name = f"out{film.container}"
        return Edit((*part, *count, *(STREAMED if name.endswith("mp4") else ()), name), (name,), last - key, said)


class Speed(Local):
    """Plays faster or slower at the same pitch and frame rate."""

    words, path = ChangeSpeed, "speed"

    video: Film
    speed_factor: Annotated[float, Field(ge=0.25, le=4)]

    async def edit(self, folder: Path) -> Edit:
        film = await opened(self.video, "video")
        sound = ("-af", edits.tempo(self.speed_factor), *SOUND, *AAC) if film.facts.audio else ()
        picture = ("-vf", f"setpts=PTS/{self.speed_factor:.9f},fps={film.rate}", *PICTURE, *H264)
        args = (*film.reading, *picture, *sound, *STREAMED, "out.mp4")
        return Edit(args, ("out.mp4",), film.seconds / self.speed_factor or None)


class Crop(Local):
    """A part of the frame."""

    words, path = CropVideo, "crop"

    video: Film
    x: Annotated[int, Field(ge=0)] = 0
    y: Annotated[int, Field(ge=0)] = 0
    width: Side
    height: Side

    async def edit(self, folder: Path) -> Edit:
        film = await opened(self.video, "video")
        across, down = film.size
        if self.x + self.width > across or self.y + self.height > down:
            raise RequestError(
                f"{self.width}x{self.height} at {self.x},{self.y} does not lie within the frame of {across}x{down}."
            )
        return edits.redrawn(film, f"crop={self.width}:{self.height}:{self.x}:{self.y}:exact=1")


class Resize(Local):
    """Another size, with bars where the shape differs; `fit`: `crop` fills it, `stretch` pulls it out of shape."""

    words, path = ResizeVideo, "resize"

    video: Film
    preset: Literal["1080p", "720p"] | None = None
    width: Side | None = None
    height: Side | None = None
    fit: Literal["pad", "crop", "stretch"] = "pad"

    async def edit(self, folder: Path) -> Edit:
        film = await opened(self.video, "video")
        width, height = {"1080p": (1920, 1080), "720p": (1280, 720)}.get(
            str(self.preset), (self.width or 0, self.height or 0)
        )
        return edits.redrawn(film, edits.fitted(width, height, self.fit, film.square))


class Merge(Local):
    """Clips of one kind are joined as they are; others take the first one's size and rate in one encode."""

    words, path = MergeVideos, "merge"

    videos: Annotated[list[Film], Field(min_length=2, max_length=20)]

    async def edit(self, folder: Path) -> Edit:
        films = [await opened(video, "video") for video in self.videos]
        seconds = sum(film.seconds for film in films) if all(film.seconds for film in films) else None
        if films[0].container and len({await edits.likeness(film) for film in films}) == 1:
            name = f"out{films[0].container}"
            streamed = STREAMED if name.endswith("mp4") else ()
            args = (*edits.listed(folder, films), *PICTURE, *SOUND, "-c", "copy", *streamed, name)
            return Edit(args, (name,), seconds)
        return self.encoded(films, seconds)

    def encoded(self, films: list[Source], seconds: float | None) -> Edit:
        """All in the first one's size and rate; silence where a clip has no sound."""
        width, height = (side - side % 2 for side in films[0].size)
        sounding = any(film.facts.audio for film in films)
        graph, joints = [], ""
        for n, film in enumerate(films):
            fitted = edits.fitted(width, height, "pad", film.square)
            graph.append(f"[{n}:V:0]{fitted},fps={films[0].rate},format=yuv420p,settb=AVTB[v{n}]")
            joints += f"[v{n}]"
            if sounding:
                stereo = "aresample=48000,aformat=sample_fmts=fltp:channel_layouts=stereo"
                silence = f"anullsrc=r=48000:cl=stereo,atrim=end={film.seconds:.6f},{stereo}[a{n}]"
                graph.append(f"[{n}:a:0]{stereo}[a{n}]" if film.facts.audio else silence)
                joints += f"[a{n}]"
        outs = "[film][sound]" if sounding else "[film]"
        graph.append(f"{joints}concat=n={len(films)}:v=1:a={int(sounding)}{outs}")
        maps = ("-map", "[film]", *(("-map", "[sound]", *AAC) if sounding else ()))
        opening = [arg for film in films for arg in film.reading]
        args = (*opening, "-filter_complex", ";".join(graph), *maps, *H264, *STREAMED, "out.mp4")
        return Edit(args, ("out.mp4",), seconds, f"The clips differ, so they were encoded once, at {width}x{height}.")


class AddSound(Local):
    """Mixes a sound with the video's own, or replaces that (`keep_sound`: false); the picture is copied."""

    words, path = AddAudio, "add-audio"

    video: Film
    audio: Recording
    offset_seconds: Moment = 0.0
    volume: Annotated[float, Field(ge=0, le=10)] = 1.0
    keep_sound: bool = True

    async def edit(self, folder: Path) -> Edit:
        film, sound = await opened(self.video, "video"), await opened(self.audio, "audio")
        film.inside("offset_seconds", self.offset_seconds)
        if not film.seconds:
            raise RequestError("The length of the video is not known; resize_video writes it anew.")
        stereo = "aresample=48000,aformat=sample_fmts=fltp:channel_layouts=stereo"
        late = f"adelay={round(self.offset_seconds * 1000)}:all=1,"
        graph = f"[1:a:0]{stereo},volume={self.volume:.6f},{late}apad"
        if self.keep_sound and film.facts.audio:
            graph += f"[new];[0:a:0]{stereo},apad[own];[own][new]amix=inputs=2:duration=longest:normalize=0"
        graph += f",atrim=end={film.seconds:.6f}[sound]"
        webm = film.facts.video in edits.IN_WEBM and film.facts.video not in edits.IN_MP4
        name = "out.webm" if webm else "out.mp4"
        picture = ("-c:v", "copy") if webm or film.facts.video in edits.IN_MP4 else H264
        coding = ("-c:a", "libopus", "-b:a", "160k") if webm else (*AAC, *STREAMED)
        maps = ("-filter_complex", graph, *PICTURE, "-map", "[sound]", *(() if webm else edits.texts(film)))
        return Edit((*film.reading, *sound.reading, *maps, *picture, *coding, name), (name,), film.seconds)


class JoinSounds(Local):
    """Sounds of one kind are joined as they are, others encoded once; `format` names the result's."""

    words, path, makes = MergeAudio, "merge-audio", "audio"

    audios: Annotated[list[Recording], Field(min_length=2, max_length=20)]
    format: Literal["mp3", "wav", "m4a", "flac"] | None = None

    async def edit(self, folder: Path) -> Edit:
        sounds = [await opened(audio, "audio") for audio in self.audios]
        seconds = sum(sound.seconds for sound in sounds) if all(sound.seconds for sound in sounds) else None
        suffix = sounds[0].form.suffix
        copied = suffix in (".mp3", ".wav", ".m4a") and self.format in (None, suffix[1:])
        if copied and len({await edits.likeness(sound) for sound in sounds}) == 1:
            args = (*edits.listed(folder, sounds), "-map", "0:a", "-c", "copy", name := f"out{suffix}")
            return Edit(args, (name,), seconds)
        same = {sound.form.suffix for sound in sounds} == {suffix} and suffix in (".wav", ".m4a", ".flac")
        name = f"out.{self.format or (suffix[1:] if same else 'mp3')}"
        coding = {"mp3": ("-c:a", "libmp3lame", "-q:a", "2"), "m4a": AAC}.get(name[4:], ())
        stereo = "aresample=48000,aformat=channel_layouts=stereo"
        graph = ";".join(f"[{n}:a:0]{stereo}[a{n}]" for n in range(len(sounds)))
        graph += ";" + "".join(f"[a{n}]" for n in range(len(sounds))) + f"concat=n={len(sounds)}:v=0:a=1[sound]"
        opening = [arg for sound in sounds for arg in sound.reading]
        return Edit((*opening, "-filter_complex", graph, "-map", "[sound]", *coding, name), (name,), seconds)


class MakeGif(Local):
    """With a palette of its own; 480 pixels wide and 12 frames a second unless said."""

    words, path, makes = VideoToGif, "to-gif", "image"

    video: Film
    width: Annotated[int, Field(ge=2, le=2000)] = 480
    fps: Annotated[int, Field(ge=1, le=50)] = 12

    async def edit(self, folder: Path) -> Edit:
        film = await opened(self.video, "video")
        width = min(self.width, film.size[0])
        height = round(width * film.size[1] / film.size[0])
        if (pixels := round(film.seconds * self.fps) * width * height) > MOST_GIF_PIXELS:
            raise RequestError(
                f"{film.seconds:g} s at {width}x{height} and {self.fps} frames a second is too much for a GIF "
                f"({pixels / MOST_GIF_PIXELS:.1f} times the most). Trim it, or say a smaller width or fps."
            )
        palette = "split[a][b];[a]palettegen=stats_mode=diff[p];[b][p]paletteuse=dither=bayer:bayer_scale=4"
        graph = f"fps={self.fps},scale={width}:-1:flags=lanczos,{palette}"
        args = (*film.reading, "-filter_complex", f"[0:V:0]{graph}[film]", "-map", "[film]", "-loop", "0", "out.gif")
        return Edit(args, ("out.gif",), film.facts.seconds)


class Frames(Local):
    """PNG stills: the `first` (unless said), `middle` or `last` frame, or the first of each second (`all_1fps`)."""

    words, path, makes = ExtractFrames, "frames", "image"

    video: Film
    mode: Literal["first", "last", "middle", "all_1fps"] = "first"

    async def edit(self, folder: Path) -> Edit:
        film = await opened(self.video, "video")
        if self.mode == "all_1fps":
            if film.seconds > edits.MOST_FRAMES:
                raise RequestError(
                    f"{film.seconds:g} s would give more than {edits.MOST_FRAMES} stills; trim it first."
                )
            each = "select='isnan(prev_selected_t)+gt(floor(t),floor(prev_selected_t))'"
            args = (*film.reading, *PICTURE, "-vf", each, "-fps_mode", "passthrough", "frame-%04d.png")
            return Edit(args, ("frame-*.png",))
        at = 0.0 if self.mode == "first" else film.seconds / 2
        if self.mode == "last":
            shown = await edits.moments(film, "-sseof", "-3") or await edits.moments(film)
            at = max(shown, default=0.0) - 0.001
        seek = ("-ss", f"{at:.6f}") if at > 0 else ()
        return Edit((*seek, *film.reading, *PICTURE, "-frames:v", "1", "-update", "1", "frame.png"), ("frame.png",))


MODELS: tuple[type[Model], ...] = (Trim, Speed, Crop, Resize, Merge, AddSound, JoinSounds, MakeGif, Frames)
