"""Under what names a household's points stand, asked of the sink's file by those who may know whose they are."""

from pathlib import Path

from streams.case_names import CaseNames, NamedCase
from streams.edge.log import LogFull
from streams.edge.series import SeriesDown
from streams.edge.sqlite_log import SqliteReader


def cases_of(series_db: Path, household: str) -> list[NamedCase]:
    """The cases of a household whose points can still be linked to it, oldest first.  Raises SeriesDown."""
    reader = SqliteReader(series_db, "refused")
    keys = (f"case:{household}", f"secret:{household}@", f"secret:{household}A")
    try:
        # `A` follows `@`: all secrets of this household, and of no other.
        rows = reader.query("SELECT key, value FROM kept WHERE key = ? OR (key >= ? AND key < ?)", keys)
    except LogFull as error:
        raise SeriesDown(str(error)) from error
    finally:
        reader.close()
    names = CaseNames(new_secret=bytes, kept={key: value for key, value in rows})  # noqa: C416 - rows have no types
    return sorted(names.ended(2**63), key=lambda case: case.from_ms)
