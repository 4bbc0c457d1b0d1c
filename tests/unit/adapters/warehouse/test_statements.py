"""Every query that a tenant may cause is bound to that tenant."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from adapters.warehouse import statements

QUERIES = sorted(f.name for f in files("adapters.warehouse").joinpath("queries").iterdir())


def test_there_are_queries() -> None:
    assert len(QUERIES) >= 5


@pytest.mark.parametrize("name", QUERIES)
def test_each_table_is_read_for_one_tenant_only(name: str) -> None:
    text = re.sub(r"--.*", "", statements.query(name.removesuffix(".sql")))
    tables = re.findall(r"\bFROM\s+(?!\()([a-z_.]+)", text)
    assert tables
    assert text.count("tenant = {tenant:String}") == len(tables)
    alternatives = re.sub(r"\((\w+\(\w+, \{\w+:\w+\}\) OR \w+\(\w+, \{\w+:\w+\}\))\)", "", text)
    assert " OR " not in alternatives.upper(), "an OR outside of brackets could reach around the tenant"


@pytest.mark.parametrize("name", QUERIES)
def test_versions_are_merged_when_read(name: str) -> None:
    text = statements.query(name.removesuffix(".sql"))
    assert len(re.findall(r"\bFROM\s+(?!\()[a-z_.]+ FINAL\b", text)) == len(re.findall(r"\bFROM\s+(?!\()", text))
