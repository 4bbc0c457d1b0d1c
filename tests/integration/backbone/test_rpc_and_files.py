"""Requests between processes, and files, on a real nats-server."""

from __future__ import annotations

import asyncio
import io

import pytest
from msgspec import Struct
from PIL import Image

from backbone import rpc
from backbone.attachments import Attachments
from backbone.errors import (
    InvalidInputError,
    NotFoundError,
    TooLargeError,
    UnavailableError,
    UnsupportedTypeError,
)
from backbone.ids import new_uuid
from backbone.link import Link

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


async def test_a_file_comes_back_as_it_went_in_with_its_true_type(link: Link) -> None:
    files = Attachments(link, 2_000_000)
    saved = await files.save("main", "c1", png(), "../../图片.exe")
    assert (saved.mime, saved.width, saved.height, saved.name) == ("image/png", 3, 2, "图片.exe")
    assert await files.content("main", saved.file) == png()
    assert await files.record("main", saved.file) == (saved, "c1")
    text = await files.save("main", "c1", "你好".encode(), "note.txt")
    assert text.mime == "text/plain"


async def test_files_of_another_tenant_and_unwanted_ones_are_refused(link: Link) -> None:
    files = Attachments(link, 2_000_000)
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
