"""Which adapters this installation has."""

from pathlib import Path


def folders() -> list[str]:
    """The adapters that have a process of their own kind: every folder of `adapters` with a `main.py`."""
    import adapters  # noqa: PLC0415  (not needed by the other commands)

    found = (Path(folder) for folder in adapters.__path__)
    return sorted(main.parent.name for folder in found for main in folder.glob("*/main.py"))


def names() -> list[str]:
    """All adapters that this installation has: those, and every channel."""
    from backbone.accounts import registry  # noqa: PLC0415  (not needed by the other commands)

    return sorted([*folders(), *registry.names()])
