"""Says what pydantic found wrong with a request in words for the one who sent it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gateway.problems import FieldError

SHOWN_ERRORS: Final = 50
_SHOWN_CHARACTERS: Final = 120

_Location = tuple[int | str, ...]


def field_errors(
    errors: Sequence[Mapping[str, Any]],
    model: type[BaseModel] | None = None,
    prefix: _Location = (),
) -> list[FieldError]:
    """Return the first 50 of pydantic's `errors`, each with its place and the value refused.

    Args:
        errors: As `ValidationError.errors()` gives them, without their `ctx` and `url`.
        model: What was validated: its fields are named where one is unknown.
        prefix: Where the validated part sits in the request: `("body", "payload")`.
    """
    return [_field_error(error, model, prefix) for error in errors[:SHOWN_ERRORS]]


def _field_error(
    error: Mapping[str, Any], model: type[BaseModel] | None, prefix: _Location
) -> FieldError:
    location: _Location = (*prefix, *error["loc"])
    place, inner = location[0], location[1:]
    detail = _detail(error, model)
    if place == "query":
        return FieldError(detail=detail, parameter=shown(".".join(map(str, inner))))
    return FieldError(detail=detail, pointer=pointer(inner))


def _detail(error: Mapping[str, Any], model: type[BaseModel] | None) -> str:
    kind = error["type"]
    if kind == "missing":
        return "required, but missing"
    if kind == "extra_forbidden":
        known = list(_known_fields(model, error["loc"][:-1]))
        return "unknown field" + (f"; known here: {', '.join(known)}" if known else "")
    message = shown(str(error["msg"]).removeprefix("Value error, "), 500)
    given = error.get("input")
    if kind == "value_error" or isinstance(given, dict | list | bytes):
        return message
    return f"{message}, got {shown(repr(given))}"


def _known_fields(model: type[BaseModel] | None, location: _Location) -> Iterator[str]:
    for part in location:
        if model is None:
            return
        fields: dict[int | str, FieldInfo] = {
            field.alias or name: field for name, field in model.model_fields.items()
        }
        inner: Any = fields[part].annotation if part in fields else None
        model = inner if isinstance(inner, type) and issubclass(inner, BaseModel) else None
    if model is not None:
        yield from (field.alias or name for name, field in model.model_fields.items())


def pointer(location: Sequence[int | str]) -> str:
    """Return the URI fragment that points to `location` in the body. Source: RFC 6901."""
    parts = [
        quote(shown(str(part)).replace("~", "~0").replace("/", "~1"), safe="~!$&'()*+,;=:@")
        for part in location
    ]
    return "/".join(["#", *parts])


def shown(text: str, length: int = _SHOWN_CHARACTERS) -> str:
    """Return `text` cut to `length` characters, with anything that is not Unicode replaced."""
    cut = text if len(text) <= length else text[: length - 1] + "…"
    return cut.encode("utf-8", "replace").decode()
