"""The tables of the desk's store.  Times are milliseconds UTC; what is sealed or packed is bytes.

A change here needs a migration of its own (`duty/edge/migrations/versions`): a test compares the two.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

metadata = MetaData()


class Words(TypeDecorator[str]):
    """Text that every database keeps: what a form may send and none takes (NUL, half characters) is left out."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None or (value.isascii() and "\0" not in value):
            return value
        return value.replace("\0", "").encode("utf-8", "ignore").decode()


class Key(Words):
    """The same, for a key."""

    impl = String
    cache_ok = True


def _id(name: str) -> Column[str]:
    return Column(name, Key, primary_key=True)


def _ms(name: str, *, needed: bool = True) -> Column[int]:
    return Column(name, BigInteger, nullable=not needed)


def _text(name: str) -> Column[str]:
    return Column(name, Words, nullable=False, server_default="")


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False)


def _number(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def _bytes(name: str, *, needed: bool = True) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=not needed)


staff = Table(
    "staff",
    metadata,
    _id("id"),
    Column("login", Key, nullable=False, unique=True),
    _text("name"),
    _text("roles"),
    _text("grids"),
    _text("language"),
    _flag("disabled"),
    _text("password_hash"),
    _flag("must_change_password"),
    _bytes("totp_sealed", needed=False),
    Column("totp_last_step", BigInteger, nullable=False),
    _ms("created_ms"),
)

sessions = Table(
    "sessions",
    metadata,
    _id("token_hash"),
    Column("person", Key, nullable=False, index=True),
    _ms("created_ms"),
    _ms("until_ms"),
    _ms("seen_ms"),
    _flag("passed_totp"),
    _text("address"),
)

channels = Table(
    "channels",
    metadata,
    _id("id"),
    Column("person", Key, nullable=False, index=True),
    _number("position"),
    _text("kind"),
    _bytes("target_sealed"),
    _bytes("secret_sealed"),
    _text("options"),
    _flag("enabled"),
)

shifts = Table(
    "shifts",
    metadata,
    _id("id"),
    Column("person", Key, nullable=False, index=True),
    _text("role"),
    _text("grids"),
    _text("first_day"),
    _text("last_day"),
    _number("starts_min"),
    _number("ends_min"),
    _text("days"),
    _number("position"),
    _text("on_holidays"),
)

swaps = Table(
    "swaps",
    metadata,
    _id("id"),
    _text("person"),
    _text("instead"),
    _ms("from_ms"),
    _ms("until_ms"),
    _text("grids"),
    _text("role"),
    _text("reason"),
    _number("number"),
)

holidays = Table("holidays", metadata, _id("day"), _text("name"))

cases = Table(
    "cases",
    metadata,
    _id("id"),
    Column("household", Key, nullable=False, index=True),
    _text("grid"),
    _ms("from_ms"),
    _ms("until_ms"),
    _ms("released_ms", needed=False),
    _bytes("wrapped_key", needed=False),
    _ms("key_destroyed_ms", needed=False),
)

contacts = Table(
    "contacts",
    metadata,
    Column("case", Key, primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    _bytes("sealed"),
)

links = Table(
    "links",
    metadata,
    _id("id"),
    Column("household", Key, nullable=False, index=True),
    _text("grid"),
    _text("case"),
    _ms("created_ms"),
    _ms("until_ms"),
    _ms("withdrawn_ms", needed=False),
)

audit = Table(
    "audit",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    _ms("at_ms"),
    _text("actor"),
    _text("action"),
    _text("object"),
    _text("grid"),
    _flag("well"),
    _text("detail"),
    _text("address"),
    _text("hash"),
)

incidents = Table(
    "incidents",
    metadata,
    _id("id"),
    _text("grid"),
    _text("kind"),
    _text("subject"),
    _text("state"),
    _ms("raised_ms"),
    _ms("closed_ms", needed=False),
    _bytes("body"),
    Index("incidents_by_grid", "grid", "raised_ms"),
    Index("incidents_by_subject", "subject", "raised_ms"),
    Index("incidents_by_state", "state", "raised_ms"),
)

households = Table("households", metadata, _id("household"), _text("grid"), _bytes("body"))

answers = Table(
    "answers",
    metadata,
    Column("checkpoint", Key, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    _bytes("body"),
)

notes = Table(
    "notes",
    metadata,
    _id("id"),
    _text("subject"),
    _text("grid"),
    _ms("t_ms"),
    _bytes("body"),
    Index("notes_by_subject", "subject", "t_ms"),
)

openings = Table(
    "openings",
    metadata,
    Column("household", Key, primary_key=True),
    Column("opened_ms", BigInteger, primary_key=True, autoincrement=False),
    _ms("closed_ms", needed=False),
    _flag("declared"),
    Index("openings_by_time", "opened_ms"),
)

readings = Table(
    "readings",
    metadata,
    _id("id"),
    _text("household"),
    _ms("at_ms"),
    Column("celsius", Float, nullable=False),
    _text("site"),
    _text("source"),
    Index("readings_by_household", "household", "at_ms"),
)

devices = Table("devices", metadata, _id("device"), _text("place"), _text("grid"), _bytes("body"))

cursors = Table(
    "cursors",
    metadata,
    Column("log", Key, primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("offset", BigInteger, nullable=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    _id("page"),
    Column("incident", Key, nullable=False, index=True),
    _text("grid"),
    _text("role"),
    _flag("ended"),
    _ms("t_ms"),
    _bytes("body"),
    Index("deliveries_by_state", "ended", "t_ms"),
)

attempts = Table(
    "attempts",
    metadata,
    _id("id"),
    Column("page", Key, nullable=False, index=True),
    Column("incident", Key, nullable=False, index=True),
    _text("grid"),
    _text("role"),
    _text("person"),
    _text("channel"),
    _text("kind"),
    _ms("started_ms"),
    _ms("finished_ms", needed=False),
    _text("outcome"),
    _text("detail"),
    _flag("repeat"),
    _text("bundle"),
    Index("attempts_by_time", "started_ms"),
)

webhook_pages = Table(
    "webhook_pages",
    metadata,
    _id("page"),
    _text("grid"),
    _bytes("body"),
    _ms("began_ms"),
    _number("tries"),
    _ms("next_ms"),
    _ms("ended_ms", needed=False),
    _text("outcome"),
    _text("detail"),
    Index("webhook_pages_by_state", "ended_ms", "next_ms"),
)

kept = Table("kept", metadata, _id("name"), _bytes("value"))
