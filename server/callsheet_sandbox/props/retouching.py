"""What the sandbox does to stills without a model: cutting out by colour, and pasting one face over another."""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from callsheet_sandbox.props import art

MEAN = 12.0
"""How far from its row's edges a colour must be to count as foreground, in steps of 255."""


def cut_out(data: bytes) -> bytes:
    """The picture without its background: what differs from the colours at its edges stays.

    Where that is nearly nothing or nearly everything, an oval in the middle stays instead.
    """
    image = art.opened(data)
    pixels = np.asarray(image.filter(ImageFilter.GaussianBlur(2)), dtype=np.float32)
    rim = max(1, image.width // 40)
    left = pixels[:, :rim].mean(axis=1, keepdims=True)
    right = pixels[:, -rim:].mean(axis=1, keepdims=True)
    across = np.linspace(0, 1, image.width, dtype=np.float32)[None, :, None]
    away = np.abs(pixels - (left * (1 - across) + right * across)).max(axis=2)
    mask = Image.fromarray((np.clip((away - MEAN) / MEAN, 0, 1) * 255).astype(np.uint8))
    kept = float(np.asarray(mask).mean()) / 255
    if not 0.02 < kept < 0.98:
        mask = oval(image.size, (0.5, 0.5), (0.4, 0.42))
    image.putalpha(mask.filter(ImageFilter.MedianFilter(5)).filter(ImageFilter.GaussianBlur(1)))
    return art.encoded(image, "png")


def swapped(source: bytes, target: bytes) -> bytes:
    """The middle of the source, where a face would be, softly over the same place of the target."""
    under = art.opened(target)
    over = art.covering(art.opened(source), *under.size)
    wide, high = (0.21 * min(under.size) / side for side in under.size)
    mask = oval(under.size, (0.5, 0.5), (wide, high * 1.25)).filter(
        ImageFilter.GaussianBlur(max(1, min(under.size) // 40))
    )
    return art.encoded(Image.composite(over, under, mask), "png")


def oval(size: tuple[int, int], middle: tuple[float, float], radii: tuple[float, float]) -> Image.Image:
    """A white oval on black."""
    mask = Image.new("L", size, 0)
    (x, y), (across, down) = middle, radii
    edges = ((x - across) * size[0], (y - down) * size[1], (x + across) * size[0], (y + down) * size[1])
    ImageDraw.Draw(mask).ellipse(edges, fill=255)
    return mask


def masked(original: bytes, made: bytes, mask: bytes) -> bytes:
    """What was made, only where the mask is transparent; the original elsewhere."""
    over = art.opened(made)
    under = art.covering(art.opened(original), *over.size)
    with Image.open(io.BytesIO(mask)) as file:
        keep = file.convert("RGBA").getchannel("A").resize(over.size)
    return art.encoded(Image.composite(under, over, keep), "png")


def saved(data: bytes, format: str) -> bytes:
    """A picture as another kind of file, its transparency kept where the kind has one."""
    if format == "png":
        return data
    with Image.open(io.BytesIO(data)) as image:
        return art.encoded(image, format)
