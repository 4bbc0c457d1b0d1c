"""Keeps pandas out of this process: pyarrow imports it at the first array, which costs 1.1 s and 60 MB for nothing."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType


class _NoPandas:
    """An import hook that finds every module but one."""

    @staticmethod
    def find_spec(name: str, _path: Sequence[str] | None, _target: ModuleType | None = None) -> ModuleSpec | None:
        """Says that pandas isn't installed; leaves everything else to the finders behind it."""
        if name == "pandas":
            raise ModuleNotFoundError("pandas is kept out of the warehouse's process", name=name)
        return None


def without_pandas() -> None:
    """From here on `import pandas` fails in this process, as if it weren't installed. pyarrow copes with that."""
    if "pandas" not in sys.modules:
        sys.meta_path.insert(0, _NoPandas)
