"""The gateway on a real Kafka: acknowledged means written there, and any gateway can take another's place."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiokafka.errors import KafkaTimeoutError

from gateway.shared_keys import lent_rows
from streams.commands import Command
from streams.edge.log import LogFull
from streams.edge.topics import prepare
from streams.frames import DeviceRow, Receipt
from tests.gateway.running import acknowledged, doors, fleet
from tests.gateway.worlds import SECRET_SHA256
from tests.live.kafka_gateways import Gateways, Speaker, page, tells
from tests.servers import Kafka
from tests.waiting import wait_until

pytestmark = pytest.mark.live

SPARE = f"""
[[device]]
id = "spare-1"
format = "zigbee2mqtt"
topic = "zigbee2mqtt/spare-1"
household = "pool"
secret_sha256 = "{SECRET_SHA256}"
"""
OPEN, CLOSED = b'{"contact":false}', b'{"contact":true}'


@pytest.fixture
def cluster(kafka: Kafka, tmp_path: Path) -> Iterator[Gateways]:
    made = Gateways.on(tmp_path, kafka.url)
    yield made
    made.close()


@pytest.fixture
def speak() -> Iterator[Callable[..., Speaker]]:
    made: list[Speaker] = []

    def make(*arguments, **options) -> Speaker:
        made.append(Speaker(*arguments, **options))
        return made[-1]

    yield make
    for speaker in made:
        speaker.close()


def test_what_is_acknowledged_stands_in_kafka_and_a_new_gateway_goes_on(cluster, speak):
    gateway = cluster.gateway("one")
    gateway.start()
    door = speak(gateway.port, "door-1")
    said = [door.says("zigbee2mqtt/door-1", payload) for payload in (CLOSED, OPEN, b"{")]
    acknowledged(*said)
    assert [(e.device, e.open) for e in cluster.events("door")] == [("door-1", False), ("door-1", True)]
    assert [(record.reason, outcome) for record, outcome in cluster.rejects()] == [("malformed", "")]
    rows = [record.device for record in cluster.records() if isinstance(record, DeviceRow)]
    assert Counter(rows) == Counter(["door-0", "door-1", "door-2", "gun-1"])
    door.close()
    gateway.stop()

    # Another machine, with nothing on its disk: it tells nothing again, and knows what was heard.
    other = cluster.gateway("two")
    other.start()
    gun = speak(other.port, "gun-1")
    for _ in range(2):
        gun.has_said("threshold/g017/gun-1/temperature", b'{"celsius":36.6,"pass":"A-1","seq":1}')
    assert len(cluster.events("temperature")) == 1
    gun.close()
    other.kill()
    third = cluster.gateway("three")
    third.start()
    gun = speak(third.port, "gun-1")
    gun.has_said("threshold/g017/gun-1/temperature", b'{"celsius":36.6,"pass":"A-1","seq":1}')
    assert len(cluster.events("temperature")) == 1
    assert len([record for record in cluster.records() if isinstance(record, DeviceRow)]) == 4
    assert third.health()["name"] == "three"


def test_frames_that_stand_in_kafka_are_found_by_their_time(cluster):
    prepare(cluster.settings)
    writer = cluster.writer("inbox")
    now_ms = int(time.time() * 1000)
    writer.append([(0, b"one"), (1, b"two"), (0, b"three")])
    asked = [(0, b"one"), (1, b"one"), (1, b"two"), (3, b"one")]
    assert writer.find(asked, now_ms) == {(0, b"one"), (1, b"two")}
    assert writer.find(asked, now_ms + 3_600_000) == set()
    assert writer.find([], now_ms) == set()


def test_a_frame_that_arrived_although_nobody_said_so_is_not_written_twice(cluster, monkeypatch):
    prepare(cluster.settings)
    writer = cluster.writer("inbox")
    start = writer._start

    async def start_deaf():
        """A producer whose answers are lost: of three frames the second one is written all the same."""
        producer = await start()
        send = producer.send

        async def send_and_lose(topic, value, **where):
            lost = asyncio.get_running_loop().create_future()
            if value != b"two":
                return await send(topic, value, **where)
            await (await send(topic, value, **where))
            lost.set_exception(KafkaTimeoutError("no answer came"))
            return lost

        producer.send = send_and_lose
        return producer

    monkeypatch.setattr(writer, "_start", start_deaf)
    frames = [(0, b"one"), (1, b"two"), (1, b"three")]
    with pytest.raises(LogFull, match="no answer came"):
        writer.append(frames)
    monkeypatch.setattr(writer, "_start", start)
    offsets = writer.append(frames)
    reader = cluster.reader("inbox")
    assert [frame for _, frame in reader.read(0, 0)] == [b"one"]
    assert sorted(frame for _, frame in reader.read(1, 0)) == [b"three", b"two"]
    assert offsets[1] == next(offset for offset, frame in reader.read(1, 0) if frame == b"two")


def test_a_door_alone_takes_commands_and_feeds_rejects_in_again(cluster, speak):
    rows = fleet() + SPARE
    gateway = cluster.gateway("north", rows=rows)
    desk = cluster.gateway("desk", rows=rows, direct=False)
    gateway.start()
    desk.start()
    open_case = {"command": "open-case", "household": "g017/3/777", "device": "spare-1", "by": "w1", "id": "form-1"}
    times = {"from": "2020-02-16T10:00:00+08:00", "until": "2120-02-16T10:00:00+08:00"}
    assert desk.ask("POST", "/commands", open_case | times)[0] == 200
    assert [c.id for c in cluster.records() if isinstance(c, Command)] == ["form-1"]
    # The gateway that the sensor speaks to has learnt where it is.
    spare = speak(gateway.port, "spare-1")

    def placed() -> bool:
        spare.has_said("zigbee2mqtt/spare-1", CLOSED)
        return any(e.place == "g017/3/777" for e in cluster.events("door"))

    wait_until(placed, 60, "the sensor's new place")
    # One of the cluster that is started later knows it too.
    later = cluster.gateway("later", rows=rows)
    later.start()
    spare.close()
    spare = speak(later.port, "spare-1")
    spare.has_said("zigbee2mqtt/spare-1", OPEN)
    assert [e.place for e in cluster.events("door") if e.open] == ["g017/3/777"]

    # What one gateway refused is fed in by another; it is no better by that.
    stranger = speak(gateway.port, "door-2")
    stranger.has_said("zigbee2mqtt/door-2", b"{")
    assert desk.ask("POST", "/rejects/replay", {})[1]["refused"] == 1
    assert [(record.reason, outcome) for record, outcome in cluster.rejects()] == [("malformed", "refused")]


def test_a_reject_whose_cause_is_mended_is_taken_once(cluster, speak):
    few, all_of_them = doors(1), doors(3)
    gateway = cluster.gateway("one", rows=few)
    gateway.start()
    door = speak(gateway.port, "door-0")
    door.has_said("zigbee2mqtt/door-0", b"{")
    # A sensor that was written down after it had spoken.
    typed = {"client": "door-2", "topic": "zigbee2mqtt/door-2", "payload": OPEN.decode()}
    assert gateway.ask("POST", "/messages", typed)[1]["refused"] == "forbidden-topic"
    gateway.stop()
    (gateway.folder / "fleet.toml").write_text(all_of_them)
    gateway.start()
    assert gateway.ask("POST", "/rejects/replay", {})[1] | {"offset": 0} == {"taken": 1, "refused": 1, "offset": 0}
    assert [e.device for e in cluster.events("door")] == ["door-2"]
    assert gateway.ask("POST", "/rejects/replay", {})[1]["taken"] == 0
    assert Counter(outcome for _, outcome in cluster.rejects()) == {"taken": 1, "refused": 1}


BROKER = '[gateway.broker]\nhost = "127.0.0.1"\nport = {port}\nclient_id = "{name}"\nshare = "threshold"\n'


def told(speaker: Speaker) -> list[str]:
    return [json.loads(payload)["page"] for _, payload in speaker.heard]


def test_two_gateways_share_a_subscription_and_one_of_them_publishes(cluster, speak, mosquitto):
    gateways = [
        cluster.gateway(name, direct=False, more=BROKER.format(port=mosquitto.port, name=name), rows=fleet(41))
        for name in ("one", "two")
    ]
    for gateway in gateways:
        gateway.start()
    for gateway in gateways:
        wait_until(lambda gateway=gateway: gateway.health()["broker"]["state"] == "connected", 60, "the broker")
    # The first one tells until the second one comes; then either may.
    wait_until(lambda: cluster.tellers("threshold") == 2, 60, "both to have settled who tells")
    wait_until(lambda: sum(map(tells, gateways)) == 1, 60, "one that tells")
    sensors = speak(mosquitto.port, "bridge", password="")
    ear = speak(mosquitto.port, "phones", password="", subscribe=["threshold/pages/#"])

    def both_listen() -> bool:
        """One that is connected may not have subscribed yet."""
        sensors.has_said("zigbee2mqtt/door-40", CLOSED)
        return all(g.health()["messages"] for g in gateways)

    wait_until(both_listen, 60, "both to be handed something")
    before = [g.health()["messages"] for g in gateways]
    for n in range(40):
        sensors.says(f"zigbee2mqtt/door-{n}", OPEN)
    wait_until(lambda: len([e for e in cluster.events("door") if e.open]) == 40, 60, "all doors")
    # Both took some; nobody took one twice.
    assert min(g.health()["messages"] - old for g, old in zip(gateways, before, strict=True)) > 5
    heard = [e.device for e in cluster.events("door") if e.open]
    assert Counter(heard) == Counter(f"door-{n}" for n in range(40))

    cluster.decide(*(page(f"p{n}", grid=f"g{n:03}") for n in range(8)))
    wait_until(lambda: len(ear.heard) == 8, 60, "the pages")
    [teller] = filter(tells, gateways)
    [other] = [g for g in gateways if g is not teller]
    wait_until(lambda: len([r for r in cluster.records() if isinstance(r, Receipt)]) == 8, 60, "the receipts")
    # Receipts are written first.
    wait_until(lambda: cluster.is_kept("broker/threshold"), 60, "the place it has come to")
    teller.kill()
    cluster.decide(*(page(f"q{n}", grid=f"g{n:03}") for n in range(8)))
    wait_until(lambda: tells(other), 60, "the other to tell")
    wait_until(lambda: len(ear.heard) >= 16, 60, "its pages")
    time.sleep(1)
    assert Counter(told(ear)) == Counter([*(f"p{n}" for n in range(8)), *(f"q{n}" for n in range(8))])


def test_a_siren_is_told_by_the_gateway_it_is_connected_to_and_goes_on_at_another(cluster, speak):
    one, two = (cluster.gateway(name, rows=fleet() + SPARE) for name in ("one", "two"))
    one.start()
    two.start()

    def knows(gateway) -> None:
        """Return once this gateway knows what the siren has heard: all that stands in `fleet`, in order."""
        wait_until(lambda: cluster.is_kept("siren-1/worker"), 60, "the place it has come to")
        home = f"g017/9/{time.time_ns()}"
        writer = cluster.writer("fleet")
        writer.put(lent_rows({}, {"spare-1": home}, "test"))
        writer.close()
        spare = speak(gateway.port, "spare-1")

        def is_there() -> bool:
            spare.has_said("zigbee2mqtt/spare-1", CLOSED)
            return any(e.place == home for e in cluster.events("door"))

        wait_until(is_there, 60, "a sensor lent after it")
        spare.close()

    topics = ["threshold/pages/g017/worker"]
    siren = speak(one.port, "siren-1", subscribe=topics)
    cluster.decide(page("p1"), page("elsewhere", grid="g018"))
    wait_until(lambda: siren.heard, 60, "the page")
    wait_until(lambda: [r.page for r in cluster.records() if isinstance(r, Receipt)] == ["p1"], 60, "the receipt")
    siren.close()
    knows(two)
    cluster.decide(page("p2"))
    moved = speak(two.port, "siren-1", subscribe=topics)
    wait_until(lambda: moved.heard, 60, "the page at the other gateway")
    cluster.decide(page("p3"))
    wait_until(lambda: len(moved.heard) >= 2, 60, "the next page")
    moved.close()
    knows(one)
    back = speak(one.port, "siren-1", subscribe=topics)
    cluster.decide(page("p4"))
    wait_until(lambda: "p4" in told(back), 60, "the page at the first one again")
    assert (told(siren), told(moved), told(back)) == (["p1"], ["p2", "p3"], ["p4"])
