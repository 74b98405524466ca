import pytest
from sqlalchemy.dialects import sqlite

from duty.edge.tables import Words, metadata


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (None, None),
        ("", ""),
        ("plain", "plain"),
        ("张三 😀", "张三 😀"),
        ("a\0b", "ab"),
        ("\ud800x", "x"),
        ("<b>", "<b>"),
    ],
)
def test_text_loses_only_what_no_database_keeps(given: str | None, kept: str | None) -> None:
    assert Words().process_bind_param(given, sqlite.dialect()) == kept


def test_nothing_of_a_person_stands_open_in_a_table() -> None:
    """Phones, addresses, names of residents, secrets: only in columns that are sealed."""
    columns = {f"{table.name}.{column.name}" for table in metadata.tables.values() for column in table.columns}
    assert {"channels.target_sealed", "channels.secret_sealed", "staff.totp_sealed", "contacts.sealed"} <= columns
    assert not {name for name in columns if name.endswith((".phone", ".target", ".secret", ".totp"))}
