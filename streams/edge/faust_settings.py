"""The Faust app, made by a function: nothing is at import.  What of Faust is used, and how, stands here as one list."""

from typing import Any

import faust

from devices.edge.settings import Cluster, Settings
from streams.edge.kafka import password, tls


def make_app(settings: Settings, group: str) -> faust.App:
    """A Faust app without agents or tables.  Its table is written by us, its topics are made by `topics.py`."""
    cluster = settings.cluster
    return faust.App(
        group,
        autodiscover=False,
        broker=[f"kafka://{server.strip()}" for server in cluster.kafka.split(",")],
        broker_credentials=_credentials(cluster),
        broker_session_timeout=cluster.session_timeout_s,
        broker_heartbeat_interval=cluster.session_timeout_s / 6,
        broker_request_timeout=max(30.0, cluster.session_timeout_s + 5),
        broker_commit_interval=1.0,
        consumer_auto_offset_reset="earliest",
        datadir=settings.data_path / "worker",
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
