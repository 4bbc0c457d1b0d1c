"""Requests between processes, and files, on a real nats-server."""

from __future__ import annotations

import asyncio
import io
import os
import time

import pytest
from msgspec import Struct, structs
from PIL import Image

from backbone.access import Who
from backbone.asker import WHO, as_headers, asker, scope_asked
from backbone.errors import (
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    TooLargeError,
    UnavailableError,
    UnsupportedTypeError,
)
from backbone.files.attachments import Attachments
from backbone.files.waiting import Upload, Waiting
from backbone.ids import new_uuid
from backbone.nats import rpc
from backbone.nats.buckets import Bucket
from backbone.nats.link import Link
from backbone.nats.objects import CHUNK, Objects
from backbone.nats.streams import ensure
from tests.harness.files import at_hand
from tests.harness.nats import NatsServer
from tests.integration.backbone.conftest import STREAMS

pytestmark = pytest.mark.anyio


class Question(Struct):
    text: str


class Answer(Struct):
    tenant: str
    text: str


async def answer(tenant: str, question: Question) -> Answer:
    if question.text == "slow":
        await asyncio.sleep(5)
    if question.text == "broken":
        raise ZeroDivisionError
    if not question.text:
        raise InvalidInputError("question.empty", "Ask something.", field="text")
    return Answer(tenant, question.text.upper())


async def ask(link: Link, text: str, timeout_s: float = 30) -> Answer:
    return await rpc.call(link, "oracle", "main", "ask.me", Question(text), Answer, timeout_s=timeout_s)


async def test_answers_errors_and_silence_are_told_apart(link: Link) -> None:
    with pytest.raises(UnavailableError, match="oracle"):
        await ask(link, "hello")
    await rpc.serve(link, "oracle", "1.0.0", {"ask.me": rpc.Verb(Question, answer)})
    await link.flush()
    assert await ask(link, "hello") == Answer("main", "HELLO")
    with pytest.raises(InvalidInputError) as refused:
        await ask(link, "")
    assert (refused.value.code, refused.value.field) == ("question.empty", "text")
    with pytest.raises(UnavailableError):
        await ask(link, "slow", 0.3)
    with pytest.raises(Exception, match="fault is logged"):
        await ask(link, "broken")
    with pytest.raises(InvalidInputError) as wrong:
        await rpc.call(link, "oracle", "main", "ask.me", {"text": 5}, Answer)
    assert wrong.value.code == "rpc.invalid_request"


def png(width: int = 3, height: int = 2) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(out, "PNG")
    return out.getvalue()


async def test_who_asks_is_known_to_who_answers_and_nobody_of_another_tenant_is(link: Link) -> None:
    """Nothing that names or proves them goes along; without a header a process asks for itself."""

    async def whoami(tenant: str, _question: Question) -> Answer:
        who = asker(tenant)
        scope = scope_asked(tenant)
        return Answer(tenant, "nobody" if who is None else f"{who.id} {who.role}{who.name}{who.session} {scope.is_all}")

    serving = await rpc.serve(link, "mirror", "1.0.0", {"who.ami": rpc.Verb(Question, whoami)})
    lin = Who(kind="agent", tenant="main", id="lin", name="林晓", role="agent", session="secret", reach="own")

    async def asked(headers: tuple[tuple[str, str], ...]) -> str:
        question = Question("?")
        return (await rpc.call(link, "mirror", "main", "who.ami", question, Answer, headers=headers)).text

    assert await asked(()) == "nobody"
    assert await asked(as_headers(lin)) == "lin agent False"
    for wrong in (as_headers(structs.replace(lin, tenant="acme")), ((WHO, "{broken"),), ((WHO, '{"kind":"god"}'),)):
        with pytest.raises(ForbiddenError) as refused:
            await asked(wrong)
        assert refused.value.code == "access.forbidden"
    await serving.stop()


async def test_a_file_comes_back_as_it_went_in_with_its_true_type(link: Link) -> None:
    files = Attachments(Objects(at_hand(link)), 2_000_000)
    saved = await files.save("main", "c1", png(), "../../图片.exe")
    assert (saved.mime, saved.width, saved.height, saved.name) == ("image/png", 3, 2, "图片.exe")
    assert await files.content("main", saved.file) == png()
    assert await files.record("main", saved.file) == (saved, "c1")
    text = await files.save("main", "c1", "你好".encode(), "note.txt")
    assert text.mime == "text/plain"


async def test_files_of_another_tenant_and_unwanted_ones_are_refused(link: Link) -> None:
    files = Attachments(Objects(at_hand(link)), 2_000_000)
    saved = await files.save("main", "c1", png(), "a.png")
    with pytest.raises(NotFoundError):
        await files.content("other", saved.file)
    with pytest.raises(NotFoundError):
        await files.record("main", new_uuid())
    with pytest.raises(InvalidInputError):
        await files.record("main", "../etc/passwd")
    with pytest.raises(UnsupportedTypeError):
        await files.save("main", "c1", b"MZ\x90\x00" + b"\x00" * 100, "holiday.png")
    with pytest.raises(TooLargeError):
        await files.save("main", "c1", b"x" * 2_000_001, "big.txt")
    with pytest.raises(InvalidInputError):
        await files.save("main", "c1", b"", "empty.txt")


async def test_a_file_of_many_chunks_comes_back_a_chunk_at_a_time_and_is_gone_once_deleted(link: Link) -> None:
    files = Attachments(Objects(at_hand(link)), 2_000_000)
    content = bytes(range(256)) * 4000
    saved = await files.save("main", "c1", content, "data.bin")
    chunks = [chunk async for chunk in await files.chunks("main", saved.file)]
    assert b"".join(chunks) == content
    assert max(map(len, chunks)) <= CHUNK
    await files.delete("main", saved.file)
    with pytest.raises(NotFoundError):
        await files.content("main", saved.file)
    state = (await link.api("STREAM.INFO.OBJ_files", {}))["state"]
    assert state["messages"] == 0
    await files.delete("main", saved.file)


async def test_a_full_store_of_files_says_so_leaves_nothing_half_and_takes_messages_on(nats: NatsServer) -> None:
    link = Link()
    await link.open(nats.url, name="test", user=nats.user, password=nats.password)
    await ensure(link, STREAMS, files_bytes=1024 * 1024)
    files = Attachments(Objects(at_hand(link)), 2_000_000)
    with pytest.raises(UnavailableError) as full:
        await files.save("main", "c1", os.urandom(1_500_000), "data.bin")
    assert full.value.code == "files.full"
    assert (await link.api("STREAM.INFO.OBJ_files", {}))["state"]["messages"] == 0
    await files.save("main", "c1", b"a small one", "data.txt")
    await Bucket[str](link, "channels", str).put("key", "value")
    await link.close()


async def test_a_file_that_no_message_names_is_deleted_and_one_that_is_named_stays(link: Link) -> None:
    """600 MiB were uploaded by nobody in 14 s, and stayed for ever."""
    files = Attachments(Objects(at_hand(link)), 2_000_000)
    waiting = Waiting(link, files, life_s=3600)
    named = await files.save("main", "c1", b"named", "a.txt")
    left = await files.save("main", "c1", b"left", "b.txt")
    for file in (named, left):
        await waiting.add("main", file.file)
    feed = waiting._bucket.watch(waiting._changed)
    await feed.caught_up.wait()
    await waiting.keep("main", named.file)
    async with asyncio.timeout(10):
        while len(waiting._known) > 1:
            await asyncio.sleep(0.01)
    assert await waiting.sweep(time.time() + 3500) == 0
    assert await waiting.sweep(time.time() + 3700) == 1
    assert await files.content("main", named.file) == b"named"
    with pytest.raises(NotFoundError):
        await files.content("main", left.file)
    await waiting.keep("main", named.file)
    await feed.close()


async def test_a_file_that_is_being_deleted_cannot_be_named_any_more(link: Link) -> None:
    files = Attachments(Objects(at_hand(link)), 2_000_000)
    waiting = Waiting(link, files)
    saved = await files.save("main", "c1", b"going", "a.txt")
    await waiting._bucket.put(f"main.{saved.file}", Upload(at=0, going=True))
    with pytest.raises(NotFoundError):
        await waiting.keep("main", saved.file)
