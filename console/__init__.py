"""The agent console and the visitor widget: where their built files are."""

from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).parent
"""Folder of this package: the sources in a checkout, `dist` alone in an installed wheel."""

DIST: Final = SOURCE / "dist"
"""Folder of the built console: `desk/`, `widget/`, `demo/`, `assets/` and `w.js`."""

__all__ = ["DIST", "SOURCE"]
