"""How Paintbox is spoken to, and what it makes."""

from decimal import Decimal
from typing import Literal

from pydantic import Field

from callsheet.backends.dialect import Answer, Dialect, Route, number, part
from callsheet.catalogue.model import Model, Price, exactly
from callsheet.catalogue.words import GenerateImage


class Paintbox(Dialect):
    """Create, then poll."""

    def look(self, endpoint: str, ticket: str) -> Route:
        return Route("GET", f"/pictures/{part(ticket)}")

    def cancel(self, endpoint: str, ticket: str) -> Route | None:
        return Route("DELETE", f"/pictures/{part(ticket)}")

    def balance(self) -> tuple[Route, ...]:
        return (Route("GET", "/balance"),)

    def read_balance(self, answer: Answer) -> Decimal | None:
        return number(answer.object.get("credits"))


class Gouache(Model):
    """Opaque colours, from text."""

    words, id, path, makes = GenerateImage, "paintbox/gouache", "/pictures", "image"
    results, cancels = ("image_url",), True

    prompt: str = Field(max_length=500)
    aspect_ratio: Literal["1:1", "4:3"] = Field(default="1:1", serialization_alias="shape")

    def price(self) -> Price:
        return exactly(2)


MODELS: tuple[type[Model], ...] = (Gouache,)
