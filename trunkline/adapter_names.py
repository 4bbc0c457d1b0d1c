"""Which adapters this installation has: entry points of group `trunkline.adapters`, and every channel."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Final

from backbone.errors import SettingError

GROUP: Final = "trunkline.adapters"
OURS: Final = "adapters."


def folders() -> list[str]:
    """Our own adapters that have a process of their own kind: every folder of `adapters` with a `main.py`."""
    import adapters  # noqa: PLC0415  (not needed by the other commands)

    found = (Path(folder) for folder in adapters.__path__)
    return sorted(main.parent.name for folder in found for main in folder.glob("*/main.py"))


def installed() -> dict[str, EntryPoint]:
    """Adapters by name, without loading any; of two of one name ours counts.

    Ours are there even where the checkout has moved on since it was installed.
    """
    ours = {name: EntryPoint(name, f"{OURS}{name}.main:main", GROUP) for name in folders()}
    points = sorted(entry_points(group=GROUP), key=lambda point: point.value.startswith(OURS))
    return {**ours, **{point.name: point for point in points}}


def others() -> list[str]:
    """Names of the adapters of other packages."""
    return sorted(name for name, point in installed().items() if not point.value.startswith(OURS))


def names() -> list[str]:
    """All adapters that this installation has: those, and every channel."""
    from backbone.accounts import registry  # noqa: PLC0415  (not needed by the other commands)

    return sorted({*installed(), *registry.names()})


def load(name: str) -> Callable[[], int]:
    """What runs the adapter `name`. Raises SettingError where another package's can't be loaded."""
    point = installed()[name]
    if point.value.startswith(OURS):
        main: Callable[[], int] = point.load()
        return main
    try:
        main = point.load()
    except Exception as error:  # somebody else's code: isolated, and shown
        raise SettingError(
            message=f"{name} ({point.value}) can't be loaded: {type(error).__name__}: {error}", field="name"
        ) from error
    if not callable(main):
        raise SettingError(message=f"{name} ({point.value}) is no function that could be run.", field="name")
    return main
