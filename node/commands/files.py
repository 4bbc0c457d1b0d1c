"""Files that a message names: the author's own, kept once the message is stored."""

from __future__ import annotations

from backbone import events as ev
from backbone.access import Who
from backbone.errors import ForbiddenError
from node.context import Context


async def keep(context: Context, who: Who, files: list[str]) -> None:
    """A message will name these files. Raises NotFoundError `file.not_found` for one that waited too long."""
    for file in files:
        await context.waiting.keep(who.tenant, file)


async def own_file(context: Context, who: Who, file: str) -> ev.Attachment:
    """A file that `who` uploaded. Raises NotFoundError, ForbiddenError `file.not_yours`."""
    record, owner = await context.files.record(who.tenant, file)
    if owner != who.id:
        raise ForbiddenError("file.not_yours", "Attach files that you uploaded yourself.", field="attachments")
    return record
