import pytest
from sqlalchemy import text

from duty.edge.rows.base import StoreTrouble, listed, unlisted
from duty.edge.store import Store
from tests.duty.rosters import person


def test_trouble_of_the_database_is_a_sentence(sqlite_store: Store) -> None:
    def read_only() -> None:
        with sqlite_store.together() as connection:
            connection.execute(text("PRAGMA query_only = ON"))
        sqlite_store.save_person(person("wang"))

    with pytest.raises(StoreTrouble, match=r"desk.db\): .* \[ReadOnlyError"):
        read_only()


def test_a_failed_transaction_leaves_the_store_usable(store: Store) -> None:
    def twice() -> None:
        with store.together() as connection:
            for _ in range(2):
                connection.execute(text("INSERT INTO holidays VALUES ('2020-01-01', 'x')"))

    with pytest.raises(StoreTrouble):
        twice()
    assert store.roster().holidays == ()
    store.save_person(person("wang"))
    assert len(store.people()) == 1


def test_lists_of_words() -> None:
    assert unlisted(listed(("a", "b"))) == ("a", "b")
    assert unlisted("") == ()
