"""Whether a box is being moved into a cluster: a topic of its own says which move it is and whether it is finished.

Until it is, no process of the cluster starts: it would decide from half of what is remembered.
"""

from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from devices.edge.settings import Settings
from streams.edge.kafka import at_key, connection


class Moving(msgspec.Struct, frozen=True):
    """A move, by its own name."""

    id: str
    finished: bool


def moving_topic(settings: Settings) -> str:
    """The topic that is there only where a box was moved."""
    return f"{settings.cluster.topic_prefix}migration"


async def moving(settings: Settings) -> Moving | None:
    """How the move into this cluster stands; None where there was none.  Raises KafkaError."""
    options, topic = connection(settings.cluster), moving_topic(settings)
    admin = AIOKafkaAdminClient(**options)
    await admin.start()
    try:
        found: Any = await admin.describe_topics([topic])
    finally:
        await admin.close()
    if found[0]["error_code"] != 0:
        return None
    tp = TopicPartition(topic, 0)
    async with AIOKafkaConsumer(**options, auto_offset_reset="earliest") as consumer:
        consumer.assign([tp])
        end = (await consumer.end_offsets([tp]))[tp]
        if end == 0:
            return None
        consumer.seek(tp, end - 1)
        return msgspec.json.decode((await consumer.getone(tp)).value or b"", type=Moving)


async def refuse_unfinished(settings: Settings) -> None:
    """Raise Complaint where a move into this cluster was begun and is not finished."""
    found = await moving(settings)
    if found is not None and not found.finished:
        raise at_key(
            settings,
            "topic_prefix",
            f"a box is being moved to {settings.cluster.topic_prefix}* and not all of it is there",
            "finish it: give the same `./threshold migrate` again on the box",
        )
