"""Changes one guard at a time and sees whether a test notices: `make mutants`, a campaign.

A mutant drops a statement that refuses or asks, turns a condition round, or changes a comparison. It is written into a
copy of the tree, so that processes that a test starts run it too. One that no test kills is printed, and is a failure;
so is a reason for one that isn't there any more.
"""

from __future__ import annotations

import ast
import copy
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[1]
WITHIN_S: Final = 300.0
GUARDS: Final = {"authorise", "check_name", "check_contact", "check_client_uuid", "check_conversation"}


class Plan(NamedTuple):
    """Which files are changed, and the tests that must notice. `equivalent`: mutants, without their line, that do what
    the code does, with the reason.
    """

    sources: tuple[str, ...]
    tests: tuple[str, ...]
    only_guards: bool = False
    equivalent: Mapping[str, str] = MappingProxyType({})


PLANS: Final = {
    "access": Plan(("backbone/access.py",), ("tests/unit/backbone/test_access.py",)),
    "acts": Plan(("backbone/acts.py",), ("tests/unit/backbone/test_conversation.py",)),
    "commands": Plan(
        tuple(str(p.relative_to(ROOT)) for p in sorted((ROOT / "node" / "commands").glob("*.py"))),
        (
            "tests/integration/node/test_send_guards.py",
            "tests/integration/node/test_refusals.py",
            "tests/integration/node/test_roles_on_sockets.py",
            "tests/integration/node/test_rest_access.py",
            "tests/integration/node/test_sockets.py",
            "tests/integration/node/test_files.py",
        ),
        only_guards=True,
    ),
    "settings": Plan(("node/rest/settings/rules.py",), ("tests/unit/node/test_settings_rules.py",)),
    "api": Plan(
        ("node/rest/contract/api.py",),
        (
            "tests/unit/node/test_api.py",
            "tests/unit/node/test_api_endpoint.py",
            "tests/contract/test_rest_schema.py",
            "tests/integration/node/test_rest_once.py",
            "tests/integration/node/test_rest_access.py",
        ),
    ),
}
_OTHER: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.Lt: ast.GtE,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.GtE: ast.Lt,
}


def mutants(source: str, *, only_guards: bool) -> Iterator[tuple[str, str]]:
    """(what was changed, the whole source with it), one after the other."""
    tree = ast.parse(source)
    places = list(ast.walk(tree))
    for n, node in enumerate(places):
        for what, change in _changes(node, only_guards=only_guards):
            changed = copy.deepcopy(tree)
            twin = list(ast.walk(changed))[n]
            change(twin)
            yield f"line {getattr(node, 'lineno', 0)}: {what}", ast.unparse(ast.fix_missing_locations(changed))


def _changes(node: ast.AST, *, only_guards: bool) -> Iterator[tuple[str, object]]:
    if isinstance(node, ast.If | ast.For | ast.With | ast.AsyncWith | ast.FunctionDef | ast.AsyncFunctionDef):
        for k, statement in enumerate(node.body):
            if _is_guard(statement):
                yield f"without `{ast.unparse(statement).splitlines()[0][:70]}`", _dropping(k)
    if only_guards:
        return
    if isinstance(node, ast.If | ast.IfExp):
        yield f"not `{ast.unparse(node.test)[:70]}`", _negate
    if isinstance(node, ast.Compare):
        yield f"another comparison in `{ast.unparse(node)[:70]}`", _compare
    if isinstance(node, ast.BoolOp):
        yield f"and for or in `{ast.unparse(node)[:70]}`", _swap


def _is_guard(statement: ast.stmt) -> bool:
    """A call that raises where something isn't allowed, or an `if` that only refuses."""
    if isinstance(statement, ast.Expr) and isinstance(call := statement.value, ast.Await | ast.Call):
        call = call.value if isinstance(call, ast.Await) else call
        name = getattr(getattr(call, "func", None), "id", "")
        return name in GUARDS or name.startswith("_check")
    return isinstance(statement, ast.If) and all(isinstance(one, ast.Raise) for one in statement.body)


def _dropping(k: int) -> object:
    def change(node: ast.AST) -> None:
        node.body[k] = ast.Pass()  # type: ignore[attr-defined]

    return change


def _negate(node: ast.AST) -> None:
    node.test = ast.UnaryOp(ast.Not(), node.test)  # type: ignore[attr-defined]


def _compare(node: ast.AST) -> None:
    node.ops[0] = _OTHER[type(node.ops[0])]()  # type: ignore[attr-defined]


def _swap(node: ast.AST) -> None:
    node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()  # type: ignore[attr-defined]


def run(plan: Plan, tree: Path) -> list[str]:
    """The mutants that no test noticed."""
    survived, count, spared = [], 0, set()
    if _is_noticed(plan, tree):
        return [f"the tests fail without any change: {' '.join(plan.tests)}"]
    for name in plan.sources:
        path = tree / name
        whole = path.read_text(encoding="utf-8")
        for what, source in mutants(whole, only_guards=plan.only_guards):
            count += 1
            mutation = what.partition(": ")[2]
            if mutation in plan.equivalent:
                spared.add(mutation)
                continue
            path.write_text(source, encoding="utf-8")
            is_killed = _is_noticed(plan, tree)
            if not is_killed:
                survived.append(f"{name}, {what}")
            sys.stderr.write(f"{'killed' if is_killed else 'SURVIVED'}  {name}, {what}\n")
            sys.stderr.flush()
        path.write_text(whole, encoding="utf-8")
    sys.stderr.write(f"{count} mutants, {len(spared)} equivalent, {len(survived)} survived\n")
    return survived + [f"no such mutant: {one}" for one in plan.equivalent if one not in spared]


def _is_noticed(plan: Plan, tree: Path) -> bool:
    """Whether a test fails, or hangs: those without servers are asked first, which answer within seconds."""
    slow = tuple(one for one in plan.tests if one.startswith("tests/integration"))
    fast = tuple(one for one in plan.tests if one not in slow)
    return any(_fails(tests, tree) for tests in (fast, slow) if tests)


def _fails(tests: tuple[str, ...], tree: Path) -> bool:
    command = [sys.executable, "-m", "pytest", "-n", "0", "-x", "-q", "-p", "no:cacheprovider", *tests]
    env = {**os.environ, "PYTHONPATH": str(tree)}
    try:
        ended = subprocess.run(command, cwd=tree, env=env, capture_output=True, timeout=WITHIN_S, check=False)
    except subprocess.TimeoutExpired:
        return True
    return ended.returncode != 0


def main(names: list[str]) -> int:
    """Runs the plans with these names, all of them without."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for name in listed.splitlines():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
        if (ROOT / "console" / "dist").exists():
            shutil.copytree(ROOT / "console" / "dist", tree / "console" / "dist", dirs_exist_ok=True)
        survived = [one for name in names or PLANS for one in run(PLANS[name], tree)]
    for one in survived:
        print(one)  # noqa: T201 - what the command is for
    return bool(survived)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
