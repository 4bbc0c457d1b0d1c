"""The Structs that read each bucket's records, by the `type` that a record bears, or by the one kind of its bucket."""

from __future__ import annotations

import typing
from typing import Any

from backbone import contacts, conversation, directory, presence
from backbone.accounts import pulse, stores
from backbone.files import waiting
from backbone.nats import cursors, leases
from backbone.process import processes
from node.entry import sessions
from node.rest.contract import once

KINDS: dict[str, dict[str, Any]] = {
    "directory": {str(kind.__struct_config__.tag): kind for kind in typing.get_args(directory.Record)},
    "contacts": {str(kind.__struct_config__.tag): kind for kind in typing.get_args(contacts.Record)},
    "channels": {str(kind.__struct_config__.tag): kind for kind in (*typing.get_args(stores.Record), pulse.Pulse)},
    "heads": {"head": conversation.Head},
    "presence": {"here": presence.Here},
    "sessions": {"session": sessions.SessionRecord},
    "seen": {"seen": stores.Seen},
    "uploads": {"upload": waiting.Upload},
    "answers": {"kept": once.Kept},
    "leases": {"holder": leases.Holder},
    "cursors": {"cursor": cursors.Cursor},
    "processes": {"process": processes.Process},
}
