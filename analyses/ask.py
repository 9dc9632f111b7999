"""What may be asked of a view: the base of every page's choices."""

from collections.abc import Collection
from typing import Any

from pydantic import AfterValidator, BaseModel, ConfigDict


def one_of(options: Collection[str]) -> AfterValidator:
    """A field that is one of these words."""

    def check(value: str) -> str:
        if value not in options:
            raise ValueError(f"it is one of {', '.join(options)}")
        return value

    return AfterValidator(check)


class Ask(BaseModel):
    """What a reader has chosen: the fields of a view, each with the default that a page opens with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def changed(self) -> dict[str, Any]:
        """The fields that differ from their defaults."""
        return self.model_dump(mode="json", exclude_defaults=True)
