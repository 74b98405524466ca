"""Bringing the store's schema to the newest: all missing steps in one transaction, or none.

An empty store is made as `tables.py` says, without Alembic, which is slow to load; a test holds both ways against each
other.
"""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from duty.edge.tables import metadata

NEWEST = "0003"  # the newest step of migrations/versions, known here so that an up-to-date start loads no Alembic

# Rows of the audit log are only ever added: the database itself refuses the rest.
_GUARD_SQLITE = tuple(
    f"CREATE TRIGGER audit_no_{what.lower()} BEFORE {what} ON audit "
    "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
    for what in ("UPDATE", "DELETE")
)
_GUARD_POSTGRESQL = (
    """CREATE FUNCTION audit_is_append_only() RETURNS trigger AS
    $$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$ LANGUAGE plpgsql""",
    """CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()""",
)


class NewerSchema(RuntimeError):
    """The store was made by a newer release than this one."""


def revision_of(connection: Connection) -> str:
    """The step the store is at; "" for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    row = connection.execute(text("SELECT version_num FROM alembic_version")).first()
    return str(row[0]) if row else ""


def upgrade(connection: Connection, to: str = NEWEST) -> str:
    """Bring the schema to step `to` in the caller's transaction; the step it was at.  Raises NewerSchema."""
    found = revision_of(connection)
    if found == to:
        return found
    if found > NEWEST:
        raise NewerSchema(
            f"the desk's store has schema {found}, this release knows up to {NEWEST}: "
            "start the release that wrote it, or restore the copy made before the upgrade"
        )
    if not found and to == NEWEST:
        _make(connection)
    else:
        _run_steps(connection, to)
    return found


def _make(connection: Connection) -> None:
    metadata.create_all(connection, checkfirst=False)
    guard = _GUARD_SQLITE if connection.dialect.name == "sqlite" else _GUARD_POSTGRESQL
    for statement in guard:
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    connection.execute(text("INSERT INTO alembic_version VALUES (:step)"), {"step": NEWEST})


def _run_steps(connection: Connection, to: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    command.upgrade(config, to)
