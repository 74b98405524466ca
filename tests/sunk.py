"""The time series of a story: the real sink over its logs, into the embedded store beside them."""

from pathlib import Path

from streams.edge.embedded_series import EmbeddedSeries
from streams.edge.sink import Sink
from streams.edge.sqlite_log import SqliteReader
from streams.points import Projector
from tests.desk_story import policy


def sink(folder: Path) -> None:
    """Bring everything that stands in the logs of `folder` into its series."""
    store = EmbeddedSeries(folder / "series.db")
    projector = Projector(policy=policy(), new_secret=lambda: bytes(16), kept=store.kept())
    logs = SqliteReader(folder / "inbox.db", "inbox"), SqliteReader(folder / "streams.db", "outbox")
    made = Sink(
        inbox=logs[0], outbox=logs[1], partitions=1, store=store, projector=projector,
        days={"raw": 30, "incidents": 1095},
    )  # fmt: skip
    while made.turn():
        pass
    made.close()
    for each in (*logs, store):
        each.close()
