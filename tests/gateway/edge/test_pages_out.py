import asyncio
import json
from contextlib import asynccontextmanager
from zoneinfo import ZoneInfo

from gateway.edge.box import BoxOutbox
from gateway.edge.keeping import HeardTo
from gateway.edge.pages_out import BROKER, PagesOut
from gateway.mqtt.events import Subscription
from gateway.mqtt.packets import Answer as Ack
from gateway.mqtt.packets import PacketType, Subscribe
from streams.edge.doorbell import Bell, Doorbell
from streams.edge.sqlite_log import SqliteWriter
from streams.edge.streams_db import StreamsDb
from streams.effects import Cause, Decision, Reason
from streams.frames import Receipt, encode_outbox
from tests.gateway.edge.harness import Client, Inside
from tests.gateway.worlds import FLEET

ZONE = ZoneInfo("Asia/Shanghai")
POLICE = "threshold/pages/g017/police"


def page(name: str, role: str = "police", grid: str = "g017", t_ms: int = 1_600_000_000_000) -> Decision:
    cause = Cause("door-1", t_ms - 5, t_ms - 3)
    return Decision(t_ms, "page", grid, "s", "tamper", "i", Reason("opened"), role, 0, name, cause=cause)


class Streams:
    """The process that decides, as far as its log goes."""

    def __init__(self, inside: Inside) -> None:
        self.writer = SqliteWriter(inside.folder / "streams.db", "outbox")
        self.bell = Bell(inside.folder / "bell", "outbox")

    def decides(self, *decisions: Decision, ring: bool = True) -> None:
        self.writer.append([(0, encode_outbox(list(decisions)))])
        if ring:
            self.bell.ring()

    def close(self) -> None:
        self.writer.close()


@asynccontextmanager
async def pages_of(inside: Inside, *, with_broker: bool = False, shared: dict | None = None):
    """The pages part of a gateway that has just started.  `shared`: places that other gateways move too."""
    kept = await inside.stored()
    out = PagesOut(
        inside.gate,
        BoxOutbox(inside.folder / "streams.db", "outbox"),
        FLEET.subscribers,
        loop=asyncio.get_running_loop(),
        zone=ZONE,
        partitions=1,
        cursors=kept.page_cursors if shared is None else shared,
        with_broker=with_broker,
        shared=shared is not None,
    )
    if out.first_places:
        inside.gate.add([], [out.first_places])
    out.start(Doorbell(inside.folder / "bell", "gateway", ("outbox",)), inside.listener)
    try:
        yield out
    finally:
        out.stop()


async def siren(inside: Inside, *topics: str, qos: int = 1) -> Client:
    client = await inside.client("siren-1")
    client.send(Subscribe(1, tuple(Subscription(topic, qos, qos) for topic in topics)))
    await client.answer(4 + len(topics))
    return client


async def told(client: Client) -> tuple[int, str, dict]:
    """Packet id, topic and JSON of the next page."""
    first = (await client.answer(1))[0]
    length = (await client.answer(1))[0]
    if length & 0x80:
        length = length & 0x7F | (await client.answer(1))[0] << 7
    body = await client.answer(length)
    end = 2 + int.from_bytes(body[:2], "big")
    topic = body[2:end].decode()
    if first & 0x06:
        return int.from_bytes(body[end : end + 2], "big"), topic, json.loads(body[end + 2 :])
    return 0, topic, json.loads(body[end:])


def take(client: Client, packet_id: int) -> None:
    client.send(Ack(PacketType.PUBACK, packet_id))


def receipts(inside: Inside) -> list[tuple[str, str, str]]:
    return [(r.page, r.outcome, r.detail) for r in inside.records() if isinstance(r, Receipt)]


async def test_a_page_goes_out_when_the_bell_rings_and_its_receipt_is_stored(tmp_path):
    async with Inside(tmp_path) as inside, pages_of(inside) as out:
        streams = Streams(inside)
        client = await siren(inside, POLICE)
        streams.decides(page("p1"), page("for the worker", "worker"), page("elsewhere", grid="g018"))
        packet_id, topic, said = await told(client)
        assert (topic, said["page"], said["role"]) == (POLICE, "p1", "police")
        assert receipts(inside) == []
        take(client, packet_id)
        await inside.until(lambda: receipts(inside))
        assert receipts(inside) == [("p1", "accepted", "siren-1/police")]
        assert out.told == 1
        streams.close()


async def test_a_lost_bell_is_made_up_for_within_a_second(tmp_path):
    async with Inside(tmp_path) as inside, pages_of(inside):
        streams = Streams(inside)
        client = await siren(inside, POLICE)
        streams.decides(page("p1"), ring=False)
        assert (await told(client))[2]["page"] == "p1"
        streams.close()


async def test_one_that_was_away_is_told_when_it_comes_back_and_only_once(tmp_path):
    async with Inside(tmp_path) as inside, pages_of(inside):
        streams = Streams(inside)
        streams.decides(page("p1"))
        streams.decides(page("p2"))
        client = await siren(inside, POLICE)
        packet_id, _, said = await told(client)
        assert said["page"] == "p1"
        take(client, packet_id)
        assert (await told(client))[2]["page"] == "p2"
        client.vanish()  # p2 was sent, and not answered
        await inside.until(lambda: not inside.listener.connections)
        client = await siren(inside, POLICE)
        packet_id, _, said = await told(client)
        assert said["page"] == "p2"
        take(client, packet_id)
        await inside.until(lambda: len(receipts(inside)) == 2)
        streams.close()


async def test_a_restart_sends_again_what_was_not_accepted_and_nothing_else(tmp_path):
    async with Inside(tmp_path) as inside:
        streams = Streams(inside)
        async with pages_of(inside):
            client = await siren(inside, POLICE)
            streams.decides(page("p1"))
            streams.decides(page("p2"))
            packet_id, _, _ = await told(client)
            await told(client)
            take(client, packet_id)
            await inside.until(lambda: receipts(inside))
            await inside.durable()
            client.vanish()
            await inside.until(lambda: not inside.listener.connections)
        async with pages_of(inside):
            client = await siren(inside, POLICE)
            assert (await told(client))[2]["page"] == "p2"
        streams.close()


async def test_one_new_to_the_fleet_is_not_told_of_old_pages(tmp_path):
    async with Inside(tmp_path) as inside:
        streams = Streams(inside)
        streams.decides(page("before it was in the fleet"))
        async with pages_of(inside):
            await inside.durable()
        streams.decides(page("while the gateway was down"))
        async with pages_of(inside):
            client = await siren(inside, POLICE)
            assert (await told(client))[2]["page"] == "while the gateway was down"
        streams.close()


async def test_each_role_is_told_over_its_own_topic(tmp_path):
    async with Inside(tmp_path) as inside, pages_of(inside):
        streams = Streams(inside)
        client = await siren(inside, POLICE)
        streams.decides(page("p1", "worker"), page("p2", "police"))
        assert (await told(client))[2]["page"] == "p2"
        client.send(Subscribe(2, (Subscription("threshold/pages/g017/worker", 1, 1),)))
        await client.answer(5)
        assert (await told(client))[2]["page"] == "p1"
        streams.close()


async def test_qos_0_is_told_and_that_is_all_there_is_to_know(tmp_path):
    async with Inside(tmp_path) as inside, pages_of(inside):
        streams = Streams(inside)
        client = await siren(inside, POLICE, qos=0)
        streams.decides(page("p1"), page("p2"))
        assert [(await told(client))[2]["page"] for _ in range(2)] == ["p1", "p2"]
        await inside.until(lambda: len(receipts(inside)) == 2)
        streams.close()


async def test_a_page_a_day_old_calls_nobody_any_more(tmp_path):
    async with Inside(tmp_path) as inside, pages_of(inside) as out:
        streams = Streams(inside)
        streams.decides(page("old", t_ms=inside.now_ms - 24 * 3_600_000 - 1), page("young"))
        client = await siren(inside, POLICE)
        assert (await told(client))[2]["page"] == "young"
        await inside.until(lambda: receipts(inside))
        assert receipts(inside) == [("old", "gave-up", "siren-1/police")]
        assert out.given_up == 1
        streams.close()


async def test_many_pages_go_out_as_fast_as_they_are_taken(tmp_path):
    async with Inside(tmp_path) as inside, pages_of(inside):
        streams = Streams(inside)
        for n in range(60):
            streams.decides(*(page(f"{n}.{m}") for m in range(10)))
        client = await siren(inside, POLICE)
        found = []
        for _ in range(600):
            packet_id, _, said = await told(client)
            found.append(said["page"])
            take(client, packet_id)
        assert found == [f"{n}.{m}" for n in range(60) for m in range(10)]
        await inside.until(lambda: len(receipts(inside)) == 600)
        streams.close()


async def test_one_whose_missed_pages_were_deleted_goes_on_with_the_new(tmp_path):
    async with Inside(tmp_path) as inside, pages_of(inside) as out:
        streams = Streams(inside)
        streams.decides(page("deleted"))
        await inside.until(lambda: out.waiting()["siren-1/police"] == 1)
        streams.writer.append([], [("DELETE FROM outbox", [()])])
        client = await siren(inside, POLICE)
        await inside.until(lambda: out.waiting()["siren-1/police"] == 0)
        streams.decides(page("new"))
        assert (await told(client))[2]["page"] == "new"
        streams.close()


async def test_a_frame_that_is_damaged_hides_only_itself(tmp_path):
    async with Inside(tmp_path) as inside, pages_of(inside):
        streams = Streams(inside)
        client = await siren(inside, POLICE)
        streams.writer.append([(0, b"\xc1 no frame at all")])
        streams.decides(page("p1"))
        assert (await told(client))[2]["page"] == "p1"
        streams.close()


async def test_an_outbox_that_cannot_be_read_keeps_nobody_from_coming_in(tmp_path):
    async with Inside(tmp_path) as inside:
        (tmp_path / "streams.db").write_bytes(b"no database at all" * 500)
        async with pages_of(inside):
            client = await inside.client()
            client.publish()
            assert await client.answer() == b"\x40\x02\x00\x01"


class Broker:
    """A carrier that takes everything and answers when it is told to."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def send(self, page) -> int:
        self.sent.append(page.id)
        return len(self.sent)


async def test_a_broker_is_told_of_every_grid_and_role(tmp_path):
    async with Inside(tmp_path) as inside, pages_of(inside, with_broker=True) as out:
        streams = Streams(inside)
        broker = Broker()
        out.connect(BROKER, broker)
        streams.decides(page("p1", "worker"), page("p2", grid="g018"))
        await inside.until(lambda: len(broker.sent) == 2)
        # It sends again by itself what was under way when its connection went: here nothing is sent twice.
        out.disconnect(BROKER, keeps_what_is_under_way=True)
        out.connect(BROKER, broker)
        out.accepted(BROKER, 1)
        out.accepted(BROKER, 2)
        await inside.until(lambda: len(receipts(inside)) == 2)
        assert broker.sent == ["p1", "p2"]
        assert (await inside.stored()).page_cursors[(BROKER, 0)] == 1
        assert out.waiting()[BROKER] == 0
        streams.close()


async def test_a_hearer_that_another_gateway_served_meanwhile_goes_on_from_there(tmp_path):
    places: dict[tuple[str, int], int] = {}
    async with Inside(tmp_path) as inside, pages_of(inside, shared=places) as out:
        streams = Streams(inside)
        client = await siren(inside, POLICE)
        streams.decides(page("p1"))
        take(client, (await told(client))[0])
        await inside.until(lambda: receipts(inside))
        client.close()
        await inside.until(lambda: not out._carriers)
        streams.decides(page("p2"), page("p3"))
        streams.decides(page("p4"))
        places["siren-1/police", 0] = 2  # p2 and p3 it has heard elsewhere
        client = await siren(inside, POLICE)
        assert (await told(client))[2]["page"] == "p4"
        streams.close()


async def test_while_another_gateway_tells_the_broker_nothing_is_published_here(tmp_path):
    places: dict[tuple[str, int], int] = {}
    async with Inside(tmp_path) as inside, pages_of(inside, with_broker=True, shared=places) as out:
        out.hold(BROKER)
        out.hold(BROKER)
        streams = Streams(inside)
        broker = Broker()
        out.connect(BROKER, broker)
        streams.decides(page("p1"))
        streams.decides(page("p2"))
        await asyncio.sleep(0.1)
        assert broker.sent == []
        places[BROKER, 0] = 1  # the other one told p1 before it went
        out.release(BROKER)
        await inside.until(lambda: broker.sent)
        assert broker.sent == ["p2"]
        out.hold(BROKER)
        streams.decides(page("p3"))
        await asyncio.sleep(0.1)
        assert broker.sent == ["p2"]
        streams.close()


async def test_what_waits_is_counted_in_frames_not_by_offsets_that_begin_at_a_time(tmp_path):
    async with Inside(tmp_path) as inside:
        # The place of a siren that has been away since before the file was made again.
        inside.gate.add([], [HeardTo({("siren-1/police", 0): 3, ("siren-1/worker", 0): 3})])
        await inside.durable()
        db = StreamsDb(inside.folder / "streams.db")
        db.close()
        streams = Streams(inside)
        # Another partition's frames stand between ours, in the same numbers.
        for name in ("p1", "p2", "p3"):
            streams.writer.append([(1, encode_outbox([page("elsewhere", grid="g999")]))])
            streams.decides(page(name), ring=False)
        async with pages_of(inside) as out:
            assert out._newest[0] > 1_600_000_000_000
            assert out.waiting() == {"siren-1/police": 3, "siren-1/worker": 3}
            client = await siren(inside, POLICE)
            for _ in range(3):
                packet_id, _, _ = await told(client)
                take(client, packet_id)
            await inside.until(lambda: out.waiting()["siren-1/police"] == 0)
            assert out.waiting()["siren-1/worker"] == 3
        streams.close()


def test_nobody_counts_further_than_is_worth_it(tmp_path, monkeypatch):
    monkeypatch.setattr("gateway.edge.box._MOST_COUNTED", 4)
    writer = SqliteWriter(tmp_path / "streams.db", "outbox")
    offsets = writer.append([(0, b"x")] * 9)
    reader = BoxOutbox(tmp_path / "streams.db", "outbox")
    assert [reader.count(0, offsets[n], offsets[-1]) for n in (0, 4, 6, 8)] == [4, 4, 2, 0]
    assert reader.count(1, 0, offsets[-1]) == 0
    reader.close()
    writer.close()
