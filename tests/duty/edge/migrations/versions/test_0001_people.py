from sqlalchemy import inspect

from duty.edge import schema
from duty.edge.store import make_engine

TABLES = {"staff", "sessions", "channels", "shifts", "swaps", "holidays", "cases", "contacts", "links", "audit"}


def test_this_step_adds_its_tables_and_touches_no_other(database: str) -> None:
    engine = make_engine(database)
    before = f"{int('0001') - 1:04d}"
    with engine.begin() as connection:
        if before != "0000":
            schema.upgrade(connection, before)
        had = set(inspect(connection).get_table_names())
    with engine.begin() as connection:
        # Asked for by its step, so that the short way of an empty store is not taken.
        schema._run_steps(connection, "0001")
        has = set(inspect(connection).get_table_names())
    engine.dispose()
    assert has - had - {"alembic_version"} == TABLES
    assert had <= has
