"""Bringing the store's schema to the newest: all missing steps in one transaction, or none."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

NEWEST = "0003"  # the newest step of migrations/versions, known here so that an up-to-date start loads no alembic


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
    # alembic is slow to load, and needed only when there is something to do.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    command.upgrade(config, to)
    return found
