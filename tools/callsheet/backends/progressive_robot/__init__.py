"""Progressive Robot Video: open video and image models, sound, subtitles, edits, and a studio around them."""

from decimal import Decimal

from callsheet.settings.backends import Backend, Variable, Worth, key

BACKEND = Backend(
    contract=1,
    package=__name__,
    name="progressive-robot",
    title="Progressive Robot",
    worth=Worth(Decimal("0.0132"), "a credit is sold for £0.01; a pound is 1.32 dollars", "2026-11-27"),
    key=key("PROGRESSIVE_ROBOT_API_KEY", "key for Progressive Robot Video"),
    base=Variable("PROGRESSIVE_ROBOT_BASE", "Progressive Robot Video's address", "https://video.progressiverobot.com"),
    ask_above=Decimal(15),
    max_per_day=Decimal(500),
    rank=300,
    dialect="dialect:ProgressiveRobot",
    models=("image", "video", "sound", "edit"),
    endpoints=("endpoints",),
)
