from pathlib import Path

import pytest
from sqlalchemy import inspect

from duty.edge import schema
from duty.edge.store import make_engine


def test_the_steps_run_in_the_callers_transaction(tmp_path: Path) -> None:
    engine = make_engine(tmp_path / "desk.db")

    def half() -> None:
        with engine.begin() as connection:
            schema.upgrade(connection, "0001")
            assert schema.revision_of(connection) == "0001"
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        half()
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == []
    engine.dispose()
