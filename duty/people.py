"""Who works here and how they are reached: staff, their channels, the contacts of a case.  Frozen values."""

from typing import Literal, get_args

import msgspec

# The five roles a page can go to, and two that are only of the desk: who administers, and who may read the audit log.
StaffRole = Literal["worker", "police", "doctor", "guard", "supervisor", "admin", "auditor"]
STAFF_ROLES: tuple[StaffRole, ...] = get_args(StaffRole)

Language = Literal["zh", "en"]

ChannelKind = Literal["desk", "wecom", "dingtalk", "feishu", "sms", "email", "webhook", "siren", "apprise"]
CHANNEL_KINDS: tuple[ChannelKind, ...] = get_args(ChannelKind)

ALL_GRIDS = "*"


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """One way to reach a person.  `order` from 1; `target` is what the kind needs: a robot's URL, a phone number, an
    address; `secret` signs it where the vendor signs.  Both are sealed in the store and never printed."""

    id: str
    person: str
    order: int
    kind: ChannelKind
    target: str = ""
    secret: str = ""
    options: dict[str, str] = {}
    enabled: bool = True


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """One member of staff.  `grids` may be ("*",): all of them."""

    id: str
    login: str
    name: str
    roles: tuple[StaffRole, ...]
    grids: tuple[str, ...] = ()
    language: Language = "zh"
    disabled: bool = False
    has_totp: bool = False
    must_change_password: bool = False
    created_ms: int = 0

    def has_grid(self, grid: str) -> bool:
        """Whether this person's grids hold `grid`."""
        return ALL_GRIDS in self.grids or grid in self.grids


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """A resident's contact as it is opened for one look: kept sealed with the key of its case."""

    name: str = ""
    phone: str = ""
    note: str = ""


class CaseRow(msgspec.Struct, frozen=True, kw_only=True):
    """A case as the desk keeps it beside its contacts.  `id` is `<household>@<from_ms>`.

    `key_destroyed_ms` is set once the key is gone: its contacts cannot be read again by anybody.
    """

    id: str
    household: str
    grid: str
    from_ms: int
    until_ms: int
    released_ms: int | None = None
    has_contacts: bool = False
    key_destroyed_ms: int | None = None


def case_id(household: str, from_ms: int) -> str:
    """The id of the case of `household` that begins at `from_ms`."""
    return f"{household}@{from_ms}"
