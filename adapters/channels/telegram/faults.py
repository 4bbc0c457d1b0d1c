"""What Telegram's answers mean: pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct

from backbone.channel import Duplicate, Fault, Moved, Pause, Rejected, Retry

REASONS: Final = {
    "chat not found": "Telegram doesn't know this chat: the customer must write to the bot first.",
    "user is deactivated": "The customer's account at Telegram was deleted.",
    "bot was blocked by the user": "The customer has blocked the bot.",
    "bot was kicked": "The bot was removed from the group.",
    "bot can't initiate conversation": "A bot can't write first: the customer must write to it.",
    "bots can't send messages to bots": "The other side is a bot, which Telegram doesn't deliver to.",
    "group chat was upgraded": "The group became a supergroup, which is another chat: it goes on once somebody writes.",
    "file is too big": "Telegram hands out files of up to 20 MB only.",
    "message is too long": "The text is too long for Telegram.",
    "message can't be deleted": "Telegram lets a bot withdraw its messages for 48 hours only.",
    "message to delete not found": "The message isn't there any more.",
    "message can't be edited": "Telegram doesn't let this message be changed any more.",
    "message to edit not found": "The message isn't there any more.",
}
"""In place of Telegram's own words, by what they contain."""

PHOTO_REFUSED: Final = (
    "PHOTO_INVALID_DIMENSIONS",
    "IMAGE_PROCESS_FAILED",
    "PHOTO_SAVE_FILE_INVALID",
    "VOICE_MESSAGES_FORBIDDEN",
    "VIDEO_MESSAGES_FORBIDDEN",
)
"""A picture, voice message or video that may still go as a file."""

NO_TEXT: Final = "there is no text in the message to edit"
"""A file's words are its caption, which is changed in another way."""


class _Parameters(Struct):
    retry_after: float = 0
    migrate_to_chat_id: int = 0


class _Answer(Struct):
    ok: bool
    error_code: int = 0
    description: str = ""
    parameters: _Parameters | None = None


def classify(status: int, body: bytes, headers: Mapping[str, str]) -> Fault | None:
    """None if all is well. What isn't in Telegram's form comes from a proxy and passes: another try."""
    is_file = not headers.get("content-type", "application/json").startswith("application/json")
    if status == 200 and is_file and body:
        return None  # of a customer, whatever is in it; who expects an answer finds that it is none
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return Retry()
    if status == 200 and answer.ok:
        return None
    return _fault(answer.error_code or status, answer)


def _fault(code: int, answer: _Answer) -> Fault:  # noqa: PLR0911 - a return a cause
    said = answer.description
    if code == 429:
        return Retry(after_s=answer.parameters.retry_after if answer.parameters else 0, account=True)
    if code == 401:
        return Pause("Telegram refuses the token of the bot; get a new one from @BotFather.")
    if code == 409 and "webhook" in said:
        return Pause("The bot has a webhook: remove it with deleteWebhook, or choose webhook here.")
    if code == 409 or code >= 500:
        return Retry()
    if answer.parameters and answer.parameters.migrate_to_chat_id:
        return Moved(str(answer.parameters.migrate_to_chat_id))
    if "message is not modified" in said:
        return Duplicate()
    return Rejected(next((words for part, words in REASONS.items() if part in said), f"Telegram: {said[:200]}"))
