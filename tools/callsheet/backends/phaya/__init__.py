"""Phaya: images, video, music, speech, chat, embeddings, Thai subtitles and media utilities, billed in baht."""

from decimal import Decimal

from callsheet.settings.backends import Backend, Variable, Worth, key

BACKEND = Backend(
    contract=1,
    package=__name__,
    name="phaya",
    title="Phaya",
    unit="THB",
    worth=Worth(Decimal("0.029"), "one credit is one baht; 34.5 baht are a dollar", "2026-11-27"),
    key=key("PHAYA_API_KEY", "key for Phaya"),
    base=Variable("PHAYA_BASE", "Phaya's address, with its path", "https://api.phaya.io/api/v1"),
    ask_above=Decimal(5),
    max_per_day=Decimal(100),
    rank=200,
    dialect="dialect:Phaya",
    models=("image", "video", "speech", "music", "subtitles", "chat", "edit"),
)
