"""What the platform's documentation says of callbacks and answers."""

import json

import pytest
from trunkline_sample import Sample
from trunkline_sample.protocol import Account, signature

from backbone import channel as c

ACCOUNT = Account(secret="a-secret-of-callbacks", token="a-token")
BODY = json.dumps({"id": "m1", "type": "text", "user": "ann", "name": "Ann", "text": "hello", "at": 5}).encode()


def callback(body: bytes, given: str) -> c.Request:
    return c.Request(method="POST", headers={"x-signature": given}, body=body)


def test_a_callback_of_the_platform_is_a_message() -> None:
    request = callback(BODY, signature(ACCOUNT.secret, BODY))
    assert Sample().verify(request, ACCOUNT) is None
    (event,) = Sample().parse(request, ACCOUNT)
    assert event == c.Message(key="m1", peer=c.Peer("ann", "Ann"), text="hello", at=5)


@pytest.mark.parametrize("given", ["", "0" * 64, signature("another secret", BODY)])
def test_a_callback_that_is_signed_otherwise_is_refused(given: str) -> None:
    with pytest.raises(c.BadSignatureError):
        Sample().verify(callback(BODY, given), ACCOUNT)


@pytest.mark.parametrize("body", [b"", b"{", b'{"id": 7}', b"[" * 50_000])
def test_what_cant_be_understood_is_malformed(body: bytes) -> None:
    with pytest.raises(c.MalformedError):
        Sample().parse(callback(body, ""), ACCOUNT)


@pytest.mark.parametrize(
    ("status", "fault"),
    [(200, type(None)), (401, c.Pause), (429, c.Retry), (502, c.Retry), (404, c.Rejected)],
)
def test_an_answer_means(status: int, fault: type) -> None:
    assert isinstance(Sample().classify(status, b"", {}), fault)
