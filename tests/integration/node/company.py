"""A company of a test's own on the folder's system: its people, each signed in, asking over REST."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Final, NamedTuple, Self, TypeVar

import httpx2
from msgspec import structs

from backbone import directory
from backbone.directory import Agent, CustomRole
from backbone.nats.link import Link
from node.entry.passwords import hash_password
from tests.harness.apart import run_apart
from tests.harness.system import PASSWORD, System
from trunkline.connect import connected

T = TypeVar("T")
CLERK: Final = CustomRole(id="clerk", name="Clerk", actions=("agent.list", "agent.manage", "role.manage"))


class Answer(NamedTuple):
    """What a node answered."""

    status: int
    body: Any
    etag: str
    cookie: str

    @property
    def code(self) -> str:
        """Of a refusal; empty if it is none."""
        return str(self.body.get("code", "")) if isinstance(self.body, dict) and self.status >= 400 else ""


class Company:
    """Olga and Omar are owners, Ada and Ben admins, Lin and Mei agents, Cleo has a role of the company's own."""

    def __init__(self, system: System, tenant: str) -> None:
        self.system = system
        self.tenant = tenant
        self._cookies: dict[str, str] = {}
        # One for all requests: a client reads the machine's certificates first, 20 ms of CPU.
        self._client = httpx2.Client(timeout=30)
        people = {
            "olga": "owner",
            "omar": "owner",
            "ada": "admin",
            "ben": "admin",
            "lin": "agent",
            "mei": "agent",
            "cleo": "clerk",
        }

        async def make(link: Link) -> None:
            hashed = await hash_password(PASSWORD)
            await directory.create_tenant(link, tenant, tenant.title())
            await directory.change(link, directory.OPERATOR, "", directory.key_of(tenant, CLERK), CLERK, 0)
            for name, role in people.items():
                agent = Agent(id=name, name=name.title(), email=self.email(name), password=hashed, role=role)
                await directory.create_agent(link, tenant, agent)

        self.work(make)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def email(self, name: str) -> str:
        """Of one of its people."""
        return f"{name}@{self.tenant}.example"

    def work(self, what: Any) -> Any:
        """What `what(link)`, a coroutine, returns."""

        async def run() -> Any:
            async with connected(self.system.common, "test") as link:
                work: Coroutine[Any, Any, Any] = what(link)
                return await work

        return run_apart(run())

    def sign_in(self, name: str, password: str = PASSWORD) -> Answer:
        """A new session."""
        return self.ask("", "POST", "session", {"email": self.email(name), "password": password})

    def cookie(self, name: str) -> str:
        """The session that somebody asks with."""
        if name not in self._cookies:
            self._cookies[name] = self.sign_in(name).cookie
        return self._cookies[name]

    def forget(self, name: str) -> None:
        """They sign in anew when they ask next."""
        self._cookies.pop(name, None)

    def ask(self, name: str, method: str, path: str, body: Any = None, node: int = 0, **headers: str) -> Answer:
        """One request of somebody's, of nobody's where `name` is empty; `If_Match` is the header If-Match."""
        sent = {key.replace("_", "-"): value for key, value in headers.items()}
        if name:
            sent["Cookie"] = self.cookie(name)
        url = f"{self.system.nodes[node].http}/api/v1/{path}"
        answer = self._client.request(method, url, json=body, headers=sent)
        self._client.cookies.clear()
        shown = answer.json() if answer.content else None
        cookie = "; ".join(f"{key}={value}" for key, value in answer.cookies.items())
        return Answer(answer.status_code, shown, answer.headers.get("etag", ""), cookie)

    def change_agent(self, by: str, agent: str, why: str = "", **changes: Any) -> Answer:
        """Reads an agent and writes them back with changes."""
        body, etag = self.agent(by, agent)
        return self.ask(by, "PUT", f"settings/agents/{agent}", {**body, **changes, "why": why}, If_Match=etag)

    def agent(self, by: str, agent: str) -> tuple[dict[str, Any], str]:
        """An agent as a PUT takes them, and their ETag."""
        read = self.ask(by, "GET", f"settings/agents/{agent}")
        assert read.status == 200, read
        fields = ("name", "role", "team", "teams", "inboxes", "reach", "capacity", "active")
        return {field: read.body[field] for field in fields}, read.etag

    def set_agent(self, agent: str, **changes: Any) -> None:
        """What the operator does at the directory, whom no rule of the API holds."""

        async def change(link: Link) -> None:
            kept = await directory.directory(link).get(directory.owned_key(self.tenant, "agent", agent))
            assert kept is not None
            changed = structs.replace(kept.value, **changes)
            await directory.change(link, directory.OPERATOR, "", kept.key, changed, kept.revision)

        self.work(change)
