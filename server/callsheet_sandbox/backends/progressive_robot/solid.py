"""A small real solid as binary glTF: a vase turned on the lathe, its shape from the prompt, its skin a picture."""

import json
import struct
from math import cos, pi, sin
from random import Random
from zlib import crc32

from callsheet_sandbox import props

ROUND, TALL = 32, 20
FLOAT, SHORT = 5126, 5123


def solid(prompt: str, image: bytes | None, seed: int) -> bytes:
    """The prompt as a solid; the picture it was made from is its skin."""
    skin = props.picture(prompt, 512, 512, seed=seed, format="jpeg", inputs=[image] if image else [])
    points, edges, spots, corners = lathed(Random(crc32(prompt.encode()) ^ seed))  # noqa: S311 - a shape, no secret
    parts = [
        struct.pack(f"<{len(points) * 3}f", *(value for point in points for value in point)),
        struct.pack(f"<{len(edges) * 3}f", *(value for edge in edges for value in edge)),
        struct.pack(f"<{len(spots) * 2}f", *(value for spot in spots for value in spot)),
        struct.pack(f"<{len(corners)}H", *corners),
        skin,
    ]
    views = []
    data = b""
    for part in parts:
        views.append({"buffer": 0, "byteOffset": len(data), "byteLength": len(part)})
        data += part + b"\0" * (-len(part) % 4)
    low = [min(point[axis] for point in points) for axis in range(3)]
    high = [max(point[axis] for point in points) for axis in range(3)]
    told = {
        "asset": {"version": "2.0", "generator": "sandbox"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": prompt[:80]}],
        "meshes": [{"primitives": [{"attributes": attributes(), "indices": 3, "material": 0}]}],
        "materials": [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}, "metallicFactor": 0.1}}],
        "textures": [{"source": 0}],
        "images": [{"bufferView": 4, "mimeType": "image/jpeg"}],
        "accessors": [
            {"bufferView": 0, "componentType": FLOAT, "count": len(points), "type": "VEC3", "min": low, "max": high},
            {"bufferView": 1, "componentType": FLOAT, "count": len(edges), "type": "VEC3"},
            {"bufferView": 2, "componentType": FLOAT, "count": len(spots), "type": "VEC2"},
            {"bufferView": 3, "componentType": SHORT, "count": len(corners), "type": "SCALAR"},
        ],
        "bufferViews": views,
        "buffers": [{"byteLength": len(data)}],
    }
    text = json.dumps(told, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    size = 12 + 8 + len(text) + 8 + len(data)
    head = struct.pack("<4sII", b"glTF", 2, size)
    return head + struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(data), b"BIN\0") + data


def attributes() -> dict[str, int]:
    """Which accessor is what."""
    return {"POSITION": 0, "NORMAL": 1, "TEXCOORD_0": 2}


def lathed(
    luck: Random,
) -> tuple[list[tuple[float, ...]], list[tuple[float, ...]], list[tuple[float, ...]], list[int]]:
    """Points, normals, places on the skin, and triangles of a turned shape that is closed above and below."""
    waves = [(luck.uniform(0.05, 0.2), luck.uniform(1, 4), luck.uniform(0, 2 * pi)) for _ in range(3)]
    radii = [
        0.5
        * sin(pi * min(1.0, max(0.0, level / TALL))) ** 0.5
        * (1 + sum(high * sin(2 * pi * fast * level / TALL + late) for high, fast, late in waves))
        for level in range(TALL + 1)
    ]
    points: list[tuple[float, ...]] = []
    normals: list[tuple[float, ...]] = []
    spots: list[tuple[float, ...]] = []
    for level, radius in enumerate(radii):
        below, above = radii[max(0, level - 1)], radii[min(TALL, level + 1)]
        slope = (below - above) * TALL / 2
        if level in (0, TALL):
            slope = 1e6 if level else -1e6
        long = (1 + slope * slope) ** 0.5
        for step in range(ROUND + 1):
            turn = 2 * pi * step / ROUND
            points.append((radius * cos(turn), level / TALL - 0.5, radius * sin(turn)))
            normals.append((cos(turn) / long, slope / long, sin(turn) / long))
            spots.append((step / ROUND, 1 - level / TALL))
    corners: list[int] = []
    for level in range(TALL):
        for step in range(ROUND):
            here = level * (ROUND + 1) + step
            up = here + ROUND + 1
            corners += [here, up, here + 1, here + 1, up, up + 1]
    return points, normals, spots, corners
