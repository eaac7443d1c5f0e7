"""Phantaisia's filters for pictures of people."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from callsheet.catalogue.model import Harvest, Input, Model, Price, exactly
from callsheet.catalogue.words import ApplyFilter


class PhantaisiaImage(Model):
    """What Phantaisia's image routes have in common: one credit, and the picture itself in the answer."""

    words, makes, typical_s = ApplyFilter, "image", 8.0

    def price(self) -> Price:
        return exactly(1)

    def harvest(self, answer: Mapping[str, Any]) -> Harvest:
        images = answer.get("images")
        found = [one for one in images if isinstance(one, str) and one] if isinstance(images, list) else []
        return Harvest(urls=[one if one.startswith(("data:", "https:")) else in_data_uri(one) for one in found])


def in_data_uri(encoded: str) -> str:
    """Base64 as a data URI; which format it is, its first bytes say."""
    return f"data:image/jpeg;base64,{''.join(encoded.split())}"


class PhantaisiaFilter(PhantaisiaImage):
    """A person's face in one of the filters; the numbers are the vendor's own."""

    id, path = "phantaisia/filter", "/v2/run/filter_id/"
    live = {"filters": "/v1/filters/", "workflows": "/v1/workflows/"}  # noqa: RUF012

    image: Annotated[str, Input("image", "inline")] = Field(serialization_alias="base64")
    filter_id: int
    gender: int
    capture_mode: int
    ratio: str


class PhantaisiaFaceSwap(PhantaisiaFilter):
    """The same by the older route."""

    id, path = "phantaisia/face-swap", "/v1/run/face_swap"


class PhantaisiaMultiSwap(PhantaisiaImage):
    """All faces of a group in one of the styles."""

    id, path = "phantaisia/multi-swap", "/v3/run/multi_swap"
    live = {"styles": "/v4/multi_swap_styles/"}  # noqa: RUF012

    image: Annotated[str, Input("image", "inline")] = Field(serialization_alias="input_image")
    style_id: int
    overlay: bool = False


MODELS: tuple[type[Model], ...] = (PhantaisiaFilter, PhantaisiaFaceSwap, PhantaisiaMultiSwap)
