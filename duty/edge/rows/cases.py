"""Cases with their sealed contacts, and the links of residents."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Row, delete, func, select, update

from duty.edge import tables
from duty.edge.rows.audit import AuditRows
from duty.people import CaseRow, Contact
from duty.privacy import (
    KEY_BYTES,
    NONCE_BYTES,
    key_is_due,
    open_contacts,
    seal_contacts,
    unwrap_case_key,
    wrap_case_key,
)


class ResidentLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link given to a household.  It ends with its case, or when it is withdrawn."""

    id: str
    household: str
    grid: str
    case: str
    created_ms: int
    until_ms: int
    withdrawn_ms: int | None = None


class CaseRows(AuditRows):
    """Households in isolation, and how they are reached."""

    def cases(self, *, household: str = "", grid: str = "") -> list[CaseRow]:
        """Cases (of a household, of a grid), the newest first."""
        counted = (
            select(func.count()).where(tables.contacts.c.case == tables.cases.c.id).scalar_subquery().label("sealed")
        )
        statement = select(tables.cases, counted).order_by(tables.cases.c.from_ms.desc(), tables.cases.c.id)
        if household:
            statement = statement.where(tables.cases.c.household == household)
        if grid:
            statement = statement.where(tables.cases.c.grid == grid)
        with self.together() as connection:
            rows = connection.execute(statement).all()
        return [_case(row) for row in rows]

    def case(self, case: str) -> CaseRow | None:
        """One case by id."""
        with self.together() as connection:
            row = connection.execute(select(tables.cases).where(tables.cases.c.id == case)).first()
        return _case(row) if row else None

    def save_case(self, case: CaseRow) -> None:
        """Add a case (with a key of its own), or change its times."""
        values = {
            "household": case.household,
            "grid": case.grid,
            "from_ms": case.from_ms,
            "until_ms": case.until_ms,
            "released_ms": case.released_ms,
        }
        with self.together() as connection:
            changed = connection.execute(update(tables.cases).where(tables.cases.c.id == case.id).values(values))
            if not changed.rowcount:
                key = wrap_case_key(self._master_key, case.id, self._random(KEY_BYTES), self._random(NONCE_BYTES))
                connection.execute(tables.cases.insert().values(id=case.id, wrapped_key=key, **values))

    def release_case(self, household: str, at_ms: int) -> None:
        """The case of a household that runs at `at_ms` has ended."""
        table = tables.cases
        with self.together() as connection:
            connection.execute(
                update(table)
                .where(table.c.household == household, table.c.released_ms.is_(None), table.c.from_ms <= at_ms)
                .values(released_ms=at_ms)
            )

    def retime_case(self, household: str, from_ms: int, until_ms: int) -> None:
        """The case of a household that begins at `from_ms` ends at another time."""
        table = tables.cases
        with self.together() as connection:
            connection.execute(
                update(table)
                .where(table.c.household == household, table.c.from_ms == from_ms)
                .values(until_ms=until_ms)
            )

    def save_contacts(self, case: str, contacts: Sequence[Contact]) -> bool:
        """Seal and keep; False when the case's key is destroyed (or the case is unknown)."""
        with self.together() as connection:
            wrapped = connection.execute(select(tables.cases.c.wrapped_key).where(tables.cases.c.id == case)).scalar()
            if not wrapped:
                return False
            connection.execute(delete(tables.contacts).where(tables.contacts.c.case == case))
            if contacts:
                key = unwrap_case_key(self._master_key, case, wrapped)
                sealed = seal_contacts(key, case, contacts, self._random(NONCE_BYTES))
                connection.execute(tables.contacts.insert().values(case=case, position=0, sealed=sealed))
        return True

    def open_contacts(
        self, case: str, *, actor: str, at_ms: int, address: str = "", why: str = ""
    ) -> list[Contact] | None:
        """Open the contacts of a case; None when its key is destroyed.

        The look is recorded in the audit log in the same transaction: there is no way to look unrecorded.
        """
        with self.together() as connection:
            row = connection.execute(select(tables.cases).where(tables.cases.c.id == case)).first()
            if row is None:
                return None
            sealed = connection.execute(select(tables.contacts.c.sealed).where(tables.contacts.c.case == case)).scalar()
            well = row.wrapped_key is not None
            self.audit(
                at_ms=at_ms, actor=actor, action="see-contacts", object=case, grid=row.grid, well=well,
                detail=why, address=address,
            )  # fmt: skip
            if not well:
                return None
            if sealed is None:
                return []
            return open_contacts(unwrap_case_key(self._master_key, case, row.wrapped_key), case, sealed)

    def destroy_due_keys(self, *, keep_days: float, now_ms: int) -> list[str]:
        """Destroy the keys of cases that ended `keep_days` ago, and record each in the audit log; the cases' ids."""
        destroyed: list[str] = []
        with self.together() as connection:
            rows = connection.execute(select(tables.cases).where(tables.cases.c.wrapped_key.is_not(None))).all()
            for row in rows:
                if not key_is_due(row.released_ms, row.until_ms, keep_days, now_ms):
                    continue
                connection.execute(
                    update(tables.cases)
                    .where(tables.cases.c.id == row.id)
                    .values(wrapped_key=None, key_destroyed_ms=now_ms)
                )
                connection.execute(delete(tables.contacts).where(tables.contacts.c.case == row.id))
                self.audit(at_ms=now_ms, actor="system", action="destroy-key", object=row.id, grid=row.grid)
                destroyed.append(row.id)
        if destroyed:
            self.scrub()
        return destroyed

    def scrub(self) -> None:
        """Leave nothing of deleted rows behind in the file."""

    def add_link(self, link: ResidentLink) -> None:
        """Give a household a link."""
        self._put(tables.links, msgspec.structs.asdict(link))

    def link(self, link: str) -> ResidentLink | None:
        """One link by id."""
        with self.together() as connection:
            row = connection.execute(select(tables.links).where(tables.links.c.id == link)).first()
        return ResidentLink(**row._mapping) if row else None

    def links_of(self, household: str) -> list[ResidentLink]:
        """The links a household was given, the newest first."""
        with self.together() as connection:
            rows = connection.execute(
                select(tables.links)
                .where(tables.links.c.household == household)
                .order_by(tables.links.c.created_ms.desc())
            ).all()
        return [ResidentLink(**row._mapping) for row in rows]

    def withdraw_links(self, household: str, at_ms: int) -> int:
        """End every link of a household; how many there were."""
        with self.together() as connection:
            return connection.execute(
                update(tables.links)
                .where(tables.links.c.household == household, tables.links.c.withdrawn_ms.is_(None))
                .values(withdrawn_ms=at_ms)
            ).rowcount


def _case(row: Row[Any]) -> CaseRow:
    return CaseRow(
        id=row.id,
        household=row.household,
        grid=row.grid,
        from_ms=row.from_ms,
        until_ms=row.until_ms,
        released_ms=row.released_ms,
        has_contacts=bool(getattr(row, "sealed", 0)),
        key_destroyed_ms=row.key_destroyed_ms,
    )
