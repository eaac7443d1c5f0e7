"""What is known of a file before anything is done with it: read by PyAV and Pillow, in a child process with limits.

PyAV was chosen over pymediainfo by what is right: it counts packets, so it knows the length of a film whose header
tells none, a sound that begins late, and one that has no packet at all.
"""

import atexit
import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import anyio

from callsheet.errors import RequestError

PATIENCE_S = 20.0
"""A file that takes longer to be read is not read."""
READER = Path(__file__).with_name("reader.py")
PASSED_ON = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
PQ, HLG, BT2020 = 16, 18, 9


@dataclass(frozen=True)
class Stream:
    """One stream of a film or a sound; numbers of colour are those of ITU-T H.273."""

    index: int
    kind: str
    codec: str | None = None
    """None where nobody knows how to read it."""
    packets: int = 0
    start: float = 0.0
    seconds: float | None = None
    language: str | None = None
    default: bool = False
    cover: bool = False
    """A picture that is attached, and no film."""
    width: int = 0
    height: int = 0
    pixels: str = ""
    depth: int = 8
    alpha: bool = False
    square: Fraction = Fraction(1)
    """The shape of a pixel: width over height."""
    turned: int = 0
    """Shown turned to the right by so many degrees."""
    mirrored: bool = False
    rate: Fraction | None = None
    """Frames a second; where they vary, the highest that is usual."""
    steady: bool = True
    fields: bool = False
    """Interlaced."""
    full: bool = False
    primaries: int = 2
    transfer: int = 2
    matrix: int = 2
    hertz: int = 0
    channels: int = 0

    @property
    def readable(self) -> bool:
        """Whether there is anything in it that can be decoded."""
        return self.codec is not None and self.packets > 0

    @property
    def end(self) -> float:
        """When it is over, on the file's own clock."""
        return self.start + (self.seconds or 0.0)

    @property
    def hdr(self) -> bool:
        """Whether its light is that of PQ or HLG."""
        return self.transfer in (PQ, HLG)

    @property
    def upright(self) -> bool:
        """Whether it is shown as it is stored."""
        return self.turned == 0 and not self.mirrored

    @property
    def plain(self) -> bool:
        """Whether it can be drawn on as it is stored: upright, square, even, progressive, in ordinary light."""
        even = self.width % 2 == 0 and self.height % 2 == 0
        return self.upright and self.square == 1 and even and not self.fields and not self.hdr

    @property
    def shown(self) -> tuple[Fraction, Fraction]:
        """Width and height as they are seen: upright, in square pixels."""
        width, height = Fraction(self.width), Fraction(self.height)
        if self.square >= 1:
            width *= self.square
        else:
            height /= self.square
        return (height, width) if self.turned % 180 else (width, height)

    @property
    def size(self) -> tuple[int, int]:
        """The same in even numbers, as it is drawn on; a row or a column too many is cut off."""
        width, height = (side / 2 if self.square == 1 else Fraction(round(side / 2)) for side in self.shown)
        return max(2, int(width) * 2), max(2, int(height) * 2)


@dataclass(frozen=True)
class Picture:
    """A still, or a few: its kind (`png`, `avif`, …) and its size as shown."""

    format: str
    width: int
    height: int
    alpha: bool = False
    frames: int = 1
    turned: int = 1
    """The orientation in its EXIF."""


@dataclass(frozen=True)
class Facts:
    """What a file holds."""

    format: str | None = None
    """FFmpeg's name of the container, or Pillow's of the picture; None where it can be read as neither."""
    streams: tuple[Stream, ...] = ()
    picture: Picture | None = None
    start: float = 0.0
    claimed: float | None = None
    """The length that the container tells."""
    chapters: int = 0
    broken: str | None = None
    """Why it could not be read, or not to its end."""

    def of(self, kind: str) -> tuple[Stream, ...]:
        """The streams of a kind, without attached pictures."""
        return tuple(stream for stream in self.streams if stream.kind == kind and not stream.cover)

    @property
    def film(self) -> Stream | None:
        """The picture that moves, if one can be decoded."""
        return next((stream for stream in self.of("video") if stream.readable and stream.width), None)

    @property
    def sounds(self) -> tuple[Stream, ...]:
        """The sounds that can be heard."""
        return tuple(stream for stream in self.of("audio") if stream.readable)

    @property
    def video(self) -> str | None:
        """The coding of its picture."""
        return self.film.codec if self.film else self.picture.format if self.picture else None

    @property
    def audio(self) -> str | None:
        """The coding of its first sound."""
        return self.sounds[0].codec if self.sounds else None

    @property
    def width(self) -> int | None:
        """As stored; of a still, as shown."""
        return self.film.width if self.film else self.picture.width if self.picture else None

    @property
    def height(self) -> int | None:
        """As stored; of a still, as shown."""
        return self.film.height if self.film else self.picture.height if self.picture else None

    @property
    def shown(self) -> tuple[int, int] | None:
        """Width and height as they are seen."""
        if self.film:
            width, height = self.film.shown
            return round(width), round(height)
        return (self.picture.width, self.picture.height) if self.picture else None

    @property
    def rate(self) -> Fraction | None:
        """Frames a second."""
        return self.film.rate if self.film else None

    @property
    def turned(self) -> bool:
        """Shown on its side: width and height change places."""
        return bool(self.film and self.film.turned % 180)

    @property
    def seconds(self) -> float | None:
        """How long it is seen and heard; of a picture that does not move, None."""
        heard = [stream for stream in (*self.of("video"), *self.of("audio")) if stream.seconds]
        if not heard:
            return None
        return round(max(stream.end for stream in heard) - min(stream.start for stream in heard if stream.seconds), 6)


def read_stream(row: Mapping[str, Any]) -> Stream:
    """A stream out of the reader's answer."""
    known = {field.name for field in fields(Stream)}
    said = {name: value for name, value in row.items() if name in known and value is not None}
    said |= {name: Fraction(said[name]) for name in ("square", "rate") if name in said}
    return Stream(**said)


class Reader:
    """A child that reads files, one after the other; it ends by itself when it has nothing to do."""

    idle: ClassVar[list["Reader"]] = []
    lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self) -> None:
        self.process = subprocess.Popen(  # noqa: S603  (our own script, in our own interpreter)
            [sys.executable, "-I", str(READER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in PASSED_ON if name in os.environ},
        )

    def end(self) -> None:
        """Let it go."""
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):  # what it did not hear is lost
                assert pipe  # noqa: S101
                pipe.close()
        self.process.wait()

    def ask(self, **what: Any) -> dict[str, Any] | None:
        """One question; None where the child fell over it."""
        clock = threading.Timer(PATIENCE_S, self.process.kill)
        clock.daemon = True
        clock.start()
        try:
            assert self.process.stdin and self.process.stdout  # noqa: S101  (they are pipes)
            self.process.stdin.write(json.dumps(what).encode() + b"\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
            return dict(json.loads(answer)) if answer.endswith(b"\n") else None
        except (OSError, ValueError):
            return None
        finally:
            clock.cancel()

    @classmethod
    def read(cls, **what: Any) -> dict[str, Any]:
        """Ask an idle child, else a new one."""
        while True:
            with cls.lock:
                reader = cls.idle.pop() if cls.idle else None
            fresh = reader is None
            reader = reader or cls()
            answer = reader.ask(**what)
            if answer is not None:
                with cls.lock:
                    cls.idle.append(reader)
                return answer
            reader.end()
            if fresh:
                return {"error": "it cannot be read: the reader fell over it"}

    @classmethod
    def close(cls) -> None:
        """End them all."""
        while cls.idle:
            cls.idle.pop().end()


atexit.register(Reader.close)


async def probe(path: Path) -> Facts:
    """What a file holds; nothing but the reason where it cannot be read."""
    told = await anyio.to_thread.run_sync(lambda: Reader.read(do="probe", path=str(path)), abandon_on_cancel=True)
    if "error" in told:
        return Facts(broken=str(told["error"]))
    picture = told.pop("picture", None)
    streams = tuple(read_stream(row) for row in told.pop("streams"))
    return Facts(streams=streams, picture=Picture(**picture) if picture else None, **told)


async def drawn(path: Path, to: Path) -> Picture:
    """A picture written anew as a PNG that any FFmpeg reads: upright, in plain colours.

    Raises:
        RequestError: it cannot be read.
    """
    what = {"do": "draw", "path": str(path), "to": str(to)}
    told = await anyio.to_thread.run_sync(lambda: Reader.read(**what), abandon_on_cancel=True)
    if "error" in told:
        raise RequestError(f"The picture {path.name!r} cannot be read to its end; it may be broken.")
    return Picture("png", **told)
