"""The Faust app, made by a function: nothing is at import.  What of Faust is used, and how, stands here as one list."""

from typing import Any

import faust
from aiokafka import AIOKafkaConsumer
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport

from devices.edge.settings import Cluster, Settings
from streams.edge.kafka import password, tls

# One question at a time is out to a broker, about the partitions that nothing has come of yet: with Faust's 1.5 s a
# frame waits for so long whenever another partition of the same worker is calm (decision 0083).
_LONG_POLL_MS = 50


class _Thread(AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: Transport) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = _LONG_POLL_MS  # no setting of Faust's
        return consumer


class _Consumer(Consumer):
    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)


def make_app(settings: Settings, group: str) -> faust.App:
    """A Faust app without agents or tables.  Its table is written by us, its topics are made by `topics.py`."""
    cluster = settings.cluster
    app = faust.App(
        group,
        autodiscover=False,
        broker=[f"kafka://{server.strip()}" for server in cluster.kafka.split(",")],
        broker_credentials=_credentials(cluster),
        broker_session_timeout=cluster.session_timeout_s,
        broker_heartbeat_interval=cluster.session_timeout_s / 6,
        broker_request_timeout=max(30.0, cluster.session_timeout_s + 5),
        broker_commit_interval=1.0,
        broker_commit_livelock_soft_timeout=10 * 365 * 86_400.0,  # we commit, and Faust would complain that it does not
        consumer_auto_offset_reset="earliest",
        datadir=settings.data_path / f"worker-{cluster.topic_prefix}",  # copies of these topics alone
        processing_guarantee="at_least_once",
        recovery_consistency_check=False,  # the worker restores what is its own itself
        reply_create_topic=False,
        store="memory://",
        stream_buffer_maxsize=256,
        stream_recovery_delay=0.0,
        stream_wait_empty=False,
        table_standby_replicas=cluster.standby_replicas,
        topic_allow_declare=False,
        topic_disable_leader=True,
        topic_partitions=settings.streams.partitions,
        web_enabled=False,
        worker_redirect_stdouts=False,
    )
    app.transport.Consumer = _Consumer  # pyright: ignore[reportAttributeAccessIssue] - of this transport alone
    return app


def _credentials(cluster: Cluster) -> Any:
    context = tls(cluster)
    if cluster.security_protocol.startswith("SASL"):
        return faust.SASLCredentials(
            username=cluster.username,
            password=password(cluster),
            mechanism=cluster.sasl_mechanism,
            ssl_context=context,
        )
    return None if context is None else faust.SSLCredentials(context)
