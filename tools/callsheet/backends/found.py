"""Each backend's dialect as data, and the backends there are."""

from callsheet.backends.dialect import Backend
from callsheet.backends.ph0ny.dialect import Ph0ny
from callsheet.backends.phantaisia.dialect import Phantaisia
from callsheet.backends.phaya.dialect import Phaya
from callsheet.backends.progressive_robot.dialect import ProgressiveRobot

ALL = (Phaya(), ProgressiveRobot(), Ph0ny(), Phantaisia())
BACKENDS: dict[str, Backend] = {backend.name: backend for backend in ALL}
"""By name, in the order in which `auto` prefers them."""
