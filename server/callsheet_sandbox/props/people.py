"""A person for prompts that ask for one, with the mouth where `lips` will put its own."""

import re

import numpy as np
from PIL import Image, ImageDraw

PERSON = re.compile(
    r"\b(?:wo)?m[ae]n\b|\bgirl|\bboy\b|\bperson|\bpeople|\bface\b|headshot|selfie|avatar|presenter|\bhost(?:ess)?\b"
    r"|speaker|actor|actress|teacher|doctor|reporter|anchor\b|singer|chef|portrait\b(?! of)"
    r"|ผู้หญิง|ผู้ชาย|คน|เด็ก|พิธีกร|ครู|女|男|人",
    re.I,
)
MOUTH = 0.62  # how far down the frame the mouth is
SKINS = (  # light, in shadow, and on the cheeks
    ("#f3c9a8", "#dba480", "#eeb295"),
    ("#e0a87f", "#c08560", "#d7936f"),
    ("#b97a50", "#98603b", "#af6c48"),
    ("#8a5536", "#6b3f27", "#80492f"),
)
HAIRS = ("#2a1c18", "#1c1c28", "#4a2c1d", "#7a4a26", "#c08a4a", "#8c8c94")
CLOTHES = ("#2f4b7c", "#8c3b4a", "#3c6e57", "#5a4a86", "#d0783f", "#e7e2d8", "#22303c")


def figure(rng: np.random.Generator, width: int, height: int) -> Image.Image:
    """Head and shoulders in flat colours, as large as the frame."""
    tone = int(rng.integers(len(SKINS)))
    skin, shade, cheek = SKINS[tone]
    hair = HAIRS[int(rng.integers(len(HAIRS) if tone < 2 else 2))]
    cloth = CLOTHES[int(rng.integers(len(CLOTHES)))]
    long = bool(rng.random() < 0.5)
    grow = 2
    image = Image.new("RGBA", (width * grow, height * grow), cloth + "00")
    draw = ImageDraw.Draw(image)
    unit = min(width, height) * grow
    x, y = width * grow / 2, height * grow * MOUTH - unit * 0.105  # the middle of the head

    def oval(dx: float, dy: float, rx: float, ry: float, colour: str) -> None:
        cx, cy = x + dx * unit, y + dy * unit
        draw.ellipse((cx - rx * unit, cy - ry * unit, cx + rx * unit, cy + ry * unit), fill=colour)

    def box(edges: tuple[float, float, float, float], bend: float, colour: str) -> None:
        left, top, right, bottom = edges
        place = (x + left * unit, y + top * unit, x + right * unit, y + bottom * unit)
        draw.rounded_rectangle(place, radius=bend * unit, fill=colour)

    if long:
        box((-0.235, -0.2, 0.235, 0.4), 0.2, hair)
    box((-0.38, 0.345, 0.38, 1.6), 0.17, cloth)
    box((-0.085, 0.16, 0.085, 0.39), 0.05, shade)
    oval(0, 0.375, 0.12, 0.055, shade)
    for side in (-1, 1):
        oval(side * 0.175, 0.03, 0.03, 0.045, shade)
    oval(0, -0.05, 0.205, 0.225, hair)
    box((-0.17, -0.17, 0.17, 0.235), 0.165, skin)
    parting = 1 if rng.random() < 0.5 else -1
    oval(parting * 0.05, -0.15, 0.145, 0.062, hair)
    oval(parting * -0.12, -0.12, 0.055, 0.06, hair)
    for side in (-1, 1):
        oval(side * 0.075, 0.0, 0.026, 0.018, "#fbf8f4")
        oval(side * 0.075, 0.0, 0.0145, 0.0165, "#2b1d1a")
        oval(side * 0.075 + 0.005, -0.006, 0.004, 0.004, "#ffffff")
        box((side * 0.075 - 0.033, -0.052, side * 0.075 + 0.033, -0.041), 0.005, hair)
        oval(side * 0.115, 0.062, 0.03, 0.019, cheek)
    box((-0.012, 0.0, 0.012, 0.058), 0.012, shade)
    smile = (x - 0.06 * unit, y + 0.07 * unit, x + 0.06 * unit, y + 0.118 * unit)
    draw.arc(smile, 25, 155, fill="#a4475a", width=max(2, round(unit * 0.011)))
    return image.resize((width, height), Image.Resampling.BOX)
