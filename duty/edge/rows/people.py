"""Staff, their log-in, sessions and channels."""

import json
from typing import Any, cast

import msgspec
from sqlalchemy import Row, delete, select, update

from duty.edge import tables
from duty.edge.rows.base import Rows, listed, unlisted
from duty.people import Channel, ChannelKind, Language, Person, StaffRole


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


class PeopleRows(Rows):
    """Who works here."""

    def people(self) -> list[Person]:
        """Everyone, also the disabled, by name."""
        with self.together() as connection:
            rows = connection.execute(select(tables.staff).order_by(tables.staff.c.name, tables.staff.c.id)).all()
        return [_person(row) for row in rows]

    def person(self, person: str) -> Person | None:
        """One person by id."""
        with self.together() as connection:
            row = connection.execute(select(tables.staff).where(tables.staff.c.id == person)).first()
        return _person(row) if row else None

    def account(self, login: str) -> Account | None:
        """What logging in as `login` needs."""
        with self.together() as connection:
            row = connection.execute(select(tables.staff).where(tables.staff.c.login == login)).first()
        if row is None:
            return None
        return Account(
            person=_person(row),
            password_hash=row.password_hash,
            totp_secret=self._open(f"totp/{row.id}", row.totp_sealed),
            totp_last_step=row.totp_last_step,
        )

    def save_person(self, person: Person) -> None:
        """Add a person, or change one: everything but password and second factor.  Disabling ends the sessions."""
        values: dict[str, Any] = {
            "login": person.login,
            "name": person.name,
            "roles": listed(person.roles),
            "grids": listed(person.grids),
            "language": person.language,
            "disabled": person.disabled,
        }
        with self.together() as connection:
            changed = connection.execute(update(tables.staff).where(tables.staff.c.id == person.id).values(values))
            if not changed.rowcount:
                values |= {
                    "id": person.id,
                    "password_hash": "",
                    "must_change_password": person.must_change_password,
                    "totp_last_step": 0,
                    "created_ms": person.created_ms,
                }
                connection.execute(tables.staff.insert().values(values))
            if person.disabled:
                self.end_sessions_of(person.id)

    def disable(self, person: str) -> None:
        """Disable, and end every session of the person in the same transaction."""
        with self.together() as connection:
            connection.execute(update(tables.staff).where(tables.staff.c.id == person).values(disabled=True))
            self.end_sessions_of(person)

    def set_password(self, person: str, password_hash: str, *, must_change: bool) -> None:
        """Keep the hash of a new password."""
        with self.together() as connection:
            connection.execute(
                update(tables.staff)
                .where(tables.staff.c.id == person)
                .values(password_hash=password_hash, must_change_password=must_change)
            )

    def set_totp(self, person: str, secret: str) -> None:
        """Keep the secret of the second factor, sealed; "" takes it away."""
        sealed = self._seal(f"totp/{person}", secret) or None
        with self.together() as connection:
            connection.execute(
                update(tables.staff).where(tables.staff.c.id == person).values(totp_sealed=sealed, totp_last_step=0)
            )

    def use_totp_step(self, person: str, step: int) -> bool:
        """Spend a one-time code's step; False when it (or a later one) was spent already."""
        with self.together() as connection:
            spent = connection.execute(
                update(tables.staff)
                .where(tables.staff.c.id == person, tables.staff.c.totp_last_step < step)
                .values(totp_last_step=step)
            )
            return spent.rowcount == 1

    def add_session(self, session: Session) -> None:
        """Begin a session."""
        with self.together() as connection:
            connection.execute(tables.sessions.insert().values(msgspec.structs.asdict(session)))

    def session(self, token_hash: str) -> Session | None:
        """A session by the hash of its cookie."""
        with self.together() as connection:
            row = connection.execute(select(tables.sessions).where(tables.sessions.c.token_hash == token_hash)).first()
        return Session(**row._mapping) if row else None

    def touch_session(self, token_hash: str, seen_ms: int, *, passed_totp: bool | None = None) -> None:
        """Note when a session was last used, or that it passed the second factor."""
        values: dict[str, Any] = {"seen_ms": seen_ms}
        if passed_totp is not None:
            values["passed_totp"] = passed_totp
        with self.together() as connection:
            connection.execute(update(tables.sessions).where(tables.sessions.c.token_hash == token_hash).values(values))

    def end_session(self, token_hash: str) -> None:
        """End one session."""
        with self.together() as connection:
            connection.execute(delete(tables.sessions).where(tables.sessions.c.token_hash == token_hash))

    def end_sessions_of(self, person: str, *, but: str = "") -> int:
        """End every session of a person except `but`; how many there were."""
        with self.together() as connection:
            done = connection.execute(
                delete(tables.sessions).where(tables.sessions.c.person == person, tables.sessions.c.token_hash != but)
            )
            return done.rowcount

    def sessions_of(self, person: str) -> list[Session]:
        """A person's sessions, the newest first."""
        with self.together() as connection:
            rows = connection.execute(
                select(tables.sessions)
                .where(tables.sessions.c.person == person)
                .order_by(tables.sessions.c.created_ms.desc())
            ).all()
        return [Session(**row._mapping) for row in rows]

    def forget_sessions(self, before_ms: int) -> int:
        """Delete sessions that ended before `before_ms`."""
        with self.together() as connection:
            return connection.execute(delete(tables.sessions).where(tables.sessions.c.until_ms < before_ms)).rowcount

    def channels(self, person: str | None = None) -> list[Channel]:
        """A person's channels in order (None: everybody's)."""
        statement = select(tables.channels).order_by(tables.channels.c.person, tables.channels.c.position)
        if person is not None:
            statement = statement.where(tables.channels.c.person == person)
        with self.together() as connection:
            rows = connection.execute(statement).all()
        return [self._channel(row) for row in rows]

    def channel(self, channel: str) -> Channel | None:
        """One channel by id."""
        with self.together() as connection:
            row = connection.execute(select(tables.channels).where(tables.channels.c.id == channel)).first()
        return self._channel(row) if row else None

    def _channel(self, row: Row[Any]) -> Channel:
        return Channel(
            id=row.id,
            person=row.person,
            order=row.position,
            kind=cast("ChannelKind", row.kind),
            target=self._open(f"target/{row.id}", row.target_sealed),
            secret=self._open(f"secret/{row.id}", row.secret_sealed),
            options=json.loads(row.options or "{}"),
            enabled=row.enabled,
        )

    def save_channel(self, channel: Channel) -> None:
        """Add a channel or change one."""
        self._put(
            tables.channels,
            {
                "id": channel.id,
                "person": channel.person,
                "position": channel.order,
                "kind": channel.kind,
                "target_sealed": self._seal(f"target/{channel.id}", channel.target),
                "secret_sealed": self._seal(f"secret/{channel.id}", channel.secret),
                "options": json.dumps(channel.options),
                "enabled": channel.enabled,
            },
        )

    def delete_channel(self, channel: str) -> None:
        """Take a channel away."""
        with self.together() as connection:
            connection.execute(delete(tables.channels).where(tables.channels.c.id == channel))


def _person(row: Row[Any]) -> Person:
    return Person(
        id=row.id,
        login=row.login,
        name=row.name,
        roles=cast("tuple[StaffRole, ...]", unlisted(row.roles)),
        grids=unlisted(row.grids),
        language=cast("Language", row.language),
        disabled=row.disabled,
        has_totp=bool(row.totp_sealed),
        must_change_password=row.must_change_password,
        created_ms=row.created_ms,
    )
