"""The directory: what there is of a tenant (bucket `directory`). A file a noun: its Struct and a pure check; one writer
(writer.py), one live mirror for all readers (mirror.py), secrets under keys of their own (secret.py).
"""

from backbone.directory.agent import EMAIL_MOST, REACHES, Agent, Role, normal_email
from backbone.directory.calendar import Calendar, Hours, SpecialDay, WeeklyHours
from backbone.directory.claim import Claim
from backbone.directory.fields import NAME_MOST
from backbone.directory.finding import (
    find_inbox,
    find_login,
    get_agent,
    get_role,
    get_tenant,
    get_whole,
    list_agents,
    list_all,
    list_inboxes,
    list_kept,
    list_tenants,
)
from backbone.directory.inbox import REOPEN_WINDOW_S, VISITED, Inbox, is_over
from backbone.directory.invitation import INVITATION_LIFE_S, Invitation
from backbone.directory.making import (
    accept_invitation,
    check_invitation,
    connect_inbox,
    create_agent,
    create_inbox,
    create_tenant,
    invite,
    remove_inbox,
)
from backbone.directory.mirror import Mirror
from backbone.directory.records import (
    BUCKET,
    KINDS,
    SYSTEM,
    Owned,
    Record,
    check,
    directory,
    inbox_key,
    invitation_key,
    key_of,
    kind_of,
    login_key,
    owned_key,
)
from backbone.directory.reset import RESET_LIFE_S, Reset
from backbone.directory.role import CustomRole
from backbone.directory.secret import Secret, password_id
from backbone.directory.skill import Skill
from backbone.directory.team import Team
from backbone.directory.tenant import Tenant
from backbone.directory.writer import OPERATOR, ChangedError, change, remove, with_secret

__all__ = [
    "BUCKET",
    "EMAIL_MOST",
    "INVITATION_LIFE_S",
    "KINDS",
    "NAME_MOST",
    "OPERATOR",
    "REACHES",
    "REOPEN_WINDOW_S",
    "RESET_LIFE_S",
    "SYSTEM",
    "VISITED",
    "Agent",
    "Calendar",
    "ChangedError",
    "Claim",
    "CustomRole",
    "Hours",
    "Inbox",
    "Invitation",
    "Mirror",
    "Owned",
    "Record",
    "Reset",
    "Role",
    "Secret",
    "Skill",
    "SpecialDay",
    "Team",
    "Tenant",
    "WeeklyHours",
    "accept_invitation",
    "change",
    "check",
    "check_invitation",
    "connect_inbox",
    "create_agent",
    "create_inbox",
    "create_tenant",
    "directory",
    "find_inbox",
    "find_login",
    "get_agent",
    "get_role",
    "get_tenant",
    "get_whole",
    "inbox_key",
    "invitation_key",
    "invite",
    "is_over",
    "key_of",
    "kind_of",
    "list_agents",
    "list_all",
    "list_inboxes",
    "list_kept",
    "list_tenants",
    "login_key",
    "normal_email",
    "owned_key",
    "password_id",
    "remove",
    "remove_inbox",
    "with_secret",
]
