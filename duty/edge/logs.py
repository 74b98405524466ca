"""Readers of the logs, where the settings keep them."""

from importlib import import_module

from devices.edge.settings import Settings
from streams.edge.log import TimedReader
from streams.edge.sqlite_log import SqliteReader


def open_log(settings: Settings, log: str) -> TimedReader:
    """A reader of `inbox` or `outbox`, on this box or in the cluster.  Raises OSError."""
    if settings.streams.runtime == "cluster":
        reader: TimedReader = import_module("streams.edge.kafka_log").open_reader(settings, log)
        return reader
    file = "inbox.db" if log == "inbox" else "streams.db"
    return SqliteReader(settings.data_path / file, log)
