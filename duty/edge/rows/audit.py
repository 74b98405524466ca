"""The audit log: rows are added, read and verified, nothing else."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from sqlalchemy import Row, select

from duty.audit import Anchor, AuditRow, Verifier, row_hash
from duty.edge import tables
from duty.edge.rows.base import Rows
from duty.privacy import subkey

# What an audit row keeps of a text: enough to know it by, too little to smuggle a document in.
LONGEST = 500
_BATCH = 500


class AuditRows(Rows):
    """What people did, and what the system did about people."""

    def audit(
        self,
        *,
        at_ms: int,
        actor: str,
        action: str,
        object: str = "",
        grid: str = "",
        well: bool = True,
        detail: str = "",
        address: str = "",
    ) -> AuditRow:
        """Add a row.  `detail` holds no names, phone numbers or readings.  Inside `together` it stands or falls with
        what it tells of."""
        with self.together() as connection:
            newest = connection.execute(
                select(tables.audit.c.number, tables.audit.c.hash).order_by(tables.audit.c.number.desc()).limit(1)
            ).first()
            number, before = (newest[0], newest[1]) if newest else (0, "")
            row = AuditRow(
                number=number + 1,
                at_ms=at_ms,
                actor=_clean(actor),
                action=_clean(action),
                object=_clean(object),
                grid=_clean(grid),
                well=well,
                detail=_clean(detail),
                address=_clean(address),
            )
            row = msgspec.structs.replace(row, hash=row_hash(self._audit_key(), before, row))
            connection.execute(tables.audit.insert().values(msgspec.structs.asdict(row)))
        return row

    def _audit_key(self) -> bytes:
        return subkey(self._master_key, "audit")

    def audit_rows(self, *, after: int = 0, limit: int = 500) -> list[AuditRow]:
        """Rows by number."""
        with self.together() as connection:
            rows = connection.execute(
                select(tables.audit).where(tables.audit.c.number > after).order_by(tables.audit.c.number).limit(limit)
            ).all()
        return [_row(row) for row in rows]

    def newest_audit_rows(
        self, *, limit: int = 100, before: int | None = None, actor: str = "", object: str = ""
    ) -> list[AuditRow]:
        """Rows, the newest first (of an actor, about an object)."""
        statement = select(tables.audit).order_by(tables.audit.c.number.desc()).limit(limit)
        if before is not None:
            statement = statement.where(tables.audit.c.number < before)
        if actor:
            statement = statement.where(tables.audit.c.actor == actor)
        if object:
            statement = statement.where(tables.audit.c.object == object)
        with self.together() as connection:
            rows = connection.execute(statement).all()
        return [_row(row) for row in rows]

    def all_audit_rows(self) -> Iterator[AuditRow]:
        """Every row in order, a batch at a time: for the export."""
        after = 0
        while rows := self.audit_rows(after=after, limit=_BATCH):
            yield from rows
            after = rows[-1].number

    def audit_anchor(self) -> Anchor | None:
        """The newest row's number and digest, to be written down elsewhere."""
        newest = self.newest_audit_rows(limit=1)
        return Anchor(newest[0].number, newest[0].hash) if newest else None

    def verify_audit(self, anchors: Iterable[Anchor] = ()) -> int | None:
        """The number of the first bad or missing row, or None when the chain is whole."""
        verifier = Verifier(self._audit_key(), anchors)
        verifier.take(self.all_audit_rows())
        return verifier.end()

    def kept(self, name: str) -> bytes | None:
        """What was kept under `name` the last time."""
        with self.together() as connection:
            return connection.execute(select(tables.kept.c.value).where(tables.kept.c.name == name)).scalar()

    def keep(self, name: str, value: bytes) -> None:
        """Keep one thing beside the rows: what a later look is compared with."""
        self._put(tables.kept, {"name": name, "value": value})


def _clean(text: str) -> str:
    # Control characters would let one row look like two wherever the log is printed; NUL no database keeps.
    return "".join(c if c.isprintable() else " " for c in text[:LONGEST]).encode("utf-8", "replace").decode()


def _row(row: Row[Any]) -> AuditRow:
    return AuditRow(**row._mapping)
