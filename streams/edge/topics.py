"""The topics of a cluster: made at the first start, and checked at every one, before anything reads or writes.

What is wrong is said in one sentence with its remedy; a topic that is there is never changed behind its owner's back.
"""

import asyncio
import ssl
import time
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.conn import create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    KafkaError,
    RequestTimedOutError,
    SaslAuthenticationFailed,
    TopicAlreadyExistsError,
    UnsupportedSaslMechanismError,
    for_code,
)

from devices.edge.complaints import Complaint
from devices.edge.settings import Settings
from streams.edge.kafka import LARGEST_BATCH, at_key, connection, names
from streams.edge.live_clock import apart_ms
from streams.edge.move import refuse_unfinished
from streams.policy import DAY_MS, HOUR_MS

CLOCK_APART_MS = 5_000
_KNOCK_MS = 5_000
_MADE_S = 60.0
# A key of `fleet` that stands for nothing: a deletion of it tells us the broker's time, and compaction takes it away.
_CLOCK_KEY = b"clock"


class Topic(NamedTuple):
    """A topic as it should be."""

    name: str
    partitions: int
    config: dict[str, str]


class Unreachable(Complaint):
    """Kafka does not answer: it may later."""


def wanted(settings: Settings) -> list[Topic]:
    """Every topic of a site's cluster."""
    called, partitions = names(settings.cluster.topic_prefix), settings.streams.partitions
    # With three copies a write is good when two have it, so that one broker may be away.
    common = {
        "min.insync.replicas": str(max(1, settings.cluster.replication - 1)),
        "max.message.bytes": str(LARGEST_BATCH),
        "message.timestamp.type": "LogAppendTime",
    }
    kept = {"cleanup.policy": "delete"}
    compact = {
        "cleanup.policy": "compact", "segment.bytes": str(64 * 1024 * 1024), "segment.ms": str(6 * HOUR_MS),
        # A worker that reads on from an old copy of its own must still see what was deleted since.
        "delete.retention.ms": str(30 * DAY_MS),
    }  # fmt: skip
    raw = {**kept, "retention.ms": str(settings.data.raw_days * DAY_MS)}
    incidents = {**kept, "retention.ms": str(settings.data.incident_days * DAY_MS)}
    return [
        Topic(called.inbox, partitions, common | raw),
        Topic(called.outbox, partitions, common | incidents),
        Topic(called.rejects, 1, common | raw),
        Topic(called.fleet, 1, common | compact),
        # What was overwritten stays readable for an hour: a worker finds out by then if another wrote out of turn.
        Topic(
            called.state,
            partitions,
            common | compact | {"min.compaction.lag.ms": str(HOUR_MS), "min.cleanable.dirty.ratio": "0.3"},
        ),
    ]


def prepare(settings: Settings, *, to_move: bool = False) -> list[str]:
    """Make what is missing and check the rest; notes that stop nothing.  Raises Complaint.

    `to_move`: by whoever moves something there; all others wait until that is done.
    """
    return asyncio.run(_prepare(settings, to_move))


async def look(settings: Settings) -> None:
    """Check the topics of a cluster that has lived, and change nothing.  Raises Complaint."""
    options = _options(settings)
    admin = AIOKafkaAdminClient(**options)
    try:
        await _reached(settings, admin.start())
        if missing := await _missing(admin, settings):
            raise at_key(
                settings,
                "topic_prefix",
                f"{settings.cluster.kafka} has no topic {missing[0].name}",
                "name the settings of the cluster that is there",
            )
        await _check(admin, settings)
    except KafkaError as error:
        raise await _unreachable(settings, error) from error
    finally:
        await admin.close()


def _options(settings: Settings) -> dict[str, Any]:
    try:
        return connection(settings.cluster)
    except OSError as error:
        key = "password_file" if settings.cluster.password_file and "ca" not in str(error) else "ca"
        raise at_key(settings, key, f"a file cannot be read: {error}", "put it there or mend the path") from error


async def _prepare(settings: Settings, to_move: bool) -> list[str]:
    options = _options(settings)
    admin = AIOKafkaAdminClient(**options)
    try:
        await _reached(settings, admin.start())
        missing = await _missing(admin, settings)
        if missing:
            await _create(admin, settings, missing)
        notes = await _check(admin, settings)
        if not to_move:
            await refuse_unfinished(settings)
    except KafkaError as error:
        raise await _unreachable(settings, error) from error
    finally:
        await admin.close()
    await _check_clock(settings, options)
    return notes


async def _reached(settings: Settings, connecting: Any) -> None:
    try:
        async with asyncio.timeout(15):
            await connecting
    except (KafkaError, OSError, TimeoutError) as error:
        raise await _unreachable(settings, error) from error


async def _unreachable(settings: Settings, error: BaseException) -> Complaint:
    """Why it cannot be reached.  The client only says that it could not: so knock once more and listen."""
    cluster = settings.cluster
    try:
        return await _knock(settings) or Unreachable(
            settings.file or "settings",
            at_key(settings, "kafka", "", "").line,
            f"kafka: {cluster.kafka} does not answer as Kafka: {error or type(error).__name__}",
            "start it, or mend kafka and security_protocol in [cluster]",
        )
    except OSError as trouble:
        return at_key(settings, "ca", f"a file cannot be read: {trouble}", "put it there or mend the path")


async def _knock(settings: Settings) -> Complaint | None:
    cluster = settings.cluster
    options: dict[str, Any] = connection(cluster) | {"request_timeout_ms": _KNOCK_MS}
    server = options.pop("bootstrap_servers")[0]
    host, _, port = server.rpartition(":")
    try:
        knocked = await create_conn(host, int(port), **options)
    except ssl.SSLError as error:
        return at_key(
            settings,
            "ca",
            f"ca: the certificates of {server} and ours do not fit: {error.reason or error}",
            "name the authority that signed the broker's certificate as ca, and our own certificate if it asks for one",
        )
    except (SaslAuthenticationFailed, AuthenticationFailedError):
        return at_key(
            settings,
            "password_file",
            f"username: {server} does not let {cluster.username!r} in by this password",
            "put the right password into password_file, or make the user on the broker",
        )
    except UnsupportedSaslMechanismError:
        return at_key(
            settings, "sasl_mechanism", f"sasl_mechanism: {server} knows no {cluster.sasl_mechanism}", "ask its owner"
        )
    except ValueError:
        return at_key(settings, "kafka", f"kafka: {server} is not host:port", "write it as broker.example.org:9092")
    except (KafkaError, OSError, TimeoutError):
        return None
    knocked.close()
    return None


async def _described(admin: AIOKafkaAdminClient, settings: Settings) -> dict[str, dict[str, Any]]:
    """Topic → what the broker says of it, for those that are there."""
    found = await admin.describe_topics([topic.name for topic in wanted(settings)])
    return {topic["topic"]: topic for topic in found if topic["error_code"] == 0}


async def _missing(admin: AIOKafkaAdminClient, settings: Settings) -> list[Topic]:
    there = await _described(admin, settings)
    return [topic for topic in wanted(settings) if topic.name not in there]


async def _create(admin: AIOKafkaAdminClient, settings: Settings, topics: list[Topic]) -> None:
    replication = settings.cluster.replication
    brokers = len((await admin.describe_cluster())["brokers"])
    if brokers < replication:
        raise at_key(
            settings,
            "replication",
            f"replication: {replication} copies need as many brokers, and {settings.cluster.kafka} has {brokers}",
            f"set replication = {brokers}, or add brokers",
        )
    answer: Any = await admin.create_topics(
        [NewTopic(topic.name, topic.partitions, replication, topic_configs=topic.config) for topic in topics]
    )
    for name, code, message in answer.topic_errors:
        # Another process of ours was quicker, or a busy broker says that it is still about it: looked for below.
        if code not in (0, TopicAlreadyExistsError.errno, RequestTimedOutError.errno):
            raise at_key(
                settings,
                "topic_prefix",
                f"topic {name} cannot be made: {message or for_code(code).__name__}",
                "let this user create topics, or make it by hand as docs/cluster.md says",
            )
    # The broker says yes before every copy is there.
    until_s = time.monotonic() + _MADE_S
    while time.monotonic() < until_s:
        if not await _missing(admin, settings):
            return
        await asyncio.sleep(0.1)
    what = f"topics were made and are not there after {_MADE_S:.0f} s"
    raise at_key(settings, "kafka", what, "look at the brokers' log")


async def _check(admin: AIOKafkaAdminClient, settings: Settings) -> list[str]:
    notes: list[str] = []
    there = await _described(admin, settings)
    configs = await _configs(admin, list(there))
    for topic in wanted(settings):
        partitions = there[topic.name]["partitions"]
        if len(partitions) != topic.partitions:
            raise _other_partitions(settings, topic, len(partitions))
        config = configs[topic.name]
        if config.get("cleanup.policy") != topic.config["cleanup.policy"]:
            raise at_key(
                settings,
                "topic_prefix",
                f"topic {topic.name} has cleanup.policy={config.get('cleanup.policy')}, "
                f"it must be {topic.config['cleanup.policy']}",
                _alter(settings, topic, "cleanup.policy"),
            )
        if int(config.get("max.message.bytes", 0)) < LARGEST_BATCH:
            raise at_key(
                settings,
                "topic_prefix",
                f"topic {topic.name} takes {config.get('max.message.bytes')} bytes at once, too few",
                _alter(settings, topic, "max.message.bytes"),
            )
        notes += [
            f"topic {topic.name} has {key}={config.get(key)}, the settings ask for {topic.config[key]}: "
            + _alter(settings, topic, key)
            for key in ("retention.ms", "min.insync.replicas")
            if key in topic.config and config.get(key) != topic.config[key]
        ]
        copies = min(len(partition["replicas"]) for partition in partitions)
        if copies < settings.cluster.replication:
            notes.append(
                f"topic {topic.name} has {copies} copies, the settings ask for {settings.cluster.replication}: "
                "kafka-reassign-partitions.sh adds them"
            )
    return notes


def _other_partitions(settings: Settings, topic: Topic, there: int) -> Complaint:
    line = at_key(settings, "topic_prefix", "", "").line
    remedy = (
        f"set partitions = {there} in [streams], or move to topics of another topic_prefix with ./threshold migrate"
        if topic.partitions != 1
        else "choose another topic_prefix: this topic is not ours"
    )
    what = f"topic {topic.name} has {there} partitions and the settings say {topic.partitions}"
    return Complaint(settings.file or "settings", line, what, remedy)


def _alter(settings: Settings, topic: Topic, key: str) -> str:
    return (
        f"kafka-configs.sh --bootstrap-server {settings.cluster.kafka} --alter --topic {topic.name} "
        f"--add-config {key}={topic.config[key]}"
    )


async def _configs(admin: AIOKafkaAdminClient, topics: list[str]) -> dict[str, dict[str, str]]:
    answers: Any = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in topics])
    return {
        resource[3]: {entry[0]: entry[1] for entry in resource[4]}
        for answer in answers
        for resource in answer.resources
    }


async def _check_clock(settings: Settings, options: dict[str, Any]) -> None:
    """The times of gateways, workers and brokers are compared with each other: they must be the same."""
    producer = AIOKafkaProducer(**options, acks="all")
    try:
        await _reached(settings, producer.start())
        async with asyncio.timeout(15):
            before_ms = time.time() * 1000
            sent = await producer.send_and_wait(names(settings.cluster.topic_prefix).fleet, None, _CLOCK_KEY)
            after_ms = time.time() * 1000
    except (KafkaError, TimeoutError) as error:
        raise await _unreachable(settings, error) from error
    finally:
        await producer.stop()
    ahead_ms = apart_ms(sent.timestamp, before_ms, after_ms)
    if sent.timestamp_type == 1 and abs(ahead_ms) > CLOCK_APART_MS:
        raise at_key(
            settings,
            "kafka",
            f"the broker's clock is {abs(ahead_ms) / 1000:.0f} s {'ahead of' if ahead_ms > 0 else 'behind'} this "
            "machine's",
            "set both by a time server (chrony or systemd-timesyncd) and start again",
        )
