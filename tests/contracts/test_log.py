"""What every adapter of the log port must do: one table of cases, run on each of them.

An adapter joins with a row of ADAPTERS: a function that takes a folder and yields its Way.
"""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from devices.edge.settings import Cluster
from streams.edge.kafka import connection
from streams.edge.kafka_log import KafkaReader, KafkaWriter
from streams.edge.log import LogWriter, TimedReader
from streams.edge.sqlite_log import SqliteReader, SqliteWriter
from tests.servers import Kafka


class Way:
    """One log of one adapter: its writer, fresh readers, and the writer's process ended and started again."""

    def __init__(self, make_writer: Callable[[], Any], make_reader: Callable[[], Any]) -> None:
        self._make_writer = make_writer
        self._make_reader = make_reader
        self._open: list[Any] = []
        self.writer: LogWriter = self._kept(make_writer())

    def _kept(self, made: Any) -> Any:
        self._open.append(made)
        return made

    def reader(self) -> TimedReader:
        return self._kept(self._make_reader())

    def restart(self) -> None:
        self.close()
        self.writer = self._kept(self._make_writer())

    def close(self) -> None:
        while self._open:
            self._open.pop().close()


@contextmanager
def sqlite(folder: Path, _request: pytest.FixtureRequest) -> Iterator[Way]:
    file = folder / "inbox.db"
    way = Way(lambda: SqliteWriter(file, "inbox"), lambda: SqliteReader(file, "inbox"))
    yield way
    way.close()


_topic = itertools.count()


@contextmanager
def kafka(_folder: Path, request: pytest.FixtureRequest) -> Iterator[Way]:
    server: Kafka = request.getfixturevalue("kafka")
    options = connection(Cluster(kafka=server.url))
    topic = f"contract-{next(_topic)}"

    async def make_topic() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=server.url)
        await admin.start()
        await admin.create_topics([NewTopic(topic, 2, 1, topic_configs={"max.message.bytes": "33554432"})])
        await admin.close()

    asyncio.run(make_topic())
    way = Way(lambda: KafkaWriter(options, topic), lambda: KafkaReader(options, topic))
    yield way
    way.close()


ADAPTERS = {"sqlite": sqlite, "kafka": kafka}


def frames_come_back_in_order(way: Way) -> None:
    way.writer.append([(0, b"one"), (0, b"two")])
    way.writer.append([(0, b"three")])
    assert [frame for _, frame in way.reader().read(0, 0)] == [b"one", b"two", b"three"]


def offsets_grow_and_are_those_append_gave(way: Way) -> None:
    given = way.writer.append([(0, b"one"), (0, b"two")]) + way.writer.append([(0, b"three")])
    assert given == sorted(set(given))
    assert given[0] >= 1
    assert [offset for offset, _ in way.reader().read(0, 0)] == given


def a_reader_goes_on_where_it_says(way: Way) -> None:
    first, _second, third = way.writer.append([(0, b"one"), (0, b"two"), (0, b"three")])
    reader = way.reader()
    assert [frame for _, frame in reader.read(0, first)] == [b"two", b"three"]
    assert reader.read(0, third) == []


def a_limit_holds_and_leaves_the_rest(way: Way) -> None:
    way.writer.append([(0, b"%d" % n) for n in range(5)])
    reader = way.reader()
    some = reader.read(0, 0, limit=2)
    assert [frame for _, frame in some] == [b"0", b"1"]
    assert [frame for _, frame in reader.read(0, some[-1][0], limit=2)] == [b"2", b"3"]


def partitions_are_apart(way: Way) -> None:
    way.writer.append([(0, b"a"), (1, b"x"), (0, b"b"), (1, b"y")])
    reader = way.reader()
    assert [frame for _, frame in reader.read(0, 0)] == [b"a", b"b"]
    assert [frame for _, frame in reader.read(1, 0)] == [b"x", b"y"]


def the_end_is_the_newest_offset(way: Way) -> None:
    reader = way.reader()
    assert reader.end(0) == 0
    offsets = way.writer.append([(0, b"a"), (1, b"x"), (0, b"b")])
    assert reader.end(0) == offsets[2]
    assert reader.end(1) == offsets[1]


def an_empty_append_is_nothing(way: Way) -> None:
    assert way.writer.append([]) == []
    assert way.reader().read(0, 0) == []


def any_bytes_are_a_frame(way: Way) -> None:
    frames = [b"", b"\0\xff\x00", bytes(range(256)) * 2000]
    way.writer.append([(0, frame) for frame in frames])
    assert [frame for _, frame in way.reader().read(0, 0)] == frames


def a_place_is_found_by_the_clock(way: Way) -> None:
    reader = way.reader()
    assert reader.before(0, 5) == 0
    way.writer.append([(0, b"before"), (1, b"elsewhere")])
    time.sleep(0.05)
    at_ms = time.time_ns() // 1_000_000
    time.sleep(0.05)
    way.writer.append([(0, b"after")])
    assert [frame for _, frame in reader.read(0, reader.before(0, at_ms))] == [b"after"]
    assert [frame for _, frame in reader.read(0, reader.before(0, 5))] == [b"before", b"after"]
    assert reader.read(0, reader.before(0, at_ms + 3_600_000)) == []


def a_reader_sees_what_came_later(way: Way) -> None:
    reader = way.reader()
    assert reader.read(0, 0) == []
    [offset] = way.writer.append([(0, b"one")])
    assert reader.read(0, 0) == [(offset, b"one")]


def everything_is_there_after_a_restart_and_offsets_go_on(way: Way) -> None:
    before = way.writer.append([(0, b"one"), (0, b"two")])
    way.restart()
    after = way.writer.append([(0, b"three")])
    assert after[0] > before[-1]
    assert [frame for _, frame in way.reader().read(0, 0)] == [b"one", b"two", b"three"]


CASES = [
    frames_come_back_in_order,
    offsets_grow_and_are_those_append_gave,
    a_reader_goes_on_where_it_says,
    a_limit_holds_and_leaves_the_rest,
    partitions_are_apart,
    the_end_is_the_newest_offset,
    an_empty_append_is_nothing,
    any_bytes_are_a_frame,
    a_place_is_found_by_the_clock,
    a_reader_sees_what_came_later,
    everything_is_there_after_a_restart_and_offsets_go_on,
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
@pytest.mark.parametrize(
    "adapter", [pytest.param(name, marks=[pytest.mark.live] * (name == "kafka")) for name in ADAPTERS]
)
def test_log(adapter, case, tmp_path, request):
    with ADAPTERS[adapter](tmp_path, request) as way:
        case(way)
