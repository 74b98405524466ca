"""Kafka stopped, killed and started again under a gateway, and the gateway killed with -9 at any moment.

What was acknowledged to a device stands in `inbox` once, with a buffer and without.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from streams.effects import Decision
from streams.engine import Engine
from streams.frames import SystemReport
from tests.gateway.running import Gateway, acknowledged
from tests.live.kafka_gateways import PARTITIONS, Gateways, Speaker
from tests.live.test_kill import Doors, fleet_text
from tests.servers import Kafka
from tests.streams.edge.boxes import policy
from tests.waiting import wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]

OPEN, CLOSED = b'{"contact":false}', b'{"contact":true}'


@pytest.fixture
def cluster(kafka: Kafka, tmp_path: Path) -> Iterator[Gateways]:
    made = Gateways.on(tmp_path, kafka.url)
    yield made
    kafka.start()
    made.close()


def reports(cluster: Gateways, part: str) -> list[bool]:
    return [r.well for r in cluster.records() if isinstance(r, SystemReport) and r.part == part]


def test_without_a_buffer_intake_pauses_says_so_and_goes_on_by_itself(cluster: Gateways, kafka: Kafka):
    gateway = cluster.gateway("one")
    gateway.start()
    door = Speaker(gateway.port, "door-1")
    door.has_said("zigbee2mqtt/door-1", CLOSED)
    kafka.stop()
    said = door.says("zigbee2mqtt/door-1", OPEN)
    wait_until(lambda: gateway.said("inbox cannot be written"), 60, "the gateway to say it")
    health = gateway.health()
    assert (health["well"], health["inbox"]["reading"]) == (False, False)
    assert "Kafka at" in health["inbox"]["trouble"]
    assert not said.is_published()
    kafka.start()
    acknowledged(said)
    wait_until(lambda: gateway.health()["well"], 60, "health")
    assert [e.open for e in cluster.events("door")] == [False, True]
    frames = cluster.frames()
    assert len(frames) == len(set(frames))
    wait_until(lambda: reports(cluster, "inbox-one") == [False, True], 60, "the report")
    door.close()


def test_a_gateway_that_begins_without_kafka_says_what_it_waits_for(cluster: Gateways, kafka: Kafka):
    cluster.gateway("one").start()  # makes the topics
    kafka.stop()
    late = cluster.gateway("late")
    late.is_ready = lambda: True  # its start is not waited for
    late.start()
    wait_until(lambda: late.said("only health is answered until then"), 60, "the door")
    health = late.health()
    assert (health["well"], health["name"], health["inbox"]["reading"]) == (False, "late", False)
    wait_until(lambda: "does not answer as Kafka" in late.health()["inbox"]["trouble"], 60, "why it waits")
    assert late.ask("POST", "/commands", {"command": "tick"})[0] == 503
    assert "threshold_gateway_inbox_well 0.0" in late.ask("GET", "/metrics")[1]
    kafka.start()
    wait_until(lambda: late.said("gateway ready"), 60, "the gateway to begin")
    assert late.health()["well"]
    assert not late.said("Traceback")


def test_with_a_buffer_intake_goes_on_and_a_gateway_may_even_be_killed(cluster: Gateways, kafka: Kafka):
    gateway = cluster.gateway("one", buffer_mb=5)
    gateway.start()
    door = Speaker(gateway.port, "door-1")
    payloads = [b'{"contact":%s,"battery":%d}' % (b"true" if n % 2 else b"false", n) for n in range(60)]
    said = [door.says("zigbee2mqtt/door-1", payload) for payload in payloads[:20]]
    acknowledged(*said)
    kafka.kill()
    for n, payload in enumerate(payloads[20:], 20):
        if n == 40:
            gateway.kill()
            gateway.start()
            wait_until(door.client.is_connected, 60, "the door's connection")
        one = door.says("zigbee2mqtt/door-1", payload)
        one.wait_for_publish(60)
        assert one.is_published(), n
    health = gateway.health()
    assert health["well"]
    assert health["inbox"]["buffer"]["parcels"] >= 30
    kafka.start()
    wait_until(lambda: gateway.said("gateway ready(.|\n)*gateway ready"), 60, "the gateway to begin anew")
    wait_until(lambda: gateway.health()["inbox"]["buffer"]["parcels"] == 0, 60, "everything to be brought")
    heard = [e.battery_percent for e in cluster.events("door")]
    assert heard == list(range(60))
    assert reports(cluster, "kafka-one")[0] is False
    door.close()


def test_a_gateway_killed_again_and_again_loses_nothing_and_each_door_has_one_incident(cluster: Gateways):
    endure(cluster, cluster.gateway("one", rows=fleet_text(60), settings="rate_per_device_s = 1000\n"), seed=3)


def test_with_a_buffer_and_a_kafka_that_comes_and_goes_too(cluster: Gateways, kafka: Kafka):
    rows, fast = fleet_text(60), "rate_per_device_s = 1000\n"
    gateway = cluster.gateway("one", rows=rows, settings=fast, buffer_mb=20)
    endure(cluster, gateway, seed=4, also=lambda n: (kafka.kill, kafka.start)[n % 2]() if n in (2, 5) else None)


def endure(cluster: Gateways, gateway: Gateway, *, seed: int, also: Callable[[int], None] | None = None) -> None:
    """Every door opens once while the gateway is killed; then the core is run over what stands in Kafka."""
    kills, rng = 8, Random(seed)
    gateway.start()
    doors = Doors(gateway, seed, doors=60, beats_s=60, through_broker=False)  # type: ignore[arg-type]
    doors.all_closed()
    doors.settle(lambda: doors.links.unacknowledged() == 0, "the first words")
    for n in range(kills):
        until_s = time.monotonic() + rng.uniform(0.3, 1.2)
        while time.monotonic() < until_s:
            doors.live(n / kills)
        gateway.kill()
        if also is not None:
            also(n)
        gateway.start()
    doors.live(1.0)
    doors.finish()
    doors.links.close()
    if gateway.health()["inbox"].get("buffer"):
        wait_until(lambda: gateway.health()["inbox"]["buffer"]["parcels"] == 0, 60, "everything to be brought")
    there = Counter(event.id for event in cluster.events())
    assert len(doors.acked) > 300
    assert {e.device: e.open for e in cluster.events("door")} == {f"door-{n}": False for n in range(60)}
    raised: Counter[str] = Counter()
    engines = [Engine(policy()) for _ in range(PARTITIONS)]
    for record in cluster.records():
        for effect in engines[0].apply(record):
            if isinstance(effect, Decision) and effect.decision == "raised" and effect.kind != "system":
                raised[f"{effect.subject} {effect.kind}"] += 1
    assert raised == Counter({f"g017/1/{n} undeclared-opening": 1 for n in range(60)})
    # No frame was written twice.  A message may have been: a gateway that began without Kafka knows nothing of what
    # stood there already.  It was marked as sent again, so that the core passed over it.
    frames = cluster.frames()
    assert len(frames) == len(set(frames))
    again = [event for event in cluster.events() if event.redelivered]
    twice = {event for event, count in there.items() if count > 1}
    assert twice <= {event.id for event in again}
    assert not twice or also is not None
