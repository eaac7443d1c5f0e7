"""Each backend's dialect as data, and the backends there are."""

from callsheet.backends.dialect import Backend
from callsheet.backends.phaya import Phaya

BACKENDS: dict[str, Backend] = {backend.name: backend for backend in (Phaya(),)}
"""By name, in the order in which `auto` prefers them."""
