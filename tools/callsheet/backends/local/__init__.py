"""FFmpeg on this machine, as a backend like any other."""

from callsheet.settings.backends import Backend

BACKEND = Backend(
    contract=1,
    package=__name__,
    name="local",
    title="FFmpeg",
    rank=100,
    dialect="provider:FFmpeg",
    provider="provider:LocalProvider",
    models=("models", "layers"),
)
