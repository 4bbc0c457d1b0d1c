"""Every pattern in our sources, and how each is asked: found by reading them, so that a new one is found too."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
ROOMS: Final = ("backbone", "node", "adapters")
_ASKS: Final = frozenset({"search", "match", "fullmatch", "finditer", "findall", "sub", "subn", "split"})


class Asked(NamedTuple):
    """A pattern, and the ways in which it is asked, as methods of `re.Pattern` are named."""

    place: str
    pattern: re.Pattern[Any]
    ways: frozenset[str]

    def ask(self, given: Any) -> None:
        """Asks it in each of these ways."""
        for way in self.ways:
            if way in {"match", "fullmatch"}:
                getattr(self.pattern, way)(given)
            else:
                # A search that fails, `sub` and `split` do what this does.
                for _ in self.pattern.finditer(given):
                    pass


@cache
def sources() -> dict[str, ast.Module]:
    """Our modules by their names."""
    found = {}
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            if not name.endswith("__main__"):
                found[name.removesuffix(".__init__")] = ast.parse(path.read_text())
    return found


def every() -> list[Asked]:
    """All patterns: constants of modules, those written where they are asked, those of settings and frames."""
    found: dict[tuple[Any, int], Asked] = {}
    for name, tree in sources().items():
        module = importlib.import_module(name)
        ways = _ways(name)
        for place, value in vars(module).items():
            for pattern in _patterns(value):
                # One in a list, or asked elsewhere, is asked in every way.
                how = ways.get(place) if isinstance(value, re.Pattern) else None
                _add(found, Asked(f"{name}.{place}", pattern, frozenset(how or {"search", "fullmatch"})))
        for pattern, how in _written(tree, vars(module)):
            _add(found, Asked(f"{name}: {pattern.pattern!r}", pattern, frozenset(how)))
    return list(found.values())


def unnamed() -> list[str]:
    """Calls of `re` whose pattern is put together where it is asked: nothing can try those."""
    found = []
    for name, tree in sources().items():
        constants = {id(node) for top in tree.body for node in _outside_functions(top)}
        found += [
            f"{name}:{call.lineno}"
            for call in _calls(tree)
            if id(call) not in constants and call.args and not isinstance(call.args[0], ast.Constant)
        ]
    return found


def _add(found: dict[tuple[Any, int], Asked], asked: Asked) -> None:
    key = (asked.pattern.pattern, asked.pattern.flags)
    found[key] = asked._replace(ways=asked.ways | found[key].ways) if key in found else asked


def _patterns(value: object) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, tuple | list | set | frozenset):
        for each in value:
            yield from _patterns(each)
    elif isinstance(value, dict):
        for each in value.values():
            yield from _patterns(each)


def _written(tree: ast.Module, names: dict[str, Any]) -> Iterator[tuple[re.Pattern[Any], set[str]]]:
    """Patterns that stand in the call, and those of fields (`Meta(pattern=...)`, which msgspec searches)."""
    for call in _calls(tree):
        way = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if way in _ASKS and call.args and isinstance(call.args[0], ast.Constant):
            flags = next((each.value for each in call.keywords if each.arg == "flags"), None)
            given = eval(ast.unparse(flags), {"re": re}) if flags is not None else 0  # noqa: S307 - our own source
            yield re.compile(call.args[0].value, given), {way}
    for node in _outside_functions(tree):
        if isinstance(node, ast.keyword) and node.arg == "pattern":
            yield re.compile(eval(ast.unparse(node.value), names)), {"search"}  # noqa: S307 - our own source


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "re"
            and node.func.attr in {*_ASKS, "compile"}
        ):
            yield node


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        for child in ast.iter_child_nodes(node):
            yield from _outside_functions(child)


def _ways(module: str) -> dict[str, set[str]]:
    """By the name of a constant of a module: how it is asked; one without an underscore in all modules."""
    ways: dict[str, set[str]] = {}
    for name, place, way in _uses():
        if name == module or not place.startswith("_"):
            ways.setdefault(place, set()).add(way)
    return ways


@cache
def _uses() -> list[tuple[str, str, str]]:
    """(module, constant, method) of everything that is called as a pattern is."""
    found = []
    for name, tree in sources().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in _ASKS:
                of = node.value
                place = of.id if isinstance(of, ast.Name) else of.attr if isinstance(of, ast.Attribute) else ""
                found.append((name, place, node.attr))
    return found
