"""Progressive Robot's models, tiers and prices; all of it in decimals, because a float can cost a credit too many."""

from decimal import ROUND_CEILING, Decimal
from typing import NamedTuple


class Tier(NamedTuple):
    """What a subscription allows: credits a month, the frame's longer and shorter side, frames, a watermark."""

    credits: int
    resolution: str
    sides: tuple[int, int]
    frames: int
    watermark: bool = False


TIERS = {
    "free": Tier(150, "480p", (854, 480), 81, True),
    "starter": Tier(500, "1080p", (1920, 1080), 121),
    "creator": Tier(1500, "4K", (3840, 2160), 201),
    "pro": Tier(5000, "4K", (3840, 2160), 301),
    "studio": Tier(15_000, "4K", (3840, 2160), 301),
    "enterprise": Tier(50_000, "4K", (3840, 2160), 999),
}
RANKS = list(TIERS)


class VideoModel(NamedTuple):
    """A model's name, what it makes of what, its price, and the source media it cannot do without."""

    name: str
    kind: str
    base: str
    frame: str
    step: str
    needs: tuple[str, ...] = ()


PICTURE = ("input_image",)
ENDS = ("input_image", "end_image")
SPOKEN = ("input_image", "audio_filename")
DRIVEN = ("input_image", "driving_video")

VIDEO_MODELS = {
    "wan-t2v": VideoModel("WAN 2.2", "t2v", "10", "0.20", "0.50"),
    "ltx-t2v": VideoModel("LTX 2.3", "t2v", "8", "0.15", "0.30"),
    "ltx-quality": VideoModel("LTX Quality", "t2v", "15", "0.25", "0.40"),
    "hunyuan-t2v": VideoModel("Hunyuan", "t2v", "12", "0.20", "0.40"),
    "hunyuan15-t2v": VideoModel("Hunyuan 1.5", "t2v", "12", "0.20", "0.40"),
    "cogvideo-t2v": VideoModel("CogVideoX 1.5 (5B)", "t2v", "12", "0.20", "0.40"),
    "animatediff": VideoModel("AnimateDiff (SD 1.5)", "t2v", "6", "0.10", "0.30"),
    "ltx-camera": VideoModel("LTX Camera Control", "t2v", "10", "0.15", "0.30"),
    "ltx-control": VideoModel("LTX ControlNet", "t2v", "12", "0.15", "0.30"),
    "wan-vace": VideoModel("WAN VACE", "editing", "15", "0.25", "0.50"),
    "wan-animate": VideoModel("WAN Animate", "character", "18", "0.30", "0.50", PICTURE),
    "hunyuan15-i2v": VideoModel("Hunyuan 1.5 I2V", "i2v", "15", "0.25", "0.50", PICTURE),
    "ltx-i2v": VideoModel("LTX 2.3 I2V", "i2v", "12", "0.20", "0.40", PICTURE),
    "svd-i2v": VideoModel("SVD XT I2V", "i2v", "10", "0.15", "0.40", PICTURE),
    "wan-i2v": VideoModel("WAN 2.2 I2V (14B)", "i2v", "12", "0.20", "0.50", PICTURE),
    "ltx-flf": VideoModel("LTX 2.3 First-Last", "flf", "12", "0.15", "0.30", ENDS),
    "wan-flf": VideoModel("WAN 2.2 First-Last (14B)", "flf", "12", "0.20", "0.50", ENDS),
    "wan-s2v": VideoModel("WAN 2.2 Sound-to-Video", "s2v", "15", "0.25", "0.50", SPOKEN),
    "liveportrait": VideoModel("LivePortrait", "portrait", "8", "0.10", "0", DRIVEN),
    "dreamidv": VideoModel("DreamID-V", "identity", "15", "0.20", "0.40", PICTURE),
    "echomimic": VideoModel("EchoMimic", "s2v", "12", "0.15", "0.30", SPOKEN),
    "hunyuan3d": VideoModel("Hunyuan3D v2", "3d", "20", "0", "0.80"),
}
VIDEO_DEFAULTS = {"width": 832, "height": 480, "frames": 41, "steps": 4, "frame_rate": 24}


class ImageModel(NamedTuple):
    """A model's name, its price for one picture, and the sides it starts from."""

    name: str
    credits: int
    side: int


IMAGE_MODELS = {
    "sd15": ImageModel("Stable Diffusion 1.5", 2, 512),
    "flux": ImageModel("Flux 2 Klein", 5, 1024),
    "flux-dev": ImageModel("Flux 2 Dev", 8, 1024),
    "flux-edit": ImageModel("Flux 2 Image Edit", 6, 1024),
}

MUSIC = (8, 30)
SPEECH = (6, 60)
UPSCALE = (2, 10)
RESTYLE = (3, 10)
SUBTITLES = 5
EDIT = 3
TOOL = 1


def up(amount: Decimal) -> int:
    """The next whole credit."""
    return int(amount.to_integral_value(ROUND_CEILING))


def video_price(model: str, frames: int, steps: int) -> int:
    """What a video of so many frames and steps costs."""
    known = VIDEO_MODELS[model]
    return up(Decimal(known.base) + frames * Decimal(known.frame) + steps * Decimal(known.step))


def by_length(rate: tuple[int, int], seconds: float, least: int = 1) -> int:
    """So many credits for so many seconds, pro rata, never below the least."""
    credits, each = rate
    return max(least, up(credits * Decimal(str(round(seconds, 3))) / each))


def by_clips(clips: int) -> int:
    """Joining clips: in an export as in a merge."""
    return max(3, 2 * clips)
