"""Words for language models."""

from typing import Annotated, Any

from pydantic import Field, model_validator

from callsheet.catalogue.words.base import Prompt, Words


class Chat(Words):
    """Ask a language model. Either prompt or messages ({role, content})."""

    operation, command = "chat", "chat"

    prompt: Prompt | None = None
    messages: list[dict[str, Any]] | None = None
    system: str | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    web_search: bool | None = None

    @model_validator(mode="after")
    def _something_said(self) -> "Chat":
        if (self.prompt is None) == (self.messages is None):
            raise ValueError("say either `prompt` or `messages`")
        return self
