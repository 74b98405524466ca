"""What of Faust is used: nothing is connected to here."""

from typing import Any

from devices.edge.settings import Cluster, Data, Settings
from streams.edge.faust_settings import make_app


def app(folder: object) -> Any:
    settings = Settings(data=Data(folder=str(folder)), cluster=Cluster(kafka="127.0.0.1:1", topic_prefix="t-"))
    return make_app(settings, "t-streams")


async def test_a_frame_does_not_wait_until_a_calm_partition_has_been_asked_about(tmp_path):
    """Faust asks for 1.5 s; one question at a time is out to a broker."""
    made = app(tmp_path)
    thread = made.consumer._new_consumer_thread()
    consumer = thread._create_worker_consumer(made.transport)
    assert consumer._fetch_max_wait_ms == 50
    await consumer.stop()


def test_two_apps_share_nothing(tmp_path):
    assert app(tmp_path).transport.Consumer is not type(app(tmp_path).transport).Consumer
    assert app(tmp_path).conf.id == "t-streams"
