"""Promises of the documentation: every setting and every error code has its line, and the links lead somewhere."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from backbone.access import ACTIONS
from backbone.events import TYPES
from backbone.nats.streams import AUDIT_OF_DIRECTORY
from trunkline import reference, reference_acts, reference_metrics

ROOT = Path(__file__).parents[3]
CODE = re.compile(r"[a-z]+\.[a-z_]+")
NO_CODES = frozenset(
    {"debug", "info", "warning", "error", "critical", "exception", "get_logger", "create_task", "spawn", "reach"}
)
"""Functions whose strings name logs, tasks and failpoints."""

NO_CODE_FIELDS = frozenset({"name", "field"})
FILES = ("html", "js", "json", "conf", "log", "png", "xml", "lock", "py", "dat", "txt", "arpa")
PAGE = re.compile(r"(?<![\w*-])((?:[\w-]+/)*\w[\w-]*\.md)\b")
VERBS = frozenset({"report.overview", "search.messages"})
"""Names of what the warehouse is asked."""


class _Codes(ast.NodeVisitor):
    def __init__(self) -> None:
        self.found: set[str] = set()

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name not in NO_CODES:
            self.generic_visit(node)

    def visit_keyword(self, node: ast.keyword) -> None:
        if node.arg not in NO_CODE_FIELDS:
            self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and CODE.fullmatch(node.value):
            self.found.add(node.value)


def codes() -> set[str]:
    """Every string of the code that reads like an error code and isn't the name of something else."""
    visitor = _Codes()
    for room in ("backbone", "node", "adapters"):
        for path in (ROOT / room).rglob("*.py"):
            # A channel raises faults, which the kit turns into codes; its strings are the platform's.
            channels = ROOT / "adapters" / "channels"
            is_channel = path.is_relative_to(channels) and not path.is_relative_to(channels / "kit")
            if path.name != "failpoints.py" and not is_channel:
                visitor.visit(ast.parse(path.read_text()))
    known = TYPES.keys() | VERBS | ACTIONS | {AUDIT_OF_DIRECTORY}
    return {
        c
        for c in visitor.found - known
        if not c.endswith(FILES) and not c.startswith(("websocket.", "to.", "args.", "adapters.", "trunkline."))
    }


def test_every_setting_has_its_line() -> None:
    """`make docs` writes the page."""
    assert (ROOT / "docs" / "settings.md").read_text() == reference.page()


def test_every_series_has_its_line_with_type_unit_labels_and_meaning() -> None:
    """`make docs` writes the page."""
    page = reference_metrics.page()
    assert (ROOT / "docs" / "metrics.md").read_text() == page
    made = {
        name
        for path in (ROOT / room for room in ("backbone", "node", "adapters"))
        for source in path.rglob("*.py")
        for name in re.findall(r"\b(?:Gauge|Counter|Histogram)\(\s*\"(trunkline_\w+)\"", source.read_text())
    }
    assert len(made) > 20
    assert sorted(n for n in made if f"`{n}`" not in page and f"`{n}_total`" not in page) == []


def test_every_error_code_has_its_line() -> None:
    """A code is API: who meets one finds it in docs/errors.md."""
    found = codes()
    assert "log.unavailable" in found
    page = (ROOT / "docs" / "errors.md").read_text()
    assert sorted(code for code in found if f"`{code}`" not in page) == []


@pytest.mark.parametrize(
    "page", sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md")), ids=lambda p: p.name
)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    """Every relative link and picture of a page is there."""
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_table_of_acts_is_what_the_code_says() -> None:
    page = (ROOT / "docs" / "protocol.md").read_text()
    assert reference_acts.page(page) == page


def _named_pages() -> list[tuple[str, str]]:
    """(file, page) of each page that a source names."""
    found = []
    for room in ("backbone", "node", "adapters", "console", "trunkline", "tests"):
        for path in (ROOT / room).rglob("*"):
            is_ours = path.suffix in {".py", ".ts", ".tsx"} and not {"node_modules", "dist"} & set(path.parts)
            if is_ours and path != Path(__file__):
                text = path.read_text(encoding="utf-8")
                found += [(str(path.relative_to(ROOT)), page) for page in PAGE.findall(text)]
    return found


def test_a_source_names_no_page_that_the_repository_lacks() -> None:
    """Docstrings named the pages of a plan, and readers looked for them."""
    pages = {path.name for path in ROOT.rglob("*.md") if "node_modules" not in path.parts}
    missing = [(file, page) for file, page in _named_pages() if page.rpartition("/")[2] not in pages]
    assert missing == []
    assert [
        (file, page) for file, page in _named_pages() if page.startswith("docs/") and not (ROOT / page).exists()
    ] == []
