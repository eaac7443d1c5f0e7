"""Pictures out of a prompt: layered land under a painted sky, the same for the same prompt and seed."""

import functools
import hashlib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter, UnidentifiedImageError

from .letters import drawable, placard
from .people import PERSON, figure

Floats = npt.NDArray[np.float32]
Box = tuple[int, int]

MOST = 4096  # pixels a side
CANVAS = 1280  # the art is painted no larger than this and enlarged; words are drawn at full size


@dataclass(frozen=True)
class Palette:
    """Sky from the top down, the sun, and the land from the horizon to the viewer."""

    sky: tuple[str, str, str]
    sun: str
    far: str
    near: str
    night: bool = False


DAWN = Palette(("#5b6fb5", "#f2a7a0", "#ffe2b8"), "#fff4d6", "#c98f9f", "#2c2547")
DUSK = Palette(("#2a2a5e", "#b8487a", "#ffb36b"), "#ffe0a3", "#9c4a78", "#1b1535")
NOON = Palette(("#3f86c9", "#8cc4e8", "#e9f5ee"), "#fffbe8", "#93bfbf", "#1f4a4a")
MEADOW = Palette(("#6fb0c9", "#c3dfc4", "#fbf3cf"), "#fffdee", "#a5c49a", "#234b33")
MIST = Palette(("#8fa6b8", "#c6d3d8", "#f2efe6"), "#ffffff", "#b2c1c8", "#31475a")
AMBER = Palette(("#c7683f", "#f0a95b", "#fce3a6"), "#fff6d5", "#d59152", "#4a2420")
ROSE = Palette(("#7c6bb0", "#e6a0c4", "#fde4e1"), "#fff2f2", "#b98bb8", "#3a2a57")
MINT = Palette(("#2f7f86", "#86cbb4", "#f3f2cf"), "#fffbe0", "#76b3a4", "#123d48")
NIGHT = Palette(("#070b24", "#1c2b5e", "#5b6cae"), "#f4f1dc", "#3d4d8c", "#060920", night=True)
NEON = Palette(("#0d0630", "#5a189a", "#ff5fa2"), "#ffd1ec", "#6a2a9a", "#0b0620", night=True)
AURORA = Palette(("#04121f", "#0b4a52", "#6fd6a4"), "#eafff2", "#1d6a6a", "#03141c", night=True)

DAYS = (DAWN, DUSK, NOON, MEADOW, MIST, AMBER, ROSE, MINT, NIGHT, NEON, AURORA)
MOODS = (
    (r"neon|cyber|club|disco|electric|นีออน", (NEON,)),
    (r"aurora|northern light|แสงเหนือ", (AURORA,)),
    (r"night|moon|midnight|star|space|galaxy|dark|กลางคืน|ดาว|夜", (NIGHT, NEON, AURORA)),
    (r"sunset|dusk|evening|เย็น|ตะวันตก|夕", (DUSK, AMBER)),
    (r"sunrise|dawn|morning|เช้า|รุ่งอรุณ|朝", (DAWN, ROSE)),
    (r"desert|autumn|golden|sand|savanna|ทราย", (AMBER, DUSK)),
    (r"fog|mist|rain|snow|winter|cloud|หมอก|ฝน|雪|雨", (MIST, ROSE)),
    (r"forest|jungle|garden|meadow|field|spring|green|ป่า|สวน|ทุ่ง|森", (MEADOW, MINT)),
    (r"sea|ocean|beach|lake|island|river|wave|ทะเล|หาด|เกาะ|海", (NOON, MINT, DUSK, DAWN)),
)
CITY = re.compile(r"city|street|urban|skyline|tower|neon|downtown|tokyo|bangkok|new york|เมือง|ถนน|街|市", re.I)
WATER = re.compile(r"\bsea\b|ocean|beach|lake|island|river|wave|boat|ship|harbou?r|ทะเล|หาด|เกาะ|海|湖", re.I)


@dataclass(frozen=True)
class Layer:
    """A strip of land, wider than the frame, that drifts to the left; `pace` is in frame widths a second."""

    image: Image.Image
    top: int
    pace: float


@dataclass(frozen=True)
class Scene:
    """A still sky and the layers before it."""

    sky: Image.Image
    layers: tuple[Layer, ...]

    def flat(self) -> Image.Image:
        """The scene as one picture, before anything moves."""
        image = self.sky.copy()
        for layer in self.layers:
            image.paste(layer.image.convert("RGB"), (0, layer.top), layer.image.getchannel("A"))
        return image


def luck(prompt: str, seed: int) -> np.random.Generator:
    """Chance that is the same for the same prompt and seed, on every machine."""
    return np.random.default_rng(int.from_bytes(hashlib.sha256(f"{seed}\n{prompt}".encode()).digest()[:8], "big"))


def _rgb(colour: str) -> Floats:
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], dtype=np.float32)


def _picture(values: Floats) -> Image.Image:
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def _noise(rng: np.random.Generator, width: int, height: int, cells: tuple[int, int], octaves: int) -> Floats:
    """Soft value noise between 0 and 1."""
    total = np.zeros((height, width), dtype=np.float32)
    weight = 0.0
    for octave in range(octaves):
        grid = rng.random((cells[1] * 2**octave + 1, cells[0] * 2**octave + 1), dtype=np.float32)
        smooth = Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC)
        total += np.asarray(smooth, dtype=np.float32) / 2**octave
        weight += 1 / 2**octave
    return total / np.float32(weight)


def _sky(rng: np.random.Generator, palette: Palette, width: int, height: int, horizon: float) -> Image.Image:
    """A gradient with a sun or moon, thin clouds, and stars at night; all that is soft is painted at half size."""
    wide, high = (width + 1) // 2, (height + 1) // 2
    down = np.linspace(0, 1, high, dtype=np.float32)[:, None] / np.float32(horizon)
    stops = np.stack([_rgb(colour) for colour in palette.sky])
    column = np.stack([np.interp(down[:, 0], (0.0, 0.6, 1.0), stops[:, c]) for c in range(3)], axis=1)
    pixels = np.repeat(column[:, None, :].astype(np.float32), wide, axis=1)

    span = min(width, height)
    across, up = rng.uniform(0.2, 0.8) * width, horizon * height * rng.uniform(0.3, 0.75)
    y, x = np.ogrid[0:high, 0:wide]
    away = np.sqrt((2 * x - across) ** 2 + (2 * y - up) ** 2).astype(np.float32) / np.float32(span)
    glow = np.exp(-away / (0.16 if palette.night else 0.28)) * (0.45 if palette.night else 0.6)
    streaks = _noise(rng, wide, high, (3, 9), 4)
    clouds = np.clip((streaks - 0.52) * 3.2, 0, 1) * np.clip(1.15 - down, 0, 1) * (0.22 if palette.night else 0.5)
    for amount in (glow, clouds):
        pixels += amount[..., None].astype(np.float32) * (_rgb(palette.sun) - pixels)
    sky = _picture(pixels).resize((width, height), Image.Resampling.BILINEAR)

    if palette.night:
        draw = ImageDraw.Draw(sky, "RGBA")
        for along, low, light in rng.random((width * height // 2600, 3)):
            left, top, size = int(along * width), int(low**1.4 * height * horizon * 0.9), int(light > 0.96)
            draw.rectangle((left, top, left + size, top + size), fill=(255, 255, 255, int(40 + 215 * light**3)))
    disc = Image.new("L", (4 * max(1, int(span * rng.uniform(0.055, 0.1))),) * 2, 0)
    ImageDraw.Draw(disc).ellipse((0, 0, disc.width - 1, disc.height - 1), fill=255)
    disc = disc.resize((disc.width // 2, disc.height // 2), Image.Resampling.BOX)
    sky.paste(palette.sun, (int(across) - disc.width // 2, int(up) - disc.height // 2), disc)
    return sky


def _ridge(rng: np.random.Generator, width: int, frame: int, rough: float) -> Floats:
    """The outline of a hill chain between 0 (valley) and 1 (peak)."""
    x = np.arange(width, dtype=np.float32) / np.float32(frame)
    line = np.zeros(width, dtype=np.float32)
    for octave in range(6):
        turns = 1.3 * 2.03**octave
        line += np.sin(2 * np.pi * (x * turns * rng.uniform(0.8, 1.2) + rng.random())) * rough**octave
    low, high = float(line.min()), float(line.max())
    return (line - low) / np.float32(max(high - low, 1e-6))


def _pines(rng: np.random.Generator, line: Floats, tall: float) -> Floats:
    """A ridge with fir trees standing on it."""
    trees = np.zeros_like(line)
    x = np.arange(len(line), dtype=np.float32)
    at = 0.0
    while at < len(line):
        high = tall * rng.uniform(0.45, 1.0)
        wide = high * rng.uniform(0.2, 0.28)
        left, right = max(0, int(at - wide)), min(len(line), int(at + wide) + 1)
        slope = 1 - np.abs(x[left:right] - np.float32(at)) / np.float32(wide)
        boughs = np.clip(slope + 0.09 * np.sin(slope * 26), 0, 1) * high
        trees[left:right] = np.maximum(trees[left:right], boughs)
        at += wide * rng.uniform(0.7, 3.2) + (tall * 3 if rng.random() < 0.12 else 0)
    return line + trees


def _roofs(rng: np.random.Generator, width: int, block: float) -> Floats:
    """A skyline between 0 and 1: houses and towers, some with a mast."""
    line = np.zeros(width, dtype=np.float32)
    at = 0
    while at < width:
        wide = max(3, int(block * rng.uniform(0.6, 1.6)))
        tall = 0.25 + 0.75 * rng.random() ** 1.7
        line[at : at + wide] = tall
        if rng.random() < 0.3:
            inset = wide // 4
            line[at + inset : at + wide - inset] = min(tall + 0.12, 1.0)
        if rng.random() < 0.22 and wide > 8:
            middle = at + wide // 2
            line[middle : middle + max(1, wide // 14)] = min(tall + 0.3, 1.25)
        at += wide + (int(block * 0.2) if rng.random() < 0.3 else 0)
    return line


def _strip(line: Floats, height: int, top: Floats, bottom: Floats) -> Image.Image:
    """Land under an outline given in pixels above the strip's foot, shaded from one colour to another."""
    y = np.arange(height, dtype=np.float32)[:, None]
    cover = np.clip(y - (height - line)[None, :] + 0.5, 0, 1)
    shade = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    colour = np.broadcast_to(top + (bottom - top) * shade, (height, len(line), 3))
    return _picture(np.concatenate([colour, cover[..., None] * 255], axis=2))


def _lit(rng: np.random.Generator, strip: Image.Image, line: Floats, grid: int, colours: Sequence[str]) -> None:
    """Windows with the light on, only where a wall is."""
    draw = ImageDraw.Draw(strip)
    pane = max(1, grid // 3)
    for x in range(grid // 2, strip.width - grid, grid):
        roof = strip.height - float(line[x : x + pane].min())
        for y in range(int(roof) + grid, strip.height, grid):
            if rng.random() < 0.3 and line[x + pane] > strip.height - roof - 1:
                draw.rectangle((x, y, x + pane - 1, y + pane), fill=colours[int(rng.integers(len(colours)))])


def _water(rng: np.random.Generator, sky: Image.Image, palette: Palette, horizon: int) -> None:
    """Turn what lies below the horizon into water that mirrors the sky."""
    depth = sky.height - horizon
    mirror = sky.crop((0, max(0, horizon - depth), sky.width, horizon)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    mirror = mirror.resize((sky.width, depth), Image.Resampling.BILINEAR).filter(ImageFilter.GaussianBlur(3))
    pixels = np.asarray(mirror, dtype=np.float32)
    away = np.linspace(0, 1, depth, dtype=np.float32)[:, None]
    waves = _noise(rng, sky.width, depth, (5, max(10, depth // 9)), 2)
    shift = (waves - 0.5) * (10 + 70 * away)
    columns = np.clip(np.arange(sky.width)[None, :] + shift, 0, sky.width - 1).astype(int)
    pixels = pixels[np.arange(depth)[:, None], columns]
    tint = _rgb(palette.far) * 0.55 + _rgb(palette.near) * 0.45
    blend = (0.22 + 0.45 * away)[..., None]
    glint = np.clip((waves - 0.63) * 5, 0, 1)[..., None] * (1 - away[..., None]) * 0.5
    pixels = pixels + blend * (tint - pixels)
    pixels = pixels + glint * (_rgb(palette.sun) - pixels)
    sky.paste(_picture(pixels), (0, horizon))


def scene(prompt: str, width: int, height: int, seed: int, *, travel: float = 0.0) -> Scene:
    """The scene a prompt calls for; layers are wide enough to drift for `travel` seconds."""
    rng = luck(prompt, seed)
    fitting: tuple[Palette, ...] = next((found for words, found in MOODS if re.search(words, prompt, re.I)), DAYS)
    palette = fitting[int(rng.integers(len(fitting)))]
    horizon = rng.uniform(0.58, 0.7)
    city, water = bool(CITY.search(prompt)), bool(WATER.search(prompt))
    sky = _sky(rng, palette, width, height, horizon)
    if water:
        _water(rng, sky, palette, int(horizon * height))

    far, near, haze = _rgb(palette.far), _rgb(palette.near), _rgb(palette.sky[2])
    count = 3 if water or city else 5
    layers: list[Layer] = []
    for index in range(count):
        depth = index / (count - 1)
        pace = 0.004 + 0.026 * depth**1.5
        wide = width + int(np.ceil(width * pace * travel)) + 2
        colour = far + (near - far) * np.float32(depth**0.8)
        foot = colour + (haze - colour) * np.float32(0.42 * (1 - depth))
        base = height * (horizon - 0.03 + (1 - horizon) * 0.62 * depth)
        if water and index < count - 1:  # islands on the horizon
            rise = height * rng.uniform(0.05, 0.12)
            line = np.clip(_ridge(rng, wide, width, 0.42) - 0.45, 0, None) * np.float32(rise * 2)
            tall = int(line.max()) + 2
            layers.append(Layer(_strip(line, tall, colour, foot), int(horizon * height) - tall + 1, pace * 0.3))
            continue
        rise = height * (0.2 - 0.07 * depth) * rng.uniform(0.8, 1.2)
        if city:
            tall_block = height * (0.42 - 0.1 * depth)
            line = _roofs(rng, wide, width * (0.035 + 0.03 * depth)) * np.float32(tall_block) * 0.8
            base = height * (horizon + 0.12 + 0.16 * depth)
        else:
            line = _ridge(rng, wide, width, 0.5 - 0.06 * depth) * np.float32(rise)
            if index == count - 1 or (index == count - 2 and not water):
                line = _pines(rng, line, height * (0.05 + 0.06 * depth))
        line = line + np.float32(height - base)
        tall = min(height, int(line.max()) + 2)
        strip = _strip(line, tall, colour, foot)
        if city and index:
            lights = ("#ffd98a", "#ffe9b8", "#ff9ec7", "#8ae3ff") if palette.night else ("#fff3cf", "#ffe2a8")
            _lit(rng, strip, line, max(5, round(width * (0.008 + 0.004 * depth))), lights)
        layers.append(Layer(strip, height - tall, pace))
    if PERSON.search(prompt):
        layers.append(Layer(figure(rng, width, height), 0, 0.0))
    return Scene(sky, tuple(layers))


def opened(data: bytes) -> Image.Image:
    """An input picture as RGB, upright; ValueError when it is none."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.width * image.height > 64_000_000:
                raise ValueError("the picture has more than 64 million pixels")
            return image.convert("RGB")
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise ValueError("this is no picture that can be read") from error


def covering(image: Image.Image, width: int, height: int) -> Image.Image:
    """The picture filling a frame, its edges cropped."""
    scale = max(width / image.width, height / image.height)
    box_w, box_h = width / scale, height / scale
    left, top = (image.width - box_w) / 2, (image.height - box_h) / 2
    return image.resize((width, height), Image.Resampling.BICUBIC, (left, top, left + box_w, top + box_h))


def still(prompt: str, width: int, height: int, seed: int) -> Image.Image:
    """The art alone at any size."""
    scale = min(1.0, CANVAS / max(width, height))
    small = (max(8, round(width * scale)), max(8, round(height * scale)))
    image = scene(prompt, *small, seed).flat()
    return image if image.size == (width, height) else image.resize((width, height), Image.Resampling.BICUBIC)


@functools.lru_cache(16)
def titles(prompt: str, width: int, height: int) -> tuple[tuple[Image.Image, Box], ...]:
    """The prompt on its panel and the word sandbox in the corner: at the top, for subtitles own the foot."""
    size = max(8, round(min(width, height) * 0.036))
    margin = round(size * 0.9)
    placed: list[tuple[Image.Image, Box]] = []
    badge = placard("sandbox", max(8, round(size * 0.72)), width)
    placed.append((badge, (width - badge.width - margin, margin)))
    if prompt.strip():
        lines = max(1, min(4, int(height * 0.3 / (size * 1.4))))
        room = width - badge.width - 3 * margin - 2 * round(size * 0.75)
        panel = placard(drawable(prompt), size, max(size * 2, room), lines=lines)
        placed.append((panel, (margin, margin)))
    return tuple(placed)


def framed(image: Image.Image, width: int, height: int) -> Image.Image:
    """A thumbnail with a white border, for showing what went in."""
    border = max(2, min(width, height) // 40)
    inner = image.copy()
    inner.thumbnail((width - 2 * border, height - 2 * border))
    card = Image.new("RGB", (inner.width + 2 * border, inner.height + 2 * border), "#ffffff")
    card.paste(inner, (border, border))
    return card


def painted(prompt: str, width: int, height: int, seed: int, inputs: Sequence[bytes]) -> Image.Image:
    """The art, what was put in, and the words."""
    if not (1 <= width <= MOST and 1 <= height <= MOST):
        raise ValueError(f"a picture is 1 to {MOST} pixels a side, not {width}x{height}")
    image = still(prompt, width, height, seed)
    given = [opened(data) for data in inputs]
    if given:
        image = Image.blend(covering(given[0], width, height), image, 0.4)
        side, x, gap = max(8, min(width, height) // 4), max(2, width // 50), max(2, width // 50)
        foot = height - gap
        for thumbnail in (framed(one, side, side) for one in given):
            if x + thumbnail.width > width:
                break
            image.paste(thumbnail, (x, foot - thumbnail.height))
            x += thumbnail.width + gap
    for words, at in titles(prompt, width, height):
        image.paste(words.convert("RGB"), at, words.getchannel("A"))
    return image


def encoded(image: Image.Image, format: str) -> bytes:
    """A picture as a file."""
    out = io.BytesIO()
    if format == "png":
        image.save(out, "PNG", compress_level=1)
    elif format == "jpeg":
        image.convert("RGB").save(out, "JPEG", quality=88)
    elif format == "webp":
        image.save(out, "WEBP", quality=84, method=1)
    else:
        raise ValueError(f"a picture is png, jpeg or webp, not {format!r}")
    return out.getvalue()
