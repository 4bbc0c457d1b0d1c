"""Libraries that only some installations have: which extra brings them, said in a sentence in place of a traceback."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Final

from backbone.errors import SettingError

EXTRAS: Final = {"clickhouse_connect": "warehouse", "pyarrow": "warehouse"}
"""Modules by the extra of this package that installs them."""


@contextlib.contextmanager
def needed() -> Iterator[None]:
    """Around an import. Raises SettingError naming the extra that is missing; other modules fail as they do."""
    try:
        yield
    except ModuleNotFoundError as missing:
        extra = EXTRAS.get((missing.name or "").split(".")[0])
        if extra is None:
            raise
        message = f"{missing.name} isn't installed: pip install 'trunkline[{extra}]'."
        raise SettingError(message=message) from missing
