"""Defines the name of a model together with its provider: `openai:gpt-5-mini`."""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class ModelName:
    """A provider, and a model by the name that the provider's service uses. The text form is `provider:model`."""

    provider: str
    model: str

    def __str__(self) -> str:
        return f"{self.provider}:{self.model}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `provider:model`; the model may contain further colons, as those of Ollama do.

        Raises ValueError when one of the two is missing.
        """
        provider, _, model = (part.strip() for part in text.partition(":"))
        if not (provider and model):
            raise ValueError(f"{text!r} is not provider:model")
        return cls(provider, model)
