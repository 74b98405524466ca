"""The picture kept between restarts, and what was: incidents, notes, openings, readings, devices, cursors."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b

import msgspec
from sqlalchemy import delete, or_, select
from sqlalchemy.sql import Select

from duty.edge import tables
from duty.edge.rows.base import Rows
from duty.health import DeviceHealth
from duty.picture import Incident, Line
from streams.effects import Answer, HouseholdSeen

_encode = msgspec.msgpack.Encoder().encode
_incident = msgspec.msgpack.Decoder(Incident)
_line = msgspec.msgpack.Decoder(Line)
_household = msgspec.msgpack.Decoder(HouseholdSeen)
_answer = msgspec.msgpack.Decoder(Answer)


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """A door that stood open.  `closed_ms` None: it still does.  `declared`: a declaration covered its beginning."""

    household: str
    opened_ms: int
    closed_ms: int | None
    declared: bool


class TemperatureRow(msgspec.Struct, frozen=True, kw_only=True):
    """A temperature known of a household: told from home, or read at a checkpoint from a registered pass."""

    id: str
    household: str
    at_ms: int
    celsius: float
    site: str
    source: str


_device = msgspec.msgpack.Decoder(DeviceHealth)


class HistoryRows(Rows):
    """What the projection writes and the screens look up."""

    def incident(self, incident: str) -> Incident | None:
        """One incident by id, however old."""
        with self.together() as connection:
            body = connection.execute(
                select(tables.incidents.c.body).where(tables.incidents.c.id == incident)
            ).scalar()  # fmt: skip
        return _incident.decode(body) if body is not None else None

    def incidents(
        self,
        *,
        grids: Sequence[str] | None = None,
        subject: str = "",
        kind: str = "",
        since_ms: int | None = None,
        until_ms: int | None = None,
        closed: bool | None = None,
        limit: int = 200,
    ) -> list[Incident]:
        """Incidents by the time they were raised, newest first.  `subject` also finds what lies below it."""
        table = tables.incidents
        statement = select(table.c.body).order_by(table.c.raised_ms.desc(), table.c.id).limit(limit)
        if grids is not None:
            statement = statement.where(table.c.grid.in_(list(grids)))
        if subject:
            below = table.c.subject.startswith(subject + "/", autoescape=True)
            statement = statement.where(or_(table.c.subject == subject, below))
        if kind:
            statement = statement.where(table.c.kind == kind)
        if since_ms is not None:
            statement = statement.where(table.c.raised_ms >= since_ms)
        if until_ms is not None:
            statement = statement.where(table.c.raised_ms < until_ms)
        if closed is not None:
            statement = statement.where((table.c.state == "closed") == closed)
        return self._incidents(statement)

    def live_incidents(self, closed_since_ms: int) -> list[Incident]:
        """What the picture begins with: every incident not closed, and those closed since."""
        table = tables.incidents
        return self._incidents(
            select(table.c.body).where(or_(table.c.state != "closed", table.c.closed_ms >= closed_since_ms))
        )

    def _incidents(self, statement: Select[bytes]) -> list[Incident]:
        with self.together() as connection:
            return [_incident.decode(body) for body in connection.execute(statement).scalars()]

    def save_incidents(self, incidents: Iterable[Incident]) -> None:
        """Keep incidents as they are now."""
        self._put(
            tables.incidents,
            *(
                {
                    "id": incident.id,
                    "grid": incident.grid,
                    "kind": incident.kind,
                    "subject": incident.subject,
                    "state": incident.state,
                    "raised_ms": incident.raised_ms,
                    "closed_ms": incident.closed_ms,
                    "body": _encode(incident),
                }
                for incident in incidents
            ),
        )

    def households(self) -> list[HouseholdSeen]:
        """How every household stands."""
        with self.together() as connection:
            return [_household.decode(body) for body in connection.execute(select(tables.households.c.body)).scalars()]

    def save_households(self, households: Iterable[HouseholdSeen]) -> None:
        """Keep how households stand."""
        self._put(
            tables.households,
            *({"household": seen.household, "grid": seen.grid, "body": _encode(seen)} for seen in households),
        )

    def answers(self) -> dict[str, tuple[Answer, ...]]:
        """The newest answers of every checkpoint, in order."""
        found: dict[str, list[Answer]] = {}
        table = tables.answers
        with self.together() as connection:
            for body in connection.execute(select(table.c.body).order_by(table.c.checkpoint, table.c.number)).scalars():
                answer = _answer.decode(body)
                found.setdefault(answer.checkpoint, []).append(answer)
        return {checkpoint: tuple(answers) for checkpoint, answers in found.items()}

    def save_answers(self, checkpoint: str, answers: Sequence[Answer]) -> None:
        """Keep the newest answers of a checkpoint, in the place of those kept before."""
        with self.together() as connection:
            connection.execute(delete(tables.answers).where(tables.answers.c.checkpoint == checkpoint))
            self._put(
                tables.answers,
                *(
                    {"checkpoint": checkpoint, "number": number, "body": _encode(answer)}
                    for number, answer in enumerate(answers)
                ),
            )

    def notes(self, subject: str, *, since_ms: int = 0, limit: int = 200) -> list[Line]:
        """Lines about a subject that belong to no incident, newest first."""
        table = tables.notes
        statement = (
            select(table.c.body)
            .where(table.c.subject == subject, table.c.t_ms >= since_ms)
            .order_by(table.c.t_ms.desc(), table.c.id)
            .limit(limit)
        )
        with self.together() as connection:
            return [_line.decode(body) for body in connection.execute(statement).scalars()]

    def notes_of_grids(
        self, grids: Sequence[str], *, since_ms: int, until_ms: int, limit: int = 1000
    ) -> list[tuple[str, Line]]:
        """(subject, line) of whole grids in a time, in order: for a handover."""
        table = tables.notes
        statement = (
            select(table.c.subject, table.c.body)
            .where(table.c.grid.in_(list(grids)), table.c.t_ms >= since_ms, table.c.t_ms < until_ms)
            .order_by(table.c.t_ms, table.c.id)
            .limit(limit)
        )
        with self.together() as connection:
            return [(subject, _line.decode(body)) for subject, body in connection.execute(statement).all()]

    def live_notes(self, since_ms: int) -> dict[str, tuple[Line, ...]]:
        """What the picture begins with: every subject's lines since then, in order."""
        table = tables.notes
        found: dict[str, list[Line]] = {}
        statement = select(table.c.subject, table.c.body).where(table.c.t_ms >= since_ms).order_by(table.c.t_ms)
        with self.together() as connection:
            for subject, body in connection.execute(statement).all():
                found.setdefault(subject, []).append(_line.decode(body))
        return {subject: tuple(lines) for subject, lines in found.items()}

    def save_notes(self, notes: Iterable[tuple[str, str, Line]]) -> None:
        """Keep (subject, grid, line): a line kept before is not kept twice."""
        rows = [(subject, grid, line, _encode(line)) for subject, grid, line in notes]
        self._put_new(
            tables.notes,
            *(
                {
                    "id": blake2b(subject.encode() + b"\0" + body, digest_size=12).hexdigest(),
                    "subject": subject,
                    "grid": grid,
                    "t_ms": line.t_ms,
                    "body": body,
                }
                for subject, grid, line, body in rows
            ),
        )

    def openings(self, household: str, *, since_ms: int, until_ms: int) -> list[Opening]:
        """When a household's door stood open in a time, in order; also what began before it."""
        table = tables.openings
        statement = (
            select(table)
            .where(
                table.c.household == household,
                table.c.opened_ms < until_ms,
                or_(table.c.closed_ms.is_(None), table.c.closed_ms >= since_ms),
            )
            .order_by(table.c.opened_ms)
        )
        with self.together() as connection:
            return [Opening(**row._mapping) for row in connection.execute(statement).all()]

    def open_doors(self) -> list[Opening]:
        """The openings that still last."""
        table = tables.openings
        with self.together() as connection:
            rows = connection.execute(select(table).where(table.c.closed_ms.is_(None))).all()
        return [Opening(**row._mapping) for row in rows]

    def save_openings(self, openings: Iterable[Opening]) -> None:
        """Keep openings as they are now."""
        self._put(tables.openings, *(msgspec.structs.asdict(opening) for opening in openings))

    def temperatures(self, household: str, *, since_ms: int, limit: int = 500) -> list[TemperatureRow]:
        """Temperatures known of a household, newest first."""
        table = tables.readings
        statement = (
            select(table)
            .where(table.c.household == household, table.c.at_ms >= since_ms)
            .order_by(table.c.at_ms.desc())
            .limit(limit)
        )
        with self.together() as connection:
            return [TemperatureRow(**row._mapping) for row in connection.execute(statement).all()]

    def save_temperatures(self, rows: Iterable[TemperatureRow]) -> None:
        """Keep temperatures; one kept before is not kept twice."""
        self._put_new(tables.readings, *(msgspec.structs.asdict(row) for row in rows))

    def devices(self) -> list[DeviceHealth]:
        """What every device last said."""
        with self.together() as connection:
            return [_device.decode(body) for body in connection.execute(select(tables.devices.c.body)).scalars()]

    def save_devices(self, devices: Iterable[DeviceHealth]) -> None:
        """Keep what devices last said."""
        self._put(
            tables.devices,
            *({"device": one.device, "place": one.place, "grid": one.grid, "body": _encode(one)} for one in devices),
        )

    def cursor(self, log: str, partition: int) -> int:
        """How far the desk has read `log`; 0 at the beginning."""
        table = tables.cursors
        with self.together() as connection:
            found = connection.execute(
                select(table.c.offset).where(table.c.log == log, table.c.partition == partition)
            ).scalar()
        return found or 0

    def save_cursor(self, log: str, partition: int, offset: int) -> None:
        """Remember how far the desk has read `log`."""
        self._put(tables.cursors, {"log": log, "partition": partition, "offset": offset})

    def forget_history(self, *, raw_before_ms: int, incidents_before_ms: int) -> int:
        """Delete what is older than it may be kept; how many rows went.  An incident that is not closed stays."""
        gone = 0
        with self.together() as connection:
            for statement in (
                delete(tables.openings).where(tables.openings.c.closed_ms < raw_before_ms),
                delete(tables.readings).where(tables.readings.c.at_ms < raw_before_ms),
                delete(tables.notes).where(tables.notes.c.t_ms < incidents_before_ms),
                delete(tables.incidents).where(tables.incidents.c.closed_ms < incidents_before_ms),
            ):
                gone += connection.execute(statement).rowcount
        return gone
