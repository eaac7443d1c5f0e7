"""What is asked of a model's class: a slip is found when it is loaded, and named."""

from typing import Literal

import pytest
from pydantic import Field

from callsheet.catalogue.contract import Broken, check
from callsheet.catalogue.model import Model, Price, exactly
from callsheet.catalogue.words import GenerateImage, Words
from tests.ours import BACKENDS, catalogue


class Etching(Model):
    """Fine lines on copper."""

    words, id, path, makes = GenerateImage, "press/etching", "/etchings", "image"

    prompt: str
    ratio: Literal["1:1", "4:3"] = "4:3"

    def price(self) -> Price:
        return exactly(1)


class Unpriced(Etching):
    """Nobody says what it costs."""

    price = Model.price


class Misspelt(Etching):
    """Its first picture has a name that no other model knows."""

    first_picture: str = Field(serialization_alias="image_url")


class Doubled(Etching):
    """Two of its words go by one name."""

    seed: int | None = Field(default=None, serialization_alias="ratio")


class Abroad(Etching):
    """It lives with somebody else."""

    id = "elsewhere/etching"


class Foreign(Words):
    """An operation that Callsheet does not have."""

    operation = "generate_smell"


class Fragrant(Etching):
    """It does what nobody can ask for."""

    words = Foreign


class Deaf(Etching):
    """It is priced by a recording that it does not take."""

    measures = ("audio",)


class Nowhere(Model):
    """It has no address."""

    words, id, makes = GenerateImage, "press/nowhere", "image"


class Speechless(Etching):
    __doc__ = ""


class Odd(Etching):
    """It makes what is no kind of media."""

    makes = "smell"


class Twin(Etching):
    """The same again under the same name."""


@pytest.mark.parametrize(
    ("model", "fault"),
    [
        (Unpriced, "it has no `price()`"),
        (Misspelt, "`first_picture` is no word of generate_image; an option bears the backend's own name, `image_url`"),
        (Doubled, "`ratio` is sent for two of its words"),
        (Abroad, "its id `elsewhere/etching` does not begin with `press/`"),
        (Fragrant, "there is no operation `generate_smell`"),
        (Deaf, "it takes no media as `audio`"),
        (Nowhere, "it has no `path`"),
        (Speechless, "it has no docstring"),
        (Odd, "not `smell`"),
        (Twin, "its id `press/etching` is Etching's already, in generate_image"),
    ],
)
def test_a_class_that_breaks_the_contract_is_named_with_its_fault(model: type[Model], fault: str) -> None:
    check("press", [Etching])
    with pytest.raises(Broken) as broken:
        check("press", [Etching, model])
    assert broken.value.message.startswith(f"{__name__}.{model.__name__}: ")
    assert fault in broken.value.message


def test_every_model_of_ours_keeps_the_contract_and_knows_its_backend() -> None:
    assert {model.id.partition("/")[0] for model in catalogue.all} == set(BACKENDS.names)
    assert BACKENDS.left_out == {}
