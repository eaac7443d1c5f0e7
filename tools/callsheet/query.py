"""The shape of a question that costs nothing: words with an answer, shown as an MCP tool and in the CLI."""

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError

from callsheet.errors import RequestError
from callsheet.words import faults

if TYPE_CHECKING:
    from callsheet.studio import Studio


class Answer(BaseModel):
    """What a query gives back."""

    def as_dict(self) -> dict[str, Any]:
        """As JSON, without what is absent."""
        return self.model_dump(mode="json", exclude_none=True)


class Query(BaseModel):
    """A question; its fields are the tool's arguments."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: ClassVar[str]
    toolset: ClassVar[str] = "core"
    changes: ClassVar[bool] = False
    """Whether it changes something, here or at a backend."""
    spends: ClassVar[bool] = False
    destroys: ClassVar[bool] = False
    answers: ClassVar[type[BaseModel]]

    @classmethod
    def of(cls, said: dict[str, Any]) -> "Query":
        """Check arguments.

        Raises:
            RequestError: naming each fault, and the word that was probably meant.
        """
        try:
            return cls.model_validate(said)
        except ValidationError as error:
            raise RequestError(f"{cls.name}: {faults(error, cls.model_fields)}") from None

    async def answer(self, studio: "Studio", caller: str) -> BaseModel:
        """The answer, for a caller."""
        raise NotImplementedError
