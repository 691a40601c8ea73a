"""Thresholds of analyses: defaults in the model, changed by configuration, then by the job."""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import ValidationError

from common.errors import PayloadError
from common.models import CamelModel

ThresholdsT = TypeVar("ThresholdsT", bound=CamelModel)


def resolve_thresholds(
    model: type[ThresholdsT],
    configured: Mapping[str, float],
    requested: Mapping[str, float],
) -> ThresholdsT:
    """Return the thresholds of one run: `requested` over `configured` over the model's defaults.

    Args:
        model: Thresholds of the action, each with a default and bounds.
        configured: camelCase name to value, from the worker's environment.
        requested: camelCase name to value, from the job's `options.thresholds`.

    Raises:
        PayloadError: A name is unknown or a value is out of its bounds.
    """
    try:
        return model.model_validate({**configured, **requested})
    except ValidationError as error:
        names = [field.alias or name for name, field in model.model_fields.items()]
        known = ", ".join(names) or "none"
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        is_unknown = first["type"] == "extra_forbidden"
        problem = (
            "there is none of this name"
            if is_unknown
            else f"{first['msg']}, got {first['input']!r}"
        )
        raise PayloadError(f"threshold {name!r}: {problem} (known thresholds: {known})") from error
