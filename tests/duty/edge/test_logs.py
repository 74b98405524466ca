"""Where the desk reads the logs."""

from devices.edge.settings import Cluster, Data, Settings, Streams
from duty.edge.logs import open_log
from streams.edge.kafka_log import KafkaReader
from streams.edge.sqlite_log import SqliteReader


def test_on_one_box_they_are_files(tmp_path):
    settings = Settings(data=Data(folder=str(tmp_path)))
    inbox, outbox = (open_log(settings, log) for log in ("inbox", "outbox"))
    assert isinstance(inbox, SqliteReader) and isinstance(outbox, SqliteReader)
    assert (inbox.path.name, outbox.path.name) == ("inbox.db", "streams.db")


def test_in_a_cluster_they_are_topics():
    settings = Settings(streams=Streams(runtime="cluster"), cluster=Cluster(kafka="127.0.0.1:1"))
    reader = open_log(settings, "inbox")
    assert isinstance(reader, KafkaReader)
    reader.close()
