"""A store on each database: SQLite always, PostgreSQL where the machine has it."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from duty.edge.store import Store

MASTER_KEY = bytes(range(32))
BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.live)]
_numbers = count()


@pytest.fixture(params=BOTH)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty store may be made: a file, or the URL of an empty database."""
    if request.param == "sqlite":
        return str(tmp_path / "desk.db")
    return request.getfixturevalue("postgresql").make_database(f"desk_{next(_numbers)}")


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    opened = Store.open(database, master_key=MASTER_KEY)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[Store]:
    """For tests to which the database does not matter."""
    opened = Store.open(tmp_path / "desk.db", master_key=MASTER_KEY)
    yield opened
    opened.close()
