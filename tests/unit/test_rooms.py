"""A file is read in one sitting, and a room is seen at a glance."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("backbone", "node", "adapters", "trunkline")
LINES_MOST = 450
FILES_MOST = 20


def _rooms() -> Iterator[Path]:
    for room in ROOMS:
        for found in ((ROOT / room), *(ROOT / room).rglob("*")):
            if found.is_dir() and (found / "__init__.py").exists():
                yield found


def test_no_file_has_over_450_lines() -> None:
    sizes = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for room in _rooms()
        for path in room.glob("*.py")
    }
    assert {name: lines for name, lines in sizes.items() if lines > LINES_MOST} == {}


def test_no_room_has_over_20_files_without_rooms_in_it() -> None:
    sizes = {room: len(list(room.glob("*.py"))) for room in _rooms()}
    crowded = {str(room.relative_to(ROOT)): count for room, count in sizes.items() if count > FILES_MOST}
    crowded = {name: count for name, count in crowded.items() if not _inside(ROOT / name)}
    assert crowded == {}


def _inside(room: Path) -> list[str]:
    return [found.name for found in room.iterdir() if (found / "__init__.py").exists()]
