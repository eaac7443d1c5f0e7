"""A picture made of shapes: the same hills as the others have, as SVG."""

import hashlib
import html
from math import sin


def drawing(prompt: str, width: int, height: int, *, seed: int = 0) -> bytes:
    """An SVG landscape with the prompt written on it; the same for the same prompt and seed."""
    luck = hashlib.sha256(f"{seed}\n{prompt}".encode()).digest()
    hue = luck[0] * 360 // 256
    hills = []
    for layer in range(4):
        base, swing = height * (0.5 + 0.12 * layer), height * (0.12 - 0.02 * layer)
        steps = [x * width / 24 for x in range(25)]
        line = " ".join(
            f"{x:.1f},{base - swing * sin(x / width * (5 + layer * 2) + luck[layer + 1]):.1f}" for x in steps
        )
        shade = f"hsl({(hue + 30 * layer) % 360} 40% {62 - 14 * layer}%)"
        hills.append(f'<polygon fill="{shade}" points="0,{height} {line} {width},{height}"/>')
    sun = f'<circle cx="{width * (0.2 + luck[6] / 430):.0f}" cy="{height * 0.25:.0f}" r="{height * 0.08:.0f}"'
    size = max(8, height // 20)
    words = html.escape(" ".join(prompt.split())[:80])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f'<rect width="{width}" height="{height}" fill="hsl({hue} 60% 85%)"/>'
        f'{sun} fill="hsl({(hue + 40) % 360} 90% 75%)"/>'
        f'{"".join(hills)}<text x="{size}" y="{height - size}" font-size="{size}" fill="white">{words}</text></svg>'
    ).encode()
