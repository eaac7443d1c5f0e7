"""A film on its way through one decode and one encode, whatever number of edits is asked of it.

Each edit adds what it does to the picture and to the clock; FFmpeg's arguments are written once, at the end.
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path

import anyio

from callsheet.errors import RequestError
from callsheet.media import edits, ffmpeg, lettering, subtitles
from callsheet.media.edits import Edit, Source
from callsheet.media.fonts import Fonts
from callsheet.media.lettering import Writing


@dataclass(frozen=True)
class Layer:
    """Another picture, laid over the frame."""

    reading: tuple[str, ...]
    filters: str
    place: str


Step = str | Writing | Layer


@dataclass(frozen=True)
class Reel:
    """A film, the part of it that is used, how fast it is played, and what is done to its picture."""

    source: Source
    size: tuple[int, int]
    start: float
    end: float
    speed: float = 1.0
    pitch: bool = True
    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()
    said: tuple[str, ...] = ()

    @classmethod
    def of(cls, source: Source) -> "Reel":
        """A film as it is."""
        return cls(source, source.size, 0.0, source.seconds)

    @property
    def seconds(self) -> float:
        """How long the picture is by now."""
        return max(0.0, self.end - self.start) / self.speed

    def add(self, *steps: Step, size: tuple[int, int] | None = None) -> "Reel":
        """More that is done to the picture."""
        return replace(self, steps=(*self.steps, *steps), size=size or self.size)

    def note(self, *notes: str) -> "Reel":
        """Something to be said of the result."""
        return replace(self, notes=(*self.notes, *notes))

    def moved(self, start: float, end: float, speed: float) -> tuple[Step, ...]:
        """What is drawn, on another clock."""
        return tuple(s.moved(start, end, speed) if isinstance(s, Writing) else s for s in self.steps)

    def cut(self, start: float, end: float) -> "Reel":
        """The part from one moment to another."""
        first, last = self.start + start * self.speed, min(self.end, self.start + end * self.speed)
        return replace(self, start=first, end=last, steps=self.moved(start, end, 1.0))

    def faster(self, factor: float, pitch: bool) -> "Reel":
        """Played faster or slower."""
        steps = self.moved(0.0, math.inf, factor)
        return replace(self, speed=self.speed * factor, pitch=self.pitch and pitch, steps=steps)

    def inside(self, name: str, seconds: float) -> None:
        """Whether a moment lies within it.

        Raises:
            RequestError: it does not.
        """
        if self.seconds and seconds >= self.seconds:
            raise RequestError(f"`{name}` is {seconds:g} s, but the video is only {self.seconds:g} s long.")

    @property
    def timed(self) -> bool:
        """Whether the clock is another one than the file's."""
        return self.start > 0 or self.speed != 1 or self.end < self.source.seconds - 1e-6

    async def render(self, folder: Path, fonts: Fonts) -> Edit:
        """FFmpeg's arguments.

        Raises:
            RequestError: a text does not fit, or no font can write any of it.
        """
        source, film = self.source, self.source.film
        container = ".webm" if film.alpha else ".mp4"
        layers = [step for step in self.steps if isinstance(step, Layer)]
        graph, notes = await self.drawing(folder, fonts)
        notes = [*edits.changed(source), *self.notes, *notes]
        texts = await self.subtitled(folder) if self.timed else []
        opening = (*self.seek(), *source.reading, *(arg for layer in layers for arg in layer.reading))
        opening += tuple(arg for name, _ in texts for arg in ("-f", "srt", "-i", name))
        args = [*opening, "-filter_complex", graph, "-map", "[film]", *edits.sound_maps(source)]
        args += edits.SEE_THROUGH if film.alpha else edits.H264
        args += edits.sound_coding(source, container, copied=not self.timed)
        args += self.hearing()
        if not film.steady:
            args += ("-fps_mode", "vfr", "-enc_time_base", "1:90000")
        args += edits.cover_maps(source, container)
        args += self.carried(container, texts, 1 + len(layers))
        if source.facts.chapters and self.speed != 1:
            args += ("-map_chapters", "-1")
            notes.append("Left out: its chapters, whose times are no longer right.")
        notes += edits.lost(source, container)
        args += edits.finished(container)
        said = " ".join(self.said) or None
        return Edit(args, (f"out{container}",), self.seconds or None, said, notes=tuple(dict.fromkeys(notes)))

    def seek(self) -> tuple[str, ...]:
        """Where reading begins, and for how long it goes on."""
        begin = ("-ss", f"{self.start:.6f}") if self.start > 0 else ()
        whole = self.end >= self.source.seconds - 1e-6
        return begin if whole else (*begin, "-t", f"{self.end - self.start:.6f}")

    async def drawing(self, folder: Path, fonts: Fonts) -> tuple[str, list[str]]:
        """The graph of the picture, from the file to `[film]`, and what could not be drawn."""
        chain, notes = edits.shown(self.source), []
        if self.speed != 1:
            chain.append(f"setpts=PTS/{self.speed:.9f}")
            if self.source.film.steady or self.speed > 1:
                chain.append(f"fps={self.source.rate}")
        parts, label, number = [], f"0:{self.source.film.index}", 0
        for count, step in enumerate(self.steps):
            if isinstance(step, str):
                chain.append(step)
            elif isinstance(step, Writing):
                if step.sayings:
                    drawn, missing = lettering.script(folder, step, f"text{count}.ass", fonts)
                    chain.append(drawn + (":alpha=1" if self.source.film.alpha else ""))
                    notes += missing
            else:
                number += 1
                parts.append(f"[{label}]{','.join(chain)}[base{number}];[{number}:v]{step.filters}[layer{number}]")
                chain, label = [f"[layer{number}]overlay={step.place}"], f"base{number}"
        return ";".join([*parts, joined(label, chain, "yuva420p" if self.source.film.alpha else "yuv420p")]), notes

    def hearing(self) -> tuple[str, ...]:
        """The filters of the sounds, where their clock is another one."""
        if not self.timed:
            return ()
        filters = [edits.ON_THE_CLOCK]
        if self.speed != 1:
            filters.append(edits.tempo(self.speed, self.pitch))
        return tuple(
            arg for number in range(len(self.source.sounds)) for arg in (f"-filter:a:{number}", ",".join(filters))
        )

    def carried(self, container: str, texts: list[tuple[str, str]], first: int) -> tuple[str, ...]:
        """The tracks of subtitles that go along."""
        if not self.timed:
            return edits.text_maps(self.source, container)
        maps: list[str] = []
        for number, (_, language) in enumerate(texts):
            maps += ("-map", f"{first + number}:0", f"-metadata:s:s:{number}", f"language={language}")
        return (*maps, "-c:s", "mov_text" if container == ".mp4" else "webvtt") if maps else ()

    async def subtitled(self, folder: Path) -> list[tuple[str, str]]:
        """Each track of subtitles on the new clock, as a file, with its language."""
        made = []
        for number, track in enumerate(self.source.texts):
            name = f"track{number}.srt"
            read = ("-loglevel", "error", *self.source.reading, "-map", f"0:{track.index}", "-f", "srt", "-y")
            await ffmpeg.run(*read, f"file:{folder / name}")
            if await anyio.to_thread.run_sync(subtitles.shifted, folder / name, self.start, self.end, self.speed):
                made.append((name, track.language or "und"))
        return made


def joined(label: str, chain: list[str], pixels: str) -> str:
    """The last part of a graph."""
    return f"[{label}]{','.join([*chain, f'format={pixels}'])}[film]"
