"""Films out of nothing: art that drifts, and stills that are set in motion."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from .cutting import a_sound
from .engine import AAC, H264, Bench, Word, bench, moved

if TYPE_CHECKING:
    from PIL import Image

    from . import art

MODES = (
    *("center", "top_left", "top_right", "bottom_left", "bottom_right"),
    *("pan_right", "pan_left", "pan_up", "pan_down", "none"),
)
LONGEST = 600.0


@dataclass
class Reel:
    """A film being put together: inputs on the bench, filters over them, the words in its sound."""

    place: Bench
    size: tuple[int, int]
    fps: int
    frames: int
    args: list[str] = field(default_factory=list)
    graph: list[str] = field(default_factory=list)
    maps: list[str] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """The length, in whole frames."""
        return self.frames / self.fps

    def lay(self, data: bytes) -> int:
        """Add an input and return its number."""
        number = self.args.count("-i")
        self.place.put(f"input{number}", data)
        self.args += ["-i", f"input{number}"]
        return number

    def show(self, image: "Image.Image", motion: str, label: str) -> None:
        """Add a picture as a stream of frames."""
        from . import art  # noqa: PLC0415 - numpy and Pillow only when there is something to paint

        self.graph.append(f"[{self.lay(art.encoded(image, 'png'))}]{motion}[{label}]")

    def cover(self, under: str, image: "Image.Image", at: str, label: str) -> str:
        """Lay a picture over a stream and return the name of the result."""
        from . import art  # noqa: PLC0415 - as above

        self.graph.append(f"[{under}][{self.lay(art.encoded(image, 'png'))}]overlay={at}[{label}]")
        return label

    def sound(self, data: bytes, fade: str = "anull") -> None:
        """Add the sound, cut or filled up to the film's length."""
        number = self.lay(data)
        self.words = moved(a_sound(self.place, f"input{number}")[1], 0, until=self.seconds)
        self.graph.append(f"[{number}:a]apad,atrim=duration={self.seconds:.6f},{fade}[sound]")
        self.maps += ["-map", "[sound]", *AAC]

    def still(self) -> str:
        """The filter that holds a picture."""
        return f"loop=-1:size=1,setpts=N/{self.fps}/TB,fps={self.fps},trim=end_frame={self.frames},format=yuv420p"

    def finish(self, shown: str) -> bytes:
        """Encode the film that ends in this stream."""
        graph = ";".join([*self.graph, f"[{shown}]format=yuv420p[film]"])
        limits = ["-frames:v", str(self.frames), "-r", str(self.fps)]
        maps = ["-map", "[film]", *self.maps]
        self.place.run(*self.args, "-filter_complex", graph, *maps, *limits, *H264, "out.mp4", words=self.words)
        return self.place.get("out.mp4")


def clip(
    prompt: str,
    width: int,
    height: int,
    seconds: float,
    *,
    fps: int = 24,
    seed: int = 0,
    first: bytes | None = None,
    last: bytes | None = None,
    sound: bytes | Literal["tune"] | None = None,
) -> bytes:
    """A film of the prompt: its art in motion, or the stills that were given brought to life."""
    from . import art  # noqa: PLC0415 - as above

    with bench() as place:
        reel = Reel(place, (_even(width), _even(height)), fps, _frames(seconds, fps))
        stills = [art.covering(art.opened(data), *reel.size) for data in (first, last) if data is not None]
        if not stills:
            shown = _drift(reel, art.scene(prompt, *reel.size, seed, travel=reel.seconds))
        else:
            shown = "v0"
            for number, image in enumerate(stills):
                reel.show(image, _zoom("center", reel, speed=0.12 / reel.frames, max_scale=1.2), f"v{number}")
            if len(stills) > 1:
                times = f"duration={reel.seconds * 0.6:.4f}:offset={reel.seconds * 0.2:.4f}"
                reel.graph.append(f"[v0][v1]xfade=transition=fade:{times}[faded]")
                shown = "faded"
        for number, (words, at) in enumerate(art.titles(prompt, *reel.size)):
            shown = reel.cover(shown, words, f"{at[0]}:{at[1]}", f"t{number}")
        if sound == "tune":
            from .score import tune  # noqa: PLC0415 - as above

            sound = tune(prompt, reel.seconds, seed=seed, instrumental=True)
        if sound is not None:
            reel.sound(sound)
        return reel.finish(shown)


def ken_burns(
    image: bytes,
    seconds: float,
    *,
    mode: str = "center",
    speed: float = 0.0015,
    max_scale: float = 1.5,
    pan_speed: float = 1.0,
    music: bytes | None = None,
) -> bytes:
    """A still with a slow camera over it: zoom to a corner or the middle, or pan; `speed` is scale a frame."""
    from . import art  # noqa: PLC0415 - as above

    if mode not in MODES:
        raise ValueError(f"mode is one of {', '.join(MODES)}, not {mode!r}")
    picture = art.opened(image)
    shrink = min(1.0, 1920 / max(picture.size), 1080 / min(picture.size))
    size = _even(round(picture.width * shrink)), _even(round(picture.height * shrink))
    with bench() as place:
        reel = Reel(place, size, 25, _frames(seconds, 25))
        motion = _zoom(mode, reel, speed=speed, max_scale=max_scale, pan_speed=pan_speed)
        reel.show(art.covering(picture, *size), motion, "moved")
        if music is not None:
            reel.sound(music, f"afade=t=out:st={max(0.0, reel.seconds - 1):.3f}:d=1")
        return reel.finish("moved")


def _drift(reel: Reel, scene: "art.Scene") -> str:
    """The layers of a scene pass by, the nearer the faster."""
    reel.show(scene.sky, reel.still(), "v0")
    shown = "v0"
    for number, layer in enumerate(scene.layers):
        at = f"x='-{layer.pace * reel.size[0]:.3f}*t':y={layer.top}"
        shown = reel.cover(shown, layer.image, at, f"v{number + 1}")
    return shown


def _zoom(mode: str, reel: Reel, *, speed: float, max_scale: float, pan_speed: float = 1.0) -> str:
    """The filter that moves a camera over one picture."""
    if mode == "none":
        return reel.still()
    scale = max(1.0, max_scale)
    grown = f"min(1+{speed:.6f}*on,{scale:.4f})"
    upright, _, sideways = mode.partition("_")
    x = {"left": "0", "right": "iw-iw/zoom"}.get(sideways, "(iw-iw/zoom)/2")
    y = {"top": "0", "bottom": "ih-ih/zoom"}.get(upright, "(ih-ih/zoom)/2")
    if mode.startswith("pan_"):
        grown = f"{scale:.4f}"
        step = f"{pan_speed:.4f}*on"
        x, y = {
            "pan_right": (f"min({step},iw-iw/zoom)", "(ih-ih/zoom)/2"),
            "pan_left": (f"max(iw-iw/zoom-{step},0)", "(ih-ih/zoom)/2"),
            "pan_down": ("(iw-iw/zoom)/2", f"min({step},ih-ih/zoom)"),
            "pan_up": ("(iw-iw/zoom)/2", f"max(ih-ih/zoom-{step},0)"),
        }[mode]
    return (
        f"zoompan=z='{grown}':x='{x}':y='{y}':d={reel.frames}:s={reel.size[0]}x{reel.size[1]}:fps={reel.fps},setsar=1"
    )


def _even(pixels: int) -> int:
    """x264 wants even sides."""
    return max(2, pixels // 2 * 2)


def _frames(seconds: float, fps: int) -> int:
    if not 0 < seconds <= LONGEST:
        raise ValueError(f"a clip is up to {LONGEST:.0f} seconds long, not {seconds:g}")
    if not 1 <= fps <= 120:
        raise ValueError(f"a clip has 1 to 120 frames a second, not {fps}")
    return max(1, round(seconds * fps))
