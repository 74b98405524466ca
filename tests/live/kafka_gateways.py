"""Gateways of one cluster as real processes on a real Kafka, and what stands in its topics."""

import asyncio
import itertools
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import paho.mqtt.client as paho
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from devices.edge.settings import Cluster, Data, Settings, Streams
from devices.events import Event
from devices.ids import partition_of
from gateway.edge.shared import Shared
from streams.edge.kafka import connection, names
from streams.edge.kafka_log import KafkaReader, KafkaWriter, open_reader, open_writer
from streams.edge.kafka_rejects import RejectsReader
from streams.effects import Cause, Decision, Reason
from streams.frames import InboxRecord, RejectRecord, decode_inbox, encode_outbox
from tests.gateway.running import Gateway, acknowledged
from tests.gateway.worlds import SECRET

PARTITIONS = 4
_number = itertools.count()
ROWS = """
[streams]
runtime = "cluster"
partitions = {partitions}
[cluster]
kafka = "{kafka}"
topic_prefix = "{prefix}"
buffer_mb = {buffer_mb}
"""


class Gateways(msgspec.Struct):
    """The topics of one test."""

    folder: Path
    kafka: str
    prefix: str = ""
    settings: Settings = Settings()
    gateways: list[Gateway] = []
    logs: list[Any] = []

    @classmethod
    def on(cls, folder: Path, kafka: str) -> "Gateways":
        prefix = f"gw{time.time_ns()}-{next(_number)}-"
        settings = Settings(
            data=Data(folder=str(folder)),
            streams=Streams(runtime="cluster", partitions=PARTITIONS),
            cluster=Cluster(kafka=kafka, topic_prefix=prefix),
        )
        return cls(folder, kafka, prefix, settings, [], [])

    def gateway(self, name: str, *, buffer_mb: int = 0, more: str = "", **options: Any) -> Gateway:
        """A gateway of this cluster with a data folder of its own; not started."""
        rows = ROWS.format(partitions=PARTITIONS, kafka=self.kafka, prefix=self.prefix, buffer_mb=buffer_mb)
        settings = f'name = "{name}"\n' + options.pop("settings", "")
        made = Gateway(self.folder / name, more=more + rows, settings=settings, **options)
        self.gateways.append(made)
        return made

    def reader(self, log: str) -> KafkaReader:
        self.logs.append(open_reader(self.settings, log))
        return self.logs[-1]

    def writer(self, log: str) -> KafkaWriter:
        self.logs.append(open_writer(self.settings, log))
        return self.logs[-1]

    def frames(self) -> list[bytes]:
        """Every frame of `inbox`, partition after partition."""
        reader = self.reader("inbox")
        found: list[bytes] = []
        for partition in range(PARTITIONS):
            after = 0
            while frames := reader.read(partition, after, 500):
                found += [frame for _, frame in frames]
                after = frames[-1][0]
        reader.close()
        return found

    def records(self) -> list[InboxRecord]:
        """Everything in `inbox`, partition after partition."""
        return [record for frame in self.frames() for record in decode_inbox(frame)]

    def events(self, kind: str = "") -> list[Event]:
        """Events of a kind; without one, all but the connections' own."""
        found = [record for record in self.records() if isinstance(record, Event)]
        return [e for e in found if (e.kind == kind if kind else e.kind != "availability")]

    def rejects(self) -> list[tuple[RejectRecord, str]]:
        reader = RejectsReader(self.settings)
        found = [(each.record, each.outcome) for each in reader.newest(1000)]
        reader.close()
        return found

    def is_kept(self, hearer: str) -> bool:
        """Whether the gateways have kept that this hearer was told all that is decided where it listens."""
        fleet = names(self.settings.cluster.topic_prefix).fleet

        async def heard() -> dict[tuple[str, int], int]:
            shared = Shared(connection(self.settings.cluster), fleet, "test")
            try:
                await shared.load()
            finally:
                await shared.close()
            return shared.heard

        outbox = self.reader("outbox")
        ends = outbox.ends(range(PARTITIONS))
        outbox.close()
        places = {p: at for (name, p), at in asyncio.run(heard()).items() if name == hearer}
        return bool(places) and all(at >= ends[p] for p, at in places.items())

    def tellers(self, share: str) -> int:
        """How many gateways have settled who publishes pages; 0 while they are settling it."""

        async def ask() -> int:
            admin = AIOKafkaAdminClient(**connection(self.settings.cluster))
            await admin.start()
            try:
                found: Any = await admin.describe_consumer_groups([f"{self.prefix}pages-{share}"])
            except KafkaError:
                return 0
            finally:
                await admin.close()
            # Of a group: error, name, state, protocol type, protocol, members.
            [group] = [group for answer in found for group in answer.groups]
            return len(group[5]) if group[2] == "Stable" else 0

        return asyncio.run(ask())

    def decide(self, *decisions: Decision) -> None:
        """What the workers would decide."""
        writer = self.writer("outbox")
        writer.append([(partition_of(d.grid, PARTITIONS), encode_outbox([d])) for d in decisions])
        writer.close()

    def close(self) -> None:
        for gateway in self.gateways:
            gateway.stop()
        for log in self.logs:
            log.close()


def page(name: str, role: str = "worker", grid: str = "g017") -> Decision:
    now_ms = int(time.time() * 1000)
    cause = Cause("door-1", now_ms - 5, now_ms - 3)
    return Decision(now_ms, "page", grid, "s", "tamper", "i", Reason("opened"), role, 0, name, cause=cause)


def tells(gateway: Gateway) -> bool:
    """Whether this gateway is the one that publishes the pages, by its own last word."""
    words = [row["event"] for row in gateway.log() if "publishes the pages" in row["event"]]
    return words[-1:] == ["this gateway publishes the pages"]


class Speaker:
    """A paho client; what it says waits for its PUBACK in `acknowledged`."""

    def __init__(self, port: int, name: str, *, password: str = SECRET, subscribe: Iterable[str] = ()) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.acknowledged: set[int] = set()
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=name, clean_session=False)
        if password:
            self.client.username_pw_set(name, password)
        self.client.reconnect_delay_set(1, 1)
        self.client.on_publish = lambda _client, _data, mid, _reason, _properties: self.acknowledged.add(mid)
        self.client.on_message = lambda _client, _data, found: self.heard.append((found.topic, found.payload))
        topics = [(topic, 1) for topic in subscribe]
        subscribed = threading.Event()
        if topics:
            self.client.on_connect = lambda client, *_: client.subscribe(topics)
            self.client.on_subscribe = lambda *_: subscribed.set()
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        # What is told before it listens it may never hear.
        assert not topics or subscribed.wait(60), "the subscription was not answered"

    def says(self, topic: str, payload: bytes) -> paho.MQTTMessageInfo:
        return self.client.publish(topic, payload, qos=1)

    def has_said(self, topic: str, payload: bytes) -> None:
        """Say it, and return once it is acknowledged."""
        acknowledged(self.says(topic, payload))

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()
