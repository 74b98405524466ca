"""What gateways share, and who of them publishes, where something goes wrong at the wrong moment; on a real Kafka."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiokafka.errors import KafkaConnectionError

from gateway.edge.shared import Shared
from gateway.edge.teller import Teller
from gateway.shared_keys import heard_rows, lent_rows
from streams.edge.kafka import connection, names
from streams.edge.log import LogFull
from streams.edge.topics import prepare
from tests.live.kafka_gateways import Gateways
from tests.servers import Kafka

pytestmark = pytest.mark.live
WAIT_S = 60


@pytest.fixture
def cluster(kafka: Kafka, tmp_path: Path) -> Iterator[Gateways]:
    made = Gateways.on(tmp_path, kafka.url)
    prepare(made.settings)
    yield made
    made.close()


async def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        await asyncio.sleep(0.01)


async def test_whoever_waits_for_what_stands_there_finds_it_taken_over_though_the_mirror_is_slow(cluster):
    shared = Shared(connection(cluster.settings.cluster), names(cluster.prefix).fleet, "me")
    await shared.load()
    mirroring, go_on = threading.Event(), threading.Event()

    def mirror(_rows) -> None:
        mirroring.set()
        go_on.wait(WAIT_S)

    following = asyncio.ensure_future(shared.follow(lambda *_: None, lambda *_: None, mirror))
    try:
        await asyncio.to_thread(cluster.writer("fleet").put, heard_rows({("siren-1/police", 0): 7}))
        await until(mirroring.is_set)
        await asyncio.wait_for(shared.caught_up(), WAIT_S)
        assert shared.heard == {("siren-1/police", 0): 7}
    finally:
        go_on.set()
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await shared.close()


async def test_what_another_gateway_lent_is_known_though_it_cannot_be_mirrored_and_is_mirrored_later(cluster):
    shared = Shared(connection(cluster.settings.cluster), names(cluster.prefix).fleet, "me")
    await shared.load()
    trouble = ["the disk is full"]
    lent: list[tuple[str, str]] = []
    mirrored: list[tuple[bytes, bytes]] = []

    def mirror(rows: list[tuple[bytes, bytes]]) -> None:
        if trouble:
            raise LogFull(trouble.pop())
        mirrored.extend(rows)

    following = asyncio.ensure_future(shared.follow(lambda *row: lent.append(row), lambda *_: None, mirror))
    try:
        rows = lent_rows({}, {"spare-1": "g017/1/101"}, "another")
        await asyncio.to_thread(cluster.writer("fleet").put, rows)
        await until(lambda: mirrored)
        assert (lent, mirrored) == ([("spare-1", "g017/1/101")], rows)
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await shared.close()


async def test_one_that_was_given_the_pages_and_could_not_begin_tries_again(cluster):
    told: list[str] = []

    async def begin() -> None:
        told.append("begin")
        if len(told) == 1:
            raise KafkaConnectionError("no leader just now")

    options = connection(cluster.settings.cluster)
    fleet = names(cluster.prefix).fleet
    teller = Teller(options, fleet, f"{cluster.prefix}pages-x", begin=begin, end=lambda: told.append("end"))
    running = asyncio.ensure_future(teller.run())
    try:
        await until(lambda: teller._tells)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert told == ["begin", "begin", "end"]
