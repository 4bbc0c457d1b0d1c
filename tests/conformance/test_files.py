"""Cases 17 and 18, the way out: files of ours as the platform has a kind for them, as a link, and uploaded anew."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from tests.conformance.rig import QUICK, Account, Bench
from tests.conformance.test_inbound import PNG

pytestmark = pytest.mark.timeout(120)

OUT = ("sent", "delivered", "accepted")
PUBLIC = QUICK["TRUNKLINE_CHANNEL_PUBLIC_URL"]
PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
FILES = {"image": ("picture.png", PNG, "image/png"), "file": ("invoice.pdf", PDF, "application/pdf")}


async def test_17_what_the_platform_has_no_kind_for_goes_out_as_a_link(bench: Bench) -> None:
    caps = bench.contract.caps
    kind = next((kind for kind in FILES if kind not in caps.kinds), "")
    if not kind or caps.together or caps.visited:
        pytest.skip(f"excused: {bench.channel} takes pictures and files")
    async with bench.account() as account:
        heard = await account.hears("ann", "begin")
        sent = await _sent(account, heard, kind)
        await account.state(sent, *OUT)
        assert len(account.texts("ann")) == 1
        assert f"{PUBLIC}/files/" in account.texts("ann")[0]


async def test_18_a_file_goes_out_with_its_bytes(bench: Bench) -> None:
    kinds = [kind for kind in FILES if kind in bench.contract.caps.kinds]
    if not kinds:
        pytest.skip(f"excused: {bench.channel} takes no files")
    async with bench.account() as account:
        heard = await account.hears("ann", "begin")
        for kind in kinds:
            await account.state(await _sent(account, heard, kind), *OUT)
        if account.simulator.takes_addresses:
            assert all(f"{PUBLIC}/files/" in str(one.more) for one in account.simulator.accepted)
            return
        wanted = [hashlib.sha256(FILES[kind][1]).hexdigest() for kind in kinds]
        assert [one.sha256 for one in account.simulator.accepted if one.sha256] == wanted


async def test_18_a_file_that_the_platform_forgot_is_uploaded_once_more(bench: Bench) -> None:
    if "image" not in bench.contract.caps.kinds:
        pytest.skip(f"excused: {bench.channel} takes no pictures")
    async with bench.account() as account:
        account.need("media_gone")
        heard = await account.hears("ann", "begin")
        account.simulator.script("media_gone")
        await account.state(await _sent(account, heard, "image"), *OUT)
        assert [one.sha256 for one in account.simulator.accepted] == [hashlib.sha256(PNG).hexdigest()]
        assert account.simulator.calls == 2


async def _sent(account: Account, heard: dict[str, Any], kind: str) -> str:
    """The agent sends a file; the id of the message."""
    name, content, mime = FILES[kind]
    return await account.answers(heard, "", attachments=[await account.upload(name, content, mime)])
