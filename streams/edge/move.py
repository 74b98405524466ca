"""Whether anything is being moved into a cluster, or out of it: a topic of its own says which move it is, and how it
stands.

Until a move into it is finished no process of the cluster starts: it would decide from half of what is remembered.
Once one out of it has begun none starts either, then or ever: what it decided would be lost, or decided twice.
"""

from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    RequestTimedOutError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)

from devices.edge.complaints import Complaint
from devices.edge.settings import Settings
from streams.edge.kafka import at_key, connection

# A user who may not look at it cannot tell.  Any other answer tells nothing either, and is no reason to start.
_NO_TOPIC = (UnknownTopicOrPartitionError.errno, TopicAuthorizationFailedError.errno)


class Moving(msgspec.Struct, frozen=True):
    """A move, by its own name.  `to`: out of this cluster, and where to, while `print` is what its logs held; without
    it, into this cluster."""

    id: str
    finished: bool
    to: str = ""
    print: list[int] = []


def moving_topic(settings: Settings) -> str:
    """The topic that is there only where something was moved."""
    return f"{settings.cluster.topic_prefix}migration"


def place(settings: Settings) -> str:
    """What a cluster is called in a sentence about a move."""
    return f"{settings.cluster.kafka}, topics {settings.cluster.topic_prefix}*"


async def moving(settings: Settings) -> Moving | None:
    """How the move stands; None where there was none.  Raises KafkaError."""
    options, topic = connection(settings.cluster), moving_topic(settings)
    admin = AIOKafkaAdminClient(**options)
    await admin.start()
    try:
        found: Any = await admin.describe_topics([topic])
    finally:
        await admin.close()
    if (code := found[0]["error_code"]) in _NO_TOPIC:
        return None
    if code:
        raise for_code(code)(f"topic {topic} cannot be looked at")
    tp = TopicPartition(topic, 0)
    async with AIOKafkaConsumer(**options, auto_offset_reset="earliest") as consumer:
        consumer.assign([tp])
        end = (await consumer.end_offsets([tp]))[tp]
        if end == 0:
            return None
        consumer.seek(tp, end - 1)
        return msgspec.json.decode((await consumer.getone(tp)).value or b"", type=Moving)


async def say_moving(settings: Settings, how: Moving) -> None:
    """Keep how the move stands; makes the topic.  Raises KafkaError, and Complaint where it may not be made."""
    options, topic = connection(settings.cluster), moving_topic(settings)
    admin = AIOKafkaAdminClient(**options)
    await admin.start()
    try:
        config = {"cleanup.policy": "delete", "retention.ms": "-1"}
        answer: Any = await admin.create_topics(
            [NewTopic(topic, 1, settings.cluster.replication, topic_configs=config)]
        )
    finally:
        await admin.close()
    for name, code, message in answer.topic_errors:
        if code not in (0, TopicAlreadyExistsError.errno, RequestTimedOutError.errno):
            what = f"topic {name} cannot be made: {message or for_code(code).__name__}"
            raise at_key(settings, "topic_prefix", what, "let this user create topics")
    async with AIOKafkaProducer(**options, acks="all", enable_idempotence=True) as producer:
        await producer.send_and_wait(topic, msgspec.json.encode(how), partition=0)


def refusal(settings: Settings, how: Moving | None) -> Complaint | None:
    """Why no process of this cluster may start, if that is so."""
    if how is None or (how.finished and not how.to):
        return None
    if not how.to:
        return at_key(
            settings,
            "topic_prefix",
            f"a box or a cluster is being moved to {settings.cluster.topic_prefix}* and not all of it is there",
            "finish it: give the same `./threshold migrate` again",
        )
    return at_key(
        settings,
        "topic_prefix",
        f"this cluster {'was' if how.finished else 'is being'} moved to {how.to}",
        f"start the processes with the settings of that one; to give the move up, delete the topic "
        f"{moving_topic(settings)} and those it was moved to",
    )


async def refuse_unfinished(settings: Settings) -> None:
    """Raise Complaint where a move into this cluster is not finished, or one out of it was begun."""
    complaint = refusal(settings, await moving(settings))
    if complaint is not None:
        raise complaint
