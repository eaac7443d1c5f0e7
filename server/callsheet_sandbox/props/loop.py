"""A picture that moves a little and comes back: an animated GIF."""

import io

from PIL import ImageChops

from . import art


def loop(prompt: str, width: int, height: int, frames: int, milliseconds: int, *, seed: int = 0) -> bytes:
    """So many frames of the prompt's art, each shown as long."""
    scene = art.painted(prompt, width, height, seed, ())
    step = max(1, width // (frames * 8))
    row = [ImageChops.offset(scene, -step * n, 0).quantize(64) for n in range(frames)]
    out = io.BytesIO()
    row[0].save(out, "GIF", save_all=True, append_images=row[1:], duration=milliseconds, loop=0)
    return out.getvalue()
