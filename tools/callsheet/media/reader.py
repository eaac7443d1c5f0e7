"""The child process that opens foreign media: a line of JSON in, a line of JSON out.

It is run by its path and imports nothing of ours, so it starts quickly, holds no key, and takes nobody along when it
falls. It ends by itself when nobody has asked it anything for a while, or when whoever asks is gone.
"""

import contextlib
import itertools
import json
import os
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

IDLE_S = 30.0
MEMORY = 3 << 30
PIXELS = 200_000_000
SCANNED = 64 << 20
"""Files up to this size are read whole, packet by packet; of longer ones the first and the last seconds."""
EDGE_S = 12.0
PADDING_S = 0.15
FIRST_PACKETS = 400
"""Among so many packets the first picture is looked for."""

DEMUXERS = (
    "mov,matroska,avi,mpegts,mpeg,flv,live_flv,asf,mpegvideo,m4v,h264,hevc,av1,obu,ivf,mxf,dv,rm,ogg,wav,w64,mp3,aac,ac3,eac3,"
    "flac,aiff,caf,au,amr,ape,wv,tta,dts,dtshd,truehd,mpc,mpc8,voc,gif,apng,yuv4mpegpipe,nut,3dostr,nsv,roq,"
    "smk,film_cpk,mjpeg,vc1,png_pipe,jpeg_pipe,webp_pipe,bmp_pipe,tiff_pipe,jpegxl_pipe,mp4,m4a,3gp,3g2,mj2,webm,gxf"
)
"""What holds its media itself: none of these names another file or an address."""
ALPHA = ("yuva", "rgba", "bgra", "argb", "abgr", "gbrap", "ya8", "ya16", "pal8")


def fraction(value: Any) -> str | None:
    """A ratio as text; None where there is none."""
    return f"{Fraction(value).numerator}/{Fraction(value).denominator}" if value else None


def pictured(path: str) -> dict[str, Any] | None:
    """What a picture is; None where it is none that Pillow reads.

    Raises:
        ValueError: it is one, and too large to be opened.
    """
    from PIL import Image  # noqa: PLC0415  (only where there is a picture)

    Image.MAX_IMAGE_PIXELS = PIXELS // 2
    try:
        with Image.open(path) as image:
            turn = image.getexif().get(0x0112, 1)
            width, height = image.size[::-1] if turn in (5, 6, 7, 8) else image.size
            frames = getattr(image, "n_frames", 1)
            alpha = image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info
            return {"format": str(image.format).lower(), "width": width, "height": height, "alpha": alpha} | {
                "frames": frames,
                "turned": turn if isinstance(turn, int) else 1,
            }
    except Image.DecompressionBombError as error:
        raise ValueError("too large") from error
    except (OSError, SyntaxError, ValueError, TypeError, struct.error, EOFError):
        return None


def drawn(path: str, to: str) -> dict[str, Any]:
    """Write a picture anew as PNG: upright, in plain colours, with all its frames."""
    from PIL import Image, ImageOps, ImageSequence  # noqa: PLC0415

    Image.MAX_IMAGE_PIXELS = PIXELS // 2
    with Image.open(path) as image:
        alpha = image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info
        mode = "RGBA" if alpha else "RGB"
        shots = [
            ImageOps.exif_transpose(frame).convert(mode)
            for frame in itertools.islice(ImageSequence.Iterator(image), 600)
        ]
        first, *rest = shots
        length = image.info.get("duration", 100)
        first.save(
            to, "PNG", **({"save_all": True, "append_images": rest, "duration": length, "loop": 0} if rest else {})
        )
        return {"width": first.width, "height": first.height, "frames": len(shots), "alpha": alpha}


def turn(matrix: bytes) -> tuple[int, bool]:
    """How a display matrix shows a picture: turned to the right by so many degrees, and whether mirrored."""
    a, b, _, c, d = struct.unpack("=9i", matrix[:36])[:5]
    mirrored = a * d - b * c < 0
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return (0 if d > 0 else 180), mirrored
    return (90 if b > 0 else 270), mirrored


class Look:
    """What is learnt of one stream while its packets go by."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.count = 0
        self.times: list[int] = []
        self.first: int | None = None
        self.end: int | None = None
        self.frame: Any = None
        self.tries = 0

    def see(self, packet: Any) -> None:
        """One packet."""
        if packet.pts is None and packet.dts is None:
            return
        at = packet.pts if packet.pts is not None else packet.dts
        self.count += 1
        self.first = at if self.first is None else min(self.first, at)
        end = at + (packet.duration or 0)
        self.end = end if self.end is None else max(self.end, end)
        if self.stream.type == "video":
            self.times.append(at)
            if self.frame is None and self.tries < FIRST_PACKETS:
                self.tries += 1
                with contextlib.suppress(Exception):
                    self.frame = next(iter(packet.decode()), None)

    def steps(self) -> list[int]:
        """The distances between pictures, the shortest first."""
        shown = sorted(self.times)
        return sorted(b - a for a, b in itertools.pairwise(shown) if b > a)


def told(look: Look, claimed: bool) -> dict[str, Any]:
    """What is known of a stream; `claimed` where the container's word on times is good."""
    stream, second = look.stream, float(look.stream.time_base or 0)
    coding = stream.codec_context
    found: dict[str, Any] = {"index": stream.index, "kind": stream.type, "packets": look.count}
    found["codec"] = coding.name if coding else None
    found["language"] = stream.metadata.get("language")
    flags = int(stream.disposition)
    found["default"], found["cover"] = bool(flags & 1), bool(flags & 0x400)
    begun = stream.start_time if claimed and stream.start_time is not None else look.first
    found["start"] = begun * second if begun is not None else 0.0
    lengths = [stream.duration * second] if claimed and stream.duration else []
    if look.end is not None and look.first is not None:
        last = look.steps()[len(look.steps()) // 2] if look.times and look.steps() else 0
        newest = max(look.times) + last if look.times else look.end
        lengths += [(max(look.end, newest) - look.first) * second] if stream.type == "video" or not lengths else []
    found["seconds"] = max(lengths, default=None)
    if not claimed and stream.type == "audio" and stream.duration and lengths:
        word = stream.duration * second  # without what the coder added before and after
        found["seconds"] = word if 0 < lengths[0] - word < PADDING_S else lengths[0]
    if stream.type == "video" and coding:
        found |= seen(look, coding)
    if stream.type == "audio" and coding:
        found |= {"hertz": coding.sample_rate, "channels": getattr(coding, "channels", 0) or coding.layout.nb_channels}
    return found


def seen(look: Look, coding: Any) -> dict[str, Any]:
    """What is known of a picture that moves."""
    stream, frame, second = look.stream, look.frame, float(look.stream.time_base or 0)
    pixels = (frame.format.name if frame is not None else None) or coding.pix_fmt or ""
    form = frame.format if frame is not None else coding.format
    depth = max((part.bits for part in form.components), default=8) if form else 8
    matrix = frame.side_data.get("DISPLAYMATRIX") if frame is not None else None
    degrees, mirrored = turn(bytes(matrix)) if matrix else (0, False)
    steps = look.steps()
    usual = float(steps[len(steps) // 2] * second) if steps else 0.0
    spread = (steps[-1] - steps[0]) * second if steps else 0.0
    steady = spread <= max(0.0025, usual * 0.02)
    peak = 1 / (steps[len(steps) // 20] * second) if steps and second else 0.0
    rate = stream.guessed_rate or stream.average_rate
    fields = coding.field_order not in (0, 1) or bool(frame is not None and frame.interlaced_frame)
    if fields and rate and usual and rate * usual > 1.5:
        rate = Fraction(rate) / 2  # counted in fields
    return {
        "width": coding.width,
        "height": coding.height,
        "pixels": pixels,
        "depth": depth,
        "alpha": pixels.startswith(ALPHA[:-1]) or stream.metadata.get("alpha_mode") == "1",
        "square": fraction(stream.sample_aspect_ratio or coding.sample_aspect_ratio),
        "turned": degrees,
        "mirrored": mirrored,
        "rate": fraction(rate),
        "steady": steady,
        "peak": peak,
        "fields": fields,
        "full": int(coding.color_range or 0) == 2,
        "primaries": int(coding.color_primaries or 2),
        "transfer": int(coding.color_trc or 2),
        "matrix": int(coding.colorspace if coding.colorspace is not None else 2),
    }


def packets(container: Any, size: int) -> Iterator[Any]:
    """All packets of a short file; of a long one those of its first and last seconds."""
    if size <= SCANNED:
        yield from container.demux()
        return
    begun = (container.start_time or 0) / 1e6
    for packet in container.demux():
        if packet.dts is not None and float(packet.dts * packet.time_base) > begun + EDGE_S:
            break
        yield packet
    if container.duration:
        with contextlib.suppress(Exception):
            container.seek(max(0, int(container.duration + (container.start_time or 0) - EDGE_S * 1e6)))
            yield from container.demux()


def filmed(path: str) -> dict[str, Any]:
    """What a film or a sound holds."""
    import av  # noqa: PLC0415  (slow to import; a picture does not need it)

    options = {"protocol_whitelist": "file", "format_whitelist": DEMUXERS, "max_alloc": str(1 << 30)}
    with av.open(f"file:{path}", options=options, metadata_errors="replace") as container:
        looks = [Look(stream) for stream in container.streams]
        broken = None
        try:
            for packet in packets(container, Path(path).stat().st_size):
                looks[packet.stream_index].see(packet)
        except av.error.FFmpegError as error:
            broken = type(error).__name__
        name = container.format.name.partition(",")[0]
        found: dict[str, Any] = {"format": name, "streams": [told(look, name in ("mov", "avi")) for look in looks]}
        found["start"] = (container.start_time or 0) / 1e6
        found["claimed"] = container.duration / 1e6 if container.duration else None
        found["chapters"] = len(container.chapters())
        found["broken"] = broken
        return found


def probe(path: str) -> dict[str, Any]:
    """What a file holds: a picture, or streams."""
    picture = pictured(path)
    if (
        picture
        and picture["format"] not in ("gif", "mpo")
        and not (picture["frames"] > 1 and picture["format"] == "png")
    ):
        return {"format": picture["format"], "picture": picture, "streams": []}
    return {**filmed(path), "picture": picture}


WORK: dict[str, Callable[..., dict[str, Any]]] = {"probe": probe, "draw": drawn}


def limited() -> None:
    """Bounds on memory, where the system has them."""
    try:
        import resource  # noqa: PLC0415
    except ImportError:
        return
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Answer, line by line, until nobody asks any more."""
    limited()
    out = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # nothing that a library prints is an answer
    while True:
        clock = threading.Timer(IDLE_S, os._exit, (0,))
        clock.daemon = True
        clock.start()
        line = sys.stdin.readline()
        clock.cancel()
        if not line:
            return
        said = json.loads(line)
        try:
            answer = WORK[said.pop("do")](**said)
        except MemoryError:
            answer = {"error": "too large"}
        except ValueError as error:
            answer = {"error": str(error)[:200]}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"[:200]}
        out.write(json.dumps(answer) + "\n")
        out.flush()


if __name__ == "__main__":
    main()
