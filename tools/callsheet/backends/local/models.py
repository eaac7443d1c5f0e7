"""FFmpeg on this machine, for nothing: every edit that needs no artist."""

import math
import os
from dataclasses import replace
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
from callsheet.media import edits, ffmpeg
from callsheet.media.edits import AAC, H264, OPUS, STEREO, Edit, Source, opened
from callsheet.media.fonts import Fonts
from callsheet.media.reel import Reel

FONTS = "CALLSHEET_FONTS"
"""Where a person names folders of further fonts."""
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


class Redrawn(Local):
    """An edit of one film's picture and clock, which can be made together with others of its kind."""

    async def edit(self, folder: Path) -> Edit:
        film = await opened(str(getattr(self, "video")), "video")  # noqa: B009  (each has one)
        return await (await self.drawn(Reel.of(film), folder)).render(folder, Fonts.around(os.environ.get(FONTS, "")))

    async def drawn(self, reel: Reel, folder: Path) -> Reel:
        """What it does to a film.

        Raises:
            RequestError: it cannot be done with this one.
        """
        raise NotImplementedError


class Trim(Redrawn):
    """Cuts at the very frame; copies the streams where keyframes lie there. `accurate` false cuts at keyframes."""

    words, path = TrimVideo, "trim"

    video: Film
    start_seconds: Moment = 0.0
    end_seconds: Annotated[float, Field(gt=0)] | None = None
    accurate: bool = True

    @model_validator(mode="after")
    def _ends(self) -> "Trim":
        if self.end_seconds is not None and self.end_seconds <= self.start_seconds:
            raise ValueError("`end_seconds` must be after `start_seconds`")
        return self

    async def edit(self, folder: Path) -> Edit:
        film = await opened(self.video, "video")
        film.inside("start_seconds", start := self.start_seconds)
        end = min(self.end_seconds or film.seconds, film.seconds or math.inf)
        if film.container is None:
            return await super().edit(folder)
        key, last, frames = await edits.copyable(film, start, end)
        exact = start - key <= 0.001 and abs(last - end) <= 0.02
        if self.accurate and not exact:
            return await super().edit(folder)
        said = "" if exact else f"It holds {key:.3f} to {last:.3f} s, as it can be copied."
        seek = ("-ss", f"{math.ceil(key * 1e6 - 1e-3) / 1e6:.6f}") if key else ()
        reading = (*seek, *film.reading, "-t", f"{last - key:.6f}", *(("-frames:v:0", str(frames)) if frames else ()))
        return copied(film, film.container, reading, last - key, f"{said} {self.late(film)}".strip() or None)

    async def drawn(self, reel: Reel, folder: Path) -> Reel:
        film = reel.source
        film.inside("start_seconds", self.start_seconds)
        told = self.late(film)
        cut = reel.cut(self.start_seconds, self.end_seconds or math.inf)
        return replace(cut, said=(*cut.said, told) if told else cut.said)

    def late(self, film: Source) -> str:
        """That more was asked for than there is."""
        beyond = self.end_seconds and film.seconds and self.end_seconds > film.seconds + 0.001
        return f"The video ends at {film.seconds:g} s." if beyond else ""


def copied(film: Source, container: str, reading: tuple[str, ...], seconds: float, said: str | None = None) -> Edit:
    """A film whose picture is stored as it is."""
    maps = ("-map", f"0:{film.film.index}", *edits.sound_maps(film), "-c:v:0", "copy")
    sounds = edits.sound_coding(film, container, copied=True)
    more = (*edits.cover_maps(film, container), *edits.text_maps(film, container))
    args = (*reading, *maps, *sounds, *more, *edits.finished(container))
    return Edit(args, (f"out{container}",), seconds, said, notes=edits.lost(film, container))


class Speed(Redrawn):
    """Plays faster or slower; the pitch and the frame rate stay, unless `keep_pitch` is false."""

    words, path = ChangeSpeed, "speed"

    video: Film
    speed_factor: Annotated[float, Field(ge=0.25, le=4)]
    keep_pitch: bool = True

    async def drawn(self, reel: Reel, folder: Path) -> Reel:
        return reel.faster(self.speed_factor, self.keep_pitch)


class Crop(Redrawn):
    """A part of the frame."""

    words, path = CropVideo, "crop"

    video: Film
    x: Annotated[int, Field(ge=0)] = 0
    y: Annotated[int, Field(ge=0)] = 0
    width: Side
    height: Side

    async def drawn(self, reel: Reel, folder: Path) -> Reel:
        across, down = reel.size
        if self.x + self.width > across or self.y + self.height > down:
            raise RequestError(
                f"{self.width}x{self.height} at {self.x},{self.y} does not lie within the frame of {across}x{down}."
            )
        size = (self.width, self.height)
        return reel.add(f"crop={self.width}:{self.height}:{self.x}:{self.y}:exact=1", size=size)


class Resize(Redrawn):
    """Another size, with bars where the shape differs; `fit`: `crop` fills it, `stretch` pulls it out of shape."""

    words, path = ResizeVideo, "resize"

    video: Film
    preset: Literal["1080p", "720p"] | None = None
    width: Side | None = None
    height: Side | None = None
    fit: Literal["pad", "crop", "stretch"] = "pad"

    async def drawn(self, reel: Reel, folder: Path) -> Reel:
        width, height = {"1080p": (1920, 1080), "720p": (1280, 720)}.get(
            str(self.preset), (self.width or 0, self.height or 0)
        )
        return reel.add(edits.fitted(width, height, self.fit), size=(width, height))


class Merge(Local):
    """Clips of one kind are joined as they are; others take the first one's size and rate in one encode."""

    words, path = MergeVideos, "merge"

    videos: Annotated[list[Film], Field(min_length=2, max_length=20)]

    async def edit(self, folder: Path) -> Edit:
        films = [await opened(video, "video") for video in self.videos]
        seconds = sum(film.seconds for film in films) if all(film.seconds for film in films) else None
        container = films[0].container
        alone = all(not f.sounds or (len(f.sounds) < 2 and abs(f.heard - f.seconds) < 0.5) for f in films)
        if container and alone and len({await edits.likeness(film) for film in films}) == 1:
            maps = ("-map", "0:V:0", "-map", "0:a?", "-c", "copy", *edits.finished(container))
            return Edit((*edits.listed(folder, films), *maps), (f"out{container}",), seconds, notes=left_out(films))
        return self.encoded(films, seconds)

    def encoded(self, films: list[Source], seconds: float | None) -> Edit:
        """All in the first one's size and rate; silence where a clip has no sound."""
        (width, height), sounding = films[0].size, any(film.sounds for film in films)
        graph, joints, notes = [], "", left_out(films)
        for n, film in enumerate(films):
            long = film.seconds
            picture = [*edits.shown(film), edits.fitted(width, height), f"fps={films[0].rate}:start_time=0"]
            picture += ["tpad=stop_mode=clone:stop_duration=1", f"trim=end={long:.6f}"] if long else []
            picture += ["format=yuv420p", "settb=AVTB"]
            graph.append(f"[{n}:{film.film.index}]{','.join(picture)}[v{n}]")
            joints += f"[v{n}]"
            notes += [f"Clip {n + 1}: {note}" for note in edits.changed(film)]
            if film.seconds and film.heard > film.seconds + 0.5:
                notes.append(f"Clip {n + 1}: its sound goes on after its picture, and was cut there.")
            if sounding:
                end = f",apad,atrim=end={long:.6f}" if long else ""
                silence = f"anullsrc=r=48000:cl=stereo,atrim=end={long:.6f},{STEREO}[a{n}]"
                graph.append(f"[{n}:{film.sounds[0].index}]{STEREO}{end}[a{n}]" if film.sounds else silence)
                joints += f"[a{n}]"
        outs = "[film][sound]" if sounding else "[film]"
        graph.append(f"{joints}concat=n={len(films)}:v=1:a={int(sounding)}{outs}")
        maps = ("-map", "[film]", *(("-map", "[sound]", *AAC) if sounding else ()), "-map_chapters", "-1")
        opening = [arg for film in films for arg in film.reading]
        args = (*opening, "-filter_complex", ";".join(graph), *maps, *H264, *edits.finished(".mp4"))
        said = f"The clips differ, so they were encoded once, at {width}x{height}."
        return Edit(args, ("out.mp4",), seconds, said, notes=notes)


def left_out(films: list[Source]) -> list[str]:
    """What of several clips the film made of them does not hold."""
    notes = []
    for n, film in enumerate(films, 1):
        more = [f"Left out: {len(film.sounds) - 1} more sounds."] if len(film.sounds) > 1 else []
        more += ["It can be seen through; the film cannot."] if film.see_through else []
        notes += [f"Clip {n}: {note}" for note in (*more, *edits.lost(film, ".none", texts=False))]
    return notes


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
        late = f"adelay={round(self.offset_seconds * 1000)}:all=1,"
        graph = f"[1:{sound.sounds[0].index}]{STEREO},volume={self.volume:.6f},{late}apad"
        if self.keep_sound and film.sounds:
            mixed = "amix=inputs=2:duration=longest:normalize=0,alimiter=limit=0.7:level=disabled"
            graph += f"[new];[0:{film.sounds[0].index}]{STEREO},apad[own];[own][new]{mixed}"
        graph += f",atrim=end={film.seconds:.6f}[sound]"
        container = film.container or ".mp4"
        drawn = film.container is None
        picture = f";[0:{film.film.index}]{','.join(edits.shown(film))}[film]" if drawn else ""
        coding = AAC if container == ".mp4" else OPUS
        maps = ("-map", "[film]", *H264) if drawn else ("-map", f"0:{film.film.index}", "-c:v:0", "copy")
        more = tuple(arg for extra in film.sounds[1:] for arg in ("-map", f"0:{extra.index}"))
        sounds = ("-map", "[sound]", *more, *coding)
        texts = (*edits.cover_maps(film, container), *edits.text_maps(film, container))
        args = (*film.reading, *sound.reading, "-filter_complex", graph + picture, *maps, *sounds, *texts)
        notes = [*(edits.changed(film) if drawn else []), *edits.lost(film, container)]
        out = edits.finished(container)
        return Edit((*args, *out), (f"out{container}",), film.seconds, notes=notes)


class JoinSounds(Local):
    """Sounds of one kind are joined as they are, others encoded once; `format` names the result's."""

    words, path, makes = MergeAudio, "merge-audio", "audio"

    audios: Annotated[list[Recording], Field(min_length=2, max_length=20)]
    format: Literal["mp3", "wav", "m4a", "flac"] | None = None

    async def edit(self, folder: Path) -> Edit:
        sounds = [await opened(audio, "audio") for audio in self.audios]
        seconds = sum(sound.heard for sound in sounds) if all(sound.heard for sound in sounds) else None
        forms = [ffmpeg.form_at(sound.path) for sound in sounds]
        suffix = forms[0].suffix if forms[0] else ""
        alone = all(sound.facts.film is None and len(sound.sounds) == 1 for sound in sounds)
        copied = suffix in (".mp3", ".wav", ".m4a") and self.format in (None, suffix[1:])
        if copied and alone and len({await edits.likeness(sound) for sound in sounds}) == 1:
            args = (*edits.listed(folder, sounds), "-map", "0:a", "-c", "copy", name := f"out{suffix}")
            return Edit(args, (name,), seconds)
        same = {form.suffix if form else None for form in forms} == {suffix} and suffix in (".wav", ".m4a", ".flac")
        name = f"out.{self.format or (suffix[1:] if same else 'mp3')}"
        coding = {"mp3": ("-c:a", "libmp3lame", "-q:a", "2"), "m4a": AAC}.get(name[4:], ())
        graph = ";".join(f"[{n}:{s.sounds[0].index}]{STEREO}[a{n}]" for n, s in enumerate(sounds))
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
        rate = f"fps={self.fps}" if film.film.packets > 1 else "null"
        graph = f"{','.join(edits.shown(film))},{rate},scale={width}:{height}:flags=lanczos,{palette}"
        maps = ("-filter_complex", f"[0:{film.film.index}]{graph}[film]", "-map", "[film]", "-loop", "0", "out.gif")
        return Edit((*film.reading, *maps), ("out.gif",), film.seconds, notes=edits.changed(film))


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
            each = ["select='isnan(prev_selected_t)+gt(floor(t),floor(prev_selected_t))'", *edits.shown(film)]
            drawn = (*self.picture(film, each), "-fps_mode", "passthrough", "frame-%04d.png")
            return Edit((*film.reading, *drawn), ("frame-*.png",), notes=edits.changed(film))
        at = 0.0
        if self.mode == "middle":
            at = await edits.frame_at(film, film.seconds / 2)
        if self.mode == "last":
            seen = await edits.moments(film, "-sseof", "-3") if film.heard < film.seconds + 1 else []
            at = max(seen or await edits.moments(film), default=0.0)
        seek = ("-ss", f"{at - 0.001:.6f}") if at > 0.001 else ()
        drawn = (*self.picture(film, edits.shown(film)), "-frames:v", "1", "-update", "1", "frame.png")
        return Edit((*seek, *film.reading, *drawn), ("frame.png",), notes=edits.changed(film))

    def picture(self, film: Source, filters: list[str]) -> tuple[str, ...]:
        """The picture through filters."""
        return ("-filter_complex", f"[0:{film.film.index}]{','.join(filters)}[film]", "-map", "[film]")


MODELS: tuple[type[Model], ...] = (Trim, Speed, Crop, Resize, Merge, AddSound, JoinSounds, MakeGif, Frames)
