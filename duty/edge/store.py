"""The desk's store: staff, roster, contacts, deliveries, audit, and the picture kept between restarts.

Every method is plain (not async), short, and safe from any thread: call it from a `def` route, or by
`asyncio.to_thread` from an `async` one.  The desk process is the only writer.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from duty.people import CaseRow, Channel, Contact, Person
from duty.picture import Incident, Line
from duty.roster import Holiday, Roster, Shift, Swap


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A person with what logging in needs.  Never handed to a template."""

    person: Person
    password_hash: str
    totp_secret: str = ""
    totp_last_step: int = 0


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A session on the server.  `token_hash` is all that is kept of its cookie."""

    token_hash: str
    person: str
    created_ms: int
    until_ms: int
    seen_ms: int
    passed_totp: bool
    address: str = ""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try to tell one person of one page.  `outcome` is "" while it is under way, else accepted, unknown,
    try-later or gave-up.  `bundle` is shared by the pages told in one message."""

    id: str
    page: str
    incident: str
    grid: str
    role: str
    person: str
    channel: str
    kind: str
    started_ms: int
    finished_ms: int | None = None
    outcome: str = ""
    detail: str = ""
    repeat: bool = False
    bundle: str = ""


class AuditRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the audit log.  `hash` covers the row and the hash before it."""

    number: int
    at_ms: int
    actor: str
    action: str
    object: str
    grid: str
    well: bool
    detail: str
    address: str
    hash: str


class ResidentLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link given to a household.  It ends with its case, or when it is withdrawn."""

    id: str
    household: str
    grid: str
    case: str
    created_ms: int
    until_ms: int
    withdrawn_ms: int | None = None


class Store:
    """Open with `Store.open(url_or_path)`; brings the schema to the newest by itself."""

    @classmethod
    def open(cls, where: str | Path, *, master_key: bytes) -> "Store":
        """`where` is a file (SQLite) or a PostgreSQL URL.  Raises StoreTrouble with what to do."""
        raise NotImplementedError

    def close(self) -> None:
        """Give the database back."""
        raise NotImplementedError

    # --- staff and log-in
    def people(self) -> list[Person]: ...
    def person(self, person: str) -> Person | None: ...
    def account(self, login: str) -> Account | None: ...
    def save_person(self, person: Person) -> None: ...
    def set_password(self, person: str, password_hash: str, *, must_change: bool) -> None: ...
    def set_totp(self, person: str, secret: str) -> None: ...
    def use_totp_step(self, person: str, step: int) -> bool:
        """Spend a one-time code's step; False when it (or a later one) was spent already."""
        raise NotImplementedError

    def disable(self, person: str) -> None:
        """Disable, and end every session of the person in the same transaction."""

    # --- sessions
    def add_session(self, session: Session) -> None: ...
    def session(self, token_hash: str) -> Session | None: ...
    def touch_session(self, token_hash: str, seen_ms: int, *, passed_totp: bool | None = None) -> None: ...
    def end_session(self, token_hash: str) -> None: ...
    def end_sessions_of(self, person: str, *, but: str = "") -> int: ...

    # --- channels (target and secret are sealed at rest)
    def channels(self, person: str | None = None) -> list[Channel]: ...
    def save_channel(self, channel: Channel) -> None: ...
    def delete_channel(self, channel: str) -> None: ...

    # --- roster
    def roster(self) -> Roster: ...
    def save_shift(self, shift: Shift) -> None: ...
    def delete_shift(self, shift: str) -> None: ...
    def save_swap(self, swap: Swap) -> None: ...
    def delete_swap(self, swap: str) -> None: ...
    def save_holiday(self, holiday: Holiday) -> None: ...
    def delete_holiday(self, day: str) -> None: ...
    def replace_roster(self, roster: Roster) -> None: ...

    # --- cases and contacts
    def cases(self, *, household: str = "", grid: str = "") -> list[CaseRow]: ...
    def save_case(self, case: CaseRow) -> None: ...
    def save_contacts(self, case: str, contacts: Sequence[Contact]) -> bool:
        """Seal and keep; False when the case's key is destroyed (or the case is unknown)."""
        raise NotImplementedError

    def open_contacts(self, case: str) -> list[Contact] | None:
        """Open the contacts of a case; None when its key is destroyed.  The caller records the look in the audit log first."""
        raise NotImplementedError

    def destroy_keys(self, released_before_ms: int, now_ms: int) -> list[str]:
        """Destroy the keys of cases released before that time and record each in the audit log; the cases' ids."""
        raise NotImplementedError

    # --- resident links
    def add_link(self, link: ResidentLink) -> None: ...
    def link(self, link: str) -> ResidentLink | None: ...
    def links_of(self, household: str) -> list[ResidentLink]: ...
    def withdraw_links(self, household: str, at_ms: int) -> int: ...

    # --- history
    def incident(self, incident: str) -> Incident | None: ...
    def incidents(
        self,
        *,
        grids: Sequence[str] | None = None,
        subject: str = "",
        since_ms: int = 0,
        until_ms: int | None = None,
        closed: bool | None = None,
        limit: int = 200,
    ) -> list[Incident]:
        """Incidents by the time they were raised, newest first.  `subject` also finds passes and parts below it."""
        raise NotImplementedError

    def notes(self, household: str, *, since_ms: int = 0, limit: int = 200) -> list[Line]: ...
    def openings(self, household: str, *, since_ms: int, until_ms: int) -> list[Any]: ...
    def attempts(self, *, incident: str = "", page: str = "", since_ms: int = 0, limit: int = 500) -> list[Attempt]: ...

    # --- audit
    def audit(
        self, *, at_ms: int, actor: str, action: str, object: str = "", grid: str = "",
        well: bool = True, detail: str = "", address: str = "",
    ) -> AuditRow: ...  # fmt: skip
    def audit_rows(self, *, after: int = 0, limit: int = 500) -> list[AuditRow]: ...
    def verify_audit(self) -> int | None:
        """The number of the first bad row, or None when the chain is whole."""
        raise NotImplementedError
