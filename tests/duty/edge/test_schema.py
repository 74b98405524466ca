"""From the first schema to the newest, on both databases, with rows in it."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from duty.edge import schema, tables
from duty.edge.store import Store, StoreTrouble, make_engine
from tests.duty.edge.conftest import MASTER_KEY
from tests.duty.rosters import person

STEPS = ["0001", "0002", "0003"]


def test_the_newest_step_is_the_last_file() -> None:
    found = ScriptDirectory(schema.__file__.replace("schema.py", "migrations"))
    assert found.get_heads() == [schema.NEWEST]
    assert [step.revision for step in reversed(list(found.walk_revisions()))] == STEPS


def shape(database: str) -> list[tuple[str, ...]]:
    """Every table, index and trigger, as the database itself describes them."""
    engine = make_engine(database)
    with engine.connect() as connection:
        inspector = inspect(connection)
        found: list[tuple[str, ...]] = []
        for table in inspector.get_table_names():
            found += [
                (table, column["name"], str(column["type"]), str(column["nullable"]), str(column["default"]))
                for column in inspector.get_columns(table)
            ]
            found.append((table, "key", *inspector.get_pk_constraint(table)["constrained_columns"]))
            found += [
                (table, "index", str(index["unique"]), *(str(c) for c in index["column_names"]))
                for index in inspector.get_indexes(table)
            ]
        triggers = (
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
            if connection.dialect.name == "sqlite"
            else "SELECT trigger_name, event_manipulation FROM information_schema.triggers"
        )
        found += [("trigger", *row) for row in connection.execute(text(triggers))]
    engine.dispose()
    return sorted(found)


def test_an_empty_store_is_made_as_the_steps_would_have_made_it(database: str, tmp_path, request) -> None:
    Store.open(database, master_key=MASTER_KEY).close()
    if "postgresql" in database:
        other = request.getfixturevalue("postgresql").make_database("stepped")
    else:
        other = str(tmp_path / "stepped.db")
    Store.open(other, master_key=MASTER_KEY, schema="0001").close()
    Store.open(other, master_key=MASTER_KEY).close()
    assert shape(database) == shape(other)


@pytest.mark.parametrize("first", STEPS[:-1])
def test_every_step_leads_to_the_tables_of_today_and_keeps_the_rows(database: str, first: str) -> None:
    store = Store.open(database, master_key=MASTER_KEY, schema=first)
    store.save_person(person("wang"))
    store.set_password("wang", "hash", must_change=False)
    store.audit(at_ms=1, actor="wang", action="log-in")
    store.close()

    store = Store.open(database, master_key=MASTER_KEY)
    with store.together() as connection:
        assert schema.revision_of(connection) == schema.NEWEST
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []
    account = store.account("wang")
    assert account is not None
    assert account.password_hash == "hash"
    assert store.verify_audit() is None
    store.close()


def test_an_upgrade_that_fails_in_the_middle_changes_nothing(database: str) -> None:
    Store.open(database, master_key=MASTER_KEY, schema="0001").close()
    engine = make_engine(database)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE webhook_pages (in_the_way INTEGER)"))
    engine.dispose()
    with pytest.raises(StoreTrouble):
        Store.open(database, master_key=MASTER_KEY)
    engine = make_engine(database)
    with engine.begin() as connection:
        assert schema.revision_of(connection) == "0001"
        connection.execute(text("DROP TABLE webhook_pages"))
    engine.dispose()
    store = Store.open(database, master_key=MASTER_KEY)
    assert store.people() == []
    store.close()


def test_a_store_of_a_newer_release_is_refused_with_what_to_do(database: str) -> None:
    Store.open(database, master_key=MASTER_KEY).close()
    engine = make_engine(database)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(StoreTrouble, match="schema 9999, this release knows up to"):
        Store.open(database, master_key=MASTER_KEY)
