"""The shape of a question that costs nothing: words with an answer, shown as an MCP tool and in the CLI.

Who can answer is handed in with the question; each query says what it needs of them.
"""

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError, model_validator

from callsheet.catalogue.bounds import bounded
from callsheet.catalogue.consent import Question, Yes
from callsheet.catalogue.words import faults, unpacked
from callsheet.errors import RequestError


class Answer(BaseModel):
    """What a query gives back."""

    def as_dict(self) -> dict[str, Any]:
        """As JSON, without what is absent."""
        return self.model_dump(mode="json", exclude_none=True)


class Query(BaseModel):
    """A question; its fields are the tool's arguments."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)

    name: ClassVar[str]
    toolset: ClassVar[str] = "core"
    changes: ClassVar[bool] = False
    """Whether it changes something, here or at a backend."""
    spends: ClassVar[bool] = False
    destroys: ClassVar[bool] = False
    account_wide: ClassVar[bool] = False
    """Whether it shows or changes what belongs to the whole account, which only an admin may."""
    answers: ClassVar[type[BaseModel]]

    _yes: Yes | None = PrivateAttr(None)
    _asks: bool = PrivateAttr(False)

    @model_validator(mode="before")
    @classmethod
    def _unpacked(cls, said: Any) -> Any:
        """Some clients send a list or an object as a JSON string; take it for what it is."""
        return bounded(unpacked(cls, bounded(said)))

    @classmethod
    def of(cls, said: dict[str, Any]) -> Self:
        """Check arguments.

        Raises:
            RequestError: naming each fault, and the word that was probably meant.
        """
        try:
            return cls.model_validate(said)
        except ValidationError as error:
            raise RequestError(f"{cls.name}: {faults(error, cls.model_fields)}") from None

    async def question(self, studio: Any, caller: str) -> Question | None:
        """What a person must be asked first; None where nobody need be."""
        return None

    def approved(self, yes: Yes | None, asks: bool) -> Self:
        """The same, with a person's yes to its question; `asks` where one can be asked again."""
        approved = self.model_copy()
        approved._yes, approved._asks = yes, asks
        return approved

    async def answer(self, studio: Any, caller: str) -> BaseModel:
        """The answer, for a caller."""
        raise NotImplementedError
