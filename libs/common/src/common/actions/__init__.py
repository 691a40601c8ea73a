"""The registry of actions: every module of this package that defines an `Action` is part of it."""

import importlib
import pkgutil
from collections.abc import Mapping
from typing import Any

from common.actions.contract import Action

AnyAction = Action[Any, Any]


def discover(package_path: list[str], package_name: str) -> Mapping[str, AnyAction]:
    """Import every module of a package and return the actions they define, by name.

    Args:
        package_path: The package's `__path__`.
        package_name: Its dotted name.

    Raises:
        ValueError: Two modules define the same action or share a results collection: one of them
            would silently receive the other's events or overwrite its results.
    """
    actions: dict[str, AnyAction] = {}
    for module_info in sorted(pkgutil.iter_modules(package_path), key=lambda info: info.name):
        module = importlib.import_module(f"{package_name}.{module_info.name}")
        for value in vars(module).values():
            if not isinstance(value, Action) or actions.get(value.name) is value:
                continue
            for other in actions.values():
                if value.name == other.name or value.results_collection == other.results_collection:
                    raise ValueError(
                        f"action {value.name!r} in {module.__name__} clashes with {other.name!r}: "
                        "names and results collections must be unique"
                    )
            actions[value.name] = value
    return actions


ACTIONS: Mapping[str, AnyAction] = discover(list(__path__), __name__)
