"""What each process imports: libraries of the warehouse stay in its process, and those that nobody needs in none."""

from __future__ import annotations

import subprocess
import sys

import pytest

NOWHERE = ("pandas", "numpy", "datastore")
WAREHOUSE_ONLY = ("pyarrow", "clickhouse_connect", "chdb")
CHANNELS = (
    "api", "app", "douyin", "email", "instagram", "line", "messenger", "miniprogram", "telegram", "wechat", "wecom",
    "whatsapp",
)  # fmt: skip
PROCESSES = {
    "node": ["node.main"],
    "routing": ["adapters.routing.main"],
    "channels": [
        "adapters.channels.kit.service",
        *(f"adapters.channels.{name}" for name in CHANNELS),
    ],
    "up": ["trunkline.main", "trunkline.up.run"],
    "doctor": ["trunkline.commands.doctor", "trunkline.doctor.adapters", "trunkline.ask"],
}


def said(code: str, *hidden: str) -> str:
    """What a new process prints in which the modules `hidden` aren't installed."""
    hiding = f"import sys\nfor name in {hidden!r}: sys.modules[name] = None\n"
    done = subprocess.run([sys.executable, "-c", hiding + code], capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip()


def loaded(modules: list[str], names: tuple[str, ...]) -> str:
    """Those of `names` that are in a process which imported `modules`."""
    imports = "import importlib, sys\n" + "".join(f"importlib.import_module({m!r})\n" for m in modules)
    return said(f"{imports}print(sorted(set({names!r}) & set(sys.modules)))")


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_imports_nothing_of_the_warehouses(name: str) -> None:
    assert loaded(PROCESSES[name], (*NOWHERE, *WAREHOUSE_ONLY)) == "[]"


def test_the_warehouse_loads_and_answers_without_pandas_and_numpy() -> None:
    code = (
        "import sys, clickhouse_connect, pyarrow as pa\n"
        "import adapters.warehouse.main, adapters.warehouse.service\n"
        "client = clickhouse_connect.get_client(interface='chdb')\n"
        "client.command('CREATE TABLE t (a Int64, b Array(String)) ENGINE = Memory')\n"
        "client.insert_arrow('t', pa.table({'a': pa.array([1, 2]), 'b': pa.array([['x'], []])}))\n"
        "print(client.query('SELECT * FROM t ORDER BY a').result_rows)\n"
    )
    assert said(code, *NOWHERE) == "[(1, ['x']), (2, [])]"
    modules = ["adapters.warehouse.main", "adapters.warehouse.service", "chdb"]
    assert loaded(modules, NOWHERE) == "[]"


def test_a_missing_extra_is_a_sentence_that_names_it() -> None:
    run = "sys.argv[1:] = ['adapter', 'warehouse']\nfrom trunkline.main import main\nmain()"
    assert said(run, "pyarrow").endswith("pyarrow isn't installed: pip install 'trunkline[warehouse]'.")
    engine = (
        "from adapters.warehouse.clickhouse.engine import load_library\n"
        "from adapters.warehouse.settings import target\n"
        "from backbone.errors import SettingError\n"
        "try: load_library(target('chdb:///x'))\nexcept SettingError as missing: print(missing.message)"
    )
    assert said(engine, "chdb").endswith("isn't installed: pip install 'trunkline[embedded]'.")
